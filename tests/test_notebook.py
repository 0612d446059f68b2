"""Everything shows itself in a notebook: what it holds, in few rows, nothing solved for it, and nothing in it runs."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest
import reference_chains as chains
from awkward import AWKWARD

import markovgpt as mg
from markovgpt.export.notebook import card_of
from markovgpt.shown import Shown

TOKENS = mg.Vocabulary(("</script>", " "))
SPACE = mg.StateSpace(2, 3)
TABLE = mg.LogitTable(
    SPACE, np.random.default_rng(0).normal(size=(8, 2)), TOKENS, mg.ModelSource("nanogpt", "float32", "ab" * 32)
)
CHAIN = mg.WindowChain.from_logits(TABLE)
COLD = mg.WindowChain.from_logits(TABLE, mg.SamplingSettings(temperature=0.5, top_k=1))
EVERYTHING = [
    CHAIN, COLD, SPACE, TOKENS, TABLE,
    mg.SparseChain.from_matrix(np.eye(2), AWKWARD[:2]),
    mg.SamplingSettings(temperature=0, top_k=3),
    mg.hitting_probability(CHAIN, [7], within=3),
    mg.hitting_probability(CHAIN, [7], within=3, start=0),
    mg.expected_hitting_time(COLD, [7], start=0),
    mg.absorption_probabilities(chains.trap()),
    mg.absorption_probabilities(chains.trap(), start=0),
    mg.stationary_distributions(CHAIN),
    mg.hitting_law(CHAIN, [7], start=0, steps=30),
    mg.compare_chains(CHAIN, COLD),
    mg.greedy_machine(TABLE),
    mg.greedy_machine(TABLE).minimised(),
    mg.entropy_rate(CHAIN),
    mg.chain_shape(CHAIN),
    mg.mixing_time(CHAIN),
    mg.leading_eigenvalues(CHAIN, 2),
    mg.memory_use(CHAIN),
    mg.red_strings("</script>", vocabulary=TOKENS),
    mg.train_gpt([0, 1, 1, 0, 1], mg.GPTConfig(2, 3, n_layer=1, n_head=1, n_embd=4), steps=2),
    mg.GPTConfig(2, 3),
]  # fmt: skip


@pytest.mark.parametrize("thing", EVERYTHING, ids=lambda thing: type(thing).__name__)
def test_everything_is_well_formed_inert_and_the_same_when_shown_twice(thing):
    page = thing._repr_html_()
    root = ElementTree.fromstring(page)
    assert {part.tag for part in root.iter()} <= {"div", "table", "thead", "tbody", "tr", "th", "td", "img"}
    assert type(thing).__name__ in page
    assert len(list(root.iter("tr"))) <= 60
    assert not re.search(r"0x[0-9a-f]{6}", page)  # no address in memory
    assert thing._repr_html_() == page
    assert thing._repr_svg_() == thing._repr_svg_()


def facts_of(thing):
    """What the card says."""
    return dict(card_of(thing).facts)


def test_a_chain_says_how_large_it_is_and_is_drawn_if_it_is_small():
    assert facts_of(CHAIN) == {
        "states": "8",
        "tokens": "2: </script> ␣",
        "window": "3 tokens",
        "probabilities": "float64, 8 x 2",
        "transitions": "16",
        "communicating classes": "1, 1 recurrent",
    }
    assert facts_of(chains.trap()) == {
        "states": "3",
        "transitions": "5",
        "communicating classes": "3, 2 recurrent",
    }
    assert "<svg" in CHAIN._repr_svg_()
    assert "data:image/svg+xml" in CHAIN._repr_html_()


def test_a_large_chain_is_a_table_and_nothing_is_searched(monkeypatch):
    space = mg.StateSpace(10, 4, with_prefixes=True)
    chain = mg.WindowChain(space, np.full((space.n_states, 10), 0.1, dtype=np.float32))
    for name in ("edges", "push", "pull", "strong_components", "reaching"):
        monkeypatch.setattr(mg.WindowChain, name, None)
        monkeypatch.setattr(mg.TransitionOperator, name, None)
    assert facts_of(chain) == {"states": "11,110", "tokens": "10", "window": "4 or fewer tokens",
                               "probabilities": "float32, 11,110 x 10"}  # fmt: skip
    assert chain._repr_svg_() is None
    assert "<img" not in chain._repr_html_()


def test_a_number_is_shown_in_certified_digits_with_its_bounds():
    facts = facts_of(mg.hitting_probability(chains.gambler(), [3], start=1))  # 1/13 = 0.076923076923...
    assert facts["value"].startswith("0.0769230769")
    assert (facts["lower"], facts["upper"]) == ("0.0769230", "0.0769231")
    assert facts["log10"] == "-1.113944 to -1.113943"  # log10 1/13 = -1.1139433...


def test_a_number_that_no_double_holds_is_shown_too():
    facts = facts_of(mg.hitting_probability(chains.rare_run(), [20], start=0, within=20))  # 1e-800
    assert facts["value"].endswith("e-800") or facts["value"].startswith("9.99999")
    assert facts["log10"] == "-800.000001 to -799.999999" or facts["log10"].startswith("-800.0000")


def test_of_many_numbers_the_first_are_shown():
    n = 1000
    card = card_of(mg.hitting_probability(chains.line(n - 1), [n - 1]))
    assert [row["value"] for row in card.rows] == ["1"] * 12
    assert card.n_rows == n
    assert "12 of 1,000 rows" in mg.hitting_probability(chains.line(n - 1), [n - 1])._repr_html_()


def test_each_recurrent_class_is_a_row():
    rows = card_of(mg.stationary_distributions(chains.two_periods())).rows
    assert [(row["states"], row["first"], row["likeliest state"]) for row in rows] == [
        ("2", "1, 2", "1"),
        ("3", "3, 4, 5", "3"),
    ]
    assert rows[0]["its share"].startswith("0.5")
    assert rows[1]["its share"].startswith("0.333333333")


def test_each_class_of_an_absorption_is_a_column():
    rows = card_of(mg.absorption_probabilities(chains.trap())).rows
    assert [list(row) for row in rows] == [["", "class 0", "class 1"]] * 3
    assert (rows[1]["class 0"], rows[1]["class 1"]) == ("1", "0")


def test_a_law_is_shown_step_by_step():
    coin = mg.SparseChain.from_matrix([[0.5, 0.5], [0, 1]])
    card = card_of(mg.hitting_law(coin, [1], start=0, steps=40))
    assert [row["t"] for row in card.rows] == [str(t) for t in range(12)]
    assert card.n_rows == 41
    assert [row["P(T = t)"][:6] for row in card.rows[:4]] == ["0", "0.5000", "0.2500", "0.1250"]


def test_a_comparison_shows_what_needs_a_long_run_only_once_it_is_known():
    before, after = (mg.SparseChain.from_matrix([[0.5, 0.5], [q, 1 - q]]) for q in (0.5, 0.25))
    found = mg.compare_chains(before, after)
    assert facts_of(found)["windows that changed"] == "1"
    assert facts_of(found)["most changed"].startswith("1, by 0.25")
    assert "kl rate" not in facts_of(found)
    assert found.kl_rate.bits.value > 0  # 0.1037...
    assert facts_of(found)["kl rate"].startswith("0.1037")


def test_transitions_that_were_lost_are_counted_and_named():
    assert facts_of(mg.compare_chains(CHAIN, COLD))["transitions lost"].startswith("8 (")
    assert " after " in facts_of(mg.compare_chains(CHAIN, COLD))["transitions lost"]


def test_the_cycles_with_the_largest_basins_come_first():
    # 00 -> 00; 01, 10 -> 01 -> 10: a cycle of two, into which 11 leads
    table = mg.LogitTable(mg.StateSpace(2, 2), np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]))
    card = card_of(mg.greedy_machine(table))
    assert [row["length"] for row in card.rows] == ["2", "1"]
    assert [row["windows led in"] for row in card.rows] == ["3", "1"]
    assert card.facts["cycles"] == "2"


def test_the_loss_is_shown_from_the_first_step_to_the_last():
    trained = mg.train_gpt([0, 1, 1, 0, 1], mg.GPTConfig(2, 3, n_layer=1, n_head=1, n_embd=4), steps=40)
    rows = card_of(trained).rows
    assert (rows[0]["step"], rows[-1]["step"], len(rows)) == ("0", "39", 12)
    assert rows[0]["loss (nats)"] == f"{trained.log[0]['loss']:.4f}"
    empty = mg.train_gpt([0, 1, 1, 0, 1], mg.GPTConfig(2, 3, n_layer=1, n_head=1, n_embd=4), steps=0)
    assert len(card_of(empty).rows) == len(empty.log)


def test_settings_that_are_off_are_left_out():
    assert facts_of(mg.SamplingSettings(temperature=0.25, top_p=0.9, min_p=0)) == {
        "temperature": "0.25", "top_p": "0.9", "engine": "huggingface"}  # fmt: skip


def test_where_a_model_came_from_is_said():
    assert facts_of(TABLE)["model"] == "nanogpt model, float32, weights abababababab"
    assert facts_of(TABLE)["logits"] == "float64, 8 x 2"


def test_numbers_whose_bounds_are_fields_are_shown_in_certified_digits():
    facts = facts_of(mg.entropy_rate(mg.SparseChain.from_matrix([[0.9, 0.1], [0.3, 0.7]])))
    # 3/4 H(0.1) + 1/4 H(0.3) = 0.75 * 0.46899559 + 0.25 * 0.88129090 = 0.57206942
    assert re.fullmatch(r"0\.572069\d*, in \[0\.57206\d, 0\.5720(69|7)\d?\]", facts["bits"])
    assert not any("lower" in name for name in facts)


def test_several_results_in_one_are_a_table():
    card = card_of(mg.memory_use(CHAIN))
    assert [row["order"] for row in card.rows] == [str(one.order) for one in mg.memory_use(CHAIN).orders]


@pytest.mark.parametrize("label", AWKWARD)
def test_a_label_is_shown_whatever_it_is(label):
    chain = mg.SparseChain.from_matrix([[0.5, 0.5], [0, 1]], [label, "end"])
    for thing in (mg.stationary_distributions(chain), mg.compare_chains(chain, chain), chain):
        root = ElementTree.fromstring(thing._repr_html_())
        assert {part.tag for part in root.iter()} <= {"div", "table", "thead", "tbody", "tr", "th", "td", "img"}


def test_what_has_no_fields_shows_its_name():
    class Bare(Shown):
        def __repr__(self):
            return "a < b"

    assert "a &lt; b" in Bare()._repr_html_()


def test_a_notebook_shows_it():
    formatters = pytest.importorskip("IPython.core.formatters", reason="no IPython on this machine")
    shown = formatters.DisplayFormatter().format(CHAIN)[0]
    assert shown["text/html"] == CHAIN._repr_html_()
    assert shown["image/svg+xml"] == CHAIN._repr_svg_()
    assert shown["text/plain"] == repr(CHAIN)
    assert set(formatters.DisplayFormatter().format(mg.SamplingSettings())[0]) == {"text/plain", "text/html"}
