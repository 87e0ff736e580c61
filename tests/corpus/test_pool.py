import gzip
from pathlib import Path

import pytest

from mmprolong.corpus import pool
from mmprolong.errors import ConfigError
from tests.corpus.pdfs import write_pdf


def test_the_shipped_pool_has_long_documents_and_a_licence_for_each():
    folder = pool.locate("demo")
    files = [path.relative_to(folder).as_posix() for path in pool.find_pdfs(folder)]
    assert len(files) >= 10
    assert set(pool.licences(folder)) == set(files)
    assert sum((folder / file).stat().st_size for file in files) <= 6e6


@pytest.mark.parametrize("content", [{}, {"notes.txt": b"no PDF"}])
def test_a_folder_without_pdfs_is_refused_in_one_line(tmp_path: Path, content: dict[str, bytes]):
    for name, text in content.items():
        (tmp_path / name).write_bytes(text)
    with pytest.raises(ConfigError, match=r"holds no \.pdf") as caught:
        pool.locate(str(tmp_path))
    assert "\n" not in str(caught.value)


def test_a_folder_that_does_not_exist_is_refused(tmp_path: Path):
    with pytest.raises(ConfigError, match="not a folder"):
        pool.locate(str(tmp_path / "gone"))


def test_pdfs_are_found_at_any_depth_in_any_case_and_gzipped(tmp_path: Path):
    first = write_pdf(tmp_path / "b" / "UPPER.PDF")
    (tmp_path / "a.pdf.gz").write_bytes(gzip.compress(first.read_bytes()))
    assert [path.name for path in pool.find_pdfs(tmp_path)] == ["a.pdf.gz", "UPPER.PDF"]


def test_the_digest_names_contents_and_names_but_not_the_place(tmp_path: Path):
    here, there = tmp_path / "here", tmp_path / "there"
    content = write_pdf(here / "x.pdf").read_bytes()
    there.mkdir()
    (there / "x.pdf").write_bytes(content)
    assert pool.pool_digest(here) == pool.pool_digest(there)
    (there / "x.pdf").rename(there / "y.pdf")
    assert pool.pool_digest(here) != pool.pool_digest(there)
    (here / "x.pdf").write_bytes(content + b"%")
    (there / "y.pdf").rename(there / "x.pdf")
    assert pool.pool_digest(here) != pool.pool_digest(there)


def test_a_file_is_hashed_once(tmp_path: Path):
    folder, cache = tmp_path / "pool", tmp_path / "cache.json"
    write_pdf(folder / "x.pdf")
    digest = pool.pool_digest(folder, cache)
    written = cache.read_text()
    assert pool.pool_digest(folder, cache) == digest
    cache.write_text(written.replace(written.split('": "')[1][:64], "0" * 64))
    assert pool.pool_digest(folder, cache) != digest, "the cache was not read"


def test_a_damaged_cache_only_costs_time(tmp_path: Path):
    cache = tmp_path / "cache.json"
    cache.write_text("{torn")
    assert pool.pool_digest(pool.locate("demo"), cache) == pool.pool_digest(pool.locate("demo"))
