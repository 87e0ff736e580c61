"""inspect_ai: logs as JSON, or as .eval archives of JSON; an item may be asked in several epochs."""

import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from mmprolong.errors import DataError
from mmprolong.records import Reject
from mmprolong.reporting.results.readers import Item, ResultFile, cluster_of

_LETTERS = {"C": 1.0, "P": 0.5, "I": 0.0, "N": 0.0}
"""Correct, partly, incorrect, no answer: the values of `value_to_float`."""


@dataclass(frozen=True)
class InspectLog:
    """Source: https://inspect.aisi.org.uk/reference/inspect_ai.log.html."""

    version: ClassVar[int] = 1

    def reads(self, file: ResultFile) -> bool:
        """Tell a log with its samples."""
        if file.path.suffix == ".eval":
            return zipfile.is_zipfile(file.path)
        return isinstance(file.document, dict) and {"eval", "samples"} <= file.document.keys()

    def items(self, file: ResultFile) -> Iterator[Item | Reject]:
        """Yield the samples of all epochs; one that ended in an error is a reject."""
        header, samples = _archive(file) if file.path.suffix == ".eval" else (file.document, file.document["samples"])
        task = str(header.get("eval", {}).get("task", "")).rpartition("/")[2]
        for sample in samples or ():
            what = f"{file.path}: {sample.get('id')}, epoch {sample.get('epoch', 1)}"
            if sample.get("error"):
                error = sample["error"]
                yield Reject(what=what, reason="ended in an error", detail=str(error.get("message", error))[:200])
                continue
            metadata = sample.get("metadata") or {}
            yield Item(
                id=str(sample.get("id")),
                benchmark=task,
                cluster=cluster_of(metadata),
                question=_text(sample.get("input")),
                target=_target(sample.get("target")),
                marks=dict(_marks(sample.get("scores") or {})),
                record=metadata,
            )


def _archive(file: ResultFile) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return header and samples of an .eval archive.

    Raises:
        DataError: it is compressed in a way that this Python does not read, or damaged.
    """
    try:
        with zipfile.ZipFile(file.path) as archive:
            names = sorted(name for name in archive.namelist() if name.startswith("samples/"))
            header = json.loads(archive.read("header.json"))
            return header, [json.loads(archive.read(name)) for name in names]
    except (KeyError, NotImplementedError, ValueError, zipfile.BadZipFile) as error:
        raise DataError(f"{file.path}: {error}; write it as JSON: inspect log convert --to json") from error


def _marks(scores: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the value of each scorer; of one that gives several, by SCORER/KEY."""
    for name, score in scores.items():
        value = score.get("value") if isinstance(score, dict) else score
        if isinstance(value, dict):
            yield from ((f"{name}/{key}", _LETTERS.get(each, each)) for key, each in value.items())
        elif not isinstance(value, list):
            yield name, _LETTERS.get(value, value) if isinstance(value, str) else value


def _text(asked: Any) -> str:
    """Return the text of an input: a string, or messages whose content is text or parts."""
    if isinstance(asked, str):
        return asked
    contents = [message.get("content", "") for message in asked or () if isinstance(message, dict)]
    parts = [part for each in contents for part in (each if isinstance(each, list) else [{"text": each}])]
    return " ".join(str(part["text"]) for part in parts if isinstance(part, dict) and "text" in part)


def _target(target: Any) -> str:
    return " | ".join(map(str, target)) if isinstance(target, list) else str(target or "")
