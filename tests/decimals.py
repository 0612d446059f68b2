"""Independent answers to 60 digits at any size of number: textbook censoring on dicts of decimals, nothing subtracted.

Every number is a sum of products of non-negatives, so relative errors stay below about 1e-50, which no interval of
doubles is narrow enough to see. Held against fractions in tests/test_decimals.py.
"""

from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, localcontext

import numpy as np

from markovgpt.scaled import ScaledArray

PRECISE = Context(prec=60, Emax=MAX_EMAX, Emin=MIN_EMIN)
SLACK = Decimal("1e-45")


def decimals(values):
    """Doubles or scaled numbers as a list of decimals."""
    if isinstance(values, ScaledArray):
        pairs = zip(values.mantissa.reshape(-1).tolist(), values.exponent.reshape(-1).tolist(), strict=True)
        with localcontext(PRECISE):
            return [Decimal(m) * Decimal(2) ** e if m else Decimal(0) for m, e in pairs]
    return [Decimal(float(value)) for value in np.asarray(values).reshape(-1)]


def window_rows(chain):
    """The exact normalisation of a window chain, as {successor: probability} for each state, from the definition."""
    space, V = chain.space, chain.space.vocab_size
    table, rows = decimals(chain.next_token_probs), []
    with localcontext(PRECISE):
        for state in range(space.n_states):
            weights = table[state * V : (state + 1) * V]
            window = space.decode(state)
            after = [space.encode((*window, token)[-space.context_length :]) for token in range(V)]
            rows.append({j: w / sum(weights) for j, w in zip(after, weights, strict=True) if w})
    return rows


def leading_to(rows, target, through):
    """The states from which the target is reached over states of ``through``."""
    before = [[] for _ in rows]
    for i, row in enumerate(rows):
        for j in row:
            before[j].append(i)
    found, stack = set(target), list(target)
    while stack:
        more = [i for i in before[stack.pop()] if i in through and i not in found]
        found.update(more)
        stack += more
    return found


def reached_from(rows, start, through):
    """The states that the start leads to, leaving only states of ``through``."""
    found, stack = set(start), list(start)
    while stack:
        state = stack.pop()
        more = [j for j in rows[state] if j not in found] if state in through else []
        found.update(more)
        stack += more
    return found


def classes(rows):
    """The recurrent classes, each ascending, ordered by their first state."""
    everything, found, seen = set(range(len(rows))), [], set()
    ahead = [reached_from(rows, [i], everything) for i in range(len(rows))]
    for i in range(len(rows)):
        if i not in seen and all(i in ahead[j] for j in ahead[i]):
            found.append(sorted(ahead[i]))
            seen |= ahead[i]
    return found


class Censored:
    """The chain on live states, which surely end, with one state after the other taken out."""

    def __init__(self, rows, live):
        with localcontext(PRECISE):
            self.order = sorted(live)
            inside = set(live)
            self.a = {i: {j: p for j, p in rows[i].items() if j in inside and j != i} for i in self.order}
            exits = {i: sum((p for j, p in rows[i].items() if j not in inside), Decimal(0)) for i in self.order}
            self.out, self.into, left = {}, {}, list(self.order)
            while left:
                k = left.pop()
                row = self.a[k]
                self.out[k] = exits[k] + sum(row.values())
                self.into[k] = {i: self.a[i].pop(k) for i in left if k in self.a[i]}
                for i, weight in self.into[k].items():
                    exits[i] += weight * exits[k] / self.out[k]
                    for j, w in row.items():
                        if j != i:
                            self.a[i][j] = self.a[i].get(j, Decimal(0)) + weight * w / self.out[k]

    def column(self, gain):
        """h = Q h + gain."""
        with localcontext(PRECISE):
            b = {i: gain[i] for i in self.order}
            for k in reversed(self.order):
                for i, weight in self.into[k].items():
                    b[i] += weight * b[k] / self.out[k]
            h = {}
            for k in self.order:
                h[k] = (b[k] + sum(w * h[j] for j, w in self.a[k].items())) / self.out[k]
            return h

    def row(self, start):
        """v = v Q + start."""
        with localcontext(PRECISE):
            s = {i: start[i] for i in self.order}
            for k in reversed(self.order):
                for j, w in self.a[k].items():
                    s[j] += s[k] * w / self.out[k]
            v = {}
            for k in self.order:
                v[k] = (s[k] + sum(v[i] * weight for i, weight in self.into[k].items())) / self.out[k]
            return v


