"""The page, made of its parts."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from markupsafe import Markup, escape

from mmprolong import __version__
from mmprolong.pipeline.plan import Plan
from mmprolong.store.store import Store
from mmprolong.sweep.commands import again, command
from mmprolong.sweep.dashboard.failure_groups import failure_groups
from mmprolong.sweep.dashboard.grid import grid
from mmprolong.sweep.dashboard.html import render
from mmprolong.sweep.dashboard.running import running
from mmprolong.sweep.dashboard.scores import scores
from mmprolong.sweep.display import cost_line, duration, per_second
from mmprolong.sweep.standing import Standing
from mmprolong.sweep.totals import STATES, totals
from mmprolong.sweep.usual import usual_seconds

SIGNS = dict(zip(STATES, "✓RQ·?B×", strict=True))
"""What stands in a step's cell, beside its colour."""
_CLASSES = dict(zip(STATES, "frqoubx", strict=True))
_EXPLAINED = ("queued", "unknown")
_REASONS = 4
_RUNNING = 50
"""Running steps that are shown one by one."""
_RELOAD = {"processes": 5, "slurm": 30}
"""Time after which the page looks for a newer one, by launcher [s]."""
_STALE = {"processes": 60, "slurm": 900}
"""Time after which a page of a running sweep says that nobody writes it [s]."""


def page(store: Store, plan: Plan, where: Mapping[str, Standing], source: str, now: datetime) -> str:
    """The whole sweep at `now` as HTML; it reloads itself as long as something runs or may run.

    Args:
        source: who says so.
        now: UTC.
    """
    total = totals(plan, where, usual_seconds(store, plan, where))
    launcher = plan.cluster.launcher
    return render(
        "mmprolong.sweep.dashboard",
        "page.html.j2",
        {
            "duration": duration,
            "per_second": per_second,
            "commands": _commands,
            "sign": SIGNS.__getitem__,
            "class": _CLASSES.__getitem__,
        },
        plan=plan,
        total=total,
        ends=f"{now + timedelta(seconds=total.seconds):%d %b %H:%M} UTC" if total.seconds else "",
        details=_details(where),
        resume=again(store, plan, "", "cancelled"),
        used=cost_line(total.used, total.used.money(plan.cluster)),
        left=cost_line(total.left, total.left.money(plan.cluster)),
        grid=grid(plan, where),
        running=running(store, plan, where, _RUNNING),
        failed=failure_groups(store, plan, where),
        scores=scores(plan, where),
        source=source,
        status_command=command(store, "status", plan.ablation, config_dir=plan.config_dir),
        report_command=command(store, "report", plan.ablation, config_dir=plan.config_dir),
        store=store.root,
        version=__version__,
        written=now,
        reload=0 if total.state in ("finished", "stopped") else _RELOAD[launcher],
        stale=_STALE[launcher],
    )


def _details(where: Mapping[str, Standing]) -> dict[str, list[tuple[str, int]]]:
    """Why steps wait, or are unknown, and how many: the commonest by state."""
    found: dict[str, Counter[str]] = {state: Counter() for state in _EXPLAINED}
    for each in where.values():
        if each.state in found and each.detail:
            found[each.state][each.detail] += 1
    return {state: each.most_common(_REASONS) for state, each in found.items() if each}


def utc_now() -> datetime:
    """To the second."""
    return datetime.now(UTC).replace(microsecond=0)


def _commands(text: str) -> Markup:
    """What stands in backquotes as code, all else escaped."""
    code = Markup("<code>{}</code>")
    parts = enumerate(text.split("`"))
    return Markup("").join(code.format(part) if place % 2 else escape(part) for place, part in parts)
