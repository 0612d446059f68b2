"""Explicit files of PRISM and of Storm's dialect: the same chain from either, and refusals where they belong."""

import gzip
import re

import outside_files as files
import pytest
import reference_chains as chains
from outside_files import spoiled
from test_drn import FOLDERS, LARGE_SLOW, case_file

import markovgpt as mg


@pytest.fixture
def read(tmp_path):
    """Read texts as .tra, .lab and .srew files."""

    def reader(tra=files.COIN_TRA, lab=files.COIN_LAB, srew=files.COIN_SREW, **how):
        paths = []
        for ending, content in (("tra", tra), ("lab", lab), ("srew", srew)):
            path = tmp_path / f"coin.{ending}"
            if content is not None:
                path.write_bytes(content if isinstance(content, bytes) else content.encode())
            paths.append(None if content is None else path)
        return mg.read_prism(paths[0], paths[1], None if srew is None else {"cost": paths[2]}, **how)

    return reader


STORM = (files.COIN_TRA_STORM, files.COIN_LAB_STORM, files.COIN_SREW_STORM)


@pytest.mark.parametrize("texts", [(), STORM], ids=["prism", "storm"])
def test_files_are_read_as_they_stand(read, texts):
    coin = read(*texts)
    assert coin.chain.to_csr().toarray().tolist() == files.COIN_MATRIX
    assert coin.labels["red"].tolist() == [False, True, True]
    assert coin.labels["deadlock"].tolist() == [False] * 3
    assert coin.initial.tolist() == [True, False, False]
    assert coin.rewards["cost"].tolist() == [0.5, 0, 0.25]
    assert coin.labels.keys() == ({"red", "deadlock"} if texts else {"red", "deadlock", "two words"})


def test_without_labels_the_first_state_is_the_initial_one(read):
    coin = read(lab=None, srew=None)
    assert coin.initial.tolist() == [True, False, False]
    assert coin.labels == coin.rewards == {}


@pytest.mark.parametrize(
    "change",
    [lambda text: text.replace("\n", "\r\n").encode(), lambda text: b"\xef\xbb\xbf" + text.encode(),
     lambda text: gzip.compress(text.encode(), mtime=0)],
    ids=["crlf", "bom", "gzip"],
)  # fmt: skip
def test_the_same_chain_however_it_is_stored(read, change):
    coin = read(change(files.COIN_TRA), change(files.COIN_LAB), change(files.COIN_SREW))
    assert coin.chain.to_csr().toarray().tolist() == files.COIN_MATRIX
    assert coin.rewards["cost"].tolist() == [0.5, 0, 0.25]


def test_what_newer_versions_of_prism_add_is_read(read):
    coin = read(
        tra=files.COIN_TRA.replace("0 0 0.5", "0 0 0.5 toss"),
        srew='# Reward structure "cost"\n# State rewards\n' + files.COIN_SREW,
    )
    assert coin.chain.to_csr().toarray().tolist() == files.COIN_MATRIX
    assert coin.rewards["cost"].tolist() == [0.5, 0, 0.25]


def test_deadlocks_and_sums_are_mended_only_on_request(read):
    short = "3 3\n0 0 0.25\n0 1 0.25\n2 0 1\n"
    with pytest.raises(mg.InvalidInput, match=r"coin.tra, line 1: state 1 must have a possible transition, got none"):
        read(short)
    with pytest.raises(
        mg.InvalidInput, match=r"coin.tra, line 2: the probabilities of state 0 must sum to 1, got 1-0.5"
    ):
        read(short, fix_deadlocks=True)
    mended = read(short, fix_deadlocks=True, normalise=True)
    assert mended.chain.to_csr().toarray().tolist() == [[0.5, 0.5, 0], [0, 1, 0], [1, 0, 0]]
    assert (mended.fixed_deadlocks.tolist(), mended.normalised.tolist()) == ([1], [0])


