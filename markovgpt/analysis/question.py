"""A question about reaching, as masks and a start on the chain that answers it.

Red that the window shows is a mask on the chain itself. For red that it does not show (a text longer than the window,
an expression, a text that ends) the chain that answers is the product with what has been written.
"""

from collections.abc import Sequence, Sized
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from markovgpt.analysis.arguments import Start, Target, as_seen, start_distribution, start_roundings
from markovgpt.chains.automaton import TokenAutomaton, aho_corasick, joined
from markovgpt.chains.operator import TransitionOperator, windows_of
from markovgpt.chains.product import product
from markovgpt.chains.states import Mask, as_tokens
from markovgpt.errors import InvalidInput
from markovgpt.scaled import FloatArray, widen
from markovgpt.solvers.certificate import Enclosure, mean_over
from markovgpt.sums import scatter_sum


@dataclass(frozen=True, eq=False)
class Question:
    """What is asked, on the chain that answers it.

    Parameters
    ----------
    chain: the chain asked about, or its product with what has been written.
    reached: (n_states,) the target.
    avoided: (n_states,) what ends the walk; a state in both counts as reached.
    begin: (n_states,) the start, a distribution; None asks about every start.
    entries: the state of this chain at which each state of the chain asked about begins; None where they are the same.
    window_of: the state of the chain asked about that each state of this one belongs to; None where they are the same.
    start_roundings: by how many factors within 1 +- 2**-53 each entry of the start may be off.
    """

    chain: TransitionOperator
    reached: Mask
    avoided: Mask
    begin: FloatArray | None
    entries: NDArray[np.int64] | None = None
    window_of: NDArray[np.int64] | None = None
    start_roundings: int = 0

    @property
    def through(self) -> Mask:
        """The states from which the walk goes on."""
        return ~(self.reached | self.avoided)

    @property
    def departure(self) -> FloatArray:
        """The start of a question that needs one.

        Raises
        ------
        InvalidInput: every start is asked about, or one that is known within bounds alone.
        """
        if self.start_roundings:
            raise InvalidInput(
                "start must be known exactly here, got an answer with bounds; give its values over their sum"
            )
        return self.start_values

    @property
    def start_values(self) -> FloatArray:
        """The start as `departure`; of one known within bounds its values, for what `at_entries` then widens."""
        if self.begin is None:
            raise InvalidInput("start must be given, got None; give a state, a distribution, a window or a text")
        return self.begin

    @property
    def everywhere(self) -> "Question":
        """The same question, asked of every state of its chain."""
        return replace(self, begin=None, entries=None, window_of=None, start_roundings=0)

    def answered(self, found: Enclosure) -> Enclosure:
        """What is found about every state, as what was asked: from the start, or from every state asked about."""
        return self.at_entries(found if self.begin is None else mean_over(self.begin, found))

    def at_entries(self, found: Enclosure) -> Enclosure:
        """What is found about every start, for the states asked about; about one start, with the bounds of its own."""
        if self.begin is not None:
            return self._from_start(found)
        if self.entries is None:
            return found
        value, lower, upper = (part[self.entries] for part in (found.value, found.lower, found.upper))
        return replace(found, value=value, lower=lower, upper=upper)

    def truth_at_entries(self, found: Mask) -> Mask:
        """What is true of every start, for the states asked about."""
        return found if self.entries is None else found[self.entries]

    def anywhere(self, found: Mask) -> Mask:
        """Whether something is true of any state that belongs to each state asked about."""
        if self.window_of is None:
            return found
        return np.bincount(self.window_of[found], minlength=int(self.window_of.max()) + 1) > 0

    def per_state_asked(self, found: Enclosure) -> Enclosure:
        """What is found in each state, added up over those that belong to one state asked about."""
        found = self._from_start(found)
        if self.window_of is None:
            return found
        n = int(self.window_of.max()) + 1
        value, lower, upper = (scatter_sum(part, self.window_of, n) for part in (found.value, found.lower, found.upper))
        roundings = int(np.bincount(self.window_of).max())
        return replace(found, value=value, lower=widen(lower, roundings)[0], upper=widen(upper, roundings)[1])

    def _from_start(self, found: Enclosure) -> Enclosure:
        """What is linear in the start, for any start within its bounds."""
        if not self.start_roundings:
            return found
        lower, upper = (widen(part, self.start_roundings)[side] for side, part in enumerate((found.lower, found.upper)))
        return replace(found, lower=lower, upper=upper)

    def for_each_state(self, given: FloatArray) -> FloatArray:
        """Numbers for each state asked about, for each state of this chain."""
        return given if self.window_of is None else given[self.window_of]


