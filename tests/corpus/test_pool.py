import gzip
import os
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


def test_linked_folders_are_followed_and_count_once(tmp_path: Path):
    write_pdf(tmp_path / "pool" / "b" / "x.pdf")
    write_pdf(tmp_path / "elsewhere" / "y.pdf")
    (tmp_path / "pool" / "a").symlink_to("b")
    (tmp_path / "pool" / "b" / "up").symlink_to("..")
    (tmp_path / "pool" / "itself").symlink_to("itself")
    for link in ("first", "second"):
        (tmp_path / "pool" / link).symlink_to(tmp_path / "elsewhere")
    assert [name for name, _ in sorted(pool.walk(tmp_path / "pool"))] == ["b/x.pdf", "first/y.pdf"]


def test_a_name_that_is_not_utf8_is_refused_and_counted(tmp_path: Path):
    good = write_pdf(tmp_path / "good.pdf")
    (tmp_path / os.fsdecode(b"caf\xe9.pdf")).write_bytes(good.read_bytes())
    assert len(pool.find_pdfs(tmp_path)) == 2
    paths, (reject,) = pool.split_by_name(tmp_path)
    assert paths == [good]
    assert (reject.what, reject.reason) == ("caf\N{REPLACEMENT CHARACTER}.pdf", "name is not UTF-8")


def test_a_folder_whose_name_is_not_utf8_is_refused(tmp_path: Path):
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    (folder / "good.pdf").touch()
    with pytest.raises(ConfigError, match="is not UTF-8"):
        pool.locate(str(folder))
