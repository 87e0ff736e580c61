import json
import random
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil, smart_resize

from mmprolong.conversations import Image
from mmprolong.errors import ConfigError, DataError
from mmprolong.models.qwen_vl.image_format import image_format_in
from mmprolong.models.qwen_vl.patches import fit, patchify
from mmprolong.models.qwen_vl.vision import normalised
from mmprolong.settings.knobs import View
from tests.models.tiny import IMAGES, Drawn

VIEWS = (View(), View(max_pixels=1_003_520), View(min_pixels=784), View(min_pixels=200_000, max_pixels=400_000))
LETTER, A4 = (1224, 1584), (1190, 1684)


@pytest.fixture(params=IMAGES)
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "preprocessor_config.json"
    path.write_text(json.dumps({"temporal_patch_size": 2, "merge_size": 2, **IMAGES[request.param]}))
    return path


def test_grids_equal_those_of_transformers(file: Path):
    form, drawn = image_format_in(file), random.Random(0)
    for number in range(2000):
        width, height = (max(1, int(2 ** drawn.uniform(0, 12.5))) for _ in range(2))
        view = VIEWS[number % len(VIEWS)]
        limits = view.min_pixels or form.min_pixels, view.max_pixels or form.max_pixels
        try:
            expected = smart_resize(height, width, form.patch * form.merge, *limits)
        except ValueError:
            with pytest.raises(DataError, match="at most 200 times the other"):
                form.grid(width, height, view)
            continue
        rows, columns = form.grid(width, height, view)
        assert (rows * form.patch, columns * form.patch) == expected


def test_pixels_equal_those_of_transformers_processor(file: Path):
    form, images = image_format_in(file), Drawn()
    pages = [
        images.pixels(Image(f"pdf:{size}")) for size in ("56x84", "64x96", "300x200", "300x200", "700x31", "20x20")
    ]
    view = View(min_pixels=3136, max_pixels=100_000)
    grids = [form.grid(page.shape[1], page.shape[0], view) for page in pages]
    size = {"shortest_edge": view.min_pixels, "longest_edge": view.max_pixels}
    processor = Qwen2VLImageProcessorPil(patch_size=form.patch, image_mean=form.mean, image_std=form.std, size=size)
    theirs = processor(images=pages, return_tensors="np")
    assert [tuple(grid[1:]) for grid in theirs["image_grid_thw"].tolist()] == grids
    ours = patchify([fit(page, *grid, form.patch) for page, grid in zip(pages, grids, strict=True)], form)
    frames = normalised(torch.from_numpy(ours), form)[:, :, None].expand(-1, -1, 2, -1)
    assert np.allclose(frames.flatten(1), theirs["pixel_values"], atol=1e-5)


@pytest.mark.parametrize(
    ("kind", "page", "tokens"), [("qwen2_5_vl", LETTER, 2508), ("qwen2_5_vl", A4, 2520), ("qwen3_vl", LETTER, 1900)]
)
def test_a_page_takes_the_published_number_of_tokens(tmp_path: Path, kind: str, page: tuple[int, int], tokens: int):
    path = tmp_path / "preprocessor_config.json"
    path.write_text(json.dumps({"merge_size": 2, **IMAGES[kind]}))
    rows, columns = image_format_in(path).grid(*page, View())
    assert rows * columns // 4 == tokens


def test_a_file_of_another_family_is_refused(tmp_path: Path):
    path = tmp_path / "preprocessor_config.json"
    path.write_text('{"patch_size": 14, "size": {"longest_edge": 1540}}')
    with pytest.raises(ConfigError, match="shortest_edge"):
        image_format_in(path)
