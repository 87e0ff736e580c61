import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from mmprolong.corpus import stage as corpus
from mmprolong.corpus.ocr_blocks import OcrLine, Region, agreement, blocks_of_regions
from mmprolong.corpus.parsers.ocr import Ocr
from mmprolong.errors import ConfigError
from mmprolong.images.documents import PageFacts, Selected
from mmprolong.records import Reject
from mmprolong.selection import stage as selection
from mmprolong.settings.knobs import Corpus, Selection
from mmprolong.settings.stages import SelectionSettings
from mmprolong.store.jsonl import read_jsonl
from mmprolong.store.parquet import read_parquet
from tests.corpus.pdfs import write_pdf
from tests.working import run_stage, work_in

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


def test_without_the_engines_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "rapidocr", None)  # as if it were not installed
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


SHOWN = (
    "The committee met on the first Monday of the month and agreed to mend the eastern wall\n"
    "before the winter so that the gardens behind it would be safe from the floods of spring"
)
SAID = (
    "Our ships left their harbour in a calm summer night with barrels of salt and dried fish\n"
    "while captains argued about who should carry letters home to families in those islands"
)


def write_page(path: Path, shown: str, said: str) -> None:
    """A page whose font draws the letters of one text and names those of another."""
    import pymupdf

    codes, names = range(1, len(shown) + 1), ("space" if letter.isspace() else letter for letter in shown)
    named = "\n".join(f"1 beginbfchar <{code:02x}> <{ord(said[code - 1]):04x}> endbfchar" for code in codes)
    rows = [bytes(code for code in codes if shown[code - 1] != "\n" and code <= 87), bytes(codes[87:])]
    drawn = " ".join(f"1 0 0 1 20 {350 - 30 * place} Tm <{row.hex()}> Tj" for place, row in enumerate(rows))
    document = pymupdf.open()
    page = document.new_page(width=480, height=400)
    cmap, font, content = (document.get_new_xref() for _ in range(3))
    for xref, stream in ((cmap, f"1 begincodespacerange <00> <ff> endcodespacerange {named}"), (content, drawn)):
        document.update_object(xref, "<<>>")
        document.update_stream(xref, (stream if xref == cmap else f"BT /F 11 Tf {stream} ET").encode())
    encoding = f"<</Type/Encoding/Differences[1 {' '.join('/' + name for name in names)}]>>"
    font_entries = f"/Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding {encoding}/ToUnicode {cmap} 0 R"
    document.update_object(font, f"<<{font_entries}>>")
    document.xref_set_key(page.xref, "Resources", f"<</Font<</F {font} 0 R>>>>")
    document.xref_set_key(page.xref, "Contents", f"{content} 0 R")
    path.parent.mkdir(parents=True, exist_ok=True)
    document.save(path)


@INSTALLED
def test_a_text_layer_that_is_not_what_ocr_reads_is_counted_and_its_document_refused(tmp_path: Path):
    write_page(tmp_path / "pool" / "honest.pdf", SHOWN, SHOWN)
    write_page(tmp_path / "pool" / "lying.pdf", SHOWN, SAID)
    parser = {"name": "ocr", "compared": 1}
    counts = run_stage(corpus, Corpus(path=str(tmp_path / "pool"), parser=parser), work_in(tmp_path / "corpus"))
    honest, lying = read_parquet(tmp_path / "corpus" / "pages.parquet", PageFacts)
    assert honest.agreement > 0.95 and lying.agreement < 0.6
    assert counts["pages whose text differs from OCR"] == 1
    rules = SelectionSettings(Selection(filters=["text_quality"], heldout=0.0))
    run_stage(selection, rules, work_in(tmp_path / "selection", corpus=tmp_path / "corpus"))
    (kept,) = read_jsonl(tmp_path / "selection" / "selected.jsonl", Selected)
    (reject,) = read_jsonl(tmp_path / "selection" / "rejects.jsonl", Reject)
    assert kept.document == honest.document
    assert (reject.what, reject.reason) == ("lying.pdf", "text differs from what OCR reads")
