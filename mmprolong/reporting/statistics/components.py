"""What makes the difference of two arms uncertain, taken apart: documents, questions, answers, seeds.

A score is a mean over cells; its questions are compared after the mean of their cell is taken away. What two arms make
of a document or a question differs lastingly (it stays when seeds are added) or by chance (it is another in each seed).
Either part is split by whether questions on one document move together. Methods of moments; a negative estimate is 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from mmprolong.errors import FeasibilityError
from mmprolong.records import Score
from mmprolong.reporting.sources.runs import Result, Runs
from mmprolong.reporting.statistics.outcomes import constraints

if TYPE_CHECKING:
    from numpy import ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Components:
    """Variances of the headline score's difference, each for one unit of what it is named after; scores in [0, 1].

    With D documents, q questions on each and r the sum of 1/seeds over the trained arms, the variance of a difference
    is document/D + question/(D q) + r (document_noise/D + question_noise/(D q) + seed).
    """

    document: float
    """Lasting, shared by the questions on one document."""
    question: float
    """Lasting, of single questions."""
    document_noise: float
    """Another in each seed, shared by the questions on one document."""
    question_noise: float
    """Another in each seed, of single questions."""
    seed: float
    """Of a whole run: what every question has in common."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Arms that were measured and the variances that they show."""

    components: Components
    seeds: int
    """Of the arm with most."""
    documents: int
    questions: float
    """On each document."""
    constraints: int
    """Degrees of freedom that the cells' means take from the documents."""
    sides: int
    """Arms of a comparison that have seeds: 2, or 1 where the baseline is a model that was not trained."""
    arms: int
    """Arms of the table that have seeds."""


@dataclass(frozen=True)
class _Arm:
    """Answers of one arm, a row a seed, with the mean of each cell taken away."""

    centred: "ndarray"
    overall: "ndarray"


@dataclass(frozen=True)
class _Frame:
    """The questions that all arms answer."""

    document: "ndarray"
    """Number of each question's document."""
    cell: "ndarray"
    share: "ndarray"
    """Weight of each question in the headline score."""
    constraints: int


def components(runs: Runs) -> Sample:
    """The variances of differences to the baseline, mean over the arms of a finished sweep.

    Raises:
        FeasibilityError: fewer than two arms have results with single questions, or none has two seeds.
    """
    import numpy as np

    found = {label: results for label in runs.plan.labels if (results := _with_questions(runs, label))}
    baseline = runs.plan.baseline
    if baseline not in found or len(found) < 2:
        raise FeasibilityError(
            f"power {runs.plan.ablation}: needs results of {baseline} and another arm; run the sweep"
        )
    if max(map(len, found.values())) < 2:
        raise FeasibilityError(
            f"power {runs.plan.ablation}: no arm has two seeds; their spread cannot be known from one"
        )
    frame = _frame(found[baseline][0].scores, runs.overall)
    arms = {label: _arm(results, frame, runs.overall) for label, results in found.items()}
    noise = [_noise(arm, frame) for arm in arms.values() if len(arm.overall) > 1]
    document_noise, question_noise, seed = (float(np.mean(part)) for part in zip(*noise, strict=True))
    lasting = [
        _lasting(arm, arms[baseline], frame, document_noise, question_noise)
        for label, arm in arms.items()
        if label != baseline
    ]
    document, question = (max(float(np.mean(part)), 0.0) for part in zip(*lasting, strict=True))
    parts = (document, question, max(document_noise, 0.0), max(question_noise, 0.0), max(seed, 0.0))
    count = int(frame.document.max()) + 1
    return Sample(
        components=Components(**dict(zip((field.name for field in fields(Components)), parts, strict=True))),
        seeds=max(len(arm.overall) for arm in arms.values()),
        documents=count,
        questions=len(frame.document) / count,
        constraints=frame.constraints,
        sides=1 + (runs.planned(baseline) > 1),
        arms=sum(runs.planned(label) > 1 for label in found),
    )


def _with_questions(runs: Runs, label: str) -> list[Result]:
    return [result for result in runs.of(label) if result.scores]


def _frame(scores: Sequence[Score], lengths: Sequence[str]) -> _Frame:
    import numpy as np

    asked = _asked(scores, lengths)
    documents, cells = (sorted({key(score) for score in asked}) for key in (lambda one: one.document, _cell))
    document = np.array([documents.index(score.document) for score in asked])
    cell = np.array([cells.index(_cell(score)) for score in asked])
    tasks = [sum(length == other for other, _ in cells) for length, _ in cells]
    share = np.array([1 / len(lengths) / tasks[index] for index in cell]) / np.bincount(cell)[cell]
    counts = np.zeros((len(documents), len(cells)))
    np.add.at(counts, (document, cell), 1)
    return _Frame(document=document, cell=cell, share=share, constraints=constraints(counts))


def _asked(scores: Sequence[Score], lengths: Sequence[str]) -> list[Score]:
    return sorted((score for score in scores if score.length in lengths), key=lambda score: score.sample)


def _cell(score: Score) -> tuple[str, str]:
    return score.length, score.task


def _arm(results: Sequence[Result], frame: _Frame, lengths: Sequence[str]) -> _Arm:
    import numpy as np

    values = np.array([[score.value for score in _asked(result.scores, lengths)] for result in results])
    counts = np.bincount(frame.cell)
    means = np.stack([np.bincount(frame.cell, row) / counts for row in values])
    return _Arm(centred=values - means[:, frame.cell], overall=values @ frame.share)


def _noise(arm: _Arm, frame: _Frame) -> tuple[float, float, float]:
    """Variances of one run: document, question, seed."""
    count = len(arm.overall)
    private = (arm.centred - arm.centred.mean(0)) * (count / (count - 1)) ** 0.5
    document, question = (sum(part) / count for part in zip(*(_split(row, frame) for row in private), strict=True))
    between = float(arm.overall.var(ddof=1))
    documents = int(frame.document.max()) + 1
    return document, question, between - document / documents - question / len(frame.document)


def _lasting(
    arm: _Arm, baseline: _Arm, frame: _Frame, document_noise: float, question_noise: float
) -> tuple[float, float]:
    """Variances of the difference of two arms that more seeds would leave."""
    document, question = _split(arm.centred.mean(0) - baseline.centred.mean(0), frame)
    chance = sum(1 / len(one.overall) for one in (arm, baseline) if len(one.overall) > 1)
    return document - chance * document_noise, question - chance * question_noise


def _split(values: "ndarray", frame: _Frame) -> tuple[float, float]:
    """What questions on one document share, and the rest, as variances of the headline for one document or question."""
    import numpy as np

    weighted = values * frame.share
    documents = int(frame.document.max()) + 1
    together, apart = np.bincount(frame.document, frame.share), frame.share
    free = documents / max(documents - frame.constraints, 1)
    by_document = free * float((np.bincount(frame.document, weighted) ** 2).sum())
    by_question = float((weighted**2).sum()) * len(values) / max(len(values) - len(set(frame.cell.tolist())), 1)
    block, single = float((together**2).sum()), float((apart**2).sum())
    if block <= single * (1 + 1e-9):
        return by_document * documents, 0.0
    shared = (by_document - by_question) / (block - single)
    return shared * block * documents, (by_question - shared * single) * len(values)
