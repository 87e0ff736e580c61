"""Scorers of free answers, by hand from the official rules: MLVU's generation tasks, MathVista's extracted answers."""

import json
from typing import Any

import pytest

from mmprolong.evaluation.scorers.mathvista_vlmevalkit import MathVista
from mmprolong.evaluation.scorers.mlvu_generation import MLVUJudge
from mmprolong.llm.flows import answer_from
from mmprolong.llm.requests import Answer
from mmprolong.records import Mark, Sample
from tests.evaluation.asking import sample

SCENE = sample("He leads them.", "subPlot", question="Describe it.", scoring_points='["He leads"]')
FILM = sample("Waves, then a boat.", "summary", question="Summarise it.")


def marked(scorer: Any, asked: Sample, reply: str, *said: str) -> Mark:
    return answer_from(scorer.score(asked, reply), [Answer(text=text, model="judge-1") for text in said])


def test_a_scene_is_marked_by_accuracy_and_relevance():
    said = "score_accuracy is 3. {'score_accuracy': 3.5, 'score_relevance': 5, 'total_score': 8.5}"
    mark = marked(MLVUJudge(), SCENE, " He walks. ", said)
    assert mark.value == pytest.approx(0.85) and mark.also == {"accuracy": 3.5, "relevance": 5.0}
    assert (mark.parsed, mark.judge) == ("He walks.", "judge-1")
    prompt = next(MLVUJudge().score(SCENE, "He walks.")).messages[0].text
    assert "Describe it." in prompt and '["He leads"]' in prompt and "He walks." in prompt


def test_a_summary_is_marked_by_completeness_and_reliability():
    said = json.dumps({"score_completeness": 2, "score_reliability": 4, "total_score": 6})
    assert marked(MLVUJudge(), FILM, "A boat.", said).value == pytest.approx(0.6)
    assert "Waves, then a boat." in next(MLVUJudge().score(FILM, "A boat.")).messages[0].text


@pytest.mark.parametrize("said", ["", "score_completeness: 4", '{"score_completeness": 7, "score_reliability": 4}'])
def test_a_verdict_without_both_marks_is_asked_for_again_and_then_unparsed(said: str):
    good = '{"score_completeness": 5, "score_reliability": 5}'
    assert marked(MLVUJudge(), FILM, "a", said, good).value == 1
    assert marked(MLVUJudge(), FILM, "a", said, said).unparsed


@pytest.mark.parametrize(
    ("kind", "said", "value"),
    [
        ("subPlot", "{'score_accuracy': 3, 'score_relevance': 5, 'total_score': 8}", 0.8),
        ("summary", '{"score_completeness": 1, "score_reliability": 1, "total_score": 2}', 0.2),
        ("summary", "{'score_completeness': 4, 'total_score': 8}", 0.4),  # what is not named counts 0
        ("summary", "no marks", 0.0),
    ],
)
def test_a_stored_verdict_is_read_as_officially(kind: str, said: str, value: float):
    assert MLVUJudge().value(sample("a", kind, judge_reply=said), "") == pytest.approx(value)


def test_a_stored_verdict_that_ends_the_official_code_raises():
    with pytest.raises(ValueError, match="float"):
        MLVUJudge().value(sample("a", "summary", judge_reply="score_completeness: high, so"), "")


def math(kind: str = "free_form/integer", answer: str = "14") -> Sample:
    gold = {"answer": answer, "choices": "['3/11', '8/11']", "answer_option": "B"}
    return sample(gold, kind, question="How many?")


@pytest.mark.parametrize(
    ("asked", "reply"), [(math(), "14"), (math("multi_choice/text"), "B"), (math("multi_choice/text"), "(A)")]
)
def test_nothing_is_extracted_where_the_rule_finds_an_answer(asked: Sample, reply: str):
    mark = marked(MathVista(extraction=True), asked, reply)
    assert mark.also == {"rule": mark.value} and not mark.judge


@pytest.mark.parametrize(
    ("asked", "reply", "said", "value"),
    [
        (math(), "The number missing is 14.", "14", 1),
        (math(), "The number missing is 15.", "15", 0),
        (math("free_form/float", "1.45"), "It costs $1.45.", " 1.45\n", 1),
        (math("multi_choice/text"), "A fraction of eight in eleven.", "B", 1),
        (math(answer="0"), "0", "0", 1),  # officially 0 is taken for no answer, and extracted
        (math("free_form/list", "[1, 2]"), "1 and 2", "[1, 2]", 0),  # officially compared with 'None'
    ],
)
def test_an_extracted_answer_is_marked_by_the_rule(asked: Sample, reply: str, said: str, value: float):
    mark = marked(MathVista(extraction=True), asked, reply, said)
    assert (mark.value, mark.judge, mark.parsed) == (value, "judge-1", said.strip())


def test_an_empty_extraction_is_asked_for_again_and_then_unparsed():
    assert marked(MathVista(extraction=True), math(), "about 14", "", "").unparsed
