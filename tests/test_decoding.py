"""Decoders against all texts one by one, against examples by hand, and against transformers' own on GPT-2 weights."""

import math
from fractions import Fraction
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM, GPT2Config, GPT2LMHeadModel

import markovgpt as mg
from markovgpt.models.decoding import beam_search, greedy_decode

NAMES = Path(__file__).parents[2] / "shared" / "data" / "hf_names_ctx3"
# from 0 the likelier 1 leads nowhere in particular, the less likely 2 to another 2 nearly surely
TRAP = [[0.1, 0.5, 0.4], [0.2, 0.4, 0.4], [0.05, 0.05, 0.9]]


def last_token_model(rows, context_length=1, vocabulary=None):
    """A model that looks at the newest token alone."""
    with np.errstate(divide="ignore"):
        logs = np.log(np.array(rows, dtype=np.float64))
    return mg.as_model(
        lambda windows: logs[np.asarray(windows)[:, -1]],
        vocab_size=len(rows),
        context_length=context_length,
        vocabulary=vocabulary,
    )


def drawn_rows(V, L, seed):
    """{window: probabilities} of every window of at most L tokens, no two texts alike."""
    random = np.random.default_rng(seed)
    windows = [window for length in range(1, L + 1) for window in product(range(V), repeat=length)]
    return {window: [Fraction(float(x)) for x in random.dirichlet(np.ones(V))] for window in windows}


def model_of(rows, V, L):
    """A model with given rows; not normalised, as logits are not."""

    def answer(windows):
        found = [rows[tuple(int(token) for token in window)] for window in windows]
        return np.log([[float(p) for p in row] for row in found]) + 3.5

    return mg.as_model(answer, vocab_size=V, context_length=L)


def chance_of(rows, L, prompt, text):
    """The exact probability of a text after a prompt."""
    chance, said = Fraction(1), list(prompt)
    for token in text:
        row = rows[tuple(said[-L:])]
        chance *= row[token] / sum(row)
        said.append(token)
    return chance


def searched(rows, V, L, prompt, n, k):
    """Beam search by its definition, in fractions."""
    kept = [()]
    for _ in range(n):
        longer = [(*text, token) for text in kept for token in range(V)]
        kept = sorted(longer, key=lambda text: -chance_of(rows, L, prompt, text))[:k]
    return kept


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.sampled_from([(2, 1), (2, 3), (3, 2), (4, 2)]), st.integers(0, 10**6), st.data())
def test_a_search_keeps_what_its_definition_keeps(shape, seed, data):
    (V, L), n, k = shape, data.draw(st.integers(0, 5)), data.draw(st.integers(1, 6))
    prompt = data.draw(st.lists(st.integers(0, V - 1), min_size=1, max_size=4))
    rows = drawn_rows(V, L, seed)
    found = beam_search(model_of(rows, V, L), prompt, n, k)
    assert [text.tokens for text in found] == searched(rows, V, L, prompt, n, k)
    for text in found:
        exact = math.log(chance_of(rows, L, prompt, text.tokens))
        assert text.log_probability == pytest.approx(exact, rel=1e-12, abs=1e-12)
        assert text.score == pytest.approx(exact / max(n, 1), rel=1e-12, abs=1e-12)
        assert text.text is None
    if k == 1:
        assert greedy_decode(model_of(rows, V, L), prompt, n) == found[0]


def test_enough_beams_find_every_text_in_its_order():
    rows, prompt = drawn_rows(3, 2, seed=4), (2,)
    found = beam_search(model_of(rows, 3, 2), prompt, 4, 100)
    expected = sorted(product(range(3), repeat=4), key=lambda text: -chance_of(rows, 2, prompt, text))
    assert [text.tokens for text in found] == expected
    assert sum(math.exp(text.log_probability) for text in found) == pytest.approx(1, rel=1e-12)


def test_two_beams_find_what_the_likeliest_token_misses():
    letters = mg.Vocabulary(("a", "b", "c"))
    model = last_token_model(TRAP, vocabulary=letters)
    greedy, (first, second) = greedy_decode(model, "a", 2), beam_search(model, "a", 2, 2)
    # 0.5 * 0.4, the lower id of two that tie; 0.4 * 0.9
    assert (greedy.text, greedy.tokens, first.text) == ("bb", (1, 1), "cc")
    assert [math.exp(each.log_probability) for each in (greedy, first, second)] == pytest.approx([0.2, 0.36, 0.2])
    assert first.score == pytest.approx(math.log(0.36) / 2)
    assert second == greedy


def test_of_equal_scores_the_earlier_beam_and_the_lower_token_come_first():
    even = last_token_model(np.full((4, 4), 0.25))
    assert [text.tokens for text in beam_search(even, [3], 2, 6)] == [(0, 0), (0, 1), (0, 2), (0, 3), (1, 0), (1, 1)]
    assert greedy_decode(even, [3], 3).tokens == (0, 0, 0)


