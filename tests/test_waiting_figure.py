"""Waiting-time laws as panels: values where they are near, logarithms where they are wide, nothing left out."""

import math

import numpy as np
import pytest

from markovgpt.analysis.waiting import hitting_law
from markovgpt.chains.sparse_chain import SparseChain
from markovgpt.errors import InvalidInput
from markovgpt.export import waiting_figure as module
from markovgpt.export.waiting_figure import waiting_time_figure

COIN = SparseChain.from_matrix([[0.5, 0.5], [0.0, 1.0]])
RARE = SparseChain.from_matrix([[1 - 1e-200, 1e-200, 0], [1 - 1e-200, 0, 1e-200], [0, 0, 1]])


@pytest.fixture
def panels(monkeypatch):
    """The panels that would be drawn."""
    kept = []
    monkeypatch.setattr(module, "panel_figure", lambda panels, path, **given: kept.append(panels))

    def ask(laws):
        waiting_time_figure(laws, "a.svg")
        return kept[-1]

    return ask


@pytest.mark.parametrize("suffix", ["svg", "pdf", "png"])
def test_the_same_bytes_when_made_twice(suffix, tmp_path):
    law = {"$a$": hitting_law(COIN, [1], start=0, steps=5), "_": hitting_law(RARE, [2], start=0, steps=9)}
    one, two = (waiting_time_figure(law, tmp_path / f"{name}.{suffix}") for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


def test_near_numbers_are_drawn_as_they_are(panels):
    arrives, alive = panels(hitting_law(COIN, [1], start=0, steps=3))
    assert (arrives.log10, alive.log10) == (False, False)
    assert arrives.curves[""].y == pytest.approx([0, 1 / 2, 1 / 4, 1 / 8])
    assert alive.curves[""].y == pytest.approx([1, 1 / 2, 1 / 4, 1 / 8])
    assert list(arrives.curves[""].x) == [0, 1, 2, 3]
    assert (arrives.y_label, alive.y_label) == ("P(T = t)", "P(T > t)")
    assert (arrives.limits, alive.limits) == ({"bottom": 0.0}, {"bottom": 0.0})
    for panel in (arrives, alive):
        curve = panel.curves[""]
        assert (np.asarray(curve.lower) <= curve.y).all()
        assert (curve.y <= np.asarray(curve.upper)).all()


def test_wide_laws_are_drawn_by_logarithms_right_below_the_doubles(panels):
    laws = {"coin": hitting_law(COIN, [1], start=0, steps=3), "rare": hitting_law(RARE, [2], start=0, steps=3)}
    arrives, alive = panels(laws)
    assert arrives.log10
    assert arrives.y_label == "log10 P(T = t)"
    assert arrives.curves["rare"].y == pytest.approx([-math.inf, -math.inf, -400, -400])
    assert arrives.curves["coin"].y == pytest.approx([-math.inf, *(-t * math.log10(2) for t in (1, 2, 3))])
    assert not alive.log10  # between 1/8 and 1


def test_many_steps_are_logarithmic_unless_the_target_may_be_reached_after_none(panels):
    arrives, _ = panels(hitting_law(COIN, [1], start=0, steps=201))
    assert arrives.logarithmic == ("x",)
    assert list(arrives.curves[""].x)[:2] == [1, 2]
    assert arrives.curves[""].y[0] == pytest.approx(math.log10(0.5))
    few, _ = panels(hitting_law(COIN, [1], start=0, steps=200))
    assert (few.logarithmic, few.curves[""].x[0]) == ((), 0)
    within, _ = panels(hitting_law(COIN, [1], start=np.array([0.5, 0.5]), steps=201))
    assert (within.logarithmic, within.curves[""].x[0]) == ((), 0)


def test_no_law_is_refused():
    with pytest.raises(InvalidInput, match="laws must hold at least one, got none; see hitting_law"):
        waiting_time_figure({}, "a.svg")
