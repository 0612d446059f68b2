"""Compiled loops, wherever the package is installed."""

import numpy as np
import pytest
from numba.core.registry import CPUDispatcher

from markovgpt.chains.compiled import compiled


def total(values):
    found = 0.0
    for value in values:
        found += value
    return found


@pytest.mark.parametrize("writable", [True, False])
def test_a_loop_is_compiled_where_nothing_can_be_kept(monkeypatch, writable):
    def refuse(self):
        raise RuntimeError("cannot cache function: no locator available")

    if not writable:
        monkeypatch.setattr(CPUDispatcher, "enable_caching", refuse)
    assert compiled(total)(np.array([1.0, 2.0, 4.0])) == 7.0


def test_infinities_and_nan_are_what_they_are():
    assert compiled(total)(np.array([1.0, np.inf])) == np.inf
    assert np.isnan(compiled(total)(np.array([np.inf, -np.inf])))
