"""Storm's .drn: what is written is what is read, what is wrong is refused where it stands, and chains come back."""

import gzip
import json
import re
import time
from fractions import Fraction

import numpy as np
import pytest
import reference_chains as chains
from hypothesis import given
from hypothesis import strategies as st
from outside_files import COIN_DRN, COIN_MATRIX, spoiled
from random_chains import matrices

import markovgpt as mg
from markovgpt.scaled import ScaledArray, to_fraction

LINES = COIN_DRN.split("\n")
FOLDERS = sorted(folder for folder in chains.CASES.glob("*") if folder.is_dir())
LARGE_SLOW = [
    pytest.param(folder, id=folder.name, marks=[pytest.mark.slow] if folder.name in chains.LARGE else [])
    for folder in FOLDERS
]


def case_file(folder, ending):
    """A file of an outside case, gzipped or not."""
    plain = folder / f"{folder.name}{ending}"
    return plain if plain.exists() else plain.with_name(plain.name + ".gz")


@pytest.fixture
def read(tmp_path):
    """Read a text or bytes as a .drn file."""

    def reader(content, **how):
        file = tmp_path / "coin.drn"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return mg.read_drn(file, **how)

    return reader


def fractions_of(chain):
    """Every transition's probability, exactly."""
    source, target, probability = chain.edges()
    scaled = ScaledArray.of(probability)
    parts = zip(scaled.mantissa.tolist(), scaled.exponent.tolist(), strict=True)
    return dict(zip(zip(source.tolist(), target.tolist(), strict=True), (to_fraction(*p) for p in parts), strict=True))


def test_a_file_is_read_as_it_stands(read):
    coin = read(COIN_DRN)
    assert coin.chain.to_csr().toarray().tolist() == COIN_MATRIX
    assert {name: mask.tolist() for name, mask in coin.labels.items()} == {
        "red": [False, True, True],
        "two words": [False, True, False],
    }
    assert coin.initial.tolist() == [True, False, False]
    # the reward of a state's one action adds to the state's own: 0 + 0.5 in state 0
    assert {name: earned.tolist() for name, earned in coin.rewards.items()} == {
        "tosses": [1, 0, 0],
        "cost": [0.5, 0, 0.25],
    }
    assert coin.normalised.tolist() == coin.fixed_deadlocks.tolist() == []


@pytest.mark.parametrize(
    "content",
    [
        COIN_DRN.replace("\n", "\r\n").encode(),
        b"\xef\xbb\xbf" + COIN_DRN.encode(),
        gzip.compress(COIN_DRN.encode(), mtime=0),
    ],
    ids=["crlf", "bom", "gzip"],
)
def test_the_same_chain_however_it_is_stored(read, content):
    assert fractions_of(read(content).chain) == fractions_of(read(COIN_DRN).chain)


def test_the_header_may_leave_out_what_a_chain_does_not_need(read):
    text = "@type: dtmc\n@nr_states\n1\n@model\nstate 0 init\n\taction __NOLABEL__\n\t\t0 : 1\n"
    assert read(text).chain.n_states == 1


def test_a_reward_model_may_go_without_a_name(read):
    text = "@type: DTMC\n@reward_models\n \n@nr_states\n1\n@model\nstate 0 [1/3] init\n\taction 0 [1/3]\n\t\t0 : 1\n"
    assert read(text).rewards[""].tolist() == [2 / 3]  # 1/3 + 1/3, rounded once


def test_unsorted_transitions_and_zeros_are_the_same_chain(read):
    text = spoiled(spoiled(COIN_DRN, 17, "\t\t2 : 0.25"), 19, "\t\t0 : 0.5")
    text = spoiled(text, 22, "\t\t1 : 1\n\t\t0 : 0")  # 0 means impossible
    assert fractions_of(read(text).chain) == fractions_of(read(COIN_DRN).chain)


