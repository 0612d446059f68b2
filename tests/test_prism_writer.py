"""Chains as explicit files of PRISM and Storm: what is written is what is read."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_chains import matrices, window_chains
from test_drn import LARGE_SLOW, case_file, fractions_of

import markovgpt as mg
from markovgpt.exchange.prism_writer import write_prism


def back_from(files):
    """What is read from files that were written."""
    named = {path.name.split(".", 1)[1]: path for path in files}
    rewards = {ending.removesuffix(".srew"): path for ending, path in named.items() if ending.endswith(".srew")}
    return mg.read_prism(named["tra"], named["lab"], rewards, states=named.get("sta"))


def told(states):
    return {name: np.asarray(part).tolist() for name, part in states.items() if name != "deadlock" or any(part)}


@pytest.mark.parametrize("dialect", ["prism", "storm"])
@settings(max_examples=20)
@given(st.data())
def test_a_chain_comes_back_bit_for_bit(tmp_path_factory, dialect, data):
    chain = data.draw(st.one_of(matrices().map(mg.SparseChain.from_matrix), window_chains()))
    n = chain.n_states
    mask = st.lists(st.booleans(), min_size=n, max_size=n)
    names = st.one_of(st.text(min_size=1), st.sampled_from(["two words", "two_words", "2", "deadlock", "F"]))
    labels = data.draw(st.dictionaries(names.filter(lambda name: name != "init"), mask, max_size=3))
    amounts = st.lists(st.floats(0, allow_infinity=False), min_size=n, max_size=n)
    rewards = data.draw(st.dictionaries(st.sampled_from(["cost", "Cost_2"]), amounts, max_size=2))
    initial = data.draw(mask.filter(any))
    stem = tmp_path_factory.mktemp("prism") / "chain"
    files = write_prism(chain, stem, labels=labels, initial=initial, rewards=rewards, dialect=dialect)
    back = back_from(files)
    assert fractions_of(back.chain) == fractions_of(chain)
    assert told(back.labels) == told(labels)
    assert told(back.rewards) == rewards
    assert back.initial.tolist() == initial
    if chain.space is not None and dialect == "prism":
        for place, values in enumerate(reversed(back.variables.values())):
            assert values.tolist() == chain.space.token_from_end(place).tolist()


COIN = mg.SparseChain.from_matrix([[0.25, 0.75], [0.0, 1.0]])


def test_storm_has_labels_by_name_and_rewards_without_a_header(tmp_path):
    files = write_prism(
        COIN, tmp_path / "coin", labels={"red": [False, True]}, initial=[True, False], rewards={"cost": [0, 0.5]},
        dialect="storm",
    )  # fmt: skip
    assert [file.read_text() for file in files] == [
        "dtmc\n0 0 0.25\n0 1 0.75\n1 1 1.0\n",
        "#DECLARATION\ninit deadlock red\n#END\n0 init\n1 red\n",
        "1 0.5\n",
    ]


def test_prism_has_numbered_labels_and_a_file_of_states(tmp_path):
    chain = mg.WindowChain(mg.StateSpace(2, 1), np.array([[0.5, 0.5], [0.0, 1.0]]))
    files = write_prism(
        chain, tmp_path / "coin", labels={"F": [False, True]}, initial=[True, True], rewards={"a b": [3, 0]}
    )
    assert [file.name for file in files] == ["coin.tra", "coin.lab", "coin.sta", "coin.a_b.srew"]
    assert [file.read_text() for file in files] == [
        "2 3\n0 0 0.5\n0 1 0.5\n1 1 1.0\n",
        '0="init" 1="deadlock" 2="F_2"\n0: 0\n1: 0 2\n',
        "(t1)\n0:(0)\n1:(1)\n",
        "2 1\n0 3.0\n",
    ]
    assert json.loads((tmp_path / "coin.names.json").read_text()) == {
        "labels": {"F_2": "F"}, "rewards": {"a_b": "a b"}
    }  # fmt: skip


def test_names_of_any_text_name_no_file(tmp_path):
    names = ["../../x", "CON", "x" * 300, 'say "hi"', "a\nb", "</script>", "%", "=cmd()", "🙂", "\0"]
    files = write_prism(
        COIN, tmp_path / "coin", labels={name: [True, False] for name in names}, initial=[True, False],
        rewards={name: [1.0, 0.0] for name in names},
    )  # fmt: skip
    assert {file.parent for file in files} == {tmp_path}
    assert set(back_from(files).labels) == {*names, "deadlock"}


def test_an_old_file_of_names_does_not_stay(tmp_path):
    for name in ("a b", "a_b"):
        files = write_prism(COIN, tmp_path / "coin", labels={name: [False, True]}, initial=[True, False])
        assert set(back_from(files).labels) == {name, "deadlock"}
    (tmp_path / "coin.names.json").write_text('{"labels": {"blue": "red"}}')
    with pytest.raises(mg.InvalidInput, match=r"coin.lab, line 1: the labels must be those that the file .names.json"):
        back_from(files)
    (tmp_path / "coin.names.json").write_text('{"labels": {"a_b": "deadlock"}}')
    with pytest.raises(mg.InvalidInput, match=r"coin.lab, line 1: the labels must be those that the file .names.json"):
        back_from(files)


def test_another_dialect_is_refused(tmp_path):
    with pytest.raises(mg.InvalidInput, match=r"dialect must be one of prism, storm, got 'drn'; see write_drn"):
        write_prism(COIN, tmp_path / "coin", labels={}, initial=[True, False], dialect="drn")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("dialect", ["prism", "storm", "drn"])
@pytest.mark.parametrize("folder", LARGE_SLOW)
def test_outside_cases_come_back_bit_for_bit(tmp_path, folder, dialect):
    endings = (".drn", ".exact.drn") if folder.name != "nand_20_1" else (".drn",)
    for read in [mg.read_drn(case_file(folder, ending)) for ending in endings]:
        if dialect == "drn":
            rewards = dict(read.rewards)
            file = mg.write_drn(
                read.chain, tmp_path / "case.drn", labels=read.labels, initial=read.initial, rewards=rewards
            )
            back = mg.read_drn(file)
        else:
            rewards = {name or "default": values for name, values in read.rewards.items()}
            stem = tmp_path / "case"
            back = back_from(
                write_prism(
                    read.chain, stem, labels=read.labels, initial=read.initial, rewards=rewards, dialect=dialect
                )
            )
        for one, other in zip(back.chain.edges(), read.chain.edges(), strict=True):
            assert np.array_equal(one, other)
        assert told(back.labels) == told(read.labels)
        assert told(back.rewards) == told(rewards)
        assert np.array_equal(back.initial, read.initial)


@pytest.mark.parametrize("left", ["coin.cost.srew", "coin.srew.gz", "coin.sta"])
def test_files_of_another_chain_are_not_left_beside_it(tmp_path, left):
    said = {"labels": {}, "initial": [True, False]}
    coin = mg.SparseChain.from_matrix([[0.5, 0.5], [0, 1]])
    mg.write_prism(coin, tmp_path / "coin", **said)
    before = (tmp_path / "coin.tra").read_bytes()
    (tmp_path / left).write_text("of another chain")
    with pytest.raises(mg.InvalidInput, match=rf"all that lies beside coin.tra is read with it, got {left} of another"):
        mg.write_prism(mg.SparseChain.from_matrix([[1, 0], [0, 1]]), tmp_path / "coin", **said)
    assert (tmp_path / "coin.tra").read_bytes() == before
