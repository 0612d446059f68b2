"""The property language: trees by hand, refusals by name and place, and whatever else is typed."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import markovgpt as mg
from markovgpt.exchange.properties import (
    EVER,
    Always,
    And,
    Filter,
    Label,
    Not,
    Or,
    Property,
    Steps,
    Threshold,
    Truth,
    Until,
)
from markovgpt.exchange.property_parser import MOST_NESTED, parse_property

A, B, C = Label("a"), Label("b"), Label("c")
YES = Truth(True)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ('P=? [F "a"]', Property("P", Until(YES, A))),
        ("P=?[F a]", Property("P", Until(YES, A))),
        ("P =? [ F<=10 a ]", Property("P", Until(YES, A, Steps(0, 10)))),
        ("P=? [F<10 a]", Property("P", Until(YES, A, Steps(0, 9)))),
        ("P=? [F<1 a]", Property("P", Until(YES, A, Steps(0, 0)))),
        ("P=? [F=3 a]", Property("P", Until(YES, A, Steps(3, 3)))),
        ("P=? [F[2,5] a]", Property("P", Until(YES, A, Steps(2, 5)))),
        ("P=? [F [0,5] a]", Property("P", Until(YES, A, Steps(0, 5)))),
        ("P=? [a U b]", Property("P", Until(A, B))),
        ("P=? [true U b]", Property("P", Until(YES, B))),
        ("P=? [a U<=2 b]", Property("P", Until(A, B, Steps(0, 2)))),
        ("P=? [a U<2 b]", Property("P", Until(A, B, Steps(0, 1)))),
        ("P=? [a U[1,2] b]", Property("P", Until(A, B, Steps(1, 2)))),
        ("P=? [a|b U b&c]", Property("P", Until(Or((A, B)), And((B, C))))),
        ("P=? [G a]", Property("P", Always(A))),
        ("P=? [G<4 !a]", Property("P", Always(Not(A), Steps(0, 3)))),
        ("P=? [G[0,4] a]", Property("P", Always(A, Steps(0, 4)))),
        ("P=? [F a | b & c]", Property("P", Until(YES, Or((A, And((B, C))))))),
        ("P=? [F (a | b) & c]", Property("P", Until(YES, And((Or((A, B)), C))))),
        ("P=? [F !a & b]", Property("P", Until(YES, And((Not(A), B))))),
        ("P=? [F !(a & b)]", Property("P", Until(YES, Not(And((A, B)))))),
        ("P=? [F a & b & c]", Property("P", Until(YES, And((A, B, C))))),
        ("P=? [F (a & b) & c]", Property("P", Until(YES, And((And((A, B)), C))))),
        ("P=? [F ((a))]", Property("P", Until(YES, A))),
        ('P=? [F "F"]', Property("P", Until(YES, Label("F")))),
        ('P=? [F " ] |"]', Property("P", Until(YES, Label(" ] |")))),
        ("P>=0.5 [F a]", Property("P", Until(YES, A), None, Threshold(">=", "0.5"))),
        ("P<1e-9 [F a]", Property("P", Until(YES, A), None, Threshold("<", "1e-9"))),
        ("P>1/3 [F a]", Property("P", Until(YES, A), None, Threshold(">", "1/3"))),
        ("P<=1 [F a]", Property("P", Until(YES, A), None, Threshold("<=", "1"))),
        ("T=? [F a]", Property("T", Until(YES, A))),
        ("T<1e9 [F a]", Property("T", Until(YES, A), None, Threshold("<", "1e9"))),
        ("R=? [F a]", Property("R", Until(YES, A))),
        ('R{"cost"}>=3 [F a]', Property("R", Until(YES, A), "cost", Threshold(">=", "3"))),
        ("S=? [a | b]", Property("S", Or((A, B)))),
        ("LRA>0.1 [a]", Property("LRA", A, None, Threshold(">", "0.1"))),
        ('filter(max, T=? [F a], "init")', Property("T", Until(YES, A), over=Filter("max", Label("init")))),
        ("filter(min, P=? [F a])", Property("P", Until(YES, A), over=Filter("min", YES))),
    ],
)
def test_what_is_written_is_what_is_meant(text, tree):
    assert parse_property(text) == tree


@pytest.mark.parametrize(
    ("text", "said", "place"),
    [
        ("P=? [X a]", "X (next)", 6),
        ("P=? [F X a]", "X within a formula", 8),
        ("P=? [F P>0.5 [F a]]", "P within a formula", 8),
        ("P=? [F G a]", "G within a formula", 8),
        ("P=? [F (a U b)]", "in parentheses, got 'U'", 11),
        ("P=? [a U b U c]", "asked about, got 'U'", 12),
        ("P=? [a W b]", "W (weak until)", 8),
        ("P=? [a R b]", "R (release)", 8),
        ("P=? [F a || F b]", "|| (a conditional probability)", 10),
        ("P=? [F a => b]", "=> (implies)", 10),
        ("P=? [F a <=> b]", "<=> (exactly if)", 10),
        ("P=? [F a && b]", "&&", 10),
        ("P=? [F s=5]", "= (a comparison or a sum)", 9),
        ("P=? [F s!=5]", "!= (a comparison or a sum)", 9),
        ("P=? [F s+1]", "+ (a comparison or a sum)", 9),
        ('P=? [F{"cost"}<=5 a]', "F{..} (a bound on rewards)", 7),
        ("P=? [F>=5 a]", "F>= (a bound without an end)", 7),
        ("P=? [a U>5 b]", "U> (a bound without an end)", 9),
        ("P=? [F<=2.5 a]", "whole number of steps of at most 18 digits, got '2.5'", 9),
        ("P=? [F<=-1 a]", "whole number of steps of at most 18 digits, got '-'", 9),
        ("P=? [F<=n a]", "whole number of steps of at most 18 digits, got 'n'", 9),
        ("P=? [F<=1000000000000000000 a]", "at most 18 digits, got '1000000000000000000'", 9),
        ("P=? [F<=", "at most 18 digits, got its end", 9),
        ("P=? [F<0 a]", "must leave a step, got <0", 8),
        ("P=? [F[3,2] a]", "must have a <= b, got [3,2]", 8),
        ("P=? [F[3 2] a]", ", must stand between the first and the last step, got '2'", 10),
        ("P=? [F[3,4 a]", "] must stand after the last step, got 'a'", 12),
        ("P=? [G[1,2] a]", "G must hold from step 0 on, got a bound from 1", 7),
        ("P=? [a]", "a path must begin with F or G, or have a U, got ']'", 7),
        ("P=? [F]", "a state formula must be of labels, such as \"red\", got ']'", 7),
        ("P=? [F 5]", "a state formula must be of labels, such as \"red\", got '5'", 8),
        ('P=? [F "a]', 'a state formula must be of labels, such as "red", got \'"\'', 8),
        ('P=? [F ""]', 'a state formula must be of labels, such as "red", got \'"\'', 8),
        ("P=? [F é]", "a state formula must be of labels, such as \"red\", got 'é'", 8),
        ("P=? [F (a]", ") must stand after what is in parentheses, got ']'", 10),
        ("P=? F a", "[ must stand after P=?, got 'F'", 5),
        ("P=? [F a", "] must stand after what is asked about, got its end", 9),
        ("P=0.5 [F a]", "P must be followed by =? or by <, <=, > or >= and a number, got '='", 2),
        ("P>=1.5 [F a]", "a threshold of P must be a number of at least 0 and at most 1, got '1.5'", 4),
        ("S<2 [a]", "a threshold of S must be a number of at least 0 and at most 1, got '2'", 3),
        ("P>=1/0 [F a]", "a threshold of P must be a number of at least 0 and at most 1, got '1/0'", 4),
        ("T<-1 [F a]", "a threshold of T must be a number of at least 0, got '-'", 3),
        ("P>=0,5 [F a]", "[ must stand after P>=0, got ','", 5),
        ("Pmax=? [F a]", "Pmax (of models with choices)", 1),
        ("Rmin=? [F a]", "Rmin (of models with choices)", 1),
        ("R=? [C<=5]", "C (rewards within a horizon)", 6),
        ("R=? [I=5]", "I (rewards at a step)", 6),
        ("R=? [S]", "R [S] (rewards in the long run)", 6),
        ("T=? [LRA]", "T [LRA] (rewards in the long run)", 6),
        ("T=? [F<=5 a]", "T [F<=..] (within a horizon)", 7),
        ("R=? [a U b]", "R must be of F \"label\", got 'a'", 6),
        ("T=? [G a]", "T must be of F \"label\", got 'G'", 6),
        ("R{cost}=? [F a]", "rewards must be named in quotes, got 'cost'", 3),
        ('R{"cost"=? [F a]', "} must stand after the name of rewards, got '=?'", 9),
        ("S=? [F a]", "F within a formula", 6),
        ("E [F a]", "E (there is a path)", 1),
        ("A [G a]", "A (for all paths)", 1),
        ("multi(P>0.5 [F a])", "multi (several objectives)", 1),
        ("quantile(min B, P>0.9 [F<=B a])", "quantile", 1),
        ("filter(state, P=? [F a])", "filter('state', ..)", 8),
        ("filter(max P=? [F a])", ", must stand after min or max, got 'P'", 12),
        ("filter max", "( must stand after filter, got 'max'", 8),
        ("filter(max, P>0.5 [F a])", "filter must be of a number (=?), got a threshold in what begins", 13),
        ("filter(max, P=? [F a], b", ") must stand after a filter, got its end", 25),
        (
            "filter(max, filter(max, P=? [F a]))",
            "a property must begin with P, S, LRA, T, R or filter, got 'filter'",
            13,
        ),
        ("", "a property must begin with P, S, LRA, T, R or filter, got its end", 1),
        ("red", "a property must begin with P, S, LRA, T, R or filter, got 'red'", 1),
        ("P=? [F a] & P=? [F b]", "a property must end after its last bracket, got '&'", 11),
        ("P=? [F a];", "a property must end after its last bracket, got ';'", 10),
    ],
)
def test_everything_else_is_refused_by_name_and_place(text, said, place):
    with pytest.raises(mg.InvalidInput, match=f"{re.escape(said)} at character {place}; .") as refused:
        parse_property(text)
    assert "\n" not in str(refused.value)


def test_formulas_are_nested_only_so_far():
    assert str(parse_property(f"S=? [{'!' * (MOST_NESTED - 1)}a]")).count("!") == MOST_NESTED - 1
    for deep in ("!" * MOST_NESTED + "a", "(" * MOST_NESTED + "a" + ")" * MOST_NESTED, "(" * 10**5):
        with pytest.raises(mg.InvalidInput, match=f"got more than {MOST_NESTED} ! and "):
            parse_property(f"S=? [{deep}]")
    assert len(parse_property(f"S=? [{'|'.join(['a'] * 10**4)}]").inside.parts) == 10**4  # width is no depth


NAMES = st.from_regex(r'[^"\n]{1,8}', fullmatch=True)
FORMULAS = st.recursive(
    st.builds(Label, NAMES) | st.builds(Truth, st.booleans()),
    lambda parts: (
        st.builds(Not, parts)
        | st.builds(And, st.lists(parts, min_size=2, max_size=3).map(tuple))
        | st.builds(Or, st.lists(parts, min_size=2, max_size=3).map(tuple))
    ),
    max_leaves=8,
)
BOUNDS = st.tuples(st.integers(0, 10**17), st.integers(0, 10**17)).map(lambda pair: Steps(*sorted(pair)))
PATHS = st.builds(Until, FORMULAS, FORMULAS, st.just(EVER) | BOUNDS) | st.builds(
    Always, FORMULAS, st.just(EVER) | st.builds(Steps, st.just(0), st.integers(0, 10**17))
)
THRESHOLDS = st.builds(
    Threshold, st.sampled_from(["<", "<=", ">", ">="]), st.sampled_from(["0", "0.50", "1e-9", "1/3"])
)
ASKED = st.none() | THRESHOLDS
PROPERTIES = (
    st.builds(Property, st.just("P"), PATHS, st.none(), ASKED)
    | st.builds(Property, st.just("T"), st.builds(Until, st.just(YES), FORMULAS), st.none(), ASKED)
    | st.builds(Property, st.just("R"), st.builds(Until, st.just(YES), FORMULAS), st.none() | NAMES, ASKED)
    | st.builds(Property, st.sampled_from(["S", "LRA"]), FORMULAS, st.none(), ASKED)
    | st.builds(
        Property,
        st.just("P"),
        PATHS,
        over=st.builds(Filter, st.sampled_from(["min", "max"]), FORMULAS),
    )
)


@settings(max_examples=150, deadline=None)
@given(PROPERTIES)
def test_what_is_printed_reads_as_the_same_tree(tree):
    assert parse_property(str(tree)) == tree


PIECES = [
    *(
        "P",
        "R",
        "T",
        "S",
        "LRA",
        "F",
        "G",
        "U",
        "X",
        "W",
        "filter(",
        "max",
        "min",
        ",",
        "=?",
        ">=",
        "<",
        "=",
        "0.5",
        "7",
    ),
    *(
        "[",
        "]",
        "(",
        ")",
        "{",
        "}",
        '"',
        '"a"',
        "a",
        "true",
        "!",
        "&",
        "|",
        "||",
        "1/0",
        "1e999",
        " ",
        "\n",
        "\x00",
        "é",
    ),
]


def refusal_of(text):
    """Why a text is refused; None for a property, which then prints as what reads as the same tree."""
    try:
        found = parse_property(text)
    except mg.InvalidInput as refused:
        return str(refused)
    assert parse_property(str(found)) == found
    return None


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join) | st.text(max_size=40))
@example("P>=" + "9" * 5000 + "[F a]")
@example("T>=" + "9" * 5000 + "[F a]")
@example("T>=1e999999[F a]")
def test_any_text_is_a_property_or_is_refused_in_one_line(text):
    said = refusal_of(text)
    assert said is None or re.fullmatch(r"[^\x00-\x1f]+; [^\x00-\x1f]+", said)


@settings(max_examples=200, deadline=None)
@given(PROPERTIES, st.integers(0, 10**6), st.sampled_from([*PIECES, ""]))
def test_a_property_with_a_slip_is_a_property_or_is_refused(tree, place, piece):
    text = str(tree)
    cut = place % len(text)
    said = refusal_of(text[:cut] + piece + text[cut + 1 :])
    assert said is None or "; " in said
