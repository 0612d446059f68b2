"""Properties asked of chains: the outside cases with exact answers, random chains in fractions, off-by-ones by hand."""

import re
from fractions import Fraction

import mpmath
import numpy as np
import oracles
import pytest
import reference_chains as chains
import test_cases as cases
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import assert_encloses, exact_rows
from random_chains import matrices
from test_long_run import closed_classes, exact_share
from test_property_parser import PROPERTIES, refusal_of

import markovgpt as mg
from markovgpt.exchange.checking import check, compared, extreme, known_of, translated
from markovgpt.exchange.properties import Threshold
from markovgpt.exchange.property_parser import parse_property
from markovgpt.scaled import ScaledArray
from markovgpt.solvers.certificate import Enclosure


def on(chain, start=0, rewards=None, **labels):
    """Ask of a chain whose labels are lists of states, from one state or several."""

    def marked(states):
        return np.isin(np.arange(chain.n_states), states)

    def ask(text):
        named = {name: marked(states) for name, states in labels.items()}
        return check(chain, text, labels=named, initial=marked(start), rewards=rewards)

    return ask


# -- the outside cases -------------------------------------------------------------------------------------------------


def written(case):
    """A case's property as it stands; with a label where it stands on variables of the model."""
    if refusal_of(case["property"]) is None:
        return case["property"]
    bound = "" if case["step_bound"] is None else f"<={case['step_bound']}"
    operator = re.match(r"[^=]*", case["property"])[0]
    return f'{operator}=? [F{bound} "{case["label"]}"]'


@pytest.mark.skipif(not cases.ASKED, reason="the cases are not here")
@pytest.mark.parametrize("case", cases.LARGE_SLOW)
def test_every_outside_case_has_its_reference(case):
    found = check(cases.read(case["name"], ".exact.drn"), written(case)).answer
    if case["reference"] == "inf":
        assert found.lower == found.upper == np.inf
        return
    with mpmath.workdps(60):
        reference = mpmath.mpf(case["reference"])
        assert abs(mpmath.mpf(10) ** mpmath.mpf(found.log10) / reference - 1) < 1e-10 * max(1, abs(found.log10))
    if case["reference_exact"]:
        assert Fraction(found.lower) <= Fraction(case["reference_exact"]) <= Fraction(found.upper)


@pytest.mark.skipif(not cases.ASKED, reason="the cases are not here")
def test_most_outside_cases_are_asked_as_they_stand_and_one_is_refused_by_name():
    refused = [case for case in cases.PROPERTIES if refusal_of(case["property"]) is not None]
    assert len(cases.PROPERTIES) - len(refused) == 22  # the others compare variables, but for one
    by_rewards = [case for case in refused if "comparison" not in refusal_of(case["property"])]
    assert [case["kind"] for case in by_rewards] == ["reward-bounded-reach"]
    assert "F{..} (a bound on rewards) at character 7" in refusal_of(by_rewards[0]["property"])


# -- by hand -----------------------------------------------------------------------------------------------------------

LINE = mg.SparseChain.from_matrix(np.diag([1.0] * 5, 1) + np.diag([0.0] * 5 + [1.0]))  # 0, 1, .. 5, 5, 5


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *[("F<=4 e", 0), ("F<=5 e", 1), ("F<5 e", 0), ("F<6 e", 1), ("F=5 e", 1), ("F[6,9] e", 1), ("F[0,4] e", 0)],
        *[("F<=0 z", 1), ("F[1,9] z", 0), ("F[2,2] b", 1), ("F[3,9] b", 0), ("F z | b", 1)],
        *[("z U b", 0), ("z U a", 1), ("z | a U b", 1), ("z | a U<=1 b", 0), ("z | a U[2,2] b", 1)],
        *[("z | a U[1,9] b", 1), ("z | a U[3,9] b", 0)],  # at 3 the left was false, the right no longer true
        *[("b U z", 1), ("false U z", 1), ("false U a", 0), ("z U[1,1] a", 1), ("false U[1,1] a", 0)],
        *[("a | b U[1,2] b", 0), ("z | b U[2,2] b", 0)],  # before the first step of the bound the left must hold too
        *[("G !e", 0), ("G<=4 !e", 1), ("G<5 !e", 1), ("G<=5 !e", 0), ("G true", 1), ("G<=0 z", 1), ("G<=0 a", 0)],
        *[("G z|a|b|c|d|e", 1), ("G !b", 0), ("G e", 0)],
    ],
)
def test_a_walk_along_a_line_is_sure_or_impossible(text, expected):
    ask = on(LINE, z=[0], a=[1], b=[2], c=[3], d=[4], e=[5])
    found = ask(f"P=? [{text}]").answer
    assert found.lower == found.value == found.upper == expected
    assert ask(f"P>=1 [{text}]").holds == ("true" if expected else "false")
    assert ask(f"P>0 [{text}]").holds == ("true" if expected else "false")


