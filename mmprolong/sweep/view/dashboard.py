"""The dashboard of a sweep: what `mmprolong status` prints, as one HTML file that reloads itself."""

from collections.abc import Mapping
from html import escape
from io import StringIO

from rich.console import Console

from mmprolong.pipeline.plan import Plan
from mmprolong.store.atomic import write_file
from mmprolong.store.store import Store
from mmprolong.sweep.state import StepState
from mmprolong.sweep.view.console import status_view

_WIDTH = 150
"""Of the table [characters]."""
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
{reload}
<title>{title}</title>
</head>
<body>
<pre>{table}</pre>
<p><a href="report.html">The report</a>, once there are scores.</p>
</body>
</html>
"""


def write_page(store: Store, plan: Plan, states: Mapping[str, StepState]) -> str:
    """Replace the dashboard; returns its path, or the error, because a sweep must not end with its dashboard."""
    path = store.root / "reports" / plan.ablation / "dashboard.html"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, render_page(store, plan, states))
    except Exception as error:  # noqa: BLE001
        return f"{path}: {type(error).__name__}: {error}"
    return str(path)


def render_page(store: Store, plan: Plan, states: Mapping[str, StepState]) -> str:
    """Return the status of the whole sweep as HTML."""
    console = Console(width=_WIDTH, record=True, file=StringIO(), markup=False, emoji=False, highlight=False)
    console.print(status_view(store, plan, states))
    finished = sum(at.state == "finished" for at in states.values())
    live = any(at.state in ("running", "queued", "unknown") for at in states.values())
    return _PAGE.format(
        reload='<meta http-equiv="refresh" content="10">' if live else "",
        title=escape(f"{finished}/{len(states)} {plan.ablation}"),
        table=console.export_html(code_format="{code}", inline_styles=True),
    )
