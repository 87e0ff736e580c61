"""Files of public data sets in their official formats, made for a test."""

import base64
import csv
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from mmprolong.conversations import Image, Text
from mmprolong.evaluation.benchmarks import Benchmark, Inputs
from mmprolong.records import Reject, Sample, Score
from tests.images.pictures import picture_bytes, write_picture


def questions(benchmark: Benchmark, root: Path) -> tuple[list[Sample], list[Reject]]:
    """What a benchmark gives under the name `set`."""
    found = list(benchmark.samples("set", Inputs(data_root=root)))
    return [each for each in found if isinstance(each, Sample)], [each for each in found if isinstance(each, Reject)]


def shown(sample: Sample) -> str:
    """The user's turn, with <image> for each image."""
    turn = next(message for message in sample.prompt if message.role == "user")
    return "".join(part.text if isinstance(part, Text) else "<image>" for part in turn.parts)


def images(sample: Sample) -> list[Image]:
    """The images of a sample."""
    return [part for message in sample.prompt for part in message.parts if isinstance(part, Image)]


def score(value: float, parsed: str = "A", reason: str = "", length: str = "1K", **facts: Any) -> Score:
    """A mark of a question whose answer is A."""
    return Score(
        sample="s",
        benchmark="b",
        task="t",
        length=length,
        cluster="c",
        target="A",
        value=value,
        parsed=parsed,
        reason=reason,
        facts=facts,
    )


def write_lines(path: Path, records: Iterable[Any]) -> Path:
    """One JSON object a line; text as it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join((each if isinstance(each, str) else json.dumps(each)) + "\n" for each in records))
    return path


def write_json(path: Path, value: Any) -> Path:
    """One JSON value."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))
    return path


def write_parquet(path: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    """A Parquet file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(list(rows)).to_parquet(path)
    return path


def write_tsv(path: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    """A TSV file in VLMEvalKit's form; columns are those of all rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = list(rows)
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, delimiter="\t", lineterminator="\n")
        table.writerow(columns)
        table.writerows([row.get(name, "") for name in columns] for row in rows)
    return path


def encoded(width: int = 40) -> str:
    """A picture as a TSV file has it."""
    return base64.b64encode(picture_bytes((width, 30))).decode()


def write_frames(folder: Path, seconds: int, size: tuple[int, int] = (320, 240)) -> Path:
    """A film as a folder with one image for each second."""
    for second in range(seconds):
        write_picture(folder / f"{second:04}.jpg", size)
    return folder
