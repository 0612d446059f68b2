"""Lumps by hand, against all partitions of small chains in fractions, and against refinement from the definition."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_chains import window_chains

import markovgpt as mg
from markovgpt.analysis import lumping
from markovgpt.analysis.lumping import coarsest_lumping, residues_of
from markovgpt.chains.exact_shares import exact_sums, same_shares
from markovgpt.scaled import ScaledArray

DATA = Path(__file__).parents[2] / "shared" / "data"


def rows_of(chain):
    """The stored numbers over their totals as {successor: fraction}, state by state."""
    rows = [{} for _ in range(chain.n_states)]
    for source, target, weight in zip(*chain.edges(), strict=True):
        mantissa, exponent = (
            (float(weight.mantissa), int(weight.exponent)) if isinstance(weight, ScaledArray) else (float(weight), 0)
        )
        rows[source][int(target)] = Fraction(mantissa) * Fraction(2) ** exponent
    return [{target: weight / sum(row.values()) for target, weight in row.items()} for row in rows]


def sent(row, blocks):
    """What a row sends into each block."""
    found = {}
    for target, weight in row.items():
        found[blocks[target]] = found.get(blocks[target], Fraction(0)) + weight
    return found


def is_lumping(rows, blocks):
    """The definition."""
    first = {}
    return all(
        sent(row, blocks) == first.setdefault(block, sent(row, blocks)) for row, block in zip(rows, blocks, strict=True)
    )


def partitions(labels):
    """All partitions within the labels, as restricted growth strings."""

    def grown(prefix, owners):
        if len(prefix) == len(labels):
            yield tuple(prefix)
            return
        label = labels[len(prefix)]
        for block in range(len(owners) + 1):
            if block == len(owners):
                yield from grown([*prefix, block], [*owners, label])
            elif owners[block] == label:
                yield from grown([*prefix, block], owners)

    yield from grown([], [])


def refined(rows, labels):
    """The coarsest lumping from the definition: blocks split by exact sums until nothing splits."""
    blocks = list(labels)
    while True:
        names = {}
        keys = [(block, frozenset(sent(row, blocks).items())) for row, block in zip(rows, blocks, strict=True)]
        finer = [names.setdefault(key, len(names)) for key in keys]
        if len(names) == len(set(blocks)):
            return finer
        blocks = finer


@st.composite
def alike_chains(draw):
    """A chain with rows that are permutations and sums of each other, so that much lumps."""
    n = draw(st.integers(1, 6))
    matrix = np.zeros((n, n))
    for state in range(n):
        for part in draw(st.sampled_from([(8,), (4, 4), (2, 6), (2, 2, 4), (3, 5), (1, 3, 4)])):
            matrix[state, draw(st.integers(0, n - 1))] += part / 8
    return mg.SparseChain.from_matrix(matrix)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(alike_chains(), st.data())
def test_it_is_the_coarsest_of_all_partitions(chain, data):
    labels = data.draw(st.lists(st.integers(0, 1), min_size=chain.n_states, max_size=chain.n_states))
    rows, found = rows_of(chain), coarsest_lumping(chain, labels)
    assert is_lumping(rows, found.block_of)
    lumpings = [blocks for blocks in partitions(labels) if is_lumping(rows, blocks)]
    assert found.n_blocks == min(len(set(blocks)) for blocks in lumpings)
    assert tuple(found.block_of.tolist()) in lumpings


@settings(max_examples=60, deadline=None, derandomize=True)
@given(window_chains(), st.booleans())
def test_window_chains_lump_as_the_definition_says(chain, by_token):
    newest = chain.space.token_from_end(0)
    labels = newest if by_token else newest == 0
    found = coarsest_lumping(chain, labels)
    expected = refined(rows_of(chain), labels.tolist())
    assert found.block_of.tolist() == expected


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("prefixes", [False, True])
def test_without_labels_every_model_is_one_block(dtype, prefixes):
    # all of every row goes into the one block, whatever its stored sum was rounded to
    space = mg.StateSpace(3, 3, prefixes)
    logits = np.random.default_rng(5).normal(size=(space.n_states, 3))
    chain = mg.WindowChain.from_logits(mg.LogitTable(space, logits), dtype=dtype)
    assert coarsest_lumping(chain, np.zeros(space.n_states, dtype=int)).n_blocks == 1


def test_rows_that_enter_one_block_are_alike_whatever_they_are_rounded_to():
    rows = [[0, 0.1, 0.2, 0.7], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]  # 0.1 + 0.2 + 0.7 is not 1 in doubles
    assert coarsest_lumping(mg.SparseChain.from_matrix(rows), [0, 1, 1, 1]).block_of.tolist() == [0, 1, 1, 1]
    assert coarsest_lumping(mg.SparseChain.from_matrix(rows), [0, 0, 0, 0]).n_blocks == 1


def test_shares_are_those_of_the_exact_normalisation():
    # 1/3 and 2/3 as doubles sum to 1; the second row is the same one, less an ulp in both and so other shares
    third, ulp = 1 / 3, 2.0**-53
    rows = [[0, 0, third, 2 / 3], [0, 0, third - ulp, 2 / 3], [0, 0, 1, 0], [0, 0, 0, 1]]
    assert coarsest_lumping(mg.SparseChain.from_matrix(rows), [0, 0, 1, 2]).n_blocks == 4
    small = 1 - 2.0**-52  # a row times a power of two would be off too far; one times 1 - 2**-52 is the same chain
    scaled = [[0, 0, 0.5, 0.5], [0, 0, 0.5 * small, 0.5 * small], [0, 0, 1, 0], [0, 0, 0, 1]]
    assert coarsest_lumping(mg.SparseChain.from_matrix(scaled), [0, 0, 1, 2]).block_of.tolist() == [0, 0, 1, 2]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 2**60), st.integers(-300, 300)), min_size=1, max_size=5))
def test_shares_of_numbers_of_any_size_are_compared_exactly(parts):
    def sums(factor):
        blocks, wholes, powers = (np.array(column) for column in zip(*parts, strict=True))
        mantissas, shifts = np.frexp(wholes.astype(np.float64) * factor)
        return exact_sums(blocks, mantissas, shifts.astype(np.int64) + powers)

    one = sums(1.0)
    assert same_shares(one, sums(2.0))
    assert same_shares(sums(0.25), one)
    assert same_shares(one, exact_sums(np.array([2]), np.array([0.5]), np.array([-400]))) == (
        {b for b, *_ in one} == {2}
    )
    longer = (*one, *((block + 10, place, bits) for block, place, bits in one))  # half of it goes elsewhere
    assert not same_shares(one, longer)
    twice = exact_sums(np.array([0, 1]), np.array([0.5, 0.75]), np.array([1, 1]))
    thrice = exact_sums(np.array([0, 1]), np.array([0.5, 0.75]), np.array([90_000_000_000, 90_000_000_001]))
    assert not same_shares(twice, thrice)


def test_a_chain_of_order_one_told_with_three_tokens_has_as_many_blocks_as_tokens():
    space = mg.StateSpace(3, 3)
    newest = space.token_from_end(0)
    table = np.array([[0.5, 0.25, 0.25], [0.125, 0.75, 0.125], [0.3, 0.3, 0.4]])[newest]
    found = coarsest_lumping(mg.WindowChain(space, table), newest)
    assert found.block_of.tolist() == newest.tolist()
    assert np.array_equal(found.quotient.to_csr().toarray(), table[:3])
    assert found.quotient.labels == ("000", "001", "002")


def test_the_newest_tokens_alone_may_not_show_what_comes_then():
    # labels by the newest token; the row looks at the oldest of two: every window is a block of its own
    space = mg.StateSpace(2, 2)
    table = np.where(space.token_from_end(1)[:, None] == np.arange(2), 0.75, 0.25)
    assert coarsest_lumping(mg.WindowChain(space, table), space.token_from_end(0)).n_blocks == 4
    assert coarsest_lumping(mg.WindowChain(space, table), np.zeros(4, dtype=int)).n_blocks == 1


def test_sums_are_compared_exactly_in_whatever_order():
    # 0.1 + 0.2 is not 0.3 in doubles, nor as real numbers; 0.1 + 0.3 and 0.3 + 0.1 are the same; and 1e-17 counts
    matrix = np.zeros((6, 6))
    matrix[0, 3:] = 0.1, 0.3, 0.6
    matrix[1, 3:] = 0.3, 0.1, 0.6
    matrix[2, 3:] = 0.4, 0.0, 0.6
    matrix[3:, 5] = 1
    found = coarsest_lumping(mg.SparseChain.from_matrix(matrix), [0, 0, 0, 1, 1, 2])
    exact = Fraction(0.1) + Fraction(0.3) == Fraction(0.4)
    assert found.block_of.tolist() == [0, 0, 0 if exact else 1, 1 + (not exact), 1 + (not exact), 2 + (not exact)]
    tiny = np.array([[0, 0.5, 0.5, 0], [0, 1, 0, 0], [0, 1 - 2.0**-53, 2.0**-53, 0], [0, 0, 0, 1]])
    assert coarsest_lumping(mg.SparseChain.from_matrix(tiny), [0, 1, 2, 3]).n_blocks == 4


def test_questions_about_the_blocks_are_answered_for_the_chain():
    space = mg.StateSpace(2, 4)
    newest, before = space.token_from_end(0), space.token_from_end(1)
    table = np.where((newest + before == 1)[:, None], [[0.3, 0.7]], [[0.9, 0.1]])
    chain = mg.WindowChain(space, table)
    red = mg.ending_with(space, (1, 1))
    lumped = coarsest_lumping(chain, red)
    assert lumped.n_blocks < 16
    few = mg.hitting_probability(lumped.quotient, lumped.of_blocks(red), within=5)
    rows = oracles.exact_rows(chain.to_csr().toarray())
    whole = oracles.within(rows, set(np.flatnonzero(red).tolist()), 0, 2)
    two = mg.hitting_probability(lumped.quotient, lumped.of_blocks(red), within=2)
    for state in range(16):
        oracles.assert_encloses(two, whole[state], lumped.block_of[state])
    many = mg.hitting_probability(chain, red, within=5)
    assert np.allclose(few.value[lumped.block_of], many.value, rtol=1e-13)


def test_what_a_hash_does_not_tell_apart_is_told_apart_exactly(monkeypatch):
    monkeypatch.setattr(lumping, "_refined", lambda rows, residues, blocks, random: blocks)
    random = np.random.default_rng(5)
    chain = mg.WindowChain.from_logits(mg.LogitTable(mg.StateSpace(3, 3), random.normal(size=(27, 3))))
    labels = chain.space.token_from_end(0)
    assert coarsest_lumping(chain, labels).block_of.tolist() == refined(rows_of(chain), labels.tolist())


def test_single_precision_rows_lump_and_make_a_quotient_that_sums_to_one():
    space = mg.StateSpace(2, 3)
    newest = space.token_from_end(0)
    table = np.where(newest[:, None] == np.arange(2), np.float32(0.7), np.float32(0.3))
    found = coarsest_lumping(mg.WindowChain(space, table), newest)
    total = float(np.float32(0.7)) + float(np.float32(0.3))
    assert np.allclose(found.quotient.to_csr().toarray()[0], np.float32([0.7, 0.3]).astype(float) / total, rtol=1e-15)


def test_exact_sums_are_whole_numbers():
    random = np.random.default_rng(1)
    mantissas, exponents = random.random(50), random.integers(-2000, 3, size=50)
    blocks = random.integers(-1, 3, size=50)
    found = exact_sums(blocks, mantissas, exponents)
    for block in range(3):
        inside = [Fraction(mantissas[i]) * Fraction(2) ** int(exponents[i]) for i in np.flatnonzero(blocks == block)]
        limbs = sum(bits * Fraction(2) ** (64 * place) for b, place, bits in found if b == block)
        assert limbs == sum(inside)
    shuffled = random.permutation(50)
    assert exact_sums(blocks[shuffled], mantissas[shuffled], exponents[shuffled]) == found
    assert all(0 < bits < 2**64 and block >= 0 for block, _, bits in found)


def test_residues_add_up_as_the_numbers_do():
    prime = 2**31 - 1
    values = np.array([0.1, 0.2, 0.1 + 0.2, 2.0**-300, 2.0**-301])
    found = residues_of(values, prime).astype(int)
    assert found[3] == 2 * found[4] % prime
    exact = [int(Fraction(float(value)) * 2**400) % prime for value in values]
    shift = found[0] * pow(exact[0], -1, prime) % prime  # one power of two for all
    assert [number * shift % prime for number in exact] == found.tolist()
    assert residues_of(ScaledArray(values, -5000), prime).all()


def test_summary_and_masks():
    chain = mg.SparseChain.from_matrix([[0, 0.5, 0.5], [0, 1, 0], [0, 0, 1]])
    lumped = coarsest_lumping(chain, [False, True, True])
    assert lumped.summary() == {"n_states": 3, "n_blocks": 2, "rounds": 1, "block_of": [0, 1, 1]}
    assert lumped.of_blocks(np.array([False, True, True])).tolist() == [False, True]
    with pytest.raises(mg.InvalidInput, match="got a part of block 1"):
        lumped.of_blocks(np.array([False, True, False]))
    with pytest.raises(mg.InvalidInput, match="bool mask of 3 states"):
        lumped.of_blocks(np.array([False, True]))


@pytest.mark.parametrize("labels", [[0, 1], [0.0, 1.0, 2.0], [[0, 1, 2]], ["a", "b", "c"]])
def test_labels_that_are_none_are_refused(labels):
    chain = mg.SparseChain.from_matrix(np.eye(3))
    with pytest.raises(mg.InvalidInput, match="labels must be 3 whole numbers or truths"):
        coarsest_lumping(chain, labels)


def test_what_would_not_fit_is_refused(monkeypatch):
    def refuse(n_bytes, what, remedy):
        raise mg.TooLarge(f"{what} need {n_bytes}; {remedy}")

    monkeypatch.setattr(lumping, "require_memory", refuse)
    with pytest.raises(mg.TooLarge, match="the residues of 2 states x 2 transitions"):
        coarsest_lumping(mg.SparseChain.from_matrix([[0.5, 0.5], [0.5, 0.5]]), [0, 0])


@pytest.mark.skipif(not (DATA / "hf_names_ctx3").is_dir(), reason="the shared data are not here")
def test_a_real_model_does_not_lump():
    chain = mg.WindowChain.from_model(mg.load_model(DATA / "hf_names_ctx3"))
    found = coarsest_lumping(chain, chain.space.token_from_end(0))
    assert (found.n_blocks, found.rounds) == (chain.n_states, 2)
