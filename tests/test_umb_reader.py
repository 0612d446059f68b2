"""Reading UMB archives: what is right is read as other code reads it, what is spoiled is refused where it stands."""

import gzip
import json
import lzma
import re
import struct

import numpy as np
import pytest
import umb_files
from hypothesis import given
from hypothesis import strategies as st
from random_chains import matrices
from test_drn import LARGE_SLOW, case_file

import markovgpt as mg
from markovgpt.exchange.umb_reader import read_umb
from markovgpt.scaled import ScaledArray, to_fraction


@pytest.fixture
def read(tmp_path):
    """Read the bytes of an archive."""

    def reader(data, **how):
        file = tmp_path / "x.umb"
        file.write_bytes(data)
        return read_umb(file, **how)

    return reader


def found_in(imported):
    """What `naive` finds, of what was read."""
    source, target, probability = imported.chain.edges()
    scaled = ScaledArray.of(probability)
    rows = [{} for _ in range(imported.chain.n_states)]
    for place, (s, t) in enumerate(zip(source.tolist(), target.tolist(), strict=True)):
        rows[s][t] = to_fraction(float(scaled.mantissa[place]), int(scaled.exponent[place]))
    labels = {name: np.flatnonzero(mask).tolist() for name, mask in imported.labels.items()}
    rewards = {name: earned.tolist() for name, earned in imported.rewards.items()}
    return rows, np.flatnonzero(imported.initial).tolist(), labels, rewards


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lzma.compress], ids=["plain", "gzip", "xz"])
def test_an_archive_is_read_as_it_stands(read, pack):
    coin = read(pack(umb_files.archive()))
    assert coin.chain.to_csr().toarray().tolist() == umb_files.MATRIX
    assert {name: mask.tolist() for name, mask in coin.labels.items()} == {"red": [False, True, True]}
    assert {name: earned.tolist() for name, earned in coin.rewards.items()} == {"Cost": [2, 0.5, 0.25]}
    assert coin.initial.tolist() == [True, False, False]
    assert coin.normalised.tolist() == coin.fixed_deadlocks.tolist() == []
    assert found_in(coin) == umb_files.naive(umb_files.archive())


def test_rational_numbers_are_read_exactly(read):
    index = umb_files.index_with("transition-system", "branch-probability-type", {"type": "rational", "size": 128})
    thirds = b"".join(struct.pack("<qQ", 1, below) for below in (2, 3, 6, 1, 1))  # 1/2 + 1/3 + 1/6 = 1
    coin = read(umb_files.archive(index, _3=thirds))
    assert coin.chain.to_csr().toarray()[0].tolist() == [1 / 2, 1 / 3, 1 / 6]
    short = b"".join(struct.pack("<qQ", 1, below) for below in (2, 3, 7, 1, 1))
    with pytest.raises(mg.InvalidInput, match=r"the probabilities of state 0 must sum to 1, got 1-0.0238; add the b"):
        read(umb_files.archive(index, _3=short))
    with pytest.raises(mg.InvalidInput, match=r"branch-to-probability.bin: a denominator must be above 0, got 0"):
        read(umb_files.archive(index, _3=thirds[:8] + bytes(8) + thirds[16:]))


def test_rational_rewards_are_added_exactly_and_rounded_once(read):
    index = umb_files.index_with("annotations", "rewards", "0x43ost", "type", {"type": "rational", "size": 128})
    tenths = [b"".join(struct.pack("<qQ", above, 10) for above in row) for row in ([1, 0, 0], [2, 0, 0])]
    assert read(umb_files.archive(index, _5=tenths[0], _6=tenths[1])).rewards["Cost"].tolist() == [0.3, 0, 0]
    with pytest.raises(mg.InvalidInput, match="rewards must be finite numbers of at least 0, got others"):
        read(umb_files.archive(index, _5=tenths[0], _6=struct.pack("<qQ", -1, 10) + tenths[1][16:]))


def test_files_that_are_no_part_of_a_chain_are_passed_over(read):
    said = umb_files.INDEX | {"valuations": {"states": {"unique": False}}}
    said["transition-system"] = umb_files.SYSTEM | {"#choice-actions": 1}
    others = [("valuations/states/valuations.bin", b"123"), ("actions/choices/values.bin", bytes(12))]
    one_each = [("state-to-choices.bin", struct.pack("<4Q", 0, 1, 2, 3))]
    files = [*umb_files.FILES.items(), *others, *one_each, ("index.json", json.dumps(said).encode())]
    assert read(umb_files.tar(files)).chain.to_csr().toarray().tolist() == umb_files.MATRIX


DOUBLES = struct.pack("<5d", 0.5, 0.25, 0.25, 1.0, 1.0)


