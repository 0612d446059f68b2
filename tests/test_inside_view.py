"""How the explorer's page draws the inside of a model, in a real Chromium: words, colours, keyboard, and room."""

from pathlib import Path

import numpy as np
import pytest
import torch

import markovgpt as mg
from markovgpt.explorer.weights import embedded_weights
from tests.explorer_browser import open_js

CSS = Path(__file__).parents[1] / "markovgpt" / "explorer" / "inside.css"
DATA = Path(__file__).parents[2] / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.exists(), reason="the real inputs are not beside this checkout")

# Two tokens of a window, three to choose from, one head, vectors of two numbers: every number chosen by hand.
BY_HAND = {
    "tokens": [2, 0],
    "tokenEmbedding": [[0.5, -0.25], [0, 0.125]],
    "positionEmbedding": [[-1, 0], [0.25, 0]],
    "embedding": {"residual": [[-0.5, -0.25], [0.25, 0.125]], "logitLens": [0, 0, 0]},
    "layers": [{"attention": [[[1, 0], [0.25, 0.75]]], "residual": [[0, 0], [2, -4]], "logitLens": [0, -30, 30]}],
    "logits": [-1, 2, 2],
    "probabilities": [0.25, 0.5, 0.25],
}
DRAW = """([shown, pass, dark]) => {
  const place = document.getElementById("place") ?? document.body.appendChild(document.createElement("div"));
  place.id = "place";
  const model = {shown, weights: {config: {n_embd: pass.tokenEmbedding[0].length, n_head: 1}}};
  drawInside(place, model, pass, {dark});
}"""
DRAW_MODEL = """([content, tokens]) => {
  const model = {shown: Array.from({length: content.config.vocab_size}, (_, token) => `t${token}`), weights: content};
  drawInside(document.body, model, forwardPass(content, tokens), {});
}"""


@pytest.fixture
def view(tab):
    """A tab in which the view is loaded, with its stylesheet."""
    open_js(tab, "inside.js", "inside_cells.js", "inside_view.js")
    tab.add_style_tag(content=CSS.read_text(encoding="utf-8"))
    return tab


def labels(view, selector):
    """What the cells say."""
    return view.eval_on_selector_all(
        f"{selector} .inside-cell", "cells => cells.map(c => c.getAttribute('aria-label'))"
    )


def texts(view, selector):
    return view.eval_on_selector_all(selector, "found => found.map((one) => one.textContent)")


def colour(view, label):
    return view.eval_on_selector(
        f".inside-cell[aria-label*='{label}']", "cell => getComputedStyle(cell).backgroundColor"
    )


def words(view):
    return view.text_content(".inside-words")


def test_every_cell_says_its_number(view):
    view.evaluate(DRAW, ["abc", BY_HAND, False])
    assert labels(view, ".inside-head") == [
        "Layer 1, head 1: “c” at position 1 gives 100% of its attention to itself.",
        "Layer 1, head 1: “a” at position 2 gives 25.0% of its attention to “c” at position 1.",
        "Layer 1, head 1: “a” at position 2 gives 75.0% of its attention to itself.",
    ]
    assert labels(view, ".inside-vectors") == [
        "Number 1 of 2 of the vector for the token “c” at position 1: 0.500.",
        "Number 1 of 2 of the vector for the token “a” at position 2: 0.",
        "Number 2 of 2 of the vector for the token “c” at position 1: −0.250.",
        "Number 2 of 2 of the vector for the token “a” at position 2: 0.125.",
        "Number 1 of 2 of the vector for position 1: −1.00.",
        "Number 1 of 2 of the vector for position 2: 0.250.",
        "Number 2 of 2 of the vector for position 1: 0.",
        "Number 2 of 2 of the vector for position 2: 0.",
    ]
    assert labels(view, ".inside-strip") == [
        "Before layer 1, number 1 of 2 of the newest token's vector: 0.250.",
        "Before layer 1, number 2 of 2 of the newest token's vector: 0.125.",
        "After layer 1, number 1 of 2 of the newest token's vector: 2.00.",
        "After layer 1, number 2 of 2 of the newest token's vector: −4.00.",
    ]


