"""Judges behind a server: verdicts are paid for once, and what a judge did not say is no score."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from mmprolong.errors import ConfigError, DataError, EndpointError
from mmprolong.evaluation.judging import Judging, judge_all
from mmprolong.evaluation.scorers import Scorer
from mmprolong.evaluation.scorers.mmlongbench_doc import MMLongBenchDocRule
from mmprolong.evaluation.scorers.mmlongbench_docqa_llm_judge import DocQAJudge
from mmprolong.llm.requests import Flow
from mmprolong.records import Mark
from mmprolong.settings.llm import Llm, Sampling
from tests.evaluation.asking import sample
from tests.llm.server import Body, Response, Server, serving

RIGHT, WRONG = "[Scoring Rationale]: so\n[Score]: 1 points", "[Scoring Rationale]: no\n[Score]: 0 points"


def judge(server: Server, **changed: object) -> Llm:
    sampling = Sampling(temperature=0.0, max_tokens=256)
    return Llm(model="judge", sampling=sampling, base_url=server.url, retries=0, at_once=1, **changed)


def judged(store: Path, *settings: Llm, scorer: Scorer | None = None, replies: str = "abcd") -> Judging:
    def flows() -> Iterator[Flow[Mark]]:
        for reply in replies:
            yield (scorer or DocQAJudge()).score(sample("a", question="Which?"), reply)

    names = ("judge", "judge/other", "judge/third")
    return judge_all(flows, dict(zip(names, settings, strict=False)), store)


def by_answer(right: str, then: str = WRONG, status: int = 200) -> object:
    """Say `right` where the student's answer is 'a', else `then`."""

    def respond(body: Body, number: int) -> Response:
        fine = "<Student Answer>: a" in body["messages"][-1]["content"]
        return Response(right) if fine else Response(then, status)

    return respond


def test_a_verdict_is_asked_for_once_ever_and_says_how_it_was_made(tmp_path: Path):
    with serving(by_answer(RIGHT)) as server:
        first = judged(tmp_path, judge(server))
        again = judged(tmp_path, judge(server))
        assert len(server.bodies) == 4
        assert all((body["temperature"], body["max_tokens"]) == (0.0, 256) for body in server.bodies)
    assert first == again
    assert [mark.value for mark in first.marks] == [1, 0, 0, 0]
    assert len({mark.prompt for mark in first.marks}) == 4 and len(first.marks[0].prompt) == 16
    assert first.marks[1].also == {"rule": 0.0, "judge": 0.0}
    known = first.judges["judge"]
    assert (known["model"], known["temperature"], known["max_tokens"]) == ("judge", 0.0, 256)
    assert (known["verdicts"], known["unparsed"], known["mean"]) == (4, 0, 0.25)
    assert known["answered_as"] == {"tiny-1": 4}


def test_a_reply_that_is_no_verdict_is_asked_for_once_more_and_then_counted(tmp_path: Path):
    with serving(by_answer(RIGHT, "I would rather not say.")) as server:
        found = judged(tmp_path, judge(server), replies="ab")
        assert [body["seed"] for body in server.bodies] == [0, 0, 1]
    mark = found.marks[1]
    assert (mark.value, mark.unparsed, mark.also) == (0, True, {"rule": 0.0})
    assert mark.reason == "unparsed: I would rather not say."
    assert found.judges["judge"]["unparsed"] == 1 and found.judges["judge"]["mean"] == 1


def test_a_second_reply_that_is_a_verdict_counts(tmp_path: Path):
    with serving(lambda _, number: Response("Hm." if number == 0 else RIGHT)) as server:
        assert judged(tmp_path, judge(server), replies="b").marks[0].value == 1


def test_a_reply_without_an_extracted_answer_is_unparsed(tmp_path: Path):
    with serving(lambda *_: Response("a")) as server:
        (mark,) = judged(tmp_path, judge(server), scorer=MMLongBenchDocRule(extraction=True), replies="a").marks
        assert len(server.bodies) == 2 and mark.unparsed and mark.value == 0


@pytest.mark.parametrize("status", [500, 429, 400])
def test_a_server_that_does_not_answer_is_an_error_of_that_item_and_never_a_score(status: int, tmp_path: Path):
    error = pytest.raises(DataError, match=r"judge: 3 of 4 replies have no verdict, the first: .*run again")
    with serving(by_answer(RIGHT, "down", status)) as server, error:
        judged(tmp_path, judge(server))
    with serving(by_answer(RIGHT)) as server:
        assert [mark.value for mark in judged(tmp_path, judge(server)).marks] == [1, 0, 0, 0]
        assert len(server.bodies) == 3


def test_a_missing_or_refused_key_is_an_error(tmp_path: Path):
    with serving(lambda *_: Response("no", 401)) as server:
        with pytest.raises(ConfigError, match="MMPROLONG_NO_KEY is not set"):
            judged(tmp_path, judge(server, key_variable="MMPROLONG_NO_KEY"))
        with pytest.raises(EndpointError, match="see to the key"):
            judged(tmp_path, judge(server))


def test_several_judges_stand_beside_the_first(tmp_path: Path):
    with serving(by_answer(RIGHT)) as strict, serving(by_answer(RIGHT, RIGHT)) as mild:
        other = msgspec.convert({"model": "mild", "base_url": mild.url, "retries": 0}, Llm)
        found = judged(tmp_path, judge(strict), other)
    assert [mark.value for mark in found.marks] == [1, 0, 0, 0]
    assert found.marks[3].also == {"rule": 0.0, "judge": 0.0, "judge/other": 1.0}
    assert [each["mean"] for each in found.judges.values()] == [0.25, 1.0]
