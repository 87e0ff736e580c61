import json
from dataclasses import replace
from importlib import import_module
from typing import Any

import msgspec
import numpy as np
import pytest

from mmprolong import plugins
from mmprolong.conversations import Image
from mmprolong.errors import RequestFailed
from mmprolong.llm.flows import answer_from
from mmprolong.llm.requests import Answer, Request, in_words, last_object
from mmprolong.records import Reject
from mmprolong.settings.data import Scope
from mmprolong.synthesis.llm_tasks import ModelTask, _checks
from mmprolong.synthesis.question import NOT_ANSWERABLE, Question
from mmprolong.synthesis.segments import Segment, draw_segments
from tests.synthesis.documents import made

TASKS = plugins.names_in("mmprolong.synthesis.llm_tasks")
TITLES = {12: "1 Introduction", 14: "2 Storage", 17: "Summary", 25: "Summary"}
TEXTS = {
    14: "Opened bottles keep for six weeks in a refrigerator.",
    15: "Staff: 1,412 nurses in 2016, 398 in 2015.",
    16: "Lids are blue.",
    18: "Table 1: Prices.",
}
DOCUMENT = made(
    [
        [(kind, texts[page]) for kind, texts in (("section", TITLES), ("paragraph", TEXTS)) if page in texts]
        or [("paragraph", f"Nothing much, as on sheet {page}.")]
        for page in range(30)
    ]
)
SEGMENT = Segment(document=DOCUMENT.document.id, first_page=11, last_page=19, anchor="on pages 12-20")
GOOD = {
    "evidence": "Page 15: six weeks in a refrigerator",
    "question": "In the Storage section, how long do bottles keep?",
    "answer": "six weeks",
    "answer_format": "String",
    "evidence_pages": [15],
    "evidence_sources": ["Text"],
}
SUM = {
    "evidence": "",
    "calculation": "1,412 - 398",
    "question": "On page 16, how many nurses more were there in 2016 than the year before?",
    "answer": 1014,
    "answer_format": "Integer",
    "evidence_pages": [16],
    "evidence_sources": ["Text"],
}
ALTERED = {
    "evidence": "",
    "answerable_question": "In the Storage section, how long do bottles keep?",
    "missing": "cans",
    "question": "In the Storage section, how long do cans keep?",
}


def task(name: str, exemplars: int = 2) -> ModelTask:
    return plugins.make("mmprolong.synthesis.llm_tasks", {"name": name, "exemplars": exemplars}, "source.tasks")


def request(name: str, exemplars: int = 2, seed: int = 0, segment: Segment = SEGMENT) -> Request:
    return next(task(name, exemplars).write(DOCUMENT, segment, np.random.default_rng(seed)))


def written(name: str, *answers: str | Answer) -> Question | Reject:
    (draft,) = answer_from(task(name).write(DOCUMENT, SEGMENT, np.random.default_rng(0)), answers)
    return draft


def changed(base: dict[str, Any] = GOOD, **fields: Any) -> str:
    return json.dumps({**base, **fields})


@pytest.mark.parametrize("name", TASKS)
def test_the_model_sees_every_page_of_the_segment_after_its_number(name: str):
    (message,) = request(name).messages
    shown = [part for part in message.parts if isinstance(part, Image)]
    assert shown == [Image(DOCUMENT.source, page) for page in range(11, 20)]
    assert message.text.endswith(" ".join(f"Page {page}:" for page in range(12, 21)))
    assert "pages 12-20" in message.text and "not one that is printed" in message.text


@pytest.mark.parametrize("name", TASKS)
def test_exemplars_are_drawn_and_are_replies_that_the_task_takes(name: str):
    prompts = {request(name, 2, seed).messages[0].text for seed in range(20)}
    assert len(prompts) >= 3 and all(prompt.count("Example, for pages") == 2 for prompt in prompts)
    assert "Example" not in request(name, 0).messages[0].text
    assert request(name, seed=1).draw != request(name, seed=2).draw and request(name) == request(name)
    pool = import_module(f"mmprolong.synthesis.llm_tasks.{name}").PROMPT.exemplars
    assert all(msgspec.convert(msgspec.to_builtins(each.reply), type(each.reply)) == each.reply for each in pool)


def test_a_question_on_the_whole_document_is_not_told_to_name_a_place():
    (segment,) = draw_segments(DOCUMENT, "document", np.random.default_rng(0))
    text = request("extract_multi", segment=segment).messages[0].text
    assert "all pages of a document" in text and "must say where to look" not in text


def test_a_good_reply_is_a_question_on_its_page():
    assert written("extract_single", changed()) == Question(
        kind="extract_single",
        text="In the Storage section, how long do bottles keep?",
        answer="six weeks",
        evidence=(14,),
        sources=("Text",),
        checked="printed",
    )


def test_what_a_figure_says_is_left_to_a_reader():
    draft = written("extract_single", changed(answer="red", evidence_sources=["Figure"]))
    assert isinstance(draft, Question) and draft.checked == "no"


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
    draft = written("extract_single", changed(answer=answer, answer_format=kind, evidence_sources=["Figure"]))
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
    assert isinstance(written("extract_single", changed(question=question)), Question)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"evidence_pages": [14, 15], "question": "On pages 14-15, how long?"}, "evidence is not one page"),
        ({"evidence_pages": []}, "evidence outside the segment"),
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
        ({"question": "On page 15, how many?", "answer": 15, "answer_format": "Integer"}, "answer in the question"),
        ({"answer": "seven weeks"}, "answer not printed on its page"),
        ({"answer": ["six weeks", "a year"], "answer_format": "List"}, "answer not printed on its page"),
    ],
)
def test_a_bad_draft_is_a_reject_with_its_reason(fields: dict[str, Any], reason: str):
    draft = written("extract_single", changed(**fields))
    assert isinstance(draft, Reject) and (draft.what, draft.reason) == ("d.pdf: extract_single on pages 12-20", reason)
    assert json.loads(draft.detail)["question"]


