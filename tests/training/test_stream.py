"""Packs as batches: what is wrong with one is told in a line, whichever process makes it."""

from functools import partial
from multiprocessing import active_children
from typing import Any

import numpy as np
import pytest

from mmprolong.conversations import Image
from mmprolong.errors import DataError
from mmprolong.models.network import Shard
from mmprolong.records import Example, Pack
from mmprolong.settings.knobs import View
from mmprolong.training.stream import Encoder, Stream
from tests.models.tiny import Drawn, answered, asked
from tests.training.material import PROXY


class Torn(Drawn):
    """Pages of which one is gone."""

    def pixels(self, image: Image) -> np.ndarray:
        raise DataError(f"{image.source}: no page {image.index + 1}; the document has 3")


class Lost(Drawn):
    """Pages of a file system that has failed."""

    def pixels(self, image: Image) -> np.ndarray:
        raise OSError("the disk is gone")


def stream_of(images: type[Drawn], tokens: int, workers: int) -> Stream:
    shown: Any = {"answer": (asked("find A", Image("pdf:56x56", 7)), answered("7"))}
    example = Example(id="a", task="t", cluster="c", sources=(), conversations=shown)
    encoder = Encoder({"a": example}, PROXY, partial(images, grey=True), View(), Shard())
    pack = Pack(id=0, examples=("a",), lengths=(tokens,), supervised=(2,))
    return Stream([pack], encoder, 256, 256, workers=workers)


@pytest.mark.parametrize(
    ("workers", "tokens", "says"),
    [
        (0, 10, r"a: \[tokens, supervised\] is \[11, 2\], measured \[10, 2\]; run the measurement again"),
        (0, 11, "pdf:56x56: no page 8; the document has 3"),
        (1, 11, "pdf:56x56: no page 8; the document has 3"),
    ],
)
def test_an_example_that_is_not_what_was_measured_is_one_line(workers: int, tokens: int, says: str):
    with pytest.raises(DataError, match=f"^{says}$"):
        next(stream_of(Torn, tokens, workers).batches(0))


def test_a_worker_that_meets_a_fault_of_the_system_ends_with_the_stream():
    stream, others = stream_of(Lost, 11, workers=1), active_children()
    with pytest.raises(OSError, match="the disk is gone"):  # which pytest holds, and with it the loader
        next(stream.batches(0))
    stream.close()
    made = [process for process in active_children() if process not in others]
    for process in made:
        process.join(20)
    assert not any(process.is_alive() for process in made)
