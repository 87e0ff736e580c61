"""Questions from the text layer, without a language model; each over all pages of its document or window."""

from collections.abc import Iterator
from itertools import islice

import numpy as np

from mmprolong import plugins
from mmprolong.records import Example, Reject
from mmprolong.settings.data import Source
from mmprolong.synthesis.examples import document_rng, example_of, shown
from mmprolong.synthesis.parsed_document import ParsedDocument
from mmprolong.synthesis.question import Question
from mmprolong.synthesis.segments import Segment, draw_segments
from mmprolong.synthesis.tasks import TemplateTask
from mmprolong.synthesis.verify import find_flaw, find_repeat

_SEGMENTS, _TRIES = 6, 40
"""Segments, and questions on each, that are looked at before a document is given up for one more question."""
_LAYOUT = 0.3
"""Largest share of questions on the layout where there are others: they are many, and alike."""


def write_template(parsed: ParsedDocument, length: str, source: Source) -> Iterator[Example | Reject]:
    """Yield up to `source.questions_per_task` examples of every task over one document, and the rejects."""
    for pages, numbers in shown(parsed, source):
        asked: list[Question] = []
        for name in source.tasks:
            task: TemplateTask = plugins.make("mmprolong.synthesis.tasks", name, "source.tasks")
            left = iter(numbers)
            for found in _questions(pages, name, task, source, len(numbers), asked):
                if isinstance(found, Reject):
                    yield found
                else:
                    origin = f"template {name}-{task.version}"
                    yield example_of(f"{source.seed}-{name}-{next(left)}", name, found, pages, length, origin)


def _questions(
    parsed: ParsedDocument, name: str, task: TemplateTask, source: Source, wanted: int, asked: list[Question]
) -> Iterator[Question | Reject]:
    """Yield correct questions, each from a newly drawn segment; a reject for each that is not.

    Args:
        asked: those on the same pages so far; none is repeated.
    """
    rng, layout_rng = document_rng(parsed, source, name), document_rng(parsed, source, f"{name} layout")
    what = f"{parsed.document.source}: {name}"
    for found in range(wanted):
        seen: set[str] = set()
        candidates = _candidates(parsed, task, source, rng, seen)
        for question, segment in candidates if layout_rng.random() < _LAYOUT else _layout_last(candidates):
            reason = find_flaw(question, parsed, segment) or find_repeat(question, asked)
            if not reason:
                asked.append(question)
                yield question
                break
            if reason != "duplicate question":  # expected: templates are few
                yield Reject(what=what, reason=reason, detail=question.text)
        else:
            yield Reject(what=what, reason="no more questions", detail=f"{found} of {wanted}")
            return


def _candidates(
    parsed: ParsedDocument, task: TemplateTask, source: Source, rng: np.random.Generator, seen: set[str]
) -> Iterator[tuple[Question, Segment]]:
    """Yield unseen questions of a few segments, drawn in turn."""
    for segment in islice(draw_segments(parsed, source.scope, rng), _SEGMENTS):
        for question in islice(task.questions(parsed, segment, rng), _TRIES):
            if question.text not in seen:
                seen.add(question.text)
                yield question, segment


def _layout_last(candidates: Iterator[tuple[Question, Segment]]) -> Iterator[tuple[Question, Segment]]:
    """Yield questions on the layout only after all others of all the segments."""
    held = []
    for candidate in candidates:
        if candidate[0].on_layout:
            held.append(candidate)
        else:
            yield candidate
    yield from held