def test_steps_rewards_and_shares_by_hand():
    ask = on(LINE, rewards={"cost": np.arange(6.0)}, e=[5], b=[2], z=[0])
    # a cost is earned in each state that is left: 0 + 1 + 2 + 3 + 4
    for text, expected in (("T=? [F e]", 5), ("R=? [F e]", 10), ('R{"cost"}=? [F b]', 1), ("R=? [F z]", 0)):
        assert_encloses(ask(text).answer, Fraction(expected))
    assert ask("T=? [F z]").answer.upper == 0
    assert ask("LRA=? [e]").answer.lower == 1
    assert ask("S=? [b]").answer.upper == 0
    never = on(chains.trap(), red=[2])
    assert never("T=? [F red]").answer.lower == np.inf
    assert never("T>1e400 [F red]").holds == "true"
    assert_encloses(never("P=? [G !red]").answer, Fraction(1, 2))  # carried, not 1 - 1/2
    swing = on(mg.SparseChain.from_matrix([[0, 1.0], [1.0, 0]]), red=[1])
    assert_encloses(swing("S=? [red]").answer, Fraction(1, 2))  # of period 2


def test_what_is_kept_for_ever_is_not_formed_as_a_difference():
    # a run of rare successes, 1e-8 each, wins at 3: never losing is as rare
    matrix = np.zeros((5, 5))
    for state in range(3):
        matrix[state, state + 1], matrix[state, 4] = 1e-8, 1 - 1e-8
    matrix[3, 3] = matrix[4, 4] = 1.0
    found = on(mg.SparseChain.from_matrix(matrix), lost=[4])("P=? [G !lost]").answer
    assert_encloses(found, oracles.hitting(exact_rows(matrix), [3])[0])
    assert 0.9e-24 < found.lower <= found.upper < 1.1e-24


def test_several_initial_states_have_a_least_and_a_greatest_answer():
    ask = on(chains.gambler(), start=[1, 2], won=[3], lost=[0])
    found = ask("P=? [F won]")  # 1/13 and 4/13
    assert found.n_states == 2
    assert_encloses(found.least, Fraction(1, 13))
    assert_encloses(found.greatest, Fraction(4, 13))
    assert found.summary()["least"] == found.least.summary()
    with pytest.raises(
        mg.InvalidInput, match=r'one answer needs one initial state, got 2; .* filter\(max, P=.*, "init"'
    ):
        _ = found.answer
    assert_encloses(ask('filter(max, P=? [F won], "init")').answer, Fraction(4, 13))
    assert_encloses(ask("filter(min, P=? [F won], !lost & !won)").answer, Fraction(1, 13))
    assert ask("filter(min, P=? [F won])").answer.upper == 0
    assert ask("filter(max, T=? [F won])").answer.lower == np.inf
    assert ask("filter(min, T=? [F won])").answer.upper == 0  # least of finite and infinite ones
    verdicts = {text: ask(f"P{text} [F won]").holds for text in (">0.05", ">0.1", "<0.4", "<0.3", ">=1/13", "<=4/13")}
    assert list(verdicts.values()) == ["true", "false", "true", "false", "undecided", "undecided"]


