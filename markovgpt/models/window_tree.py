"""All windows of up to L tokens as a tree, cut into tiles that are evaluated at once and blocks that are kept at once.

A node is a window, its parent the window without the newest token, so a causal model evaluates V + V**2 + ... + V**L
tokens for all of them. A tile is a run of sibling subtrees of one level, c V**k nodes with c a divisor of V; its
ancestors at every level lie within one tile. A block is a tile with everything below it. All of it follows from V, L
and a target of rows, and from nothing else: every window is computed at one place of one shape of arithmetic, whatever
the memory, the workers and the point of resuming, and so its logits are the same bytes.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Protocol

from numpy import floating
from numpy.typing import NDArray

BLOCK_TILES = 3  # at least, so that what is kept of a block, and its share of the work above it, is small
BLOCK_ENTRIES = 2**22  # at most, of the logits of one block's full windows


class Part(NamedTuple):
    """A run of windows of one length: the first one's number among those of that length, and how many rows they are."""

    length: int
    first: int
    rows: int


class Survey(Protocol):
    """One way of asking a model about all windows, block by block."""

    @property
    def n_blocks(self) -> int:
        """Number of blocks."""
        ...

    @property
    def bytes_per_worker(self) -> int:
        """What one worker holds beside the table."""
        ...

    @property
    def method(self) -> str:
        """What makes the bytes what they are."""
        ...

    def parts(self, block: int) -> list[Part]:
        """The windows that a block answers, each window in exactly one block."""
        ...

    def worker(self) -> Callable[[int], Iterator[NDArray[floating[Any]]]]:
        """A worker with a place of its own in the tree: from a block to the logits of its parts, in their order."""
        ...


class Walk(Protocol):
    """A place in the tree."""

    def visit(self, level: int, tile: int, wanted: bool) -> NDArray[floating[Any]] | None:
        """Evaluate a tile below the tiles last visited; its logits (rows, V) where they are wanted."""
        ...


@dataclass(frozen=True)
class WindowTree:
    """The tiles and blocks of a tree of windows.

    Parameters
    ----------
    vocab_size, context_length: V and L, at least 1.
    with_prefixes: whether the windows of 1 .. L-1 tokens are wanted too.
    target_rows: the size of tile to come near to, in ratio.

    >>> tree = WindowTree(vocab_size=3, context_length=4, with_prefixes=False, target_rows=8)
    >>> tree.rows, tree.block_level, tree.n_blocks      # windows of four tokens come in 9 tiles of 9
    ((3, 9, 9, 9), 2, 3)
    >>> tree.parts(0)[:2]
    [Part(length=4, first=0, rows=9), Part(length=4, first=9, rows=9)]
    """

    vocab_size: int
    context_length: int
    with_prefixes: bool
    target_rows: int

    @cached_property
    def rows(self) -> tuple[int, ...]:
        """Nodes in a tile, level by level (level 0 holds the windows of one token)."""
        largest = _tile_rows(self.vocab_size, self.target_rows)
        return tuple(min(self.vocab_size ** (level + 1), largest) for level in range(self.context_length))

    @cached_property
    def block_level(self) -> int:
        """The level of the tiles at the top of the blocks: the deepest with BLOCK_TILES tiles of full windows below."""
        for level in reversed(range(self.context_length)):
            windows = self.rows[level] * self.vocab_size ** (self.context_length - 1 - level)
            if windows * self.vocab_size > BLOCK_ENTRIES:
                break
            if windows >= BLOCK_TILES * self.rows[-1]:
                return level
        return self.context_length - 1 if self.n_tiles(self.context_length - 1) >= BLOCK_TILES else 0

    @property
    def n_blocks(self) -> int:
        """Number of blocks."""
        return self.n_tiles(self.block_level)

    def n_tiles(self, level: int) -> int:
        """Number of tiles of a level."""
        return int(self.vocab_size ** (level + 1) // self.rows[level])

    def steps(self, block: int) -> Iterator[tuple[int, int, bool]]:
        """The tiles of a block, depth first after those above it: level, tile, and whether the block answers it.

        A tile above several blocks is answered by the first of them.
        """
        for level in range(self.block_level):
            blocks_below = self.n_blocks // self.n_tiles(level)
            yield level, block // blocks_below, self.with_prefixes and block % blocks_below == 0
        pending = [(self.block_level, block)]
        while pending:
            level, tile = pending.pop()
            last = level == self.context_length - 1
            yield level, tile, self.with_prefixes or last
            if not last:
                children = self.n_tiles(level + 1) // self.n_tiles(level)
                pending += [(level + 1, tile * children + child) for child in reversed(range(children))]

    def parts(self, block: int) -> list[Part]:
        """The windows that a block answers."""
        return [
            Part(level + 1, tile * self.rows[level], self.rows[level])
            for level, tile, wanted in self.steps(block)
            if wanted
        ]


@dataclass(frozen=True)
class TreeSurvey:
    """A survey that walks a tree."""

    tree: WindowTree
    begin: Callable[[], Walk]
    bytes_per_worker: int
    by: str  # what is walked with

    @property
    def method(self) -> str:
        """What makes the bytes what they are."""
        return f"{self.by} in tiles of {', '.join(map(str, self.tree.rows))} rows"

    @property
    def n_blocks(self) -> int:
        """Number of blocks."""
        return self.tree.n_blocks

    def parts(self, block: int) -> list[Part]:
        """The windows that a block answers."""
        return self.tree.parts(block)

    def worker(self) -> Callable[[int], Iterator[NDArray[floating[Any]]]]:
        """A worker that evaluates the tiles above a block only where it does not stand below them already."""
        walk = self.begin()
        stands_at: dict[int, int] = {}

        def answer(block: int) -> Iterator[NDArray[floating[Any]]]:
            for level, tile, wanted in self.tree.steps(block):
                if wanted or stands_at.get(level) != tile:
                    logits = walk.visit(level, tile, wanted)
                    stands_at[level] = tile
                    if logits is not None:
                        yield logits

        return answer


def _tile_rows(vocab_size: int, target: int) -> int:
    """Of all c V**k with c a divisor of V, the one nearest to the target in ratio."""
    divisors = [c for c in range(1, vocab_size + 1) if vocab_size % c == 0]
    powers = [1] if vocab_size == 1 else [vocab_size**k for k in range(2 + int(math.log(target, vocab_size)))]
    return min((c * power for c in divisors for power in powers), key=lambda rows: abs(math.log(rows / target)))
