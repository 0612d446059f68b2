"""Random matrices for property tests: zeros, closed classes, periods, near-decomposability, entries to 1e-300."""

import numpy as np
from hypothesis import strategies as st

import markovgpt as mg
from markovgpt.scaled import ScaledArray

SIZES = st.sampled_from([0, 0, 0, 0, 3, 8, 10, 16, 30, 100, 300])
SHAPES = [(1, 3), (2, 1), (2, 2), (2, 3), (2, 4), (3, 1), (3, 2), (3, 3), (4, 1), (4, 2)]
SPACES = st.builds(mg.StateSpace, st.integers(1, 3), st.integers(1, 3), st.booleans())
LARGER_SHAPES = [(2, 6), (3, 4), (4, 3)]


@st.composite
def matrices(draw, largest=6):
    """A row-stochastic matrix of doubles."""
    n = draw(st.integers(1, largest))
    matrix = np.zeros((n, n))
    for state in range(n):
        targets = sorted(draw(st.sets(st.integers(0, n - 1), min_size=1, max_size=min(n, 3))))
        matrix[state, targets] = [draw(st.integers(1, 999)) * 10.0 ** -draw(SIZES) for _ in targets]
        matrix[state] /= matrix[state].sum()
    return matrix


@st.composite
def speakers(draw):
    """A space and what each of its windows says; often by its newest tokens alone, so that windows fold."""
    space = draw(SPACES)
    seen = draw(st.integers(0, space.context_length))
    windows = [space.decode(state) for state in range(space.n_states)]
    ends = [window[max(0, len(window) - seen) :] for window in windows]
    said = {end: draw(st.integers(0, space.vocab_size - 1)) for end in dict.fromkeys(ends)}
    return space, np.array([said[end] for end in ends])


@st.composite
def window_chains(draw, shapes=SHAPES):
    """A window chain: cold, truncated, with zeros and so several classes, nearly periodic, or far below the doubles."""
    space = mg.StateSpace(*draw(st.sampled_from(shapes)), with_prefixes=draw(st.booleans()))
    kind = draw(st.sampled_from(["cold", "truncated", "zeros", "periodic", "scaled"]))
    return drawn_chain(space, kind, draw(st.integers(0, 10**6)))


def drawn_chain(space, kind, seed):
    """The window chain of a kind and a seed."""
    random, n, V = np.random.default_rng(seed), space.n_states, space.vocab_size
    if kind in ("cold", "truncated"):
        logits = random.normal(size=(n, V)) * random.choice([0.3, 1, 3])
        temperature = float(random.choice([1, 0.3, 0.1, 0.03, 0.01]))
        top_k = int(random.integers(1, V + 1)) if kind == "truncated" else None
        return mg.WindowChain.from_logits(mg.LogitTable(space, logits), mg.SamplingSettings(temperature, top_k))
    everyone, kept = np.arange(n), random.random((n, V)) < random.choice([0.1, 0.3, 0.6])
    kept[everyone, random.integers(V, size=n)] = True
    sizes = 10.0 ** -random.choice([0, 0, 0, 0, 3, 8, 12, 16, 30, 100], size=(n, V))
    weights = kept * random.integers(1, 1000, size=(n, V)) * sizes
    if kind == "periodic":
        certain = random.random(n) < 0.7
        weights[certain] = np.eye(V)[random.integers(V, size=certain.sum())]
    if kind == "scaled":
        powers = random.choice([0, 0, -5, -400, -1200, -3000], size=(n, V))
        powers[everyone, random.integers(V, size=n)] = 0
        scaled = ScaledArray(weights, powers)
        return mg.WindowChain(space, scaled / scaled.sum(axis=1).reshape(n, 1))
    return mg.WindowChain(space, weights / weights.sum(axis=1, keepdims=True))
