from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from mmprolong.records import Example
from mmprolong.settings.data import Source
from mmprolong.synthesis.gaps import number_gaps, quoted_gaps
from mmprolong.synthesis.parsed_document import ParsedDocument
from mmprolong.synthesis.question import Question
from mmprolong.synthesis.tasks import TemplateTask
from mmprolong.synthesis.tasks.extract_multi import ExtractMulti
from mmprolong.synthesis.tasks.extract_single import ExtractSingle
from mmprolong.synthesis.tasks.reasoning import Reasoning
from mmprolong.synthesis.template import write_template
from mmprolong.synthesis.verify import find_flaw
from tests.synthesis.documents import made, whole

WINE = "The data on the taste of wine have 72 observations in all."
TREES = "The second set of data is smaller and has 24 observations in all."
NAMED = "The authors call this way of drawing a plot the “brute force” method."


def paragraphs(*pages: Sequence[str]) -> ParsedDocument:
    return made([[("paragraph", text) for text in texts] for texts in pages])


def asked(task: TemplateTask, parsed: ParsedDocument) -> dict[str, Question]:
    found = {each.kind: each for each in task.questions(parsed, whole(parsed), np.random.default_rng(0))}
    assert not any(find_flaw(each, parsed, whole(parsed)) for each in found.values())
    return found


@pytest.mark.parametrize(
    ("sentence", "number"),
    [
        (WINE, "72"),
        ("More than 59,000 packages are in the archive of the distribution.", "59,000"),
        ("Of those who were treated almost 2.5% showed a marked improvement.", "2.5"),
        ("The intercept is not different from zero at a level of 0.05.", "0.05"),
    ],
)
def test_a_number_that_counts_or_measures_is_left_out(sentence: str, number: str):
    parsed = paragraphs([sentence])
    (gap,) = number_gaps(parsed, whole(parsed))
    assert (gap.answer, gap.text) == (number, sentence.replace(number, "____"))


@pytest.mark.parametrize(
    "sentence",
    [
        "The matrix that we use is explained at length in Section 24 below.",
        "The details of the method are given on page 24 of the manual.",
        "The estimators of the model that are used by Bates (2004) are fast.",
        "The program was first mentioned by its author in the year 2000.",
        "The tables that are printed by the version 24 driver are wide.",
        "The proof of 24 is the same as that of the theorem above it.",
        "The driver of the disk works on most 64-bit machines of today.",
        "The set of data has 72 observations, of which 24 are complete.",
        "The set of data has 7 observations, and all of them are complete.",
        "Il y a plus de 24 observations dans les tableaux suivants.",
    ],
)
def test_a_number_that_names_or_dates_something_is_not(sentence: str):
    parsed = paragraphs([sentence])
    assert number_gaps(parsed, whole(parsed)) == []


def test_a_sentence_that_is_printed_with_two_numbers_is_not_asked_about():
    parsed = paragraphs([WINE], [WINE.replace("72", "36")])
    assert number_gaps(parsed, whole(parsed)) == []


def test_one_quoted_name_is_left_out_of_a_sentence_that_does_not_name_it_again():
    again = "The “brute force” method is called so as brute force is all that it needs."
    twice = "The method of “brute force” is the opposite of that of “small steps”."
    parsed = paragraphs([NAMED, again, twice])
    (gap,) = quoted_gaps(parsed, whole(parsed))
    assert (gap.answer, gap.text) == ("brute force", NAMED.replace("brute force", "____"))


def test_the_tasks_ask_for_what_is_left_out():
    parsed = paragraphs([WINE, NAMED], [TREES])
    single, several, computed = (asked(task, parsed) for task in (ExtractSingle(), ExtractMulti(), Reasoning()))
    assert single["quoted"].answer == "brute force" and single["number"].answer_format == "Integer"
    numbers = several["numbers"]
    assert numbers.answer == '["72", "24"]' and numbers.text.index("wine") < numbers.text.index("smaller")
    assert (computed["number comparison"].answer, computed["number difference"].answer) == ("72", "48")


def test_numbers_of_different_units_are_not_subtracted_and_percentages_not_compared_with_counts():
    assert "number difference" not in asked(Reasoning(), paragraphs([WINE], [TREES.replace("observations", "trees")]))
    assert asked(Reasoning(), paragraphs([WINE], [TREES.replace(" observations", "% of the trees")])) == {}


def test_most_questions_are_not_on_the_layout_where_a_document_has_others():
    sections = [[("section", f"{n}. Part {'ABCDEFGHIJ'[n - 1]}")] for n in range(1, 11)]
    only, prose = made(sections), made([[*sections[0], ("paragraph", WINE)], *sections[1:]])
    source = Source(writer="template", tasks=["extract_single"], questions_per_task=1, scope="document")

    def kinds(parsed: ParsedDocument) -> list[str]:
        sources = (replace(source, seed=seed) for seed in range(40))
        written = (each for source in sources for each in write_template(parsed, "", source))
        return [each.facts["kind"] for each in written if isinstance(each, Example)]

    assert kinds(only).count("heading") == 40
    assert 24 <= kinds(prose).count("number") < 40
