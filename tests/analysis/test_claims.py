from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from mmprolong.config.groups import CLAIMS, PUBLISHED, config_dir, files_in
from mmprolong.errors import ConfigError
from mmprolong.reporting.claims.claim import Claim, PublishedSides, RunSides, decide, read_claims
from mmprolong.reporting.claims.judge import (
    JudgedClaim,
    claims_table,
    judge_claims,
    judge_published,
    judge_runs,
    judge_store,
)
from mmprolong.reporting.statistics.intervals import Estimate
from mmprolong.reporting.tables.published import Published, signed
from mmprolong.sweep.ablation import read_ablation
from tests.analysis.runs import runs_of
from tests.stores import Truth, write_store

PAPER = Published(files_in(PUBLISHED))
ALL = {claim.name: claim for claim in read_claims()}
MADE = Claim(
    claim="made",
    source="made",
    metric="overall",
    conditions="made",
    direction="higher",
    size=1.0,
    published=PublishedSides(table="x", arm={}, columns=[]),
    runs=RunSides(ablation="made", arm=["a"], baseline=["b"]),
)


BARE = {"table": "mmprolong_rope_base", "arm": {"base": ["8e6"]}, "columns": ["64K avg"]}


@pytest.mark.parametrize(
    ("direction", "low", "high", "expected"),
    [
        ("higher", 0.1, 2.0, "supported"),
        ("higher", -0.1, 2.0, "too small to tell"),
        ("higher", -2.0, -0.1, "contradicted"),
        ("lower", -2.0, -0.1, "supported"),
        ("lower", 0.1, 2.0, "contradicted"),
        ("not_lower", -0.9, 3.0, "supported"),
        ("not_lower", -1.1, 3.0, "too small to tell"),
        ("not_lower", -3.0, -1.1, "contradicted"),
        ("alike", -0.9, 0.9, "supported"),
        ("alike", -0.9, 1.1, "too small to tell"),
        ("alike", 1.1, 3.0, "contradicted"),
    ],
)
def test_the_verdict_is_where_the_interval_lies(direction: str, low: float, high: float, expected: str):
    claim = replace(MADE, direction=direction, margin=1.0)
    found = Estimate(value=(low + high) / 200, low=low / 100, high=high / 100, p=0.0)
    assert decide(claim, [found]) == expected


@pytest.mark.parametrize(
    ("lows", "clear", "expected"),
    [
        ([0.5, 0.2], [True, True], "supported"),
        ([0.5, 0.2], [True, False], "too small to tell"),
        ([0.5, -0.2], [True, False], "too small to tell"),
        ([0.5, -3.0], [True, True], "contradicted"),
    ],
)
def test_the_best_must_beat_every_other_and_is_refuted_by_one(lows: list[float], clear: list[bool], expected: str):
    claim = replace(MADE, direction="best")
    differences = [
        Estimate(value=low + 1, low=low, high=low + 2, p=float(not one)) for low, one in zip(lows, clear, strict=True)
    ]
    assert decide(claim, differences) == expected


@pytest.mark.parametrize("name", sorted(ALL))
def test_a_claim_stands_on_printed_numbers_of_its_size(name: str):
    found = judge_published(ALL[name], PAPER)
    assert min(abs(abs(100 * one.value) - abs(ALL[name].size)) for one in found.differences) < 0.06
    assert ALL[name].published.questions or ALL[name].published.noise
    assert (ALL[name].runs is None) == bool(ALL[name].needs)


@pytest.mark.parametrize("name", sorted(name for name, claim in ALL.items() if claim.runs))
def test_a_claim_asks_arms_that_the_ablation_has(name: str):
    asked = ALL[name].runs
    assert asked is not None
    assert {*asked.arm, *asked.baseline} <= set(read_ablation(asked.ablation).arms)


def test_both_papers_are_covered():
    papers = [claim.source.partition(",")[0].partition(" (")[0] for claim in ALL.values()]
    assert papers.count("arXiv 2605.13831") >= 25 and papers.count("arXiv 2602.15257") >= 15


def test_an_hundred_questions_a_cell_carry_seven_points_and_not_one():
    assert judge_published(ALL["recipe_gains_seven_points"], PAPER).verdict == "supported"
    assert judge_published(ALL["balanced_lengths_win"], PAPER).verdict == "too small to tell"


def test_the_printed_interval_is_the_binomial_bound():
    """Counting at 128K: 8.67 against 16.33 of a hundred questions."""
    (found,) = judge_published(ALL["needle_counting_falls_at_128k"], PAPER).differences
    spread = (0.0867 * 0.9133 / 100 + 0.1633 * 0.8367 / 100) ** 0.5
    assert found.high - found.value == pytest.approx(1.96 * spread, rel=1e-3)


def test_repeats_of_an_evaluation_give_the_printed_noise():
    (found,) = judge_published(ALL["page_indices_help"], PAPER).differences
    assert found.value - found.low == pytest.approx(1.96 * 0.0033 * 2**0.5, rel=1e-3)


