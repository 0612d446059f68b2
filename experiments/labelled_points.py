"""Figures of points with their names beside them, placed so that no name lies on another or on a point."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np

from markovgpt.export.figures import COLUMN_INCHES, MARKERS, PALETTE, STYLE

FONT, LETTER, AWAY = 6, 3.8, 5  # points: a name's size, the width of its letters, and how far it is from its point
STRIP = 0.06  # half the height of the strip of zeros, and its distance from the rest, in heights of the rest
BELOW = 0.18


@dataclass(frozen=True)
class Labelled:
    """A point.

    Parameters
    ----------
    name: written beside it.
    kind: those of a kind have a colour and a marker; an index.
    x: its place.
    log10: its heights in the panels, decimal logarithms; -inf stands in a strip below the rest.
    joined: whether a line leads to the next one that is joined, in the order of x.
    """

    name: str
    kind: int
    x: float
    log10: tuple[float, ...]
    joined: bool = False


def labelled_points(points: Sequence[Labelled], questions: Sequence[str], x_label: str, path: Path) -> None:
    """Draw a panel for each question; points that fall together share a name."""
    with mpl.rc_context(STYLE):
        size = (COLUMN_INCHES * len(questions), 3.0)
        figure, panels = plt.subplots(1, len(questions), figsize=size, layout="constrained", squeeze=False)
        drawn = []
        for index, (axes, question) in enumerate(zip(panels.flat, questions, strict=True)):
            drawn.append(draw_points(axes, points, [point.log10[index] for point in points]))
            axes.set(xlabel=x_label, ylabel=f"log10 {question}")
            axes.margins(x=0.14)
        figure.draw_without_rendering()  # the panels take their places
        for axes, names in zip(panels.flat, drawn, strict=True):
            write_names(axes, names)
        figure.savefig(path, dpi=200, metadata={"Date": None})
        plt.close(figure)


def draw_points(
    axes: plt.Axes, points: Sequence[Labelled], logs: Sequence[float]
) -> Mapping[tuple[float, float], tuple[str, int]]:
    """The points of a panel, and the names that belong beside them, with their kinds."""
    seen = [log for log in logs if np.isfinite(log)] or [0.0]
    room = max(max(seen) - min(seen), 1.0)
    has_zero, floor = len(seen) < len(logs), min(seen) - BELOW * room
    if has_zero:
        band: dict[str, Any] = {"facecolor": "0.95", "edgecolor": "0.8", "hatch": "////", "linewidth": 0}
        axes.axhspan(floor - STRIP * room, floor + STRIP * room, **band)
    axes.set_ylim((floor if has_zero else min(seen)) - 0.12 * room, max(seen) + 0.15 * room)
    ticks = [tick for tick in axes.get_yticks() if min(seen) - STRIP * room <= tick <= max(seen) + 0.1 * room]
    axes.set_yticks([floor, *ticks] if has_zero else ticks)
    axes.yaxis.set_major_formatter(lambda tick, _: "P = 0" if has_zero and tick == floor else f"{tick:g}")
    line = sorted((each.x, log) for each, log in zip(points, logs, strict=True) if each.joined and np.isfinite(log))
    axes.plot([x for x, _ in line], [log for _, log in line], color="0.8", linewidth=0.8, zorder=1)
    names: dict[tuple[float, float], tuple[str, int]] = {}
    for each, log in zip(points, logs, strict=True):
        place = (each.x, round(log, 9) if np.isfinite(log) else floor)
        before = names.get(place)
        names[place] = (each.name, each.kind) if before is None else (f"{before[0]}, {each.name}", before[1])
    for place, (_, kind) in names.items():
        axes.plot(*place, color=PALETTE[kind], marker=MARKERS[kind], clip_on=False, zorder=2)
    return names


def write_names(axes: plt.Axes, names: Mapping[tuple[float, float], tuple[str, int]]) -> None:
    """Each name at the first of some places beside its point where it lies on nothing and within the panel."""
    scale = 72 / axes.figure.dpi
    dots = [tuple(axes.transData.transform(place) * scale) for place in names]
    corner, opposite = (axes.transAxes.transform(end) * scale for end in ((0, 0), (1, 1)))
    taken = [(x - 2, y - 2, x + 2, y + 2) for x, y in dots]
    for (name, kind), place, dot in zip(names.values(), names, dots, strict=True):
        boxes = [box_of(dot, offset, len(name) * LETTER) for offset in offsets(len(name) * LETTER)]
        inside = [box for box in boxes if box[0] > corner[0] and box[2] < opposite[0] + 8 and box[3] < opposite[1]]
        box = min(inside or boxes, key=lambda box: sum(overlap(box, other) for other in taken))
        taken.append(box)
        axes.annotate(
            name, place, xytext=(box[0] - dot[0], box[1] - dot[1]), textcoords="offset points", fontsize=FONT,
            color=PALETTE[kind], arrowprops=line_to(box, dot), in_layout=False,
        )  # fmt: skip


def offsets(width: float) -> list[tuple[float, float]]:
    """Where the lower left corner of a name may be, from its point: right, left, above, below, and further away."""
    beside = [(AWAY, -FONT / 2), (-AWAY - width, -FONT / 2), (-width / 2, AWAY), (-width / 2, -AWAY - FONT)]
    corners = [(AWAY, AWAY), (AWAY, -AWAY - FONT), (-AWAY - width, AWAY), (-AWAY - width, -AWAY - FONT)]
    far = [(x + (6 if x > 0 else -6), y + 3 * step) for step in (-4, 4, -6, 6, -8, 8) for x, y in beside[:2]]
    return beside + corners + far


Box = tuple[float, float, float, float]


def box_of(dot: tuple[float, ...], offset: tuple[float, float], width: float) -> Box:
    """The left, lower, right and upper end of a name."""
    left, low = dot[0] + offset[0], dot[1] + offset[1]
    return left, low, left + width, low + FONT


def overlap(one: Box, other: Box) -> float:
    """The area that two boxes share.

    >>> overlap((0, 0, 2, 2), (1, 1, 5, 5)), overlap((0, 0, 1, 1), (1, 0, 2, 1))
    (1, 0)
    """
    return max(min(one[2], other[2]) - max(one[0], other[0]), 0) * max(min(one[3], other[3]) - max(one[1], other[1]), 0)


def line_to(box: Box, dot: tuple[float, ...]) -> dict[str, Any] | None:
    """A thin line from a name that is far from its point."""
    is_far = box[1] > dot[1] + AWAY + 1 or box[3] < dot[1] - AWAY - 1
    return {"arrowstyle": "-", "color": "0.6", "linewidth": 0.5, "shrinkA": 0, "shrinkB": 2} if is_far else None