BEGINS = "a .tra file of a Markov chain must begin with its numbers of states and transitions, or with 'dtmc', got"
TRA_REFUSALS = [
    (1, "3 4 6", f"line 1: {BEGINS} '3 4 6'; three numbers, 'mdp' and 'ctmc' begin other models: fix a policy"),
    (1, "mdp", f"line 1: {BEGINS} 'mdp'"),
    (1, "ctmc", f"line 1: {BEGINS} 'ctmc'"),
    (1, "@type: DTMC", f"line 1: {BEGINS} '@type: DTMC'; .*for .drn see read_drn"),
    (1, "3 7", "line 1: the header must count the transitions, of which there are 6, got '3 7'"),
    (1, "2 6", "line 4: transitions must lie between states 0..1, got one from 0 to 2"),
    (1, "4 6", "line 1: state 3 must have a possible transition"),
    (1, "0 6", "line 8: a chain must have a state, got none"),
    (2, "0 0 -0.5", "line 2: a probability must be a number in [0, 1], written like 0.25, 2.5e-1 or 1/4, got '-0.5'"),
    (2, "0 0 0,5", "line 2: a probability must be .*, got '0,5'"),
    (2, "0 -1 0.5", "line 2: expected a source, a target and a probability, got '0 -1 0.5'"),
    (2, "0 0", "line 2: expected a source, a target and a probability, got '0 0'"),
    (3, "0 0 0.25", "line 3: a transition must be listed once, got the one from 0 to 0 again, first in line 2"),
    (7, None, "line 1: the header must count the transitions, of which there are 5"),
]
LAB_BEGINS = 'a .lab file must begin with 0="init" 1="..." or with #DECLARATION, got'
LAB_REFUSALS = [
    (1, "0: 0", f"line 1: {LAB_BEGINS} '0: 0'; export the chain again"),
    (1, '0="init" 1="red" 2="red" 3="x"', "line 1: each label must be declared once, got 'init red red x'"),
    (1, '0="init" 1="a" 1="b" 2="c"', "line 1: each label must be declared once, got '0 1 1 2'"),
    (1, '0="deadlock" 1="x" 2="red" 3="y"', "line 5: a state must be labelled init, got none; label the states"),
    (2, None, "line 4: a state must be labelled init, got none"),
    (2, "0: 0 0", "line 2: labels must be declared, and borne once (0 1 2 3), got '0: 0 0'"),
    (2, "0: 0 4", "line 2: labels must be declared, and borne once (0 1 2 3), got '0: 0 4'"),
    (2, "0 init", "line 2: expected a state and its labels, like 0: 1, got '0 init'"),
    (3, "3: 2", "line 3: expected a state in 0..2 that has no line yet, got '3'; export"),
    (3, "0: 2", "line 3: expected a state in 0..2 that has no line yet, got '0'"),
]
SREW_REFUSALS = [
    (1, "3 3", "line 1: a .srew file must begin with its numbers of states and rewards, 3 2, got '3 3'; export the"),
    (1, "4 2", "line 1: a .srew file must begin with its numbers of states and rewards, 3 2, got '4 2'"),
    (1, None, "line 1: a .srew file must begin with its numbers of states and rewards, 3 1, got '0 0.5'"),
    (2, "0 1 0.5", "line 2: expected a state and a reward of at least 0 (a source and a target are a transition's"),
    (2, "0 -0.5", "line 2: expected a state and a reward of at least 0"),
    (2, "0 nan", "line 2: expected a state and a reward of at least 0"),
    (2, "0 1e-400", "line 2: a reward must lie in the range of doubles, got one outside"),
    (2, "3 1", "line 2: expected a state in 0..2 that has no line yet, got '3'"),
    (3, "0 1", "line 3: expected a state in 0..2 that has no line yet, got '0'"),
]
STORM_REFUSALS = [
    ("lab", 6, "1 blue", "line 6: labels must be declared, and borne once (init deadlock red), got '1 blue'"),
    ("lab", 3, "init", "line 1: each label must be declared once, got 'init deadlock init'"),
    ("lab", 4, None, "line 1: a declaration of labels must close with #END, got none; export the chain again"),
    ("lab", 5, "0: 0", "line 5: expected a state and its labels, like 0 red, got '0: 0'"),
    ("srew", 1, "0 1 0.5", "line 1: expected a state and a reward of at least 0 (a source and a target are"),
    ("tra", 1, "3 6\n3 6", "line 2: expected a source, a target and a probability, got '3 6'"),
]


