from pathlib import Path

import pytest

from mmprolong.errors import DataError
from mmprolong.images.documents import Selected
from mmprolong.records import Reject
from mmprolong.store.jsonl import read_jsonl, write_jsonl
from mmprolong.store.lines_by_key import LinesByKey, write_lines


def test_records_are_found_by_their_key(tmp_path: Path):
    file = tmp_path / "selection.jsonl"
    counts = (("b", 3), ("a", 1), ("é", 2))
    written = {name: [Selected(document=name, split=f"\n{order}") for order in range(count)] for name, count in counts}
    write_jsonl(file, [one for found in written.values() for one in found])
    read = LinesByKey(file, Selected, "document")
    assert {name: read.lines(name) for name in written} == written
    assert read.lines("d") == [] and "a" in read and "d" not in read and len(read) == 3


def test_a_stored_table_says_the_same(tmp_path: Path):
    file = tmp_path / "rejects.jsonl"
    written = [Reject(what=name, reason="é") for name in ("b", "a", "c")]
    assert write_lines(file, ((each.what, each) for each in written)) == 3
    stored, scanned = LinesByKey(file, Reject, "what"), read_jsonl(file, Reject)
    assert [stored.lines(name) for name in "bacd"] == [*([each] for each in scanned), []]
    assert list(read_jsonl(file, Reject)) == written and len(stored) == 3


def test_a_damaged_line_is_named(tmp_path: Path):
    file = tmp_path / "rejects.jsonl"
    file.write_bytes(b'{"what":"a","reason":"r"}\n{"what":"b"}\n{"wh')
    with pytest.raises(DataError, match=r"rejects\.jsonl:3"):
        LinesByKey(file, Reject, "what")
    file.write_bytes(b'{"what":"a","reason":"r"}\n{"what":"b"}\n')
    with pytest.raises(DataError, match="expected a Reject"):
        LinesByKey(file, Reject, "what").lines("b")
