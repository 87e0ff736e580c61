import json
from typing import Literal

import msgspec
import pytest

from mmprolong.errors import RequestFailed
from mmprolong.llm.flows import answer_from
from mmprolong.llm.requests import Answer, Flow, schema_of, structured
from tests.llm.asking import asking, question


class Part(msgspec.Struct, forbid_unknown_fields=True):
    pages: list[int]


class Verdict(msgspec.Struct, forbid_unknown_fields=True):
    """How our code sees it."""

    why: str
    score: Literal[0, 1]
    part: Part


GOOD = '{"why": "same", "score": 1, "part": {"pages": [2]}}'
VERDICT = Verdict("same", 1, Part([2]))


def judging() -> Flow[Verdict]:
    return structured(question("same?"), Verdict)


def failing(*answers: str | Answer) -> RequestFailed:
    with pytest.raises(RequestFailed) as caught:
        answer_from(judging(), answers)
    return caught.value


def test_a_flow_ends_with_what_it_makes_of_given_answers():
    assert answer_from(asking("a", "b"), ["1", Answer(text="2")]) == "1 | 2"


@pytest.mark.parametrize(("answers", "told"), [(["1"], "none is left"), (["1", "2", "3"], "ended before")])
def test_too_few_and_too_many_answers_are_refused(answers: list[str], told: str):
    with pytest.raises(ValueError, match=told):
        answer_from(asking("a", "b"), answers)


@pytest.mark.parametrize("text", [GOOD, f"```json\n{GOOD}\n```", f"\n```\n{GOOD}```\n"])
def test_json_is_read_bare_and_in_a_fence(text: str):
    assert answer_from(judging(), [text]) == VERDICT


def test_a_schema_is_an_object_with_all_fields_and_without_our_docstrings():
    schema = json.loads(schema_of(Verdict))
    assert (schema["type"], schema["required"], schema["additionalProperties"]) == (
        "object",
        ["why", "score", "part"],
        False,
    )
    assert "how our code" not in json.dumps(schema).lower() and "$ref" in json.dumps(schema)


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        ('{"why": "same"}', "score"),
        ('{"why": "", "score": 2, "part": {"pages": []}}', "2"),
        ('{"why": "", "score": 1, "part": {"pages": ["x"]}}', "pages"),
        ('{"why": "sa', "truncated"),
        ("Yes.", "JSON"),
    ],
)
def test_a_wrong_answer_goes_back_once_with_what_is_wrong(bad: str, told: str):
    flow = judging()
    first = next(flow)
    second = flow.send(Answer(text=bad))
    asked, said, again = second.messages
    assert (asked, said.role, said.text) == (first.messages[0], "assistant", bad)
    assert told in again.text and second.schema == first.schema
    with pytest.raises(StopIteration) as end:
        flow.send(Answer(text=GOOD))
    assert end.value.value == VERDICT


def test_a_second_wrong_answer_fails_and_would_fail_again():
    failure = failing("no", '{"why": 1}')
    assert (failure.reason, failure.again) == ("not the JSON asked for", False)


@pytest.mark.parametrize("finish", ["length", "refusal", "content_filter"])
def test_a_cut_or_refused_answer_is_not_asked_again(finish: str):
    assert failing(Answer(text=GOOD[:20], finish=finish)).reason == f"answer ends by {finish}"


def test_a_flow_may_go_on_without_an_answer():
    def patient() -> Flow[str]:
        try:
            yield question("a")
        except RequestFailed as failure:
            return f"without: {failure.reason}"
        return "with"

    assert answer_from(patient(), [RequestFailed("no answer: 500", again=True)]) == "without: no answer: 500"