@pytest.mark.parametrize(
    ("dialect", "kind", "line", "replacement", "told"),
    [("prism", "tra", *rest) for rest in TRA_REFUSALS]
    + [("prism", "lab", *rest) for rest in LAB_REFUSALS]
    + [("prism", "srew", *rest) for rest in SREW_REFUSALS]
    + [("storm", *rest) for rest in STORM_REFUSALS],
)
def test_what_is_wrong_is_refused_where_it_stands(read, dialect, kind, line, replacement, told):
    texts = dict(
        zip(("tra", "lab", "srew"), STORM if dialect == "storm" else (files.COIN_TRA, files.COIN_LAB, files.COIN_SREW),
            strict=True)
    )  # fmt: skip
    texts[kind] = spoiled(texts[kind], line, replacement)
    pattern = ".*".join(re.escape(part) for part in told.split(".*"))
    with pytest.raises(mg.InvalidInput, match=f"^coin.{kind}, {pattern}"):
        read(**texts)


def test_long_names_of_labels_are_listed_in_part(read):
    declared = f"#DECLARATION\ninit {'x' * 99}\n#END\n0 init blue\n"
    with pytest.raises(mg.InvalidInput, match=r"and borne once \(init x{35}\.\.\.\), got '0 init blue'"):
        read(files.COIN_TRA_STORM, declared)


def test_storm_chains_without_transitions_are_refused(read):
    with pytest.raises(mg.InvalidInput, match=r"coin.tra, line 2: a chain must have a state, got none"):
        read("dtmc\n")


def test_a_header_that_claims_too_much_is_refused_before_anything_is_taken(read):
    with pytest.raises(mg.TooLarge, match=rf"{10**18} states need 2.0e\+11 GB, budget .*; check the file's header"):
        read(spoiled(files.COIN_TRA, 1, f"{10**18} 6"))


@pytest.mark.parametrize("kind", ["tra", "lab", "srew"])
def test_the_limit_holds_for_every_file(read, kind):
    texts = {"tra": files.COIN_TRA, "lab": files.COIN_LAB, "srew": files.COIN_SREW}
    texts[kind] += "\n" * 1000
    assert read(**texts, most_bytes=len(texts[kind])).chain.n_states == 3
    with pytest.raises(mg.TooLarge, match=f"coin.{kind} must hold at most .*; give most_bytes if it is to be trusted"):
        read(**texts, most_bytes=len(texts[kind]) - 1)


@pytest.mark.parametrize("folder", LARGE_SLOW)
def test_outside_cases_are_those_of_storm(folder):
    rewards = {path.name.removeprefix(f"{folder.name}.").removesuffix(".srew"): path for path in folder.glob("*.srew")}
    prism = mg.read_prism(case_file(folder, ".tra"), case_file(folder, ".lab"), rewards)
    storm = mg.read_drn(case_file(folder, ".drn"))
    for one, other in zip(prism.chain.edges()[:2], storm.chain.edges()[:2], strict=True):
        assert one.tolist() == other.tolist()
    # .tra and .drn round the same numbers to decimals of 16 and 17 digits
    assert prism.chain.edges().probability == pytest.approx(storm.chain.edges().probability, rel=1e-15)
    assert prism.initial.tolist() == storm.initial.tolist()
    borne = {name: mask.tolist() for name, mask in prism.labels.items() if mask.any()}
    assert borne == {name: mask.tolist() for name, mask in storm.labels.items()}
    for name, earned in prism.rewards.items():
        known = (
            storm.rewards if name in storm.rewards else {name: storm.rewards[""]}
        )  # Storm leaves PRISM's default out
        assert earned == pytest.approx(known[name], rel=1e-15)


@pytest.mark.skipif(not FOLDERS, reason="the outside cases are not beside this checkout")
def test_a_small_case_is_what_another_reader_finds():
    folder = chains.CASES / "haddad_monmege_20"
    read = mg.read_prism(case_file(folder, ".tra"), case_file(folder, ".lab"))
    assert read.chain.to_csr().toarray().tolist() == chains.read_tra(case_file(folder, ".tra")).tolist()
    labels = {name: states for name, states in chains.read_lab(case_file(folder, ".lab")).items() if name != "init"}
    assert {name: mask.nonzero()[0].tolist() for name, mask in read.labels.items()} == labels
