import io
import json
import random
from pathlib import Path

import pymupdf
import pytest
from PIL import Image

from mmprolong.config.compose import Composer
from mmprolong.corpus import stage as corpus
from mmprolong.errors import InvalidSettings
from mmprolong.images.documents import Document, Selected
from mmprolong.images.renderer import find_renderer
from mmprolong.selection import stage
from mmprolong.selection.benchmark_index import build_index
from mmprolong.selection.leaks import measure_recall
from mmprolong.settings.knobs import Corpus, Selection
from mmprolong.settings.stages import SelectionSettings
from mmprolong.store.atomic import read_json
from mmprolong.store.jsonl import read_jsonl
from tests.corpus.pdfs import articles
from tests.working import run_stage, work_in

ARTICLES = articles()


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two articles, a page as a picture, a text and a file that nobody reads."""
    folder = tmp_path_factory.mktemp("benchmark")
    for number, path in enumerate(ARTICLES[:2]):
        (folder / f"{number}.pdf").write_bytes(path.read_bytes())
    with pymupdf.open(ARTICLES[3]) as document:
        document[1].get_pixmap(dpi=72).save(folder / "page.png")  # pyright: ignore
        rows = [{"question": "What?", "context": " ".join(document[2].get_text().split())}]  # pyright: ignore
    (folder / "questions.json").write_text(json.dumps(rows))
    (folder / "weights.bin").write_bytes(b"\0" * 99)
    return folder


def leak_text(path: Path, text: str) -> None:
    with pymupdf.open() as document:
        for start in range(0, len(text), 400):
            box = pymupdf.Rect(40, 40, 300, 800)
            document.new_page(width=340, height=840).insert_textbox(box, text[start : start + 400], fontsize=8)
        document.save(path)


def leak_pages(path: Path, source: Path, pages: list[int], quality: int) -> None:
    """Pages as JPEG images alone, cropped by a little."""
    with pymupdf.open(source) as document, pymupdf.open() as copy:
        for page in pages:
            shown = document[page].get_pixmap(dpi=110)  # pyright: ignore
            picture = Image.frombytes("RGB", (shown.width, shown.height), shown.samples)
            picture = picture.crop((9, 12, shown.width - 20, shown.height - 15))
            content = io.BytesIO()
            picture.save(content, "JPEG", quality=quality)
            new = copy.new_page(width=picture.width, height=picture.height)
            new.insert_image(new.rect, stream=content.getvalue())
        copy.save(path)


def test_leaks_of_every_channel_are_refused_and_the_certificate_says_what_was_found(tmp_path: Path, benchmark: Path):
    pool = tmp_path / "pool"
    pool.mkdir()
    (pool / "bytes.pdf").write_bytes(ARTICLES[0].read_bytes())
    with pymupdf.open(ARTICLES[1]) as document:
        leak_text(pool / "text.pdf", document[0].get_text().replace("e ", "e\n"))  # pyright: ignore
    with pymupdf.open(ARTICLES[3]) as document:
        leak_text(pool / "context.pdf", document[2].get_text())  # pyright: ignore
    leak_pages(pool / "image.pdf", ARTICLES[1], [5, 6], 30)
    leak_pages(pool / "picture.pdf", ARTICLES[3], [1], 60)
    (pool / "innocent.pdf").write_bytes(ARTICLES[5].read_bytes())
    run_stage(corpus, Corpus(path=str(pool)), work_in(tmp_path / "store" / "corpus" / "c"))
    work = work_in(tmp_path / "store" / "selection" / "s", corpus=tmp_path / "store" / "corpus" / "c")
    chosen = Selection(heldout=0.0, benchmarks={"two": str(benchmark)}, benchmarks_digest="0" * 64)
    metrics = run_stage(stage, SelectionSettings(chosen, Corpus(path=str(pool))), work)
    names = {one.id: one.source for one in read_jsonl(work.inputs["corpus"] / "documents.jsonl", Document)}
    assert [names[one.document] for one in read_jsonl(work.out / "selected.jsonl", Selected)] == ["innocent.pdf"]
    assert metrics["rejects"] == {"in benchmark two": 5}
    hits = {(hit["source"], hit["channel"]): hit["benchmark"] for hit in read_jsonl(work.out / "hits.jsonl", dict)}
    assert hits["bytes.pdf", "bytes"] == "two/0.pdf"
    assert hits["text.pdf", "text"] == "two/1.pdf, page 1"
    assert hits["context.pdf", "text"] == "two/questions.json, row 1"
    assert hits["image.pdf", "image"].startswith("two/1.pdf, page")
    assert hits["picture.pdf", "image"] == "two/page.png"
    certificate = read_json(work.out / "certificate.json")
    assert certificate["hits"]["documents"] == 5 and certificate["documents"] == 6
    assert certificate["not_read"] == ["two/weights.bin: a file of another kind"]


def test_planted_leaks_are_found_and_counted_with_an_interval(benchmark: Path):
    renderer = find_renderer("pymupdf")
    roots = {"two": benchmark}
    recalls = {each.leak: each for each in measure_recall(roots, build_index(roots, renderer), renderer)}
    assert set(recalls) == {
        "same bytes",
        "other dpi",
        "cropped",
        "JPEG",
        "scanned",
        "re-wrapped",
        "OCR noise",
        "page shuffle",
    }
    for recall in recalls.values():
        assert recall.interval[0] <= recall.found / recall.planted <= recall.interval[1]
        assert recall.found >= 0.9 * recall.planted, recall
    assert recalls["re-wrapped"].channels["text"] == recalls["re-wrapped"].found
    assert recalls["JPEG"].channels["text"] == 0


def test_an_index_that_finds_nothing_has_no_recall(benchmark: Path, tmp_path: Path):
    renderer = find_renderer("pymupdf")
    (benchmark / "1.pdf").unlink()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "a.txt").write_text(" ".join(random.Random(0).choices(["river", "stone", "tree"], k=900)))
    wrong = build_index({"other": tmp_path / "other"}, renderer)
    recalls = measure_recall({"two": benchmark}, wrong, renderer)
    assert {recall.leak: recall.found for recall in recalls} == {recall.leak: 0 for recall in recalls}


def test_benchmarks_are_identity_by_their_content_alone(tmp_path: Path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "questions.json").write_text("[]")

    def digest(folder: Path) -> str:
        words = [f"paths.store={tmp_path / 'store'}", f"+selection.benchmarks.x={folder}"]
        return Composer().frozen(words).selection.benchmarks_digest

    first = digest(tmp_path / "a")
    assert first == digest(tmp_path / "b") != ""
    (tmp_path / "b" / "questions.json").write_text("[1]")
    assert digest(tmp_path / "b") != first
    with pytest.raises(InvalidSettings, match=r"selection\.benchmarks\.x: .*is not a folder"):
        digest(tmp_path / "gone")
