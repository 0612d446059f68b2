"""The rows of a table, in blocks."""

import numpy as np
import pytest

import markovgpt as mg
from markovgpt.chains import table_blocks as module
from markovgpt.chains.table_blocks import table_blocks


@pytest.mark.parametrize("with_prefixes", [False, True])
@pytest.mark.parametrize("entries", [1, 7, 2**14])
def test_every_row_comes_once_with_its_window(monkeypatch, with_prefixes, entries):
    monkeypatch.setattr(module, "ENTRIES_AT_ONCE", entries)
    space = mg.StateSpace(3, 3, with_prefixes)
    table = mg.LogitTable(space, np.arange(space.n_states * 3.0).reshape(-1, 3))
    seen = []
    for block in table_blocks(table, with_windows=True):
        states = range(space.n_states)[block.rows]
        assert [tuple(window) for window in block.windows.tolist()] == [space.decode(state) for state in states]
        assert block.logits[:, 0].tolist() == [3.0 * state for state in states]
        assert len(states) * 3 <= max(3, entries)
        seen += states
    assert seen == list(range(space.n_states))


@pytest.mark.parametrize("entries", [1, 7, 2**14])
def test_without_windows_the_rows_are_the_same(monkeypatch, entries):
    monkeypatch.setattr(module, "ENTRIES_AT_ONCE", entries)
    space = mg.StateSpace(3, 2, with_prefixes=True)
    table = mg.LogitTable(space, np.arange(36.0).reshape(-1, 3))
    blocks = list(table_blocks(table, with_windows=False))
    assert np.concatenate([block.logits for block in blocks]).tolist() == table.logits.tolist()
    assert [state for block in blocks for state in range(12)[block.rows]] == list(range(12))
    assert all(block.windows is None for block in blocks)


@pytest.mark.parametrize("with_windows", [False, True])
def test_a_row_without_a_number_is_named_by_its_window_wherever_its_block_begins(monkeypatch, with_windows):
    monkeypatch.setattr(module, "ENTRIES_AT_ONCE", 6)
    logits = np.zeros((12, 3))
    logits[3 + 7] = -np.inf  # 21
    table = mg.LogitTable(mg.StateSpace(3, 2, with_prefixes=True), logits)
    with pytest.raises(mg.InvalidInput, match=r"-inf for every token after the window '21'"):
        list(table_blocks(table, with_windows))
    with pytest.raises(mg.InvalidInput, match=r"after the window '21'"):
        mg.WindowChain.from_logits(table)
