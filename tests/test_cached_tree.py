"""Causal models of transformers, walked through their own cache, say what full forwards say."""

import numpy as np
import pytest
import torch

import markovgpt as mg
from markovgpt.chains.asking import BatchSurvey, survey_of
from markovgpt.models.cached_tree import CachedModel
from markovgpt.models.window_tree import TreeSurvey

transformers = pytest.importorskip("transformers")
SIZES = {"vocab_size": 5, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
CONFIGS = {
    "llama": lambda: transformers.LlamaConfig(**SIZES, intermediate_size=32, num_key_value_heads=1),
    "gpt_neox": lambda: transformers.GPTNeoXConfig(**SIZES, intermediate_size=32),
}


def built(kind):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        module = transformers.AutoModelForCausalLM.from_config(CONFIGS[kind]()).eval()
        with torch.no_grad():
            for weight in module.parameters():
                weight += 0.2 * torch.randn_like(weight)
    return module


@pytest.mark.parametrize("kind", CONFIGS)
@pytest.mark.parametrize("with_prefixes", [False, True])
def test_the_walk_says_what_full_forwards_say(kind, with_prefixes):
    model = CachedModel(built(kind), 5, 4, None)
    table = mg.tabulate(model, with_prefixes=with_prefixes)
    for length in range(table.space.shortest, 5):
        first = table.space.first_state(length)
        expected = model.next_token_logits(table.space.windows(length))
        assert table.logits[first : first + len(expected)] == pytest.approx(expected, abs=1e-4)
    assert np.ptp(table.logits, axis=0).min() > 0.1  # the windows do differ


def test_a_token_is_evaluated_once_for_each_of_its_prefixes(monkeypatch):
    module, evaluated = built("llama"), []
    whole = module.forward

    def forward(input_ids, **rest):
        evaluated.append(tuple(input_ids.shape))
        return whole(input_ids, **rest)

    monkeypatch.setattr(module, "forward", forward)
    model = CachedModel(module, 5, 4, None)
    survey = survey_of(model, mg.StateSpace(5, 4))
    assert isinstance(survey, TreeSurvey)
    evaluated.clear()
    worker = survey.worker()
    for block in range(survey.n_blocks):
        list(worker(block))
    assert sum(rows * length for rows, length in evaluated) == 5 + 25 + 125 + 625


@pytest.mark.parametrize("fault", ["no cache", "another meaning", "beside a banned token", "in the middle"])
def test_a_cache_that_says_something_else_is_not_used(fault):
    module = built("llama")

    class Wrapped(torch.nn.Module):
        def forward(self, tokens, past_key_values=None, use_cache=None):
            output = module(tokens, past_key_values=past_key_values, use_cache=use_cache)
            if fault == "no cache":
                output.past_key_values = None
            elif use_cache and (fault != "in the middle" or past_key_values.get_seq_length() == 2):
                output.logits = output.logits + torch.arange(5.0)
            if fault == "beside a banned token":
                output.logits = torch.where(torch.arange(5) == 4, -1e9, output.logits)
            return output

    model = CachedModel(Wrapped(), 5, 3, None)
    assert isinstance(survey_of(model, mg.StateSpace(5, 3)), BatchSurvey)
    expected = model.next_token_logits(mg.StateSpace(5, 3).windows(3))
    assert mg.tabulate(model).logits == pytest.approx(expected, abs=1e-5)


def test_a_folder_of_another_family_is_walked_through_its_cache(tmp_path):
    built("gpt_neox").save_pretrained(tmp_path)
    model = mg.load_model(tmp_path, context_length=3)
    assert isinstance(survey_of(model, mg.StateSpace(5, 3)), TreeSurvey)
    first, again = mg.tabulate(model, with_prefixes=True), mg.tabulate(model, with_prefixes=True)
    assert first.logits.tobytes() == again.logits.tobytes()
