"""What a question is asked about: targets and starts in any of the forms people give them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from markovgpt.chains.operator import TransitionOperator
from markovgpt.chains.red import ending_with
from markovgpt.chains.states import Mask
from markovgpt.errors import InvalidInput
from markovgpt.scaled import FloatArray

Target = Mask | Sequence[int] | NDArray[np.integer[Any]] | str
Start = int | Sequence[int] | FloatArray | str


def target_mask(chain: TransitionOperator, target: Target, name: str = "target") -> Mask:
    """The states of a target as a bool mask.

    Parameters
    ----------
    target: a bool mask (n_states,), state numbers, or a text: the windows that end with it.

    Raises
    ------
    InvalidInput: nothing is marked, a mask of another length, states outside the chain, a text on a chain whose states
        are not windows.
    """
    if isinstance(target, str):
        if chain.space is None:
            raise InvalidInput(
                f"a text {name} needs a chain over windows, got {target!r}; give state numbers or a mask"
            )
        mask = ending_with(chain.space, target, chain.vocabulary)
    else:
        mask = _mask_of(chain, np.asarray(target), name)
    if not mask.any():
        raise InvalidInput(
            f"{name} must mark at least one of the {chain.n_states} states, got none; check the pattern or the mask"
        )
    return mask


def _mask_of(chain: TransitionOperator, given: NDArray[np.generic], name: str) -> Mask:
    """A mask of a mask or of state numbers."""
    n = chain.n_states
    if given.dtype == bool:
        if given.shape != (n,):
            raise InvalidInput(f"a {name} mask must have the shape ({n},), got {given.shape}; one entry for each state")
        return np.asarray(given)
    mask = np.zeros(n, dtype=bool)
    if given.size:
        if not np.issubdtype(given.dtype, np.integer) or given.ndim > 1:
            raise InvalidInput(
                f"{name} must be a bool mask, state numbers or a text, got {given.dtype} numbers; "
                "turn a mask of numbers into one of bools"
            )
        states = given.astype(np.int64)
        if not ((states >= 0) & (states < n)).all():
            outside = int(states[(states < 0) | (states >= n)][0])
            raise InvalidInput(f"{name} states must lie in 0..{n - 1}, got {outside}; see chain.n_states")
        mask[states] = True
    return mask


def start_distribution(chain: TransitionOperator, start: Start) -> FloatArray:
    """A start as a distribution over the states.

    Parameters
    ----------
    start: a state number, a float array (n_states,) that sums to 1, a window (a sequence of token ids), or a text.

    Raises
    ------
    InvalidInput: a state outside the chain, a window that is no state, an array that is no distribution.
    """
    n = chain.n_states
    if isinstance(start, np.ndarray) and np.issubdtype(start.dtype, np.floating):
        off = abs(float(start.sum()) - 1)
        if start.shape != (n,) or not (start >= 0).all() or off > (n + 8) * 2.0**-52:
            raise InvalidInput(
                f"a start distribution must be ({n},) non-negative numbers that sum to 1, got shape {start.shape} and "
                f"sum {float(start.sum()):.17g}; divide it by its sum"
            )
        return np.asarray(start, dtype=np.float64)
    distribution = np.zeros(n)
    distribution[start_state(chain, start)] = 1.0
    return distribution


def start_state(chain: TransitionOperator, start: Start) -> int:
    """A start that is one state, as its number; see `start_distribution`."""
    if isinstance(start, int | np.integer) and not isinstance(start, bool):
        if not 0 <= start < chain.n_states:
            raise InvalidInput(f"start must lie in 0..{chain.n_states - 1}, got {start}; see chain.n_states")
        return int(start)
    if chain.space is None:
        raise InvalidInput("a start window or text needs a chain over windows, got one without; give a state number")
    if isinstance(start, str):
        if chain.vocabulary is None:
            raise InvalidInput(f"a text start needs a vocabulary, got {start!r} without one; give token ids or a state")
        return chain.space.encode(chain.vocabulary.encode(start))
    tokens = np.asarray(start)
    if tokens.ndim != 1 or not np.issubdtype(tokens.dtype, np.integer):
        raise InvalidInput(
            f"start must be a state, a distribution, a window of token ids or a text, got {start}; "
            "give a distribution as a numpy array of floats"
        )
    return chain.space.encode(tuple(tokens.tolist()))
