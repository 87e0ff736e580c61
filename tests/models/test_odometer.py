import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from mmprolong.errors import DataError, InvalidSettings
from mmprolong.images.renderer import pixel_size
from mmprolong.models.odometer import MARKS, PUBLISHED, image_tokens, page_tokens
from mmprolong.models.qwen_vl.image_format import image_format_in
from mmprolong.settings.knobs import View
from tests.models.tiny import IMAGES

SIDES = st.floats(1, 20_000)
PROCESSORS = {
    name: Qwen2VLImageProcessorPil(
        patch_size=form.patch, size={"shortest_edge": form.min_pixels, "longest_edge": form.max_pixels}
    )
    for name, form in PUBLISHED.items()
}


@settings(max_examples=1000, deadline=None)
@given(st.sampled_from(sorted(PUBLISHED)), SIDES, SIDES, st.integers(1, 600), st.just(0) | st.integers(2**16, 2**24))
def test_tokens_equal_those_of_transformers_processor(name: str, width: float, height: float, dpi: int, largest: int):
    view, form = View(dpi=dpi, max_pixels=largest), PUBLISHED[name]
    across, down = pixel_size((width, height), dpi)
    try:
        theirs = PROCESSORS[name].get_number_of_image_patches(down, across, {"max_pixels": largest or form.max_pixels})
    except ValueError:
        with pytest.raises(DataError):
            image_tokens(form, across, down, view)
    else:
        assert image_tokens(form, across, down, view) == theirs // form.merge**2


@pytest.mark.parametrize("name", sorted(set(IMAGES) & set(PUBLISHED)))
def test_formats_are_those_of_the_published_files(name: str, tmp_path: Path):
    path = tmp_path / "preprocessor_config.json"
    path.write_text(json.dumps({"merge_size": 2, **IMAGES[name]}))
    assert image_format_in(path) == PUBLISHED[name]


def test_a_letter_page_at_144_dpi():
    assert page_tokens("qwen2_5_vl", [(612, 792)], View()).tokens == (2508 + MARKS,)
    assert page_tokens("qwen3_vl", [(612, 792)], View()).tokens == (1900 + MARKS,)


def test_a_strip_is_refused_and_the_other_pages_counted():
    found = page_tokens("qwen2_5_vl", [(1400, 4), (612, 792)], View())
    assert found.total == 2508 + MARKS and list(found.refused) == [0]


def test_a_misspelt_backbone_is_answered_with_the_nearest():
    with pytest.raises(InvalidSettings, match="did you mean 'qwen3_vl'"):
        page_tokens("qwen3vl", [], View())
