import json
from pathlib import Path
from typing import Any

import pymupdf
import pytest

from mmprolong import plugins
from mmprolong.corpus import stage
from mmprolong.corpus.parsers.docling import Docling
from mmprolong.corpus.parsers.vision_model import parts_of
from mmprolong.errors import EndpointError
from mmprolong.records import Reject
from mmprolong.settings.knobs import Corpus
from mmprolong.store.jsonl import read_jsonl
from tests.corpus.pdfs import layout, write_pdf
from tests.llm.server import Response, serving
from tests.working import run_stage, work_in

PROSE = "The committee met on the first Monday of the month and agreed to mend the eastern wall. "


def item(label: str, text: str, top: float, page: int = 1, **more: Any) -> dict[str, Any]:
    box = {"l": 30, "t": 400 - top, "r": 200, "b": 380 - top, "coord_origin": "BOTTOMLEFT"}
    place = {"page_no": page, "bbox": box, "charspan": [0, len(text)]}
    return {"label": label, "text": text, "orig": text, "content_layer": "body", "prov": [place], **more}


def cell(text: str, row: int, column: int) -> dict[str, Any]:
    return {"text": text, "start_row_offset_idx": row, "start_col_offset_idx": column}


def refer(*names: str) -> list[dict[str, str]]:
    return [{"$ref": f"#/{name}"} for name in names]


def docling_json(path: Path, document: str, **changes: Any) -> None:
    """A file as docling 2 writes it: captions hang on what they name, headers are in the body, wide cells repeated."""
    over_pages = item("text", "It began here. It ended there.", 300)
    over_pages["prov"][0]["charspan"] = [0, 14]
    over_pages["prov"].append(item("text", "", 20, page=2)["prov"][0] | {"charspan": [15, 30]})
    texts = [
        item("page_footer", "7", 380, content_layer="furniture"),
        item("section_header", "Walls", 20),
        item("text", PROSE, 50),
        item("caption", "Figure 1: A wall.", 200),
        item("text", "east", 180),
        item("caption", "Table 1: Stones.", 220),
        item("list_item", "Mend the wall.", 280, marker="1.", enumerated=True, orig="1. Mend the wall."),
        over_pages,
        item("formula", "", 50, page=2, orig="a 2 + 8 = 12"),
    ]
    wide = cell("both", 0, 0)
    grid = [[wide, wide], [cell("1", 1, 0), cell("2", 1, 1)]]
    content = {
        "schema_name": "DoclingDocument",
        "version": "1.10.0",
        "origin": {"mimetype": "application/pdf", "binary_hash": int(document, 16) % 2**64, "filename": "a.pdf"},
        "furniture": {"children": []},
        "body": {
            "children": refer("texts/0", "texts/1", "groups/0", "tables/0", "groups/1", "texts/7", "texts/8"),
        },
        "groups": [
            {"label": "inline", "children": refer("texts/2", "pictures/0")},
            {"label": "list", "children": refer("texts/6")},
        ],
        "texts": texts,
        "tables": [item("table", "", 240, data={"grid": grid}, children=refer("texts/5"))],
        "pictures": [item("picture", "", 150, children=refer("texts/3", "texts/4"))],
        "pages": {str(page): {"page_no": page, "size": {"width": 300, "height": 400}} for page in (1, 2)},
    }
    path.write_text(json.dumps(content | changes))


def test_doclings_files_become_blocks_in_reading_order(tmp_path: Path):
    parser = Docling(folder=str(tmp_path / "read"))
    (tmp_path / "read").mkdir()
    with parser.open(write_pdf(tmp_path / "a.pdf", [PROSE, ""])) as document:
        docling_json(tmp_path / "read" / "a.json", document.id)
        blocks = parser.blocks(document)
    assert [(block.page, block.kind, block.text, block.order) for block in blocks] == [
        (0, "section", "Walls", 0),
        (0, "paragraph", PROSE.strip(), 1),
        (0, "figure", "east", 2),
        (0, "caption", "Figure 1: A wall.", 3),
        (0, "caption", "Table 1: Stones.", 4),
        (0, "table", "both\n1  2", 5),
        (0, "list", "1. Mend the wall.", 6),
        (0, "paragraph", "It began here.", 7),
        (0, "footer", "7", 8),
        (1, "paragraph", "It ended there.", 0),
        (1, "equation", "a 2 + 8 = 12", 1),
    ]
    assert (blocks[0].box, blocks[0].origin) == ((30, 20, 200, 40), "docling")


