"""Where windows have their cells: by hand, by cutting rectangles in two, and what must hold for any alphabet."""

from fractions import Fraction

import numpy as np
import pytest

from markovgpt.chains.states import StateSpace
from markovgpt.errors import InvalidInput, TooLarge
from markovgpt.export.mosaic import mosaic_places, tile_grid

SPACES = [(1, 3), (2, 1), (2, 5), (3, 3), (4, 3), (5, 2), (6, 2), (7, 3), (27, 2)]


def by_cutting(window, vocab_size):
    """The rectangle of a window, by cutting the unit square token by token: (top, left, height, width)."""
    rows, columns = tile_grid(vocab_size)
    top = left = Fraction(0)
    height = width = Fraction(1)
    for token in reversed(window):
        height, width = height / rows, width / columns
        down, right = divmod(token, columns)
        top, left = top + down * height, left + right * width
        rows, columns = columns, rows
    return top, left, height, width


@pytest.mark.parametrize(("V", "L"), SPACES)
def test_each_window_has_the_rectangle_that_cutting_the_square_gives(V, L):
    space = StateSpace(V, L)
    places = mosaic_places(space)
    for state in range(space.n_states):
        top, left, height, width = by_cutting(space.decode(state), V)
        assert (1 / height, 1 / width) == places.shape
        assert (places.row[state], places.column[state]) == (top / height, left / width)


def test_four_tokens_by_hand():
    # two of context: the newest token is the quarter, the older one the quarter of the quarter
    space = StateSpace(4, 2)
    places = mosaic_places(space)
    found = {window: (places.row[space.encode(window)], places.column[space.encode(window)]) for window in [
        (0, 0), (1, 0), (2, 0), (0, 1), (3, 1), (0, 2), (3, 3)]}  # fmt: skip
    assert found == {(0, 0): (0, 0), (1, 0): (0, 1), (2, 0): (1, 0), (0, 1): (0, 2), (3, 1): (1, 3), (0, 2): (2, 0),
                     (3, 3): (3, 3)}  # fmt: skip
    assert (places.shape, places.tile_shape, places.grid) == ((4, 4), (2, 2), (2, 2))


def test_two_tokens_make_a_square_without_blanks():
    places = mosaic_places(StateSpace(2, 20))
    assert places.shape == (1024, 1024)
    assert len(np.unique(places.row * 1024 + places.column)) == 2**20


def test_tiles_of_few_tokens_by_hand():
    assert [tile_grid(V) for V in (1, 2, 3, 4, 5, 6, 7, 9, 10, 13, 16, 17, 27, 65)] == [
        (1, 1), (1, 2), (1, 3), (2, 2), (2, 3), (2, 3), (2, 4), (3, 3), (2, 5), (3, 5), (4, 4), (3, 6), (3, 9),
        (5, 13)]  # fmt: skip


@pytest.mark.parametrize("V", [*range(1, 70), 256, 257, 1000, 50257])
def test_no_allowed_tile_leaves_fewer_blank(V):
    rows, columns = tile_grid(V)
    assert rows <= columns <= 3 * rows
    assert rows * columns >= V
    allowed = [(r, c) for r in range(1, 2 * V + 1) for c in range(r, 3 * r + 1) if r * c >= V] if V < 70 else []
    assert all((r * c, c) >= (rows * columns, columns) for r, c in allowed)


def test_letters_and_the_end_of_a_line_leave_nothing_blank():
    places = mosaic_places(StateSpace(27, 4))
    assert (places.shape, places.tile_shape, places.grid) == ((729, 729), (243, 81), (3, 9))
    assert StateSpace(27, 4).n_states == 729 * 729


@pytest.mark.parametrize(("V", "L"), SPACES)
def test_no_cell_is_taken_twice_and_windows_that_end_alike_fill_a_tile(V, L):
    space = StateSpace(V, L)
    places = mosaic_places(space)
    assert len({*zip(places.row.tolist(), places.column.tolist(), strict=True)}) == space.n_states
    newest = space.token_from_end(0)
    high, wide = places.tile_shape
    assert ((places.row // high) * places.grid[1] + places.column // wide == newest).all()


def test_a_space_with_prefixes_has_a_mosaic_for_each_length():
    space = StateSpace(3, 3, with_prefixes=True)
    for length in (1, 2, 3):
        found, alone = mosaic_places(space, length), mosaic_places(StateSpace(3, length))
        assert (found.row == alone.row).all()
        assert (found.column == alone.column).all()
        assert found.shape == alone.shape
    assert mosaic_places(space).shape == mosaic_places(space, 3).shape


@pytest.mark.parametrize("length", [0, 1, 4, 2.5, -1, True])
def test_a_length_that_no_state_has_is_refused(length):
    with pytest.raises(InvalidInput, match=r"length must be that of states, 3 to 3, got .*; None takes the longest"):
        mosaic_places(StateSpace(2, 3), length)


def test_too_many_cells_are_refused_before_they_are_made():
    with pytest.raises(TooLarge, match=r"at most 16777216 cells, got more for windows of 25 out of 2 tokens"):
        mosaic_places(StateSpace(2, 25))
    with pytest.raises(TooLarge, match="give a shorter context length"):
        mosaic_places(StateSpace(10**9, 10**3))


def test_the_cells_are_read_only():
    places = mosaic_places(StateSpace(2, 2))
    with pytest.raises(ValueError, match="read-only"):
        places.row[0] = 1
