import re
from dataclasses import replace

import numpy as np
import pytest

from mmprolong.conversations import Message, Pages, Text
from mmprolong.images.documents import Document, Heading
from mmprolong.llm.flows import answer_from
from mmprolong.records import Example, Gold, Reject
from mmprolong.settings.data import Source
from mmprolong.synthesis.examples import shared, shown
from mmprolong.synthesis.page_numbers import COUNTED, PRINTED, printed_numbers, stated
from mmprolong.synthesis.question import NOT_ANSWERABLE, Question
from mmprolong.synthesis.second_model import agree, confirmed
from mmprolong.synthesis.tasks.unanswerable import Unanswerable
from mmprolong.synthesis.template import write_template
from mmprolong.synthesis.verify import find_flaw, find_repeat
from tests.synthesis.documents import made, whole
from tests.synthesis.test_template import article

EVERY = ["extract_single", "extract_multi", "reasoning", "ocr_full", "ocr_needle", "unanswerable"]
SOURCE = Source(writer="template", tasks=EVERY, questions_per_task=3)
PAGES = [[("paragraph", f"Text of sheet {page}."), ("footer", f"{page - 3} / Report")] for page in range(4, 12)]


def examples(source: Source, parsed=None) -> list[Example]:
    return [each for each in write_template(parsed or article(), "", source) if isinstance(each, Example)]


def asked(example: Example) -> str:
    return example.conversations["answer"][0].text


def test_every_question_that_names_a_page_says_how_pages_are_counted():
    found = examples(replace(SOURCE, questions_per_task=8))
    assert {each.task for each in found} == set(EVERY)
    assert all(stated(asked(each).removesuffix(f" {COUNTED}"), False) == asked(each) for each in found)
    assert any(asked(each).endswith(COUNTED) for each in found)


def test_printed_numbers_are_those_that_rise_with_the_pages():
    document = made(PAGES, printed=True)
    assert [document.number(page) for page in (0, 7)] == ["1", "8"] and document.span(2, 4) == "pages 3-5"
    assert printed_numbers(made([[("footer", "7")], [("footer", "1999")], [("header", "3")]]).blocks) == {}
    gap = made([*PAGES[:4], [("paragraph", "Blank of numbers.")], *PAGES[5:]], printed=True)
    assert find_flaw(Question(kind="k", text=f"On page {gap.number(4)}?", answer="x", evidence=(4,)), gap) == (
        "page shows no number"
    )


def test_questions_by_printed_numbers_say_so():
    source = replace(SOURCE, tasks=["ocr_needle"], page_numbers="printed")
    long = [[*parts, ("paragraph", "Words, words, words. " * 20)] for parts in PAGES]
    found = examples(source, made(long, printed=True))
    assert found and all(asked(each).endswith(PRINTED) for each in found)
    for each in found:
        named = {int(number) for number in re.findall(r"\d+", asked(each).partition(" of this")[0])}
        assert named == {page + 1 for page in each.gold[0].evidence}
    assert stated("How many?", True) == "How many?"


def test_a_window_is_a_document_of_its_own():
    outline = (Heading(title="Data", level=1, page=3, y=0), Heading(title="Model", level=1, page=6, y=0))
    window = made([[("paragraph", f"Text {page}.")] for page in range(9)], outline).window(3, 5)
    assert window.document.outline == (replace(outline[0], page=0),)
    assert window.page_texts == ["text 3.", "text 4.", "text 5."] and window.number(0) == "1"
    assert window.pages() == Pages("pdf:" + "d" * 64, 3, 5) and window.image(1).index == 4
    assert window.window(1, 2).pages().first == 4


def test_short_examples_show_windows_of_few_pages():
    source = replace(SOURCE, window=[1, 4], questions_per_task=12, tasks=["extract_single", "ocr_full"])
    found = examples(source)
    assert found
    for example in found:
        (pages, _), gold = example.conversations["answer"][0].parts, example.gold[0]
        assert isinstance(pages, Pages) and 1 <= (count := pages.last - pages.first + 1) <= 4
        assert all(0 <= page < count for page in gold.evidence)
    windows = {name: {shown.parts[0] for shown in turns} for name, turns in _turns(found).items()}
    assert windows["extract_single"] <= windows["ocr_full"], "all tasks ask about the same windows"


def _turns(found: list[Example]) -> dict[str, list[Message]]:
    return {task: [each.conversations["answer"][0] for each in found if each.task == task] for task in EVERY}


