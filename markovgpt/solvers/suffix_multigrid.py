"""The coarse levels of a window chain are the model's own shorter contexts.

Windows (a, m) that differ in their oldest token a alone have the same successors (m, t). Added up over a, while their
masses are x, they are a chain over windows one token shorter,

    s[m] = sum_a x[a, m]        f[m, t] = sum_a x[a, m] q[a, m, t]

which is added up likewise, down to some hundred windows and elimination.

Source: G. Horton, S. T. Leutenegger, Perform. Eval. Rev. 22 (1994) 191-200, for multigrid by aggregation with the
iterate.
"""

from dataclasses import dataclass

import numpy as np

from markovgpt.chains.sliding import SlidingTable
from markovgpt.scaled import Numbers, ScaledArray, quotient
from markovgpt.solvers.balance import factor_of

BOTTOM = 128  # windows that are left to elimination


@dataclass(frozen=True, eq=False)
class Flows:
    """A chain over windows of some length, as what flows in it while it has some masses; not in balance yet.

    Parameters
    ----------
    between: (A, M, V), A = V: what flows from each window to each successor, or back if time is reversed.
    mass: (n,) of each window.
    ended: (n,) what flows from each window to the end.
    begun: (n,) what flows from the start into each window.
    is_reversed: whether flows run from successors to windows.
    """

    between: SlidingTable
    mass: Numbers
    ended: Numbers
    begun: Numbers
    is_reversed: bool

    @classmethod
    def of_groups(
        cls, V: int, flows: Numbers, parts: tuple[Numbers, Numbers, Numbers], *, is_reversed: bool
    ) -> "Flows":
        """Windows that differ in the oldest token added up; flows are (M V,), the parts (V M,): mass, ended, begun."""
        M = len(flows) // V
        mass, ended, begun = (part.reshape(V, M).sum(axis=0) for part in parts)
        return cls(SlidingTable(flows.reshape(V, M // V, V)), mass, ended, begun, is_reversed)

    def balanced(self) -> Numbers:
        """(n,) about what each mass must be multiplied by: one cycle, or elimination at the bottom."""
        V, M, _ = self.between.shape
        if V * M <= BOTTOM or M < V:
            return self._eliminated()
        flows = self.between.push(np.ones(V * M))
        below = Flows.of_groups(V, flows, (self.mass, self.ended, self.begun), is_reversed=self.is_reversed)
        factor = (np.ones((V, 1)) * below.balanced().reshape(1, M)).reshape(-1)
        arrived = self.between.pull(factor) if self.is_reversed else self.between.push(factor)
        restarted = self.begun * quotient((self.ended * factor).sum(), self.begun.sum())
        return quotient(arrived + restarted, self.mass)

    def _eliminated(self) -> Numbers:
        """The factors, by elimination."""
        V, M, _ = self.between.shape
        n = V * M
        rows = np.arange(n)[:, None]
        successors = rows % M * V + np.arange(V)
        restarted = quotient(self.begun, self.begun.sum())
        dense = self.ended.reshape(n, 1) * restarted.reshape(1, n)
        if self.between.is_scaled:
            dense = ScaledArray.of(dense)
        places = (successors, rows) if self.is_reversed else (rows, successors)
        dense[places] = dense[places] + self.between.weights.reshape(n, V)
        return factor_of(dense, self.mass)
