"""Refusals can be caught by what they are, and by the built-in kind they belong to."""

import pytest

import markovgpt as mg


@pytest.mark.parametrize(
    ("error", "kind"), [(mg.InvalidInput, ValueError), (mg.TooLarge, ValueError), (mg.NotConverged, RuntimeError)]
)
def test_every_refusal_is_ours_and_a_built_in_kind(error, kind):
    assert issubclass(error, mg.MarkovGPTError)
    assert issubclass(error, kind)


def test_a_solver_that_stopped_says_how_far_off_it_stood():
    refused = mg.NotConverged("stopped", 1e-3)
    assert refused.residual == 1e-3
    assert str(refused) == "stopped"