def test_a_claim_without_runs_says_what_would_run_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    found = judge_store(ALL["ratio_8_2_is_best"], Path("store"))
    assert (found.verdict, found.command) == ("not run", "python -m mmprolong.sweep +ablation=extraction_ratio")


def test_a_claim_whose_ablation_does_not_exist_yet_waits_for_it(tmp_path: Path):
    found = judge_store(ALL["page_indices_help"], tmp_path)
    assert (found.verdict, found.command) == ("waiting", "no ablation yet: the group page_index")
    gone = replace(MADE, runs=RunSides(ablation="made", arm=["a"], baseline=["b"]))
    assert judge_store(gone, tmp_path).verdict == "waiting"


@pytest.mark.parametrize(
    ("chances", "expected"),
    [({"a": 0.8, "b": 0.4}, "supported"), ({"a": 0.4, "b": 0.8}, "contradicted"), ({"a": 0.5, "b": 0.505}, "too")],
)
def test_runs_with_a_known_truth_get_its_verdict(chances: dict[str, float], expected: str):
    runs = runs_of(chances, ["reasoning"], ["1x", "2x"], "b", seeds=3, documents=20)
    assert MADE.runs is not None
    found = judge_runs(MADE, MADE.runs, runs)
    assert found.verdict.startswith(expected) and len(found.runs) == 6
    assert found.command.startswith(f"mmprolong {'power' if expected == 'too' else 'report'} made")


def test_a_length_is_named_by_its_role():
    runs = runs_of({"a": 0.9, "b": 0.3}, ["reasoning"], ["1x", "2x", "4x"], "b", seeds=2, documents=10)
    for point in runs.plan.points:
        point.config["suite"]["trained"] = "2x"
    questions = {
        role: judge_runs(MADE, RunSides(ablation="made", arm=["a"], baseline=["b"], length=role), runs).differences
        for role in ("shortest", "trained", "beyond", "overall", "4x")
    }
    assert questions["beyond"] == questions["4x"] != questions["shortest"]
    missing = judge_runs(MADE, RunSides(ablation="made", arm=["a"], baseline=["b"], length="64K"), runs)
    assert (missing.verdict, missing.notes) == ("not run", ("made: length 64K is not evaluated, only 1x, 2x, 4x.",))


def test_a_claim_is_about_some_benchmarks_or_tasks_alone():
    chances = {"a": 0.9, "b": 0.3}
    runs = runs_of(chances, ["find", "count"], ["1x", "2x"], "b", seeds=2, documents=10, benchmarks=["docs", "films"])
    asked = RunSides(ablation="made", arm=["a"], baseline=["b"])
    (of_all,) = judge_runs(MADE, asked, runs).differences
    parts = [judge_runs(MADE, replace(asked, of=[name]), runs).differences[0] for name in ("docs", "films")]
    assert of_all.value == pytest.approx(sum(one.value for one in parts) / 2)
    assert judge_runs(MADE, replace(asked, of=["docs"], length="2x"), runs).differences[0].value != parts[0].value
    missing = judge_runs(MADE, replace(asked, of=["docs", "words"]), runs)
    assert missing.notes == ("made: docs, words at length overall is not evaluated, only 1x, 2x.",)


def test_labels_that_are_averaged_count_alike_whichever_runs_are_finished():
    """Of one side two rows: with one run of `b` and three of `a`, the mean of the runs would be `a`'s."""
    runs = runs_of({"a": 0.9, "b": 0.5, "base": 0.6}, ["reasoning"], ["1x"], "base", seeds=3, documents=30)
    rows = RunSides(ablation="made", arm=["a", "b"], baseline=["base"])
    kept = {step: one for step, one in runs.results.items() if step not in ("heldout-b-s1", "heldout-b-s2")}
    for found in (judge_runs(MADE, rows, runs), judge_runs(MADE, rows, replace(runs, results=kept))):
        assert found.differences[0].value == pytest.approx(0.1, abs=0.06)


def test_what_differs_between_labels_that_are_taken_together_is_no_spread_of_seeds():
    runs = runs_of({"a": 0.9, "b": 0.5, "c": 0.6, "d": 0.6}, ["reasoning"], ["1x"], "c", seeds=3, documents=40)
    apart = judge_runs(MADE, RunSides(ablation="made", arm=["a", "b"], baseline=["c"]), runs)
    single = judge_runs(MADE, RunSides(ablation="made", arm=["a"], baseline=["c"]), runs)
    widths = [found.differences[0].high - found.differences[0].low for found in (apart, single)]
    assert len(apart.runs) == 9 and widths[0] < 1.5 * widths[1]


def test_a_side_of_one_label_is_judged_by_the_runs_that_are_finished_and_says_which_are_not():
    runs = runs_of({"a": 0.9, "b": 0.3}, ["reasoning"], ["1x"], "b", seeds=3, documents=20)
    part = replace(runs, results={step: one for step, one in runs.results.items() if step != "heldout-a-s2"})
    found = judge_runs(MADE, RunSides(ablation="made", arm=["a"], baseline=["b"]), part)
    assert found.verdict == "supported" and "Missing: a (seed 2)." in found.notes[0]


