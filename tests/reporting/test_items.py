from pathlib import Path

import pandas
import pytest

from mmprolong.errors import ArtifactError
from mmprolong.records import Score
from mmprolong.reporting.sources.items import Item, keep_items, read_items, write_items
from mmprolong.reporting.sources.origins import Origin
from mmprolong.reporting.sources.runs import Runs, read_store
from tests.disk import fill, small_disk
from tests.stores import BENCHMARK


@pytest.fixture(scope="module")
def runs(store: Path) -> Runs:
    return read_store(store, "length_dist")


@pytest.fixture(scope="module")
def items(runs: Runs) -> dict[str, Item]:
    origin = Origin(commit="0123abc", code={"evaluation/score.py": "0000"})
    return {name: Item(result=result, origin=origin, mark="1") for name, result in runs.results.items()}


def test_what_is_written_is_read_back(runs: Runs, items: dict[str, Item], tmp_path: Path):
    path = write_items(tmp_path / "items.parquet", runs.plan, items)
    assert read_items(path) == items
    assert path.read_bytes() == write_items(tmp_path / "again.parquet", runs.plan, items).read_bytes()


def test_a_row_is_an_answer_that_any_tool_reads(runs: Runs, items: dict[str, Item], tmp_path: Path):
    found = pandas.read_parquet(write_items(tmp_path / "items.parquet", runs.plan, items))
    assert list(found.columns) == ["run", "label", "seed", *Score.__dataclass_fields__]
    assert len(found) == sum(len(result.scores) for result in runs.results.values())
    means = found.groupby(["label", "seed", "length", "task"])["value"].mean().groupby(["label", "seed"]).mean()
    for point in runs.plan.points:
        if (result := runs.result(point)) and point.label != "base":
            expected = result.benchmarks[BENCHMARK].metrics["overall"]
            assert means[point.label, point.seed] == pytest.approx(expected)


def test_runs_without_single_questions_keep_their_means(runs: Runs, tmp_path: Path):
    result = next(iter(runs.results.values()))
    bare = {result.id: Item(result=type(result)(id=result.id, metrics=result.metrics))}
    assert read_items(write_items(tmp_path / "items.parquet", runs.plan, bare)) == bare


def test_a_cache_that_finds_no_room_is_done_without(runs: Runs, items: dict[str, Item], tmp_path: Path):
    with small_disk(tmp_path / "disk", "1m") as disk:
        fill(disk, 0)
        keep_items(disk / "items.parquet", runs.plan, items)
        assert [path.name for path in disk.iterdir()] == ["filler"]


def test_no_file_is_no_item(tmp_path: Path):
    assert read_items(tmp_path / "items.parquet") == {}


@pytest.mark.parametrize("damage", [b"", b"run,label\n", b"PAR1PAR1", "cut", "foreign"])
def test_a_damaged_file_is_one_line(runs: Runs, items: dict[str, Item], tmp_path: Path, damage: bytes | str):
    path = write_items(tmp_path / "items.parquet", runs.plan, items)
    if damage == "foreign":
        pandas.DataFrame({"a": [1]}).to_parquet(path)
    else:
        path.write_bytes(path.read_bytes()[:-100] if isinstance(damage, str) else damage)
    with pytest.raises(ArtifactError, match=r"items\.parquet: damaged \(.+\); delete it, it is made again") as caught:
        read_items(path)
    assert "\n" not in str(caught.value)


def test_a_bit_that_falls_over_is_never_read_as_another_number(runs: Runs, items: dict[str, Item], tmp_path: Path):
    """Not all bytes of a file matter; those that do are told."""
    path = write_items(tmp_path / "items.parquet", runs.plan, items)
    whole, told = path.read_bytes(), 0
    for place in range(0, len(whole), len(whole) // 60):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        try:
            assert read_items(path) == items
        except ArtifactError:
            told += 1
    assert told > 15
