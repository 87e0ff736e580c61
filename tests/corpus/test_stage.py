import gzip
import hashlib
import os
import shutil
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pymupdf
import pytest

from mmprolong.corpus import stage
from mmprolong.corpus.pool import locate
from mmprolong.corpus.reading import ReadingJob, note_death, read_file, read_result
from mmprolong.errors import ConfigError, DataError
from mmprolong.images.child_processes import Children
from mmprolong.images.documents import Document, PageFacts
from mmprolong.images.pool_ledger import PageState, read_ledger, write_ledger
from mmprolong.records import Reject
from mmprolong.settings.knobs import Corpus
from mmprolong.store.jsonl import read_jsonl
from mmprolong.store.parquet import read_parquet
from mmprolong.store.store import hash_outputs
from tests.corpus.pdfs import LONG, encrypt, jobs_in, layout, write_pdf
from tests.working import run_stage, work_in

ARTICLE = locate("demo") / "glmnet" / "relax.pdf"
NO_PAGES = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n"
    b"trailer<</Root 1 0 R>>\nstartxref\n0\n%%EOF"
)


def run(pool: Path, folder: Path, **settings: Any) -> dict[str, Any]:
    return run_stage(stage, Corpus(path=str(pool), **settings), work_in(folder))


def read_all(jobs: list[ReadingJob], width: int = 0) -> list[ReadingJob]:
    return list(Children(read_file, note_death, 60, 2048).each(jobs, width))


def rejects(folder: Path) -> dict[str, str]:
    return {reject.what: reject.reason for reject in read_jsonl(folder / "rejects.jsonl", Reject)}


def test_what_cannot_be_used_is_refused_with_its_reason(tmp_path: Path):
    pool = tmp_path / "pool"
    good = write_pdf(pool / "a.pdf", [LONG])
    shutil.copy(good, pool / "b.pdf")
    (pool / "c.pdf.gz").write_bytes(gzip.compress(good.read_bytes()))
    write_pdf(pool / "d.pdf", [LONG, "another last page"], deflate=True)
    write_pdf(pool / "e.pdf", [LONG], deflate=True)
    encrypt(write_pdf(pool / "f.pdf"))
    (pool / "g.pdf").write_bytes(b"%PDF-1.7 not really")
    (pool / "h.pdf").write_bytes(b"")
    (pool / "j.pdf").write_bytes(ARTICLE.read_bytes()[:2000])
    (pool / "i.pdf.gz").write_bytes(b"not gzip")
    (pool / "k.pdf").write_bytes(NO_PAGES)
    write_pdf(pool / "l.pdf", ["", ""])
    metrics = run(pool, tmp_path / "out")
    assert rejects(tmp_path / "out") == {
        "b.pdf": "duplicate",
        "c.pdf.gz": "duplicate",
        "f.pdf": "encrypted",
        "g.pdf": "broken",
        "h.pdf": "not a PDF",
        "i.pdf.gz": "broken",
        "j.pdf": "truncated",
        "k.pdf": "no pages",
        "l.pdf": "blank",
    }
    assert metrics["documents"] == 3
    assert metrics["rejects"]["duplicate"] == 2
    assert metrics["ledger"] == {
        "documents": {"kept": 3, "rejected": 5, "failed": 4},
        "pages": {"kept": 4, "rejected": 4},
    }


def test_a_document_that_takes_too_long_is_killed_and_refused(tmp_path: Path):
    write_pdf(tmp_path / "pool" / "short.pdf", ["short"])
    with pymupdf.open() as document:
        for _ in range(600):
            document.new_page().insert_text((30, 30), [LONG] * 100, fontsize=6)
        document.save(tmp_path / "pool" / "long.pdf")
    metrics = run(tmp_path / "pool", tmp_path / "out", seconds=2)
    assert metrics["rejects"] == {"timed out": 1}
    assert metrics["documents"] == 1


def test_a_document_that_takes_too_much_memory_is_refused_and_the_next_is_read(tmp_path: Path):
    write_pdf(tmp_path / "pool" / "a.pdf", [LONG] * 1900)
    with pytest.raises(DataError, match="none of 1 PDFs is readable"):
        run(tmp_path / "pool", tmp_path / "small", memory=2)
    assert run(tmp_path / "pool", tmp_path / "enough")["documents"] == 1


def test_a_strip_that_no_model_takes_is_a_reject_that_names_file_and_page(tmp_path: Path):
    path = write_pdf(tmp_path / "pool" / "a.pdf", [LONG])
    with pymupdf.open(path) as document:
        document.new_page(width=1400, height=4)
        document.saveIncr()
    run(tmp_path / "pool", tmp_path / "out")
    assert rejects(tmp_path / "out") == {"a.pdf page 2": "too narrow"}
    assert states(tmp_path / "out") == {"a.pdf": [("kept", 0, 0, ""), ("rejected", 1, 1, "too narrow")]}


