"""Figures for papers: vector text, a colour-blind safe palette, the same bytes when made twice."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike

from markovgpt.errors import InvalidInput

COLUMN_INCHES = 3.4  # one column of a two-column paper
LINE_LENGTH, LINE_INCHES = 56, 0.17  # characters across it, and the height of a line of a legend
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")  # Okabe and Ito
MARKERS = ("o", "s", "^", "D", "v", "P")  # so that curves differ without colour
DASHES = ("-", "--", ":", "-.")
MOST_CURVES = len(PALETTE) * len(DASHES)
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


def heat_map(
    log10: ArrayLike,
    path: str | Path,
    *,
    columns: Sequence[str],
    rows: Sequence[str],
    x_label: str,
    y_label: str,
    bar_label: str,
) -> Path:
    """Draw probabilities of any size over two settings, coloured by their logarithms.

    Parameters
    ----------
    log10: (rows, columns), decimal logarithms; what is impossible (-inf) is hatched and marked 0.
    columns, rows: what is written below and beside them, the first row at the bottom.
    path: its ending says the format: .svg, .pdf or .png.
    """
    values = np.asarray(log10, dtype=np.float64)
    possible = np.isfinite(values)
    with mpl.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(COLUMN_INCHES, 0.8 + 0.19 * max(len(rows), 6)), layout="constrained")
        axes.set_facecolor("white")
        shown = np.ma.masked_where(~possible, values)
        mesh = axes.pcolormesh(shown, cmap="cividis", edgecolor="face", linewidth=0.2)  # no white lines between cells
        for row, column in np.argwhere(~possible):
            axes.add_patch(Rectangle((column, row), 1, 1, facecolor="0.93", edgecolor="0.6", hatch="////", linewidth=0))
            axes.text(column + 0.5, row + 0.5, "0", ha="center", va="center", fontsize=6)
        axes.set_xticks(np.arange(len(columns)) + 0.5, columns, rotation=90 if max(map(len, columns)) > 3 else 0)
        axes.set_yticks(np.arange(len(rows)) + 0.5, rows)
        axes.set(xlabel=x_label, ylabel=y_label)
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
        if possible.any():
            figure.colorbar(mesh, ax=axes).outline.set_visible(False)
            axes.set_title(bar_label, fontsize=8, loc="left")  # wider than the bar is high
        return _saved(figure, path)


def log10_figure(
    curves: Mapping[str, tuple[ArrayLike, ArrayLike, ArrayLike, ArrayLike]],
    path: str | Path,
    *,
    x_label: str,
    y_label: str,
    x_names: Sequence[str] = (),
) -> Path:
    """Draw curves of probabilities of any size, by their decimal logarithms, with their bounds as bands.

    Parameters
    ----------
    curves: name -> (x, log10, its lower and its upper bound); what is impossible (-inf) stands in a hatched strip below
        the rest. At most 24 can be told apart; a single curve gets no legend.
    path: its ending says the format: .svg, .pdf or .png.
    x_names: what is written below x = 0, 1, ... where x are no numbers.

    Raises
    ------
    InvalidInput: more than 24 curves.
    """
    if len(curves) > MOST_CURVES:
        raise InvalidInput(
            f"a figure must have at most {MOST_CURVES} curves, got {len(curves)}; ask for fewer, or draw from the table"
        )
    drawn = {name: [np.asarray(part, dtype=np.float64) for part in parts] for name, parts in curves.items()}
    values = np.concatenate([parts[1] for parts in drawn.values()])
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (-1.0, 0.0)
    floor = low - 0.12 * max(high - low, 1.0)
    side_by_side = max(1, min(len(curves), LINE_LENGTH // (max(map(len, curves)) + 6)))
    height = 2.2 + LINE_INCHES * -(-len(curves) // side_by_side)
    with mpl.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(COLUMN_INCHES, height), layout="constrained")
        for index, (name, (x, log10, lower, upper)) in enumerate(drawn.items()):
            colour, marker = PALETTE[index % len(PALETTE)], MARKERS[index % len(MARKERS)]
            seen, dashes = np.isfinite(log10), DASHES[index // len(PALETTE)]
            axes.plot(x, np.where(seen, log10, np.nan), color=colour, marker=marker, linestyle=dashes, label=name)
            axes.fill_between(x, np.maximum(lower, floor), upper, where=seen, color=colour, alpha=0.25, linewidth=0)
            axes.plot(x[~seen], np.full((~seen).sum(), floor), color=colour, marker=marker, linestyle="", clip_on=False)
        if finite.size < values.size:
            half = 0.06 * max(high - low, 1.0)
            axes.axhspan(floor - half, floor + half, facecolor="0.95", edgecolor="0.7", hatch="////", linewidth=0)
            axes.set_ylim(bottom=floor - half)
            axes.set_yticks([floor, *(tick for tick in axes.get_yticks() if floor + half < tick < high + half)])
            axes.yaxis.set_major_formatter(lambda tick, _: "P = 0" if tick == floor else f"{tick:g}")
        if x_names:
            axes.set_xticks(range(len(x_names)), x_names, rotation=90 if max(map(len, x_names)) > 6 else 0)
        axes.set(xlabel=x_label, ylabel=y_label)
        if len(curves) > 1:
            figure.legend(loc="outside upper center", ncols=side_by_side, columnspacing=1)
        return _saved(figure, path)


def _saved(figure: Figure, path: str | Path) -> Path:
    """Write a figure without a date, and close it."""
    file = Path(path)
    undated = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(file.suffix.lower(), {})
    figure.savefig(file, dpi=200, metadata=undated)
    plt.close(figure)
    return file