def test_a_document_that_is_shorter_than_a_window_is_shown_whole():
    ((pages, _),) = shown(made(PAGES[:2]), replace(SOURCE, window=[3, 5], questions_per_task=1))
    assert pages.document.pages == 2


def test_an_absent_fact_is_one_that_no_page_prints():
    parsed = article()
    found = list(Unanswerable().questions(parsed, whole(parsed), np.random.default_rng(0)))
    good = [each for each in found if not find_flaw(each, parsed)]
    assert {each.kind for each in good} == {"no figure", "no section", "no abbreviation"}
    printed = " ".join(parsed.page_texts)
    assert all(each.answer == NOT_ANSWERABLE for each in good)
    assert not any(re.search(rf"\b{each.absent[0].lower()}\b", printed) for each in good)
    scan = made([[("paragraph", "Words.")], []])
    assert find_flaw(good[0], scan) == "absence cannot be verified: a page has no text"


def single(number: int, question: str, answer: str, task: str = "t") -> Example:
    turns = (
        Message("user", (Pages("pdf:d", 0, 3), Text(question))),
        Message("assistant", (Text(answer, learned=True),)),
    )
    return Example(
        id=f"d-0-{task}-{number}",
        task=task,
        cluster="d",
        sources=("pdf:d",),
        conversations={"answer": turns},
        gold=(Gold(answer, evidence=(number % 4,)),),
        facts={"kind": "a" if number % 2 else "b"},
    )


def test_questions_share_the_pages_of_one_example():
    items = [single(n, f"Which {n}?", f"answer{n}") for n in range(5)]
    mixed = shared([*items[:2], Reject(what="x", reason="y"), *items[2:]], 2)
    found = [each for each in mixed if isinstance(each, Example)]
    assert [len(each.gold) for each in found] == [2, 2, 1]
    turns = found[0].conversations["answer"]
    assert [turn.role for turn in turns] == ["user", "assistant"] * 2
    assert [sum(isinstance(part, Pages) for part in turn.parts) for turn in turns] == [1, 0, 0, 0]
    assert found[0].facts["kind"] == "b, a" and len({each.id for each in found}) == 3
    assert list(shared(items, 1)) == items


def test_a_question_that_another_gives_away_has_an_example_of_its_own():
    items = [single(0, "Who leads?", "Amara"), single(1, "When did Amara begin?", "1999"), single(2, "What?", "b")]
    assert [len(each.gold) for each in shared(items, 8) if isinstance(each, Example)] == [1, 2]
    other = single(3, "Which?", "c", task="u")
    assert len(list(shared([items[2], other], 8))) == 2, "tasks are not mixed"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("How long do opened bottles keep in the refrigerator?", "duplicate question"),
        ("How long do the opened bottles keep in a refrigerator then?", "near-duplicate question"),
        ("Who wrote it?", ""),
    ],
)
def test_a_question_is_asked_once(text: str, reason: str):
    before = Question(
        kind="k", text="How long do opened bottles keep in the refrigerator?", answer="a week", evidence=(1,)
    )
    assert find_repeat(replace(before, text=text), [before]) == reason


@pytest.mark.parametrize(
    ("replies", "reason"),
    [
        (["", "Amara Okafor"], ""),
        (["Amara"], "answerable without the document"),
        (["", "Musa"], "second model disagrees"),
    ],
)
def test_a_second_model_must_find_the_answer_in_the_document_alone(replies: list[str], reason: str):
    found = answer_from(confirmed(single(1, "Who leads?", "Amara")), [f'{{"answer": "{each}"}}' for each in replies])
    assert (found.reason if isinstance(found, Reject) else "") == reason


@pytest.mark.parametrize(
    ("said", "gold", "same"),
    [
        ("1,412", Gold("1412", "Integer"), True),
        ("about", Gold("3.5", "Float"), False),
        ("3.51", Gold("3.5", "Float"), True),
        ('["b", "A"]', Gold('["a", "b"]', "List"), True),
        ('["b"]', Gold('["a", "b"]', "List"), False),
        ("", Gold("a"), False),
    ],
)
def test_answers_agree_by_value(said: str, gold: Gold, same: bool):
    assert agree(said, gold) == same


def test_licence_and_check_go_with_every_example():
    parsed = made([[("section", "Data"), ("paragraph", "ordinary least squares (OLS) is used here.")]] * 1)
    licensed = replace(parsed, document=replace(parsed.document, licence="CC-BY-4.0"))
    found = examples(replace(SOURCE, tasks=["ocr_full"]), licensed)
    assert [each.facts["licence"] for each in found] == ["CC-BY-4.0"] and isinstance(parsed.document, Document)