def test_no_tokens_are_a_text_of_probability_one():
    model = last_token_model(TRAP, vocabulary=mg.Vocabulary(("a", "b", "c")))
    (found,) = beam_search(model, "abc", 0, 5)
    assert (found.tokens, found.text, found.log_probability, found.score) == ((), "", 0.0, 0.0)


def test_what_is_impossible_is_not_written():
    model = last_token_model([[0, 1, 0], [0.5, 0, 0.5], [0, 0, 1]])
    assert [text.tokens for text in beam_search(model, [0], 3, 9)] == [(1, 0, 1), (1, 2, 2)]
    assert [text.log_probability for text in beam_search(model, [2], 3, 9)] == [0.0]


def test_a_gap_of_logits_beyond_the_doubles_is_still_possible():
    model = mg.as_model(lambda w: np.array([[1e308, -1e308]] * len(w)), vocab_size=2, context_length=1)
    found = beam_search(model, [0], 1, 2)
    assert [text.tokens for text in found] == [(0,), (1,)]
    assert math.isfinite(found[1].log_probability)


def test_a_text_that_ends_is_put_aside_and_the_others_go_on():
    # 0 ends; from 1: end with 1/2, else 2; from 2: never ends
    model = last_token_model([[1, 0, 0], [0.5, 0, 0.5], [0, 0, 1]])
    whole = beam_search(model, [1], 3, 2, stop_tokens=[0], length_penalty=0)
    assert [(text.tokens, text.log_probability) for text in whole] == [
        ((0,), pytest.approx(math.log(0.5))),
        ((2, 2, 2), pytest.approx(math.log(0.5))),
    ]
    # by the mean per token the longer is better: ln 1/2 over three tokens
    mean = beam_search(model, [1], 3, 2, stop_tokens=[0])
    assert [(text.tokens, text.score) for text in mean] == [
        ((2, 2, 2), pytest.approx(math.log(0.5) / 3)),
        ((0,), pytest.approx(math.log(0.5))),
    ]
    assert greedy_decode(model, [1], 3, stop_tokens=[0]).tokens == (0,)
    assert greedy_decode(model, [0, 1], 3, stop_tokens=[1]).tokens == (0, 0, 0)  # the prompt's ends nothing


