"""Replies right and wrong, beside their questions, for a reader."""

from pathlib import Path

from mmprolong.errors import DataError
from mmprolong.pipeline.plan import Point
from mmprolong.pipeline.steps import stage_of
from mmprolong.records import Reply, Sample
from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.tables.model import Table, text_table
from mmprolong.store.jsonl import read_jsonl
from mmprolong.store.store import Store


def replies_table(store: Path, runs: Runs, point: Point, count: int = 5) -> Table:
    """Make a table of up to `count` wrong and as many right replies of a run, spread over lengths and tasks.

    Raises:
        ArtifactError, DataError: a file is damaged, or its step is gone.
    """
    result = runs.result(point)
    ordered = sorted(result.scores if result else (), key=lambda score: (runs.lengths.index(score.length), score.task))
    sides = ([score for score in ordered if (score.value >= 0.5) == right] for right in (False, True))
    chosen = [score for side in sides for score in side[:: max(len(side) // count, 1)][:count]]
    replies, questions = {}, {}
    for name in point.scores if chosen else ():
        for reply in read_jsonl(_folder(store, point, f"reply.{name}") / "replies.jsonl", Reply):
            replies[name, reply.sample] = reply.text + " … cut" * reply.cut
        for sample in read_jsonl(_folder(store, point, f"samples.{name}") / "samples.jsonl", Sample):
            asked = (message.text for message in sample.prompt if message.role != "system")
            questions[name, sample.id] = " ".join(asked).strip()
    columns = ("length", "task", "question", "expected", f"reply of {point.name}", "score")
    keyed = [((score.benchmark, score.sample), score) for score in chosen]
    # a prompt that could not be sent has a score and no reply
    rows = (
        (one.length, one.task, questions[key], one.target, replies.get(key, one.reason), f"{one.value:.2f}")
        for key, one in keyed
    )
    return text_table(columns, rows)


def _folder(store: Path, point: Point, role: str) -> Path:
    """Return the folder of a run's step, its files compared with its record."""
    stage, step = stage_of(role), point.steps[role]
    if Store(store).verified(stage, step) is None:
        raise DataError(f"{store / stage / step}: no finished step; sweep again to show what it made")
    return store / stage / step
