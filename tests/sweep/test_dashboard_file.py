"""How the page of a sweep comes to the disk: whole, by one writer at a time, and never the end of a step."""

import subprocess
import sys
from pathlib import Path

import pytest

from mmprolong.store.store import Store
from mmprolong.sweep.dashboard.job import ShownByJob
from mmprolong.sweep.dashboard.local import ShownByLauncher
from mmprolong.sweep.dashboard.write import Dashboard, dashboard_path
from tests.sweep.scenes import all_finished, under_way
from tests.sweep.test_dashboard import PLAN, Seen


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


WRITERS = """
import sys
from pathlib import Path
from mmprolong.store.store import Store
from mmprolong.sweep.dashboard.write import Dashboard, dashboard_path
from tests.sweep.scenes import all_finished, sweep
plan = sweep([f"label {place}" for place in range(int(sys.argv[2]))], 1)
dashboard = Dashboard(Store(Path(sys.argv[1])), plan)
print("ready", flush=True)
sys.stdin.readline()
for _ in range(30):
    dashboard.publish(lambda: all_finished(plan), "a test", patience=5)
    assert not dashboard.trouble, dashboard.trouble
"""


def test_whoever_reads_while_several_write_reads_a_whole_page(store: Store):
    words = [sys.executable, "-c", WRITERS, str(store.root)]
    writers = [
        subprocess.Popen([*words, labels], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for labels in ("2", "200", "20")
    ]
    for each in writers:
        assert each.stdout is not None
        assert each.stdout.readline() == "ready\n"
    for each in writers:
        assert each.stdin is not None
        each.stdin.write("\n")
        each.stdin.flush()
    path = Dashboard(store, PLAN).path
    seen = set()
    while any(each.poll() is None for each in writers):
        if path.exists():
            text = path.read_text(encoding="utf-8")
            assert text.startswith("<!doctype html>")
            assert text.endswith("</html>")
            seen.add(len(text))
    assert [each.communicate()[0] or each.returncode for each in writers] == [0, 0, 0]
    assert len(seen) > 1
    assert [file.name for file in path.parent.glob(".*.partial")] == []


def test_one_writes_one_waits_and_the_rest_leave_it_to_the_one_that_waits(store: Store):
    first, second, third = (Dashboard(store, PLAN) for _ in range(3))
    with first.turn(0) as writes, second.turn(0) as leaves:
        assert (writes, leaves) == (True, False)
    with third.turn(0) as writes:
        assert writes


def test_a_page_that_cannot_be_written_is_reported_and_the_step_goes_on(store: Store):
    store.root.mkdir()
    (store.root / "reports").write_text("in the way")
    said: list[str] = []
    with ShownByJob(store, PLAN, lambda: True, said.append) as shown_:
        assert shown_.stopping()
    assert len(said) == 2
    assert "dashboard.html: " in said[0]


def test_a_damaged_step_of_another_job_stands_on_the_page(store: Store):
    folder = store.folder("corpus", "corpus")
    folder.mkdir(parents=True)
    (folder / "done.json").write_text("{")
    said: list[str] = []
    with ShownByJob(store, PLAN, lambda: False, said.append):
        pass
    assert said == []
    text = dashboard_path(store, PLAN.ablation).read_text(encoding="utf-8")
    assert "delete the folder to run the step again" in text


def test_a_launcher_writes_at_changes_and_when_it_ends(store: Store):
    shown_ = ShownByLauncher(store, PLAN)
    path = shown_.dashboard.path
    shown_.tick(under_way(PLAN, "longpt.training:running"))
    first = path.read_text(encoding="utf-8")
    assert "0 / 6" in Seen(first).text
    shown_.tick(under_way(PLAN, "longpt.training:running"))
    assert path.read_text(encoding="utf-8") == first
    shown_.write(all_finished(PLAN))
    assert "6 / 6" in Seen(path.read_text(encoding="utf-8")).text