def one_step(rows, ends):
    """The probability to step into some states, from every state."""
    with localcontext(PRECISE):
        return [sum((p for j, p in row.items() if j in ends), Decimal(0)) for row in rows]


def hitting(rows, target, avoiding=()):
    """P_i(the target is reached before a state to avoid)."""
    ends, everything = set(target), set(range(len(rows)))
    through = everything - ends - set(avoiding)
    possible = leading_to(rows, ends, through)
    sure = possible - leading_to(rows, everything - possible, through)
    live = possible - sure
    solved = Censored(rows, live).column(one_step(rows, sure))
    return [Decimal(int(i in sure)) if i not in solved else solved[i] for i in sorted(everything)]


def expected_reward(rows, reward, target):
    """E_i[sum of rewards before the target]; None where the target may never be reached."""
    ends, everything = set(target), set(range(len(rows)))
    through = everything - ends
    lost = leading_to(rows, everything - leading_to(rows, ends, through), through)
    solved = Censored(rows, through - lost).column([Decimal(float(r)) for r in reward])
    return [None if i in lost else solved.get(i, Decimal(0)) for i in sorted(everything)]


def visits(rows, target, start):
    """E_start[visits to each state before the target]; None where there are infinitely many."""
    ends, everything = set(target), set(range(len(rows)))
    through = everything - ends
    reached = reached_from(rows, {start} - ends, through) - ends
    endless = {i for states in classes(rows) if not ends & set(states) for i in states} & reached
    solved = Censored(rows, reached - endless).row([Decimal(int(i == start)) for i in range(len(rows))])
    return [None if i in endless else solved.get(i, Decimal(0)) for i in sorted(everything)]


def stationary(rows, states):
    """The stationary distribution of one recurrent class, in the order of its states."""
    home, *others = states
    with localcontext(PRECISE):
        between = Censored(rows, others).row([rows[home].get(i, Decimal(0)) for i in range(len(rows))])
        whole = 1 + sum(between.values())
        return [Decimal(1) / whole, *(between[i] / whole for i in others)]


def long_run(rows, start):
    """The share of the time in each state, from a start."""
    shares = [Decimal(0)] * len(rows)
    with localcontext(PRECISE):
        for states in classes(rows):
            chance = hitting(rows, states)[start]
            for i, share in zip(states, stationary(rows, states), strict=True):
                shares[i] = chance * share
    return shares


def encloses(answer, exact, place=()):
    """Whether bounds, as solved for and as doubles, hold a number; None is infinite."""
    low, value, high = (float(np.asarray(getattr(answer, name))[place]) for name in ("lower", "value", "upper"))
    if exact is None:
        return low == value == high == np.inf
    if exact == 0:
        return low == value == high == 0
    with localcontext(PRECISE):
        inner = decimals(ScaledArray.of(answer.enclosure.lower)[place])[0]
        outer = decimals(ScaledArray.of(answer.enclosure.upper)[place])[0]
        more, less = exact * (1 + SLACK), exact * (1 - SLACK)
        in_doubles = Decimal(low) <= more and (high == np.inf or less <= Decimal(high))
        logs = [float(np.asarray(getattr(answer, name))[place]) for name in ("log10_lower", "log10_upper")]
        logarithm = exact.log10()
        in_logs = Decimal(logs[0]) <= logarithm + SLACK and logarithm - SLACK <= Decimal(logs[1])
        return bool(inner <= more and less <= outer and in_doubles and in_logs)


def relative_error(answer, exact, place=()):
    """How far the value as solved for is from a number above zero, in parts of it."""
    with localcontext(PRECISE):
        return float(abs(decimals(ScaledArray.of(answer.enclosure.value)[place])[0] / exact - 1))