def posed(
    chain: TransitionOperator,
    target: Target,
    *,
    start: Start | None = None,
    avoiding: Target | None = None,
    stop_tokens: Sequence[int] = (),
) -> Question:
    """The question whether, and when, a target is reached before what is to be avoided, and before the text ends.

    Parameters
    ----------
    stop_tokens: tokens that end the text when they are written; a start may hold them.

    Raises
    ------
    InvalidInput: an empty target, a start or a mask that does not fit the chain.
    TooLarge: the product with what has been written would not fit.
    """
    begin = None if start is None else start_distribution(chain, start)
    asked = [as_seen(chain, target)]
    if avoiding is not None:
        asked.append(as_seen(chain, avoiding, "avoiding"))
    if not isinstance(stop_tokens, Sized) or len(stop_tokens):
        asked.append(_end(chain, stop_tokens, begin))
    roundings = start_roundings(start)
    watched = [part for part in asked if isinstance(part, TokenAutomaton)]
    if not watched:
        ends = _any(asked[1:], chain.n_states)  # type: ignore[arg-type]
        return Question(chain, asked[0], ends, begin, start_roundings=roundings)  # type: ignore[arg-type]
    following, states = joined(watched)
    sheet, begins = (_read(chain, watched, afresh=afresh) for afresh in (False, True))
    whole, entries = product(chain, following, sheet, begins if begin is None else np.where(begin > 0, begins, -1))
    state_of = dict(zip(watched, states, strict=True))
    masks = [
        part.accepting[state_of[part][whole.automaton_state]]
        if isinstance(part, TokenAutomaton)
        else part[whole.window_of]
        for part in asked
    ]
    begun = None
    if begin is not None:
        begun = np.zeros(whole.n_states)
        begun[entries[begin > 0]] = begin[begin > 0]
    return Question(whole, masks[0], _any(masks[1:], whole.n_states), begun, entries, whole.window_of, roundings)


@dataclass(frozen=True, eq=False)
class _End(TokenAutomaton):
    """An automaton that knows nothing of the text a walk begins with."""


def _end(chain: TransitionOperator, stop_tokens: Sequence[int], begin: FloatArray | None) -> Mask | _End:
    """Windows that end with a stop token; where a walk begins with one, which is not its end, an automaton."""
    space = windows_of(chain)
    tokens = as_tokens(stop_tokens, space.vocab_size)
    ended = np.isin(space.token_from_end(0), tokens)
    if not (ended if begin is None else ended & (begin > 0)).any():
        return ended
    automaton = aho_corasick([(token,) for token in tokens], space.vocab_size)
    return _End(automaton.next_state, automaton.accepting)


def _read(chain: TransitionOperator, watched: Sequence[TokenAutomaton], *, afresh: bool) -> NDArray[np.int32]:
    """(n,) the state of all automata together after each window; if ``afresh``, of an end that has read nothing."""
    found = np.zeros(chain.n_states, dtype=np.int32)
    for automaton in watched:
        found = found * automaton.n_states
        if not (afresh and isinstance(automaton, _End)):
            found = found + automaton.states_of(windows_of(chain))
    return found


def _any(masks: Sequence[Mask], size: int) -> Mask:
    """Where any of some masks is true."""
    return np.asarray(np.logical_or.reduce([np.zeros(size, dtype=bool), *masks]))
