import gzip
import io
import tarfile
from pathlib import Path

import pymupdf
import pytest
from PIL import Image

from mmprolong.images.pdf_files import Unreadable, is_there, pdf_bytes
from tests.corpus.pdfs import encrypt, write_pdf


def picture(kind: str) -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (9, 9)).save(content, kind)
    return content.getvalue()


def refused(path: Path) -> tuple[str, str]:
    with pytest.raises(Unreadable) as caught:
        pdf_bytes(path)
    return caught.value.reason, caught.value.detail


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "empty file"),
        (b"\0" * 5000, "empty file"),
        (b"<!DOCTYPE html><html><head><title>403</title>", "HTML"),
        (b"\xef\xbb\xbf\n <HTML lang=en>", "HTML"),
        (b'<?xml version="1.0"?>\n<!DOCTYPE svg PUBLIC "x">\n<svg width="2"/>', "SVG"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b'<?xml version="1.0"?><a/>', "XML"),
        (picture("PNG"), "PNG image"),
        (picture("JPEG"), "JPEG image"),
        (picture("TIFF"), "TIFF image"),
        (picture("WEBP"), "WebP image"),
        (picture("BMP"), "BMP image"),
        (b"%!PS-Adobe-3.0\n", "PostScript"),
        (b"PK\x03\x04" + b"\0" * 26 + b"mimetypeapplication/epub+zip", "EPUB"),
        (b"PK\x03\x04" + b"\0" * 26 + b"word/document.xml", "Office document"),
        (gzip.compress(b"x", mtime=0), "gzip archive"),
        (b"version https://git-lfs.github.com/spec/v1\n", "pointer of Git LFS"),
        (b'{"error": "not found"}', "JSON"),
        (b"Too many requests.\n", "text"),
        (bytes(range(128, 256)), "unknown content"),
    ],
)
def test_what_is_no_pdf_is_refused_with_what_it_is(tmp_path: Path, content: bytes, kind: str):
    (tmp_path / "a.pdf").write_bytes(content)
    assert refused(tmp_path / "a.pdf") == ("not a PDF", kind)


@pytest.mark.parametrize("before", [b"", b"HTTP/1.1 200 OK\r\n\r\n", b"\r\n" * 40])
@pytest.mark.parametrize("after", [b"", b"\0" * 60_000, b"\n" * 900])
def test_a_pdf_may_have_a_little_before_and_after_it(tmp_path: Path, before: bytes, after: bytes):
    path = write_pdf(tmp_path / "a.pdf")
    path.write_bytes(before + path.read_bytes() + after)
    assert b"%PDF-" in pdf_bytes(path)


def test_a_pdf_of_which_the_end_is_missing_is_refused(tmp_path: Path):
    path = write_pdf(tmp_path / "a.pdf", ["A page."] * 9)
    path.write_bytes(path.read_bytes()[:3000])
    assert refused(path)[0] == "truncated"


def test_encryption_for_the_holders_of_keys_is_named_so(tmp_path: Path):
    path = encrypt(write_pdf(tmp_path / "a.pdf"))
    path.write_bytes(path.read_bytes().replace(b"/Filter/Standard", b"/Filter /Adobe.PubSec"))
    reason, detail = refused(path)
    assert reason == "encrypted" and "keys" in detail


def test_what_is_not_there_or_cannot_be_opened_says_so(tmp_path: Path):
    (tmp_path / "loop.pdf").symlink_to("loop.pdf")
    (tmp_path / "gone.pdf").symlink_to("nothing.pdf")
    assert refused(tmp_path / "gone.pdf")[0] == "file missing"
    assert refused(tmp_path / "loop.pdf")[0] == "cannot be opened"
    assert refused(tmp_path / ("long" * 100 + ".pdf"))[0] == "cannot be opened"


def test_members_of_a_tar_are_read_as_if_it_were_a_folder(tmp_path: Path):
    path = write_pdf(tmp_path / "a.pdf")
    (tmp_path / "b.pdf.gz").write_bytes(gzip.compress(path.read_bytes()))
    (tmp_path / "c.pdf").symlink_to("a.pdf")
    tar = tmp_path / "shard.tar"
    with tarfile.open(tar, "w") as archive:
        for name in ("a.pdf", "b.pdf.gz", "c.pdf"):
            archive.add(tmp_path / name, f"./sub/{name}")
    assert pdf_bytes(tar / "sub" / "a.pdf") == pdf_bytes(tar / "sub" / "b.pdf.gz") == path.read_bytes()
    assert is_there(tar / "sub" / "a.pdf") and not is_there(tar / "sub" / "x.pdf")
    assert refused(tar / "sub" / "x.pdf")[0] == "file missing"
    assert refused(tar / "sub" / "c.pdf") == ("cannot be opened", "OSError: 'sub/c.pdf' is a link inside a tar")
    tar.write_bytes(tar.read_bytes()[:2000])
    assert refused(tar / "sub" / "a.pdf")[0] == "broken"


def test_a_library_gets_what_begins_without_its_header(tmp_path: Path):
    path = write_pdf(tmp_path / "a.pdf")
    path.write_bytes(path.read_bytes().replace(b"%PDF-1.7", b"%      "))
    with pymupdf.open(stream=pdf_bytes(path), filetype="pdf") as document:
        assert document.page_count == 1
