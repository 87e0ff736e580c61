from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from pyarrow.parquet import ParquetFile, read_table

from mmprolong.errors import DataError
from mmprolong.images.documents import Block
from mmprolong.store.parquet_by_key import ParquetByKey, Row, write_by_key

SMALL, LARGE = 700, 260
"""Documents of a few blocks, then documents that are larger than a row group."""
MIB = 1 << 20


def blocks(name: int) -> list[Block]:
    text = "é\n" + "x" * (3_000 if name < SMALL else MIB * 5 // 8)
    row = {"document": f"d{name}", "page": 0, "kind": "paragraph", "box": (0.0, 0.5, 1.0, 1.0), "text": text}
    return [Block(**row, order=order, confidence=0.5) for order in range(name % 3 if name < SMALL else 1)]


def rows(end: int) -> Iterator[Row]:
    return ((f"d{name}", msgspec.json.encode(blocks(name))) for name in range(end))


def test_lists_are_found_by_their_key_in_row_groups_of_bounded_size_and_several_files(tmp_path: Path):
    write_by_key(tmp_path / "blocks", rows(SMALL + LARGE))
    read = ParquetByKey(tmp_path / "blocks", Block)
    for name in (*range(SMALL + LARGE), 5, 0, SMALL):
        assert read.records(f"d{name}") == blocks(name)
    assert read.records("none") == []
    files = sorted((tmp_path / "blocks").glob("*.parquet"))
    keys = [key for file in files for key in read_table(file, columns=["key"])["key"].to_pylist()]
    assert keys == [f"d{name}" for name in range(SMALL + LARGE)] and len(files) == 2
    meta = [ParquetFile(file).metadata for file in files]
    groups = [each.row_group(number) for each in meta for number in range(each.num_row_groups)]
    assert LARGE < len(groups) < LARGE + 10 and all(each.num_rows == 1 or each.total_byte_size < MIB for each in groups)


def test_a_damaged_file_is_named(tmp_path: Path):
    write_by_key(tmp_path / "blocks", rows(3))
    (tmp_path / "blocks" / "00000.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match=r"blocks: .*run its step again"):
        ParquetByKey(tmp_path / "blocks", Block).records("d1")
