"""Chains of the model-checking world, with exact answers: every interval holds them, every value is near."""

import json
import re
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from reference_chains import CASES, LARGE

import markovgpt as mg

KINDS = ("reach", "bounded-reach", "until", "interval-bounded-until", "expected-steps", "expected-reward", "long-run")
PROPERTIES = json.loads((CASES / "index.json").read_text()) if CASES.exists() else []
ASKED = [case for case in PROPERTIES if case["kind"] in KINDS]
LARGE_SLOW = [
    pytest.param(case, id=f"{case['name']}-{case['label']}", marks=[pytest.mark.slow] if case["name"] in LARGE else [])
    for case in ASKED
]


def read(name, ending):
    """The chain of a case, plain or compressed."""
    found = [file for file in (CASES / name / (name + ending), CASES / name / (name + ending + ".gz")) if file.exists()]
    return mg.read_drn(found[0])


def ask(case, imported):
    """The answer to a property: its fields, of the state or the states it is about."""
    chain, initial = imported.chain, np.flatnonzero(imported.initial)
    start = int(initial[0]) if len(initial) == 1 else None
    target = imported.labels[case["label"]]
    if case["kind"] == "long-run":
        return mg.long_run_distribution(chain, start), np.flatnonzero(target)
    if case["kind"] == "expected-steps":
        answer = mg.expected_hitting_time(chain, target, start=start)
    elif case["kind"] == "expected-reward":
        named = re.search(r'R\{"(\w+)"\}', case["property"])
        reward = imported.rewards[named[1]] if named else next(iter(imported.rewards.values()))
        answer = mg.expected_reward(chain, reward, target, start=start)
    else:
        left = case["left_label"]
        avoiding = None if left is None else ~(imported.labels[left] | target)
        bound = case["step_bound"]
        within = tuple(bound) if isinstance(bound, list) else bound
        answer = mg.hitting_probability(chain, target, start=start, within=within, avoiding=avoiding)
    return answer, initial if start is None else None


@pytest.mark.skipif(not ASKED, reason="the cases are not here")
@pytest.mark.parametrize("ending", [".exact.drn", ".drn"])
@pytest.mark.parametrize("case", LARGE_SLOW)
def test_the_answer_is_the_reference(case, ending):
    answer, states = ask(case, read(case["name"], ending))
    fields = {name: np.atleast_1d(getattr(answer, name)) for name in ("lower", "value", "upper", "log10")}
    if case["kind"] == "long-run":
        assert len(states) == 1
        fields = {name: part[states] for name, part in fields.items()}
    elif states is not None:  # the largest over all initial states
        best = states[np.argmax(fields["value"][states])]
        fields = {name: part[[best]] for name, part in fields.items()}
    lower, value, upper, log10 = (float(part[0]) for part in fields.values())
    if case["reference"] == "inf":
        assert lower == value == upper == np.inf
        return
    with mpmath.workdps(60):
        reference = mpmath.mpf(case["reference"])
        assert abs(mpmath.mpf(10) ** mpmath.mpf(log10) / reference - 1) < 1e-10 * max(1, abs(log10))
        if 0 < value < np.inf:
            assert abs(mpmath.mpf(value) / reference - 1) < 1e-10
    if ending == ".exact.drn" and case["reference_exact"]:
        exact = Fraction(case["reference_exact"])
        assert Fraction(lower) <= exact
        assert upper == np.inf or exact <= Fraction(upper)
        assert upper == np.inf or upper <= lower * (1 + 1e-9)


@pytest.mark.skipif(not ASKED, reason="the cases are not here")
def test_every_property_but_the_reward_bounded_one_is_asked():
    assert {case["kind"] for case in PROPERTIES} - set(KINDS) == {"reward-bounded-reach"}
    assert len(ASKED) == len(PROPERTIES) - 1
