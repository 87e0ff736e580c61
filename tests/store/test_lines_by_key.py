from pathlib import Path

import pytest

from mmprolong.errors import DataError
from mmprolong.images.documents import Document
from mmprolong.store.jsonl import read_jsonl, write_jsonl
from mmprolong.store.lines_by_key import LinesByKey, write_lines

WRITTEN = [Document(id=name, source="\né") for name in ("b", "a", "é")]


def test_records_are_found_by_their_key(tmp_path: Path):
    file = tmp_path / "documents.jsonl"
    write_jsonl(file, WRITTEN)
    read = LinesByKey(file, Document)
    assert [read.lines(name) for name in "baéd"] == [*([each] for each in WRITTEN), []]
    assert "a" in read and "d" not in read and len(read) == 3


def test_a_stored_table_says_the_same(tmp_path: Path):
    file = tmp_path / "documents.jsonl"
    assert write_lines(file, ((each.id, each) for each in WRITTEN)) == 3
    stored = LinesByKey(file, Document)
    assert [stored.lines(name) for name in "baéd"] == [*([each] for each in WRITTEN), []]
    assert list(read_jsonl(file, Document)) == WRITTEN and len(stored) == 3


def test_a_damaged_line_is_named(tmp_path: Path):
    file = tmp_path / "documents.jsonl"
    file.write_bytes(b'{"id":"a","source":"a.pdf"}\n{"id":"b"}\n{"i')
    with pytest.raises(DataError, match=r"documents\.jsonl:3"):
        LinesByKey(file, Document)
    file.write_bytes(b'{"id":"a","source":"a.pdf"}\n{"id":"b"}\n')
    with pytest.raises(DataError, match="expected a Document"):
        LinesByKey(file, Document).lines("b")
