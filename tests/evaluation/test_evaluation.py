from pathlib import Path

import pytest

from mmprolong.errors import ConfigError
from mmprolong.evaluation.benchmarks import Question
from mmprolong.evaluation.benchmarks.heldout import questions
from mmprolong.evaluation.score import metrics
from mmprolong.evaluation.scorers import exact_match, stamps
from mmprolong.records import Document, Score, write_jsonl
from mmprolong.settings.knobs import Source
from mmprolong.synthesis.stamps import write_stamped


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> list[Question]:
    folder = tmp_path_factory.mktemp("heldout")
    pool = [Document(id="d", source="d.pdf", page_sizes=((595.0, 842.0),) * 40)]
    tasks = ["extract_single", "extract_multi", "reasoning"]
    source = Source(split="heldout", tasks=tasks, documents=3, pages=[[4, 4], [4, 12]], turns=4)
    write_jsonl(folder / "instances.jsonl", write_stamped(pool, source, "proxy", lambda _: (1, 1)))
    return list(questions(folder, ["short", "long"]))


def test_every_turn_is_one_question_on_its_own(asked: list[Question]):
    assert len({question.sample.id for question in asked}) == len(asked)
    assert all(len(question.prompt) == 1 for question in asked)
    assert {question.sample.length for question in asked} == {"short", "long"}
    assert all(0 <= question.sample.depth <= 1 for question in asked)


@pytest.mark.parametrize(
    ("length", "label"), [(1, "1K"), (1024, "1K"), (1025, "2K"), (65_536, "64K"), (65_537, "128K")]
)
def test_a_length_without_a_name_is_the_power_of_two_that_holds_it(tmp_path: Path, length: int, label: str):
    pool = [Document(id="d", source="d.pdf", page_sizes=((1.0, 1.0),) * 10)]
    source = Source(tasks=["extract_single"], documents=1, pages=[[3, 9]])
    write_jsonl(tmp_path / "instances.jsonl", write_stamped(pool, source, "proxy", lambda _: (length, 1)))
    assert {question.sample.length for question in questions(tmp_path, [])} == {label}


def test_questions_of_one_document_are_clustered(asked: list[Question]):
    assert len({question.sample.document for question in asked}) == 6


@pytest.mark.parametrize(
    ("reply", "target", "value"),
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
def test_stamp_answers(reply: str, target: str, value: float):
    assert stamps.score(reply, target)[0] == pytest.approx(value)


@pytest.mark.parametrize(
    ("reply", "target", "value"),
    [
        ("Blue.", "blue", 1.0),
        ("1,024", "1024", 1.0),
        ("3.50", "3.5", 1.0),
        ("b; a", "A; B", 1.0),
        ("a", "a; b", 0.0),
        ("12", "1912", 0.0),
    ],
)
def test_exact_answers(reply: str, target: str, value: float):
    assert exact_match.score(reply, target)[0] == value


def score(length: str, task: str, value: float) -> Score:
    return Score(
        sample=f"{length}-{task}-{value}",
        document="d",
        task=task,
        length=length,
        depth=0.5,
        value=value,
        parsed="",
        target="",
        scorer="s-1",
    )


def test_accuracy_is_the_mean_of_the_tasks_means_then_of_the_lengths():
    scores = [score("1x", "a", 1), score("1x", "a", 0), score("1x", "b", 1), score("2x", "a", 0), score("4x", "a", 1)]
    found = metrics(scores, ["1x", "2x"])
    assert found["accuracy"] == {"1x": 0.75, "2x": 0.0, "4x": 1.0}
    assert found["overall"] == 0.375
    assert found["n"] == {"1x": 3, "2x": 1, "4x": 1}
    assert found["by_depth"]["1x"] == {"50-75%": pytest.approx(2 / 3)}


def test_a_headline_length_that_no_sample_has_is_refused():
    with pytest.raises(ConfigError, match=r"suite\.overall: '9x'"):
        metrics([score("1x", "a", 1)], ["9x"])


def test_synthesis_writes_the_same_questions_again(tmp_path: Path):
    pool = [Document(id="d", source="d.pdf", page_sizes=((1.0, 1.0),) * 10)]
    source = Source(tasks=["extract_single", "ocr_needle"], documents=4, pages=[[3, 9]])
    first, second = (list(write_stamped(pool, source, "proxy", lambda _: (1, 1))) for _ in range(2))
    assert first == second
    fewer = Source(tasks=["ocr_needle"], documents=4, pages=[[3, 9]])
    alone = list(write_stamped(pool, fewer, "proxy", lambda _: (1, 1)))
    assert alone == [instance for instance in first if instance.task == "ocr_needle"]
