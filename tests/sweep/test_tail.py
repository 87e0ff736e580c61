from pathlib import Path

import pytest

from mmprolong.sweep.standing import tail

LINES = [f"line {number:05d} {'é' * 60}" for number in range(1000)]


@pytest.mark.parametrize("lines", [0, 1, 60, 500, 1000, 2000])
def test_a_tail_has_as_many_whole_lines_as_were_asked_for(tmp_path: Path, lines: int):
    path = tmp_path / "log"
    path.write_text("\n\n".join(LINES))
    assert tail(path, lines) == LINES[max(0, 1000 - lines) :]


def test_a_file_that_is_empty_or_not_there_has_no_lines(tmp_path: Path):
    (tmp_path / "log").touch()
    assert tail(tmp_path / "log", 3) == tail(tmp_path / "no log", 3) == []
