import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from mmprolong.errors import ArtifactError, ConfigError
from mmprolong.records import Score, read_jsonl
from mmprolong.reporting.sources import wandb_offline
from mmprolong.reporting.sources.runs import read_store
from mmprolong.reporting.sources.snapshots import write_snapshot
from mmprolong.reporting.sources.wandb_files import read_runs
from mmprolong.reporting.sources.wandb_offline import read_wandb
from mmprolong.reporting.statistics.contrasts import estimates
from mmprolong.reporting.tables.paper_tables import table_of
from tests.offline import mirror
from tests.stores import Truth, rewrite, write_scores, write_store

SMALL = {"documents": 4, "questions": 2, "seeds": 2}


def test_a_point_without_result_is_missing_not_zero(store: Path):
    runs = read_store(store, "length_dist")
    assert [(point.label, point.seed) for point in runs.missing] == [("uniform", 2)]
    assert len(runs.of("uniform")) == 2 and runs.planned("uniform") == 3


def test_seeds_that_change_nothing_are_one_run(store: Path):
    runs = read_store(store, "length_dist")
    assert runs.planned("base") == len(runs.of("base")) == 1


def test_a_row_of_which_no_run_finished_has_no_score(tmp_path: Path):
    missing = frozenset({("uniform", 0), ("uniform", 1)})
    runs = read_store(write_store(tmp_path, Truth(missing=missing, **SMALL)), "length_dist")
    table = table_of(runs)
    assert "uniform" not in estimates(runs, runs.average)
    assert {table.cell("uniform", key).text for key in ("overall", "interval", "delta", "p_holm", "1x")} == {"-"}


def test_a_misspelt_ablation_names_the_nearest(store: Path):
    with pytest.raises(ConfigError, match="did you mean 'length_dist'"):
        read_store(store, "lenght_dist")


def test_a_damaged_record_is_one_line_that_says_what_to_do(tmp_path: Path):
    store = write_store(tmp_path, Truth(**SMALL))
    (store / "score" / "score-uniform-s0" / "done.json").write_text('{"id": 3')
    with pytest.raises(ArtifactError, match=r"done\.json: .*; delete the folder") as caught:
        read_store(store, "length_dist")
    assert "\n" not in str(caught.value)


def test_results_on_different_questions_are_not_compared(tmp_path: Path):
    store = write_store(tmp_path, Truth(**SMALL))
    scores = list(read_jsonl(store / "score" / "score-uniform-s1" / "scores.jsonl", Score))
    write_scores(store, "score-uniform-s1", scores[1:])
    with pytest.raises(ArtifactError, match="answers 39 questions, not the 40"):
        read_store(store, "length_dist")


@pytest.mark.parametrize(("field", "other"), [("cluster", "elsewhere"), ("task", "copying"), ("target", "99")])
def test_other_questions_under_the_same_ids_are_not_compared(tmp_path: Path, field: str, other: object):
    store = write_store(tmp_path, Truth(**SMALL))
    first, *rest = read_jsonl(store / "score" / "score-uniform-s1" / "scores.jsonl", Score)
    write_scores(store, "score-uniform-s1", [replace(first, **{field: other}), *rest])
    told = rf"length_dist: uniform \(seed 1\), .* has {field} {other!r} where base \(seed 0\), .* \(1 of 40"
    with pytest.raises(ArtifactError, match=told) as caught:
        read_store(store, "length_dist")
    assert str(caught.value).endswith("give all rows one corpus and one suite, and sweep again")


def test_a_record_whose_means_are_not_those_of_its_scores_is_damaged(tmp_path: Path):
    store = write_store(tmp_path, Truth(**SMALL))
    metrics = {"by_task": {"extract_single": {}, "reasoning": {}}}
    rewrite(store, "score/score-uniform-s1", metrics=metrics)
    with pytest.raises(ArtifactError, match=r"scores\.jsonl: the mean of .* is .*, in its record None; delete"):
        read_store(store, "length_dist")


def test_a_snapshot_is_not_written_of_runs_with_other_questions(tmp_path: Path):
    runs = read_store(write_store(tmp_path, Truth(**SMALL)), "length_dist")
    last = runs.results["score-uniform-s1"]
    other = replace(last, scores=tuple(replace(score, target="99") for score in last.scores))
    with pytest.raises(ArtifactError, match="has target '99' where"):
        write_snapshot(replace(runs, results={**runs.results, other.id: other}), tmp_path / "made.json.gz")
    assert not (tmp_path / "made.json.gz").exists()


