"""The law of a sorter against all of its texts, one by one, in fractions."""

import itertools
from fractions import Fraction

import numpy as np
import pytest

import markovgpt as mg
from experiments.sorting_law import sorting_law


def drawn_chain(V, m, seed, dead=0.2):
    """A chain over windows of 2 m - 1 letters, some of them impossible."""
    space = mg.StateSpace(V, 2 * m - 1, with_prefixes=True)
    dice = np.random.default_rng(seed)
    weights = dice.random((space.n_states, V)) ** 3 * (dice.random((space.n_states, V)) > dead)
    weights[weights.sum(axis=1) == 0] = 1.0
    return mg.WindowChain(space, weights / weights.sum(axis=1, keepdims=True))


def exact_law(chain, text):
    """What a text's output may be: right; and by the place of the first error: wrong, rest right, in order."""
    V, m = chain.space.vocab_size, len(text)
    right, found = sorted(text), {"right": Fraction(0)}
    for part in ("first_error", "rest_right", "in_order"):
        found[part] = [Fraction(0)] * m
    for said in itertools.product(range(V), repeat=m):
        chance, window = Fraction(1), tuple(text)
        for letter in said:
            row = [Fraction(float(p)) for p in chain.next_token_probs[chain.space.encode(window)]]
            chance *= row[letter] / sum(row)
            window = (*window, letter)
        wrong = [k for k in range(m) if said[k] != right[k]]
        if not wrong:
            found["right"] += chance
            continue
        found["first_error"][wrong[0]] += chance
        found["rest_right"][wrong[0]] += chance * (len(wrong) == 1)
        found["in_order"][wrong[0]] += chance * (list(said) == sorted(said))
    return found


def assert_encloses(enclosure, place, expected):
    """The bounds hold the fraction, and are narrow; 0 is exact."""
    answer = mg.Answer.of(enclosure)
    lower, upper = (Fraction(float(part[place])) for part in (answer.lower, answer.upper))
    assert lower <= expected <= upper
    assert upper - lower <= Fraction(1, 10**12) * expected


@pytest.mark.parametrize(("V", "m", "seed"), [(2, 2, 0), (3, 2, 1), (2, 3, 2), (3, 3, 3)])
def test_bounds_hold_what_all_texts_say(V, m, seed):
    chain = drawn_chain(V, m, seed)
    law = sorting_law(chain)
    for place, text in enumerate(itertools.product(range(V), repeat=m)):
        expected = exact_law(chain, text)
        assert_encloses(law.right, place, expected["right"])
        assert_encloses(law.wrong, place, sum(expected["first_error"]))
        for k in range(m):
            for part in ("first_error", "rest_right", "in_order"):
                assert_encloses(getattr(law, part), (place, k), expected[part][k])


def test_the_right_output_is_a_path_of_the_chain():
    chain = drawn_chain(3, 4, 4, dead=0.0)
    law = mg.Answer.of(sorting_law(chain).right)
    for text in ([2, 0, 1, 1], [0, 0, 0, 0], [2, 2, 1, 0]):
        place = int(np.dot(text, [27, 9, 3, 1]))
        path = mg.continuation_probability(chain, text, sorted(text))
        assert law.lower[place] <= path.upper
        assert path.lower <= law.upper[place]
        assert law.value[place] == pytest.approx(path.value, rel=1e-13)


def test_a_sure_sorter_is_right_by_proof():
    space = mg.StateSpace(2, 3, with_prefixes=True)
    probs = np.tile([1.0, 0.0], (14, 1))
    for window, letter in {(0, 1): 0, (1, 0): 0, (1, 1): 1, (0, 1, 0): 1, (1, 0, 0): 1, (1, 1, 1): 1}.items():
        probs[space.encode(window)] = np.eye(2)[letter]
    law = sorting_law(mg.WindowChain(space, probs))
    assert mg.Answer.of(law.right).lower.tolist() == mg.Answer.of(law.right).upper.tolist() == [1.0] * 4
    assert mg.Answer.of(law.wrong).upper.tolist() == [0.0] * 4


def test_far_below_doubles_failure_stays_possible():
    space = mg.StateSpace(2, 3, with_prefixes=True)
    table = mg.LogitTable(space, np.tile([0.0, 4.0], (14, 1)))
    law = sorting_law(mg.WindowChain.from_logits(table, mg.SamplingSettings(temperature=0.004)))
    # BB needs two letters of e^1000 to 1, AA fails unless both are of 1 to e^1000
    assert mg.Answer.of(law.wrong).log10[3] == pytest.approx(np.log10(2) - 1000 / np.log(10), abs=1e-9)
    assert mg.Answer.of(law.right).log10[0] == pytest.approx(-2000 / np.log(10), abs=1e-9)
    assert mg.Answer.of(law.wrong).lower[3] >= 0 < mg.Answer.of(law.wrong).upper[3]


@pytest.mark.parametrize("space", [mg.StateSpace(2, 3), mg.StateSpace(2, 2, with_prefixes=True)])
def test_other_chains_are_refused(space):
    chain = mg.WindowChain(space, np.full((space.n_states, 2), 0.5))
    with pytest.raises(mg.InvalidInput, match="prefixes and windows of an odd length"):
        sorting_law(chain)
