import json
import re
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from mmprolong.conversations import Pages, Text
from mmprolong.corpus.layout import blocks_of
from mmprolong.corpus.pool import locate
from mmprolong.errors import ConfigError
from mmprolong.images.documents import Document, Heading
from mmprolong.images.renderer import find_renderer
from mmprolong.records import Example, Reject
from mmprolong.settings.data import Length, Source
from mmprolong.synthesis import prose
from mmprolong.synthesis.examples import chosen_lengths
from mmprolong.synthesis.parsed_document import ParsedDocument, sentences
from mmprolong.synthesis.question import Question
from mmprolong.synthesis.tasks.extract_multi import ExtractMulti
from mmprolong.synthesis.tasks.extract_single import ExtractSingle
from mmprolong.synthesis.tasks.reasoning import Reasoning
from mmprolong.synthesis.template import write_template
from mmprolong.synthesis.verify import find_flaw
from tests.synthesis.documents import made, whole

TASKS = ["extract_single", "extract_multi", "reasoning", "ocr_full", "ocr_needle"]
SOURCE = Source(writer="template", tasks=TASKS, questions_per_task=3)


@cache
def article(source: str = "ordinal/clm_article.pdf") -> ParsedDocument:
    with find_renderer("pymupdf").open(locate("demo") / source) as opened:
        lines = [opened.lines(page) for page in range(len(opened.page_sizes))]
        blocks = blocks_of(opened.id, lines, opened.page_sizes, opened.outline())
        document = Document(id=opened.id, source=source, page_sizes=opened.page_sizes, outline=opened.outline())
    return ParsedDocument(document, blocks)


def written(parsed: ParsedDocument, source: Source = SOURCE) -> list[Example | Reject]:
    return list(write_template(parsed, "", source))


def examples(parsed: ParsedDocument, source: Source = SOURCE) -> list[Example]:
    return [each for each in written(parsed, source) if isinstance(each, Example)]


def test_an_example_shows_every_page_then_asks():
    found = examples(article())
    assert {each.task for each in found} == set(TASKS)
    for example in found:
        asked, answered = example.conversations["answer"]
        pages, question = asked.parts
        assert pages == Pages(f"pdf:{article().document.id}", 0, article().document.pages - 1)
        assert isinstance(question, Text) and (asked.role, answered.role) == ("user", "assistant")
        assert answered.parts == (Text(example.gold[0].answer, learned=True),)
    assert len({each.id for each in found}) == len(found)


def test_the_same_seed_writes_the_same_and_another_seed_does_not():
    assert written(article()) == written(article())
    assert written(article()) != written(article(), replace(SOURCE, seed=1))


def test_every_answer_is_printed_on_its_evidence_pages():
    for example in examples(
        article(), replace(SOURCE, tasks=["extract_single", "extract_multi"], questions_per_task=8)
    ):
        if example.facts["kind"] in ("place", "beginnings", "pages of labels"):
            continue
        (gold,) = example.gold
        printed = " ".join(article().page_texts[page] for page in gold.evidence)
        items = json.loads(gold.answer) if gold.format == "List" else [gold.answer]
        assert all(re.sub(r"[“”\"‘’'`]", "", item).lower() in printed for item in items)


def test_a_list_rests_on_two_pages_at_least():
    found = examples(article(), replace(SOURCE, tasks=["extract_multi"], questions_per_task=8))
    assert found and all(len(each.gold[0].evidence) >= 2 for each in found)


def test_only_documents_of_the_lengths_asked_for_are_written_on():
    pages = np.array([article().document.pages, 12, 50])
    wanted = replace(SOURCE, lengths=[Length("31p", [13, 31]), Length("50p", [32, 50])])
    assert chosen_lengths(pages, wanted).tolist() == [1, -1, 1]
    one = chosen_lengths(pages, replace(wanted, documents=1)).tolist()
    assert sorted(one) == [-1, -1, 1] and one[1] == -1


def test_an_unknown_task_is_named_with_the_nearest():
    with pytest.raises(ConfigError, match="did you mean 'extract_single'"):
        written(article(), replace(SOURCE, tasks=["extract_singel"]))


