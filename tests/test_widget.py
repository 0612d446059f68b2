"""The explorer as a widget: with a stand-in for anywidget, and without one."""

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

import markovgpt as mg

PAGE = mg.explore(mg.LogitTable(mg.StateSpace(2, 1), np.zeros((2, 2))))


def test_the_widget_holds_the_page(monkeypatch):
    class AnyWidget:
        def __init__(self, **traits):
            self.traits = traits

    class Unicode:
        def tag(self, *, sync):
            return SimpleNamespace(sync=sync)

    for name, holds in {"anywidget": {"AnyWidget": AnyWidget}, "traitlets": {"Unicode": Unicode}}.items():
        module = ModuleType(name)
        vars(module).update(holds)
        monkeypatch.setitem(sys.modules, name, module)
    widget = mg.explorer_widget(PAGE)
    assert widget.traits == {"page": PAGE.html}
    assert type(widget).page.sync is True
    assert 'frame.sandbox = "allow-scripts allow-downloads"' in widget._esm


def test_without_anywidget_the_remedy_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "anywidget", None)
    with pytest.raises(mg.InvalidInput, match=r"pip install 'markovgpt\[notebook\]'"):
        mg.explorer_widget(PAGE)