def test_what_it_would_say_stands_likeliest_first(view):
    view.evaluate(DRAW, ["abc", BY_HAND, False])
    before, after = ["a33.3%", "b33.3%", "c33.3%"], ["c>99.99%", "a<0.01%", "b<0.01%"]
    assert texts(view, ".inside-bars li") == before + after
    assert texts(view, ".inside-output tbody tr") == ["b2.0050.0%", "c2.0025.0%", "a−1.0025.0%"]
    widths = view.eval_on_selector_all(".inside-output .inside-bar > span", "bars => bars.map(b => b.style.cssText)")
    assert [style.split("background")[0] for style in widths] == [
        "width: 50%; margin-left: 50%; ",
        "width: 50%; ",
        "width: 50%; margin-left: 50%; ",
        "width: 25%; ",
        "width: 25%; margin-left: 25%; ",
        "width: 25%; ",
    ]


def test_colours_run_from_end_to_end(view):
    view.evaluate(DRAW, ["abc", BY_HAND, False])
    assert colour(view, "the vector for position 1: −1.00") == "rgb(0, 90, 160)"
    assert colour(view, "the vector for position 1: 0") == "rgb(240, 240, 238)"
    assert colour(view, "After layer 1, number 1 of 2") == "rgb(218, 162, 119)"  # 2 of 4: halfway to orange
    assert colour(view, "100% of its attention") == "rgb(0, 100, 75)"
    view.evaluate(DRAW, ["abc", BY_HAND, True])
    assert colour(view, "the vector for position 1: −1.00") == "rgb(95, 180, 240)"
    assert colour(view, "100% of its attention") == "rgb(90, 220, 175)"


def test_a_cell_that_is_pointed_at_is_read_out(view):
    view.evaluate(DRAW, ["abc", BY_HAND, False])
    assert words(view).startswith("Point at a cell, or enter a picture with Tab")
    view.hover(".inside-head tbody tr:last-child td")
    assert words(view) == "Layer 1, head 1: “a” at position 2 gives 25.0% of its attention to “c” at position 1."
    assert view.get_attribute(".inside-words", "aria-live") == "polite"


def test_the_keyboard_alone_reads_every_cell(view):
    view.evaluate(DRAW, ["abc", BY_HAND, False])
    read = []
    for key in ["Tab", "ArrowRight", "ArrowRight", "ArrowDown", "ArrowDown", "Home", "ArrowUp", "End", "Tab", "Tab"]:
        view.keyboard.press(key)
        read.append(words(view))
    assert read == [
        "Number 1 of 2 of the vector for the token “c” at position 1: 0.500.",
        "Number 1 of 2 of the vector for the token “a” at position 2: 0.",
        "Number 1 of 2 of the vector for the token “a” at position 2: 0.",  # at the edge it stays
        "Number 2 of 2 of the vector for the token “a” at position 2: 0.125.",
        "Number 1 of 2 of the vector for position 2: 0.250.",
        "Number 1 of 2 of the vector for position 1: −1.00.",
        "Number 2 of 2 of the vector for the token “c” at position 1: −0.250.",
        "Number 2 of 2 of the vector for the token “a” at position 2: 0.125.",
        "Before layer 1, number 1 of 2 of the newest token's vector: 0.250.",
        "Layer 1, head 1: “c” at position 1 gives 100% of its attention to itself.",
    ]
    for key in ["ArrowDown", "ArrowRight", "ArrowUp"]:  # above the last cell of the second row there is none
        view.keyboard.press(key)
    assert words(view).endswith("gives 75.0% of its attention to itself.")


def test_a_table_is_left_and_entered_at_the_same_cell(view):
    view.evaluate(DRAW, ["abc", BY_HAND, False])
    for key in ["Tab", "ArrowDown", "Tab", "Shift+Tab"]:
        view.keyboard.press(key)
    assert words(view) == "Number 2 of 2 of the vector for the token “c” at position 1: −0.250."
    assert view.locator(".inside-vectors .inside-cell[tabindex='0']").count() == 1


