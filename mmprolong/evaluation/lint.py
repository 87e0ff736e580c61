"""Defects of a benchmark's questions that no model is needed to find."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from mmprolong import plugins
from mmprolong.errors import ConfigError, DataError
from mmprolong.evaluation.question_files import FORMATS, AskedQuestion, QuestionFormat
from mmprolong.evaluation.rescore import official
from mmprolong.evaluation.scorers import Scorer
from mmprolong.records import Reject, Sample

PAGE_CAP = 120
"""Pages that MMLongBench-Doc's official code shows of a document: the first ones."""


def lint(path: Path, scorer: str = "", cap: int = PAGE_CAP) -> tuple[int, list[Reject]]:
    """Return the number of questions in a file or folder, and a reject for every defect.

    Args:
        scorer: by which golds are compared with themselves; empty: the format's own.
        cap: pages shown of a document, where a file does not say itself what is shown.

    Raises:
        ConfigError: no file has questions in a format that we know, or there is no such scorer.
    """
    count, found = 0, list[Reject]()
    for file in _files(path):
        records = list(_records(file))
        form = _format_of(records)
        if form is None:
            continue
        marker: Scorer | None = None
        if scorer or form.scorer:
            marker = plugins.make("mmprolong.evaluation.scorers", scorer or form.scorer, "--scorer")
        questions: list[AskedQuestion] = []
        for where, record in records:
            try:
                questions.append(replace(form.question(record, file), where=where))
            except (KeyError, TypeError, ValueError, SyntaxError, msgspec.ValidationError) as error:
                found.append(Reject(what=where, reason="not a record", detail=f"{type(error).__name__}: {error}"))
        count += len(records)
        found += [defect for one in questions for defect in _pages(one, cap)]
        found += [defect for one in questions for defect in (_gold(one, marker) if marker else ())]
        found += _duplicates(questions)
    if not count:
        raise ConfigError(f"{path}: no questions in a format that is known; these are read: {', '.join(FORMATS)}")
    return count, found


def _files(path: Path) -> list[Path]:
    if not path.exists():
        raise ConfigError(f"{path}: is not there; give a benchmark's file of questions, or a folder with some")
    return [path] if path.is_file() else sorted(file for file in path.rglob("*.json*") if file.is_file())


def _records(file: Path) -> Iterator[tuple[str, Any]]:
    """Yield place and content of each record: of a JSON list, or of JSON lines; what cannot be read is None."""
    content = file.read_bytes()
    if content.lstrip()[:1] == b"[":
        try:
            yield from ((f"{file.name}[{place}]", one) for place, one in enumerate(msgspec.json.decode(content)))
            return
        except msgspec.DecodeError as error:
            raise DataError(f"{file}: {error}; expected a list of questions") from error
    for number, line in enumerate(content.splitlines(), 1):
        try:
            yield f"{file.name}:{number}", msgspec.json.decode(line)
        except msgspec.DecodeError:
            yield f"{file.name}:{number}", None


def _format_of(records: Sequence[tuple[str, Any]]) -> QuestionFormat | None:
    """Return the format of the first record that has one."""
    known = (record for _, record in records[:100] if isinstance(record, Mapping))
    return next((each for record in known for each in FORMATS.values() if each.fields <= record.keys()), None)


def _pages(asked: AskedQuestion, cap: int) -> Iterator[Reject]:
    """Yield the evidence pages that are not there, or not shown; a question counts once for each defect."""
    where = f"{asked.where} {asked.document}"
    before = [page for page in asked.evidence if page < asked.first_page]
    if before:
        detail = f"pages {before}, but the first is {asked.first_page}: counted from another base?"
        yield Reject(what=where, reason="page before the first", detail=detail)
    if asked.pages is not None:
        beyond = [page for page in asked.evidence if page - asked.first_page >= asked.pages]
        if beyond:
            yield Reject(what=where, reason="page beyond the document", detail=f"pages {beyond} of {asked.pages} pages")
    if asked.shown is None:
        late = [page for page in asked.evidence if page - asked.first_page >= cap]
        if late:
            yield Reject(what=where, reason="page beyond the cap", detail=f"pages {late}; {cap} are shown")
    else:
        hidden = [page for page in asked.evidence if page not in asked.shown and page not in before]
        if hidden:
            at = f" at {asked.length}" if asked.length else ""
            yield Reject(what=where, reason="answer out of reach", detail=f"pages {hidden} are not shown{at}")


def _gold(asked: AskedQuestion, scorer: Scorer) -> Iterator[Reject]:
    """Yield a gold answer that the scorer does not take for right."""
    gold = asked.gold
    blank = dict.fromkeys(("id", "benchmark", "task", "length", "cluster"), "")
    sample = Sample(**blank, prompt=(), gold=gold, facts={"question": asked.question})
    reply = gold.answer if isinstance(gold.answer, list) else str(gold.answer)
    scored = official(scorer, sample, reply)
    if scored["malformed"] or scored["score"] != 1:
        ends = "ends the official code" if scored["malformed"] else f"scores {scored['score']:g}"
        detail = f"{gold.format} {gold.answer!r} {ends} against itself"
        yield Reject(what=f"{asked.where} {asked.document}", reason="gold that cannot score 1", detail=detail)


def _duplicates(questions: Sequence[AskedQuestion]) -> Iterator[Reject]:
    """Yield questions that a document was asked before at the same length, and ids that stand twice."""
    first: dict[tuple[str, ...], AskedQuestion] = {}
    ids: dict[str, AskedQuestion] = {}
    for asked in questions:
        where = f"{asked.where} {asked.document}"
        before = first.setdefault((asked.document, asked.length, " ".join(asked.question.casefold().split())), asked)
        if before is not asked:
            same = "the same" if before.gold.answer == asked.gold.answer else "another"
            yield Reject(what=where, reason="duplicate question", detail=f"as {before.where}, with {same} gold answer")
        if asked.id and (other := ids.setdefault(asked.id, asked)) is not asked:
            yield Reject(what=where, reason="duplicate id", detail=f"{asked.id} is that of {other.where}")
