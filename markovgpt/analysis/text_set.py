"""How likely is it that a start goes on with one of some texts, such as the lines that a model was trained on?

A text that begins with another of them adds nothing; the others exclude each other, and their probabilities add up.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from markovgpt.analysis.arguments import Start, start_state
from markovgpt.analysis.paths import walk_probabilities
from markovgpt.analysis.result import Answer
from markovgpt.analysis.structure import proved
from markovgpt.chains.operator import TransitionOperator, windows_of
from markovgpt.chains.states import as_tokens
from markovgpt.errors import InvalidInput
from markovgpt.scaled import ScaledArray, concatenate, widen
from markovgpt.solvers.certificate import Enclosure, at_most_one
from markovgpt.sums import TOTAL_ROUNDINGS, total

Text = Sequence[int] | str


def any_text_probability(chain: TransitionOperator, start: Start, texts: Iterable[Text]) -> Answer:
    """How likely is it that a start goes on with one of these texts?

        P(X_1 .. X_|w| write w, for some w of the set) = sum over w that begin with no other of P(w)

    Parameters
    ----------
    start: a state, a window, or a text.
    texts: each as token ids or as text, in any order; what stands there twice counts once.

    Returns
    -------
    Answer: exactly 0 where none is possible, exactly 1 where one of them is empty.

    Raises
    ------
    InvalidInput: no texts, tokens outside the vocabulary, a text without a vocabulary, a chain whose states are no
        windows.

    Method: the texts are followed side by side, token by token, listing the transitions that leave the states they
    stand in; then one product a text, and one sum.

    >>> from markovgpt.chains.states import StateSpace
    >>> from markovgpt.chains.window_chain import WindowChain
    >>> coin = WindowChain(StateSpace(2, 1), np.array([[0.75, 0.25], [0.5, 0.5]]))
    >>> any_text_probability(coin, 0, [[0, 0], [1], [1, 1]]).value                  # 9/16 + 1/4
    0.8125
    """
    space, begin = windows_of(chain), start_state(chain, start)
    wanted = _exclusive([_tokens(chain, text, space.vocab_size) for text in texts])
    walks = _walks(chain, begin, wanted)
    if not walks:
        return Answer.of(proved(np.zeros(())))
    if len(walks[0]) == 1:  # the empty text
        return Answer.of(proved(np.ones(())))
    departure = np.zeros(chain.n_states)
    departure[begin] = 1.0
    chances = [answer.enclosure for answer in walk_probabilities(chain, departure, walks)]
    value, lower, upper = (
        ScaledArray.of(total(concatenate([ScaledArray.of(getattr(each, part)).reshape(1) for each in chances])))
        for part in ("value", "lower", "upper")
    )
    below, above = widen(lower, TOTAL_ROUNDINGS)[0], widen(upper, TOTAL_ROUNDINGS)[1]
    method = f"a sum of {len(walks)} products"
    return Answer.of(at_most_one(Enclosure(value, below, above, 0.0, method)), iterations=max(map(len, walks)) - 1)


def _tokens(chain: TransitionOperator, text: Text, vocab_size: int) -> tuple[int, ...]:
    """A text as token ids."""
    if not isinstance(text, str):
        return as_tokens(text, vocab_size)
    if chain.vocabulary is None:
        raise InvalidInput(f"a text needs a vocabulary, got {text!r} without one; give token ids")
    return as_tokens(chain.vocabulary.encode(text), vocab_size)


def _exclusive(texts: Sequence[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """The texts that begin with no other; in order, a text comes right after one that it begins with, or its kin."""
    if not texts:
        raise InvalidInput("texts must hold at least one, got none; the probability of none of them is 0")
    kept: list[tuple[int, ...]] = []
    for text in sorted(set(texts)):
        if not kept or text[: len(kept[-1])] != kept[-1]:
            kept.append(text)
    return kept


def _walks(chain: TransitionOperator, begin: int, texts: Sequence[tuple[int, ...]]) -> list[list[int]]:
    """The states through which each text leads; those that are impossible are left out."""
    newest = windows_of(chain).token_from_end(0)
    alive, done = [(text, [begin]) for text in texts], []
    place = 0
    while alive:
        done += [states for text, states in alive if len(text) == place]
        alive = [(text, states) for text, states in alive if len(text) > place]
        here = np.zeros(chain.n_states, dtype=bool)
        here[[states[-1] for _, states in alive]] = True
        found = chain.edges(here)
        ahead = dict(
            zip(
                zip(found.source.tolist(), newest[found.target].tolist(), strict=True),
                found.target.tolist(),
                strict=True,
            )
        )
        for text, states in alive:
            states.append(ahead.get((states[-1], text[place]), -1))
        alive = [(text, states) for text, states in alive if states[-1] >= 0]
        place += 1
    return done
