"""What the commands share: the options of a model, and the chain they make."""

import argparse

import pytest
import torch

import markovgpt as mg
from markovgpt import cli
from markovgpt.commands import options


@pytest.fixture
def folder(tmp_path):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        mg.save_model(mg.GPT(mg.GPTConfig(3, 3, n_layer=1, n_head=1, n_embd=4)), tmp_path)
    return str(tmp_path)


def given(*arguments):
    """The arguments of a command with all the common options."""
    parser = argparse.ArgumentParser()
    options.add_common(parser)
    return parser.parse_args(arguments)


def test_the_chain_is_that_of_the_settings(folder, capsys):
    chain, settings, table, cuts = options.chain_of(
        given(folder, "--temperature", "0.5", "--top-k", "2", "--context-length", "2", "--prefixes")
    )
    assert settings == mg.SamplingSettings(0.5, 2)
    assert chain.n_states == table.space.n_states == 3 + 9
    assert (cuts.n_rows, cuts.n_tied, cuts.n_narrow) == (12, 0, 0)
    assert ((chain.next_token_probs > 0).sum(axis=1) == 2).all()
    assert capsys.readouterr().err.startswith("markovgpt: markovgpt model, float32, weights")


def test_settings_left_out_are_temperature_one(folder):
    assert options.chain_of(given(folder))[1] == mg.SamplingSettings()


@pytest.mark.parametrize(("gigabytes", "expected"), [(None, None), (2.5, 2_500_000_000)])
def test_memory_is_counted_in_gigabytes(gigabytes, expected):
    assert options.memory_budget(argparse.Namespace(memory=gigabytes)) == expected


@pytest.mark.parametrize("gigabytes", [0, -1, 1e-12, float("inf"), float("nan")])
def test_a_budget_that_is_none_is_refused(gigabytes):
    with pytest.raises(mg.InvalidInput, match=r"--memory must be above 0 GB, got .*; leave it out"):
        options.memory_budget(argparse.Namespace(memory=gigabytes))


def test_token_ids_are_whole_numbers():
    with pytest.raises(argparse.ArgumentTypeError, match="token ids must be whole numbers with commas, got '1;2'"):
        options.token_ids("1;2")


@pytest.mark.parametrize(
    "arguments",
    [
        ("demo", "--out", ""),
        ("draw", "MODEL", "--out", ""),
        ("stationary", "MODEL", "--on-disk", ""),
        ("reach", "MODEL", "--red", "a", "--certificate", ""),
        ("sweep", "MODEL", "--red", "a", "--start", "a", "--out", ""),
    ],
)
def test_an_empty_path_is_refused_before_anything_is_done(capsys, arguments):
    with pytest.raises(SystemExit, match="2"):
        cli.main(arguments)
    assert f"{arguments[-2]}: must be a path, got an empty one; the folder one is in is ." in capsys.readouterr().err


def test_the_settings_of_a_folder_are_said(tmp_path, capsys):
    (tmp_path / "config.json").write_text('{"vocab_size": 100}', encoding="utf-8")
    generation = tmp_path / "generation_config.json"
    folder = ["MODEL", "--generation-config", str(tmp_path)]
    generation.write_text('{"temperature": 0.5}', encoding="utf-8")
    assert options.settings_of(given(*folder)).temperature == 0
    assert "greedy as generate() is without --do-sample" in capsys.readouterr().err
    generation.write_text('{"temperature": 0.5, "repetition_penalty": 1.5}', encoding="utf-8")
    with pytest.raises(mg.InvalidInput, match="repetition_penalty must be left out"):
        options.settings_of(given(*folder, "--do-sample"))
    sampled = options.settings_of(given(*folder, "--do-sample", "--penalty-over-window"))
    assert sampled == mg.SamplingSettings(0.5, 50, 1.0, window_repetition_penalty=1.5)  # 50 and 1 are inherited
