"""`mg.explore` and `markovgpt explore`: what is given becomes what the page holds."""

import json
import re

import numpy as np
import pytest
from page_letters import bytes_of

import markovgpt as mg
from markovgpt import cli

BITS = mg.Vocabulary(("0", "1"))
SMALL = mg.GPTConfig(2, 2, n_layer=1, n_head=1, n_embd=2)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Two small checkpoints, and their folders."""
    folder = tmp_path_factory.mktemp("models")
    found = []
    for steps in (0, 2):
        model = mg.train_gpt(BITS.encode("0110"), SMALL, steps=steps, vocabulary=BITS).model
        mg.save_model(model, folder / str(steps))
        found.append((model, str(folder / str(steps))))
    return found


def content_of(html):
    """What a page holds."""
    return json.loads(re.search('id="content">(.*?)</script>', html, re.DOTALL)[1])


def test_a_model_a_table_and_a_chain_are_all_taken(models):
    model, _ = models[1]
    table = mg.tabulate(model)
    chain = mg.WindowChain.from_logits(table, mg.SamplingSettings(temperature=0.5))
    of_model, of_table, of_chain = (content_of(mg.explore(each).html)["models"][0] for each in (model, table, chain))
    assert of_model["logits"] == of_table["logits"]
    assert of_model["weights"]["config"]["n_embd"] == 2
    assert of_table["weights"] is None
    assert of_chain["logits"]["dtype"] == "float64"
    logarithms = np.frombuffer(bytes_of(of_chain["logits"]["data"]))
    assert np.exp(logarithms) == pytest.approx(chain.next_token_probs.ravel(), rel=1e-12)
    assert of_chain["certified"][0]["settings"]["temperature"] == 1


def test_what_a_chain_rules_out_stays_impossible():
    never = mg.WindowChain(mg.StateSpace(2, 1), np.array([[1.0, 0.0], [0.5, 0.5]]), BITS)
    content = content_of(mg.explore(never, red="1", start="0").html)
    assert content["models"][0]["certified"][0]["answers"]["reach"] == "0"


def test_weights_may_be_left_out(models):
    assert content_of(mg.explore(models[1][0], weights=False).html)["models"][0]["weights"] is None


def test_two_models_are_named_before_and_after(models):
    (first, _), (second, _) = models
    assert [model["name"] for model in content_of(mg.explore(second, before=first).html)["models"]] == [
        "before",
        "after",
    ]
    named = content_of(mg.explore(second, before=first, names=("one", "two")).html)
    assert [model["name"] for model in named["models"]] == ["one", "two"]


def test_a_shorter_window_than_the_models_own_may_be_looked_at(models):
    page = mg.explore(models[1][0], context_length=1, red="1", start="0")
    assert (page.n_states, page.has_inside) == (2, True)
    assert content_of(page.html)["models"][0]["L"] == 1


def test_a_table_is_not_tabulated_again(models):
    with pytest.raises(mg.InvalidInput, match=r"a table or a chain must come without .*, got context_length, workers"):
        mg.explore(mg.tabulate(models[1][0]), workers=1, context_length=1)


@pytest.mark.parametrize("no_model", ["results/baby_gpt/model", None, 3])
def test_what_is_no_model_is_refused(no_model):
    with pytest.raises(mg.InvalidInput, match=r"model must offer vocab_size, .*; load a file with load_model"):
        mg.explore(no_model)


@pytest.mark.parametrize("wrong", [{"start": "1"}, {"red": "000"}, {"horizon": 0}, {"path": "page.txt"}])
def test_a_wrong_question_is_refused_before_the_model_is_asked(wrong):
    asked = []
    model = mg.as_model(asked.append, vocab_size=2, context_length=2, vocabulary=BITS)
    with pytest.raises(mg.InvalidInput):
        mg.explore(model, **wrong)
    assert asked == []


@pytest.mark.parametrize("names", ["ab", ("a", "a"), ("a",)])
def test_names_that_do_not_fit_are_refused(models, names):
    with pytest.raises(mg.InvalidInput, match="names must be 2, all different"):
        mg.explore(models[1][0], before=models[0][0], names=names)


def test_the_command_writes_the_page_of_the_function(models, tmp_path, capsys):
    file = tmp_path / "page.html"
    model, folder = models[1]
    asked = [
        "--red",
        "01",
        "--start",
        "11",
        "--within",
        "4",
        "--seed",
        "5",
        "--temperature",
        "0.5",
        "--title",
        "A title",
    ]
    assert cli.main(["explore", folder, "--out", str(file), *asked, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said == {
        "question": "explore",
        "file": str(file),
        "models": [folder],
        "states": 4,
        "bytes": file.stat().st_size,
        "inside": True,
    }
    settings = mg.SamplingSettings(temperature=0.5)
    page = mg.explore(model, red="01", start="11", horizon=4, seed=5, settings=settings, title="A title")
    assert file.read_text(encoding="utf-8") == page.html


def test_the_command_takes_two_checkpoints(models, tmp_path, capsys):
    file = tmp_path / "page.html"
    (_, first), (_, second) = models
    assert cli.main(["explore", second, "--before", first, "--out", str(file), "--no-weights"]) == 0
    assert capsys.readouterr().out == f"{file}\n"
    content = content_of(file.read_text(encoding="utf-8"))
    assert [model["weights"] for model in content["models"]] == [None, None]


def test_the_command_refuses_in_a_sentence(models, tmp_path, capsys):
    file = tmp_path / "page.html"
    assert cli.main(["explore", models[1][1], "--red", "000", "--out", str(file)]) == 2
    assert "red must fit in the window of 2 tokens" in capsys.readouterr().err
    assert cli.main(["explore", models[1][1], "--prefixes", "--out", str(file)]) == 2
    assert "--prefixes must be left out" in capsys.readouterr().err
    assert not file.exists()
