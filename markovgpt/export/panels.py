"""Figures of several panels that share their curves' names: one colour, one marker and one entry of the legend each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import isotonic_regression

from markovgpt.errors import InvalidInput
from markovgpt.export.figure_text import legend_above, logarithmic_axis
from markovgpt.export.figures import (
    COLUMN_INCHES,
    DASHES,
    LINE_INCHES,
    LINE_LENGTH,
    MARKERS,
    MOST_CURVES,
    PALETTE,
    STYLE,
    ZeroStrip,
    saved,
)
from markovgpt.scaled import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_MARKED = 20  # points of a curve; of more, so many have a marker
PANEL_INCHES = 1.9
POINTS_PER_INCH = 72
NOTE_LINE = 1.3 * STYLE["font.size"]  # points between two lines of notes


@dataclass(frozen=True, eq=False)
class Curve:
    """A curve of a panel.

    Parameters
    ----------
    x, y: numbers; NaN where there is none.
    lower, upper: bounds of y, drawn as a band.
    like: the name of the curve whose colour and marker it has, and which stands for it in the legend; its own if empty.
    dashes: one of `DASHES`; None takes what tells the names apart.
    marks: whether its points are marked "full" or "hollow", or with "none".
    note: what is written beside its last point, in its colour; the legend then leaves it out.
    """

    x: ArrayLike
    y: ArrayLike
    lower: ArrayLike | None = None
    upper: ArrayLike | None = None
    like: str = ""
    dashes: str | None = None
    marks: Literal["full", "hollow", "none"] = "full"
    note: str = ""


@dataclass(frozen=True, eq=False)
class Panel:
    """One pair of axes.

    Parameters
    ----------
    curves: name -> curve, drawn in their order.
    logarithmic: "x", "y" or both.
    log10: whether y are decimal logarithms of probabilities; -inf then stands in a hatched strip below the rest.
    levels: heights of thin horizontal lines.
    limits: of the axes, by the names "left", "right", "bottom" and "top"; what is not named follows the curves.
    ticks: the numbers below the x axis, where these are not chosen by themselves.
    notes: (x, y, text), x and y as shares of the axes.
    """

    curves: Mapping[str, Curve]
    title: str = ""
    x_label: str = ""
    y_label: str = ""
    logarithmic: Sequence[str] = ()
    log10: bool = False
    levels: Sequence[float] = ()
    limits: Mapping[str, float] | None = None
    ticks: Sequence[float] | None = None
    notes: Sequence[tuple[float, float, str]] = ()


def panel_figure(
    panels: Sequence[Panel],
    path: str | Path,
    *,
    columns: int = 1,
    inches: float = COLUMN_INCHES,
    panel_inches: float = PANEL_INCHES,
    share_x: bool = True,
    legend_title: str = "",
    x_label: str = "",
    y_label: str = "",
) -> Path:
    """Draw panels in rows of some columns; a legend names the curves of those that have several.

    Parameters
    ----------
    path: its ending says the format: .svg, .pdf or .png.
    columns: panels side by side.
    inches, panel_inches: the width of the figure, and the height of each panel.
    share_x: whether panels one above the other have one x axis.
    x_label, y_label: of the whole figure.

    Raises
    ------
    InvalidInput: no panels, or more than 24 names of curves.
    """
    import matplotlib as mpl  # late: it takes half a second to import
    import matplotlib.pyplot as plt
    from matplotlib.lines import Line2D

    if not panels:
        raise InvalidInput("a figure must have at least one panel, got none; give one for each quantity")
    told_apart = _shared(panels)
    looks = _looks(panels, told_apart)
    noted = {name for panel in panels for name, curve in panel.curves.items() if curve.note}
    shown = [name for name in told_apart if name not in noted]
    abreast = _abreast(shown, inches)
    lines = -(-len(panels) // columns)
    height = panel_inches * lines + (LINE_INCHES * -(-len(shown) // abreast) + 0.1 if shown else 0.0)
    with mpl.rc_context(STYLE):
        figure, grid = plt.subplots(
            lines,
            columns,
            figsize=(inches, height),
            layout="constrained",
            squeeze=False,
            sharex="col" if share_x else False,
        )
        for axes, panel in zip(grid.flat, panels, strict=False):
            _draw_panel(axes, panel, looks)
        for place in range(len(panels), lines * columns):
            grid.flat[place].axis("off")
            if lines > 1:  # the panel above has no other below it that shows the numbers of their axis
                grid.flat[place - columns].tick_params(labelbottom=True)
        for label, write in ((x_label, figure.supxlabel), (y_label, figure.supylabel)):
            if label:
                write(label, fontsize=8)
        if shown:
            legend_above(figure, [Line2D([], [], **looks[name]) for name in shown], shown, abreast, legend_title)
        return saved(figure, path)


def _looks(panels: Sequence[Panel], shown: Sequence[str]) -> dict[str, dict[str, Any]]:
    """How the curves of each name look; those that need no legend, being alone, all look alike."""
    names = dict.fromkeys(name for panel in panels for name, curve in panel.curves.items() if not curve.like)
    places = {name: shown.index(name) if name in shown else len(shown) for name in names}
    if (most := max(places.values(), default=0) + 1) > MOST_CURVES:
        raise InvalidInput(
            f"a figure must have at most {MOST_CURVES} curves, got {most}; ask for fewer, or draw from the table"
        )
    return {
        name: {
            "color": PALETTE[index % len(PALETTE)],
            "marker": MARKERS[index % len(MARKERS)],
            "linestyle": DASHES[index // len(PALETTE)],
        }
        for name, index in places.items()
    }


def _shared(panels: Sequence[Panel]) -> list[str]:
    """The names of curves that a panel shares with others."""
    own = [[name for name, curve in panel.curves.items() if not curve.like] for panel in panels]
    return list(dict.fromkeys(name for names in own if len(names) > 1 for name in names))


def _abreast(names: Sequence[str], inches: float) -> int:
    """How many names of a legend stand side by side."""
    room = LINE_LENGTH * inches / COLUMN_INCHES
    return max(1, min(len(names), int(room // (max(map(len, names), default=1) + 6))))


def _draw_panel(axes: "Axes", panel: Panel, looks: Mapping[str, Mapping[str, Any]]) -> None:
    """The curves of one panel, its axes and what is written in it."""
    strip = None
    if panel.log10:
        heights = [np.asarray(curve.y, dtype=np.float64) for curve in panel.curves.values()]
        strip = ZeroStrip.below(np.concatenate([height[~np.isnan(height)] for height in heights]))
    for axis in panel.logarithmic:
        logarithmic_axis(axes, axis)
    for level in panel.levels:
        axes.axhline(level, color="0.6", linewidth=0.6, zorder=0)
    for name, curve in panel.curves.items():
        _draw_curve(axes, curve, dict(looks[curve.like or name]), strip, cut="y" in panel.logarithmic)
    axes.set(xlabel=panel.x_label, ylabel=panel.y_label)
    axes.set_title(panel.title, fontsize=8, loc="left")
    given = panel.limits or {}
    axes.set_xlim(left=given.get("left"), right=given.get("right"))
    axes.set_ylim(bottom=given.get("bottom"), top=given.get("top"))
    if panel.ticks is not None:
        axes.set_xticks(list(panel.ticks))
    if strip is not None:
        strip.draw(axes)
    _draw_notes(
        axes, [(curve, looks[curve.like or name]["color"]) for name, curve in panel.curves.items() if curve.note]
    )
    for x, y, text in panel.notes:
        axes.text(x, y, text, transform=axes.transAxes, ha="center", fontsize=7)


def _draw_curve(axes: "Axes", curve: Curve, look: dict[str, Any], strip: ZeroStrip | None, cut: bool) -> None:
    """One curve, its band and its zeros; cut at the edge of the panel, or with whole markers on it."""
    x, y = (np.asarray(part, dtype=np.float64) for part in (curve.x, curve.y))
    if curve.dashes is not None:
        look["linestyle"] = curve.dashes
    if curve.marks == "none":
        look["marker"] = None
    if curve.marks == "hollow":
        look |= {"fillstyle": "none", "markersize": 7, "linestyle": ""}
    every = max(1, -(-len(x) // MOST_MARKED))
    seen = np.isfinite(y)
    axes.plot(x, np.where(seen, y, np.nan), markevery=every, clip_on=cut, **look)
    if curve.lower is not None and curve.upper is not None:
        low, high = (np.asarray(part, dtype=np.float64) for part in (curve.lower, curve.upper))
        _draw_band(axes, x, np.where(seen, low, np.nan), np.where(seen, high, np.nan), look["color"], strip)
    if strip is not None:
        zeros = np.isneginf(y)
        axes.plot(
            x[zeros], np.full(zeros.sum(), strip.middle), clip_on=False,
            markevery=max(1, -(-int(zeros.sum()) // MOST_MARKED)),
            **{**look, "linestyle": "", "marker": look["marker"] or "."},
        )  # fmt: skip


def _draw_notes(axes: "Axes", noted: Sequence[tuple[Curve, str]]) -> None:
    """What is written beside the last points of curves, moved up or down where it would lie on another."""
    if not noted:
        return
    ends = np.array([(np.asarray(curve.x)[-1], np.asarray(curve.y)[-1]) for curve, _ in noted], dtype=np.float64)
    points = axes.transData.transform(ends)[:, 1] * POINTS_PER_INCH / axes.figure.dpi
    lines = max(curve.note.count("\n") + 1 for curve, _ in noted)
    moves = apart(points, lines * NOTE_LINE) - points
    for (curve, color), (x, y), move in zip(noted, ends, moves, strict=True):
        axes.annotate(curve.note, (x, y), (4, move), textcoords="offset points", va="center", color=color)


def apart(heights: FloatArray, gap: float) -> FloatArray:
    """The heights in the same order that lie at least a gap apart and differ least from those given, by squares.

    Method
    ------
    With i for the place in order, heights that are gap * i above a sequence that does not fall.

    >>> apart(np.array([3.0, 0.0, 3.0]), 2.0).tolist()
    [2.0, 0.0, 4.0]
    """
    order = np.argsort(heights, kind="stable")
    steps = gap * np.arange(len(heights))
    placed = np.empty(len(heights))
    placed[order] = isotonic_regression(heights[order] - steps).x + steps
    return placed


def _draw_band(
    axes: "Axes", x: FloatArray, low: FloatArray, high: FloatArray, colour: str, strip: ZeroStrip | None
) -> None:
    """The bounds of a curve; a lower bound of 0 reaches the strip of zeros."""
    floor = np.maximum(low, strip.middle) if strip is not None else low
    axes.fill_between(x, floor, high, color=colour, alpha=0.25, linewidth=0)
