import warnings
from pathlib import Path

import numpy as np
import pytest

from mmprolong.conversations import Image
from mmprolong.errors import DataError
from mmprolong.images.image_files import FileImages
from mmprolong.images.renderer import find_renderer
from tests.corpus.pdfs import encrypt, write_pdf
from tests.images.pictures import write_picture


@pytest.fixture
def images(tmp_path: Path) -> FileImages:
    return FileImages(tmp_path, find_renderer("pymupdf"), dpi=144)


@pytest.mark.parametrize(
    ("name", "mode", "colour"),
    [("a.png", "RGB", "red"), ("a.png", "P", 0), ("a.png", "RGBA", "red"), ("a.png", "L", 9), ("a.gif", "L", 9)],
)
def test_an_image_file_is_drawn_in_colours_and_its_size_is_known(
    images: FileImages, tmp_path: Path, name: str, mode: str, colour: object
):
    write_picture(tmp_path / "set" / name, (50, 20), mode, colour)
    image = Image(f"file:set/{name}")
    assert images.size(image) == (50, 20)
    assert images.pixels(image).shape == (20, 50, 3) and images.pixels(image).dtype == np.uint8


def test_a_page_of_a_pdf_is_drawn_at_the_resolution(images: FileImages, tmp_path: Path):
    for number in range(10):  # more than are held open
        write_pdf(tmp_path / f"{number}.pdf", ["one", "two"])
        image = Image(f"file:{number}.pdf", 1)
        assert images.size(image) == (600, 800)
        assert images.pixels(image).shape == (800, 600, 3)
        assert images.pages(f"file:{number}.pdf") == 2
    images.close()
    assert images.size(Image("file:0.pdf")) == (600, 800)


def broken_files(folder: Path) -> None:
    write_picture(folder / "whole.jpg", (300, 300))
    content = (folder / "whole.jpg").read_bytes()
    (folder / "cut.jpg").write_bytes(content[: len(content) // 2])
    write_picture(folder / "whole.png", (300, 300))
    content = bytearray((folder / "whole.png").read_bytes())
    content[60:80] = bytes(20)
    (folder / "damaged.png").write_bytes(content)
    (folder / "text.png").write_text("no picture")
    (folder / "empty.jpg").touch()
    (folder / "text.pdf").write_text("no PDF")
    encrypt(write_pdf(folder / "locked.pdf"))
    (folder / "folder.png").mkdir()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("cut.jpg", "cut.jpg: .*; is it a whole image file"),
        ("damaged.png", "damaged.png: .*; is it a whole image file"),
        ("text.png", "text.png: .*; is it a whole image file"),
        ("empty.jpg", "empty.jpg: .*; is it a whole image file"),
        ("text.pdf", "text.pdf: not a PDF"),
        ("locked.pdf", "locked.pdf: encrypted"),
        ("none.jpg", "none.jpg: not there"),
        ("folder.png", "folder.png: not there"),
    ],
)
def test_a_broken_file_is_named(images: FileImages, tmp_path: Path, name: str, said: str):
    broken_files(tmp_path)
    with pytest.raises(DataError, match=said):
        images.pixels(Image(f"file:{name}"))


def test_a_page_that_is_not_there_is_named(images: FileImages, tmp_path: Path):
    write_pdf(tmp_path / "a.pdf")
    for index in (-1, 1):
        with pytest.raises(DataError, match=rf"a\.pdf: no page {index + 1}; the document has 1"):
            images.size(Image("file:a.pdf", index))


@pytest.mark.parametrize("path", ["../secret.png", "set/../../secret.png", "/etc/passwd"])
def test_no_path_leads_out_of_the_data_root(images: FileImages, tmp_path: Path, path: str):
    write_picture(tmp_path.parent / "secret.png")
    with pytest.raises(DataError, match="leads out of the data root"):
        images.pixels(Image(f"file:{path}"))


def test_a_linked_folder_below_the_root_is_followed(images: FileImages, tmp_path: Path):
    write_picture(tmp_path / "elsewhere" / "a.png")
    (tmp_path / "set").symlink_to(tmp_path / "elsewhere")
    assert images.size(Image("file:set/a.png")) == (40, 30)


def test_a_decompression_bomb_is_refused_before_it_is_read(images: FileImages, tmp_path: Path):
    write_picture(tmp_path / "bomb.png", (9_000, 10_000), "1", 0)
    with warnings.catch_warnings(), pytest.raises(DataError, match=r"bomb\.png: 9000x10000 px, more than 50000000 px"):
        warnings.simplefilter("error")
        images.size(Image("file:bomb.png"))


@pytest.mark.parametrize("image", [Image("file:a.png", stamp="A7"), Image("file:a.png", crop=(0, 0, 0.5, 1))])
def test_files_are_shown_whole(images: FileImages, tmp_path: Path, image: Image):
    write_picture(tmp_path / "a.png")
    with pytest.raises(DataError, match="files are shown whole"):
        images.size(image)