def test_a_document_without_text_gives_rejects_not_nonsense():
    empty = ParsedDocument(replace(article().document, outline=()), ())
    assert {type(each) for each in written(empty)} == {Reject}


def test_a_place_is_named_by_its_section_only_where_the_title_is_unique():
    pages = [[("section", "1. Data"), ("section", "Setup")], [("section", "2. Model"), ("section", "Setup")]]
    parsed = made(pages)
    assert parsed.anchor(0, 0) == 'in the section "1. Data"'
    assert parsed.anchor(1, 0) == "on page 1"


def test_sections_nest_by_the_outline():
    outline = (
        Heading(title="Data", level=1, page=0, y=0),
        Heading(title="Trees", level=2, page=0, y=40),
        Heading(title="Trees and data", level=3, page=0, y=80),
    )
    sections = made([[("section", text) for text in ("2. Data", "2.1. Trees", "Trees and data")]], outline).sections
    assert [(section.level, section.parent) for section in sections] == [(1, -1), (2, 0), (3, 1)]


def test_subsections_are_not_listed_where_their_numbers_skip_one():
    titles = ("2. Data", "2.1. Trees", "2.3. Leaves")
    outline = tuple(Heading(title=t, level=1 + (len(t) > 7), page=0, y=40.0 * n) for n, t in enumerate(titles))
    assert made([[("section", title) for title in titles]], outline).children(0) == []
    renumbered = [[("section", title.replace(".3", ".2")) for title in titles]]
    assert made(renumbered, outline).children(0) == [1, 2]
    assert made(renumbered, outline[:2]).children(0) == []  # the outline has one


def test_a_block_belongs_to_the_heading_above_it_even_where_the_heading_is_not_recognised():
    outline = (Heading(title="Data", level=1, page=0, y=0), Heading(title="χ² tests", level=1, page=0, y=75))
    parsed = made([[("section", "1. Data"), ("paragraph", "On data."), ("paragraph", "On tests.")]], outline)
    assert [section.title for section in parsed.sections] == ["1. Data", "χ² tests"]
    assert [passage.section for passage in parsed.passages] == [0, 1]


@pytest.mark.parametrize(
    ("sentence", "answer"),
    [
        ("We use seemingly unrelated regression (SUR) here.", "seemingly unrelated regression"),
        ("The area under the curve (AUC) is one.", "area under the curve"),
        ("The Comprehensive R Archive Network (CRAN) has it.", "Comprehensive R Archive Network"),
    ],
)
def test_an_abbreviation_is_spelt_out_by_its_initials(sentence: str, answer: str):
    assert [found.meaning for found in prose.abbreviations(sentence)] == [answer]


@pytest.mark.parametrize("sentence", ["The United Nations (USA).", "See the paper (Fox).", "The value (X)."])
def test_letters_that_do_not_match_are_no_abbreviation(sentence: str):
    assert list(prose.abbreviations(sentence)) == []


@pytest.mark.parametrize(
    "text",
    [
        "The estimator of R2 is given in the second column of the large table below.",
        "This holds if x > 0 and the matrix has full rank in all of its columns.",
        "The footnote stands here.5 And the sentence goes on after it for some words.",
        "The value is f (x) in the notation that is used throughout this long paper.",
    ],
)
def test_text_with_formulas_or_footnote_marks_is_not_asked_about(text: str):
    assert not prose.readable(text)


def test_sentences_are_not_split_at_abbreviations():
    text = "It was shown by Fox et al. (2003) before. Then came the rest"
    assert list(sentences(text)) == ["It was shown by Fox et al. (2003) before."]


def test_figures_are_counted_only_where_none_was_missed():
    pages = [[("caption", "Figure 1: Growth over time.")], [("caption", "Figure 2: Decay over time.")]]
    complete, gap = made(pages), made([pages[0], [("caption", "Figure 3: Decay over time.")]])
    rng = np.random.default_rng(0)
    assert [q.answer for q in Reasoning().questions(complete, whole(complete), rng) if q.kind == "count"] == ["2"]
    assert [q for q in Reasoning().questions(gap, whole(gap), rng) if q.kind == "count"] == []


