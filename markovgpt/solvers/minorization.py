"""Bounds of a stationary distribution of windows, where every window can follow every other within L tokens.

After L tokens the window is new. Let F(t) be the least probability, over all windows s, to be at t after L steps,

    F_0 = 1,    F_k[m, t] = min_a F_(k-1)[a, m] p[a, m, t],    F = F_L,

L passes over the table. With x > 0 about stationary, rho the largest relative defect of x = x P, s the sum of x and
c = min_t F(t) / x(t): P^L >= c 1 x, so on signed measures of sum 0, in the norm max |v| / x, P^L contracts by
(1 + rho)^L - c s. The error sum_k (x P - x) P^k of x against s pi has sum 0 in every term, so

    |s pi - x| <= x rho L (1 + rho)^L / (c s - (1 + rho)^L + 1)

It is tight where tokens are never very unlikely, as in a model that was not trained, and says nothing where they are;
there the chain spends its time in few windows, and `markovgpt.solvers.iterative` is tight.

Source: W. Doeblin's condition, as in S. P. Meyn, R. L. Tweedie, Markov Chains and Stochastic Stability, section 16.2.
"""

import math

import numpy as np

from markovgpt.chains.window_chain import WindowChain
from markovgpt.scaled import ROUNDING, SMALLEST_SAFE, Numbers, ScaledArray, as_floats, widen
from markovgpt.solvers.certificate import Enclosure, at_most_one, relative_defect
from markovgpt.sums import TOTAL_ROUNDINGS, total


def enclose_by_minorization(chain: WindowChain, x: Numbers) -> Enclosure | None:
    """Enclose the stationary distribution of the full windows, or None where the bound says nothing.

    Parameters
    ----------
    x: (n_states,) about the stationary distribution; above zero on every full window, 0 on shorter ones.
    """
    L, full = chain.space.context_length, chain.blocks[-1]
    level = chain.level(L)
    if full.is_scaled or isinstance(x, ScaledArray) or not (x[level] > 0).all():
        return None
    if isinstance(chain.with_room(x), ScaledArray):
        return None
    least = np.ones(full.size)
    for _ in range(L):
        least = full.push_least(least)
    residual = relative_defect(chain.push(x), x)
    rho = residual + 1.5 * ROUNDING * (chain.roundings + 8)
    if not (least.min() > SMALLEST_SAFE and rho * L < 0.5):  # rounded below the doubles, or wide whatever follows
        return None
    common = float(np.min(least / x[level])) * (1 - 2 * ROUNDING * (L * chain.roundings + 4))
    size = float(as_floats(total(x)))
    growth = math.exp(L * math.log1p(rho)) * (1 + 8 * ROUNDING)
    margin = (common * size * (1 - 2 * ROUNDING * (TOTAL_ROUNDINGS + 2)) - (growth - 1)) * (1 - 8 * ROUNDING)
    if not margin > 0:
        return None
    half_width = rho * L * growth / margin * (1 + 16 * ROUNDING)
    if not half_width < 0.5:
        return None
    lower = widen(x * (1 - half_width) / size, TOTAL_ROUNDINGS + 4)[0]
    upper = widen(x * (1 + half_width) / size, TOTAL_ROUNDINGS + 4)[1]
    method = f"suffix multigrid, bounded by what all windows lead to in {L} steps"
    return at_most_one(Enclosure(x / size, lower, upper, residual, method))
