import json
from pathlib import Path
from typing import Any

import pytest

from mmprolong import plugins
from mmprolong.errors import ConfigError, DataError
from mmprolong.evaluation.rescore import SCORERS, rescore, rescored
from mmprolong.evaluation.scorers import Scorer, conclude
from mmprolong.evaluation.scorers.exact_match import ExactMatch
from mmprolong.evaluation.scorers.mmlongbench_doc import MMLongBenchDocRule
from mmprolong.evaluation.scorers.mmlongbench_docqa_llm_judge import DocQAJudge, verdict
from mmprolong.evaluation.scorers.mmlongbench_docqa_rule import DocQARule
from mmprolong.evaluation.scorers.stamps import Stamps
from mmprolong.llm.requests import Answer
from mmprolong.records import Mark
from tests.evaluation.asking import sample


def value(scorer: Scorer, reply: str, answer: Any, kind: str = "String", begun: str = "") -> float:
    return conclude(scorer.score(sample(answer, kind, begun), reply)).value


@pytest.mark.parametrize(
    ("reply", "answer", "right"),
    [
        ("Blue.", "blue", True),
        ("  two\nwords ", "Two words", True),
        ("1,024", "1024", True),
        ("1,234,567.50", "1234567.5", True),
        ("3.50", "3.5", True),
        ("+7", "7", True),
        (".5", "0.5", True),
        ("b; a", "A; B", True),
        ("a; a; b", "a; b", True),
        ("1,000; 2", "2; 1000.0", True),
        ("1,2", "12", False),
        ("3,5", "35", False),
        ("12,34", "1234", False),
        ("1,2345", "12345", False),
        ("0,123", "123", False),
        ("1 2", "12", False),
        ("2013481", "2013482", False),
        ("0.30000000000000001", "0.3", False),
        ("123456789012345678901", "123456789012345678902", False),
        (".5", "5", False),
        ("a", "a; b", False),
        ("12", "1912", False),
        ("nan", "0", False),
        ("", "a", False),
    ],
)
def test_exact_match(reply: str, answer: str, right: bool):
    assert value(ExactMatch(), reply, answer) == right
    assert value(ExactMatch(), answer, reply) == right, "equality has no direction"


@pytest.mark.parametrize(
    ("reply", "answer", "expected"),
    [
        ("7", "7", 1.0),
        ("7 3", "7", 0.0),
        ("", "7", 0.0),
        ("A 3 C 5 = 8", "A 3 C 5 = 8", 1.0),
        ("A 1 C 7 = 8", "A 3 C 5 = 8", 1.0),
        ("A 3 C 5 = 9", "A 3 C 5 = 8", 0.0),
        ("A 3 C 5", "A 3 C 5 = 8", 0.0),
        ("A 3 C 5", "A 3 C 5", 1.0),
        ("A 3 C 6", "A 3 C 5", 0.5),
        ("A 3 A 3 A 3", "A 3 C 5", 0.4),
        ("A 3", "A 3 C 5", 2 / 3),
        ("", "A 3 C 5", 0.0),
    ],
)
def test_stamps(reply: str, answer: str, expected: float):
    assert value(Stamps(), reply, answer) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("reply", "answer", "kind", "expected"),
    [
        ("in 2023 or 2024", "2024", "Integer", 1.0),
        ("-3", "3", "Integer", 0.0),
        ("3.0", "3 miles", "Integer", 1.0),
        ("0.121", "12%", "Float", 1.0),
        ("1,212", "12.0", "Float", 1.0),
        ("1,213", "12.0", "Float", 0.0),
        ("a red car", "the red cars", "String", 0.5),
        ("It is on page 12", "page 12", "String", 1.0),
        ("Page 12", "page 12", "String", 0.0),
        ("on 2020/1/5", "2020/1/5", "String", 1.0),
        ("in March 2020", "2020/3", "String", 0.0),
        ("not answerable", "Not answerable", "None", 1.0),
        ("red, 3 and 2.5%", '["red", "3", "2.5%"]', "List", (0.4 + 1 + 1) / 3),  # words of 'red': 1 of 4
        ("blue", '["red", "blue"]', "List", 2 / 3),
        ("a.b@c.org", '["a.b@c.org", "d@e.org"]', "List", 0.5),
    ],
)
def test_mmlongbench_docqa_rule(reply: str, answer: str, kind: str, expected: float):
    assert value(DocQARule(), reply, answer, kind) == pytest.approx(expected)


