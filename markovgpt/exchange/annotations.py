"""What is said about the states of a chain that goes out: labels, initial states and rewards, checked against it."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from markovgpt.chains.states import Mask
from markovgpt.errors import InvalidInput
from markovgpt.scaled import FloatArray

INIT = "init"  # the label of the initial states, in every format


class Annotations(NamedTuple):
    """Labels and rewards by their names, and the initial states."""

    labels: dict[str, Mask]
    initial: Mask
    rewards: dict[str, FloatArray]


def annotations(
    n_states: int, labels: Mapping[str, ArrayLike], initial: ArrayLike, rewards: Mapping[str, ArrayLike] | None
) -> Annotations:
    """What the writers are given, as arrays.

    Raises
    ------
    InvalidInput: masks that are none or of another length, no initial state, a label that is empty or named init,
        rewards that are no finite numbers of at least 0, one for each state.
    """
    for name in labels:
        if name in ("", INIT):
            raise InvalidInput(
                f"a label must have a name other than init, got {name!r}; the states to start in are given as initial"
            )
    marked = {name: _mask(given, n_states, f"the label {name!r}") for name, given in labels.items()}
    begins = _mask(initial, n_states, "initial")
    if not begins.any():
        raise InvalidInput(f"initial must mark at least one of the {n_states} states, got none; mark the start")
    earned = {name: _rewards(given, n_states, name) for name, given in (rewards or {}).items()}
    return Annotations(marked, begins, earned)


def _mask(given: ArrayLike, n_states: int, what: str) -> Mask:
    """A bool mask, or the refusal of what is none."""
    mask = np.asarray(given)
    if mask.shape != (n_states,) or mask.dtype != bool:
        raise InvalidInput(
            f"{what} must be a bool mask of shape ({n_states},), got {mask.dtype} of {mask.shape}; see ending_with"
        )
    return mask


def _rewards(given: ArrayLike, n_states: int, name: str) -> FloatArray:
    """Rewards, or the refusal of what are none."""
    earned = np.asarray(given)
    fits = earned.shape == (n_states,) and earned.dtype.kind in "biuf"
    if not (fits and np.isfinite(earned).all() and (earned >= 0).all()):
        raise InvalidInput(
            f"the rewards {name!r} must be {n_states} finite numbers of at least 0, got {earned.dtype} of "
            f"{earned.shape}; give one for each state"
        )
    return earned.astype(np.float64)
