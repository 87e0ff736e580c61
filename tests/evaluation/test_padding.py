"""Documents padded to any length with pages of others."""

from pathlib import Path
from typing import Any

import pytest

from mmprolong.conversations import images_of
from mmprolong.evaluation.benchmarks._padding import NegativePages, Negatives, document_of, page_tokens
from mmprolong.evaluation.benchmarks._records import Refused
from mmprolong.evaluation.benchmarks.mmlongbench_docqa import MMLongBenchDocQA
from mmprolong.records import Sample
from tests.evaluation.official import asked, seen, write_images, write_lines

A_PAGE = page_tokens((1224, 1584))
"""Of letter paper at 144 dpi."""
PROMPT = 128
SIZE = (280, 280)
"""Of the pictures of a test: 100 image tokens."""


def test_a_letter_page_has_as_many_tokens_as_the_model_gives_it():
    assert A_PAGE - 12 == 44 * 57


def pages_of(document: str, count: int) -> list[str]:
    return [f"set/{document}/{document}_page{number}.jpg" for number in range(count)]


def pool(count: int = 40, negatives: Negatives = "random", seed: int = 42) -> NegativePages:
    """Documents of five pages each beside that of the question."""
    found = NegativePages(lambda _: (1224, 1584), negatives, seed)
    for number in range(count):
        found.add(
            f"other{number}", f"What about {'whales' if number == 7 else 'taxes'}?", pages_of(f"other{number}", 5)
        )
    found.add("own", "How large do whales grow?", pages_of("own", 6))
    return found


OWN = pages_of("own", 6)


def documents(pages: list[str]) -> list[str]:
    """Names of the documents in order, each once."""
    return list(dict.fromkeys(map(document_of, pages)))


def test_documents_come_alternately_left_and_right_and_the_last_is_cut():
    pages, tokens = pool().padded(OWN, (), PROMPT + 23 * A_PAGE)
    assert tokens == PROMPT + len(pages) * A_PAGE and len(pages) == 23
    place = pages.index(OWN[0])
    assert pages[place : place + 6] == OWN
    assert (place, len(pages) - place - 6) == (10, 7), "two documents left, one and a cut one right"
    assert all(pages.index(page) == number for number, page in enumerate(pages)), "no page comes twice"


def test_pages_of_other_documents_keep_their_order():
    pages, _ = pool().padded(OWN, (), PROMPT + 21 * A_PAGE)
    for document in documents(pages):
        own = [page for page in pages if document_of(page) == document]
        assert own == pages_of(document, len(own))


@pytest.mark.parametrize("budget", [11, 16, 30, 100])
def test_the_length_is_met_within_a_page(budget: int):
    _, tokens = pool().padded(OWN, (), budget * A_PAGE)
    assert budget * A_PAGE - A_PAGE < tokens <= budget * A_PAGE


def test_a_longer_context_holds_the_documents_of_a_shorter_one():
    shorter, _ = pool().padded(OWN, (), 40 * A_PAGE)
    longer, _ = pool().padded(OWN, (), 80 * A_PAGE)
    assert set(shorter) < set(longer)


def test_an_order_has_a_seed():
    orders = {seed: pool(seed=seed).padded(OWN, (), 40 * A_PAGE)[0] for seed in (1, 2)}
    assert orders[1] == pool(seed=1).padded(OWN, (), 40 * A_PAGE)[0] != orders[2]


def test_related_documents_stand_next_to_the_own_one():
    pages, _ = pool(negatives="related").padded(OWN, (), 40 * A_PAGE)
    names = documents(pages)
    assert names[names.index("own") - 1] == "other7", "it is asked about whales, too"


def test_a_long_document_loses_both_ends_but_not_the_evidence():
    def kept(evidence: set[str]) -> list[int]:
        return [OWN.index(page) for page in pool().padded(OWN, evidence, PROMPT + 2 * A_PAGE)[0]]

    assert kept(set()) == [2, 3]
    assert kept({OWN[0]}) == [0, 1]
    assert kept({OWN[5]}) == [4, 5]
    with pytest.raises(Refused, match="evidence is too long"):
        kept({OWN[0], OWN[5]})


def test_too_few_documents_are_refused():
    with pytest.raises(Refused, match=r"too few pages to pad with: \d+ of \d+ tokens"):
        pool(2).padded(OWN, (), 40 * A_PAGE)


def files(root: Path, count: int = 30, **changed: Any) -> None:
    """A file of the longest length: questions on two documents, each with one page of `count` others."""
    others = [f"set/other{number}/other{number}_page{page}.jpg" for number in range(count) for page in (0, 1)]
    own = {name: pages_of(name, 3) for name in ("first", "second")}
    every = [*others, *own["first"], *own["second"]]
    write_images(root / "mmlb_image", every, SIZE)
    records = [
        {
            "id": number,
            "doc_name": name,
            "question": f"Question {number}?",
            "answer": "a",
            "answer_format": "String",
            "ans_page_list": [1],
            "page_list": [*others[:4], *own[name], *others[4:]],
            **changed,
        }
        for number, name in enumerate(("first", "first", "second"))
    ]
    write_lines(root / "mmlb_data/documentQA/mmlongdoc_K128.jsonl", *records)


def built(root: Path, length: str, **options: Any) -> list[Sample]:
    """Questions at one length, none refused."""
    samples, rejects = asked(MMLongBenchDocQA(sets=("mmlongdoc",), lengths=(length,), **options), root)
    assert not rejects
    return samples


def test_any_length_is_built_from_the_longest_files(tmp_path: Path):
    files(tmp_path)
    first, second, third = built(tmp_path, "3K")
    assert first.length == "3K" and 3072 - 112 < float(first.facts["tokens"]) <= 3072
    assert (first.facts["negatives"], first.facts["negatives_seed"]) == ("random", 42)
    images = [image.source for image in images_of(first.prompt)]
    (evidence,) = first.gold.evidence
    assert images[evidence].endswith("first_page1.jpg") and first.facts["depth"] == evidence / (len(images) - 1)
    assert seen(first).split("Question:")[0] == seen(second).split("Question:")[0]
    assert images == [image.source for image in images_of(second.prompt)], "questions on one document share its pages"
    assert images != [image.source for image in images_of(third.prompt)]


def test_related_negatives_are_built_at_released_lengths_too(tmp_path: Path):
    files(tmp_path, 80)
    (sample, *_) = built(tmp_path, "16K", negatives="related")
    assert sample.facts["negatives"] == "related"
    assert 16384 - 112 < float(sample.facts["tokens"]) <= 16384


def test_a_page_that_cannot_be_read_is_left_out_and_counted(tmp_path: Path):
    files(tmp_path)
    (tmp_path / "mmlb_image/set/other0/other0_page1.jpg").write_bytes(b"no picture")
    (tmp_path / "mmlb_image/set/other1/other1_page0.jpg").unlink()
    (tmp_path / "mmlb_image/set/second/second_page1.jpg").unlink()
    samples, rejects = asked(MMLongBenchDocQA(sets=("mmlongdoc",), lengths=("6K",)), tmp_path)
    assert [sample.facts["id"] for sample in samples] == ["0", "1"]
    found = {reject.what: reject.reason for reject in rejects}
    assert found["mmlongdoc_K128.jsonl:3 (id 2)"] == "image is not there"
    assert found["set/other0/other0_page1.jpg"] == "negative image cannot be read"
    assert found["set/other1/other1_page0.jpg"] == "negative image is not there"
