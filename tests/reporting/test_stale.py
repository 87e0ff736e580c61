"""Rows whose runs are not what the ablation would plan today are marked, and only those."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mmprolong.pipeline.plan import Plan, load_plan, save_plan
from mmprolong.records import Cell
from mmprolong.reporting.claims.judge import judge_claims
from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.results.store import mark_stale, read_store
from mmprolong.reporting.results.wandb import read_wandb
from mmprolong.reporting.tables.paper_tables import table_of
from mmprolong.store.environment import code_of
from mmprolong.store.store import Store
from mmprolong.sweep.planning import make_plan
from tests.analysis.runs import answered
from tests.reporting.test_wandb import PROJECT, fill
from tests.store_inputs import LENGTHS
from tests.stores import rewrite, write_scores
from tests.wandb_server import WandbServer

OVERRIDES = ["+ablation=length_dist", "sweep.seeds=[0,1]", "sources.heldout.documents=7"]

WITHOUT_UNIFORM = ("~sweep.points.uniform", "+sweep.points.tilted=['length_distribution=uniform']")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A launched sweep of which two rows are finished."""
    plan = make_plan([*OVERRIDES, f"paths.store={tmp_path}"])[0]
    save_plan(Store(tmp_path), plan)
    finish(tmp_path, plan, "pool_native", 0.8)
    finish(tmp_path, plan, "uniform", 0.6)
    return tmp_path


def finish(store: Path, plan: Plan, label: str, chance: float) -> None:
    cells = [Cell("heldout", "reasoning", length) for length in LENGTHS]
    for point in plan.of(label):
        write_scores(store, point.steps["score.heldout"], list(answered(chance, cells, point.seed, documents=4)))


def launched_otherwise(store: Path, *overrides: str) -> Plan:
    """The same runs, as if the file or a stage had been another when they were launched."""
    plan = load_plan(Store(store), "length_dist")
    save_plan(Store(store), replace(plan, overrides=(*OVERRIDES, *overrides)))
    return plan


def marked(store: Path) -> Runs:
    return mark_stale(read_store(store, "length_dist"), store)


def test_what_would_be_planned_today_is_not_stale(store: Path):
    runs = marked(store)
    assert (runs.stale, runs.remarks) == ((), ())
    assert not any("stale" in note for note in table_of(runs).notes)


def test_rows_of_which_a_step_has_another_id_are_marked(store: Path):
    launched_otherwise(store, "phases.longpt.optimizer.peak_lr=0.001")
    table = table_of(marked(store))
    stale = [row[0].text for row in table.rows if "stale" in table.cell(row[0].text, "marks").text]
    assert stale == ["pool_native", "uniform"]
    (note,) = (note for note in table.notes if note.startswith("stale"))
    typed = [*quoted(OVERRIDES), "phases.longpt.optimizer.peak_lr=0.001", f"paths.store={store}"]
    assert note.endswith("python -m mmprolong.sweep " + " ".join(typed))


def quoted(words: list[str]) -> list[str]:
    return [f"'{word}'" if "[" in word else word for word in words]


def test_a_row_that_is_not_in_the_file_any_more_is_stale_and_a_new_one_is_named(store: Path):
    launched_otherwise(store, *WITHOUT_UNIFORM)
    runs = marked(store)
    assert runs.stale == ("uniform",)
    assert runs.remarks == ("In the ablation file but not launched: tilted (seed 0), tilted (seed 1).",)


@pytest.mark.parametrize(
    ("overrides", "says"),
    [(["phases.longpt.gone=1"], "gone: unknown"), (["corpus.path=/nowhere"], "is not a folder")],
)
def test_where_it_cannot_be_known_that_is_said(store: Path, overrides: list[str], says: str):
    launched_otherwise(store, *overrides)
    runs = marked(store)
    assert not runs.stale
    assert runs.remarks[0].startswith("Not known whether rows are stale: ") and says in runs.remarks[0]


@pytest.fixture(params=["store", "api"])
def read(request: pytest.FixtureRequest, store: Path, server: WandbServer) -> Callable[[], Runs]:
    """Read the finished runs of a store from each place where they may lie."""
    if request.param == "api":
        fill(server, store)
        return lambda: read_wandb(store, "length_dist", PROJECT)
    return lambda: read_store(store, "length_dist")


def test_from_every_source_the_same_rows_are_stale(store: Path, read: Callable[[], Runs]):
    assert not mark_stale(read(), store).stale
    launched_otherwise(store, *WITHOUT_UNIFORM)
    runs = mark_stale(read(), store)
    assert runs.stale == ("uniform",)
    assert runs.remarks == ("In the ablation file but not launched: tilted (seed 0), tilted (seed 1).",)


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        ([*OVERRIDES, "corpus.path=/nowhere"], "'/nowhere' is not a"),
        ([], "no ablation was chosen"),
    ],
    ids=["no pool", "no overrides"],
)
def test_from_every_source_what_cannot_be_known_is_said(
    store: Path, read: Callable[[], Runs], overrides: list[str], says: str
):
    plan = load_plan(Store(store), "length_dist")
    save_plan(Store(store), replace(plan, overrides=tuple(overrides)))
    runs = mark_stale(read(), store)
    assert runs.remarks[0].startswith("Not known whether rows are stale: ") and says in runs.remarks[0]
    assert not runs.stale


def edit_notes(store: Path, changed: dict[str, str]) -> list[str]:
    """The notes on edits where score steps of `stamps` ran with today's code, but for `changed`."""
    for point in load_plan(Store(store), "length_dist").points:
        (path,) = (f"score/{step}" for step in point.scores.values())
        if (store / path).is_dir():
            code = code_of("mmprolong.evaluation.score") | changed
            rewrite(store, path, code=code, all_settings={"scorer": {"name": "stamps"}})
    return [note for note in table_of(marked(store)).notes if note.startswith("Edited")]


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({}, ""),
        ({"evaluation/scorers/mlvu.py": "0", "evaluation/reply.py": "0"}, ""),
        ({"evaluation/scorers/stamps.py": "0"}, "evaluation/scorers/stamps.py;"),
        ({"evaluation/average.py": "0", "llm/flows.py": "0+1"}, "evaluation/average.py, llm/flows.py;"),
    ],
    ids=["none", "other plug-ins and stages", "scorer", "what it imports"],
)
def test_an_edit_without_a_new_version_is_a_note(store: Path, changed: dict, says: str):
    notes = edit_notes(store, changed)
    assert [note.partition(" the numbers")[0] for note in notes] == (
        [f"Edited since score ran, without a new version: {says}"] if says else []
    )


def test_an_edited_default_is_a_note(store: Path):
    """Of a step that has the id of today, and ran with another value."""
    point = load_plan(Store(store), "length_dist").of("uniform")[0]
    rewrite(store, f"score/{point.scores['heldout']}", all_settings={"judge": {"model": "m"}})
    (remark,) = marked(store).remarks
    assert "judge was {'model': 'm'} when it ran, and is None by default today" in remark


def test_claims_say_it(store: Path):
    finish(store, launched_otherwise(store, "phases.longpt.optimizer.peak_lr=0.001"), "long_biased", 0.4)
    told = "stale (pool_native, long_biased, uniform): the settings or a stage have changed"
    (claim,) = judge_claims(store, ["balanced_lengths_win"])
    assert claim.runs.stale and any(told in note for note in claim.runs.notes)