def test_a_threshold_is_decided_by_bounds_and_not_by_values():
    rough = mg.Answer.of(Enclosure(*(np.asarray(part) for part in (0.5, 0.25, 0.75)), 0.0, ""))
    verdicts = {
        relation: [compared(rough, Threshold(relation, text)) for text in ("0.2", "1/4", "0.5", "0.75", "0.8")]
        for relation in ("<", "<=", ">", ">=")
    }
    assert verdicts == {
        "<": ["false", "false", "undecided", "undecided", "true"],
        "<=": ["false", "undecided", "undecided", "true", "true"],
        ">": ["true", "undecided", "undecided", "false", "false"],
        ">=": ["true", "true", "undecided", "undecided", "false"],
    }
    tiny = mg.Answer.of(Enclosure(*[ScaledArray(0.5, -4000)] * 3, 0.0, ""))  # 2**-4001, below every double
    assert [compared(tiny, Threshold(">", text)) for text in ("0", "1e-1205", "1e-1204")] == ["true", "true", "false"]


def test_the_extremes_of_bounds_are_taken_side_by_side():
    bounds = [np.array(part) for part in ([2.0, 3.0, 9.0], [1.0, 0.5, 9.0], [4.0, 3.5, 9.0])]
    answer = mg.Answer.of(Enclosure(*bounds, 0.0, ""), infinite=np.array([False, False, True]))
    least = extreme(answer, np.array([0, 1, 2]), greatest=False)
    assert (least.value, least.lower, least.upper) == (2.0, 0.5, 3.5)
    greatest = extreme(answer, np.array([0, 1]), greatest=True)
    assert (greatest.value, greatest.lower, greatest.upper) == (3.0, 1.0, 4.0)
    assert extreme(answer, np.array([0, 2]), greatest=True).lower == np.inf
    assert extreme(answer, np.array([2]), greatest=False).lower == np.inf


def test_init_and_deadlock_are_labels(tmp_path):
    file = tmp_path / "stuck.tra"
    file.write_text("3 2\n0 1 0.5\n0 2 0.5\n")
    imported = mg.read_prism(file, fix_deadlocks=True)
    assert check(imported, 'P=? [F "deadlock"]').answer.lower == 1
    assert check(imported, "P=? [F[1,9] init]").answer.upper == 0
    labels = tmp_path / "stuck.lab"  # where state 1 is told to have been one, 2 is one beside it
    labels.write_text('0="init" 1="deadlock"\n0: 0\n1: 1\n')
    imported = mg.read_prism(file, labels, fix_deadlocks=True)
    assert check(imported, 'P=? [F "deadlock"]').answer.lower == 1
    with pytest.raises(mg.InvalidInput, match="labels, initial and rewards must be left out for a chain that brings"):
        check(imported, "P=? [F init]", initial=[True, False, False])
    with pytest.raises(mg.InvalidInput, match="initial must mark the states to start in, got None"):
        check(LINE, "P=? [F init]")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("P=? [F blue]", "a label must be one of the chain's, got 'blue'; it has 'init', 'e', 'deadlock'"),
        (
            "P=? [F e & !e]",
            r"""reached must be true in at least one of the 6 states, got '"e" & !"e"', which is so in""",
        ),
        ("P=? [G false]", "what is to hold always must be true in at least one of the 6 states, got 'false'"),
        ("S=? [deadlock]", "in the long run must be true in at least one of the 6 states, got '\"deadlock\"'"),
        ("filter(min, P=? [F e], false)", "the states of a filter must be true in at least one of the 6 states"),
        ("R=? [F e]", "R must name rewards of the chain, got no name, of 'cost', 'time'; T=. counts steps"),
        ('R{"steps"}=? [F e]', "R must name rewards of the chain, got 'steps', of 'cost', 'time'"),
        ("P=? [G<=65537 e]", "G<=n must have n at most 65536, got 65537; ask for F<=n of the opposite"),
        ("P=? [F[65537,65538] e]", "an interval must begin at step 65536 at the latest, got 65537"),
    ],
)
def test_what_cannot_be_answered_is_refused(text, said):
    ask = on(LINE, e=[5], rewards={"cost": np.ones(6), "time": np.ones(6)})
    with pytest.raises(mg.InvalidInput, match=said):
        ask(text)
    assert ask("P=? [F<=1000000000000 e]").answer.lower == 1


