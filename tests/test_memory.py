"""What would not fit is refused from an estimate of any size."""

import pytest

import markovgpt as mg
from markovgpt import memory


def test_what_fits_passes_to_the_byte():
    memory.require_memory(100, "100 bytes", "ask for less", budget=100)
    with pytest.raises(mg.TooLarge, match="101 bytes need 101 bytes, budget 100 bytes; ask for less"):
        memory.require_memory(101, "101 bytes", "ask for less", budget=100)


def test_what_does_not_fit_is_refused_with_estimate_budget_and_remedy():
    with pytest.raises(mg.TooLarge, match=r"27\*\*6 states need 83\.7 GB, budget 18\.0 GB; give a shorter context"):
        memory.require_memory(83_700_000_000, "27**6 states", "give a shorter context", budget=18_000_000_000)


def test_a_number_beyond_any_machine_integer_is_compared_and_shown():
    with pytest.raises(mg.TooLarge, match=r"need 5\.5e\+109 GB"):
        memory.require_memory(65**65 * 8, "65**64 states x 65 tokens", "ask less")


def test_without_a_budget_three_quarters_of_what_is_free_are_allowed(monkeypatch):
    monkeypatch.setattr(memory, "available_bytes", lambda: 1000)
    memory.require_memory(750, "750 bytes", "ask less")
    with pytest.raises(mg.TooLarge, match="need 751 bytes, budget 750 bytes"):
        memory.require_memory(751, "751 bytes", "ask less")


def test_a_containers_limit_counts(monkeypatch, tmp_path):
    (tmp_path / "max").write_text("5000\n")
    (tmp_path / "used").write_text("2000\n")
    monkeypatch.setattr(memory, "CGROUP_LIMIT", tmp_path / "max")
    monkeypatch.setattr(memory, "CGROUP_USED", tmp_path / "used")
    assert memory.available_bytes() == 3000
    (tmp_path / "max").write_text("max\n")
    assert memory.available_bytes() > 3000


@pytest.mark.parametrize("budget", [0, -1])
def test_a_budget_of_nothing_is_refused(budget):
    with pytest.raises(mg.InvalidInput, match="memory budget must be above 0 bytes"):
        memory.require_memory(1, "1 byte", "ask less", budget=budget)


@pytest.mark.parametrize(("n_bytes", "shown"), [(999, "999 bytes"), (1500, "1.5 kB"), (2_000_000, "2.0 MB")])
def test_sizes_have_a_unit_a_reader_knows(n_bytes, shown):
    assert memory.shown_bytes(n_bytes) == shown


@pytest.mark.parametrize("budget", ["1GB", float("nan"), float("inf"), True, 0, 0.5])
def test_a_budget_that_is_no_number_of_bytes_is_refused(budget):
    with pytest.raises(mg.InvalidInput, match="memory budget must be above 0 bytes, got"):
        memory.allowed_bytes(budget)
    assert memory.allowed_bytes(2.5e9) == 2_500_000_000