@pytest.mark.parametrize("launched", [True, False])
def test_a_misspelt_row_of_a_claim_names_the_nearest(tmp_path: Path, launched: bool):
    store = write_store(tmp_path, Truth(documents=2, questions=2, seeds=1)) if launched else tmp_path
    asked = RunSides(ablation="length_dist", arm=["unifrom"], baseline=["base"])
    claim = replace(ALL["balanced_lengths_win"], runs=asked)
    told = "claim balanced_lengths_win: 'unifrom' is no row of length_dist; did you mean 'uniform'"
    with pytest.raises(ConfigError, match=told):
        judge_store(claim, store)


def test_a_row_that_was_not_launched_yet_is_said(tmp_path: Path):
    levels = {"pool_native": (0.9, 0.1), "uniform": (0.8, 0.1)}
    store = write_store(tmp_path, Truth(levels=levels, documents=2, questions=2, seeds=1))
    found = judge_store(ALL["balanced_lengths_win"], store)
    assert found.verdict == "not run"


def test_what_was_typed_at_the_launch_is_said_of_a_claim():
    runs = runs_of({"a": 0.9, "b": 0.3}, ["reasoning"], ["1x"], "b", documents=12)
    runs = replace(runs, plan=replace(runs.plan, overrides=("+ablation=made", "tasks=2_8")))
    assert MADE.runs is not None
    assert any("made: Launched with tasks=2_8" in note for note in judge_runs(MADE, MADE.runs, runs).notes)


def test_a_claim_that_is_judged_on_stale_rows_says_so():
    runs = replace(runs_of({"a": 0.9, "b": 0.3, "c": 0.3}, ["t"], ["1x"], "b"), stale=("a",))
    for baseline, stale in (("b", True), ("c", False)):
        asked = RunSides(ablation="made", arm=["a" if stale else "b"], baseline=[baseline])
        found = judge_runs(MADE, asked, runs)
        one = JudgedClaim(claim=MADE, published=judge_published(ALL["page_indices_help"], PAPER), runs=found)
        assert claims_table([one]).rows[0][7].text.endswith(" stale") == stale
        assert any("stale (a)" in note for note in found.notes)


def test_claims_are_judged_by_the_store(tmp_path: Path):
    store = write_store(tmp_path, Truth(documents=12))
    names = ["balanced_lengths_win", "vqa_beats_transcription"]
    judged = {one.claim.name: one for one in judge_claims(store, names)}
    assert len(judged["balanced_lengths_win"].runs.runs) == 6
    assert judged["balanced_lengths_win"].runs.verdict == "supported"
    assert judged["vqa_beats_transcription"].runs.verdict == "not run"
    table = claims_table(list(judged.values()))
    assert table.notes[0] == (
        "By the printed numbers: 1 too small to tell, 1 supported. By our runs: 1 supported, 1 not run."
    )
    assert "score-pool_native-s0" in judged["balanced_lengths_win"].runs.runs


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"directions": "higher"}, "directions: unknown; did you mean 'direction'"),
        ({"direction": "hihger"}, "direction: 'hihger'; did you mean 'higher'"),
        ({"direction": "alike"}, "margin: 0.0; say how many points count"),
        ({"size": "large"}, "size: 'large'; should be a valid number"),
        ({"published": BARE}, r"published.questions: \[\]; give one number for each column, or noise"),
    ],
)
def test_a_wrong_claim_file_is_one_line(tmp_path: Path, change: dict, reason: str):
    block = msgspec.yaml.decode(files_in(CLAIMS)["rope_8x_is_too_much"].read_bytes())
    (tmp_path / CLAIMS).mkdir(parents=True)
    (tmp_path / CLAIMS / "made.yaml").write_bytes(msgspec.yaml.encode(block | change))
    with config_dir(str(tmp_path)), pytest.raises(ConfigError, match=reason) as caught:
        read_claims(["made"])
    assert "\n" not in str(caught.value)


def test_a_misspelt_claim_names_the_nearest():
    with pytest.raises(ConfigError, match="claim: 'page_indices_helps' is unknown; did you mean 'page_indices_help'"):
        read_claims(names=["page_indices_helps"])


def test_of_a_claim_against_several_rows_the_smallest_lead_is_shown():
    runs = runs_of({"a": 0.5, "b": 0.5, "c": 0.49, "d": 0.51}, ["reasoning"], ["1x", "2x"], "b", documents=12)
    asked = RunSides(ablation="made", arm=["a"], baseline=["b", "c", "d"])
    found = judge_runs(replace(MADE, direction="best"), asked, runs)
    one = JudgedClaim(claim=MADE, published=judge_published(ALL["page_indices_help"], PAPER), runs=found)
    smallest = 100 * min(one.value for one in found.differences)
    assert claims_table([one]).cell("made", "ours").text.startswith(f"{signed(smallest)} [")
