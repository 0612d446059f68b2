"""What a question is asked about: targets and starts in any of the forms people give them."""

import math
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from markovgpt.analysis.result import Answer
from markovgpt.chains.automaton import TokenAutomaton
from markovgpt.chains.operator import TransitionOperator, windows_of
from markovgpt.chains.red import RedPattern, red_strings
from markovgpt.chains.states import Mask, Window, Windows
from markovgpt.errors import InvalidInput
from markovgpt.scaled import ROUNDING, FloatArray, as_floats, is_positive, quotient
from markovgpt.sums import TOTAL_ROUNDINGS
from markovgpt.vocabulary import Vocabulary

MOST_OFF = 1e-6  # a distribution that was asked for sums to one but for its bounds
Predicate = Callable[[Window], bool]
Target = Mask | Sequence[int] | NDArray[np.integer[Any]] | str | Sequence[str] | RedPattern | Predicate
Start = int | Sequence[int] | FloatArray | str | Answer


class HasStates(Protocol):
    """What has states that may be windows, such as a chain or a greedy machine."""

    @property
    def n_states(self) -> int:
        """Number of states."""
        ...

    @property
    def space(self) -> Windows | None:
        """The windows its states are, where they are windows."""
        ...

    @property
    def vocabulary(self) -> Vocabulary | None:
        """The tokens' strings, if known."""
        ...


def as_seen(chain: TransitionOperator, target: Target, name: str = "target") -> Mask | TokenAutomaton:
    """The states of a target as a bool mask; an automaton where the states of the chain do not show it.

    Parameters
    ----------
    target: a bool mask (n_states,), state numbers, a text or several, a pattern of `red_strings`, `red_tokens` or
        `red_regex`, or a function from windows (tuples of token ids) to truths.

    Raises
    ------
    InvalidInput: nothing is marked, a mask of another length, states outside the chain, a text without a vocabulary, a
        pattern on a chain whose states are not windows.
    """
    pattern = _pattern(chain, target, name)
    if pattern is not None:
        space = windows_of(chain)
        automaton = pattern.compiled(space.vocab_size)
        shown = automaton.is_shown_by(space.context_length)
        return automaton.accepting[automaton.states_of(space)] if shown else automaton
    mask = _where(chain, target, name) if callable(target) else _mask_of(chain, np.asarray(target), name)
    if not mask.any():
        raise InvalidInput(
            f"{name} must mark at least one of the {chain.n_states} states, got none; check the pattern or the mask"
        )
    return mask


def target_mask(
    chain: TransitionOperator,
    target: Target,
    name: str = "target",
    *,
    instead: str = "the answer without a certificate",
) -> Mask:
    """The states of a target that the states of the chain show, as a bool mask; see `as_seen`.

    Parameters
    ----------
    instead: what can be asked for where they do not show it.

    Raises
    ------
    InvalidInput: what `as_seen` refuses, and a pattern that is longer than the window.
    """
    seen = as_seen(chain, target, name)
    if isinstance(seen, TokenAutomaton):
        raise InvalidInput(
            f"{name} must be seen in a window of {windows_of(chain).context_length} tokens here, got {target}; "
            f"ask about a part of it, or for {instead}, which has no such limit"
        )
    return seen


def _pattern(chain: TransitionOperator, target: Target, name: str) -> RedPattern | None:
    """The pattern that a target is, if it is one; a text is one of the chain's vocabulary."""
    if isinstance(target, RedPattern):
        return target
    if isinstance(target, str):
        texts: tuple[str, ...] = (target,)
    elif isinstance(target, list | tuple) and target and all(isinstance(text, str) for text in target):
        texts = tuple(map(str, target))
    else:
        return None
    windows_of(chain)
    if chain.vocabulary is None:
        raise InvalidInput(
            f"a text {name} needs a vocabulary, got {texts[0]!r} without one; give token ids (red_tokens) instead"
        )
    return red_strings(*texts, vocabulary=chain.vocabulary)


def _where(chain: TransitionOperator, predicate: Predicate, name: str) -> Mask:
    """The states whose windows a function says yes to."""
    space = windows_of(chain)
    found = [predicate(space.decode(state)) for state in range(chain.n_states)]
    if not all(isinstance(truth, bool | np.bool_) for truth in found):
        raise InvalidInput(f"a {name} function must answer True or False for each window, got others; compare with ==")
    return np.array(found)


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
    start: a state number, a float array (n_states,) that sums to 1, a window (a sequence of token ids), a text, or a
        distribution that was asked for, such as the one of the long run.

    Raises
    ------
    InvalidInput: a state outside the chain, a window that is no state, an array that is no distribution.
    """
    n = chain.n_states
    if isinstance(start, Answer):
        return _asked_for(chain, start)
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


def start_roundings(start: Start | None) -> int:
    """How many factors within 1 +- 2**-53 each entry of a start distribution may be off."""
    if not isinstance(start, Answer):
        return 0
    found = start.enclosure
    below, above = (as_floats(quotient(part, found.value)) for part in (found.lower, found.upper))
    wide = np.where(is_positive(found.value), np.maximum(1 - below, above - 1), 0.0).max()
    return math.ceil(1.01 * float(wide) / ROUNDING) + TOTAL_ROUNDINGS + 4


def _asked_for(chain: TransitionOperator, start: Answer) -> FloatArray:
    """The values of an answer that is a distribution over the states of the chain."""
    values = np.asarray(start.value)
    off = abs(float(values.sum()) - 1)
    if values.shape == (chain.n_states,) and (is_positive(start.enclosure.value) & (values == 0)).any():
        raise InvalidInput(
            "a start that was asked for must be a distribution of doubles, got one with probabilities below their "
            "range; begin in one state or window, or raise the temperature"
        )
    if values.shape != (chain.n_states,) or np.any(start.infinite) or off > MOST_OFF:
        raise InvalidInput(
            f"a start that was asked for must be a distribution of doubles over the {chain.n_states} states, got shape "
            f"{values.shape} and sum {float(values.sum()):.17g}; see long_run_distribution"
        )
    return np.asarray(values / values.sum(), dtype=np.float64)


def start_state(chain: HasStates, start: Start) -> int:
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
