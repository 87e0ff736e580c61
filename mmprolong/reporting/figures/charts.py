"""The figures of a report. Drawn without global state, and the same bytes every time."""

import io
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmprolong.evaluation.lengths import is_length, size
from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.statistics.contrasts import by_length
from mmprolong.reporting.statistics.intervals import Estimate
from mmprolong.store.atomic import write_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#23272e"
"""Text and axes; a page that shows the SVG may replace it by its own colour."""
FAINT = "#8b929c"
COLOURS = ("#0a7fc2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#6a51a3", "#8c6d1f")
"""Okabe and Ito's, told apart by the colour-blind, and two more for large ablations."""
MARKERS = "os^DvPXp"
UNTRAINED = "base"
_UNITS = {"x": "multiples of the native window", "K": "tokens", "M": "tokens", "p": "pages"}
"""By the last letter of a length."""
STYLE: dict[str, Any] = {
    "svg.hashsalt": "mmprolong",
    "text.parse_math": False,
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": FAINT,
    "axes.facecolor": "none",
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


_PLAIN: dict[str, Any] = {"frameon": False, "labelcolor": INK}


def looks(labels: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return colour, line and marker of each arm: the same in every figure of a report."""
    trained = [label for label in labels if label != UNTRAINED]
    made = {
        label: {"color": COLOURS[index % len(COLOURS)], "marker": MARKERS[index % len(MARKERS)], "linestyle": "-"}
        for index, label in enumerate(trained)
    }
    return made | {UNTRAINED: {"color": FAINT, "marker": "o", "linestyle": (0, (4, 2))}}


def short(label: str) -> str:
    """Return a label as figures have room for it: of a long one both ends."""
    return label if len(label) <= 36 else f"{label[:20]}…{label[-15:]}"


def accuracy_by_length(runs: Runs) -> "Figure":
    """Draw accuracy against context length, one line an arm, with 95 % bands over documents and seeds.

    A panel for each unit of length (native contexts, tokens, pages). The lengths that training covers are shaded.
    """
    units = _by_unit(runs.lengths) or {"": []}
    figure, panels = new_figure(7.6 + 3.4 * (len(units) - 1), 4.4, len(units))
    style, lines = looks(runs.plan.labels), {}
    for axes, (unit, lengths) in zip(panels, units.items(), strict=True):
        for label, points in by_length(runs).items():
            known = {at: points[at] for at in lengths if at in points}
            if known:
                lines[label] = _draw_arm(axes, known, style[label], thick=label == runs.plan.baseline)
        _length_axis(axes, unit, lengths, runs.plan.trained)
        axes.set_ylim(0, 102)
    if lines:
        figure.legend(lines.values(), map(short, lines), loc="outside right upper", **_PLAIN)
    return figure


def save(figure: "Figure", stem: Path) -> list[Path]:
    """Write `<stem>.png` and `<stem>.svg` on white; equal figures give equal files."""
    png, svg = stem.with_name(stem.name + ".png"), stem.with_name(stem.name + ".svg")
    return [
        write_file(png, _bytes(figure, "png", {"Software": None}, dpi=160, facecolor="white")),
        write_file(svg, _bytes(figure, "svg", {"Date": None, "Creator": None}, facecolor="white")),
    ]


def inline_svg(figure: "Figure", name: str) -> str:
    """Return the figure as an `<svg>` element on a transparent ground whose text has the colour of the page around it.

    Args:
        name: keeps the ids of several figures on one page apart.
    """
    text = _bytes(figure, "svg", {"Date": None, "Creator": None}, salt=name, facecolor="none").decode()
    return text[text.index("<svg") :].replace(INK, "currentColor")


def new_figure(width: float, height: float, columns: int = 1, rows: int = 1) -> "tuple[Figure, list[Axes]]":
    """Make a figure [inch] with `rows` times `columns` axes, row by row, in the style of a report."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    settings: Any = STYLE
    with mpl.rc_context(settings):
        figure = Figure(figsize=(width, height), layout="constrained")
        return figure, [figure.add_subplot(rows, columns, index + 1) for index in range(columns * rows)]


def _bytes(figure: "Figure", kind: str, metadata: Mapping[str, Any], salt: str = "mmprolong", **how: Any) -> bytes:
    import matplotlib as mpl

    file = io.BytesIO()
    settings: Any = STYLE | {"svg.hashsalt": salt}
    _take_text_as_it_is(figure)
    with mpl.rc_context(settings), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # it is drawn as a box, which says it, too
        figure.savefig(file, format=kind, metadata=dict(metadata), **how)
    return file.getvalue()


def _take_text_as_it_is(figure: "Figure") -> None:
    """Let no `$` of a label begin a formula, not even in text that was drawn outside of `STYLE`."""
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        text.set_parse_math(False)


def _draw_arm(axes: "Axes", points: Mapping[str, Estimate], style: Mapping[str, Any], thick: bool) -> Any:
    x = [size(length) for length in points]
    low, middle, high = ([100 * getattr(point, name) for point in points.values()] for name in ("low", "value", "high"))
    axes.fill_between(x, low, high, color=style["color"], alpha=0.11, linewidth=0)
    return axes.plot(x, middle, **style, linewidth=2.4 if thick else 1.6, markersize=5.5 if thick else 4.5)[0]


def _by_unit(lengths: Sequence[str]) -> dict[str, list[str]]:
    """Return the lengths by their unit; labels that are no lengths are left out."""
    found: dict[str, list[str]] = {}
    for length in filter(is_length, lengths):
        found.setdefault(_UNITS[length[-1]], []).append(length)
    return found


def _length_axis(axes: "Axes", unit: str, lengths: Sequence[str], trained: str) -> None:
    """Label the axis; nothing before it is known which lengths are evaluated."""
    if not lengths:
        return
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
