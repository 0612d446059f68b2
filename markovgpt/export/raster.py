"""Numbers as coloured cells: what is impossible stays transparent, so that a hatched ground shows through."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from markovgpt.analysis.result import Answer
from markovgpt.errors import InvalidInput
from markovgpt.export.figures import IMPOSSIBLE
from markovgpt.scaled import FloatArray, ScaledArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

SEQUENTIAL, DIVERGING = "cividis", "coolwarm"  # both are told apart without red and green
INFINITE = (0, 0, 0, 255)  # black, which neither map has
Pixels = NDArray[np.uint8]


def drawn_numbers(values: Answer | ScaledArray | ArrayLike, *, log: bool) -> FloatArray:
    """The numbers that are coloured: decimal logarithms, right at any size, or the numbers themselves.

    Parameters
    ----------
    values: at least 0 where logarithms are drawn. Else of any sign, -inf being what is impossible.

    Raises
    ------
    InvalidInput: NaN, or a negative number that would need a logarithm.

    >>> drawn_numbers([0.01, 0], log=True).tolist()
    [-2.0, -inf]
    """
    if isinstance(values, Answer):
        return np.asarray(values.log10 if log else values.value, dtype=np.float64)
    if isinstance(values, ScaledArray):
        return values.log10() if log else values.to_float()
    numbers = np.asarray(values, dtype=np.float64)
    wrong = np.isnan(numbers) | (log & (numbers < 0))
    if wrong.any():
        raise InvalidInput(
            f"values must be numbers{' of at least 0' if log else ''}, got {float(numbers[wrong][0])}; "
            f"{'log=False draws negative ones' if log else 'draw what is impossible as -inf'}"
        )
    with np.errstate(divide="ignore"):
        return np.log10(numbers) if log else numbers


def colouring(numbers: FloatArray, *, log: bool) -> "ScalarMappable | None":
    """Which colour each number gets, from the smallest to the largest; None where none is finite.

    Numbers of both signs that are no logarithms are coloured evenly on both sides of 0.
    """
    from matplotlib.cm import ScalarMappable  # late: matplotlib takes half a second to import
    from matplotlib.colors import Normalize

    finite = numbers[np.isfinite(numbers)]
    if not finite.size:
        return None
    low, high = float(finite.min()), float(finite.max())
    if not log and low < 0 < high:
        reach = max(-low, high)
        return ScalarMappable(Normalize(-reach, reach), DIVERGING)
    return ScalarMappable(Normalize(low, high), SEQUENTIAL)


def pixels(numbers: FloatArray, colours: "ScalarMappable | None") -> Pixels:
    """A colour for each number, (..., 4): transparent for -inf, black for inf."""
    found = np.zeros((*numbers.shape, 4), dtype=np.uint8)
    finite = np.isfinite(numbers)
    if colours is not None:
        found[finite] = colours.to_rgba(numbers[finite], bytes=True)
    found[np.isposinf(numbers)] = INFINITE
    return found


def draw_cells(axes: "Axes", cells: Pixels, left: float, top: float) -> None:
    """Put an image of one pixel a cell onto axes whose y grows downward, on a hatched ground."""
    from matplotlib.patches import Rectangle  # late: matplotlib takes half a second to import

    height, width = cells.shape[:2]
    if (cells[..., 3] == 0).any():
        axes.add_patch(Rectangle((left, top), width, height, zorder=0, **IMPOSSIBLE))
    extent = (left, left + width, top + height, top)
    axes.imshow(cells, extent=extent, origin="upper", interpolation="none", aspect="auto", zorder=1)


def marks_of(numbers: FloatArray) -> "list[Patch]":
    """What a legend must say besides the colours: that something is impossible, or infinite."""
    from matplotlib.patches import Patch  # late: matplotlib takes half a second to import

    marks: list[tuple[Any, dict[str, Any]]] = [
        (np.isneginf(numbers).any(), {"label": "impossible", **IMPOSSIBLE}),
        (np.isposinf(numbers).any(), {"label": "infinite", "facecolor": "black"}),
    ]
    return [Patch(**look) for is_there, look in marks if is_there]


def colour_bar(figure: "Figure", axes: "Axes", colours: "ScalarMappable") -> None:
    """A bar of the colours, as high as its axes."""
    bar = figure.colorbar(colours, cax=axes)
    bar.outline.set_visible(False)