@pytest.mark.parametrize(
    ("files", "told"),
    [
        (
            {"_0": None},
            "x.umb, state-is-initial.bin: a file that the index speaks of must be there, got none; see index",
        ),
        ({"_4": None}, "annotations/aps/red/states/values.bin: a file that the index speaks of must be there"),
        ({"_1": bytes(24)}, "choice-to-branches.bin: 32 bytes must be there, got 24; see index.json, or export"),
        ({"_3": DOUBLES + bytes(8)}, "branch-to-probability.bin: 40 bytes must be there, got 48"),
        ({"_0": b"\3" + bytes(7)}, "state-is-initial.bin: 1 states must be initial, got 2; see index.json"),
        ({"_0": bytes(8)}, "1 states must be initial, got 0"),
        ({"_4": b"\x0e" + bytes(7)}, "annotations/aps/red/states/values.bin: bits after the last state must be 0, got"),
        (
            {"_2": struct.pack("<5Q", 0, 1, 3, 1, 0)},
            "branch-to-target.bin: targets must be states in 0..2, got 3 from s",
        ),
        ({"_3": struct.pack("<5d", 0.5, 0.25, 0.24, 1, 1)}, "branch-to-probability.bin: the probabilities of state 0"),
        (
            {"_5": struct.pack("<3d", -1, 0, 0)},
            "annotations/rewards/0x43ost/states/values.bin: rewards must be finite nu",
        ),
        ({"_6": struct.pack("<3d", np.inf, 0, 0)}, "choices/values.bin: rewards must be finite numbers of at least 0"),
        (
            {"_5": struct.pack("<3d", 1e308, 0, 0), "_6": struct.pack("<3d", 1e308, 0, 0)},
            "must lie in the range of dou",
        ),
    ],
)
def test_archives_that_do_not_hold_what_they_say_are_refused(read, files, told):
    with pytest.raises(mg.InvalidInput, match=re.escape(told)):
        read(umb_files.archive(**files))


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("other.bin", b"", "x.umb, 'other.bin': a file must be one that the index speaks of, got another; see index"),
        ("valuations/states/valuations.bin", b"", "a file must be one that the index speaks of"),
        ("../x", b"", "a name must be a plain path within the archive"),
        ("branch-to-target.bin", b"", "a file must be there once, got it again"),
        ("state-to-choices.bin", struct.pack("<4Q", 0, 2, 2, 3), "each state of a chain must have its one choice, got"),
        ("state-to-choices.bin", b"", "each state of a chain must have its one choice"),
    ],
)
def test_files_that_nobody_speaks_of_are_refused(read, name, data, told):
    index = ("index.json", json.dumps(umb_files.INDEX).encode())
    with pytest.raises(mg.InvalidInput, match=re.escape(told)):
        read(umb_files.tar([index, *umb_files.FILES.items(), (name, data)]))


def test_a_label_init_is_that_of_the_initial_states(read):
    said = umb_files.index_with("annotations", "aps", "red", "alias", "init")
    assert read(umb_files.archive(said, _4=b"\1" + bytes(7))).labels == {}
    with pytest.raises(mg.InvalidInput, match=r"the label init must be of the initial states, got others; rename it"):
        read(umb_files.archive(said))


def test_what_would_not_fit_is_refused_before_it_is_taken(read):
    said = umb_files.index_with("transition-system", "#branches", 10**15)
    with pytest.raises(mg.TooLarge, match=r"the 3 states of .*x.umb need .* GB, budget"):
        read(umb_files.archive(said))


def test_normalising_and_fixing_are_said(read):
    short = read(umb_files.archive(_3=struct.pack("<5d", 0.5, 0.25, 0, 1, 1)), normalise=True)
    assert short.normalised.tolist() == [0]
    stuck = read(umb_files.archive(_3=struct.pack("<5d", 0.5, 0.25, 0.25, 1, 0)), fix_deadlocks=True)
    assert stuck.fixed_deadlocks.tolist() == [2]


@given(st.data())
def test_what_is_written_is_read_bit_for_bit(tmp_path_factory, data):
    chain = mg.SparseChain.from_matrix(data.draw(matrices(largest=70)))
    n = chain.n_states
    mask = st.lists(st.booleans(), min_size=n, max_size=n)
    labels, initial = data.draw(st.dictionaries(st.text(min_size=1, max_size=3), mask, max_size=3)), [True] * n
    labels = {name: marked for name, marked in labels.items() if name.isprintable()}
    amounts = st.lists(st.floats(0, 1e300, allow_subnormal=True), min_size=n, max_size=n)
    rewards = data.draw(st.dictionaries(st.sampled_from(["cost", "Ü", "a b"]), amounts, max_size=2))
    folder = tmp_path_factory.mktemp("umb")
    one = mg.write_umb(chain, folder / "1.umb", labels=labels, initial=initial, rewards=rewards)
    back = read_umb(one)
    assert found_in(back) == umb_files.naive(one.read_bytes())
    two = mg.write_umb(back.chain, folder / "2.umb", labels=back.labels, initial=back.initial, rewards=back.rewards)
    assert one.read_bytes() == two.read_bytes()


@pytest.mark.parametrize("folder", LARGE_SLOW)
def test_outside_cases_are_read_as_other_code_reads_them(folder, tmp_path):
    theirs = folder / f"{folder.name}.umb"
    case = read_umb(theirs)
    assert found_in(case) == umb_files.naive(theirs.read_bytes())
    listed = mg.read_drn(case_file(folder, ".drn"))
    assert found_in(case)[:3] == found_in(listed)[:3]
    again = mg.write_umb(case.chain, tmp_path / "x.umb", labels=case.labels, initial=case.initial, rewards=case.rewards)
    assert found_in(read_umb(again)) == found_in(case)
