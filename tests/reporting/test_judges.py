"""Agreement of judges, and scores that human labels correct."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mmprolong.errors import ConfigError, DataError, FeasibilityError
from mmprolong.records import Cell, Score
from mmprolong.reporting.statistics.judges import corrected_mean, judged_mean, kappa
from mmprolong.reporting.tables.judges import judges_table, read_labels
from mmprolong.store.jsonl import write_jsonl
from tests.cli.typed import said

CELL = Cell("docs", "find", "64K")


def marked(number: int, value: float, **also: float) -> Score:
    return Score(
        sample=str(number),
        benchmark=CELL.benchmark,
        task=CELL.task,
        length=CELL.length,
        cluster=f"d{number // 4}",
        target="x",
        value=value,
        parsed="x",
        also=also,
    )


def test_kappa_is_agreement_beyond_chance():
    first = [1.0] * 25 + [0.0] * 25
    second = [1.0] * 20 + [0.0] * 5 + [1.0] * 10 + [0.0] * 15
    assert kappa(first, second) == pytest.approx(0.4)  # Cohen's example: 35 of 50 alike, 25 by chance
    assert kappa(first, first) == 1 and kappa([1.0, 0.0], [0.0, 1.0]) == -1
    assert kappa([1.0, 1.0], [1.0, 1.0]) is None and kappa([], []) is None


def drawn(rng: np.random.Generator) -> tuple[list[Score], dict[str, float]]:
    """240 replies on 60 documents that are right in 60 %, a judge that takes a quarter of the wrong ones for right,
    and 60 human labels."""
    hard = rng.normal(0, 0.5, 60).repeat(4)
    right = rng.random(240) < np.clip(0.6 + 0.2 * hard, 0, 1)
    judged = np.where(right, rng.random(240) > 0.05, rng.random(240) < 0.25)
    chosen = rng.choice(240, 60, replace=False)
    return [marked(n, float(one)) for n, one in enumerate(judged)], {str(n): float(right[n]) for n in chosen}


def test_labels_correct_a_biased_judge_and_the_interval_keeps_its_promise():
    """Simulated: the corrected interval holds the truth as often as it says, the judge's own does not."""
    rng = np.random.default_rng(20261130)
    held, alone, widths = 0, 0, []
    for _ in range(300):
        scores, labels = drawn(rng)
        naive, corrected = judged_mean(scores), corrected_mean(scores, labels)
        held += corrected.low <= 0.6 <= corrected.high
        alone += naive.low <= 0.6 <= naive.high
        widths.append((naive.high - naive.low, corrected.high - corrected.low, corrected.value))
    assert 0.92 <= held / 300 <= 0.985
    assert alone / 300 < 0.65
    means = np.mean(widths, axis=0)
    assert means[1] > means[0] and means[2] == pytest.approx(0.6, abs=0.01)


def test_labels_of_a_judge_that_is_always_right_leave_its_score():
    scores = [marked(number, float(number % 3 > 0)) for number in range(80)]
    labels = {score.sample: score.value for score in scores[::2]}
    found = corrected_mean(scores, labels)
    assert found.value == pytest.approx(judged_mean(scores).value)
    assert found.high - found.low > judged_mean(scores).high - judged_mean(scores).low


def test_labels_on_one_document_correct_nothing():
    with pytest.raises(FeasibilityError, match="on fewer than two documents"):
        corrected_mean([marked(number, 1.0) for number in range(8)], {"0": 1.0, "1": 0.0})


def test_a_table_has_the_range_of_scores_and_the_agreement_of_all():
    scores = [
        marked(
            number, float(number % 2), **{"judge": float(number % 2), "judge/other": float(number % 4 > 0), "rule": 0.2}
        )
        for number in range(40)
    ]
    scores[0] = replace(scores[0], also={"judge/other": 0.0, "rule": 0.2})  # the first judge gave no verdict
    made = judges_table(scores, {"1": 1.0, "6": 0.0, "11": 1.0})
    assert [row[0].text for row in made.rows] == ["judge", "judge/other", "rule"]
    assert [made.cell(name, "n").value for name in ("judge", "judge/other")] == [39, 40]
    assert made.cell("judge", "kappa judge/other").value == made.cell("judge/other", "kappa judge").value
    assert made.cell("judge", "kappa human").value == 1
    assert any("between 51.3 and 75.0 %" in note for note in made.notes)


def test_scores_without_a_judge_are_refused():
    with pytest.raises(ConfigError, match="no reply was judged"):
        judges_table([marked(1, 1.0, rule=1.0)], {})


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ('{"sample": "9", "value": 1}', "is no sample of these scores"),
        ('{"sample": "1", "value": 2}', r"give each sample one value in \[0, 1\]"),
        ('{"sample": "1", "value": 1}\n{"sample": "1", "value": 0}', ":2: '1': 0.0; give each sample one"),
        ('{"sample": "1"}', "expected a HumanLabel"),
    ],
)
def test_a_wrong_label_is_named(lines: str, says: str, tmp_path: Path):
    (tmp_path / "labels.jsonl").write_text(lines)
    with pytest.raises(DataError, match=says):
        read_labels(tmp_path / "labels.jsonl", [marked(1, 1.0)])


def test_the_command_prints_the_table_or_json(capsys, tmp_path: Path):
    scores = [marked(number, float(number % 2), judge=float(number % 2), rule=0.5) for number in range(40)]
    write_jsonl(tmp_path / "scores.jsonl", scores)
    (tmp_path / "labels.jsonl").write_text("".join(f'{{"sample": "{n}", "value": 1}}\n' for n in range(0, 40, 5)))
    words = "judges", str(tmp_path), "--labels", str(tmp_path / "labels.jsonl")
    assert "prediction-powered" in said(capsys, *words)
    row = json.loads(said(capsys, *words, "--json"))["rows"][0]
    assert row["score"]["value"] == pytest.approx(50) and row["corrected"]["value"] > 90
