"""What a tabulation will take, said beforehand."""

import pytest

import markovgpt as mg
from markovgpt.chains.plan import plan_of


def test_a_table_is_states_times_tokens_times_bytes():
    assert plan_of(mg.GPT(mg.GPTConfig(3, 4)), False, None).table_bytes == 3**4 * 3 * 4
    assert plan_of(mg.GPT(mg.GPTConfig(3, 4)).double(), True, 2).table_bytes == (3 + 9) * 3 * 8
    assert plan_of(mg.GPT(mg.GPTConfig(3, 4)).half(), False, 1).table_bytes == 3 * 3 * 4
    assert plan_of(mg.as_model(len, vocab_size=3, context_length=4), False, None).table_bytes == 3**4 * 3 * 8


def test_the_memory_that_is_there_bears_so_many_workers():
    plan = plan_of(mg.GPT(mg.GPTConfig(3, 10)), False, None)  # nine blocks
    for workers in (1, 2, 7):
        budget = plan.table_bytes + workers * plan.bytes_per_worker
        assert plan.affordable_workers(8, False, budget) == workers
        assert plan.affordable_workers(8, True, budget - plan.table_bytes) == workers
        assert plan.affordable_workers(2, False, budget) == min(2, workers)
    assert plan.affordable_workers(99, False, 10**12) == 9
    with pytest.raises(mg.TooLarge, match=r"3\*\*10 states x 3 tokens need"):
        plan.affordable_workers(1, False, plan.table_bytes + plan.bytes_per_worker - 1)


def test_the_largest_block_counts():
    plain = mg.as_model(len, vocab_size=1000, context_length=2)
    alone, among = (plan_of(plain, prefixes, None).bytes_per_worker for prefixes in (False, True))
    assert alone == among


@pytest.mark.parametrize("context_length", [0, 5, 1.5, True])
def test_a_context_the_model_has_not_is_refused(context_length):
    with pytest.raises(mg.InvalidInput, match=r"context_length must lie in 1..4, the model's own, got"):
        plan_of(mg.GPT(mg.GPTConfig(3, 4)), False, context_length)
