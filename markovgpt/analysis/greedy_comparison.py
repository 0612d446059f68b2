"""What changed at temperature zero: which loops vanished, appeared and stayed, and which windows lead elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from markovgpt.analysis.greedy import GreedyMachine, greedy_machine
from markovgpt.analysis.shared_space import on_same_windows
from markovgpt.chains.logits import LogitTable
from markovgpt.chains.states import Mask, window_label
from markovgpt.shown import Shown


@dataclass(frozen=True)
class Loop(Shown):
    """A loop that a model falls into at temperature zero.

    Parameters
    ----------
    text: the tokens it says, once around.
    windows: the states it runs through, from its lowest.
    basin_before, basin_after: how many windows lead into it; 0 where it is no loop.
    """

    text: str
    windows: tuple[int, ...]
    basin_before: int
    basin_after: int


@dataclass(frozen=True, eq=False, repr=False)
class GreedyComparison(Shown):
    """Two machines at temperature zero.

    Parameters
    ----------
    stayed, vanished, appeared: loops, each by the size of its basin, the largest first.
    moved: (n_states,) which windows lead into another loop than before.
    changed_token: (n_states,) after which windows another token is said.
    """

    stayed: tuple[Loop, ...]
    vanished: tuple[Loop, ...]
    appeared: tuple[Loop, ...]
    moved: Mask
    changed_token: Mask

    @property
    def n_moved(self) -> int:
        """How many windows lead into another loop than before."""
        return int(self.moved.sum())

    @property
    def n_changed_tokens(self) -> int:
        """After how many windows another token is said."""
        return int(self.changed_token.sum())

    def summary(self) -> dict[str, Any]:
        """The loops and the counts as a plain dict."""
        loops = {
            name: [
                {"loop": loop.text, "length": len(loop.windows), "before": loop.basin_before, "after": loop.basin_after}
                for loop in getattr(self, name)
            ]
            for name in ("stayed", "vanished", "appeared")
        }
        return {**loops, "windows_moved": self.n_moved, "tokens_changed": self.n_changed_tokens}


def compare_greedy(before: LogitTable, after: LogitTable, *, shared: bool = False) -> GreedyComparison:
    """Which loops did a model fall into before, and which does it now?

    A loop is its windows, in their order: one that runs through other windows is another one.

    Parameters
    ----------
    before, after: the logits of every window.
    shared: as for `compare_chains`.

    Raises
    ------
    InvalidInput: tables over different windows, a row of logits that holds NaN, +inf or no number.

    >>> from markovgpt.chains.states import StateSpace
    >>> stay = LogitTable(StateSpace(2, 1), np.array([[1.0, 0.0], [0.0, 1.0]]))
    >>> swap = LogitTable(StateSpace(2, 1), np.array([[0.0, 1.0], [1.0, 0.0]]))
    >>> found = compare_greedy(stay, swap)
    >>> [loop.text for loop in found.vanished], [loop.windows for loop in found.appeared], found.n_moved
    (['0', '1'], [(0, 1)], 2)
    """
    before, after = on_same_windows(before, after, shared=shared)
    machines = greedy_machine(before), greedy_machine(after)
    sizes = [np.bincount(machine.basin, minlength=len(machine.cycles)).tolist() for machine in machines]
    places = [
        {tuple(np.asarray(states).tolist()): place for place, states in enumerate(machine.cycles)}
        for machine in machines
    ]
    loops = [
        Loop(
            _text(machines[0 if windows in places[0] else 1], windows),
            windows,
            *(size[place[windows]] if windows in place else 0 for place, size in zip(places, sizes, strict=True)),
        )
        for windows in dict.fromkeys([*places[0], *places[1]])
    ]
    return GreedyComparison(
        _largest_first(loop for loop in loops if loop.basin_before and loop.basin_after),
        _largest_first(loop for loop in loops if not loop.basin_after),
        _largest_first(loop for loop in loops if not loop.basin_before),
        _moved(machines, places),
        np.asarray(machines[0].token != machines[1].token),
    )


def _moved(machines: Sequence[GreedyMachine], places: Sequence[dict[tuple[int, ...], int]]) -> Mask:
    """The windows that lead into another loop than before."""
    number_after: NDArray[np.int64] = np.array([places[1].get(windows, -1) for windows in places[0]], dtype=np.int64)
    return np.asarray(number_after[machines[0].basin] != machines[1].basin)


def _text(machine: GreedyMachine, windows: Sequence[int]) -> str:
    """What a loop says."""
    return window_label(tuple(machine.token[list(windows)].tolist()), machine.vocabulary)


def _largest_first(loops: Any) -> tuple[Loop, ...]:
    """Loops by the size of their larger basin."""
    return tuple(sorted(loops, key=lambda loop: -max(loop.basin_before, loop.basin_after)))
