"""What a file lists becomes a chain: in order, checked, rounded once."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import markovgpt as mg
from markovgpt.exchange.imported import build_chain, masks, rounded_reward
from markovgpt.exchange.listing import Listing
from markovgpt.exchange.text_file import TextFile
from markovgpt.scaled import ScaledArray


def listing_of(*transitions, path=Path("file")):
    """A listing, one transition a line."""
    listing = Listing(TextFile(path, iter(()), last_line=len(transitions)))
    for line, (source, target, text) in enumerate(transitions, 1):
        listing.add(source, target, text, line)
    return listing


def built(listing, n_states, *, normalise=False, fix_deadlocks=False):
    return build_chain(listing, n_states, lambda state: 7, normalise=normalise, fix_deadlocks=fix_deadlocks)


def test_transitions_come_in_any_order():
    chain, normalised, fixed = built(listing_of((1, 0, "1"), (0, 1, "0.75"), (0, 0, "1/4")), 2)
    assert chain.to_csr().toarray().tolist() == [[0.25, 0.75], [1, 0]]
    assert normalised.tolist() == fixed.tolist() == []


def test_self_loops_stand_among_the_other_rows():
    chain, _, fixed = built(listing_of((3, 0, "1"), (1, 3, "1")), 5, fix_deadlocks=True)
    assert fixed.tolist() == [0, 2, 4]
    steps = list(zip(*(part.tolist() for part in chain.edges()[:2]), strict=True))
    assert steps == [(0, 0), (1, 3), (2, 2), (3, 0), (4, 4)]
    assert chain.edges().probability.tolist() == [1] * 5


def test_numbers_are_scaled_only_where_doubles_are_not_safe():
    safe, *_ = built(listing_of((0, 0, "1"), (0, 1, "1e-300"), (1, 1, "1")), 2)
    tiny, *_ = built(listing_of((0, 0, "1.0"), (0, 1, "9e-301"), (1, 1, "1")), 2, normalise=True)
    assert isinstance(safe.edges().probability, np.ndarray)
    assert isinstance(tiny.edges().probability, ScaledArray)
    assert tiny.edges().probability.to_float().tolist() == [1, 9e-301, 1]


def test_fractions_that_have_nothing_in_common_are_summed_exactly():
    shares = [Fraction(1, 10**9 + 2 * n + 1) for n in range(400)]
    last = 1 - sum(shares, Fraction(0))
    steps = [(0, place, f"{share.numerator}/{share.denominator}") for place, share in enumerate([*shares, last])]
    loops = [(state, state, "1") for state in range(1, 401)]
    chain, *_ = built(listing_of(*steps, *loops), 401)
    assert chain.edges().probability[:401].tolist() == [float(share) for share in [*shares, last]]
    steps[-1] = (0, 400, f"{last.numerator + 1}/{last.denominator}")
    with pytest.raises(mg.InvalidInput, match=r"the probabilities of state 0 must sum to 1, got 1\+0; add the trans"):
        built(listing_of(*steps, *loops), 401)


OFF = [(0, 0, "0.3"), (0, 1, "0.3"), (0, 2, "0.3"), (1, 1, "0.2"), (1, 2, "1"), (2, 2, "1")]


def test_rows_that_are_off_are_divided_exactly(tmp_path):
    (tmp_path / "file").write_text("".join(f"{source} {target} {text}\n" for source, target, text in OFF))
    chain, normalised, _ = built(listing_of(*OFF, path=tmp_path / "file"), 3, normalise=True)
    assert normalised.tolist() == [0, 1]
    # 0.2 / 1.2 = 1/6, which the doubles 0.2 and 1.2 do not give
    assert chain.edges().probability.tolist() == [1 / 3, 1 / 3, 1 / 3, 1 / 6, 5 / 6, 1]
    assert 0.2 / 1.2 != 1 / 6


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path):
    (tmp_path / "file").write_text("0 0 0.3\n")
    with pytest.raises(mg.InvalidInput, match="file must stay as it is while it is read, got another file; read it ag"):
        built(listing_of(*OFF, path=tmp_path / "file"), 3, normalise=True)


@pytest.mark.parametrize(
    ("listing", "n_states", "told"),
    [
        (listing_of(), 0, "file, line 0: a chain must have a state, got none; export it again"),
        (listing_of((0, 0, "1")), 2, r"file, line 7: state 1 must have a possible transition, got none .* 0 others"),
        (listing_of(), 3, r"file, line 7: state 0 must have a possible transition, got none there and in 2 others"),
        (listing_of((0, 2, "1")), 2, r"file, line 1: transitions must lie between states 0\.\.1, got one from 0 to 2"),
        (listing_of((2, 0, "1")), 2, r"file, line 1: transitions must lie between states 0\.\.1, got one from 2 to 0"),
        (listing_of((0, 0, "0"), (0, 0, "1")), 1, "file, line 2: a transition must be listed once, .* first in line 1"),
        (
            listing_of((0, 0, "0.9")),
            1,
            r"file, line 1: the probabilities of state 0 must sum to 1, got 1-0\.1; add the",
        ),
    ],
)
def test_what_makes_no_chain_is_refused(listing, n_states, told):
    with pytest.raises(mg.InvalidInput, match=told):
        built(listing, n_states)


def test_what_would_not_fit_is_refused_first():
    with pytest.raises(
        mg.TooLarge, match=rf"{10**18} states need .*; check the file's header, or read a smaller chain"
    ):
        built(listing_of(), 10**18)


def test_a_mask_for_each_label():
    found = masks({"red": [2, 0], "none": []}, 3)
    assert {name: mask.tolist() for name, mask in found.items()} == {"red": [True, False, True], "none": [False] * 3}


@pytest.mark.parametrize("value", [Fraction(10) ** 400, Fraction(1, 10**400), Fraction(2) ** 1024])
def test_rewards_beyond_the_doubles_are_refused(value):
    file = TextFile(Path("file"), iter(()))
    assert rounded_reward(file, 1, Fraction(1, 3)) == 1 / 3
    assert rounded_reward(file, 1, 0) == 0
    assert rounded_reward(file, 1, Fraction(5e-324)) == 5e-324
    with pytest.raises(
        mg.InvalidInput, match="file, line 4: a reward must lie in the range of doubles, got one outside"
    ):
        rounded_reward(file, 4, value)


def test_what_was_read_cannot_be_written_over():
    chain, none, _ = built(listing_of((0, 0, "1")), 1)
    read = mg.ImportedChain(chain, masks({"red": [0]}, 1), {"cost": np.ones(1)}, np.ones(1, dtype=bool), none, none)
    for array in (read.labels["red"], read.rewards["cost"], read.initial):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
