"""The page of a sweep: what it says of every state, what it must not do, and how it comes to the disk."""

import json
import re
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest

from mmprolong.pipeline.plan import Plan
from mmprolong.runtime.failures import Failure
from mmprolong.store.store import FAILED, Store
from mmprolong.sweep.state import StepState
from mmprolong.sweep.view.dashboard import SIGNS, render_page, write_page
from tests.sweep.scenes import FAILED as FAILED_STEP
from tests.sweep.scenes import RUNNING, SLURM, all_finished, sweep, under_way

NOW = datetime(2026, 11, 22, 14, 20, 5, tzinfo=UTC)
PLAN = sweep(("pool_native", "uniform"), 3, SLURM)
STATES = (
    "finished",
    "training.longpt:running",
    "training.longpt:failed",
    "reply.held:queued",
    "reply.held:unknown",
    "score.held:open",
)
HOSTILE = "</pre></title><script>alert(1)</script><img src=http://x/y onerror=alert(2)>"


class Seen(HTMLParser):
    """Tags, attributes and text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str]] = []
        self.words: list[str] = []
        self._in = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self._in = tag
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        if self._in not in ("style", "script"):
            self.words.append(data.strip())

    def handle_endtag(self, tag: str) -> None:
        self._in = ""

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def shown(store: Store, where: dict[str, StepState], plan: Plan = PLAN, now: datetime = NOW) -> str:
    return render_page(store, plan, where, now)


# What it says


def test_every_state_has_its_sign_its_colour_and_its_count(store: Store):
    where = under_way(PLAN, *STATES)
    counts = Counter(each.state for each in where.values())
    assert counts.keys() == SIGNS.keys()
    text = shown(store, where)
    for state, sign in SIGNS.items():
        assert f"{counts[state]} {state if state != 'open' else 'to do'}" in Seen(text).text
        assert len(re.findall(rf'<i class="\w"[^>]*>{re.escape(sign)}</i>', text)) == counts[state] + 1  # and the key
    assert len(set(SIGNS.values())) == len(set(re.findall(r'<span><i class="(\w)">', text))) == len(SIGNS)


def test_the_whole_is_counted_and_its_end_foreseen(store: Store):
    text = Seen(shown(store, under_way(PLAN, "finished", "training.longpt:running"))).text
    assert "18 / 27 steps, 67 % finished; 2 labels;" in text
    assert "about 9.8 h left" in text  # 868 updates at 0.031/s, then reply and score as long as the finished ones
    assert "until 23 Nov 00:06 UTC, 3 at once; used 24.0 GPU-hours" in text


def test_a_running_step_shows_progress_rate_time_left_loss_and_speed(store: Store):
    text = Seen(shown(store, under_way(PLAN, "training.longpt:running"))).text
    for part in (
        "uniform/s0/training.longpt",
        "412/1280 updates, 0.031/s, 7.8 h left, loss 1.234, 18,250 tokens/s",
        "4711_3",
    ):
        assert part in text


def test_failures_are_grouped_with_the_reason_the_last_words_and_the_command_that_mends(store: Store):
    where = under_way(PLAN, "training.longpt:failed", "reply.held:failed", "finished")
    folder = store.folder("reply", "reply.held-pool_native-1")
    folder.mkdir(parents=True)
    note = {"kind": "time", "error": "Slurm: timeout on node17", "traceback": "Traceback\nKeyError: 'a page'\n"}
    (folder / FAILED).write_text(json.dumps(note))
    text = Seen(shown(store, where)).text
    assert "training: time · 2 steps" in text
    assert "reply: time · 2 steps" in text
    assert text.count("Slurm: timeout on node17 (2 times)") == 2
    assert "KeyError: 'a page'" in text
    assert f"mmprolong retry a cluster.jobs.training.minutes=2880 --store {store.root}" in text
    assert "cluster.jobs.reply.minutes=120" in text


def test_on_this_machine_the_same_sweep_mends(store: Store):
    plan = sweep(("b", "c"), 1, overrides=("+ablation=a", "sweep.seeds=[0]"))
    assert (
        "python -m mmprolong.sweep +ablation=a 'sweep.seeds=[0]'"
        in Seen(shown(store, under_way(plan, "reply.held:failed"), plan)).text
    )


def test_what_waits_and_what_is_unknown_says_why(store: Store):
    text = Seen(shown(store, under_way(PLAN, "training.longpt:queued", "reply.held:unknown"))).text
    assert "queued: Priority (3)" in text
    assert "unknown: Slurm does not know job 4711_6 (3)" in text


def test_a_partial_score_is_marked_and_a_missing_one_is_no_number(store: Store):
    plan = sweep(("b", "c", "d"), 3)
    where = all_finished(plan) | {"score.held-b-0": RUNNING} | {f"score.held-d-{seed}": RUNNING for seed in range(3)}
    text = shown(store, where, plan)
    assert "partial: 5 of 9 runs" in Seen(text).text
    rows = dict(re.findall(r'<td class="text label">(\w).*?(<td>\(\d/\d\).*?)</tr>', text, re.DOTALL))
    assert rows.keys() == {"b", "c", "d"}
    assert "(2/3)" in rows["b"]
    assert ">50.0<" in rows["b"]
    assert "(3/3)" in rows["c"]
    assert not re.search(r"\d\.\d", rows["d"])
    assert rows["d"].count(">-<") == 6
    assert "partial: " not in Seen(shown(store, all_finished(plan), plan)).text


def test_seeds_that_change_nothing_are_one_run(store: Store):
    plan = sweep(("base", "c"), 3)
    points = [replace(p, steps=plan.points[0].steps) if p.label == "base" else p for p in plan.points]
    assert "(1/1)" in Seen(shown(store, all_finished(plan), replace(plan, points=tuple(points)))).text


@pytest.mark.parametrize(
    ("states", "word"),
    [(("finished",), "finished"), (("training.longpt:failed",), "stopped"), (("score.held:open",), "stopped")],
)
def test_a_sweep_that_is_over_does_not_reload(store: Store, states: tuple[str, ...], word: str):
    text = shown(store, under_way(PLAN, *states))
    assert 'http-equiv="refresh"' not in text
    assert Seen(text).text.count(f"sweep a {word}") == 1
    assert ("goes on with what is not finished" in text) == (word == "stopped")


@pytest.mark.parametrize("state", ["training.longpt:running", "training.longpt:queued", "training.longpt:unknown"])
def test_a_sweep_that_goes_on_reloads(store: Store, state: str):
    assert '<meta http-equiv="refresh" content="10">' in shown(store, under_way(PLAN, "finished", state))


# What it is


def test_the_page_loads_nothing(store: Store):
    text = shown(store, under_way(PLAN, *STATES))
    assert {value for name, value in Seen(text).attributes if name in ("src", "href", "data", "action")} == {
        "report.html"
    }
    assert not re.search(r"https?://|url\(|@import", text)
    assert "default-src 'none'" in text


def test_hostile_labels_and_lines_are_text(store: Store):
    plan = sweep((HOSTILE, "c"), 1, question=HOSTILE, source=HOSTILE, code=HOSTILE)
    failed = replace(FAILED_STEP, failure=Failure("code", HOSTILE))
    waits = StepState(state="queued", job=HOSTILE, detail=HOSTILE)
    starts = StepState(state="running", job=HOSTILE, log=store.root / "log")
    store.root.mkdir()
    (store.root / "log").write_text(HOSTILE)
    roles = {"training.longpt": failed, "reply.held": waits, "mixture.longpt": starts}
    where = all_finished(plan) | {f"{role}-{HOSTILE}-0": at for role, at in roles.items()}
    seen = Seen(render_page(store, plan, where, NOW))
    assert seen.tags["script"] == seen.tags["title"] == 1
    assert seen.tags["img"] == 0
    assert not [name for name, _ in seen.attributes if name.startswith("on")]
    assert seen.text.count("<script>alert(1)</script>") >= 6


def test_equal_sweeps_are_equal_pages_but_for_the_time(store: Store):
    where = under_way(PLAN, *STATES)
    first = shown(store, where)
    assert shown(store, dict(where)) == first
    later = shown(store, where, now=NOW + timedelta(seconds=70)).splitlines()
    different = [line for line, other in zip(first.splitlines(), later, strict=True) if line != other]
    assert len(different) == 3
    assert all("14:20:05" in line or "until" in line for line in different)


@pytest.mark.parametrize(
    ("labels", "seeds", "kilobytes"), [(20, 3, 300), (1000, 1, 2000), (334, 3, 2000), (5, 200, 2000)]
)
def test_the_page_stays_small(store: Store, labels: int, seeds: int, kilobytes: int):
    plan = sweep([f"mix {place % 5} / base {place // 5}" for place in range(labels)], seeds, SLURM)
    text = shown(store, under_way(plan, *STATES), plan)
    assert len(text.encode()) < 1000 * kilobytes


def test_the_page_needs_nothing_heavy():
    heavy = {"torch", "pandas", "scipy", "transformers", "matplotlib", "wandb"}
    code = f"import sys, jinja2, mmprolong.sweep.view.dashboard; print({heavy!r} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


# How it comes to the disk


def test_a_page_that_cannot_be_written_is_told_and_ends_nothing(store: Store):
    store.root.mkdir()
    (store.root / "reports").write_text("in the way")
    assert "dashboard.html: " in write_page(store, PLAN, all_finished(PLAN))
