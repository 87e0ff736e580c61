"""Examples are counted in parts, in their order; one that cannot be counted is a reject and costs no other."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from mmprolong.conversations import Image, Message, Text
from mmprolong.errors import FeasibilityError
from mmprolong.images.documents import Document
from mmprolong.measurement import stage
from mmprolong.records import Example, Measured, Reject
from mmprolong.runtime.work import Work
from mmprolong.settings.stages import MeasurementSettings
from mmprolong.store.jsonl import read_jsonl, write_jsonl
from mmprolong.store.parquet import read_parquet
from tests.working import run_stage, work_in

EXAMPLES = 20_001


def example(number: int) -> Example:
    shown = [Image("pdf:gone")] if number == 7 else []
    asked = Message("user", (*shown, Text("find A " * (number % 3 + 1))))
    said = (asked, Message("assistant", (Text("7", learned=True),)))
    return Example(id=str(number), task="t", cluster="c", sources=(), conversations={"answer": said})


def working(folder: Path, numbers: Iterable[int]) -> Work:
    write_jsonl(folder / "examples.jsonl", map(example, numbers))
    write_jsonl(folder / "documents.jsonl", [Document(id="d", source="d.pdf", page_sizes=((1, 1),))])
    (folder / "pool.txt").write_text(str(folder))
    return work_in(folder / "out", corpus=folder, synthesis=folder)


def test_examples_are_counted_in_parts_and_stay_in_order(tmp_path: Path):
    work, settings = working(tmp_path, range(EXAMPLES)), MeasurementSettings()
    assert stage.parts(settings, work) == 2
    found = run_stage(stage, settings, work)
    rows = list(read_parquet(tmp_path / "out" / "measured.parquet", Measured))
    wanted = [number for number in range(EXAMPLES) if number != 7]
    assert [int(row.example) for row in rows] == wanted
    assert [row.tokens for row in rows] == [2 * (number % 3 + 1) + 3 for number in wanted]  # with two marks
    assert found["conversations"] == len(wanted) and found["supervised"] == 2 * len(wanted)
    (reject,) = read_jsonl(tmp_path / "out" / "rejects.jsonl", Reject)
    assert reject.what == "7" and "no such document" in reject.detail


def test_where_no_example_can_be_counted_the_first_reject_says_why(tmp_path: Path):
    with pytest.raises(FeasibilityError, match=r"none of 1 examples can be read: .* 1\)\]; 7: .*no such document"):
        run_stage(stage, MeasurementSettings(), working(tmp_path, [7]))
