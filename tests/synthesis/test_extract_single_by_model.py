import json
from typing import Any

import msgspec
import numpy as np
import pytest

from mmprolong import plugins
from mmprolong.conversations import Image
from mmprolong.errors import RequestFailed
from mmprolong.llm.flows import answer_from
from mmprolong.llm.requests import Answer, Request
from mmprolong.records import Block, Document, Reject, Segment
from mmprolong.synthesis.llm_tasks.extract_single import _EXEMPLARS, ExtractSingleByModel, Written
from mmprolong.synthesis.parsed_document import ParsedDocument
from mmprolong.synthesis.question import Question

TITLES = {12: "1 Introduction", 14: "2 Storage", 17: "Summary", 25: "Summary"}
DOCUMENT = Document(id="d" * 64, source="d.pdf", page_sizes=((600.0, 800.0),) * 30)
SEGMENT = Segment(document=DOCUMENT.id, first_page=11, last_page=19, anchor="on pages 12-20")
GOOD = {
    "evidence": "Page 15: six weeks in a refrigerator",
    "question": "In the Storage section, how long do bottles keep?",
    "answer": "six weeks",
    "answer_format": "String",
    "evidence_pages": [15],
    "evidence_sources": ["Text"],
}


def document() -> ParsedDocument:
    def block(page: int, title: str) -> Block:
        return Block(document=DOCUMENT.id, page=page, kind="section", box=(0, 0, 100, 20), text=title, order=0)

    return ParsedDocument(DOCUMENT, [block(page, title) for page, title in TITLES.items()])


def request(exemplars: int = 2, seed: int = 0) -> Request:
    return next(ExtractSingleByModel(exemplars).write(document(), SEGMENT, np.random.default_rng(seed)))


def written(*answers: str | Answer) -> Question | Reject:
    (draft,) = answer_from(ExtractSingleByModel().write(document(), SEGMENT, np.random.default_rng(0)), answers)
    return draft


def changed(**fields: Any) -> str:
    return json.dumps({**GOOD, **fields})


def test_the_model_sees_every_page_of_the_segment_after_its_number():
    (message,) = request().messages
    assert [part for part in message.parts if isinstance(part, Image)] == [
        Image(f"pdf:{DOCUMENT.id}", page) for page in range(11, 20)
    ]
    assert message.text.endswith(" ".join(f"Page {page}:" for page in range(12, 21)))
    assert "pages 12 to 20" in message.text


def test_exemplars_are_drawn_and_are_what_is_asked_for():
    prompts = {request(2, seed).messages[0].text for seed in range(20)}
    assert 3 <= len(prompts) <= 6 and all(prompt.count("Example, for pages") == 2 for prompt in prompts)
    assert "Example" not in request(0).messages[0].text
    assert [msgspec.convert(msgspec.to_builtins(each), Written) for *_, each in _EXEMPLARS] == [
        each for *_, each in _EXEMPLARS
    ]
    assert request(seed=1).draw != request(seed=2).draw and request() == request()


def test_a_good_reply_is_a_question_on_its_page():
    assert written(changed()) == Question(
        kind="extract_single",
        text="In the Storage section, how long do bottles keep?",
        answer="six weeks",
        evidence=(14,),
        sources=("Text",),
    )


@pytest.mark.parametrize(
    ("kind", "answer", "text"),
    [
        ("Integer", 412, "412"),
        ("Integer", "-3", "-3"),
        ("Float", 3.5, "3.5"),
        ("Float", 4, "4"),
        ("List", ["ein Paß", 2], '["ein Paß", 2]'),
    ],
)
def test_an_answer_has_its_format(kind: str, answer: Any, text: str):
    draft = written(changed(answer=answer, answer_format=kind))
    assert isinstance(draft, Question) and (draft.answer, draft.answer_format) == (text, kind)


@pytest.mark.parametrize(
    "question",
    [
        "On page 15, how long do bottles keep?",
        "Based on Pages 13, 15, and 16, how long do bottles keep?",
        "On pages 12-20, how long do bottles keep?",
        'In section "2 Storage", how long do bottles keep?',
    ],
)
def test_an_anchor_is_a_section_or_pages(question: str):
    assert isinstance(written(changed(question=question)), Question)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"evidence_pages": [14, 15]}, "evidence is not one page"),
        ({"evidence_pages": []}, "evidence is not one page"),
        ({"evidence_pages": [11]}, "evidence outside the segment"),
        ({"evidence_pages": [21]}, "evidence outside the segment"),
        ({"evidence_sources": []}, "evidence of no kind"),
        ({"answer": " "}, "answer too long, or not of its format"),
        ({"answer": "x" * 201}, "answer too long, or not of its format"),
        ({"answer": ["a"]}, "answer too long, or not of its format"),
        ({"answer": [], "answer_format": "List"}, "answer too long, or not of its format"),
        ({"answer": "six", "answer_format": "List"}, "answer too long, or not of its format"),
        ({"answer": 3.5, "answer_format": "Integer"}, "answer too long, or not of its format"),
        ({"question": "On page 15, across the document, how long?"}, "question on the whole document"),
        ({"question": "How long do bottles keep?"}, "no anchor at the evidence"),
        ({"question": "How is storage done?"}, "no anchor at the evidence"),
        ({"question": "On page 16, how long do bottles keep?"}, "no anchor at the evidence"),
        ({"question": "In the Introduction section, how long?"}, "no anchor at the evidence"),
        ({"question": "In the Summary section, how long?", "evidence_pages": [18]}, "no anchor at the evidence"),
        ({"question": "On page 15, what keeps for six weeks?"}, "answer in the question"),
    ],
)
def test_a_bad_draft_is_a_reject_with_its_reason(fields: dict[str, Any], reason: str):
    draft = written(changed(**fields))
    assert isinstance(draft, Reject) and (draft.what, draft.reason) == (
        "d.pdf: extract_single on pages 12-20",
        reason,
    )
    assert json.loads(draft.detail)["question"]


def test_a_reply_that_is_not_the_json_is_mended_once():
    assert isinstance(written("{", changed()), Question)
    with pytest.raises(RequestFailed, match="not the JSON asked for"):
        written("{", changed(evidence_sources=["Picture"]))


def test_settings_choose_it_by_its_file():
    choice = {"name": "extract_single", "exemplars": 0}
    assert plugins.make("mmprolong.synthesis.llm_tasks", choice, "source.tasks") == ExtractSingleByModel(0)
