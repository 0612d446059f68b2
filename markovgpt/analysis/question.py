"""A question about reaching, as masks and a start on the chain that answers it."""

from dataclasses import dataclass

import numpy as np

from markovgpt.analysis.arguments import Start, Target, start_distribution, target_mask
from markovgpt.chains.operator import TransitionOperator
from markovgpt.chains.states import Mask
from markovgpt.scaled import FloatArray


@dataclass(frozen=True, eq=False)
class Question:
    """What is asked, on the chain that answers it.

    Parameters
    ----------
    chain: the chain asked about, or its product with what has been written.
    reached: (n_states,) the target.
    avoided: (n_states,) what ends the walk; a state in both counts as reached.
    begin: (n_states,) the start, a distribution; None asks about every start.
    """

    chain: TransitionOperator
    reached: Mask
    avoided: Mask
    begin: FloatArray | None

    @property
    def through(self) -> Mask:
        """The states from which the walk goes on."""
        return ~(self.reached | self.avoided)


def posed(
    chain: TransitionOperator, target: Target, *, start: Start | None = None, avoiding: Target | None = None
) -> Question:
    """The question whether, and when, a target is reached before what is to be avoided.

    Raises
    ------
    InvalidInput: an empty target, a start or a mask that does not fit the chain.
    """
    reached = target_mask(chain, target)
    nothing = np.zeros(chain.n_states, dtype=bool)
    avoided = nothing if avoiding is None else target_mask(chain, avoiding, "avoiding")
    return Question(chain, reached, avoided, None if start is None else start_distribution(chain, start))