def test_the_answer_is_read_behind_the_prefix_that_the_prompt_begins():
    assert value(DocQARule(), " red", "red", begun="Answer:") == 1
    assert value(DocQARule(), " Answer: red", "red", begun="Answer:") == 1
    assert value(DocQARule(), "I see blue. answer: red", "red") == 1
    assert value(DocQARule(), "I see. Answer: red", "red", begun="Answer:") == pytest.approx(0.4)  # all 4 words count


@pytest.mark.parametrize(
    ("reply", "answer", "kind", "expected"),
    [
        ("5.9", "5", "Int", 1.0),
        ("five", "5", "Int", 0.0),
        ("18.45", "18.29%", "Float", 1.0),
        ("0.18", "18.29%", "Float", 1.0),  # rounds to two decimals
        ("0.17", "18.29%", "Float", 0.0),
        ("Poor (financial) condition", "poor condition", "Str", 1.0),
        ("abcdef", "abcxyz", "Str", 0.0),  # half is not enough
        ("abcdeX", "abcdef", "Str", 5 / 6),
        ("page 13", "page 12", "Str", 0.0),
        ("['B', 'a']", "['A', 'b']", "List", 1.0),
        ("['abcd', 'abcX']", "['abcd', 'abcd']", "List", 0.75),
        ("['2', '10']", "[10, 2]", "List", 1.0),
        ("['2']", "[2, 10]", "List", 0.0),
    ],
)
def test_mmlongbench_doc(reply: str, answer: str, kind: str, expected: float):
    assert value(MMLongBenchDocRule(), reply, answer, kind) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("scorer", "reply", "answer", "kind"),
    [
        (DocQARule(), "seven", "seven", "Integer"),
        (DocQARule(), "2.5", "2.5", "Integer"),
        (DocQARule(), "a", "[]", "List"),
        (DocQARule(), "a", "no JSON", "List"),
        (DocQARule(), "a", "a", "Sentence"),
        (MMLongBenchDocRule(), "[]", "[]", "List"),
        (MMLongBenchDocRule(), "[red, blue]", "['red', 'blue']", "List"),
        (MMLongBenchDocRule(), "['a'", "['a']", "List"),
        (MMLongBenchDocRule(), "1200", "1,200", "Float"),
    ],
)
def test_where_official_code_crashes_the_mark_is_0_and_counted(scorer: Scorer, reply: str, answer: str, kind: str):
    mark = conclude(scorer.score(sample(answer, kind), reply))
    assert mark.value == 0 and mark.malformed and mark.reason


def test_text_of_a_model_is_never_run(tmp_path: Path):
    bait = tmp_path / "bait"
    mark = conclude(MMLongBenchDocRule().score(sample("['a']", "List"), f"[open({str(bait)!r}, 'w')]"))
    assert mark.malformed and not bait.exists()


JSON = '[JSON]:\n{"student_answer_count": %s, "covered_count": %s}'


@pytest.mark.parametrize(
    ("reply", "kind", "expected"),
    [
        ("[Scoring Rationale]: same.\n[Score]: 1 point\n[JSON]:\n{}", "String", 1),
        ("[Score]:1points", "String", 1),
        ("[Score]: 10 points", "String", 10),
        ("[Score]: -1 points", "String", 0.0),
        ('[Score]: one point\n[JSON]:\n{"answer_score": 1}', "String", 1),
        ('[JSON]: ```json\n{"answer_score": 1}```', "Integer", 1),
        ('[JSON]: {"answer_score": "1"}', "Float", "1"),
        ('[JSON]: {"answer_score": null}', "None", None),
        ('[JSON]: {"answer_score": 1', "String", 1.0),  # cut: the number is found all the same
        ('{"answer_score": 0.5}', "String", 0.5),
        ('[JSON]: {"score": 1}', "String", 0.0),
        ("score 1", "String", 0.0),
        (JSON % (3, 3), "List", 1.0),
        (JSON % (3, 2), "List", 2 / 3),
        (JSON % (6, 3), "List", 2 / 3),
        (JSON % (1, 1), "List", 0.5),
        (JSON % (3, 0), "List", 0.0),
        (JSON % (2, 5), "List", 1.0),
        ('"student_answer_count": 3, "covered_count": 3', "List", 1.0),
        ('[JSON]: {"covered_count": 3}', "List", 0.0),
    ],
)
def test_a_verdict_is_read_as_officially(reply: str, kind: str, expected: Any):
    found = verdict(reply, '["a", "b", "c"]', kind)
    assert found == (pytest.approx(expected) if isinstance(expected, float) else expected)


