"""Temperature zero, the shape and what changes: every shared model once, end to end; skipped where they are absent."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

import markovgpt as mg

DATA = Path(__file__).parents[2] / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.exists(), reason="the real inputs are not beside this checkout")
MODELS = {
    "hf_names_ctx3": {},
    "nanogpt_names_ctx4": {},
    "nano_sort/model.pt": {"n_head": 3, "context_length": 11},
}
QUICK_MODELS = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if "ctx4" in name else []) for name in MODELS]
)


@cache
def table_of(name):
    """The logits of a model, tabulated once for all tests."""
    return mg.tabulate(mg.load_model(DATA / name, **MODELS[name]))


def followed(table, state, steps):
    """What the largest logits say, one window after another."""
    said, V, M = [], table.space.vocab_size, table.space.n_states // table.space.vocab_size
    for _ in range(steps):
        said.append(int(np.argmax(table.logits[state])))
        state = state % M * V + said[-1]
    return tuple(said)


@needs_data
@pytest.mark.parametrize("name", MODELS)
def test_the_machine_says_what_the_largest_logits_say(name):
    table = table_of(name)
    machine = mg.greedy_machine(table)
    smallest, reading = machine.minimised(), machine.minimised(reading=True)
    assert machine.basin_sizes.sum() == table.space.n_states
    generator = np.random.default_rng(1)
    for state in generator.integers(0, table.space.n_states, 20).tolist():
        words = followed(table, state, 30)
        once, for_ever = machine.says(state)
        assert (once + for_ever * 30)[:30] == words
        assert smallest.says(int(smallest.state_of[state]), 30) == words
        assert reading.says(int(reading.state_of[state]), 30) == words
    assert reading.n_states >= smallest.n_states >= len(np.unique(np.concatenate(machine.cycles)))


@needs_data
@QUICK_MODELS
def test_what_comes_next_to_zero_is_between_its_loops(name):
    table = table_of(name)
    barriers = mg.cycle_barriers(table)
    assert len(barriers.attractors) == mg.greedy_machine(table).n_cycles  # nothing ties
    found = mg.long_run_near_zero(barriers, with_trees=False)
    assert min(found.exponents.lower) == 0
    assert [escape.depth.value > 0 for escape in mg.escapes(barriers)] == [True] * len(barriers.attractors)


@needs_data
@pytest.mark.parametrize("name", MODELS)
def test_greedy_and_beams_find_no_more_than_there_is(name):
    chain = mg.WindowChain.from_logits(table_of(name))
    found = mg.compare_decoders(chain, chain.n_states // 2, 6, n_beams=(1, 4))
    for one in found.decoded:
        assert one.probability.lower <= found.exact.best.probability.upper
        assert 0 < one.share.value <= 1


@needs_data
@QUICK_MODELS
def test_the_shape_of_what_is_left_of_it(name):
    chain = mg.WindowChain.from_logits(table_of(name), mg.SamplingSettings(top_k=2))
    shape = mg.chain_shape(chain)
    assert shape.sizes.sum() == chain.n_states
    for place in np.flatnonzero(shape.recurrent).tolist():
        states = np.flatnonzero(shape.class_of == place)
        assert chain.reached_from(shape.class_of == place, np.ones(chain.n_states, dtype=bool)).sum() == len(states)
        start = int(shape.first_states[place])
        entropy = mg.entropy_rate(chain, start=start)
        assert 0 <= entropy.bits_lower <= entropy.bits_upper <= 1 + 1e-12  # of two tokens, a bit at most


@needs_data
@QUICK_MODELS
def test_a_colder_chain_compared(name):
    table = table_of(name)
    before, after = (
        mg.WindowChain.from_logits(table, mg.SamplingSettings(temperature=temperature)) for temperature in (1.0, 0.8)
    )
    found = mg.compare_chains(before, after)
    assert found.entropy_after.bits_upper < found.entropy_before.bits_lower
    assert found.kl_rate.bits.lower > 0
    # cross entropy is at least entropy, and log2 V bounds both entropies
    assert found.entropy_before.bits_upper <= np.log2(table.space.vocab_size)
    red, start = mg.red_tokens((1, 0)), (0,) * table.space.context_length
    change = mg.attribute_change(before, after, red, start=start, within=10)
    direct = [mg.hitting_probability(chain, red, start=start, within=10) for chain in (before, after)]
    assert change.change.lower <= direct[1].value - direct[0].value <= change.change.upper
    parts = change.windows.sum() + change.lost
    assert parts * change.unit == pytest.approx(direct[1].value - direct[0].value, rel=1e-9, abs=1e-15)
    same = mg.compare_chains(before, before)
    assert same.identical
    assert (same.kl_rate.bits.upper, same.stationary_shift.upper) == (0, 0)


@pytest.mark.slow
@needs_data
def test_shakespeare_at_temperature_zero_is_a_small_machine():
    model = mg.load_model(DATA / "nanogpt_shakespeare_ctx64")
    chain = mg.reachable_chain(model, mg.SamplingSettings(temperature=0), "ROMEO:\n")
    assert chain.space.decode(0) == model.vocabulary.encode("ROMEO:\n")
    machine = mg.machine_of_chain(chain, start=0)
    words = mg.greedy_decode(model, "ROMEO:\n", 80).tokens
    assert machine.says(machine.begin, 80) == words
    assert machine.n_states <= chain.n_states
    assert len(machine.cycles) == 1
    shape = mg.chain_shape(chain)
    assert shape.recurrent.sum() == 1
    assert mg.entropy_rate(chain, start=0).bits == 0.0
