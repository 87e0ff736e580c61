from pathlib import Path

import numpy as np
import pytest

from mmprolong.errors import DataError
from mmprolong.images.documents import Block
from mmprolong.records import Reject
from mmprolong.store.jsonl import write_jsonl
from mmprolong.store.lines_by_key import LinesByKey, places_file, write_places


def block(document: str, order: int) -> Block:
    return Block(document=document, page=0, kind="paragraph", box=(0, 0, 1, 1), text=f"é\n{order}", order=order)


def test_records_are_found_by_their_key_with_a_stored_table_and_without(tmp_path: Path):
    file = tmp_path / "blocks.jsonl"
    written = {name: [block(name, order) for order in range(count)] for name, count in (("b", 3), ("a", 1), ("c", 2))}
    write_jsonl(file, [one for blocks in written.values() for one in blocks])
    read = LinesByKey(file, Block, "document")
    assert {name: read.lines(name) for name in written} == written
    assert read.lines("d") == [] and "a" in read and "d" not in read and len(read) == 3
    sizes = [len(line) for line in file.read_bytes().splitlines(keepends=True)]
    write_places(file, [("b", 0, sum(sizes[:3])), ("empty", sum(sizes[:3]), 0), ("c", sum(sizes[:4]), sum(sizes[4:]))])
    stored = LinesByKey(file, Block, "document")
    assert stored.lines("c") == written["c"] and stored.lines("empty") == [] and stored.lines("a") == []
    assert np.load(places_file(file)).nbytes == 3 * 24


def test_a_damaged_line_is_named(tmp_path: Path):
    file = tmp_path / "rejects.jsonl"
    file.write_bytes(b'{"what":"a","reason":"r"}\n{"what":"b"}\n{"wh')
    with pytest.raises(DataError, match=r"rejects\.jsonl:3"):
        LinesByKey(file, Reject, "what")
    file.write_bytes(b'{"what":"a","reason":"r"}\n{"what":"b"}\n')
    with pytest.raises(DataError, match="expected a Reject"):
        LinesByKey(file, Reject, "what").lines("b")
