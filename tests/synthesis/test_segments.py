import numpy as np
import pytest

from mmprolong.settings.data import Scope
from mmprolong.synthesis.segments import SPANS, draw_segments
from tests.synthesis.documents import made
from tests.synthesis.test_template import article

BARE = made([[("paragraph", "Text.")]] * 40)


def drawn(parsed, scope: Scope, seed: int = 0):
    return list(draw_segments(parsed, scope, np.random.default_rng(seed)))


def test_segments_span_8_to_15_pages_of_whole_sections():
    found = drawn(article(), "sections")
    titles = [section.title for section in article().sections]
    assert found and all(8 <= each.last_page - each.first_page + 1 <= 15 for each in found)
    assert all(set(each.headings) <= set(titles) for each in found)
    assert all(each.anchor.startswith(("in the section", "on page")) for each in found)


@pytest.mark.parametrize("scope", ["sections", "page", "window"])
def test_a_document_without_headings_is_cut_into_page_ranges(scope: Scope):
    found = drawn(BARE, scope)
    shortest, longest = SPANS[scope]
    lengths = {each.last_page - each.first_page + 1 for each in found}
    assert lengths == set(range(shortest, longest + 1)) and len(set(found)) == len(found) > 20
    assert all(0 <= each.first_page <= each.last_page < 40 for each in found)
    first = found[0]
    assert first.anchor == f"on {BARE.span(first.first_page, first.last_page)}"


def test_a_question_on_the_whole_document_needs_no_anchor():
    (segment,) = drawn(BARE, "document")
    assert (segment.first_page, segment.last_page, segment.anchor) == (0, 39, "")


def test_a_short_document_is_one_segment():
    (segment,) = drawn(made([[("paragraph", "Short.")]] * 3), "sections")
    assert (segment.first_page, segment.last_page, segment.anchor) == (0, 2, "on pages 1-3")


def test_the_order_is_that_of_the_seed():
    assert drawn(BARE, "window") == drawn(BARE, "window") != drawn(BARE, "window", 1)
