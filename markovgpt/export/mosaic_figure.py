"""A quantity over all windows in one picture: the newest token picks the tile, older ones the tile within the tile."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from markovgpt.analysis.result import Answer
from markovgpt.chains.states import StateSpace
from markovgpt.errors import InvalidInput
from markovgpt.export.figure_text import legible
from markovgpt.export.figures import COLUMN_INCHES, DOTS_PER_INCH, PAGE_INCHES, STYLE, saved
from markovgpt.export.mosaic import MosaicPlaces, mosaic_places
from markovgpt.export.raster import Pixels, colour_bar, colouring, draw_cells, drawn_numbers, marks_of, pixels
from markovgpt.scaled import FloatArray, ScaledArray
from markovgpt.vocabulary import Vocabulary

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_IN_A_COLUMN = 2**12  # windows that one column of a paper has room for
MOST_TILES = 400  # that are drawn apart, with their tokens above them
LEAST_WHOLE = 8  # cells across a tile from which on gaps are whole cells
MARGIN, BAR_ROOM, BAR_INCHES = 0.06, 0.66, 0.12  # inches
HEAD_INCHES, FOOT_INCHES, LABEL_INCHES, CHARACTER_INCHES = 0.24, 0.22, 0.125, 0.062
CAPTION = "tile: the newest token; in it: the one before; …"


@dataclass(frozen=True)
class Sheet:
    """Lengths in cells: between tiles, and above each for its token; and how many cells an inch holds."""

    gap: float
    label: float
    per_inch: float
    width: float
    height: float


def mosaic_figure(
    values: Answer | ScaledArray | ArrayLike,
    space: StateSpace,
    path: str | Path,
    *,
    label: str,
    log: bool = True,
    vocabulary: Vocabulary | None = None,
    length: int | None = None,
    inches: float | None = None,
) -> Path:
    """Draw a quantity over all windows, one cell each; see `markovgpt.export.mosaic` for the places.

    Parameters
    ----------
    values: (n_states,), one for each state of the space: an answer, or numbers; shares or times with ``log``, else of
        any sign. What is impossible (0 with ``log``, else -inf) is hatched, what is infinite black.
    path: its ending says the format: .svg, .pdf or .png. Cells are one embedded picture a tile, of a pixel a cell; a
        .png gives each the same whole number of dots.
    label: what the numbers are.
    log: whether their decimal logarithms are coloured.
    vocabulary: how tokens are printed above their tiles; None prints ids.
    length: of the windows drawn; None: the longest. With prefixes, each length is a mosaic of its own.
    inches: the width; None: one column of a paper up to 4096 windows, then a page.

    Raises
    ------
    InvalidInput: not one value for each state, NaN, a negative number with ``log``, a length that no state has.
    TooLarge: more than 2**24 cells.
    """
    places = mosaic_places(space, length)
    numbers = drawn_numbers(values, log=log)
    if numbers.shape != (space.n_states,):
        raise InvalidInput(
            f"values must have the shape ({space.n_states},), got {numbers.shape}; one entry a state of the space"
        )
    first = space.first_state(space.context_length if length is None else length)
    numbers = numbers[first : first + len(places.row)]
    across = inches or (COLUMN_INCHES if len(numbers) <= MOST_IN_A_COLUMN else PAGE_INCHES)
    sheet = _sheet(places, space.vocab_size, across - 2 * MARGIN - BAR_ROOM)
    names = [str(i) if vocabulary is None else vocabulary.show((i,)) for i in range(space.vocab_size)]
    return _drawn(numbers, places, sheet, path, across, (f"log10 {label}" if log else label), log, names)


def _drawn(
    numbers: FloatArray,
    places: MosaicPlaces,
    sheet: Sheet,
    path: str | Path,
    across: float,
    title: str,
    log: bool,
    names: Sequence[str],
) -> Path:
    """The mosaic, its bar and what is written around it."""
    import matplotlib as mpl  # late: it takes half a second to import
    import matplotlib.pyplot as plt

    width, height = sheet.width / sheet.per_inch, sheet.height / sheet.per_inch
    dots = max(1, int(np.ceil(DOTS_PER_INCH / sheet.per_inch))) * sheet.per_inch  # an inch, whole ones a cell
    total = FOOT_INCHES + np.ceil(height * dots) / dots + HEAD_INCHES

    def box(left: float, bottom: float, wide: float, high: float) -> tuple[float, float, float, float]:
        """A part of the figure, its corner on a dot."""
        corner = np.round(np.array([left, bottom]) * dots) / dots
        return float(corner[0] / across), float(corner[1] / total), wide / across, high / total

    with mpl.rc_context(STYLE):
        figure = plt.figure(figsize=(across, total))
        axes = figure.add_axes(box(MARGIN, FOOT_INCHES, width, height))
        axes.set(xlim=(0, sheet.width), ylim=(sheet.height, 0))
        axes.axis("off")
        colours = colouring(numbers, log=log)
        cells = np.full((*places.shape, 4), 255, dtype=np.uint8)  # blank where there is no window
        cells[places.row, places.column] = pixels(numbers, colours)
        _draw_tiles(axes, cells, places, sheet, names)
        axes.set(xlim=(0, sheet.width), ylim=(sheet.height, 0))
        figure.text(MARGIN / across, 1 - 0.05 / total, title, va="top")
        figure.text(MARGIN / across, 0.06 / total, CAPTION, fontsize=6, color="0.3")
        if colours is not None:
            bar = box(MARGIN + width + 0.12, FOOT_INCHES, BAR_INCHES, min(height - LABEL_INCHES, 2.6))
            colour_bar(figure, figure.add_axes(bar), colours)
        marks = marks_of(numbers)
        if marks:
            figure.legend(handles=marks, loc="lower right", fontsize=6, borderaxespad=0.2, ncols=len(marks))
        return saved(figure, path, dots_per_inch=dots)


def _sheet(places: MosaicPlaces, vocab_size: int, inches: float) -> Sheet:
    """Gaps between the tiles, and room for tokens above them; whole cells, where cells are small."""
    (rows, columns), (high, wide) = places.grid, places.tile_shape
    if vocab_size > MOST_TILES:
        return Sheet(0, 0, places.shape[1] / inches, *reversed(places.shape))
    gap = 0.06 * wide if wide < LEAST_WHOLE else max(1, round(0.04 * wide))
    width = columns * wide + (columns - 1) * gap
    label = LABEL_INCHES * width / inches
    if wide >= LEAST_WHOLE:
        label = float(np.ceil(label))
    return Sheet(gap, label, width / inches, width, rows * (high + label) + (rows - 1) * gap)


def _draw_tiles(axes: "Axes", cells: Pixels, places: MosaicPlaces, sheet: Sheet, names: Sequence[str]) -> None:
    """Each newest token's tile with the token above it; all in one where there are too many."""
    if sheet.label == 0:
        draw_cells(axes, cells, 0, 0)
        return
    high, wide = places.tile_shape
    most = max(1, int(wide / sheet.per_inch / CHARACTER_INCHES))
    for token, name in enumerate(names):
        row, column = divmod(token, places.grid[1])
        left, top = column * (wide + sheet.gap), row * (high + sheet.label + sheet.gap) + sheet.label
        draw_cells(axes, cells[row * high : (row + 1) * high, column * wide : (column + 1) * wide], left, top)
        axes.text(left, top - 0.15 * sheet.label, legible(name, most), fontsize=7, va="baseline")
