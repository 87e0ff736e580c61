"""Scorers that ask a judge, run on given answers; and how replies become the answers that a rule reads."""

import json
from typing import Any

import pytest

from mmprolong.errors import DataError, RequestFailed
from mmprolong.evaluation.scorers import Scorer, conclude
from mmprolong.evaluation.scorers.dude import Dude, answers_in
from mmprolong.evaluation.scorers.longdocurl import LongDocUrl, extracted
from mmprolong.evaluation.scorers.mmlongbench_doc_v2 import DocV2Judge
from mmprolong.evaluation.scorers.mmlongbench_summ_llm_judge import SummaryJudge
from mmprolong.llm.flows import answer_from
from mmprolong.llm.requests import Answer
from mmprolong.records import Mark, Sample
from tests.evaluation.asking import sample


def marked(scorer: Scorer, asked: Sample, reply: str, *said: Any) -> Mark:
    """The mark of a reply after a judge's answers; what is no text is sent as JSON."""
    texts = (each if isinstance(each, str) else json.dumps(each) for each in said)
    return answer_from(scorer.score(asked, reply), [Answer(text=text, model="judge-1") for text in texts])


QUESTION = sample("470.85", "Float", question="How\nmuch?")
VERDICT = {"reason": "The same value.", "equivalent": True, "abstained": False}


def test_v2_is_judged_as_a_whole_and_keeps_the_rules_mark_beside():
    mark = marked(DocV2Judge(), QUESTION, "It is $470.85.", VERDICT)
    assert mark == Mark(
        value=1.0,
        parsed="It is $470.85.",
        also={"rule": 0.0, "abstained": 0.0},
        judge="judge-1",
        reason="The same value.",
    )


def test_v2s_judge_sees_question_reference_and_a_response_that_ends():
    request = next(DocV2Judge().score(QUESTION, "x" * 13_000 + "end"))
    assert "<question>How much?</question>\n<reference>470.85</reference>" in request.messages[0].text
    assert "x" * 12_000 in request.messages[0].text and "end" not in request.messages[0].text
    assert json.loads(request.schema)["required"] == ["reason", "equivalent", "abstained"]


def test_a_verdict_that_is_none_is_asked_for_again_and_then_an_error():
    assert marked(DocV2Judge(), QUESTION, "a", "yes", VERDICT).value == 1
    with pytest.raises(RequestFailed):
        marked(DocV2Judge(), QUESTION, "a", "yes", "no")


def test_a_stored_verdict_is_scored():
    asked = sample("a", judge_reply=json.dumps({**VERDICT, "equivalent": False}))
    assert DocV2Judge().value(asked, "a") == 0


REPORT = sample("The plan failed.", "rouge:rougeLsum_f1", claims='["A plan.", "It failed.", "By law.", "In 2010."]')
FLUENT, HALF = {"reasoning": "", "fluency": 1}, {"reasoning": "", "recall": 2}
SUPPORTED = {"reasoning": "Three of four.", "precision": 3, "sentence_count": 4}


def test_a_summary_is_marked_by_fluency_and_the_f1_of_points_and_sentences():
    mark = marked(SummaryJudge(), REPORT, "Summary: It failed.", FLUENT, HALF, SUPPORTED)
    assert mark.value == pytest.approx(2 * 0.5 * 0.75 / 1.25) and mark.parsed == "It failed."
    assert mark.also == {"fluency": 1, "recall": 0.5, "precision": 0.75, "f1": pytest.approx(mark.value)}
    assert mark.judge == "judge-1" and mark.reason == "Three of four."
    assert marked(SummaryJudge(), REPORT, "", {**FLUENT, "fluency": 0}, HALF, SUPPORTED).value == 0
    nothing = {**SUPPORTED, "precision": 0, "sentence_count": 0}
    assert marked(SummaryJudge(), REPORT, "", FLUENT, {**HALF, "recall": 0}, nothing).value == 0


def test_points_are_numbered_for_the_judge():
    flow = SummaryJudge().score(REPORT, " It failed.")
    next(flow)
    assert "1. A plan.\n2. It failed.\n" in flow.send(Answer(text=json.dumps(FLUENT))).messages[0].text


def test_a_summary_without_an_experts_points_cannot_be_judged():
    with pytest.raises(DataError, match="no 'claims'"):
        next(SummaryJudge().score(sample("a", "rouge:rougeLsum_f1"), "a"))


def test_stored_counts_of_a_summary_are_scored():
    said = {"fluency": 1, "recall": 1, "precision": 1, "sentence_count": 1}
    asked = sample("a", claims='["a"]', judge_reply=json.dumps(said))
    assert SummaryJudge().value(asked, "a") == 1


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("Extracted answer: <concise_answer>['a', 'b']</concise_answer>", ["a", "b"]),
        ("<concise_answer>5</concise_answer><answer_format>Integer</answer_format>", 5),
        ("<concise_answer>{'a'}</concise_answer>", ["a"]),
        ("<concise_answer>Rear Admiral\n</concise_answer>", "Rear Admiral\n"),
        ("<concise_answer>__import__('os')</concise_answer>", "__import__('os')"),
        ("Extracted answer: 5", "Fail to extract"),
    ],
)
def test_longdocurls_answer_is_read_between_its_marks(said: str, answer: Any):
    assert extracted(said) == answer


def test_longdocurls_extracted_answer_is_marked():
    asked = sample(["a", "b"], "List", question="Which?")
    mark = marked(
        LongDocUrl(extraction=True), asked, "They are b and a.", "<concise_answer>['b', 'a']</concise_answer>"
    )
    assert (mark.value, mark.parsed, mark.judge) == (1.0, "['b', 'a']", "judge-1")
    assert marked(LongDocUrl(extraction=True), asked, "", "none").value == 0
    assert not marked(LongDocUrl(extraction=True), asked, "", "none").malformed


@pytest.mark.parametrize(
    ("reply", "answers"),
    [
        ("1894", ["1894"]),
        (" Not answerable. ", []),
        ("", []),
        ('["a", "b"]', ["a", "b"]),
        ("[1894, None]", ["1894", "None"]),
        ("[see page 3", ["[see page 3"]),
        ("[" * 5000, ["[" * 5000]),
    ],
)
def test_a_reply_to_dude_becomes_a_submitted_list(reply: str, answers: list[str]):
    assert answers_in(reply) == answers


@pytest.mark.parametrize(
    ("kind", "golds", "reply", "value"),
    [
        ("list/extractive", ["a cat", "a dog"], "['a dog', 'a cat']", 1.0),
        ("list/extractive", ["a cat", "a dog"], "a cat", 0.5),
        ("not-answerable", [], "Not answerable", 1.0),
        ("not-answerable", [], "1894", 0.0),
        ("extractive", ["1894"], "1894", 1.0),
        ("extractive", ["1894"], "Not answerable", 0.0),
    ],
)
def test_dude_marks_lists_and_abstentions(kind: str, golds: list[str], reply: str, value: float):
    assert conclude(Dude().score(sample(golds, kind), reply)).value == value
