"""The results of an ablation in one small file that can be committed: gzipped JSON, the same bytes every time."""

import gzip
import json
import zlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec

from mmprolong.errors import ArtifactError
from mmprolong.pipeline.plan import Plan
from mmprolong.records import Score
from mmprolong.reporting.sources.origins import Origin
from mmprolong.reporting.sources.questions import require_same_questions
from mmprolong.reporting.sources.runs import BenchmarkResult, Runs, comparable
from mmprolong.store.atomic import write_file

FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answers:
    """One run."""

    metrics: dict[str, Any]
    values: tuple[float, ...]
    """In the order of the questions; empty where single questions were not kept."""
    parsed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Snapshot:
    format: int
    plan: Plan
    questions: tuple[tuple[str, str, str, str, float, str, str], ...]
    """Sample, document, task, length, depth, target, scorer: the same for all runs."""
    results: dict[str, _Answers]
    origins: dict[str, Origin] = field(default_factory=dict)
    """What made the steps behind the results, by id."""
    stale: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def write_snapshot(runs: Runs, path: Path) -> None:
    """Write the plan and every result; the plan's steps are left out.

    Raises:
        ArtifactError: the runs answered different questions, or to different scorers: a snapshot holds one set.
    """
    answers = {step: result.scores for step, result in runs.results.items()}
    require_same_questions(runs.plan, answers)
    asked = next((result.scores for result in runs.results.values() if result.scores), ())
    order = {score.sample: place for place, score in enumerate(asked)}
    snapshot = _Snapshot(
        format=FORMAT,
        plan=replace(runs.plan, steps={}),
        questions=tuple(
            (one.sample, one.document, one.task, one.length, one.depth, one.target, one.scorer) for one in asked
        ),
        results={name: _answers(runs.results[name], order) for name in sorted(runs.results)},
        origins={name: runs.origins[name] for name in sorted(runs.origins)},
        stale=tuple(sorted(runs.stale)),
        remarks=runs.remarks,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_file(path, gzip.compress(msgspec.json.encode(snapshot), mtime=0))


def read_snapshot(path: Path, mixed_code: bool = False) -> Runs:
    """The runs as they were when the snapshot was written.

    Args:
        mixed_code: whether results of different code may stand in one table.

    Raises:
        ArtifactError: the file is missing, damaged or of another format.
    """
    try:
        text = gzip.decompress(path.read_bytes())
        found = json.loads(text).get("format")
    except (OSError, EOFError, zlib.error, ValueError, AttributeError) as error:
        raise ArtifactError(f"{path}: {error}; expected a snapshot, a gzipped JSON object") from error
    if found != FORMAT:
        raise ArtifactError(f"{path}: format {found!r}; this version reads {FORMAT}")
    try:
        snapshot = msgspec.json.decode(text, type=_Snapshot)
        results = {name: _result(name, one, snapshot) for name, one in snapshot.results.items()}
    except (msgspec.DecodeError, ValueError) as error:
        raise ArtifactError(f"{path}: {error}; write the snapshot again") from error
    runs = Runs(
        plan=snapshot.plan,
        results=results,
        origins=snapshot.origins,
        stale=frozenset(snapshot.stale),
        remarks=snapshot.remarks,
    )
    return comparable(runs, mixed_code)


def _answers(result: BenchmarkResult, order: dict[str, int]) -> _Answers:
    scores = sorted(result.scores, key=lambda score: order[score.sample])
    return _Answers(
        metrics=result.metrics,
        values=tuple(score.value for score in scores),
        parsed=tuple(score.parsed for score in scores),
    )


def _result(name: str, one: _Answers, snapshot: _Snapshot) -> BenchmarkResult:
    asked = snapshot.questions if one.values else ()
    scores = tuple(
        Score(
            sample=sample,
            document=document,
            task=task,
            length=length,
            depth=depth,
            value=value,
            parsed=parsed,
            target=target,
            scorer=scorer,
        )
        for (sample, document, task, length, depth, target, scorer), value, parsed in zip(
            asked, one.values, one.parsed, strict=True
        )
    )
    return BenchmarkResult(id=name, metrics=one.metrics, scores=scores)