# -- random chains in fractions ----------------------------------------------------------------------------------------


def exact_answers(rows, a, b, reward, first, last):
    """For each text the exact answers from every state, by the oracles; the complement of G is of fractions."""
    n = len(rows)
    everything = set(range(n))
    closed = [set(states) for states in closed_classes(rows)]
    stays = {i for states in closed if states <= a for i in states}
    shares = exact_share(rows, b)
    return {
        "P=? [F b]": oracles.hitting(rows, sorted(b)),
        "P=? [a U b]": oracles.hitting(rows, sorted(b), sorted(everything - a - b)),
        f"P=? [F<={last} b]": oracles.within(rows, b, 0, last),
        f"P=? [F[{first},{last}] b]": oracles.within(rows, b, first, last),
        f"P=? [a U<={last} b]": oracles.within(rows, b, 0, last, everything - a),
        f"P=? [a U[{first},{last}] b]": oracles.within(rows, b, first, last, everything - a),
        f"P=? [G<={last} a]": [1 - p for p in oracles.within(rows, everything - a, 0, last)],
        "P=? [G a]": [1 - p for p in oracles.hitting(rows, sorted(everything - a))] if stays else [Fraction(0)] * n,
        "T=? [F b]": oracles.expected_reward(rows, [1] * n, sorted(b)),
        'R{"r"}=? [F b]': oracles.expected_reward(rows, reward, sorted(b)),
        "S=? [b]": shares,
        "LRA=? [b]": shares,
    }


@settings(max_examples=25, deadline=None)
@given(matrices(largest=4), st.data())
def test_every_kind_of_property_holds_the_exact_answer(matrix, data):
    rows, n = exact_rows(matrix), len(matrix)
    a, b = (data.draw(st.sets(st.integers(0, n - 1), min_size=1)) for _ in range(2))
    last = data.draw(st.integers(0, 4))
    first = data.draw(st.integers(0, last))
    reward = [float(data.draw(st.integers(0, 9))) for _ in range(n)]
    start = data.draw(st.integers(0, n - 1))
    chain = mg.SparseChain.from_matrix(matrix)
    some = on(chain, [start], a=sorted(a), b=sorted(b), rewards={"r": reward})
    all_of_them = on(chain, list(range(n)), a=sorted(a), b=sorted(b), rewards={"r": reward})
    for text, exact in exact_answers(rows, a, b, reward, first, last).items():
        assert_encloses(some(text).answer, exact[start])
        found = all_of_them(text)
        finite = [number for number in exact if number is not None]
        assert_encloses(found.least, min(finite) if finite else None)
        assert_encloses(found.greatest, max(exact) if len(finite) == n else None)


@settings(max_examples=60, deadline=None)
@given(PROPERTIES)
def test_any_tree_is_answered_or_refused(tree):
    ask = on(chains.gambler(), [0, 1], rewards={"r": np.ones(4)}, a=[0, 1], b=[3])
    text = re.sub(r'"[^"]+"', lambda found: '"a"' if len(found[0]) % 2 else '"b"', str(tree))
    try:
        found = ask(text)
    except mg.MarkovGPTError:
        return
    assert found.least.lower <= found.greatest.upper
    assert (found.holds is None) == (tree.threshold is None)


def test_a_property_is_a_question_of_the_library():
    known = known_of(LINE, {"a": np.arange(6) < 2, "b": np.arange(6) == 1}, np.arange(6) == 0)
    found = translated(parse_property("P=? [a U[1,2] b]"), *known)
    assert (found.question, found.within) == ("hitting_probability", (1, 2))
    assert np.flatnonzero(found.target).tolist() == [1]
    assert np.flatnonzero(found.avoiding).tolist() == [2, 3, 4, 5]
