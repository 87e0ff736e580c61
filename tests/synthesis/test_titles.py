import numpy as np
import pytest

from mmprolong.images.documents import Heading
from mmprolong.synthesis import titles
from mmprolong.synthesis.parsed_document import ParsedDocument
from mmprolong.synthesis.question import Question
from mmprolong.synthesis.tasks.extract_multi import ExtractMulti
from mmprolong.synthesis.tasks.extract_single import ExtractSingle
from tests.synthesis.documents import made, whole

DATA = (("section", "1 Data"), ("section", "1.1 Trees"), ("section", "1.2 Leaves"))


def asked(parsed: ParsedDocument, kind: str) -> list[Question]:
    tasks = (ExtractSingle(), ExtractMulti())
    found = [task.questions(parsed, whole(parsed), np.random.default_rng(0)) for task in tasks]
    return [question for questions in found for question in questions if question.kind == kind]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [("data", "data", True), ("igettingstarted", "partigettingstarted", True), ("ulem", "lwarpulemsty", False)],
)
def test_a_title_is_another_if_it_is_most_of_it(one: str, other: str, same: bool):
    assert titles.alike(one, other) is same


def test_a_heading_at_the_top_of_a_page_has_the_level_that_the_outline_gives_it_at_the_end_of_the_page_before():
    outline = (
        Heading(title="Usage", level=1, page=0, y=0),
        Heading(title="Options", level=2, page=0, y=40),
        Heading(title="The Code", level=1, page=0, y=790),
    )
    parsed = made([[("section", "Usage"), ("section", "Options")], [("section", "The Code")]], outline)
    assert [(section.title, section.level) for section in parsed.sections] == [
        ("Usage", 1),
        ("Options", 2),
        ("The Code", 1),
    ]


def test_subsections_are_not_listed_where_a_window_may_cut_them_off():
    parsed = made([DATA, [("section", "1.3 Roots")], [("section", "2 Model")]])
    assert parsed.children(0) == [1, 2, 3]
    assert parsed.window(0, 1).children(0) == []
    assert parsed.window(0, 2).children(0) == [1, 2, 3]


def test_a_title_whose_end_was_missed_is_neither_asked_for_nor_named():
    parsed = made([DATA, [("section", "1.3 Roots in the pres-")], [("section", "2 Model of")]])
    assert parsed.children(0) == []
    assert parsed.anchor(3, 1) == "on page 2"
    assert asked(parsed, "heading") == []


def test_a_page_on_which_the_outline_has_two_sections_is_not_asked_for_one():
    one = (Heading(title="Data", level=1, page=0, y=0),)
    two = (*one, Heading(title="Data of trees", level=1, page=0, y=0))
    pages = [[("section", "1 Data")], [("section", "2 Model")]]
    assert {question.answer for question in asked(made(pages, one), "heading")} == {"1 Data", "2 Model"}
    assert {question.answer for question in asked(made(pages, two), "heading")} == {"2 Model"}


def test_the_title_of_the_document_and_headings_that_only_look_like_one_are_no_sections():
    outline = (Heading(title="Guide", level=1, page=0, y=0), Heading(title="Data", level=2, page=1, y=0))
    parsed = made([[("section", "Guide")], [("section", "Data")], [("section", "Theorem")]], outline)
    assert [parsed.is_sure(index) for index in range(3)] == [False, True, False]


def test_two_captions_of_the_same_words_are_not_asked_for_together():
    pages = [[("caption", f"Table {number}: A list of old trees.")] for number in (1, 2)]
    assert asked(made(pages), "captions") == []
