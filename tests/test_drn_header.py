"""The header of a .drn file: what it says, and that the model follows it."""

import pytest

import markovgpt as mg
from markovgpt.exchange.drn_header import Header, read_header
from markovgpt.exchange.text_file import open_text

HEADER = "// by hand\n@type: dtmc\n\n@reward_models\ncost tosses \n@nr_states\n2\n@nr_choices\n2\n@model\n"


@pytest.fixture
def read(tmp_path):
    """Read a text as a header; what it says, and the first line after it."""

    def reader(text):
        (tmp_path / "coin.drn").write_text(text)
        with open_text(tmp_path / "coin.drn") as file:
            return read_header(file), file.next_line()

    return reader


def test_the_model_follows_the_header(read):
    assert read(HEADER + "state 0\n") == (Header(2, ("cost", "tosses")), (11, "state 0"))


def test_a_chain_without_rewards_needs_little(read):
    assert read("@nr_states\n 2\n@type: DTMC\n@model\n") == (Header(2, ()), None)


def test_one_reward_may_have_no_name(read):
    assert read(HEADER.replace("cost tosses ", " "))[0].rewards == ("",)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("dtmc", "MDP", r"line 2: @type must be DTMC, got ' MDP'; read_drn reads Markov chains in discrete time"),
        ("@nr_states\n2\n", "", r"line 8: @nr_states must be a whole number of at least 1, got ''"),
        ("@nr_states\n2", "@nr_states\n-2", r"line 7: @nr_states must be a whole number of at least 1, got '-2'"),
        ("@nr_choices\n2", "@nr_choices\n3", r"line 9: @nr_choices must be 2, one a state, got '3'"),
        ("cost tosses", "cost cost", r"line 5: each of @reward_models must have its own name, got 'cost cost '; ren"),
        ("@nr_choices\n2", "@type: dtmc", r"line 8: @type must be said once, got it again; see line 2"),
        ("@nr_choices", "@nr_actions", r"line 8: expected one of @type, .*, got '@nr_actions'; read_prism reads"),
        ("@model\n", "", r"line 10: the file must go on to @model, got its end; fetch or export it again"),
    ],
)
def test_what_is_wrong_is_refused_where_it_stands(read, old, new, told):
    with pytest.raises(mg.InvalidInput, match=f"^coin.drn, {told}"):
        read(HEADER.replace(old, new, 1))


def test_more_states_than_fit_are_refused(read):
    with pytest.raises(mg.TooLarge, match=f"{10**18} states need"):
        read(HEADER.replace("2", str(10**18)))
