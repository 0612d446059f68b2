"""The tree of windows: each window once, in shapes that depend on V, L and the target alone."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from markovgpt.models.window_tree import BLOCK_ENTRIES, TreeSurvey, WindowTree

TREES = st.builds(
    WindowTree,
    vocab_size=st.integers(1, 7),
    context_length=st.integers(1, 5),
    with_prefixes=st.booleans(),
    target_rows=st.integers(1, 40),
)


@given(TREES)
def test_every_window_that_is_wanted_is_in_exactly_one_block(tree):
    answered = Counter(
        (length, first + row)
        for block in range(tree.n_blocks)
        for length, first, rows in tree.parts(block)
        for row in range(rows)
    )
    lengths = range(1 if tree.with_prefixes else tree.context_length, tree.context_length + 1)
    assert answered == Counter((n, number) for n in lengths for number in range(tree.vocab_size**n))


@given(TREES)
def test_a_tile_comes_after_the_tiles_that_hold_all_its_ancestors(tree):
    V = tree.vocab_size
    for block in range(tree.n_blocks):
        at = {}
        for level, tile, _ in tree.steps(block):
            at[level] = tile
            nodes = range(tile * tree.rows[level], (tile + 1) * tree.rows[level])
            for upper in range(level):
                assert {node // V ** (level - upper) // tree.rows[upper] for node in nodes} == {at[upper]}


@given(TREES)
def test_a_shorter_context_has_the_same_tiles(tree):
    shorter = WindowTree(tree.vocab_size, max(1, tree.context_length - 1), tree.with_prefixes, tree.target_rows)
    assert shorter.rows == tree.rows[: len(shorter.rows)]


@pytest.mark.parametrize(
    ("vocab_size", "rows"),
    [
        (1, 1),
        (2, 2048),
        (3, 3**7),  # 2187; two thirds of it would be 1458, but 2 does not divide 3
        (27, 3 * 27**2),  # 2187, nearer to 2048 than 729
        (65, 65**2),  # 4225 is 2.06 times the target, 13 * 65 = 845 is 2.42 times below it
        (50257, 1733),  # 29 * 1733: a part of one level
        (4099, 4099),  # a prime has no part but 1
    ],
)
def test_a_tile_is_the_c_vk_nearest_to_the_target(vocab_size, rows):
    assert WindowTree(vocab_size, 12, False, 2048).rows[-1] == rows


def test_a_block_holds_at_most_so_many_logits_or_one_tile():
    for vocab_size in (2, 3, 27, 65, 100, 256, 1000):
        tree = WindowTree(vocab_size, 8, False, 2048)
        windows = sum(part.rows for part in tree.parts(0))
        assert windows * vocab_size <= BLOCK_ENTRIES or windows == tree.rows[-1]


def test_sizes_beyond_any_machine_are_known_at_once():
    tree = WindowTree(65, 64, False, 2048)
    assert tree.n_blocks * sum(part.rows for part in tree.parts(0)) == 65**64


class Recorder:
    """A walk that remembers its visits."""

    def __init__(self):
        self.visits = []

    def visit(self, level, tile, wanted):
        self.visits.append((level, tile))


def test_a_worker_does_not_evaluate_again_what_it_stands_below():
    tree, walk = WindowTree(2, 6, False, 2), Recorder()
    survey = TreeSurvey(tree, lambda: walk, 0, "")
    worker = survey.worker()
    for block in range(tree.n_blocks):
        list(worker(block))
    assert len(walk.visits) == len(set(walk.visits)) == sum(tree.n_tiles(level) for level in range(6))