@pytest.mark.parametrize("counts", [(0, 1), (-3, 2), ("null", "null"), ('"3"', '"3"')])
def test_a_verdict_that_ends_the_official_code_does_not_end_ours(counts: tuple, tmp_path: Path):
    line = {"gold": '["a", "b", "c"]', "pred": "a", "answer_format": "List", "judge_reply": JSON % counts}
    (scored,) = rescored("mmlongbench_docqa_llm_judge", written(tmp_path, line))
    assert (scored["score"], scored["malformed"]) == (0, True)


def answered(scorer: Scorer, reply: str, said: str, **asking: Any) -> tuple[str, Mark]:
    """The prompt that a judge is asked, and the mark after its answer."""
    flow = scorer.score(sample(question="Which colour?", **asking), reply)
    request = next(flow)
    with pytest.raises(StopIteration) as ended:
        flow.send(Answer(text=said, model="judge-1"))
    return request.messages[0].text, ended.value.value


def test_a_judge_sees_question_gold_and_answer_and_the_rule_is_kept_beside_its_mark():
    said = "[Scoring Rationale]: The same colour.\n[Score]: 1 point"
    prompt, mark = answered(DocQAJudge(), " crimson red", said, answer="red", begun="Answer:")
    assert (
        "Which colour?" in prompt and "<Standard Answer>: red" in prompt and "<Student Answer>: crimson red" in prompt
    )
    assert mark == Mark(
        value=1.0, parsed="crimson red", also={"rule": 2 / 3}, judge="judge-1", reason="The same colour."
    )


def test_points_beyond_1_are_1():
    assert answered(DocQAJudge(), "red", "[Score]: 10 points", answer="red")[1].value == 1


def test_an_extracted_answer_is_marked():
    said = "Extracted answer: ['b', 'a']\nAnswer format: List"
    prompt, mark = answered(
        MMLongBenchDocRule(extraction=True), "They are b and a.", said, answer="['a', 'b']", kind="List"
    )
    assert "They are b and a." in prompt
    assert mark == Mark(value=1.0, parsed="['b', 'a']", judge="judge-1")


def test_a_judge_is_not_there_for_rules():
    with pytest.raises(ConfigError, match="asks a judge"):
        conclude(DocQAJudge().score(sample("red", question="?"), "red"))


def written(folder: Path, *lines: Any) -> Path:
    path = folder / "cases.jsonl"
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    return path


def test_rescored_lines_are_the_lines_and_their_scores(tmp_path: Path):
    line = {"gold": "5", "pred": "5", "answer_format": "Integer", "mine": 2**70, "other": ["\ud83d"]}
    out = tmp_path / "scores.jsonl"
    assert rescore("mmlongbench_docqa_rule", written(tmp_path, line, line), out) == 2
    assert json.loads(out.read_text().splitlines()[1]) == {**line, "score": 1.0, "malformed": False}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", r"cases.jsonl:2: .*; write one JSON object a line"),
        ("[1]", r"cases.jsonl:2: \[1\]; write a JSON object"),
        ('{"gold": 1}', r"cases.jsonl:2: no 'pred'"),
        ('{"gold": "a", "pred": "a", "answer_format": "String"}', r"cases.jsonl:2: no 'judge_reply'"),
    ],
)
def test_a_line_that_cannot_be_scored_is_named_and_nothing_is_written(line: str, said: str, tmp_path: Path):
    good = {"gold": "a", "pred": "a", "answer_format": "String", "judge_reply": ""}
    source, out = written(tmp_path, good, line), tmp_path / "scores.jsonl"
    with pytest.raises(DataError, match=said):
        rescore("mmlongbench_docqa_llm_judge", source, out)
    assert not out.exists()


def test_an_unknown_scorer_is_answered_with_the_nearest(tmp_path: Path):
    with pytest.raises(ConfigError, match="did you mean 'mmlongbench_doc'"):
        rescore("mmlongbench_docs", written(tmp_path), tmp_path / "out")


def test_every_scorer_is_a_plugin_with_defaults():
    for name in plugins.names_in(SCORERS):
        assert plugins.identity(SCORERS, name, "scorer")["version"] >= 1
