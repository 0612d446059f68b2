"""What determines the bytes of a model's logits."""

import dataclasses

import numpy as np
import torch

import markovgpt as mg
from markovgpt.models.identity import bears_threads, identity_of, source_of


def built(seed=0, **sizes):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return mg.GPT(mg.GPTConfig(2, 3, **sizes))


def test_the_same_model_has_the_same_identity():
    assert identity_of(built()) == identity_of(built())


def test_other_weights_and_other_sizes_have_another():
    assert identity_of(built(1)) != identity_of(built())
    assert identity_of(built(n_head=2)) != identity_of(built())  # the very same tensors, read otherwise
    assert identity_of(built(n_head=2))["weights_sha256"] == identity_of(built())["weights_sha256"]


def test_a_model_trained_on_is_not_what_was_loaded(tmp_path):
    mg.save_model(built(), tmp_path)
    model = mg.load_model(tmp_path)
    before = identity_of(model)
    with torch.no_grad():
        model.lm_head.weight += 1
    assert identity_of(model)["weights_sha256"] != before["weights_sha256"] == model.source.weights_sha256


def test_a_module_is_known_by_its_weights_and_a_callable_is_not():
    linear = torch.nn.Embedding(2, 2)
    module = mg.as_model(linear, vocab_size=2, context_length=1)
    assert len(identity_of(module)["weights_sha256"]) == 64
    function = mg.as_model(lambda windows: np.zeros((len(windows), 2)), vocab_size=2, context_length=1)
    assert identity_of(function)["weights_sha256"] is None
    assert source_of(function) is None


def test_the_origin_that_a_loader_noted_stays():
    model = built()
    assert source_of(model).format == "memory"
    model.source = dataclasses.replace(source_of(model), format="nanogpt")
    assert source_of(model).format == "nanogpt"


def test_the_device_says_what_it_promises():
    identity = identity_of(built())
    assert identity["device"].startswith("cpu (")
    assert identity["same_bytes"] == "promised"
    assert bears_threads(built())
    assert not bears_threads(mg.as_model(torch.nn.Embedding(2, 2), vocab_size=2, context_length=1))
