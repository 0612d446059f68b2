"""Identifiers for any names: no two alike, and each leads back to its name."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

import markovgpt as mg
from markovgpt.exchange.prism_names import RESERVED, files_beside, identifiers, read_names, write_names

WORDS = st.sampled_from(
    ["red", "Red", "two words", "two_words", "two_words_2", "init", "deadlock", "F", "2", "", "_", "é"]
)


@given(st.lists(st.one_of(st.text(max_size=80), WORDS), unique=True, max_size=20))
def test_each_name_has_an_identifier_of_its_own(names):
    words = identifiers(names)
    assert list(words) == names
    assert len({word.lower() for word in words.values()}) == len(names)
    for word in words.values():
        assert word.isascii()
        assert word.isidentifier()
        assert word not in RESERVED
        assert len(word) <= 60


def test_identifiers_keep_their_names():
    names = ["red", "t_p1", "_x9", "a" * 60]
    assert identifiers(names) == dict(zip(names, names, strict=True))
    assert {"init", "deadlock", "true", "Pmax", "F"} <= RESERVED  # each means something else to PRISM


def test_names_lead_back(tmp_path):
    words = identifiers(["red", "a b", "a_b", 'say "hi" </script>\n%\\'])
    write_names(tmp_path / "coin", words, {"cost of it": "cost_of_it"})
    for ending in (".lab", ".lab.gz"):
        read = read_names(tmp_path / f"coin{ending}", "labels", 10**6)
        assert {read.get(word, word): word for word in words.values()} == words
    assert read_names(tmp_path / "coin.tra", "rewards", 10**6) == {"cost_of_it": "cost of it"}
    said = json.loads((tmp_path / "coin.names.json").read_text())
    assert said["rewards"] == {"cost_of_it": "cost of it"}
    write_names(tmp_path / "coin", {"red": "red"}, {})
    assert list(tmp_path.iterdir()) == []
    assert read_names(tmp_path / "coin.lab", "labels", 10**6) == {}


@pytest.mark.parametrize(
    "text", ["[]", "{}", '{"labels": []}', '{"labels": {"a": 1}}', '{"labels": {"a": "b", "a": "c"}}', "{", "[" * 10**5]
)
def test_another_file_in_its_place_is_refused(tmp_path, text):
    (tmp_path / "coin.names.json").write_text(text)
    with pytest.raises(mg.InvalidInput, match=r'coin.names.json, line 1: expected {"labels": .*; write the chain'):
        read_names(tmp_path / "coin.lab", "labels", 10**6)


def test_what_lies_beside_a_chain_is_found(tmp_path):
    names = ["coin.tra.gz", "coin.lab", "coin.sta.gz", "coin.srew", "coin.a.srew", "coin.b.srew.gz"]
    for name in [*names, "coins.lab", "coin.tra.srew2", "other.srew"]:
        (tmp_path / name).write_text("x")
    labels, states, rewards = files_beside(tmp_path / "coin.tra.gz")
    assert (labels.name, states.name) == ("coin.lab", "coin.sta.gz")
    assert {name: file.name for name, file in rewards.items()} == {"": names[3], "a": names[4], "b": names[5]}
    assert files_beside(tmp_path / "alone.tra") == files_beside(tmp_path / "nowhere" / "x.tra") == (None, None, {})
