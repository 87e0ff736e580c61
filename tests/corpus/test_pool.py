import gzip
import os
import tarfile
from pathlib import Path

import msgspec
import pyarrow
import pyarrow.parquet
import pytest

from mmprolong.corpus import pool
from mmprolong.corpus.manifest import Entry
from mmprolong.errors import ConfigError, DataError
from tests.corpus.pdfs import write_pdf


def test_the_shipped_pool_has_long_documents_and_a_licence_for_each():
    folder = pool.locate("demo")
    files = [entry.name for entry in pool.entries(folder)[0]]
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
    assert [entry.name for entry in pool.entries(tmp_path)[0]] == ["a.pdf.gz", "b/UPPER.PDF"]


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
    (entry,), (reject,) = pool.entries(tmp_path)
    assert entry.name == good.name
    assert (reject.what, reject.reason) == ("caf\\xe9.pdf", "name is not UTF-8")


def test_a_folder_whose_name_is_not_utf8_is_refused(tmp_path: Path):
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    (folder / "good.pdf").touch()
    with pytest.raises(ConfigError, match="is not UTF-8"):
        pool.locate(str(folder))


ROWS = "path,licence,source,language,size\nb.pdf,CC0-1.0,https://example.org/b,en,7\nsub/a.pdf,,,,\nb.pdf,,,,\n,,,,\n"
LISTED = [Entry("b.pdf", "CC0-1.0", "https://example.org/b", "en"), Entry("sub/a.pdf")]


def write_manifest(path: Path) -> Path:
    """The rows above in the format of the ending."""
    table = pyarrow.table({"path": ["b.pdf", "sub/a.pdf", "b.pdf", None], "license": ["CC0-1.0", None, "", ""]})
    table = table.append_column("source", [["https://example.org/b", "", "", ""]])
    table = table.append_column("language", [["en", None, None, None]])
    match path.suffix:
        case ".parquet":
            pyarrow.parquet.write_table(table, path)
        case ".jsonl":
            path.write_bytes(b"\n".join(msgspec.json.encode(row) for row in table.to_pylist()) + b"\n\n")
        case ending:
            path.write_text(ROWS.replace(",", "\t" if ending == ".tsv" else ","), encoding="utf-8-sig")
    return path


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".parquet", ".jsonl"])
def test_a_manifest_lists_documents_with_licence_source_and_language(tmp_path: Path, ending: str):
    manifest = write_manifest(tmp_path / f"pool{ending}")
    found, rejects = pool.entries(pool.locate(str(manifest)))
    assert found == LISTED
    assert {(each.what, each.reason) for each in rejects} == {
        (f"pool{ending}, row 3", "listed twice"),
        (f"pool{ending}, row 4", "row without a path"),
    }
    assert {each.name for each in pool.files(manifest)} == {manifest.name, "b.pdf", "sub/a.pdf"}


def test_a_manifest_without_paths_or_of_another_kind_is_refused(tmp_path: Path):
    (tmp_path / "a.csv").write_text("file,licence\nb.pdf,x\n")
    (tmp_path / "b.parquet").write_bytes(b"PAR1 not really")
    (tmp_path / "c.jsonl").write_text('{"path": "a.pdf"}\n{"path": \n')
    for name, says in {"a.csv": "no column 'path'", "b.parquet": "give a Parquet file", "c.jsonl": "row 2"}.items():
        with pytest.raises(DataError, match=says):
            pool.entries(tmp_path / name)


def test_a_manifest_with_names_that_are_not_utf8_refuses_only_them(tmp_path: Path):
    (tmp_path / "pool.csv").write_bytes(b"path\ncaf\xe9.pdf\nb.pdf\n")
    found, (reject,) = pool.entries(tmp_path / "pool.csv")
    assert [each.name for each in found] == ["b.pdf"] and reject.reason == "name is not UTF-8"


def test_tars_hold_documents_and_a_broken_one_is_refused(tmp_path: Path):
    path = write_pdf(tmp_path / "pool" / "a.pdf")
    for name in ("good.tar", "cut.tar"):
        with tarfile.open(tmp_path / "pool" / name, "w") as archive:
            archive.add(path, "x/1.pdf")
            archive.add(__file__, "x/readme.txt")
    cut = tmp_path / "pool" / "cut.tar"
    cut.write_bytes(cut.read_bytes()[:700])
    found, (reject,) = pool.entries(tmp_path / "pool")
    assert [each.name for each in found] == ["a.pdf", "good.tar/x/1.pdf"]
    assert (reject.what, reject.reason) == ("cut.tar", "broken tar")
    alone = pool.locate(str(tmp_path / "pool" / "good.tar"))
    assert [each.name for each in pool.entries(alone)[0]] == ["x/1.pdf"]
    assert [each.name for each in pool.files(alone)] == ["good.tar"]


def test_a_folder_that_cannot_be_listed_is_refused(tmp_path: Path):
    write_pdf(tmp_path / "pool" / "a.pdf")
    made = os.open(tmp_path / "pool", os.O_RDONLY)
    try:
        for _ in range(25):
            os.mkdir("n" * 200, dir_fd=made)
            made, above = os.open("n" * 200, os.O_RDONLY, dir_fd=made), made
            os.close(above)
    finally:
        os.close(made)
    found, (reject,) = pool.entries(tmp_path / "pool")
    assert [each.name for each in found] == ["a.pdf"]
    assert (reject.reason, reject.detail) == ("folder cannot be listed", "File name too long")
