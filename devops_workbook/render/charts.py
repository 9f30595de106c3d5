"""Charts of the assessment, as SVG that is the same on every machine.

A `Chart` is data and words; `draw` turns it into a picture. Bars lie on their side, so that long names can be read;
lines may have marks (what was chosen) and a limit (what was asked). Names stand in a legend below the picture, where
they cannot meet what is drawn. matplotlib draws
them through its object interface: no state is shared between threads, ids come from a fixed salt, and text stays text.
Colours are those of the diagrams, told apart by lightness and by their labels too.
"""

from __future__ import annotations

import io
import threading
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from devops_workbook.render.diagram.text import FONT

__all__ = ["Bars", "Chart", "Lines", "Picture", "Series", "draw"]

_INK, _MUTED, _GRID, _LIMIT = "#1f2933", "#52606d", "#e4e7eb", "#b42318"
_COLOURS = ("#1f5fa8", "#d98324", "#5b8c5a", "#8e5ea2", "#3a9fbf", "#b0b7c0", "#c2527a", "#7a6a3a")
_WIDTH_INCHES = 6.6
_DRAWING = threading.Lock()  # matplotlib keeps its font cache in one place


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart, drawn: a self-contained <svg> element, and a text that can replace it."""

    svg: str
    alt: str


@dataclass(frozen=True, slots=True)
class Series:
    """Named values: one a category of `Bars`, or (x, y) points of `Lines`. style: of a line."""

    name: str
    values: tuple[float, ...]
    style: Literal["-", "--", ":"] = "-"


@dataclass(frozen=True, slots=True)
class Bars:
    """Lying bars, one a category, of one series or several stacked; limit: a line across, None = none; ends: what is
    written at the end of each bar, () = its length."""

    title: str
    categories: tuple[str, ...]
    series: tuple[Series, ...]
    unit: str
    limit: tuple[str, float] | None = None
    ends: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines over common x values; marks: (name, x) of what stands out; limit: a name and a value of y; log: whether
    y grows by factors."""

    title: str
    x: tuple[float, ...]
    x_label: str
    series: tuple[Series, ...]
    y_label: str
    marks: tuple[tuple[str, float], ...] = ()
    limit: tuple[str, float] | None = None
    log: bool = False


Chart = Bars | Lines