def test_a_label_with_two_captions_is_not_asked_about():
    parsed = made([[("caption", "Figure 1: Growth over time."), ("caption", "Figure 1: Decay over time.")]])
    assert list(ExtractSingle().questions(parsed, whole(parsed), np.random.default_rng(0))) == []


def test_references_are_counted_by_their_year():
    entries = [
        f"Author A ({year}). “On 1999 things.” Journal, 2(3), 4-5." for year in (1990, 1990, 1999, *range(2000, 2007))
    ]
    pages = [
        [("section", "References"), *[("paragraph", text) for text in entries[:5]]],
        [("paragraph", t) for t in entries[5:]],
    ]
    parsed = made(pages)
    asked = {q.text: q.answer for q in Reasoning().questions(parsed, whole(parsed), np.random.default_rng(0))}
    assert asked["How many entries of the reference list on pages 1-2 appeared in 1990?"] == "2"
    assert (
        asked["How many years lie between the oldest and the newest entry of the reference list on pages 1-2?"] == "16"
    )


def test_subsections_in_an_answer_are_those_of_the_outline():
    parsed = article("partykit/ctree.pdf")
    rng = np.random.default_rng(0)
    asked = {q.text: q.answer for q in ExtractMulti().questions(parsed, whole(parsed), rng) if q.kind == "subsections"}
    text = 'List the titles of all direct subsections of the section "6. Illustrations and applications", in order.'
    titles = [re.sub(r"^[\d.]+ ", "", title) for title in json.loads(asked[text])]
    outline = [heading.title for heading in parsed.document.outline]
    start = outline.index("Illustrations and applications") + 1
    assert titles == outline[start : start + len(titles)] and len(titles) == 5


BASE = Question(kind="k", text="Which?", answer="red fox", evidence=(0,), quotes=((0, "red fox"),), cue="quick red fox")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, ""),
        ({"evidence": (9,)}, "evidence is not in the document"),
        ({"quotes": ((0, "blue fox"),)}, "answer not printed on its page"),
        ({"quotes": ((1, "red fox"),)}, "quote outside its evidence"),
        ({"cue": "fox"}, "ambiguous"),
        ({"text": "Which red fox?"}, "answer in the question"),
        (
            {"text": "Of 12 and 7?", "answer": "12", "answer_format": "Integer", "quotes": (), "cue": ""},
            "answer in the question",
        ),
        ({"answer": "red fox", "answer_format": "Integer"}, "answer is not of its format"),
        ({"answer": ""}, "answer too long or empty"),
        ({"recount": (r"(fox)", 0, 1)}, "count differs"),
    ],
)
def test_a_question_that_does_not_hold_is_refused_with_its_reason(change: dict[str, object], reason: str):
    parsed = made([[("paragraph", "The quick “red fox” jumps.")], [("paragraph", "A fox sleeps.")]])
    assert find_flaw(replace(BASE, **change), parsed) == reason


def test_a_transcription_leaves_out_headers_formulas_and_figures():
    parts = [
        ("header", "Journal 7"),
        ("section", "1. A"),
        ("equation", "x = y"),
        ("figure", "axis"),
        ("code", "> x\n> y"),
    ]
    parsed = made([parts])
    source = replace(SOURCE, tasks=["ocr_full"], questions_per_task=1)
    (example,) = examples(parsed, source)
    assert (example.gold[0].answer, example.gold[0].evidence) == ("1. A\n\n> x\n> y", (0,))


def test_pages_whose_reading_order_is_not_known_are_not_transcribed():
    known, unknown = [("paragraph", "The quick red fox jumps. " * 10)], [("mixed", "A fox\nsleeps.")]
    source = replace(SOURCE, tasks=["ocr_full", "ocr_needle"], questions_per_task=1)
    asked = [str(each.conversations["answer"][0].parts[1]) for each in examples(made([known, unknown, known]), source)]
    assert "Transcribe the text of this whole document, but for page 2." in asked[0]
    assert {example.gold[0].evidence for example in examples(made([known, unknown]), source)} == {(0,)}
    many = list(written(made([known, unknown, [*known, *unknown]]), source))
    assert "reading order is not known" in {each.reason for each in many if isinstance(each, Reject)}
