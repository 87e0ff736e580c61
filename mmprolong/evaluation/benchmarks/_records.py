"""Records of public data sets, read one by one: what is broken costs itself alone, and is counted."""

import json
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Generic, TypeVar

import msgspec

from mmprolong.conversations import Image, Text
from mmprolong.errors import DataError
from mmprolong.images.image_files import SCHEME
from mmprolong.records import Reject, Sample

T = TypeVar("T")
UNREADABLE = "not an official record"
DEFECT = "defect"
"""Fact of a question that can be asked, and is flawed in its file: 'reason: detail', several joined by '; '."""
BEFORE, BEYOND, HIDDEN = "page before the first", "page beyond the document", "answer out of reach"
_ID_KEYS = ("id", "question_id", "questionId", "qa_id", "doc_id", "_id", "qid", "index")


class Refused(DataError):
    """One question cannot be asked.

    Args:
        reason: short and countable.
        detail: what was found.
    """

    def __init__(self, reason: str, detail: str) -> None:
        self.reason, self.detail = reason, detail
        super().__init__(f"{reason}: {detail}")


@dataclass(frozen=True, slots=True)
class LocatedRecord(Generic[T]):
    """One record and its place."""

    where: str
    """File, line and id: 'slidevqa_K8.jsonl:3 (id 17)'."""
    number: int
    """Place in the file, from 0."""
    record: T


def json_lines(path: Path) -> Iterator[tuple[str, int, bytes]]:
    """Yield where and at which place each line stands, and the line; blank ones are none."""
    with path.open("rb") as file:
        for number, line in enumerate(file):
            if line.strip():
                yield f"{path.name}:{number + 1}", number, line


def json_file(path: Path, kind: type[T]) -> T:
    """Return a file's JSON; NaN is allowed, it costs the record in which it stands.

    Raises:
        DataError: it is no JSON, or no `kind`.
    """
    try:
        found = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: {error}; expected the official questions") from error
    if not isinstance(found, kind):
        raise DataError(f"{path}: a {type(found).__name__}; expected the official {kind.__name__} of questions")
    return found


def json_items(path: Path, items: Iterable[Any]) -> Iterator[tuple[str, int, bytes]]:
    """Yield where and at which place each item of a JSON list stands, and the item."""
    for number, item in enumerate(items):
        yield f"{path.name}[{number}]", number, json.dumps(item).encode()


def parquet_rows(paths: Iterable[Path], kind: type[Any]) -> Iterator[tuple[str, int, bytes]]:
    """Yield where and at which place each row of Parquet files stands, and the row as JSON.

    Args:
        kind: of the records; only the columns that it has are read.

    Raises:
        DataError: a file is no Parquet, or lacks a column.
    """
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    wanted = msgspec.structs.fields(kind)
    number = 0
    for path in paths:
        try:
            with ParquetFile(path) as file:
                there = file.schema_arrow.names
                missing = [field.name for field in wanted if field.required and field.name not in there]
                if missing:
                    raise DataError(f"{path}: no column {missing[0]!r}; expected the official columns")
                columns = [field.name for field in wanted if field.name in there]
                batches = file.iter_batches(batch_size=256, columns=columns)
                for place, row in enumerate(row for batch in batches for row in batch.to_pylist()):
                    yield f"{path.name}[{place}]", number, msgspec.json.encode(row)
                    number += 1
        except (OSError, ArrowException) as error:
            raise DataError(f"{path}: {error}; expected the official questions") from error


def read_rows(lines: Iterable[tuple[str, int, bytes]], kind: type[T]) -> Iterator[LocatedRecord[T] | Reject]:
    """Yield the records of lines; a line that holds none becomes a reject."""
    decoder = msgspec.json.Decoder(kind)
    for where, number, line in lines:
        try:
            record = decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            yield Reject(what=named(where, _id_in(line)), reason=UNREADABLE, detail=str(error))
        else:
            yield LocatedRecord(named(where, _id_of(record)), number, record)


