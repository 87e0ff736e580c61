import base64
import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mmprolong.conversations import Image
from mmprolong.errors import DataError
from mmprolong.images.table_images import TableImages, listed, tsv_rows
from tests.images.pictures import picture_bytes


def encoded(width: int) -> str:
    return base64.b64encode(picture_bytes((width, 20))).decode()


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A table whose questions run over several lines, as those of the real ones do."""
    path = tmp_path / "set" / "a.tsv"
    path.parent.mkdir()
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, delimiter="\t", lineterminator="\n")
        rows.writerow(["index", "question", "image"])
        rows.writerow(["0", 'Which\n"ü"?', encoded(50)])
        rows.writerow(["1", "Two?", str([encoded(60), encoded(70)])])
        rows.writerow(["2", "", "no image"])
        rows.writerow(["3", "too", "many", "cells"])
    return path


def test_rows_of_a_tsv_file_are_found_again_by_their_first_byte(table: Path, tmp_path: Path):
    rows = list(tsv_rows(table))
    assert [(number, row.get("question")) for number, _, row in rows] == [
        (1, 'Which\n"ü"?'),
        (2, "Two?"),
        (3, None),
        (4, None),
    ]
    images = TableImages(tmp_path)
    source = [f"table:set/a.tsv#image@{begin}" for _, begin, _ in rows]
    assert [images.size(Image(source[0])), images.size(Image(source[1], 1))] == [(50, 20), (70, 20)]
    drawn = images.pixels(Image(source[1]))
    assert drawn.shape == (20, 60, 3) and drawn.dtype == np.uint8
    for image in (Image(source[1], 2), Image(source[2]), Image("table:set/a.tsv#image@99999999")):
        with pytest.raises(DataError, match=r"set/a\.tsv"):
            images.pixels(image)


def test_an_image_of_a_parquet_file_is_found_by_its_row(tmp_path: Path):
    rows = [[{"bytes": picture_bytes((10 + row + place, 20)), "path": None} for place in range(2)] for row in range(5)]
    pd.DataFrame({"images": rows}).to_parquet(tmp_path / "a.parquet", row_group_size=2)
    images = TableImages(tmp_path)
    found = [images.size(Image(f"table:a.parquet#images@{row}", place)) for row in (4, 0, 1) for place in (0, 1)]
    assert [width for width, _ in found] == [14, 15, 10, 11, 11, 12]
    for source in ("table:a.parquet#images@5", "table:a.parquet#none@0", "table:none.parquet#images@0"):
        with pytest.raises(DataError, match="has the table changed"):
            images.size(Image(source))


def test_no_path_leads_out_of_the_data_root(tmp_path: Path):
    with pytest.raises(DataError, match="leads out of the data root"):
        TableImages(tmp_path).size(Image("table:../a.tsv#image@0"))


def test_a_file_that_is_no_table_is_named(tmp_path: Path):
    (tmp_path / "a.tsv").write_bytes(b"a\tb\n\xff\t1\n")
    (tmp_path / "empty.tsv").touch()
    for name in ("a.tsv", "empty.tsv"):
        with pytest.raises(DataError, match=f"{name}: .*; expected a table"):
            list(tsv_rows(tmp_path / name))


def test_a_cell_that_holds_a_list_has_many_items():
    assert listed("['a', 'b']") == ["a", "b"] and listed("a, b") == ["a, b"]
    with pytest.raises(ValueError, match="no list"):
        listed("[a")
