"""Where each window has its cell in a mosaic: the newest token picks the tile, older ones the tile within the tile.

This is the chaos-game representation of sequences, for alphabets of any size: windows that end alike lie together. A
tile is cut into R x C smaller ones, filled row by row from the top left; at every second level it is C x R, so that
the whole is nearly square. Of all C from ceil(sqrt(V)) to 3 R, with R = ceil(V / C), the one is taken that leaves the
fewest blank (none for 2, 3, 4, 10, 12, 27 or 65 tokens): what stays blank of a tile does so in every tile within it.

    row    = sum_d (a_d div C_d) prod_{e > d} R_e,        a_0 the newest token, d = 0 .. L - 1 its place from the end
    column = sum_d (a_d mod C_d) prod_{e > d} C_e,        (R_d, C_d) = (R, C) for even d, (C, R) for odd d

Source: Jeffrey, H. J. (1990): Chaos game representation of gene structure. Nucleic Acids Research 18(8), 2163-2170.
"""

from dataclasses import dataclass
from math import isqrt, prod

import numpy as np
from numpy.typing import NDArray

from markovgpt.chains.states import StateSpace, is_count
from markovgpt.errors import InvalidInput, TooLarge

MOST_CELLS = 2**24  # of the picture, those that stay blank among them
LONGEST = 3  # times as long as high a tile may be cut


@dataclass(frozen=True, eq=False)
class MosaicPlaces:
    """The cells of a mosaic.

    Parameters
    ----------
    row, column: for each window, in the order of their numbers, its cell; counted from the top left.
    shape: how many rows and columns the mosaic has.
    tile_shape: how many rows and columns of cells the tile of a newest token has.
    grid: how many rows and columns of such tiles there are; the last ones may be blank.
    """

    row: NDArray[np.int64]
    column: NDArray[np.int64]
    shape: tuple[int, int]
    tile_shape: tuple[int, int]
    grid: tuple[int, int]

    def __post_init__(self) -> None:
        for places in (self.row, self.column):
            places.setflags(write=False)


def tile_grid(vocab_size: int) -> tuple[int, int]:
    """Into how many rows and columns a tile is cut, one part for each token; C >= R.

    >>> tile_grid(2), tile_grid(4), tile_grid(5), tile_grid(27)
    ((1, 2), (2, 2), (2, 3), (3, 9))
    """
    squarest = isqrt(vocab_size - 1) + 1
    sizes = [(-(-vocab_size // columns), columns) for columns in range(squarest, isqrt(3 * vocab_size) + 3)]
    return min((size for size in sizes if size[1] <= LONGEST * size[0]), key=prod)  # the first of the least is squarest


def mosaic_places(space: StateSpace, length: int | None = None) -> MosaicPlaces:
    """Which cell of the mosaic does each window have?

    Parameters
    ----------
    length: of the windows, all of which are states; None: the longest, L. A space with prefixes has one mosaic for each
        length, and the windows of that length are its states from ``first_state(length)`` on.

    Raises
    ------
    InvalidInput: a length that no state has.
    TooLarge: more than 2**24 cells.

    >>> places = mosaic_places(StateSpace(2, 2))        # 00 and 10 end in 0: the left tile, the older token is the row
    >>> places.shape, places.row.tolist(), places.column.tolist()
    ((2, 2), [0, 0, 1, 1], [0, 1, 0, 1])
    """
    size = space.context_length if length is None else length
    if not is_count(size) or not space.shortest <= size <= space.context_length:
        raise InvalidInput(
            f"length must be that of states, {space.shortest} to {space.context_length}, got {length}; "
            "None takes the longest"
        )
    wide = tile_grid(space.vocab_size)
    grids = [wide if place % 2 == 0 else wide[::-1] for place in range(size)]
    shape = prod(rows for rows, _ in grids), prod(columns for _, columns in grids)
    if shape[0] * shape[1] > MOST_CELLS:
        raise TooLarge(
            f"a mosaic must have at most {MOST_CELLS} cells, got more for windows of {size} out of {space.vocab_size} "
            "tokens; give a shorter context length"
        )
    row = column = np.zeros(1, dtype=np.int64)  # of the newest tokens so far, the older ones counting most in the order
    height, width = shape
    for rows, columns in grids:
        height, width = height // rows, width // columns
        token = np.arange(space.vocab_size)[:, None]
        row = (row + token // columns * height).ravel()
        column = (column + token % columns * width).ravel()
    tile_shape = shape[0] // wide[0], shape[1] // wide[1]
    return MosaicPlaces(row, column, shape, tile_shape, wide)
