"""A question about reaching, as masks and a start on the chain that answers it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from markovgpt.analysis.arguments import Start, Target, start_distribution, target_mask
from markovgpt.chains.operator import TransitionOperator
from markovgpt.chains.states import Mask, as_tokens
from markovgpt.errors import InvalidInput
from markovgpt.scaled import FloatArray
from markovgpt.solvers.certificate import Enclosure, mean_over


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
    """

    chain: TransitionOperator
    reached: Mask
    avoided: Mask
    begin: FloatArray | None
    entries: NDArray[np.int64] | None = None

    @property
    def through(self) -> Mask:
        """The states from which the walk goes on."""
        return ~(self.reached | self.avoided)

    @property
    def departure(self) -> FloatArray:
        """The start of a question that needs one.

        Raises
        ------
        InvalidInput: every start is asked about.
        """
        if self.begin is None:
            raise InvalidInput("start must be given, got None; give a state, a distribution, a window or a text")
        return self.begin

    def answered(self, found: Enclosure) -> Enclosure:
        """What is found about every state, as what was asked: from the start, or from every state asked about."""
        if self.begin is not None:
            return mean_over(self.begin, found)
        if self.entries is None:
            return found
        parts = (found.value, found.lower, found.upper)
        value, lower, upper = (part[self.entries] for part in parts)
        return replace(found, value=value, lower=lower, upper=upper)


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
    stop_tokens: tokens that end the text when they are written.

    Raises
    ------
    InvalidInput: an empty target, a start or a mask that does not fit the chain.
    """
    reached = target_mask(chain, target)
    nothing = np.zeros(chain.n_states, dtype=bool)
    avoided = nothing if avoiding is None else target_mask(chain, avoiding, "avoiding")
    if len(stop_tokens) and chain.space is not None:
        avoided = avoided | np.isin(chain.space.token_from_end(0), as_tokens(stop_tokens, chain.space.vocab_size))
    return Question(chain, reached, avoided, None if start is None else start_distribution(chain, start))
