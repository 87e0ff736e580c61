"""Our differences against the published ones."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mmprolong.reporting.figures.charts import COLOURS, FAINT, INK, new_figure, short
from mmprolong.reporting.tables.published import AGREES, DISAGREES, UNCLEAR, Agreement

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LOOKS = {AGREES: (COLOURS[2], "o"), DISAGREES: (COLOURS[1], "X"), UNCLEAR: (FAINT, "s")}


def published_against_ours(agreements: Sequence[Agreement]) -> "Figure":
    """Draw a point for each difference that is both published and measured, ours with its 95 % interval [points].

    Points in the shaded quarters have the published sign.
    """
    figure, (axes,) = new_figure(5.6, 4.6)
    axes.axhline(0, color=FAINT, linewidth=0.8)
    axes.axvline(0, color=FAINT, linewidth=0.8)
    for name in dict.fromkeys(one.verdict for one in agreements):
        chosen = [one for one in agreements if one.verdict == name]
        colour, marker = _LOOKS.get(name, (FAINT, "s"))
        spans = [[_reach(one.ours, one.low), _reach(one.high, one.ours)] for one in chosen]
        axes.errorbar(
            [one.published for one in chosen],
            [one.ours for one in chosen],
            yerr=list(zip(*spans, strict=True)),
            fmt=marker,
            color=colour,
            linewidth=1.2,
            label=f"{name} ({len(chosen)})",
        )
    for one in agreements:
        place = {"xytext": (6, 5), "textcoords": "offset points", "fontsize": 8, "color": INK}
        axes.annotate(f"{short(one.arm)}, {one.measure}", (one.published, one.ours), **place)
    _shade(axes)
    axes.set(xlabel="published difference [points]", ylabel="our difference [points]")
    axes.legend(frameon=False, labelcolor=INK, fontsize=9)
    return figure


def _reach(one: float | None, other: float | None) -> float:
    return 0.0 if one is None or other is None else max(one - other, 0.0)


def _shade(axes: "Axes") -> None:
    """Shade the two quarters in which the signs are equal."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    left, bottom, right, top = min(left, -1), min(bottom, -1), max(right, 1), max(top, 1)
    for x, y in (((0, right), (0, top)), ((left, 0), (bottom, 0))):
        axes.fill_between(x, *y, color=FAINT, alpha=0.1, linewidth=0)
    axes.set(xlim=(left, right), ylim=(bottom, top))
