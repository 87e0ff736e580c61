import gzip
import hashlib
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mmprolong.corpus import stage
from mmprolong.corpus.pool import locate
from mmprolong.corpus.reading import ReadingJob, note_death, read_file, read_result
from mmprolong.errors import ConfigError, DataError
from mmprolong.records import Block, Document, Reject
from mmprolong.runtime.child_processes import Children
from mmprolong.settings.knobs import Corpus
from mmprolong.store.jsonl import read_jsonl
from mmprolong.store.store import hash_outputs
from tests.corpus.pdfs import encrypt, write_pdf
from tests.working import run_stage, work_in

ARTICLE = locate("demo") / "glmnet" / "relax.pdf"
LONG = "Enough words to be told from chance. " * 8


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
    metrics = run(pool, tmp_path / "out")
    assert rejects(tmp_path / "out") == {
        "b.pdf": "duplicate",
        "c.pdf.gz": "duplicate",
        "f.pdf": "encrypted",
        "g.pdf": "broken",
        "h.pdf": "broken",
        "i.pdf.gz": "broken",
        "j.pdf": "blank",
    }
    assert metrics["documents"] == 3
    assert metrics["rejects"] == {"blank": 1, "broken": 3, "duplicate": 2, "encrypted": 1}


def test_a_document_that_takes_too_long_is_killed_and_refused(tmp_path: Path):
    write_pdf(tmp_path / "pool" / "long.pdf", [LONG] * 6000)
    write_pdf(tmp_path / "pool" / "short.pdf", ["short"])
    metrics = run(tmp_path / "pool", tmp_path / "out", seconds=1)
    assert metrics["rejects"] == {"timed out": 1}
    assert metrics["documents"] == 1


def test_a_document_that_takes_too_much_memory_is_refused_and_the_next_is_read(tmp_path: Path):
    write_pdf(tmp_path / "pool" / "a.pdf", [LONG] * 3000)
    with pytest.raises(DataError, match="none of 1 PDFs is readable"):
        run(tmp_path / "pool", tmp_path / "small", memory=2)
    assert run(tmp_path / "pool", tmp_path / "enough")["documents"] == 1


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
    jobs = stage.jobs_of(Corpus(path=str(pool)), work_in(tmp_path / "resumed"))
    assert read_all(jobs[:1]) == jobs[:1]
    before = Path(jobs[0].part + ".json").stat().st_mtime_ns
    (Path(jobs[0].part).parent / "torn.json.partial").write_bytes(b"{")
    run(pool, tmp_path / "resumed")
    assert Path(jobs[0].part + ".json").stat().st_mtime_ns == before
    for name in ("documents.jsonl", "blocks.jsonl", "rejects.jsonl"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "resumed" / name).read_bytes()
    assert hash_outputs(tmp_path / "resumed") == hash_outputs(tmp_path / "whole")


def test_the_number_of_workers_changes_nothing(tmp_path: Path):
    for number in range(4):
        write_pdf(tmp_path / "pool" / f"{number}.pdf", [f"Document {number}"] * 2)
    jobs = stage.jobs_of(Corpus(path=str(tmp_path / "pool")), work_in(tmp_path))
    parts = []
    for workers in (1, 3):
        moved = [replace(job, part=str(tmp_path / f"{workers}-{index}")) for index, job in enumerate(jobs)]
        assert len(read_all(moved, workers)) == 4
        parts.append([(read_result(job.part).document, Path(job.part + ".blocks.jsonl").read_bytes()) for job in moved])
    assert parts[0] == parts[1]


def test_a_file_that_vanishes_is_refused(tmp_path: Path):
    write_pdf(tmp_path / "pool" / "a.pdf")
    (job,) = stage.jobs_of(Corpus(path=str(tmp_path / "pool")), work_in(tmp_path))
    lost: ReadingJob = replace(job, path=str(tmp_path / "gone.pdf"), part=str(tmp_path / "part"))
    read_all([lost])
    reject = read_result(lost.part).reject
    assert reject is not None and reject.reason == "broken"


def test_records_say_where_a_document_comes_from(tmp_path: Path):
    path = write_pdf(tmp_path / "pool" / "sub" / "a.pdf", ["One.", "Two."])
    (tmp_path / "pool" / "LICENSES.md").write_text("| File | Licence |\n|---|---|\n| sub/a.pdf | CC-BY-4.0 |\n")
    run(tmp_path / "pool", tmp_path / "out")
    (document,) = read_jsonl(tmp_path / "out" / "documents.jsonl", Document)
    assert (document.source, document.licence, document.pages) == ("sub/a.pdf", "CC-BY-4.0", 2)
    assert document.id == hashlib.sha256(path.read_bytes()).hexdigest()
    assert [block.text for block in read_jsonl(tmp_path / "out" / "blocks.jsonl", Block)] == ["One.", "Two."]
