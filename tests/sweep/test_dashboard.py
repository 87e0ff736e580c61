"""The page of a sweep: what it says, what it must not do, and how it comes to the disk."""

import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from mmprolong.runtime.failures import Failure
from mmprolong.store.store import Store
from mmprolong.sweep.state import StepState
from mmprolong.sweep.view.dashboard import render_page, write_page
from tests.sweep.scenes import FAILED as FAILED_STEP
from tests.sweep.scenes import SLURM, all_finished, sweep, under_way

PLAN = sweep(("pool_native", "uniform"), 3, SLURM)
HOSTILE = "</pre></title><script>alert(1)</script><img src=http://x/y onerror=alert(2)>"


class Seen(HTMLParser):
    """Tags, attributes and text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def test_the_page_says_what_status_says(store: Store):
    where = under_way(PLAN, "training.longpt:failed", "training.longpt:running", "finished")
    text = Seen(render_page(store, PLAN, where)).text
    assert "15/27 a" in text
    assert "412/1280 updates, 0.031/s, 7.8 h left, loss 1.234" in text
    assert "cluster.jobs.training.minutes" in text
    assert "50.0" in text


@pytest.mark.parametrize(
    ("state", "reloads"),
    [
        *((f"training.longpt:{state}", True) for state in ("running", "queued", "unknown")),
        *((state, False) for state in ("finished", "training.longpt:failed", "score.held:open")),
    ],
)
def test_the_page_reloads_while_the_sweep_goes_on(store: Store, state: str, reloads: bool):
    assert ('http-equiv="refresh"' in render_page(store, PLAN, under_way(PLAN, state))) == reloads


def test_hostile_labels_and_lines_are_text_and_nothing_is_loaded(store: Store):
    plan = sweep((HOSTILE, "c"), 1, question=HOSTILE)
    failed = replace(FAILED_STEP, failure=Failure("code", HOSTILE))
    starts = StepState(state="running", job="[bold]")
    roles = {f"training.longpt-{HOSTILE}-0": failed, "training.longpt-c-0": starts}
    text = render_page(store, plan, all_finished(plan) | roles)
    seen = Seen(text)
    assert seen.tags["script"] == seen.tags["img"] == 0
    assert seen.tags["title"] == 1
    assert not [name for name, _ in seen.attributes if name.startswith("on")]
    assert {value for name, value in seen.attributes if name in ("src", "href")} == {"report.html"}
    assert not re.search(r"url\(|@import", text)
    assert "[bold]" in seen.text


def test_a_page_that_cannot_be_written_is_told_and_ends_nothing(store: Store):
    store.root.mkdir()
    (store.root / "reports").write_text("in the way")
    assert "dashboard.html: " in write_page(store, PLAN, all_finished(PLAN))
