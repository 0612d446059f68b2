"""Training in panels: numbers, bounds and answers as cells."""

import math
import xml.etree.ElementTree as ElementTree

import pytest

from markovgpt.analysis.reachability import hitting_probability
from markovgpt.chains.sparse_chain import SparseChain
from markovgpt.errors import InvalidInput
from markovgpt.export import training_figure as module
from markovgpt.export.training_figure import bounds_of_cell, training_figure

ROWS = [
    {"step": 0, "loss": 0.69, "P(_)": "0.5", "gap": "[0.1, 0.3]"},
    {"step": 1, "loss": 0.5, "P(_)": "0.25", "gap": "[0.2, 0.4]"},
    {"step": 2, "loss": "", "P(_)": "0.125", "gap": "0.2"},
]


@pytest.fixture
def panels(monkeypatch):
    """The panels that would be drawn."""
    kept = []
    monkeypatch.setattr(module, "panel_figure", lambda panels, path, **given: kept.append((panels, given)))

    def ask(rows, **given):
        training_figure(rows, "a.svg", **given)
        return kept[-1]

    return ask


@pytest.mark.parametrize("suffix", ["svg", "pdf", "png"])
def test_the_same_bytes_when_made_twice(suffix, tmp_path):
    one, two = (training_figure(ROWS, tmp_path / f"{name}.{suffix}") for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


def test_each_column_has_a_panel_with_its_name(tmp_path):
    root = ElementTree.parse(training_figure(ROWS, tmp_path / "a.svg")).getroot()
    written = {"".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {"loss", "P(_)", "gap", "steps of training"} <= written


def test_cells_become_curves_with_their_bounds(panels):
    drawn, _ = panels(ROWS, panels=[["loss", "gap"]], levels={"gap": 0.25})
    (panel,) = drawn
    loss, gap = panel.curves.values()
    assert list(loss.x) == [0, 1, 2]
    assert list(loss.y)[:2] == [0.69, 0.5]
    assert math.isnan(loss.y[2])
    assert list(gap.y) == pytest.approx([0.2, 0.3, 0.2])
    assert (list(gap.lower), list(gap.upper)) == ([0.1, 0.2, 0.2], [0.3, 0.4, 0.2])
    assert (panel.title, panel.levels, panel.limits) == ("", [0.25], {"bottom": 0.0})


def test_an_answer_is_a_cell():
    game = SparseChain.from_matrix([[1, 0, 0, 0], [0.75, 0, 0.25, 0], [0, 0.75, 0, 0.25], [0, 0, 0, 1]])
    risk = hitting_probability(game, [3], start=1)
    assert bounds_of_cell(risk) == (risk.value, risk.lower, risk.upper)
    assert bounds_of_cell(risk)[0] == pytest.approx(1 / 13)


@pytest.mark.parametrize("cell", [None, ""])
def test_an_empty_cell_is_no_number(cell):
    assert all(math.isnan(part) for part in bounds_of_cell(cell))


@pytest.mark.parametrize("cell", ["many", "[1]", "[1, 2, 3]", object()])
def test_what_is_no_number_is_refused(cell):
    with pytest.raises(InvalidInput, match=r"a cell must be a number, bounds or empty, got .*; see certified_digits"):
        bounds_of_cell(cell)


def test_refusals():
    with pytest.raises(InvalidInput, match=r"rows must hold at least one, got none; see TrainedGPT\.log"):
        training_figure([], "a.svg")
    with pytest.raises(InvalidInput, match="rows must have the column 'gain', got step, loss, P"):
        training_figure(ROWS, "a.svg", panels=[["loss", "gain"]])
    with pytest.raises(InvalidInput, match="rows must have the column 'k', got step"):
        training_figure(ROWS, "a.svg", x="k")
