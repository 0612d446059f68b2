"""A bundle of evidence: what is right is accepted, and whatever is changed in it is found."""

import hashlib
import json
from fractions import Fraction

import numpy as np
import pytest
from reference_chains import gambler, trap
from umb_files import naive

import markovgpt as mg
from markovgpt import cli
from markovgpt.evidence import bundle
from markovgpt.evidence.bundle import free_folder, verify_bundle, write_bundle
from markovgpt.exchange.chain_files import read_chain

COIN = mg.SparseChain.from_matrix([[0.5, 0.5], [0.5, 0.5]])


def signed(folder):
    """Sums anew, as somebody who changed a file would write them."""
    sums = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in bundle.FILES]
    (folder / bundle.SUMS).write_text("".join(sums))
    return folder


@pytest.fixture
def won(tmp_path):
    """The gambler starts with 1 and wants 3."""
    return write_bundle(gambler(), tmp_path / "won", "hitting_probability", target=[3], start=1, note="a game")


def test_a_bundle_holds_the_chain_the_question_and_the_answer(won):
    assert sorted(file.name for file in won.iterdir()) == sorted([*bundle.FILES, bundle.SUMS])
    assert [file.name for file in won.parent.iterdir()] == ["won"]
    rows, initial, labels, rewards = naive((won / "chain.umb").read_bytes())
    assert rows[1] == {0: 0.75, 2: 0.25}
    assert (initial, labels, rewards) == ([1], {"red": [3]}, {})
    assert np.array_equal(read_chain(won / "chain.drn").chain.to_csr().toarray(), gambler().to_csr().toarray())
    assert (won / "property.props").read_text() == 'P=? [F "red"]\n'
    said = json.loads((won / "answer.json").read_text())
    assert Fraction(said["lower"]) <= Fraction(1, 13) <= Fraction(said["upper"]) < Fraction(1, 12)
    assert (said["question"], said["property"]) == ("hitting_probability", 'P=? [F "red"]')
    for line in (won / "sha256.txt").read_text().splitlines():
        told, name = line.split("  ")
        assert told == hashlib.sha256((won / name).read_bytes()).hexdigest()
    text = (won / "README.txt").read_text()
    assert all(
        name in text for name in (*bundle.FILES[:-1], said["lower"], "markovgpt verify .", "storm --explicit-drn")
    )
    verdict = verify_bundle(won)
    assert (verdict.holds, verdict.reason) == (True, "")
    assert verdict.lower[0] <= Fraction(1, 13) <= verdict.upper[0]


@pytest.mark.parametrize(
    ("chain", "question", "asked", "wanted", "exact"),
    [
        (COIN, "expected_hitting_time", {"target": [1], "start": 0}, 'T=? [F "red"]', 2),
        (COIN, "expected_reward", {"target": [1], "start": 0, "reward": [3, 0]}, 'R{"reward"}=? [F "red"]', 6),
        (COIN, "expected_reward", {"target": [1], "start": 0}, 'R{"reward"}=? [F "red"]', 2),
        (COIN, "hitting_probability", {"target": [1], "start": np.array([1.0, 0])}, 'P=? [F "red"]', 1),
        # to 3 before 0 as ever; now also before 2, which comes first
        (gambler(), "hitting_probability", {"target": [3], "start": 1, "avoiding": [0]}, None, Fraction(1, 13)),
        (gambler(), "hitting_probability", {"target": [3], "start": 2, "avoiding": [1]}, None, Fraction(1, 4)),
    ],
)
def test_every_question_of_the_language(tmp_path, chain, question, asked, wanted, exact):
    place = write_bundle(chain, tmp_path / "x", question, **asked)
    assert (place / "property.props").read_text().strip() == (wanted or 'P=? [!"avoided" U "red"]')
    verdict = verify_bundle(place)
    assert verdict.holds
    assert verdict.lower[0] <= exact <= verdict.upper[0]


