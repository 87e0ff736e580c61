"""The figures of a report. Drawn without global state, and the same bytes every time."""

import io
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmprolong.evaluation.lengths import is_length, size
from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.statistics.contrasts import estimates_by_length
from mmprolong.reporting.statistics.intervals import Estimate
from mmprolong.store.atomic import write_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#23272e"
"""Text and axes."""
FAINT = "#8b929c"
COLOURS = ("#0a7fc2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#6a51a3", "#8c6d1f")
"""Okabe and Ito's, told apart by the colour-blind, and two more for large ablations."""
MARKERS = "os^DvPXp"
UNTRAINED = "base"
_UNITS = {"x": "multiples of the native window", "K": "tokens", "M": "tokens", "p": "pages"}
"""By the last letter of a length."""
_NO_DATES = {"png": {"Software": None}, "svg": {"Date": None, "Creator": None}}
"""Metadata by format, so that equal figures are equal files."""
STYLE: Any = {
    **dict.fromkeys(("text.color", "axes.labelcolor", "xtick.color", "ytick.color"), INK),
    **dict.fromkeys(("axes.spines.top", "axes.spines.right"), False),
    "axes.edgecolor": FAINT,
    "axes.facecolor": "none",
    "font.size": 10,
}


def short(label: str) -> str:
    """Return a label as figures have room for it: of a long one both ends."""
    return label if len(label) <= 36 else f"{label[:20]}…{label[-15:]}"


def accuracy_by_length(runs: Runs) -> "Figure":
    """Draw accuracy against context length, one line an arm, with 95 % bands over documents and seeds.

    A panel for each unit of length (native contexts, tokens, pages). The lengths that training covers are shaded.
    """
    units: dict[str, list[str]] = {}
    for length in filter(is_length, runs.lengths):
        units.setdefault(_UNITS[length[-1]], []).append(length)
    figure, panels = new_figure(7.6 + 3.4 * max(len(units) - 1, 0), 4.4, max(len(units), 1))
    trained = [label for label in runs.plan.labels if label != UNTRAINED]
    rows, lines = estimates_by_length(runs), {}
    for axes, (unit, lengths) in zip(panels, units.items(), strict=False):
        for label, points in rows.items():
            known = {at: points[at] for at in lengths if at in points}
            place = trained.index(label) if label in trained else None
            if known:
                lines[label] = _draw_arm(axes, known, place, thick=label == runs.plan.baseline)
        _draw_lengths(axes, unit, lengths, runs.plan.trained)
    for axes in panels:
        axes.set_ylim(0, 102)
    if lines:
        legend: dict[str, Any] = {"loc": "outside right upper", "frameon": False, "labelcolor": INK}
        figure.legend(lines.values(), map(short, lines), **legend)
    return figure


def save(figure: "Figure", stem: Path) -> list[Path]:
    """Write `<stem>.png` and `<stem>.svg`; equal figures give equal files."""
    return [write_file(stem.with_name(f"{stem.name}.{kind}"), _bytes(figure, kind)) for kind in _NO_DATES]


def inline_svg(figure: "Figure", name: str) -> str:
    """Return the figure as an `<svg>` element.

    Args:
        name: keeps the ids of several figures on one page apart.
    """
    text = _bytes(figure, "svg", name).decode()
    return text[text.index("<svg") :]


def new_figure(width: float, height: float, columns: int = 1, rows: int = 1) -> "tuple[Figure, list[Axes]]":
    """Make a figure [inch] with `rows` times `columns` axes, row by row, in the style of a report."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        return figure, [figure.add_subplot(rows, columns, index + 1) for index in range(columns * rows)]


def _bytes(figure: "Figure", kind: str, salt: str = "mmprolong") -> bytes:
    import matplotlib as mpl
    from matplotlib.text import Text

    file = io.BytesIO()
    for text in figure.findobj(Text):
        text.set_parse_math(False)  # a `$` of a label begins no formula
    with mpl.rc_context(STYLE | {"svg.hashsalt": salt, "text.parse_math": False}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # it is drawn as a box
        figure.savefig(file, format=kind, metadata=_NO_DATES[kind], dpi=160, facecolor="white")
    return file.getvalue()


def _draw_arm(axes: "Axes", points: Mapping[str, Estimate], place: int | None, thick: bool) -> Any:
    """Draw the line of an arm and its band; `place` is its number among the trained arms, which gives its colour."""
    style: dict[str, Any] = {"color": FAINT, "marker": "o", "linestyle": (0, (4, 2))}
    if place is not None:
        style = {"color": COLOURS[place % len(COLOURS)], "marker": MARKERS[place % len(MARKERS)]}
    x = [size(length) for length in points]
    low, middle, high = ([100 * getattr(point, name) for point in points.values()] for name in ("low", "value", "high"))
    axes.fill_between(x, low, high, color=style["color"], alpha=0.11, linewidth=0)
    return axes.plot(x, middle, **style, linewidth=2.4 if thick else 1.6, markersize=5.5 if thick else 4.5)[0]


def _draw_lengths(axes: "Axes", unit: str, lengths: Sequence[str], trained: str) -> None:
    """Draw the axis of lengths, and shade those that training covers."""
    x = [size(length) for length in lengths]
    axes.set_xscale("log", base=2)
    axes.set_xticks(x, lengths)
    axes.minorticks_off()
    axes.set(xlabel=f"context length [{unit}]", ylabel="accuracy [%]", xlim=(min(x) / 1.12, max(x) * 1.12))
    axes.grid(axis="y", color=FAINT, alpha=0.25, linewidth=0.6)
    if trained and _UNITS[trained[-1]] == unit:
        axes.axvspan(axes.get_xlim()[0], size(trained), color=FAINT, alpha=0.09, linewidth=0)
        axes.axvline(size(trained), color=FAINT, linewidth=0.9, linestyle=":")
        place = {"xytext": (-4, 4), "textcoords": "offset points", "ha": "right", "va": "bottom", "fontsize": 8.5}
        axes.annotate(f"trained up to {trained}", (size(trained), 0), color=INK, **place)