def ask(
    rows: Iterable[LocatedRecord[T] | Reject],
    make: Callable[[LocatedRecord[T]], Sample],
    key: Callable[[T], Any] = lambda _: None,
    cited: Callable[[T], Iterable[Any]] = lambda _: (),
) -> Iterator[Sample | Reject]:
    """Yield the question of each row; one that cannot be asked becomes a reject.

    Args:
        make: raises where a record does not make sense.
        key: tells questions apart; a second one with the key of one that is asked becomes a reject. None: never the
            same.
        cited: returns the pages of a record's gold evidence; a negative one becomes a reject as well, and the question
            is asked without it.
    """
    first: dict[str, str] = {}
    for row in rows:
        if isinstance(row, Reject):
            yield row
            continue
        found = key(row.record)
        if found is not None and str(found) in first:
            yield Reject(what=row.where, reason="duplicate id", detail=f"as {first[str(found)]}")
            continue
        for page in cited(row.record):
            if isinstance(page, int | float) and page < 0:
                yield Reject(what=row.where, reason="negative page", detail=f"evidence on page {page}")
        made = _made(row, make)
        yield made
        if found is not None and isinstance(made, Sample):
            first[str(found)] = row.where


def _made(row: LocatedRecord[T], make: Callable[[LocatedRecord[T]], Sample]) -> Sample | Reject:
    try:
        return make(row)
    except Refused as error:
        return Reject(what=row.where, reason=error.reason, detail=error.detail)
    except DataError as error:
        return Reject(what=row.where, reason="cannot be read", detail=str(error))
    except (LookupError, OSError, SyntaxError, TypeError, ValueError, msgspec.MsgspecError) as error:
        return Reject(what=row.where, reason=UNREADABLE, detail=f"{type(error).__name__}: {error}")


class ImageFiles:
    """Image files of one data set, each looked for once.

    Args:
        root: the data root.
        folder: of the data set's images, below it.
    """

    def __init__(self, root: Path, folder: str) -> None:
        self._root, self._folder = root, folder
        self._found: set[str] = set()

    def image(self, path: str) -> Image:
        """Return the image at a path below the folder.

        Raises:
            Refused: there is no such file.
        """
        if path not in self._found:
            parts = PurePosixPath(path)
            if parts.is_absolute() or ".." in parts.parts or not (self._root / self._folder / path).is_file():
                raise Refused("image is not there", f"{self._folder}/{path}")
            self._found.add(path)
        return Image(f"{SCHEME}{self._folder}/{path}")

    def images(self, paths: Iterable[str]) -> list[Image]:
        """Return the images at several paths.

        Raises:
            Refused: a file is not there.
        """
        return [self.image(path) for path in paths]


def interleaved(text: str, images: Sequence[Image], mark: str = "<image>") -> tuple[Text | Image, ...]:
    """Return text and images, in the place of each mark the next image.

    The last part is text, if need be an empty one: what asks stands at the end.

    Raises:
        Refused: there are not as many marks as images.
    """
    pieces = text.split(mark)
    if len(pieces) != len(images) + 1:
        raise Refused("marks and images differ in number", f"{len(pieces) - 1} marks, {len(images)} images")
    parts: list[Text | Image] = [Text(pieces[0])]
    for image, piece in zip(images, pieces[1:], strict=True):
        parts += [image, Text(piece)]
    return tuple(part for place, part in enumerate(parts, 1) if place == len(parts) or part != Text(""))


def page_defects(cited: Iterable[Any], shown: Container[int], first: int, pages: int | None) -> dict[str, str | float]:
    """Return as a fact, if there are any, the pages of the evidence that a prompt does not show, and why.

    Args:
        cited: pages as the file counts them.
        shown: those of the prompt, counted alike.
        first: number of a document's first page.
        pages: of the document; None: not known.
    """
    numbers = [page for page in cited if isinstance(page, int)]
    before = [page for page in numbers if page < first]
    beyond = [page for page in numbers if pages is not None and page - first >= pages]
    hidden = [page for page in numbers if page not in shown and page not in (*before, *beyond)]
    found = ((BEFORE, before), (BEYOND, beyond), (HIDDEN, hidden))
    texts = "; ".join(f"{reason}: {', '.join(map(str, each))}" for reason, each in found if each)
    return {DEFECT: texts} if texts else {}


def named(where: str, identity: Any) -> str:
    """Return a place with the record's id."""
    return where if identity in (None, "") else f"{where} (id {identity})"


def _id_of(record: Any) -> Any:
    return next((found for key in _ID_KEYS if (found := getattr(record, key, None)) not in (None, "")), None)


def _id_in(line: bytes) -> Any:
    """Return the id in a line that is JSON, but not the record that is expected."""
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return next((fields[key] for key in _ID_KEYS if key in fields), None) if isinstance(fields, dict) else None
