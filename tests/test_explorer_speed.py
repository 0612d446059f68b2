"""The experiment on the explorer's page measures what it says."""

import pytest

import markovgpt as mg
from experiments import explorer_speed as module
from experiments.chromium import missing
from experiments.explorer_speed import CASES, STUDY, Case, Settings, page_of, row_of, temperatures, weights_bytes


def test_the_weights_of_a_page_are_what_it_is_longer_by_in_its_content():
    case = Case(2, 2, 60_000)
    page = page_of(case)
    assert page.has_inside
    # a tensor of n numbers is at least 5 n letters, and what says its name and shape
    n_parameters = mg.GPT(mg.GPTConfig(2, 2)).n_parameters
    assert 5 * n_parameters < weights_bytes(page) < 5 * n_parameters + 4000
    assert '"weights":null' not in page.html
    assert weights_bytes(mg.explore(mg.GPT(mg.GPTConfig(2, 2)), weights=False)) == 0


def test_every_drag_goes_elsewhere():
    for before, after in zip(temperatures(200), temperatures(201)[1:], strict=True):
        assert abs(before - after) >= 0.37 - 1e-9
        assert 0 <= after <= 2
        assert float(f"{after}") == after == round(after, 2)  # as the slider's steps and the address write it
    assert len(set(temperatures(201))) == 201


def test_without_a_browser_the_sizes_are_there_and_the_times_are_not(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "missing", lambda: "a Chromium on the path")
    findings = STUDY.make(Settings(most_windows=8), tmp_path)
    (row,) = (tmp_path / "table.csv").read_text().splitlines()[1:]
    assert row.startswith("2,3,8,8,")
    assert row.endswith(",60,,,,,,")
    assert findings.sentences[1:] == [
        "How fast they are was not measured: that needs a Chromium on the path.",
        "Nor was the slider dragged.",
    ]


@pytest.mark.skipif(bool(missing()), reason=f"that needs {missing()}")
def test_times_are_of_pages_that_are_there(chromium):
    row = row_of(CASES[0], chromium, Settings(openings=1, drags=2))
    times = {name: int(cell) for name, cell in row.items() if " ms" in name}
    assert len(times) == 6
    assert 0 < times["first paint ms"] <= times["first paint ms, largest"]
    assert 0 < times["slider to picture ms"] <= times["slider to picture ms, largest"]


@pytest.mark.parametrize("name", ["openings", "drags"])
def test_nothing_measured_is_refused(name):
    with pytest.raises(mg.InvalidInput, match=f"{name} must be at least 1, got 0"):
        Settings(**{name: 0})
