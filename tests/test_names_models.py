"""What the experiments on names open: a model that is trained here, or a checkpoint, over letters and the end."""

import string

import pytest
import torch

import markovgpt as mg
from experiments.names_models import (
    END,
    LETTERS,
    default_names,
    examples_of,
    model_at,
    names_in,
    names_model,
    trained_names_model,
)


@pytest.fixture
def saved(tmp_path):
    """Save an untrained model with a number of tokens, and say where it lies."""

    def save(n_tokens, vocabulary=None):
        with torch.random.fork_rng(devices=[]):
            model = mg.GPT(mg.GPTConfig(n_tokens, 2, n_layer=1, n_head=1, n_embd=4), vocabulary)
        mg.save_model(model, tmp_path)
        return tmp_path

    return save


def test_a_model_that_does_not_say_has_letters(saved):
    assert names_model(saved(27)).vocabulary.tokens == ("\n", *"abcdefghijklmnopqrstuvwxyz") == LETTERS.tokens


def test_a_model_that_says_keeps_its_order(saved):
    own = mg.Vocabulary((*string.ascii_lowercase, "\n"))
    assert names_model(saved(27, own)).vocabulary == own


def test_models_of_other_tokens_are_refused(saved):
    with pytest.raises(mg.InvalidInput, match="must have 27 tokens, letters and the end of the line, got 3; give"):
        names_model(saved(3))
    with pytest.raises(mg.InvalidInput, match=r"letters and the end of the line, got '\.'; give"):
        names_model(saved(27, mg.Vocabulary((".", *string.ascii_lowercase))))


def test_the_names_ship_with_python():
    names = default_names()
    assert len(set(names)) == len(names) > 1500
    assert {"alpha", "male", "sext", "hellip"} <= set(names)
    assert all(set(name) <= set(string.ascii_lowercase) for name in names)
    assert list(names) != sorted(names)


def test_a_text_is_a_name_a_line(tmp_path):
    file = tmp_path / "names.txt"
    file.write_text("ada\nbob\n")
    assert names_in(file) == ("ada", "bob")
    for text, said in (("\n", r"at least one, got none in names\.txt"), ("zo\u00eb\n", "\u00eb")):
        file.write_text(text, encoding="utf-8")
        with pytest.raises(mg.InvalidInput, match=said):
            names_in(file)
    with pytest.raises(mg.InvalidInput, match=r"the names must be a text file, got none\.txt"):
        names_in(tmp_path / "none.txt")


def test_examples_are_the_windows_of_lines_and_what_they_begin_with():
    windows, targets = examples_of(["abc", "d"], 2)
    found = [(LETTERS.show(row), target) for row, target in zip(windows.tolist(), targets.tolist(), strict=True)]
    a, b, c, d = 1, 2, 3, 4
    # \n abc \n d \n in a row, six windows; after two ends the first letters; after one, as a text begins
    stream = [("\\na", [-1, b]), ("ab", [-1, c]), ("bc", [-1, END]), ("c\\n", [-1, d]), ("\\nd", [-1, END])]
    assert found == [*stream, ("\\n\\n", [-1, a]), ("\\n\\n", [-1, d]), ("\\na", [a, -1]), ("\\nd", [d, -1])]


def test_a_model_is_trained_once_and_learns(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = trained_names_model(1, steps=30, names=["ab"])
    (place,) = (folder for folder in (tmp_path / "build" / "models").iterdir() if folder.is_dir())
    before = (place / "model.safetensors").stat().st_mtime_ns
    again = trained_names_model(1, steps=30, names=["ab"])
    assert (place / "model.safetensors").stat().st_mtime_ns == before
    logits = [each.next_token_logits([[END], [1], [2]]) for each in (model, again)]
    assert logits[0].argmax(axis=1).tolist() == [1, 2, END]  # a, b and the end, in turn
    assert (logits[0] == logits[1]).all()
    trained_names_model(1, steps=1, names=["ab"])
    assert sum(folder.is_dir() for folder in (tmp_path / "build" / "models").iterdir()) == 2


def test_a_checkpoint_that_is_given_is_opened(saved):
    assert model_at(saved(27)).context_length == 2
