"""Asking in batches: each row a function of its window alone."""

import numpy as np
import pytest
import torch

import markovgpt as mg
from markovgpt.chains.asking import TILE_ROWS, BatchSurvey, ask


def test_every_batch_has_the_same_number_of_rows():
    sizes = set()

    def measure(windows):
        sizes.add(len(windows))
        return np.zeros((len(windows), 3))

    mg.tabulate(mg.as_model(measure, vocab_size=3, context_length=6), with_prefixes=True)
    assert sizes == {TILE_ROWS}


def test_the_model_is_asked_on_one_thread_and_the_callers_number_comes_back():
    threads, before = set(), torch.get_num_threads()

    def watched(windows):
        threads.add(torch.get_num_threads())
        return np.zeros((len(windows), 2))

    torch.set_num_threads(2)
    mg.tabulate(mg.as_model(watched, vocab_size=2, context_length=2))
    after = torch.get_num_threads()
    torch.set_num_threads(before)
    assert (threads, after) == ({1}, 2)


@pytest.mark.parametrize("shape", [(1, 2), (TILE_ROWS, 3), (TILE_ROWS,), (TILE_ROWS, 1, 2)])
def test_a_models_answer_of_another_shape_is_refused(shape):
    model = mg.as_model(lambda windows: np.zeros((len(windows), 2)), vocab_size=2, context_length=2)
    model.next_token_logits = lambda windows: np.zeros(shape)  # a model of one's own, without as_model's check
    with pytest.raises(mg.InvalidInput, match="logits"):
        mg.tabulate(model)


def test_a_row_does_not_depend_on_its_neighbours():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        model = mg.GPT(mg.GPTConfig(5, 4, n_layer=2, n_embd=32)).eval()
    table = mg.tabulate(mg.as_model(model, vocab_size=5, context_length=4))
    for state in (0, 7, 300, 624):
        alone = ask(model, np.array([table.space.decode(state)]))
        assert alone[0].tobytes() == table.logits[state].tobytes()


@pytest.mark.parametrize("with_prefixes", [False, True])
def test_every_window_is_in_exactly_one_block(with_prefixes):
    space = mg.StateSpace(9, 5, with_prefixes)  # 59,049 full windows: fifteen blocks
    survey = BatchSurvey(mg.as_model(lambda windows: windows, vocab_size=9, context_length=5), space)
    states = [
        space.first_state(length) + first + row
        for block in range(survey.n_blocks)
        for length, first, rows in survey.parts(block)
        for row in range(rows)
    ]
    assert states == list(range(space.n_states))


def test_a_survey_of_more_windows_than_any_machine_holds_is_made_at_once():
    space = mg.StateSpace(65, 64)
    survey = BatchSurvey(mg.as_model(lambda windows: windows, vocab_size=65, context_length=64), space)
    assert (survey.n_blocks - 1) * survey.parts(0)[0].rows < 65**64 <= survey.n_blocks * survey.parts(0)[0].rows