@pytest.mark.parametrize(
    ("written", "value"), [("1e-400", Fraction(1, 10**400)), ("5e-324", Fraction(5, 10**324)), ("1e-320", None)]
)
def test_tiny_decimals_are_kept(read, written, value):
    chain = read(spoiled(COIN_DRN, 22, f"\t\t0 : {written}\n\t\t1 : 1.0")).chain
    kept = fractions_of(chain)[1, 0]
    assert kept > 0
    assert abs(kept / (value or Fraction(written)) - 1) <= Fraction(1, 2**53)
    assert float(chain.smallest_probability.log10()) == pytest.approx(float(written.split("e")[1]), abs=1)


def test_fractions_are_rounded_to_the_nearest(read):
    chain = read(spoiled(COIN_DRN, 22, "\t\t0 : 1/10\n\t\t1 : 9/10")).chain
    assert fractions_of(chain)[1, 0] == Fraction(0.1)
    assert fractions_of(chain)[1, 1] == Fraction(0.9)


DEADLOCK = spoiled(COIN_DRN, 22, None)


def test_deadlocks_are_fixed_only_on_request(read):
    told = r"coin.drn, line 20: state 1 must have a possible transition, got none there and in 0 others; give fix_dead"
    for text in (DEADLOCK, spoiled(COIN_DRN, 22, "\t\t1 : 0"), spoiled(DEADLOCK, 21, None)):
        with pytest.raises(mg.InvalidInput, match=told):
            read(text)
        fixed = read(text, fix_deadlocks=True)
        assert fixed.fixed_deadlocks.tolist() == [1]
        assert fixed.chain.to_csr().toarray().tolist() == COIN_MATRIX


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("\t\t0 : 0.9", r"got 1-0.1; add the transition that is missing, or give normalise=True"),
        ("\t\t0 : 0.9\n\t\t1 : 0.6", r"got 1\+0.5; add the transition"),
        (
            "\t\t0 : 0.3333333333\n\t\t1 : 0.6666666666",
            r"got 1-1e-10; re-export with 17 digits, or give normalise=True",
        ),
        ("\t\t0 : 0.5\n\t\t1 : 0.500001", r"got 1\+1e-06; re-export with 17 digits"),
        ("\t\t0 : 1/3\n\t\t1 : 666666666666666666666/1000000000000000000000", r"got 1-6.67e-22; add the transition"),
        ("\t\t0 : 1/2", r"got 1-0.5; add the transition"),
    ],
)
def test_rows_must_sum_to_one(read, row, told):
    text = spoiled(COIN_DRN, 22, row)
    with pytest.raises(mg.InvalidInput, match="coin.drn, line 22: the probabilities of state 1 must sum to 1, " + told):
        read(text)
    divided = read(text, normalise=True)
    assert divided.normalised.tolist() == [1]
    written = [Fraction(line.split(" : ")[1]) for line in row.split("\n")]
    for target, value in enumerate(written):
        assert fractions_of(divided.chain)[1, target] == Fraction(float(value / sum(written)))


def test_decimals_may_miss_one_by_their_rounding_only(read):
    third = "\t\t0 : 0.33333333333333331\n\t\t1 : 0.66666666666666663"
    kept = read(spoiled(COIN_DRN, 22, third), normalise=True)
    assert kept.normalised.tolist() == []  # left as it stands, bit for bit
    assert fractions_of(kept.chain)[1, 0] == Fraction(1 / 3)


