"""Figures for papers: vector text, a colour-blind safe palette, the same bytes when made twice."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from markovgpt.errors import InvalidInput
from markovgpt.export.figure_text import legend_above, logarithmic_axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMN_INCHES, PAGE_INCHES = 3.4, 7.0  # one column of a two-column paper, and both
DOTS_PER_INCH = 200  # of a .png
LINE_LENGTH, LINE_INCHES = 56, 0.17  # characters across it, and the height of a line of a legend
CHARACTER_INCHES = 0.07
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")  # Okabe and Ito
MARKERS = ("o", "s", "^", "D", "v", "P")  # so that curves differ without colour
DASHES = ("-", "--", ":", "-.")
HATCHES: tuple[Any, ...] = (None, "////", "....", "xxxx")  # so that bars differ without colour
IMPOSSIBLE: dict[str, Any] = {"facecolor": "0.95", "edgecolor": "0.7", "hatch": "////", "linewidth": 0}
MOST_NARROW, MOST_ABREAST = 20, 45  # bars in one column, and characters below them that are not turned
MOST_CURVES = len(PALETTE) * len(DASHES)
STYLE: dict[Any, Any] = {
    "svg.hashsalt": "markovgpt",
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
    "image.composite_image": False,  # a pixel stays a pixel
    "text.parse_math": False,  # a token may be a dollar
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
    with _styled(COLUMN_INCHES, 2.4) as (figure, axes):
        for index, (x, y) in enumerate(curves.values()):
            marker = MARKERS[index % len(MARKERS)] if markers else None
            axes.plot(x, y, color=PALETTE[index % len(PALETTE)], marker=marker)
        for axis in logarithmic:
            logarithmic_axis(axes, axis)
        axes.set(xlabel=x_label, ylabel=y_label)
        if len(curves) > 1:
            legend_above(figure, axes.get_lines(), list(curves), min(len(curves), 4))
        return saved(figure, path)


def bar_figure(
    groups: Mapping[str, ArrayLike],
    labels: Sequence[str],
    path: str | Path,
    *,
    x_label: str,
    y_label: str,
    bounds: Mapping[str, tuple[ArrayLike, ArrayLike]] | None = None,
    logarithmic: bool = False,
) -> Path:
    """Draw groups of bars side by side, one group of bars for each label.

    Parameters
    ----------
    groups: name -> heights, one for each label.
    path: its ending says the format: .svg, .pdf or .png.
    bounds: name -> lower and upper bounds of the heights, drawn as error bars.
    logarithmic: whether the heights are; a height of 0 has no bar there, and a 0 is written in its place.
    """
    inches = COLUMN_INCHES if len(groups) * len(labels) <= MOST_NARROW else PAGE_INCHES
    upright = sum(map(len, labels)) <= MOST_ABREAST * inches / COLUMN_INCHES
    height = 2.4 if upright else 2.4 + CHARACTER_INCHES * max(map(len, labels))
    with _styled(inches, height) as (figure, axes):
        width, drawn = 0.8 / len(groups), []
        for index, (name, heights) in enumerate(groups.items()):
            places = np.arange(len(labels)) + (index - (len(groups) - 1) / 2) * width
            colour, hatch = PALETTE[index % len(PALETTE)], HATCHES[index % len(HATCHES)]
            drawn.append(axes.bar(places, heights, width, color=colour, hatch=hatch, edgecolor="white", linewidth=0))
            if bounds is not None:
                value, (lower, upper) = np.asarray(heights), map(np.asarray, bounds[name])
                reach = np.maximum(np.stack([value - lower, upper - value]), 0)
                axes.errorbar(places, value, reach, fmt="none", ecolor="0.2", elinewidth=0.7, capsize=1.5)
            if logarithmic:
                for place in places[np.asarray(heights) == 0]:
                    axes.annotate("0", (place, 0), (0, 1), xycoords=("data", "axes fraction"),
                                  textcoords="offset points", ha="center", fontsize=6)  # fmt: skip
        if logarithmic:
            logarithmic_axis(axes, "y")
        axes.set_xticks(range(len(labels)), labels, rotation=0 if upright else 90)
        axes.set_xlim(-0.6, len(labels) - 0.4)
        axes.set(xlabel=x_label, ylabel=y_label)
        if len(groups) > 1:
            legend_above(figure, drawn, list(groups), min(len(groups), 4))
        return saved(figure, path)


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
    from matplotlib.patches import Rectangle  # late: matplotlib takes half a second to import

    values = np.asarray(log10, dtype=np.float64)
    possible = np.isfinite(values)
    with _styled(COLUMN_INCHES, 0.8 + 0.19 * max(len(rows), 6)) as (figure, axes):
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
        return saved(figure, path)


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
    strip = ZeroStrip.below(np.concatenate([parts[1] for parts in drawn.values()]))
    side_by_side = names_abreast(list(curves))
    height = 2.2 + LINE_INCHES * -(-len(curves) // side_by_side)
    with _styled(COLUMN_INCHES, height) as (figure, axes):
        lines = []
        for index, (x, log10, lower, upper) in enumerate(drawn.values()):
            colour, marker = PALETTE[index % len(PALETTE)], MARKERS[index % len(MARKERS)]
            seen, dashes = np.isfinite(log10), DASHES[index // len(PALETTE)]
            lines += axes.plot(x, np.where(seen, log10, np.nan), color=colour, marker=marker, linestyle=dashes)
            floor = np.maximum(lower, strip.middle)
            axes.fill_between(x, floor, upper, where=seen, color=colour, alpha=0.25, linewidth=0)
            zeros = np.full((~seen).sum(), strip.middle)
            axes.plot(x[~seen], zeros, color=colour, marker=marker, linestyle="", clip_on=False)
        strip.draw(axes)
        if x_names:
            axes.set_xticks(range(len(x_names)), x_names, rotation=90 if max(map(len, x_names)) > 6 else 0)
        axes.set(xlabel=x_label, ylabel=y_label)
        if len(curves) > 1:
            legend_above(figure, lines, list(curves), side_by_side)
        return saved(figure, path)


@dataclass(frozen=True)
class ZeroStrip:
    """Where a 0 stands on an axis of logarithms: in a hatched strip below the rest.

    Parameters
    ----------
    middle, half: its middle and half its height, on the axis.
    top: of what stands above it.
    is_needed: whether there is a 0.
    """

    middle: float
    half: float
    top: float
    is_needed: bool

    @classmethod
    def below(cls, log10: NDArray[np.float64]) -> "ZeroStrip":
        """The strip below decimal logarithms; -inf is that of 0."""
        finite = log10[np.isfinite(log10)]
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (-1.0, 0.0)
        span = max(high - low, 1.0)
        return cls(low - 0.12 * span, 0.06 * span, high, bool(np.isneginf(log10).any()))

    def draw(self, axes: "Axes") -> None:
        """Draw it, where it is needed, with its number among the others."""
        if not self.is_needed:
            return
        middle, half = self.middle, self.half
        axes.axhspan(middle - half, middle + half, **IMPOSSIBLE)
        axes.set_ylim(bottom=middle - half)
        axes.set_yticks([middle, *(tick for tick in axes.get_yticks() if middle + 2 * half <= tick < self.top + half)])
        axes.yaxis.set_major_formatter(lambda tick, _: "P = 0" if tick == middle else f"{tick:g}")


@contextmanager
def _styled(width: float, height: float) -> Iterator[tuple["Figure", "Axes"]]:
    """A figure of so many inches with one pair of axes, in the style of the house."""
    import matplotlib as mpl  # late: it takes half a second to import
    import matplotlib.pyplot as plt

    with mpl.rc_context(STYLE):
        yield plt.subplots(figsize=(width, height), layout="constrained")


def names_abreast(names: Sequence[str]) -> int:
    """How many names of a legend stand side by side above one column."""
    return max(1, min(len(names), LINE_LENGTH // (max(map(len, names)) + 6)))


def saved(figure: "Figure", path: str | Path, *, dots_per_inch: float = DOTS_PER_INCH) -> Path:
    """Write a figure without a date, and close it.

    Parameters
    ----------
    path: its ending says the format: .svg, .pdf or .png.
    dots_per_inch: of a .png.
    """
    import matplotlib.pyplot as plt  # late: matplotlib takes half a second to import

    file = Path(path)
    undated = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(file.suffix.lower(), {})
    figure.savefig(file, dpi=dots_per_inch, metadata=undated)
    plt.close(figure)
    return file
