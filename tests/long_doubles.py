"""Independent answers for some hundred states: dense censoring in long doubles, down to 1e-4900, nothing subtracted."""

from functools import lru_cache

import numpy as np

from markovgpt.scaled import ScaledArray


def longs(values):
    """Doubles or scaled numbers as long doubles."""
    scaled = ScaledArray.of(values)
    return np.ldexp(scaled.mantissa.astype(np.longdouble), np.maximum(scaled.exponent, -(2**20)).astype(np.int32))


def window_matrix(chain):
    """The matrix of a window chain from the definition: append the token, keep the newest L; normalised."""
    space, table = chain.space, longs(chain.next_token_probs)
    matrix = np.zeros((space.n_states, space.n_states), dtype=np.longdouble)
    for state in range(space.n_states):
        for token in range(space.vocab_size):
            matrix[state, space.encode((*space.decode(state), token)[-space.context_length :])] = table[state, token]
    return matrix / matrix.sum(axis=1, keepdims=True)


def _censored(matrix, live):
    """Live states taken out one by one: what is left of the matrix, and what flows out of each to the others."""
    return _censored_bytes(matrix.tobytes(), live.tobytes())


@lru_cache(maxsize=2)  # one test after the other asks for the same
def _censored_bytes(matrix, live):
    """The same, of the bytes of both."""
    live = np.frombuffer(live, dtype=bool)
    matrix = np.frombuffer(matrix, dtype=np.longdouble).reshape(len(live), len(live))
    a = matrix[np.ix_(live, live)].copy()
    exits = matrix[np.ix_(live, ~live)].sum(axis=1)
    out = np.zeros(len(a), dtype=np.longdouble)
    for k in range(len(a) - 1, -1, -1):
        out[k] = exits[k] + a[k, :k].sum()
        a[k, :k] /= out[k]
        exits[:k] += a[:k, k] * (exits[k] / out[k])
        a[:k, :k] += np.outer(a[:k, k], a[k, :k])
    return a, out


def column(matrix, live, gain):
    """h = Q h + gain, 0 off the live states."""
    a, out = _censored(matrix, live)
    h = gain[live].astype(np.longdouble)
    for k in range(len(h) - 1, -1, -1):
        h[k] /= out[k]
        h[:k] += a[:k, k] * h[k]
    for k in range(1, len(h)):
        h[k] += a[k, :k] @ h[:k]
    return _spread(h, live)


def row(matrix, live, start):
    """v = v Q + start, 0 off the live states."""
    a, out = _censored(matrix, live)
    v = start[live].astype(np.longdouble)
    for k in range(len(v) - 1, 0, -1):
        v[:k] += a[k, :k] * v[k]
    for k in range(len(v)):
        v[k] = (v[k] + a[:k, k] @ v[:k]) / out[k]
    return _spread(v, live)


def stationary(matrix, states):
    """The stationary distribution of a recurrent class, 0 elsewhere."""
    live = np.zeros(len(matrix), dtype=bool)
    live[states[1:]] = True
    v = row(matrix, live, matrix[states[0]])
    v[states[0]] = 1
    return v / v.sum()


def _spread(values, live):
    whole = np.zeros(len(live), dtype=np.longdouble)
    whole[live] = values
    return whole


def relative_error(values, exact):
    """The largest relative error where the exact number is above zero; infinite where a zero is not one."""
    found = longs(values)
    if ((exact == 0) != (found == 0)).any():
        return np.inf
    live = exact > 0
    return float(np.abs(found[live] / exact[live] - 1).max(initial=0))
