import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mmprolong.errors import ArtifactError, ConfigError
from mmprolong.evaluation.score import metrics
from mmprolong.records import Score
from mmprolong.reporting.results.runs import Runs, plugin_versions
from mmprolong.reporting.results.store import read_store
from mmprolong.reporting.statistics.contrasts import estimates
from mmprolong.reporting.statistics.intervals import Estimate
from mmprolong.reporting.tables.notes import trust_notes
from mmprolong.reporting.tables.paper_tables import table_of
from mmprolong.store.jsonl import read_jsonl
from tests.store_inputs import LENGTHS
from tests.stores import Truth, rewrite, write_scores, write_store


def shown(runs: Runs) -> dict[str, Estimate]:
    return estimates(runs, runs.average)


SMALL: dict[str, Any] = {"documents": 4, "questions": 2, "seeds": 2}


def test_a_point_without_result_is_missing_not_zero(store: Path):
    runs = read_store(store, "length_dist")
    assert [(point.label, point.seed) for point in runs.missing] == [("uniform", 2)]
    assert len(runs.of("uniform")) == 2 and len(runs.plan.of("uniform")) == 3


def test_seeds_that_change_nothing_are_one_run(store: Path):
    runs = read_store(store, "length_dist")
    assert len(runs.plan.of("base")) == len(runs.of("base")) == 1


def test_a_row_of_which_no_run_finished_has_no_score(tmp_path: Path):
    missing = frozenset({("uniform", 0), ("uniform", 1)})
    runs = read_store(write_store(tmp_path, Truth(missing=missing, **SMALL)), "length_dist")
    assert "uniform" not in shown(runs) and "pool_native" in shown(runs)


def test_a_misspelt_ablation_names_the_nearest(store: Path):
    with pytest.raises(ConfigError, match="did you mean 'length_dist'"):
        read_store(store, "lenght_dist")


def test_a_damaged_record_is_one_line_that_says_what_to_do(tmp_path: Path):
    store = write_store(tmp_path, Truth(**SMALL))
    (store / "score" / "score-uniform-s0" / "done.json").write_text('{"id": 3')
    with pytest.raises(ArtifactError, match=r"done\.json: .*; delete the folder") as caught:
        read_store(store, "length_dist")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("step", "changes", "says"),
    [
        ("reply/reply-uniform-s1", {"version": 2}, "different versions of reply made steps of reply: 1 in reply/reply"),
        (
            "score/score-uniform-s1",
            {"settings": {"scorer": {"name": "exact_match", "version": 2}}},
            "different versions of scorer.exact_match made steps of score: 1 in score/score-base-s0 and 2 in score/",
        ),
        (
            "training/training-uniform-s1",
            {"settings": {"objective": {"name": "next_token", "version": 2}}},
            "objective.next_token",
        ),
    ],
)
def test_results_of_two_versions_are_not_compared(tmp_path: Path, step: str, changes: dict, says: str):
    store = write_store(tmp_path, Truth(**SMALL))
    for name in ("score-base-s0", "score-uniform-s0"):
        rewrite(store, f"score/{name}", settings={"scorer": {"name": "exact_match", "version": 1}})
    rewrite(store, "training/training-uniform-s0", settings={"objective": {"name": "next_token", "version": 1}})
    assert read_store(store, "length_dist").results
    rewrite(store, step, **changes)
    with pytest.raises(ArtifactError, match=re.escape(says)) as caught:
        read_store(store, "length_dist")
    assert "\n" not in str(caught.value)


def test_steps_of_mixed_origins_and_unknown_ones_are_notes(tmp_path: Path):
    store = write_store(tmp_path, Truth(**SMALL))
    for seed, version in enumerate(("2.13.0", "2.14.0")):
        rewrite(store, f"training/training-uniform-s{seed}", packages={"torch": version})
        rewrite(store, f"reply/reply-uniform-s{seed}", code={"evaluation/gone.py": f"{seed}"}, hardware="4 x GPU")
    runs = read_store(store, "length_dist")
    reply, training = sorted(trust_notes(runs))
    assert training == "Steps of training differ in torch: their last digits may differ."
    assert reply == "Steps of reply differ in hardware, evaluation/gone.py: their last digits may differ."
    (unknown,) = trust_notes(replace(runs, records={}))
    assert "steps are not known" in unknown