def test_any_change_is_found_by_the_sums(won):
    for name in (*bundle.FILES, bundle.SUMS):
        file = won / name
        data = file.read_bytes()
        file.write_bytes(data.replace(b"a", b"b", 1) if name == bundle.SUMS else data + b" ")
        told = "must be the file that was bundled, got another; fetch or write the bundle again"
        with pytest.raises(mg.InvalidInput, match=told):
            verify_bundle(won)
        file.unlink()
        with pytest.raises(
            mg.InvalidInput, match=r"won must be a whole bundle, with chain.umb, .* and sha256.txt, got"
        ):
            verify_bundle(won)
        file.write_bytes(data)
    (won / bundle.SUMS).write_bytes((won / bundle.SUMS).read_bytes() + b"00  other\n")
    with pytest.raises(mg.InvalidInput, match=r"sha256.txt must be the file that was bundled"):
        verify_bundle(won)


WIDER = [[1, 0, 0, 0], [0.5, 0, 0.5, 0], [0, 0.75, 0, 0.25], [0, 0, 0, 1]]
SAID = {"labels": {"red": np.arange(4) == 3}, "initial": np.arange(4) == 1}


def written(folder, matrix, **said):
    """Both files of a chain, replaced."""
    for name, write in (("chain.umb", mg.write_umb), ("chain.drn", mg.write_drn)):
        write(mg.SparseChain.from_matrix(matrix), folder / name, **SAID | said)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda won: written(won, WIDER), "the transitions of the certificate are not those of the chain"),
        (
            lambda won: written(won, np.eye(5), labels={}, initial=np.arange(5) == 1),
            "the certificate is of 4 states, the",
        ),
        (
            lambda won: written(won, gambler().to_csr(), initial=np.arange(4) == 2),
            "the start of the certificate is not",
        ),
        (
            lambda won: written(won, gambler().to_csr(), labels={"red": np.arange(4) == 2}),
            "the target of the certificate",
        ),
        (
            lambda won: written(won, gambler().to_csr(), labels={}),
            "the target of the certificate is not what is labelled",
        ),
        (lambda won: written(won, gambler().to_csr(), rewards={"x": np.ones(4)}), ""),
        (
            lambda won: mg.write_drn(mg.SparseChain.from_matrix(WIDER), won / "chain.drn", **SAID),
            "chain.drn is not the chain of chain.umb",
        ),
        (
            lambda won: (won / "property.props").write_text('T=? [F "red"]'),
            "the property is not the question of the cer",
        ),
        (
            lambda won: (won / "property.props").write_text('P=? [F "blue"]'),
            "the property is not the question of the ce",
        ),
        (lambda won: answer(won, lower="0.08"), "the bounds of the answer do not hold what the certificate claims"),
        (lambda won: answer(won, upper="0.07"), "the bounds of the answer do not hold what the certificate claims"),
        (lambda won: answer(won, property="else"), "the answer is to another question"),
        (lambda won: answer(won, what="else"), "the answer is to another question"),
    ],
)
def test_whatever_does_not_belong_together_is_named(won, change, reason):
    change(won)
    verdict = verify_bundle(signed(won))
    assert verdict.holds == (not reason)
    assert verdict.reason.startswith(reason)


def answer(won, **changed):
    """The answer, with something changed."""
    file = won / "answer.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changed))


def test_a_reward_or_an_avoided_state_that_was_changed_is_named(tmp_path):
    place = write_bundle(COIN, tmp_path / "x", "expected_reward", target=[1], start=0, reward=[3, 0])
    said = {"labels": {"red": [False, True]}, "initial": [True, False]}
    for name, write in (("chain.umb", mg.write_umb), ("chain.drn", mg.write_drn)):
        write(COIN, place / name, **said, rewards={"reward": [2, 0]})
    assert verify_bundle(signed(place)).reason == "the rewards of the certificate are not those of the chain"
    place = write_bundle(gambler(), tmp_path / "y", "hitting_probability", target=[3], start=2, avoiding=[1])
    labels = SAID["labels"] | {"avoided": np.arange(4) == 0}
    written(place, gambler().to_csr(), labels=labels, initial=np.arange(4) == 2)
    assert verify_bundle(signed(place)).reason == "what the certificate avoids is not what is labelled avoided"