NO_CHAIN = "read_drn reads Markov chains in discrete time: fix a policy"
REFUSALS = [
    (3, "@type: MDP", f"line 3: @type must be DTMC, got ' MDP'; {NO_CHAIN}"),
    (3, "@type: CTMC", f"line 3: @type must be DTMC, got ' CTMC'; {NO_CHAIN}"),
    (3, None, "line 12: @type must be DTMC, got ''"),
    (4, "@value_type: parametric", "line 4: @value_type must be double or rational, got ' parametric'"),
    (6, "p q", "line 6: @parameters must be empty, got 'p q'; give the parameters values before the export"),
    (8, "a a ", "line 8: each of @reward_models must have its own name, got 'a a '; rename one"),
    (8, "", "line 14: expected 0 rewards of at least 0, one for each of @reward_models, got '[1, 0]'"),
    (8, "a ", "line 14: expected 1 rewards"),
    (9, "@placeholders", "line 9: expected one of @type, .*, got '@placeholders'; read_prism reads .tra files"),
    (9, "@type: DTMC", "line 9: @type must be said once, got it again; see line 3"),
    (10, "0", "line 10: @nr_states must be a whole number of at least 1, got '0'"),
    (10, "three", "line 10: @nr_states must be a whole number of at least 1, got 'three'"),
    (10, "4", "line 12: @nr_choices must be 4, one a state, got '3'"),
    (12, "6", f"line 12: @nr_choices must be 3, one a state, got '6'; {NO_CHAIN}"),
    (13, None, "line 13: expected one of @type, .*, got 'state 0"),
    (14, "state 1 init", "line 14: states must be listed as 0..2 in order, here 0, got 'state 1'"),
    (14, "state 0 [1, 0]", "line 27: a state must be labelled init, got none; label the states to start in"),
    (14, "state 0 [1, 0, 0] init", "line 14: expected 2 rewards of at least 0, .*, got '[1, 0, 0]'"),
    (14, "state 0 [-1, 0] init", "line 14: expected 2 rewards of at least 0, .*, got '[-1, 0]'"),
    (14, "state 0 [1e-400, 0] init", "line 14: a reward must lie in the range of doubles, got one outside; count in"),
    (14, "state 0 [1e400, 0] init", "line 14: a reward must lie in the range of doubles"),
    (14, "state 0 [1, 0] init init", "line 14: a state must bear each label once, got ' init init'"),
    (14, 'state 0 [1, 0] init "red', "line 14: labels must be words, or texts in double quotes, got ' init"),
    (16, None, "line 16: a transition must stand under its state's action, got '0 : 0.5'"),
    (
        19,
        "\taction 1 [0, 0]\n\t\t2 : 0.25",
        "line 19: a state must have one action, as in a Markov chain, got 'action 1",
    ),
    (
        17,
        "\t\t0 : -0.5",
        "line 17: a probability must be a number in [0, 1], written like 0.25, 2.5e-1 or 1/4, got '-0.5'",
    ),
    (17, "\t\t0 : 1.5", "line 17: a probability must be a number in [0, 1], .*, got '1.5'"),
    (17, "\t\t0 : nan", "line 17: a probability must be .*, got 'nan'; export the chain again"),
    (17, "\t\t0 : inf", "line 17: a probability must be .*, got 'inf'"),
    (17, "\t\t0 : 0,5", "line 17: a probability must be .*, got '0,5'"),
    (17, "\t\t0 : 0x1p-1", "line 17: a probability must be .*, got '0x1p-1'"),
    (17, "\t\t0 : p", "line 17: a probability must be .*, got 'p'"),
    (17, "\t\t0 : [0.1,0.2]", "line 17: a probability must be .*, got '[0.1,0.2]'"),
    (17, "\t\t0 : 0.5 0.5", "line 17: expected 'state 0 label', 'action 0' or '0 : 0.5', got '0 : 0.5 0.5'"),
    (17, "\t\t3 : 0.5", "line 17: transitions must lie between states 0..2, got one from 0 to 3; check the number"),
    (17, "\t\t-1 : 0.5", "line 17: expected 'state 0 label'"),
    (18, "\t\t0 : 0.25", "line 18: a transition must be listed once, got the one from 0 to 0 again, first in line 17"),
    (20, "state 3 [0, 0] red", "line 20: states must be listed as 0..2 in order, here 1, got 'state 3'"),
    (20, "state 0 [0, 0] red", "line 20: states must be listed as 0..2 in order, here 1, got 'state 0'"),
    (27, "state 3", "line 27: states must be listed as 0..2 in order, here 3, got 'state 3'"),
]