@pytest.mark.parametrize("shift", [0, 29])
def test_a_text_layer_that_is_no_language_is_no_text(shift: int, tmp_path: Path):
    printed = "The committee met on the first Monday and agreed to mend the eastern wall before winter storms. " * 3
    garbled = "".join(chr(ord(char) - shift) if char.isalpha() else char for char in printed)
    write_pdf(tmp_path / "pool" / "a.pdf", [garbled, printed])
    run(tmp_path / "pool", tmp_path / "out")
    (document,) = read_jsonl(tmp_path / "out" / "documents.jsonl", Document)
    read = {block.page for block in layout(tmp_path / "out")}
    facts = list(read_parquet(tmp_path / "out" / "pages.parquet", PageFacts))
    assert (document.unusable, read) == (({"no language": (0,)}, {1}) if shift else ({}, {0, 1}))
    assert [fact.shows for fact in facts] == ["image" if shift else "text", "text"]


def test_a_pool_in_which_nothing_is_readable_is_an_error(tmp_path: Path):
    encrypt(write_pdf(tmp_path / "pool" / "a.pdf"))
    with pytest.raises(DataError, match=r"none of 1 PDFs is readable \(1 encrypted\)"):
        run(tmp_path / "pool", tmp_path / "out")


def test_a_misspelt_library_is_named_with_the_nearest(tmp_path: Path):
    write_pdf(tmp_path / "pool" / "a.pdf")
    with pytest.raises(ConfigError, match="did you mean 'pymupdf'"):
        run(tmp_path / "pool", tmp_path / "out", parser={"name": "text_layer", "library": "pymupfd"})


def test_a_killed_run_continues_and_gives_equal_files(tmp_path: Path):
    pool = tmp_path / "pool"
    for number in range(4):
        write_pdf(pool / f"{number}.pdf", [f"Document {number}"] * 3)
    run(pool, tmp_path / "whole")
    jobs = jobs_in(pool, tmp_path / "resumed")
    assert read_all(jobs[:1]) == jobs[:1]
    before = Path(jobs[0].part + ".json").stat().st_mtime_ns
    (Path(jobs[0].part).parent / "torn.json.partial").write_bytes(b"{")
    run(pool, tmp_path / "resumed")
    assert Path(jobs[0].part + ".json").stat().st_mtime_ns == before
    for name in ("documents.jsonl", "blocks/00000.parquet", "rejects.jsonl"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "resumed" / name).read_bytes()
    assert hash_outputs(tmp_path / "resumed") == hash_outputs(tmp_path / "whole")


def test_the_number_of_workers_changes_nothing(tmp_path: Path):
    for number in range(4):
        write_pdf(tmp_path / "pool" / f"{number}.pdf", [f"Document {number}"] * 2)
    jobs = jobs_in(tmp_path / "pool", tmp_path)
    parts = []
    for workers in (1, 3):
        moved = [replace(job, part=str(tmp_path / f"{workers}-{index}")) for index, job in enumerate(jobs)]
        assert len(read_all(moved, workers)) == 4
        parts.append([(read_result(job.part).document, Path(job.part + ".blocks.json").read_bytes()) for job in moved])
    assert parts[0] == parts[1]


def test_a_file_that_vanishes_is_refused(tmp_path: Path):
    write_pdf(tmp_path / "pool" / "a.pdf")
    (job,) = jobs_in(tmp_path / "pool", tmp_path)
    lost: ReadingJob = replace(job, path=str(tmp_path / "gone.pdf"), part=str(tmp_path / "part"))
    read_all([lost])
    reject = read_result(lost.part).reject
    assert reject is not None and reject.reason == "file missing"


def test_records_say_where_a_document_comes_from(tmp_path: Path):
    path = write_pdf(tmp_path / "pool" / "sub" / "a.pdf", ["One.", "Two."])
    (tmp_path / "pool" / "LICENSES.md").write_text("| File | Licence |\n|---|---|\n| sub/a.pdf | CC-BY-4.0 |\n")
    run(tmp_path / "pool", tmp_path / "out")
    (document,) = read_jsonl(tmp_path / "out" / "documents.jsonl", Document)
    assert (document.source, document.licence, document.pages) == ("sub/a.pdf", "CC-BY-4.0", 2)
    assert document.id == hashlib.sha256(path.read_bytes()).hexdigest()
    assert [block.text for block in layout(tmp_path / "out")] == ["One.", "Two."]


def states(folder: Path) -> dict[str, list[tuple[str, int, int, str]]]:
    """State, first page, last page and reason of every line, by source."""
    return {
        source: [(row.state, row.first_page, row.last_page, row.reason) for row in rows]
        for source, rows in read_ledger(folder)
    }