def test_versions_are_found_wherever_a_plug_in_is_chosen():
    view = {"renderer": {"name": "pymupdf", "version": 3, "gamma": 2}, "dpi": 144}
    settings = {"view": view, "source": {"tasks": ["a"]}, "versions": {"a": 7}, "judge": {"model": "m"}}
    assert plugin_versions(settings) == {"view.renderer.pymupdf": 3, "versions.a": 7}


@pytest.mark.parametrize(
    ("file", "says"),
    [
        ("score/score-uniform-s0/scores.jsonl", r"scores\.jsonl: has SHA-256"),
        ("score/score-uniform-s0/done.json", r"done\.json: does not have the content that its digest is of"),
        ("training/training-uniform-s0/done.json", r"done\.json: does not have the content that its digest is of"),
    ],
)
def test_one_digit_that_was_flipped_is_one_line(tmp_path: Path, file: str, says: str):
    store = write_store(tmp_path, Truth(**SMALL))
    text = (store / file).read_text()
    place = text.index("0.", text.index("value" if file.endswith("l") else "metrics"))
    (store / file).write_text(f"{text[:place]}1.{text[place + 2 :]}")
    with pytest.raises(ArtifactError, match=f"{says}.*delete the folder to run the step again"):
        read_store(store, "length_dist")


def test_a_mean_that_is_not_that_of_the_marks_is_one_line(tmp_path: Path):
    store = write_store(tmp_path, Truth(**SMALL))
    recorded = metrics(read_store(store, "length_dist").results["score-uniform-s0"], LENGTHS)
    rewrite(store, "score/score-uniform-s0", metrics={**recorded, "overall": 0.99})
    with pytest.raises(ArtifactError, match=r"overall is 0\.99, the marks in scores\.jsonl give"):
        read_store(store, "length_dist")


def test_results_on_different_questions_are_not_compared(tmp_path: Path):
    store = write_store(tmp_path, Truth(**SMALL))
    path = store / "score" / "score-uniform-s1" / "scores.jsonl"
    write_scores(store, "score-uniform-s1", list(read_jsonl(path, Score))[1:])
    with pytest.raises(ArtifactError, match=r"answered different questions of heldout \(39 and 40, 1 in one alone\)"):
        read_store(store, "length_dist")


@pytest.mark.parametrize(("field", "other"), [("cluster", "elsewhere"), ("task", "copying"), ("target", "99")])
def test_other_questions_under_the_same_ids_are_not_compared(tmp_path: Path, field: str, other: object):
    store = write_store(tmp_path, Truth(**SMALL))
    path = store / "score" / "score-uniform-s1" / "scores.jsonl"
    first, *rest = read_jsonl(path, Score)
    write_scores(store, "score-uniform-s1", [replace(first, **{field: other}), *rest])
    told = r"length_dist: uniform \(seed 1\), .* and base \(seed 0\) answered different questions .* 2 in one alone"
    with pytest.raises(ArtifactError, match=told) as caught:
        read_store(store, "length_dist")
    assert str(caught.value).endswith("give all rows one corpus and one suite, and sweep again")


def test_what_is_missing_is_as_many_as_the_title_says(tmp_path: Path):
    missing = frozenset((label, seed) for label in Truth().levels for seed in range(2))
    runs = read_store(write_store(tmp_path, Truth(missing=missing, **SMALL)), "length_dist")
    assert sum(len(runs.plan.of(label)) for label in runs.plan.labels) == len(runs.missing) == 9
    assert table_of(runs).title.endswith("(0 of 9 runs)")


def test_of_seeds_that_change_nothing_the_first_is_shown(store: Path):
    assert [point.seed for point in read_store(store, "length_dist").plan.of("base")] == [0]
