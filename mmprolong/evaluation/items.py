"""Everything about one question, its reply and its marks in one row of Parquet: for any tool, and to score again."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmprolong import plugins
from mmprolong.errors import DataError
from mmprolong.records import Reply, Sample, Score
from mmprolong.settings.stages import ScoreSettings
from mmprolong.store.atomic import replacing

FILE = "items.parquet"
_TEXT = (
    *("sample", "benchmark", "task", "length", "cluster", "question", "gold", "format", "begun", "reply", "parsed"),
    *("scorer", "judge", "prompt", "reason", "marks", "facts"),
)
_KEPT = ("sample", "benchmark", "task", "length", "cluster", "begun", "question")
_NUMBERS = {
    **dict.fromkeys(("depth", "value", "judge_temperature"), "float64"),
    **dict.fromkeys(("scorer_version", "judge_max_tokens", "prompt_tokens", "reply_tokens"), "int64"),
    **dict.fromkeys(("malformed", "unparsed", "cut"), "bool_"),
}
"""`length` is nominal, `prompt_tokens` the real one; null where there is no reply, no judge or no depth."""


def write_items(
    path: Path, samples: Sequence[Sample], scores: Sequence[Score], replies: Mapping[str, Reply], how: ScoreSettings
) -> None:
    """Write a row a question; `gold`, `marks` (every mark by name) and `facts` are JSON.

    Raises:
        DiskFull: names the file.
    """
    import pyarrow
    from pyarrow.parquet import write_table

    types = {**dict.fromkeys(_TEXT, "string"), **_NUMBERS}
    schema = pyarrow.schema([(name, getattr(pyarrow, kind)()) for name, kind in types.items()])
    rows = [_row(*one, replies.get(one[0].id), how) for one in zip(samples, scores, strict=True)]
    with replacing(path) as file:
        write_table(pyarrow.Table.from_pylist(rows, schema=schema), file, compression="zstd")


def read_items(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows that have a reply, as stored replies to score again: `gold`, `pred`, `answer_format` and facts.

    Raises:
        DataError: it is no such file.
    """
    import pyarrow
    from pyarrow.parquet import ParquetFile

    try:
        with ParquetFile(path) as file:
            for batch in file.iter_batches():
                for row in batch.to_pylist():
                    if row["reply"] is not None:
                        yield {
                            **json.loads(row["facts"]),
                            **{
                                name: row[name]
                                for name in ("sample", "benchmark", "task", "length", "cluster", "begun")
                            },
                            "question": row["question"],
                            "gold": json.loads(row["gold"]),
                            "pred": row["reply"],
                            "answer_format": row["format"],
                        }
    except (OSError, KeyError, ValueError, pyarrow.ArrowException) as error:
        raise DataError(f"{path}: {error}; expected items of a score step") from error


def _row(sample: Sample, score: Score, reply: Reply | None, how: ScoreSettings) -> dict[str, Any]:
    last = sample.prompt[-1] if sample.prompt else None
    chosen = plugins.identity("mmprolong.evaluation.scorers", how.scorer, "scorer")
    judge = how.judge if score.judge else None
    depth = sample.facts.get("depth")
    return {
        **{name: getattr(score, name) for name in ("sample", "benchmark", "task", "length", "cluster", "value")},
        **{name: getattr(score, name) for name in ("parsed", "malformed", "unparsed", "judge", "prompt", "reason")},
        "question": str(sample.facts.get("question") or " ".join(turn.text for turn in sample.prompt)),
        "gold": json.dumps(sample.gold.answer),
        "format": sample.gold.format,
        "begun": last.text if last and last.role == "assistant" else "",
        "depth": float(depth) if isinstance(depth, int | float) else None,
        "scorer": json.dumps(chosen, sort_keys=True),
        "scorer_version": chosen["version"],
        "marks": json.dumps({"value": score.value, **score.also}, sort_keys=True),
        "facts": json.dumps(sample.facts, sort_keys=True),
        "judge_temperature": judge.sampling.temperature if judge else None,
        "judge_max_tokens": judge.sampling.max_tokens if judge else None,
        "reply": reply.text if reply else None,
        "prompt_tokens": reply.prompt_tokens if reply else None,
        "reply_tokens": reply.reply_tokens if reply else None,
        "cut": reply.cut if reply else None,
    }