@pytest.mark.parametrize("damage", [{"pages": {}}, {"origin": {"binary_hash": 1}}])
def test_a_document_that_docling_has_not_read_is_a_reject(damage: dict[str, Any], tmp_path: Path):
    (tmp_path / "read").mkdir()
    with Docling().open(write_pdf(tmp_path / "pool" / "a.pdf", [PROSE])) as document:
        docling_json(tmp_path / "read" / "a.json", document.id, **damage)
        docling_json(tmp_path / "read" / "b.json", "f" * 64)
    write_pdf(tmp_path / "pool" / "b.pdf", ["", PROSE])
    with pytest.raises(Exception, match="2 no layout"):
        run_stage(
            stage,
            Corpus(path=str(tmp_path / "pool"), parser={"name": "docling", "folder": str(tmp_path / "read")}),
            work_in(tmp_path / "out"),
        )


def scan(path: Path) -> Path:
    """A PDF whose second page is a picture."""
    with pymupdf.open(write_pdf(path, [PROSE, PROSE])) as document:
        pixels = document[1].get_pixmap(dpi=30)
        document.delete_page(1)
        document.new_page(width=300, height=400).insert_image(pymupdf.Rect(0, 0, 300, 400), pixmap=pixels)
        document.saveIncr()
    return path


def test_pages_without_text_are_read_by_a_model_once(tmp_path: Path):
    scan(tmp_path / "pool" / "a.pdf")
    said = "# Walls\n\nThe committee met.\nIt agreed.\n\n- one\n- two\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"
    with serving(lambda body, number: Response(said)) as server:
        parser = {"name": "vision_model", "model": "reader", "base_url": server.url, "store": str(tmp_path / "store")}
        for attempt in ("one", "two"):
            run_stage(stage, Corpus(path=str(tmp_path / "pool"), parser=parser), work_in(tmp_path / attempt))
        assert len(server.bodies) == 1, "what was paid for is kept"
    blocks = [block for block in layout(tmp_path / "two") if block.page == 1]
    assert [(block.kind, block.text) for block in blocks] == [
        ("section", "Walls"),
        ("paragraph", "The committee met. It agreed."),
        ("list", "- one"),
        ("list", "- two"),
        ("table", "a  b\n1  2"),
    ]
    assert {block.origin for block in blocks} == {"reader"}


def test_a_server_that_is_gone_ends_the_step_and_a_cut_transcription_costs_its_document(tmp_path: Path):
    scan(tmp_path / "pool" / "a.pdf")
    write_pdf(tmp_path / "pool" / "b.pdf", [PROSE])
    with serving(lambda body, number: Response("half", finish="length")) as server:
        parser = {"name": "vision_model", "model": "reader", "base_url": server.url, "store": str(tmp_path / "store")}
        settings = Corpus(path=str(tmp_path / "pool"), parser=parser)
        run_stage(stage, settings, work_in(tmp_path / "out"))
    (reject,) = read_jsonl(tmp_path / "out" / "rejects.jsonl", Reject)
    assert (reject.what, reject.reason) == ("a.pdf", "OCR failed")
    with serving(lambda body, number: Response(status=401)) as server, pytest.raises(EndpointError, match="key"):
        settings.parser = parser | {"base_url": server.url, "store": str(tmp_path)}
        run_stage(stage, settings, work_in(tmp_path / "gone"))


def test_the_address_of_a_model_is_no_identity():
    chosen = {"name": "vision_model", "model": "reader", "base_url": "http://elsewhere/v1", "store": "s"}
    assert plugins.identity("mmprolong.corpus.parsers", chosen, "corpus.parser") == {
        "name": "vision_model",
        "version": 1,
        "model": "reader",
    }


def test_fenced_parts_of_markdown_keep_their_lines():
    written = "Before\n```\ndef f():\n    return 1\n```\n$$\na = b\n$$\nafter"
    assert list(parts_of(written)) == [
        ("paragraph", "Before"),
        ("code", "def f():\n    return 1"),
        ("equation", "a = b"),
        ("paragraph", "after"),
    ]