def test_a_redraw_leaves_the_reader_where_they_are(view):
    many = BY_HAND | {"logits": list(range(27)), "probabilities": [1 / 27] * 27}
    view.evaluate(DRAW, [[f"t{token}" for token in range(27)], many, False])
    view.click("summary")
    for key in ["Shift+Tab", "Shift+Tab", "ArrowDown", "ArrowRight"]:
        view.keyboard.press(key)
    assert words(view).endswith("“t0” at position 2 gives 75.0% of its attention to itself.")
    later = many | {"layers": [many["layers"][0] | {"attention": [[[1, 0], [0.5, 0.5]]]}]}
    view.evaluate(DRAW, [[f"t{token}" for token in range(27)], later, False])
    assert view.evaluate("document.activeElement.getAttribute('aria-label')") == words(view)
    assert words(view).endswith("“t0” at position 2 gives 50.0% of its attention to itself.")
    assert view.evaluate("document.querySelector('details').open")
    assert view.locator(".inside").count() == 1


@pytest.mark.parametrize(
    ("tokens", "shown_first", "said"), [(13, 13, []), (14, 12, ["2 further tokens, together 14.3%"])]
)
def test_of_many_tokens_the_unlikely_ones_are_folded(view, tokens, shown_first, said):
    many = BY_HAND | {"logits": [0] * tokens, "probabilities": [1 / tokens] * tokens}
    view.evaluate(DRAW, [[f"t{token}" for token in range(tokens)], many, False])
    assert view.locator("section > .inside-output tbody tr").count() == shown_first
    assert view.locator(".inside-output tbody tr").count() == tokens
    assert texts(view, "summary") == said


AWKWARD = ["<img src=x onerror=alert(1)>", "</script><b>", "\u202eright to left \U0001f600 &amp; \"'"]


def test_tokens_are_text_and_never_markup(view):
    view.evaluate(DRAW, [AWKWARD, BY_HAND, False])
    assert texts(view, ".inside-vectors thead bdi") == [AWKWARD[2], AWKWARD[0]]
    assert AWKWARD[2] in labels(view, ".inside-head")[0]
    assert view.locator("#place img, #place b, #place script").count() == 0


def test_a_policy_without_inline_styles_is_kept(view):
    view.evaluate(
        """() => document.head.append(Object.assign(document.createElement("meta"),
        {httpEquiv: "Content-Security-Policy", content: "default-src 'none'; style-src 'none'"}))"""
    )
    view.evaluate(DRAW, ["abc", BY_HAND, False])  # a violation would stand on the console
    assert colour(view, "100% of its attention") == "rgb(0, 100, 75)"


def test_one_token_and_zeros_everywhere_are_drawn(view):
    model = mg.GPT(mg.GPTConfig(1, 1, n_layer=1, n_head=1, n_embd=1)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    view.evaluate(DRAW_MODEL, [embedded_weights(model).content, [0]])
    assert texts(view, ".inside-output tbody tr") == ["t00100%"]
    assert "The window holds 1 token, the newest on the right." in view.text_content(".inside")
    assert "NaN" not in view.inner_html("body")
    assert colour(view, "the vector for position 1: 0") == "rgb(240, 240, 238)"


def test_only_the_impossible_is_0_and_only_the_sure_is_100(view):
    written = {
        0: "0%",
        1e-300: "<0.01%",
        9.99e-5: "<0.01%",
        0.0001: "0.01%",
        0.0123: "1.2%",
        0.5: "50.0%",
        0.9912: "99.12%",
        0.9999: "99.99%",
        1 - 1e-9: ">99.99%",
        1: "100%",
    }
    assert view.evaluate("(shares) => shares.map(shareText)", list(written)) == list(written.values())


def test_numbers_have_three_digits_and_a_minus_sign(view):
    written = {0: "0", -0.5: "−0.500", 123.4: "123", 1234.5: "1235", -999.7: "−1000", 1.004e-7: "1.00e−7", -2: "−2.00"}
    assert view.evaluate("(numbers) => numbers.map(numberText)", list(written)) == list(written.values())


@needs_data
@pytest.mark.parametrize("width", [360, 1200])
def test_the_sorter_fits_a_phone_and_a_projector(view, width):
    content = embedded_weights(mg.load_model(DATA / "nano_sort", n_head=3)).content
    view.set_viewport_size({"width": width, "height": 800})
    view.evaluate(DRAW_MODEL, [content, np.random.default_rng(9).integers(0, 3, 11).tolist()])
    assert view.evaluate("document.documentElement.scrollWidth") <= width
    assert view.locator(".inside-head").count() == 9
    assert view.locator(".inside-head .inside-cell").count() == 9 * 66
    assert view.locator(".inside-vectors .inside-cell").count() == 2 * 48 * 11
    assert view.locator(".inside-strip").count() == 4