def test_each_window_is_asked_about_once_a_step():
    asked = []

    def even(windows):
        asked.append(np.asarray(windows).tolist())
        return np.zeros((len(windows), 2))

    beam_search(mg.as_model(even, vocab_size=2, context_length=2), [1], 4, 8)
    both = [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert asked == [[[1]], [[1, 0], [1, 1]], both, both]


def generated(module, prompt, n, k, stops=(), penalty=1.0):
    """[(tokens, score)] by transformers; a single text comes without a score."""
    several = {"num_return_sequences": k, "length_penalty": penalty} if k > 1 else {}
    out = module.generate(
        torch.tensor([prompt]), attention_mask=torch.ones(1, len(prompt), dtype=torch.long), do_sample=False,
        num_beams=k, max_new_tokens=n, eos_token_id=list(stops) or None, pad_token_id=0,
        return_dict_in_generate=True, output_scores=True, **several,
    )  # fmt: skip
    found = []
    for row, score in zip(out.sequences.tolist(), [None] if k == 1 else out.sequences_scores.tolist(), strict=True):
        said = row[len(prompt) :]
        end = next((place + 1 for place, token in enumerate(said) if token in stops), len(said))
        if score is None or score > -1e6:  # further down are beams that it fills up with
            found.append((tuple(said[:end]), score))
    return found


def assert_same(found, expected):
    """The same texts in the same order, scores as near as float32 brings them."""
    assert [text.tokens for text in found] == [tokens for tokens, _ in expected]
    scores = [score for _, score in expected]
    if scores != [None]:
        assert [text.score for text in found] == pytest.approx(scores, rel=1e-5, abs=1e-5)


def drawn_gpt2(vocab_size, seed):
    """A GPT-2 with weights large enough that its texts differ."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        config = GPT2Config(
            vocab_size=vocab_size, n_positions=10, n_layer=2, n_head=2, n_embd=8, bos_token_id=None, eos_token_id=None
        )
        module = GPT2LMHeadModel(config)
        with torch.no_grad():
            for parameter in module.parameters():
                parameter += 0.4 * torch.randn(parameter.shape)
    return module.eval()


@pytest.fixture(scope="module", params=[5, 27])
def gpt2(request, tmp_path_factory):
    """A module of transformers, and its weights in our own GPT."""
    module, folder = drawn_gpt2(request.param, seed=request.param), tmp_path_factory.mktemp("gpt2")
    module.save_pretrained(folder)
    return module, mg.load_model(folder)


@pytest.mark.parametrize("k", [1, 2, 3, *(pytest.param(k, marks=pytest.mark.slow) for k in (4, 8)), 16])
@pytest.mark.parametrize("stops", [(), (0,), (1, 3)])
def test_texts_and_scores_are_those_of_transformers(gpt2, k, stops):
    module, model = gpt2
    if k == 1:
        cases = [(1.0, 7, [2, 0, 4]), (1.0, 7, [1])]
    else:
        cases = [(1.0, 7, [2, 0, 4]), (0.0, 4, [2, 0, 4]), (2.0, 7, [1])]
    for penalty, n, prompt in cases:
        found = beam_search(model, prompt, n, k, stop_tokens=stops, length_penalty=penalty)
        assert_same(found, generated(module, prompt, n, k, stops, penalty))


@pytest.mark.skipif(not NAMES.exists(), reason="the real inputs are not beside this checkout")
@pytest.mark.parametrize("stops", [(), (0,)])
def test_names_are_completed_as_transformers_completes_them(stops):
    model, module = mg.load_model(NAMES), AutoModelForCausalLM.from_pretrained(NAMES).eval()
    module.generation_config.bos_token_id = None
    for k in (1, 2, 3, 5, 8, 16):
        for prompt, n in (([0], 2), ([0, 13], 1), ([5], 2)):  # three positions, all told
            assert_same(beam_search(model, prompt, n, k, stop_tokens=stops), generated(module, prompt, n, k, stops))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], 2, 1), r"prompt must hold at least one token, got none; begin with"),
        (("", 2, 1), r"prompt must hold at least one token, got none"),
        (([0, 3], 2, 1), r"prompt must be token ids in 0\.\.2, got \[0, 3\]; see the model's vocabulary"),
        (([-1], 2, 1), r"prompt must be token ids in 0\.\.2, got \[-1\]"),
        (([0.0], 2, 1), r"prompt must be token ids in 0\.\.2, got \[0\.0\]"),
        (([True], 2, 1), r"prompt must be token ids in 0\.\.2, got \[True\]"),
        ((7, 2, 1), r"prompt must be token ids in 0\.\.2, got 7"),
        (("ax", 2, 1), r"text must be made of the vocabulary's tokens, got 'x' at place 1"),
        (([0], -1, 1), r"n_tokens must be a whole number of at least 0, got -1; count"),
        (([0], 1.5, 1), r"n_tokens must be a whole number of at least 0, got 1\.5"),
        (([0], True, 1), r"n_tokens must be a whole number of at least 0, got True"),
        (([0], 2, 0), r"n_beams must be a whole number of at least 1, got 0"),
        (([0], 2, 2.0), r"n_beams must be a whole number of at least 1, got 2\.0"),
    ],
)
def test_what_is_no_question_is_refused(arguments, message):
    with pytest.raises(mg.InvalidInput, match=message):
        beam_search(last_token_model(TRAP, vocabulary=mg.Vocabulary(("a", "b", "c"))), *arguments)


@pytest.mark.parametrize("penalty", [math.nan, math.inf, -11, True, "1", None])
def test_a_penalty_that_is_none_is_refused(penalty):
    with pytest.raises(mg.InvalidInput, match=r"length_penalty must be a number from -10 to 10, got .*; 1 is the mean"):
        beam_search(last_token_model(TRAP), [0], 2, 2, length_penalty=penalty)


def test_stop_tokens_and_texts_need_a_vocabulary_that_has_them():
    with pytest.raises(mg.InvalidInput, match=r"stop_tokens must be token ids in 0\.\.2, got \[3\]"):
        greedy_decode(last_token_model(TRAP), [0], 2, stop_tokens=[3])
    with pytest.raises(mg.InvalidInput, match=r"a text prompt needs a vocabulary, got 'a' without one; give token ids"):
        greedy_decode(last_token_model(TRAP), "a", 2)


def test_more_beams_than_fit_are_refused():
    with pytest.raises(mg.TooLarge, match=r"1000000000000 beams x 3 tokens need .* GB, budget .*; give fewer beams"):
        beam_search(last_token_model(TRAP), [0], 2, 10**12)


@pytest.mark.parametrize("row", [[0.0, math.nan, 0.0], [-math.inf] * 3, [0.0, math.inf, 0.0]])
def test_logits_that_are_no_distribution_are_refused_with_their_window(row):
    logits = np.array([[0.0, 0.0, 1.0], [0.0, 0.0, 0.0], row])
    model = mg.as_model(
        lambda windows: logits[np.asarray(windows)[:, -1]],
        vocab_size=3,
        context_length=2,
        vocabulary=mg.Vocabulary(("0", "a", "b")),
    )
    with pytest.raises(mg.InvalidInput, match=r"NaN for none, got .* after the window '0b' \(tokens \(0, 2\)\); look"):
        greedy_decode(model, [0], 3)
    assert greedy_decode(model, [1], 1).tokens == (0,)