def test_facts_of_several_pages_are_told_from_those_of_one():
    both = {"question": "On pages 15-17, how long do bottles keep, in which colour?", "evidence_pages": [15, 17]}
    several = written("extract_multi", changed(**both, answer=["six weeks", "blue"], answer_format="List"))
    assert isinstance(several, Question) and several.evidence == (14, 16)
    one = written("extract_multi", changed())
    assert isinstance(one, Question) and one.kind == "one page"


def test_a_calculation_is_redone():
    draft = written("reasoning", changed(SUM))
    assert isinstance(draft, Question) and (draft.answer, draft.checked) == ("1014", "computed")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"calculation": "1412 - 397"}, "calculation gives another answer"),
        ({"calculation": "1,000 + 14"}, "calculation takes numbers that are not printed"),
        ({"calculation": "1014"}, "one fact alone"),
        ({"calculation": "exit()"}, "calculation cannot be redone"),
        ({"calculation": "1 / 0"}, "calculation cannot be redone"),
        ({"calculation": "398 + 1 - 1", "answer": 398}, "answer is printed"),
    ],
)
def test_a_calculation_that_does_not_lead_to_the_answer_is_a_reject(fields: dict[str, Any], reason: str):
    draft = written("reasoning", changed(SUM, **fields))
    assert isinstance(draft, Reject) and draft.reason == reason


def test_absence_is_verified_in_all_pages():
    draft = written("unanswerable", changed(ALTERED))
    assert isinstance(draft, Question) and (draft.answer, draft.evidence) == (NOT_ANSWERABLE, ())


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"missing": "tins"}, "question does not name what is missing"),
        ({"missing": "bottles", "question": "How long do the bottles keep?"}, "not absent"),
        ({"missing": "refrig-\nerator", "question": "Which refrig-\nerator?"}, "not absent"),
        ({"question": ALTERED["answerable_question"]}, "question was not altered"),
    ],
)
def test_what_is_printed_somewhere_is_not_absent(fields: dict[str, Any], reason: str):
    draft = written("unanswerable", changed(ALTERED, **fields))
    assert isinstance(draft, Reject) and draft.reason == reason


def test_one_of_several_tables_is_ambiguous():
    pages = [[("caption", "Table 1: Prices."), ("caption", "Table 2: Costs.")]] * 1
    text = "On page 1, what is in the table?"
    question = Question(kind="k", text=text, answer="red", evidence=(0,), sources=("Table",))
    whole = Segment(document="d", first_page=0, last_page=0, anchor="on page 1")
    assert _checks.find_flaw_of_reply(question, made(pages), whole) == "ambiguous"
    named = replace(question, text="On page 1, what is in Table 1?")
    assert not _checks.find_flaw_of_reply(named, made(pages), whole)


def test_printed_numbers_are_the_ones_that_a_model_is_shown():
    pages = [[("paragraph", f"Fact {page} is f{page}."), ("footer", f"Report | {page - 3}")] for page in range(4, 12)]
    document = made(pages, printed=True)
    segment = Segment(document=document.document.id, first_page=0, last_page=7, anchor="on pages 1-8")
    flow = task("extract_single").write(document, segment, np.random.default_rng(0))
    text = next(flow).messages[0].text
    assert "Page 3:" in text and "is the one that is printed" in text
    reply = changed(question="On page 3, what is it?", answer="f6", evidence_pages=[3])
    (draft,) = answer_from(task("extract_single").write(document, segment, np.random.default_rng(0)), [reply])
    assert isinstance(draft, Question) and draft.evidence == (2,)


def test_a_reply_that_is_not_the_json_is_mended_once():
    assert isinstance(written("extract_single", "{", changed()), Question)
    with pytest.raises(RequestFailed, match="not the JSON asked for"):
        written("extract_single", "{", changed(evidence_sources=["Picture"]))


def test_a_model_may_think_in_words_first():
    asked = in_words(task("extract_single").write(DOCUMENT, SEGMENT, np.random.default_rng(0)))
    assert next(asked).schema == ""
    words = f'Page 15 has {{"a": 1}}, so I ask:\n```json\n{changed()}\n```\nDone.'
    flow = in_words(task("extract_single").write(DOCUMENT, SEGMENT, np.random.default_rng(0)))
    (draft,) = answer_from(flow, [words])
    assert isinstance(draft, Question)
    flow = in_words(task("extract_single").write(DOCUMENT, SEGMENT, np.random.default_rng(0)))
    with pytest.raises(RequestFailed, match="no answer"):
        answer_from(flow, [RequestFailed("no answer", again=True)])


@pytest.mark.parametrize(("text", "found"), [("no", "no"), ('{"a": {"b": 1}} {', '{"a": {"b": 1}}'), ("{} {1", "{}")])
def test_the_last_object_of_a_text_is_its_answer(text: str, found: str):
    assert last_object(text) == found


@pytest.mark.parametrize("scope", ["sections", "page", "window", "document"])
def test_every_scope_can_be_asked_about(scope: Scope):
    segment = next(draw_segments(DOCUMENT, scope, np.random.default_rng(0)))
    assert request("reasoning", segment=segment).messages[0].text.count("Page ") >= 1
