from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas
import pytest

from mmprolong.errors import ArtifactError
from mmprolong.evaluation.score import metrics
from mmprolong.records import Score
from mmprolong.reporting.results.parquet import read_results, write_results
from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.results.store import read_store
from mmprolong.reporting.tables.paper_tables import table_of
from tests.store_inputs import LENGTHS


@pytest.fixture(scope="module")
def runs(store: Path) -> Runs:
    return read_store(store, "length_dist")


def test_what_is_written_is_read_back_from_one_small_file(runs: Runs, tmp_path: Path):
    marked = replace(runs, stale=("uniform",), remarks=("so",))
    path = write_results(tmp_path / "items.parquet", marked)
    found = read_results(path)
    assert path.stat().st_size < 100_000
    assert found == replace(marked, store=None, plan=replace(runs.plan, steps={}))
    assert path.read_bytes() == write_results(tmp_path / "again.parquet", found).read_bytes()
    assert table_of(read_results(path)).rows == table_of(marked).rows


def test_a_row_is_an_answer_that_any_tool_reads(runs: Runs, tmp_path: Path):
    found: Any = pandas.read_parquet(write_results(tmp_path / "items.parquet", runs))
    assert {"run", "label", "seed", "depth", *Score.__dataclass_fields__} == set(found.columns)
    assert len(found) == sum(map(len, runs.results.values()))
    assert found["depth"].between(0, 1).all()
    means = found.groupby(["run", "length", "task"])["value"].mean().groupby("run").mean()
    for step, scores in runs.results.items():
        assert means[step] == pytest.approx(metrics(scores, LENGTHS)["overall"])


@pytest.mark.parametrize("damage", [b"", b"run,label\n", b"PAR1PAR1", "cut", "foreign", None])
def test_a_damaged_file_is_one_line(runs: Runs, tmp_path: Path, damage: bytes | str | None):
    path = tmp_path / "items.parquet"
    if damage == "foreign":
        pandas.DataFrame({"a": [1]}).to_parquet(path)
    elif damage is not None:
        whole = write_results(path, runs).read_bytes()
        path.write_bytes(whole[:-100] if isinstance(damage, str) else damage)
    with pytest.raises(ArtifactError, match=r"items\.parquet: .+; expected results of this version") as caught:
        read_results(path)
    assert "\n" not in str(caught.value)


def test_a_bit_that_falls_over_is_never_read_as_another_number(runs: Runs, tmp_path: Path):
    """Not all bytes of a file matter; those that do are told."""
    path = write_results(tmp_path / "items.parquet", runs)
    whole, told = path.read_bytes(), 0
    expected = read_results(path)
    for place in range(0, len(whole), len(whole) // 60):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        try:
            assert read_results(path) == expected
        except ArtifactError:
            told += 1
    assert told > 15