@pytest.mark.parametrize(("line", "replacement", "told"), REFUSALS)
def test_what_is_wrong_is_refused_where_it_stands(read, line, replacement, told):
    pattern = ".*".join(re.escape(part) for part in told.split(".*"))
    with pytest.raises(mg.InvalidInput, match="^coin.drn, " + pattern):
        read(spoiled(COIN_DRN, line, replacement))


def test_a_file_that_ends_too_early_is_refused(read):
    with pytest.raises(
        mg.InvalidInput, match="the file must list 3 states, as @nr_states says, got 2; fetch or export"
    ):
        read("\n".join(LINES[:22]))
    with pytest.raises(mg.InvalidInput, match=r"line 11: the file must go on to @model, got its end; fetch or export"):
        read("\n".join(LINES[:11]))
    for length in range(0, len(COIN_DRN) - 4, 7):
        with pytest.raises(mg.InvalidInput):
            read(COIN_DRN[:length])


def test_a_file_of_another_kind_is_refused(read):
    with pytest.raises(
        mg.InvalidInput, match=r"line 1: expected one of @type.*, got '3 6'; read_prism reads .tra files"
    ):
        read("3 6\n0 0 0.5\n")


def test_more_text_than_the_limit_is_refused(read):
    packed = gzip.compress(COIN_DRN.encode(), mtime=0)
    assert read(packed, most_bytes=len(COIN_DRN)).chain.n_states == 3
    with pytest.raises(mg.TooLarge, match=r"coin.drn must hold at most .* of text, got more; give most_bytes"):
        read(packed, most_bytes=len(COIN_DRN) - 1)


def test_a_header_that_claims_too_much_is_refused_before_anything_is_taken(read):
    began = time.perf_counter()
    with pytest.raises(mg.TooLarge, match=rf"{10**18} states need 2.0e\+11 GB, budget .*; check the file's header"):
        read(spoiled(spoiled(COIN_DRN, 10, str(10**18)), 12, str(10**18)))
    assert time.perf_counter() - began < 1


def test_labels_of_any_text_take_linear_time(read):
    began = time.perf_counter()
    with pytest.raises(mg.InvalidInput, match="labels must be words"):
        read(spoiled(COIN_DRN, 14, "state 0 [1, 0] init " + "a b " * 50_000 + '"'))
    assert time.perf_counter() - began < 2


def round_trip(tmp_path_factory, chain, **said):
    """Written and read again."""
    return mg.read_drn(mg.write_drn(chain, tmp_path_factory.mktemp("drn") / "chain.drn", **said))


@given(st.data())
def test_a_chain_comes_back_bit_for_bit(tmp_path_factory, data):
    chain = mg.SparseChain.from_matrix(data.draw(matrices()))
    n = chain.n_states
    mask = st.lists(st.booleans(), min_size=n, max_size=n)
    names = st.text(st.characters(codec="utf-8"), min_size=1).filter(
        lambda name: name.isprintable() and '"' not in name
    )
    labels = data.draw(st.dictionaries(names.filter(lambda name: name != "init"), mask.filter(any), max_size=3))
    words = st.text("abc_", max_size=3)
    amounts = st.lists(st.floats(0, allow_infinity=False), min_size=n, max_size=n)
    rewards = data.draw(st.dictionaries(words, amounts, max_size=2))
    initial = data.draw(mask.filter(any))
    back = round_trip(tmp_path_factory, chain, labels=labels, initial=initial, rewards=rewards)
    assert fractions_of(back.chain) == fractions_of(chain)
    assert {name: given.tolist() for name, given in back.labels.items()} == labels
    assert {name: given.tolist() for name, given in back.rewards.items()} == rewards
    assert back.initial.tolist() == initial