def test_a_certificate_that_does_not_hold_is_said_first(won, monkeypatch):
    monkeypatch.setattr(bundle, "verify", lambda file: mg.Verdict(False, "x", (), (), (), "it does not"))
    assert verify_bundle(won).reason == "it does not"


def test_an_answer_that_is_none_is_refused(won):
    bounds = ("x", "Infinity", "NaN", "1e999999999", "1e-999999999", "-1", 0.05, None)  # some would take days
    said = json.loads((won / "answer.json").read_text())
    for text in ("{", "[]", "[" * 10**5, *(json.dumps(said | {"lower": bound}) for bound in bounds)):
        (won / "answer.json").write_text(text)
        with pytest.raises(mg.InvalidInput, match=r"answer.json must be the answer of a bundle, got another"):
            verify_bundle(signed(won))


def test_a_property_that_is_no_text_and_another_question_are_found(won):
    answer(won, question="expected_hitting_time")
    assert verify_bundle(signed(won)).reason == "the answer is to another question"
    (won / "property.props").write_bytes(b'P=? [F "red"]\xff')
    assert verify_bundle(signed(won)).reason == "the property is not the question of the certificate"


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (
            {"question": "stationary", "target": [3], "start": 1},
            "question must be one of hitting_probability, expected_h",
        ),
        (
            {"question": "expected_hitting_time", "target": [3], "start": 1, "avoiding": [0]},
            "got 'expected_hitting_time",
        ),
        (
            {"question": "hitting_probability", "target": [3], "start": np.array([0, 0.5, 0.5, 0])},
            "one state to start in, got 2",
        ),
    ],
)
def test_questions_without_a_property_are_refused(tmp_path, asked, told):
    with pytest.raises(mg.InvalidInput, match=told):
        write_bundle(gambler(), tmp_path / "x", **asked)
    assert list(tmp_path.iterdir()) == []


def test_a_bundle_is_there_as_a_whole_or_not_at_all(tmp_path):
    with pytest.raises(mg.InvalidInput, match=r"an expected reward or time must be finite to have a certificate"):
        write_bundle(trap(), tmp_path / "x", "expected_hitting_time", target=[trap().n_states - 1], start=0)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("mine")
    with pytest.raises(
        mg.InvalidInput, match=r"folder must be new or empty, got .* with something there; give another"
    ):
        write_bundle(COIN, tmp_path, "hitting_probability", target=[1], start=0)
    (tmp_path / "empty").mkdir()
    assert write_bundle(COIN, tmp_path / "empty", "hitting_probability", target=[1], start=0).is_dir()


def test_a_bundle_goes_where_one_stands_and_where_a_link_leads(tmp_path, monkeypatch):
    asked = {"target": [1], "start": 0}
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert verify_bundle(write_bundle(COIN, ".", "hitting_probability", **asked)).holds
    assert sorted(file.name for file in (tmp_path / "here").iterdir()) == sorted([*bundle.FILES, bundle.SUMS])
    (tmp_path / "link").symlink_to(tmp_path / "there")
    (tmp_path / "new").symlink_to(tmp_path / "nowhere")
    for name, end in (("link", "there"), ("new", "nowhere")):
        assert write_bundle(COIN, tmp_path / name, "hitting_probability", **asked) == tmp_path / name
        assert (tmp_path / name).is_symlink()
        assert verify_bundle(tmp_path / end).holds
    with pytest.raises(mg.InvalidInput, match=r"folder must be one that can be written, got .* \(.*\); choose another"):
        free_folder(tmp_path / "there" / "README.txt" / "x")


def test_the_command_takes_a_bundle(won, capsys):
    assert cli.main(["verify", str(won)]) == 0
    assert capsys.readouterr().out.startswith("holds: probability that the target is reached; target 3; start 1")
    answer(won, lower="0.08")
    assert cli.main(["verify", str(signed(won))]) == 3
    assert "does not hold, the bounds of the answer" in capsys.readouterr().out
    (won / "answer.json").unlink()
    assert cli.main(["verify", str(won)]) == 2
