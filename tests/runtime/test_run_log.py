from pathlib import Path

from mmprolong.runtime.run_log import RunLog
from mmprolong.store.store import LOG


def test_lines_after_the_checkpoint_are_forgotten_and_a_torn_one_with_them(tmp_path: Path):
    log = RunLog(tmp_path)
    for update in (1, 2, 3):
        log.metrics({"update": update}, update)
    with (tmp_path / LOG).open("a") as file:
        file.write('{"upd')
    log.rewind(2)
    assert (tmp_path / LOG).read_text() == '{"update":1}\n{"update":2}\n'
    log.rewind(0)
    assert (tmp_path / LOG).read_text() == ""
