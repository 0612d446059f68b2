"""Figures for papers: vector text, a colour-blind safe palette, the same bytes when made twice."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

COLUMN_INCHES = 3.4  # one column of a two-column paper
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")  # Okabe and Ito
MARKERS = ("o", "s", "^", "D", "v", "P")  # so that curves differ without colour
STYLE: dict[Any, Any] = {
    "svg.hashsalt": "markovgpt",
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
    "font.size": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "lines.linewidth": 1.2,
    "lines.markersize": 3.5,
}


def line_figure(
    curves: Mapping[str, tuple[ArrayLike, ArrayLike]],
    path: str | Path,
    *,
    x_label: str,
    y_label: str,
    logarithmic: Sequence[str] = (),
    markers: bool = True,
) -> Path:
    """Draw curves over one pair of axes.

    Parameters
    ----------
    curves: name -> (x, y), drawn in their order; a single curve gets no legend.
    path: its ending says the format: .svg, .pdf or .png.
    logarithmic: "x", "y" or both.
    """
    with mpl.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(COLUMN_INCHES, 2.4), layout="constrained")
        for index, (name, (x, y)) in enumerate(curves.items()):
            marker = MARKERS[index % len(MARKERS)] if markers else None
            axes.plot(x, y, color=PALETTE[index % len(PALETTE)], marker=marker, label=name)
        for axis in logarithmic:
            getattr(axes, f"set_{axis}scale")("log")
        axes.set(xlabel=x_label, ylabel=y_label)
        if len(curves) > 1:
            figure.legend(loc="outside upper center", ncols=min(len(curves), 4), columnspacing=1)
        return _saved(figure, path)


def bar_figure(
    groups: Mapping[str, ArrayLike], labels: Sequence[str], path: str | Path, *, x_label: str, y_label: str
) -> Path:
    """Draw groups of bars side by side, one group of bars for each label.

    Parameters
    ----------
    groups: name -> heights, one for each label.
    path: its ending says the format: .svg, .pdf or .png.
    """
    with mpl.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(COLUMN_INCHES, 2.4), layout="constrained")
        width = 0.8 / len(groups)
        hatches: tuple[Any, ...] = (None, "////", "....", "xxxx")
        for index, (name, heights) in enumerate(groups.items()):
            places = [place + (index - (len(groups) - 1) / 2) * width for place in range(len(labels))]
            colour, hatch = PALETTE[index % len(PALETTE)], hatches[index % len(hatches)]
            axes.bar(places, heights, width, label=name, color=colour, hatch=hatch, edgecolor="white", linewidth=0)
        axes.set_xticks(range(len(labels)), labels)
        axes.set(xlabel=x_label, ylabel=y_label)
        if len(groups) > 1:
            figure.legend(loc="outside upper center", ncols=min(len(groups), 4), columnspacing=1)
        return _saved(figure, path)


def _saved(figure: Figure, path: str | Path) -> Path:
    """Write a figure without a date, and close it."""
    file = Path(path)
    undated = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(file.suffix.lower(), {})
    figure.savefig(file, dpi=200, metadata=undated)
    plt.close(figure)
    return file