@lru_cache(maxsize=64)
def draw(chart: Chart) -> Picture:
    """The chart as a picture. Equal charts give equal bytes."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    named = _named(chart)
    tall = 0.9 + 0.34 * len(chart.categories) if isinstance(chart, Bars) else 2.7
    abreast = 3 if max(len(series.name) for series in chart.series) <= _SHORT else 2
    tall += 0.2 * -(-named // abreast)
    with _DRAWING, rc_context(_STYLE), warnings.catch_warnings():
        # A character that our font lacks stays text in the picture; whoever shows it may have it.
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        figure = Figure(figsize=(_WIDTH_INCHES, tall), layout="constrained")
        axes = figure.add_subplot()
        if isinstance(chart, Bars):
            _bars(axes, chart)
        else:
            _lines(axes, chart)
        _plain(axes, chart)
        if named:
            figure.legend(loc="outside lower left", ncols=min(named, abreast))
        out = io.StringIO()
        # Not `savefig`, which lays everything out a second time for what only other formats need.
        canvas = FigureCanvasSVG(figure)
        canvas.print_svg(out, metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    svg = out.getvalue().replace("'DejaVu Sans', sans-serif", FONT)
    return Picture(svg[svg.index("<svg") :].rstrip(), _words(chart))


_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "devops-workbook",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib, so that widths are the same everywhere
    "font.size": 9,
    "text.color": _INK,
    "axes.labelcolor": _MUTED,
    "axes.edgecolor": _MUTED,
    "xtick.color": _MUTED,
    "ytick.color": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "legend.frameon": False,
    "legend.fontsize": 8,
}


_SHORT = 28  # characters of a name, of which three stand in a line of the legend


def _named(chart: Chart) -> int:
    """How many names the legend holds; a single series is named by the title."""
    others = bool(chart.limit) + (len(chart.marks) if isinstance(chart, Lines) else 0)
    return len(chart.series) + others if len(chart.series) > 1 or others else 0


def _plain(axes: Any, chart: Chart) -> None:
    axes.set_axisbelow(True)
    axes.grid(axis="x" if isinstance(chart, Bars) else "y", color=_GRID)
    axes.set_title(_text(chart.title))


def _text(words: str) -> str:
    # Between two dollar signs matplotlib reads mathematics.
    return words.replace("$", r"\$")


def _bars(axes: Any, chart: Bars) -> None:
    places = range(len(chart.categories))
    left = [0.0] * len(chart.categories)
    for series, colour in zip(chart.series, _COLOURS * 3, strict=False):
        axes.barh(places, series.values, left=left, color=colour, label=_text(series.name), height=0.66)
        left = [a + b for a, b in zip(left, series.values, strict=True)]
    axes.set_yticks(places, [_text(name) for name in chart.categories])
    axes.invert_yaxis()
    axes.set_xlabel(_text(chart.unit))
    axes.xaxis.set_major_formatter(_thousands)
    axes.locator_params(axis="x", nbins=6)
    ends = chart.ends or tuple(f"{total:,.3g}" if total < 1000 else f"{total:,.0f}" for total in left)
    for place, total, end in zip(places, left, ends, strict=True):
        axes.annotate(
            _text(end), (total, place), (4, 0),
            textcoords="offset points", va="center", fontsize=8, color=_MUTED,
        )  # fmt: skip
    axes.margins(x=0.12)
    if chart.limit:
        axes.axvline(chart.limit[1], color=_LIMIT, linestyle="--", label=_text(chart.limit[0]))


_MARKS: tuple[Any, ...] = (":", "-.", (0, (1, 4)))


def _lines(axes: Any, chart: Lines) -> None:
    for series, colour in zip(chart.series, _COLOURS * 3, strict=False):
        axes.plot(chart.x, series.values, series.style, color=colour, label=_text(series.name), linewidth=1.8)
    if chart.log:
        axes.set_yscale("log")
    axes.yaxis.set_major_formatter(_thousands)
    axes.xaxis.set_major_formatter(_thousands)
    axes.set_xlabel(_text(chart.x_label))
    axes.set_ylabel(_text(chart.y_label))
    for (name, x), style in zip(chart.marks, _MARKS * len(chart.marks), strict=False):
        axes.axvline(x, color=_MUTED, linestyle=style, linewidth=1.2, label=_text(f"{name}: {x:,.0f}"))
    if chart.limit:
        axes.axhline(chart.limit[1], color=_LIMIT, linestyle="--", label=_text(chart.limit[0]))
    if not chart.log:
        axes.set_ylim(bottom=0)


def _thousands(value: float, _: int) -> str:
    return f"{value:,.0f}" if abs(value) >= 10 or value == int(value) else f"{value:.3g}"


def _words(chart: Chart) -> str:
    """What the chart shows, for those who cannot see it."""
    names: Sequence[str] = chart.categories if isinstance(chart, Bars) else ()
    parts = [chart.title + "."]
    for series in chart.series:
        if names:
            told = "; ".join(f"{name} {value:,.4g}" for name, value in zip(names, series.values, strict=True))
            parts.append(f"{series.name}, {chart.unit}: {told}." if isinstance(chart, Bars) else told)
        elif isinstance(chart, Lines) and series.values:
            parts.append(
                f"{series.name}: {series.values[0]:,.4g} at {chart.x[0]:,.4g} to {series.values[-1]:,.4g} at "
                f"{chart.x[-1]:,.4g} ({chart.x_label}, {chart.y_label})."
            )
    if chart.limit:
        parts.append(f"{chart.limit[0]}: {chart.limit[1]:,.4g}.")
    return " ".join(parts)
