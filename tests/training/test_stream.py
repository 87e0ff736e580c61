"""Packs as batches: what is wrong with one is told in a line, whichever process makes it."""

from functools import partial
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


@pytest.mark.parametrize(
    ("workers", "tokens", "says"),
    [
        (0, 10, r"a: \[tokens, supervised\] is \[11, 2\], measured \[10, 2\]; run the measurement again"),
        (0, 11, "pdf:56x56: no page 8; the document has 3"),
        (1, 11, "pdf:56x56: no page 8; the document has 3"),
    ],
)
def test_an_example_that_is_not_what_was_measured_is_one_line(workers: int, tokens: int, says: str):
    shown: Any = {"answer": (asked("find A", Image("pdf:56x56", 7)), answered("7"))}
    example = Example(id="a", task="t", cluster="c", sources=(), conversations=shown)
    encoder = Encoder({"a": example}, PROXY, partial(Torn, grey=True), View(), Shard())
    pack = Pack(id=0, examples=("a",), lengths=(tokens,), supervised=(2,))
    with pytest.raises(DataError, match=f"^{says}$"):
        next(Stream([pack], encoder, 256, 256, workers=workers).batches(0))