def test_every_document_and_page_is_in_one_state(tmp_path: Path):
    pool = tmp_path / "pool"
    good = write_pdf(pool / "a.pdf", [LONG] * 3)
    shutil.copy(good, pool / "b.pdf")
    (pool / "c.pdf").symlink_to("a.pdf")
    (pool / "d.pdf").symlink_to("nowhere.pdf")
    (pool / os.fsdecode(b"e\xe9.pdf")).write_bytes(good.read_bytes())
    write_pdf(pool / ("f" * 240 + ".pdf"), ["Another page. " * 30])
    write_pdf(pool / "g.pdf", ["x"] * 9)
    for name in ("h.tar", "i.tar"):
        with tarfile.open(pool / name, "w") as archive:
            archive.add(write_pdf(tmp_path / "other.pdf", [LONG, LONG[::-1]]), "inner.pdf")
    (pool / "i.tar").write_bytes((pool / "i.tar").read_bytes()[:600])
    metrics = run(pool, tmp_path / "out", most_pages=8)
    assert states(tmp_path / "out") == {
        "a.pdf": [("kept", 0, 2, "")],
        "b.pdf": [("rejected", 0, 2, "duplicate")],
        "c.pdf": [("rejected", 0, 2, "duplicate")],
        "d.pdf": [("failed", 0, -1, "file missing")],
        "e\\xe9.pdf": [("rejected", 0, -1, "name is not UTF-8")],
        "f" * 240 + ".pdf": [("kept", 0, 0, "")],
        "g.pdf": [("rejected", 0, 8, "too many pages")],
        "h.tar/inner.pdf": [("kept", 0, 1, "")],
        "i.tar": [("failed", 0, -1, "broken tar")],
    }
    assert sum(metrics["ledger"]["documents"].values()) == 9
    assert sum(metrics["ledger"]["pages"].values()) == 3 * 3 + 1 + 9 + 2


def test_a_ledger_in_which_a_page_is_twice_or_nowhere_is_refused(tmp_path: Path):
    row = PageState(source="a.pdf", last_page=3, state="kept")
    for wrong in ([row, row], [replace(row, first_page=1)], [row, replace(row, first_page=5, last_page=6)]):
        with pytest.raises(DataError, match=r"a\.pdf: its pages"):
            write_ledger(tmp_path, wrong)


def test_a_manifest_says_licence_source_and_language_of_its_documents(tmp_path: Path):
    write_pdf(tmp_path / "pool" / "a.pdf", [LONG])
    with tarfile.open(tmp_path / "pool" / "b.tar", "w") as archive:
        archive.add(
            write_pdf(tmp_path / "b.pdf", ["Ein kurzer deutscher Text über Häuser und ihre Bewohner. " * 4]), "b.pdf"
        )
    (tmp_path / "pool.csv").write_text(
        "path,licence,source,language\npool/a.pdf,CC0-1.0,arXiv,fr\npool/b.tar/b.pdf,,,\n"
    )
    run(tmp_path / "pool.csv", tmp_path / "out")
    first, second = read_jsonl(tmp_path / "out" / "documents.jsonl", Document)
    assert (first.source, first.licence, first.origin, first.language) == ("pool/a.pdf", "CC0-1.0", "arXiv", "fr")
    assert (second.source, second.licence, second.origin, second.language) == ("pool/b.tar/b.pdf", "unknown", "", "de")


def test_pages_are_looked_at(tmp_path: Path):
    pages = [LONG, "", "7", "", "Contents", "References", "[1] A. Author. Title. " * 9]
    path = write_pdf(tmp_path / "pool" / "a.pdf", pages)
    with pymupdf.open(path) as document:
        picture = document[0].get_pixmap(dpi=50).tobytes("png")  # pyright: ignore
        document[3].insert_image(document[3].rect, stream=picture)  # pyright: ignore
        document[4].insert_textbox(pymupdf.Rect(30, 90, 280, 380), "1 One ......... 3\n2 Two ......... 4\n" * 6)  # pyright: ignore
        document.set_toc([[1, "References", 6]])  # pyright: ignore
        document.set_metadata({"producer": "A program 1.0"})
        document.save(tmp_path / "pool" / "b.pdf", encryption=pymupdf.PDF_ENCRYPT_AES_128, owner_pw="x")  # pyright: ignore
    path.unlink()
    run(tmp_path / "pool", tmp_path / "out")
    (document,) = read_jsonl(tmp_path / "out" / "documents.jsonl", Document)
    facts = list(read_parquet(tmp_path / "out" / "pages.parquet", PageFacts))
    assert [fact.shows for fact in facts] == ["text", "blank", "blank", "image", "text", "blank", "text"]
    assert facts[4].role == "contents" and facts[6].role == "references"
    assert facts[0].characters == len(LONG.replace(" ", "")) and facts[0].letters > 0.9
    assert document.producer == "A program 1.0" and "AES" in document.encryption
    assert document.text_share == round(3 / 7, 3)