def test_what_is_missing_is_as_many_as_the_title_says(tmp_path: Path):
    missing = frozenset((label, seed) for label in Truth().levels for seed in range(2))
    runs = read_store(write_store(tmp_path, Truth(missing=missing, **SMALL)), "length_dist")
    assert sum(map(runs.planned, runs.plan.labels)) == len(runs.missing) == 9
    (sentence,) = table_of(runs).finding
    assert sentence.count("seed") == 9 and sentence.startswith("0 of 9 runs")


def test_offline_wandb_files_give_the_same_arms_as_the_store(tmp_path: Path):
    truth = Truth(levels={"pool_native": (0.9, 0.1), "uniform": (0.8, 0.1)}, wandb=True, **SMALL)
    store = write_store(tmp_path, truth)
    offline, disk = read_wandb(store / "wandb", "length_dist"), read_store(store, "length_dist")
    assert estimates(offline, offline.average) == estimates(disk, disk.average)


def test_many_offline_runs_are_read_side_by_side_with_the_same_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    truth = Truth(levels={"pool_native": (0.9, 0.1), "uniform": (0.8, 0.1)}, wandb=True, **SMALL)
    store = write_store(tmp_path, truth)
    alone = read_wandb(store / "wandb", "length_dist").results
    (store / "cache" / "offline-length_dist.parquet").unlink()
    monkeypatch.setattr(wandb_offline, "ALONE", 1)
    assert alone and read_wandb(store / "wandb", "length_dist").results == alone
    next((store / "wandb").glob("offline-run-*/run-*.wandb")).write_bytes(b"PK\x03\x04 and more")
    with pytest.raises(ArtifactError, match="expected an offline file of W&B"):
        read_wandb(store / "wandb", "length_dist")


def test_a_script_without_a_guard_reads_many_runs_too(tmp_path: Path):
    truth = Truth(levels={"pool_native": (0.9, 0.1)}, wandb=True, **SMALL)
    store = write_store(tmp_path, truth)
    script = tmp_path / "read.py"
    script.write_text(
        "from pathlib import Path\n"
        "from mmprolong.reporting.sources import wandb_offline\n"
        "wandb_offline.ALONE = 1\n"
        f"print(len(wandb_offline.read_wandb(Path({str(store / 'wandb')!r}), 'length_dist').results))\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=100, check=True)
    assert done.stdout == "2\n"


def test_means_alone_give_scores_without_intervals(tmp_path: Path):
    truth = Truth(levels={"pool_native": (0.9, 0.1), "uniform": (0.8, 0.1)}, **SMALL)
    store = write_store(tmp_path, truth)
    disk = read_store(store, "length_dist")
    for result in disk.results.values():
        mirror(store, "length_dist", result.id, result.metrics, [])
    bare, own = (table_of(runs) for runs in (read_wandb(store / "wandb", "length_dist"), disk))
    for key in ("overall", "delta", "n", "1x"):
        assert bare.cell("uniform", key).value == pytest.approx(own.cell("uniform", key).value), key
    assert bare.cell("uniform", "interval").text == "-" != own.cell("uniform", "interval").text


def test_a_torn_wandb_file_is_read_up_to_the_tear(tmp_path: Path):
    truth = Truth(levels={"pool_native": (0.9, 0.1)}, documents=60, seeds=1, wandb=True)
    store = write_store(tmp_path, truth)
    path = next((store / "wandb").glob("offline-run-*/run-*.wandb"))
    whole = read_runs(store / "wandb")["score-pool_native-s0"].history
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    torn = read_runs(store / "wandb")["score-pool_native-s0"].history
    assert len(whole) == 1200 and 0 < len(torn) < 1200 and torn == whole[: len(torn)]
    assert read_wandb(store / "wandb", "length_dist").results == {}


def test_a_requeued_run_counts_each_step_once(tmp_path: Path):
    truth = Truth(levels={"pool_native": (0.9, 0.1)}, wandb=True, documents=4, questions=2, seeds=1)
    store = write_store(tmp_path, truth)
    folder = next((store / "wandb").glob("offline-run-*"))
    again = folder.with_name(re.sub(r"\d{8}_\d{6}", "20990101_000000", folder.name))
    again.mkdir()
    for file in folder.glob("*.wandb"):
        (again / file.name).write_bytes(file.read_bytes())
    assert len(read_runs(store / "wandb")["score-pool_native-s0"].history) == 40


def test_a_file_that_is_not_of_wandb_is_refused(tmp_path: Path):
    (tmp_path / "offline-run-1-x").mkdir()
    (tmp_path / "offline-run-1-x" / "run-x.wandb").write_bytes(b"PK\x03\x04 and more")
    with pytest.raises(ArtifactError, match="expected an offline file of W&B"):
        read_runs(tmp_path)


def test_of_seeds_that_change_nothing_the_first_is_shown(store: Path):
    assert [point.seed for point in read_store(store, "length_dist").plan.of("base")] == [0]
