"""Two models on one state space: the same windows under the same numbers, without changing either chain.

A model with a shorter context is a chain over longer windows too, whose rows depend on the newest tokens alone: each
row is repeated, exactly. Tokens that are the same strings in another order are renumbered. Anything else would be
another chain, and is refused.
"""

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from markovgpt.chains.logits import LogitTable
from markovgpt.chains.operator import TransitionOperator
from markovgpt.chains.sparse_chain import SparseChain
from markovgpt.chains.states import StateSpace
from markovgpt.chains.window_chain import WindowChain
from markovgpt.errors import InvalidInput
from markovgpt.memory import require_memory
from markovgpt.vocabulary import Vocabulary

BYTES_PER_ENTRY = 24  # of a table that is written anew, scaled at most, beside the row that is looked up
MOST_NAMED = 10

AllWindows = TypeVar("AllWindows", WindowChain, LogitTable)
States = NDArray[np.int64]


def on_one_space(
    before: TransitionOperator, after: TransitionOperator, *, shared: bool = False
) -> tuple[TransitionOperator, TransitionOperator]:
    """Two chains over the same states.

    Parameters
    ----------
    shared: whether chains of models with another context length, or with the same tokens in another order, are put
        on the windows of the longer context, numbered as ``before`` has it.

    Raises
    ------
    InvalidInput: states that are not the same; the message says what differs, and whether ``shared`` helps.
    TooLarge: the table over longer windows would not fit.

    >>> short = WindowChain(StateSpace(2, 1), np.array([[0.25, 0.75], [0.5, 0.5]]))
    >>> long = WindowChain(StateSpace(2, 2), np.full((4, 2), 0.5))
    >>> on_one_space(short, long, shared=True)[0].next_token_probs.tolist()
    [[0.25, 0.75], [0.5, 0.5], [0.25, 0.75], [0.5, 0.5]]
    """
    if isinstance(before, WindowChain) and isinstance(after, WindowChain):
        return on_same_windows(before, after, shared=shared)
    if before.n_states != after.n_states:
        raise InvalidInput(
            f"before and after must have the same states, got {before.n_states} and {after.n_states}; "
            "build both over the same list"
        )
    if before.space is not None and after.space is not None and before.space != after.space:
        raise InvalidInput(
            "before and after must be over the same windows, got others, or in another order; build both over one list"
        )
    if before.vocabulary is not None and after.vocabulary is not None and before.vocabulary != after.vocabulary:
        raise InvalidInput(_of_tokens(before.vocabulary, after.vocabulary) + "; use one vocabulary")
    if isinstance(before, SparseChain) and isinstance(after, SparseChain) and before.labels and after.labels:
        pairs = enumerate(zip(before.labels, after.labels, strict=True))
        other = next((f"state {i} is {one!r} and {two!r}" for i, (one, two) in pairs if one != two), None)
        if other is not None:
            raise InvalidInput(
                f"before and after must have the same states, got others: {other}; put them in one order"
            )
    return before, after


def on_same_windows(before: AllWindows, after: AllWindows, *, shared: bool = False) -> tuple[AllWindows, AllWindows]:
    """The same for chains, or tables of logits, over all windows."""
    one, two = before.space, after.space
    if one.with_prefixes != two.with_prefixes:
        raise InvalidInput(
            f"before and after must both be with prefixes or without, got {one.with_prefixes} and "
            f"{two.with_prefixes}; tabulate both in one way"
        )
    order = np.arange(one.vocab_size)
    if before.vocabulary is not None and after.vocabulary is not None and before.vocabulary != after.vocabulary:
        if set(before.vocabulary.tokens) != set(after.vocabulary.tokens):
            raise InvalidInput(
                _of_tokens(before.vocabulary, after.vocabulary) + "; a chain of both needs the same strings"
            )
        _need(shared, "the same tokens in one order, got another order", "renumbers them")
        order = np.array([after.vocabulary.tokens.index(token) for token in before.vocabulary.tokens])
    elif one.vocab_size != two.vocab_size:
        raise InvalidInput(
            f"before and after must have the same tokens, got {one.vocab_size} and {two.vocab_size} of them; "
            "load both models with one vocabulary"
        )
    longest = max(one.context_length, two.context_length)
    if one.context_length != two.context_length:
        what = f"windows of the same length, got {one.context_length} and {two.context_length} tokens"
        _need(shared, what, "takes both over the longer ones")
    space = StateSpace(one.vocab_size, longest, one.with_prefixes)
    return (
        _moved(before, space, np.arange(one.vocab_size), before.vocabulary),
        _moved(after, space, order, before.vocabulary if before.vocabulary is not None else after.vocabulary),
    )


def _need(shared: bool, what: str, does: str) -> None:
    """Refuse what is only done when asked."""
    if not shared:
        raise InvalidInput(f"before and after must have {what}; shared=True (--shared) {does}")


def _of_tokens(before: Vocabulary, after: Vocabulary) -> str:
    """Which tokens only one of two vocabularies has."""
    apart = [
        [one.show((i,)) for i, token in enumerate(one.tokens) if token not in set(two.tokens)][:MOST_NAMED]
        for one, two in ((before, after), (after, before))
    ]
    said = [
        f"{' '.join(tokens)} only {side}" for tokens, side in zip(apart, ("before", "after"), strict=True) if tokens
    ]
    return f"before and after must have the same tokens, got {', '.join(said) or 'another order'}"


def _moved(model: Any, space: StateSpace, order: States, vocabulary: Vocabulary | None) -> Any:
    """A model's table over the windows of a space; token i there is the model's own token ``order[i]``."""
    V = space.vocab_size
    if model.space == space and np.array_equal(order, np.arange(V)):
        return model
    require_memory(
        BYTES_PER_ENTRY * space.n_states * (V + 1),
        f"a table of {space.n_states} states x {V} tokens",
        "compare models of one context length (--context-length)",
    )
    rows = _rows(model.space, space, order)
    if isinstance(model, WindowChain):
        return WindowChain(space, model.next_token_probs[rows][:, order], vocabulary)
    return LogitTable(space, model.logits[rows][:, order], vocabulary, model.source)


def _rows(own: StateSpace, space: StateSpace, order: States) -> States:
    """For each window of a space, the state of its newest tokens in a space of shorter windows."""
    V, parts = space.vocab_size, []
    renumbered = {1: order.astype(np.int64)}
    for length in range(2, own.context_length + 1):
        renumbered[length] = (renumbered[length - 1][:, None] * V + order).reshape(-1)
    for length in range(space.shortest, space.context_length + 1):
        known = min(length, own.context_length)
        newest = np.arange(V**length) % V**known
        parts.append(own.first_state(known) + renumbered[known][newest])
    return np.concatenate(parts)
