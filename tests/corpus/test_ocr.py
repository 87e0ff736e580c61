from importlib.util import find_spec
from pathlib import Path

import pytest

from mmprolong.corpus.ocr_blocks import OcrLine, Region, agreement, blocks_of_regions
from mmprolong.corpus.parsers.ocr import Ocr
from mmprolong.errors import ConfigError
from tests.corpus.pdfs import write_pdf

MISSING = [name for name in ("rapidocr", "rapid_layout", "onnxruntime") if find_spec(name) is None]
INSTALLED = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)} (extra 'ocr')")


def test_lines_are_read_by_regions_and_columns():
    regions = [
        Region("section", (0, 0, 400, 40)),
        Region("paragraph", (210, 50, 400, 300)),
        Region("paragraph", (0, 50, 190, 300)),
        Region("footer", (0, 350, 400, 380)),
    ]
    lines = [
        OcrLine("right", (215, 60, 380, 80), 0.8),
        OcrLine("a bro-", (5, 60, 180, 80), 1.0),
        OcrLine("ken word", (5, 90, 180, 110), 0.9),
        OcrLine("Methods", (5, 5, 180, 30), 1.0),
        OcrLine("7", (190, 355, 200, 370), 1.0),
        OcrLine("apart", (5, 310, 180, 330), 1.0),
    ]
    blocks = blocks_of_regions("d", 3, lines, regions, 0.5)
    assert [(block.kind, block.text) for block in blocks] == [
        ("section", "Methods"),
        ("paragraph", "a broken word"),
        ("paragraph", "apart"),
        ("paragraph", "right"),
        ("footer", "7"),
    ]
    assert (blocks[1].box, blocks[1].confidence, blocks[1].origin) == ((2.5, 30, 90, 55), 0.95, "rapidocr")
    assert [block.order for block in blocks] == list(range(5))


@pytest.mark.parametrize(("one", "other", "share"), [("a b c", "abc", 1.0), ("", "", 1.0), ("abcd", "abxx", 0.5)])
def test_agreement_is_the_share_of_characters_in_common(one: str, other: str, share: float):
    assert agreement(one, other) == share


@pytest.mark.skipif(not MISSING, reason="the extra 'ocr' is installed")
def test_without_the_engines_the_error_says_what_to_install():
    with pytest.raises(ConfigError, match=r"pip install 'mmprolong\[ocr\]'"):
        Ocr()


@INSTALLED
def test_a_scan_is_read(tmp_path: Path):
    import pymupdf

    with pymupdf.open(write_pdf(tmp_path / "a.pdf", ["The committee met on the first Monday of the month."])) as source:
        pixels = source[0].get_pixmap(dpi=150)
    scan = pymupdf.open()
    scan.new_page(width=300, height=400).insert_image(pymupdf.Rect(0, 0, 300, 400), pixmap=pixels)
    scan.save(tmp_path / "scan.pdf")
    parser = Ocr()
    with parser.open(tmp_path / "scan.pdf") as opened:
        (block,) = parser.blocks(opened)
    assert agreement(block.text, "The committee met on the first Monday of the month.") > 0.95
    assert block.origin == "rapidocr"
