"""Pages that replies cite, and pages without which they fall."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from mmprolong import plugins
from mmprolong.conversations import Message, Pages, Text, images_of
from mmprolong.evaluation.benchmarks.page_drop import DISTRACTORS, EVIDENCE, WHOLE, PageDrop
from mmprolong.evaluation.evidence import cited_pages, evidence_marks, evidence_means
from mmprolong.records import Gold, Reject, Sample, Score
from tests.evaluation.test_benchmarks import doc_files, doc_record


@pytest.mark.parametrize(
    ("text", "pages"),
    [
        ("12, see page 3.", {3}),
        ("Pages 3-5", {3, 4, 5}),
        ("pp. 4, 7 and 9", {4, 7, 9}),
        ("(p. 2; Page 8)", {2, 8}),
        ("pages: 3 to 4, page 6", {3, 4, 6}),
        ("Page(s) 2 & 3", {2, 3}),
        ("pages 9-1000000", {9, 10, 11}),
        ("the homepage 3", set()),
        ("5 pages, 3 of them blank", set()),
        ("page three", set()),
        ("page -1", set()),
        ("page 5-3", set()),
        ("page " * 20_000, set()),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else "",
)
def test_pages_are_read_from_a_reply(text: str, pages: set[int]):
    assert cited_pages(text, 10) == pages


def asked(*evidence: int, pages: int = 10) -> Sample:
    prompt = (Message("user", (Pages("pdf:a", 0, pages - 1), Text("Which?"))),)
    gold = Gold("x", evidence=evidence)
    return Sample(id="s", benchmark="b", task="t", length="8p", cluster="c", prompt=prompt, gold=gold)


def test_cited_pages_are_compared_with_the_evidence():
    found = evidence_marks(asked(2, 5), "x (pages 3 and 4)", 1.0)
    assert found == {"cites": 1, "page_precision": 0.5, "page_recall": 0.5, "page_f1": 0.5, "right_wrong_page": 0}
    assert evidence_marks(asked(2), "x", 1.0) == {"cites": 0}
    assert evidence_marks(asked(), "page 3", 1.0) == {}


def test_a_right_answer_from_a_wrong_page_is_told_and_a_wrong_answer_is_not_one():
    assert evidence_marks(asked(2), "x, page 11", 1.0)["right_wrong_page"] == 1
    assert "right_wrong_page" not in evidence_marks(asked(2), "x, page 11", 0.0)


def scored(value: float, depth: float, length: str = "8p", **also: float) -> Score:
    return Score(
        sample="s",
        benchmark="b",
        task="t",
        length=length,
        cluster="c",
        target="",
        value=value,
        parsed="",
        also=also,
        facts={"depth": depth},
    )


def test_means_are_given_by_length_and_depth_over_those_that_have_them():
    scores = [scored(1, 0.1, cites=1, page_f1=0.5), scored(1, 0.9, "16p", cites=0), scored(1, 0.9, "16p")]
    found = evidence_means(scores)
    assert found["by_length"] == {"8p": {"n": 1, "cites": 1, "page_f1": 0.5}, "16p": {"n": 1, "cites": 0}}
    assert list(found["by_depth"]) == ["0-25%", "75-100%"]
    assert evidence_means([scored(1, 0.5)]) == {}


def variants(folder: Path) -> Iterator[Sample | Reject]:
    evidence = {"evidence_pages": "[2]"}, {"evidence_pages": "[]"}, {"question": "All?", "evidence_pages": "[1, 2]"}
    records = [doc_record(**each) for each in evidence]
    return PageDrop(of="mmlongbench_doc").samples("drop", doc_files(folder, *records))


def test_a_question_is_asked_with_all_pages_without_its_evidence_and_without_as_many_others(tmp_path: Path):
    whole, bare, fewer, refused = variants(tmp_path)
    assert isinstance(refused, Reject) and refused.reason == "too few other pages"
    assert isinstance(whole, Sample) and isinstance(bare, Sample) and isinstance(fewer, Sample)
    shown = [[image.index for image in images_of(one.prompt)] for one in (whole, bare, fewer)]
    assert shown[:2] == [[0, 1, 2], [0, 2]]
    assert 1 in shown[2] and len(shown[2]) == 2
    assert [shown[2][place] for place in fewer.gold.evidence] == [1] and not bare.gold.evidence
    assert [one.id.partition("/")[2] for one in (whole, bare, fewer)] == [WHOLE, EVIDENCE, DISTRACTORS]
    again = [one for one in variants(tmp_path / "again") if isinstance(one, Sample)]
    assert again[2].prompt == fewer.prompt


def test_what_an_answer_loses_is_paired_by_question():
    def three(name: str, values: Sequence[float]) -> list[Score]:
        facts = [{"of": name, "pages": variant, "depth": 0.1} for variant in (WHOLE, EVIDENCE, DISTRACTORS)]
        return [replace(scored(value, 0.1), facts=each) for value, each in zip(values, facts, strict=True)]

    found = PageDrop().aggregate([*three("a", (1, 0, 1)), *three("b", (1, 1, 0)), *three("c", (0, 0, 0))])
    assert found == {
        "whole": pytest.approx(2 / 3),
        **dict.fromkeys(("evidence_drop", "evidence_drop 8p", "evidence_drop 0-25%"), pytest.approx(1 / 3)),
        **dict.fromkeys(("distractor_drop", "distractor_drop 8p", "distractor_drop 0-25%"), pytest.approx(1 / 3)),
    }


def test_the_benchmark_inside_is_a_part_of_the_identity():
    found = plugins.identity("mmprolong.evaluation.benchmarks", "page_drop", "benchmark")
    assert found["of"]["name"] == "mmlongbench_doc" and found["of"]["version"] >= 1
    other = {"name": "page_drop", "of": {"name": "mmlongbench_doc", "edition": "V2"}}
    assert plugins.identity("mmprolong.evaluation.benchmarks", other, "benchmark")["of"]["edition"] == "V2"
