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
from mmprolong.images.documents import Block
from mmprolong.records import Reject
from mmprolong.settings.knobs import Corpus
from mmprolong.store.jsonl import read_jsonl
from tests.corpus.pdfs import write_pdf
from tests.llm.server import Response, serving
from tests.working import run_stage, work_in

PROSE = "The committee met on the first Monday of the month and agreed to mend the eastern wall. "


def item(label: str, text: str, top: float, **more: Any) -> dict[str, Any]:
    box = {"l": 30, "t": 400 - top, "r": 200, "b": 380 - top, "coord_origin": "BOTTOMLEFT"}
    return {"label": label, "text": text, "prov": [{"page_no": 1, "bbox": box, "charspan": [0, len(text)]}], **more}


def docling_json(path: Path, document: str, **changes: Any) -> None:
    """A file as docling 2 writes it."""
    caption, label = item("caption", "Figure 1: A wall.", 200), item("text", "east", 180)
    texts = [
        item("page_footer", "7", 380),
        item("section_header", "Walls", 20),
        item("text", PROSE, 50),
        caption,
        label,
    ]
    table = item("table", "", 240, data={"grid": [[{"text": "a"}, {"text": "b"}], [{"text": "1"}, {"text": "2"}]]})
    picture = item("picture", "", 150, children=[{"$ref": "#/texts/3"}, {"$ref": "#/texts/4"}])
    content = {
        "schema_name": "DoclingDocument",
        "origin": {"mimetype": "application/pdf", "binary_hash": int(document, 16) % 2**64, "filename": "a.pdf"},
        "furniture": {"children": []},
        "body": {"children": [{"$ref": name} for name in ("#/texts/0", "#/texts/1", "#/groups/0", "#/tables/0")]},
        "groups": [{"label": "inline", "children": [{"$ref": "#/texts/2"}, {"$ref": "#/pictures/0"}]}],
        "texts": texts,
        "tables": [table],
        "pictures": [picture],
        "pages": {"1": {"page_no": 1, "size": {"width": 300, "height": 400}}},
    }
    path.write_text(json.dumps(content | changes))


def test_doclings_files_become_blocks_in_its_order(tmp_path: Path):
    parser = Docling(folder=str(tmp_path / "read"))
    (tmp_path / "read").mkdir()
    with parser.open(write_pdf(tmp_path / "a.pdf", [PROSE])) as document:
        docling_json(tmp_path / "read" / "a.json", document.id)
        blocks = parser.blocks(document)
    assert [(block.kind, block.text, block.order) for block in blocks] == [
        ("section", "Walls", 0),
        ("paragraph", PROSE.strip(), 1),
        ("caption", "Figure 1: A wall.", 2),
        ("figure", "east", 3),
        ("table", "a  b\n1  2", 4),
        ("footer", "7", 5),
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
    blocks = [block for block in read_jsonl(tmp_path / "two" / "blocks.jsonl", Block) if block.page == 1]
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