def test_labels_that_are_no_words_come_back(tmp_path_factory):
    labels = {"two words": [True], "[1]": [True], "a:b": [True], "héé 🙂": [True], "//": [True]}
    back = round_trip(tmp_path_factory, mg.SparseChain.from_matrix([[1.0]]), labels=labels, initial=[True])
    assert {name: mask.tolist() for name, mask in back.labels.items()} == labels


def test_a_chain_beyond_the_doubles_comes_back(tmp_path_factory):
    logits = np.array([[0.0, 50.0]] * 4)
    chain = mg.WindowChain.from_logits(mg.LogitTable(mg.StateSpace(2, 2), logits), mg.SamplingSettings(0.01))
    back = round_trip(tmp_path_factory, chain, labels={}, initial=[True] * 4)
    assert fractions_of(back.chain) == fractions_of(chain)
    assert back.chain.smallest_probability.log10() == pytest.approx(-5000 / np.log(10), rel=1e-12)


@pytest.mark.parametrize(
    ("labels", "rewards", "told"),
    [
        (
            {'say "hi"': [True]},
            {},
            r"""a label in a .drn file must be printable, without quotes, got 'say "hi"'; ren""",
        ),
        ({"new\nline": [True]}, {}, r"must be printable, without quotes, got 'new\\nline'; rename it"),
        ({}, {"two words": [1.0]}, r"a reward's name in a .drn file must be a word, got 'two words'; rename it"),
        ({"init": [True]}, {}, "a label must have a name other than init"),
    ],
)
def test_names_that_cannot_be_written_are_refused_before_writing(tmp_path, labels, rewards, told):
    with pytest.raises(mg.InvalidInput, match=told):
        mg.write_drn(
            mg.SparseChain.from_matrix([[1.0]]), tmp_path / "x.drn", labels=labels, initial=[True], rewards=rewards
        )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("folder", LARGE_SLOW)
def test_outside_cases_agree_with_their_exact_rationals(folder):
    decimal, rational = (mg.read_drn(case_file(folder, ending)) for ending in (".drn", ".exact.drn"))
    for read, ending, nearest in (
        (decimal, ".drn", float),
        (rational, ".exact.drn", lambda text: float(Fraction(text))),
    ):
        written = listed(case_file(folder, ending))
        source, target, probability = read.chain.edges()
        assert list(zip(source.tolist(), target.tolist(), strict=True)) == [step for step, _ in written]
        doubles = {text: nearest(text) for _, text in written}
        assert probability.tolist() == [doubles[text] for _, text in written]
    assert decimal.chain.edges().probability == pytest.approx(rational.chain.edges().probability, rel=1e-12)
    assert decimal.labels.keys() == rational.labels.keys()
    for name, mask in decimal.labels.items():
        assert mask.tolist() == rational.labels[name].tolist()
    assert decimal.rewards.keys() == rational.rewards.keys()
    for name, earned in decimal.rewards.items():
        assert earned == pytest.approx(rational.rewards[name], rel=1e-12)
    assert decimal.initial.tolist() == rational.initial.tolist()
    case = next(each for each in json.loads((chains.CASES / "index.json").read_text()) if each["name"] == folder.name)
    assert (decimal.chain.n_states, len(decimal.chain.edges().source)) == (case["states"], case["transitions"])
    assert decimal.initial.sum() == case["initial_states"]


def listed(file):
    """The transitions of a .drn file, each with its probability's text, in the file's order."""
    data = file.read_bytes()
    lines = (gzip.decompress(data) if file.suffix == ".gz" else data).decode().splitlines()
    state, found = None, []
    for line in lines:
        if line.startswith("state "):
            state = int(line.split()[1])
        elif line.startswith("\t\t"):
            target, text = line.split(" : ")
            found.append(((state, int(target)), text))
    return found


@pytest.mark.skipif(not FOLDERS, reason="the outside cases are not beside this checkout")
def test_the_largest_case_is_read_in_seconds():
    began = time.perf_counter()
    assert mg.read_drn(case_file(chains.CASES / "nand_20_1", ".drn")).chain.n_states == 78_332
    assert time.perf_counter() - began < 3
