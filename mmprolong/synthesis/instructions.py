"""Conversations about single and several images, from a folder in the layout of LLaVA-OneVision.

Rows have `conversations` of `{"from": "human" | "gpt", "value": ...}`, where `<image>` stands for an image, and
`image`: one path, a list of paths, or (Parquet) the bytes. Files are JSON, JSON lines or Parquet, at any depth of the
folder.
Source: huggingface.co/datasets/lmms-lab/LLaVA-OneVision-Data and M4-Instruct-Data.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec

from mmprolong.conversations import Image, Message, Part, Text
from mmprolong.errors import ConfigError, DataError
from mmprolong.records import Example, Gold, Reject
from mmprolong.settings.data import Source

VERSION = 1
TASKS = ("single_image", "multi_image", "text_only")
_PLACE = re.compile(r"\s*<image>\s*")
_ROLES = {"human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant", "system": "system"}
_ENDINGS = {".json", ".jsonl", ".parquet"}
_IMAGES = ("image", "images")


def find_files(root: str, dataset: str) -> list[Path]:
    """Return the files of a data set, sorted.

    Raises:
        ConfigError: there is none.
    """
    folder = Path(root).expanduser() / dataset
    files = sorted(path for path in folder.rglob("*") if path.suffix in _ENDINGS)
    if not root or not dataset or not files:
        raise ConfigError(
            f"{folder}: no .json, .jsonl or .parquet file; set corpus.image_root and the source's dataset"
        )
    return files


def write_instructions(path: Path, root: Path, source: Source) -> Iterator[Example | Reject]:
    """Yield the conversations of one file that are of the tasks of the source; a reject for each that is not whole.

    Args:
        root: folder in which the data sets lie; images are named from there.

    Raises:
        DataError: the file is damaged.
    """
    name = path.relative_to(root).as_posix()
    for number, row in enumerate(_rows(path)):
        what = f"{name}:{row.get('id', row.get('sample_id', number))}"
        images = list(_images(row, name, source.dataset, number))
        task = TASKS[min(len(images), 2) - 1] if images else "text_only"
        if task in source.tasks:
            yield _example(f"{source.seed}-{name}-{number}", what, task, images, row.get("conversations"), source)


def _rows(path: Path) -> Iterator[Mapping[str, Any]]:
    try:
        if path.suffix == ".parquet":
            from pyarrow.parquet import ParquetFile

            with ParquetFile(path) as file:
                names = [name for name in file.schema_arrow.names if name not in _IMAGES]
                held = [name for name in file.schema_arrow.names if name in _IMAGES]
                for batch in file.iter_batches(batch_size=64, columns=[*names, *held]):
                    yield from batch.to_pylist()
        elif path.suffix == ".jsonl":
            with path.open("rb") as file:
                yield from (msgspec.json.decode(line, type=dict[str, Any]) for line in file if line.strip())
        else:
            yield from msgspec.json.decode(path.read_bytes(), type=list[dict[str, Any]])
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: {error}; is it a whole file in the layout of LLaVA-OneVision?") from error


def _images(row: Mapping[str, Any], name: str, dataset: str, number: int) -> Iterator[Image]:
    """Yield the images of a row: files below the data set's folder, or cells of the table that the row is of."""
    for column in _IMAGES:
        found = row.get(column)
        for index, each in enumerate(found if isinstance(found, list) else [found] if found else []):
            if isinstance(each, str):
                yield Image(f"file:{PurePosixPath(dataset, each)}")
            else:
                yield Image(f"table:{name}#{column}@{number}", index)


def _example(
    identifier: str, what: str, task: str, images: Sequence[Image], turns: Any, source: Source
) -> Example | Reject:
    try:
        said = [(_ROLES[turn["from"]], str(turn["value"])) for turn in turns]
    except (TypeError, KeyError):
        return Reject(what=what, reason="not the layout of LLaVA-OneVision")
    asking = [role for role, _ in said if role != "system"]
    if not asking or asking != ["user", "assistant"] * (len(asking) // 2):
        return Reject(what=what, reason="questions and answers do not alternate")
    places = sum(len(_PLACE.findall(text)) for role, text in said if role == "user")
    if places not in (0, len(images)):
        return Reject(what=what, reason="images and places differ", detail=f"{len(images)} images, {places} places")
    left = iter(images)
    messages: list[Message] = []
    for role, text in said:
        first = list(left) if role == "user" and not places else []  # no place is named: before the first question
        parts = [*first, *_parts(text, left)] if role == "user" else [Text(text, learned=role == "assistant")]
        messages.append(Message(role, tuple(parts)))  # pyright: ignore[reportArgumentType]
    return Example(
        id=identifier,
        task=task,
        cluster=what,
        sources=tuple(dict.fromkeys(image.source for image in images)),
        conversations={"answer": tuple(messages)},
        gold=tuple(Gold(message.text) for message in messages if message.role == "assistant"),
        facts={"kind": source.dataset},
        origin=f"instructions-{VERSION}",
    )


def _parts(text: str, images: Iterator[Image]) -> Iterator[Part]:
    """Yield a question's text and images in the order in which it names them."""
    for number, piece in enumerate(_PLACE.split(text)):
        if number:
            yield next(images)
        if piece:
            yield Text(piece)
