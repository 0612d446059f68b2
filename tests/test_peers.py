"""The peers are asked what they are said to be asked; chains whose answers are derived by hand."""

import math
import sys
from pathlib import Path

import numpy as np
import pytest

import markovgpt as mg
from experiments import peers
from experiments.peer_runner import PEERS, reaching

LAZY_WALK = [[0.5, 0.5, 0], [0.25, 0.5, 0.25], [0, 0.5, 0.5]]
# From 0 and 1, red (2) or the avoided (3): h0 = h0/5 + 2 h1/5 + 1/10, h1 = h0/2 + h1/10 + 3/10, so h0 = 21/52.
FORK = [[0.2, 0.4, 0.1, 0.3], [0.5, 0.1, 0.3, 0.1], [0.25, 0.25, 0.25, 0.25], [0.25, 0.25, 0.25, 0.25]]
TRAP = [[0.5, 0.25, 0.25], [0, 1, 0], [0, 0, 1]]
LINEAR = [name for name, kind in PEERS.items() if name.startswith("scipy") and hasattr(kind, "hitting")]
POWERS = [
    name for name, kind in PEERS.items() if hasattr(kind, "stationary") and name.split()[0] in ("scipy", "networkx")
]


def written(folder, matrix, *, red=2, avoided=None, start=0):
    states = np.arange(len(matrix))
    chain = mg.SparseChain.from_matrix(matrix)
    peers.write_chain(chain, folder, start=start, red=states == red, avoided=states == avoided)
    return folder


def loaded(name, folder):
    peer = PEERS[name](1e-13)
    peer.load(folder)
    return peer


@pytest.mark.parametrize("name", LINEAR)
def test_linear_systems_by_hand(tmp_path, name):
    # t2 = 0, t1 = 1 + t0/4 + t1/2 and t0 = 1 + t0/2 + t1/2, so t1 = 6 and t0 = 8
    assert loaded(name, written(tmp_path, LAZY_WALK)).expected_time()["value"] == pytest.approx(8, rel=1e-10)
    assert loaded(name, written(tmp_path, FORK, avoided=3)).hitting()["value"] == pytest.approx(21 / 52, rel=1e-10)
    trap = loaded(name, written(tmp_path, TRAP))
    assert trap.hitting()["value"] == pytest.approx(1 / 2, rel=1e-10)
    assert trap.expected_time()["value"] == math.inf
    assert loaded(name, written(tmp_path, TRAP, start=1)).hitting()["value"] == 0
    inside = loaded(name, written(tmp_path, TRAP, start=2))
    assert (inside.hitting()["value"], inside.expected_time()["value"]) == (1, 0)


@pytest.mark.parametrize("name", POWERS)
def test_stationary_by_hand(tmp_path, name):
    assert loaded(name, written(tmp_path, LAZY_WALK)).stationary() == pytest.approx([1 / 4, 1 / 2, 1 / 4], rel=1e-10)


def test_what_reaches_the_target_goes_through_what_is_allowed(tmp_path):
    line = loaded("scipy lu", written(tmp_path, np.eye(4, k=1) + np.diag([0, 0, 0, 1.0]))).matrix
    end = np.array([False, False, False, True])
    assert reaching(line, end, ~end).tolist() == [True] * 4
    assert reaching(line, end, np.array([True, False, True, False])).tolist() == [False, False, True, True]


def test_an_answer_comes_from_a_process_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setattr(peers, "environment", lambda name: Path(sys.executable))
    written(tmp_path, LAZY_WALK)
    found = peers.ask("scipy lu", "expected_time", tmp_path)
    assert (found["status"], found["value"], found["width"]) == ("answered", pytest.approx(8), None)
    assert 0 < found["seconds"] < 10
    assert 10**7 < found["imported_bytes"] <= found["peak_bytes"] < 10**9
    ranks = peers.ask("networkx", "stationary", tmp_path, tolerance=1e-12)
    assert ranks["value"] == pytest.approx(1 / 4)
    assert ranks["residual_l1"] < 1e-11
    assert peers.ask("networkx", "hitting", tmp_path)["status"] == "not offered"
    assert peers.ask("scipy lu", "hitting", tmp_path, limit_seconds=0.01)["status"] == "over 0.01 s"
    (tmp_path / "matrix.npz").unlink()
    assert peers.ask("scipy lu", "hitting", tmp_path)["status"].startswith("failed with 1: FileNotFoundError")


def test_a_peer_that_cannot_be_installed_is_absent(tmp_path, monkeypatch):
    monkeypatch.setattr(peers, "FOLDER", tmp_path / "environments")
    monkeypatch.setattr(sys, "executable", "/bin/false")
    peers._failure_to_install.cache_clear()
    with pytest.raises(peers.Absent, match="/bin/false ended with 1"):
        peers.environment("storm")
    found = peers.ask("storm", "hitting", tmp_path)
    peers._failure_to_install.cache_clear()
    assert (found["status"], found["value"]) == ("absent: /bin/false ended with 1", None)


def test_unknown_peers_and_questions_are_refused(tmp_path):
    with pytest.raises(mg.InvalidInput, match=r"got nobody, hitting"):
        peers.ask("nobody", "hitting", tmp_path)
    with pytest.raises(mg.InvalidInput, match=r"got storm, period"):
        peers.ask("storm", "period", tmp_path)


def test_every_peer_has_pinned_versions():
    assert {name.split()[0] for name in PEERS} == set(peers.PINS)
    assert all("==" in pin for pins in peers.PINS.values() for pin in pins)


def test_widths_and_residuals():
    assert peers.relative_width(1.0, 1.5) == 0.5
    assert peers.relative_width(0.0, 0.0) == peers.relative_width(math.inf, math.inf) == 0
    assert peers.relative_width(0.0, 1.0) == math.inf
    # (1, 0, 0) P = (1/2, 1/2, 0): off by 1/2 and 1/2, the second from nothing
    walk = mg.SparseChain.from_matrix(LAZY_WALK).to_csr()
    assert peers.residuals(walk, np.array([1.0, 0, 0])) == (1.0, math.inf)
    # (1/2, 1/4, 1/4) P = (5/16, 1/2, 3/16): off by 3/16, 1/4 and 1/16, the second by all that it was
    assert peers.residuals(walk, np.array([0.5, 0.25, 0.25])) == (1 / 2, 1.0)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["storm", "storm interval", "storm sound", "quantecon", "pydtmc"])
def test_the_libraries_themselves_by_hand(tmp_path, name):
    written(tmp_path, FORK, avoided=3)
    answers = {question: peers.ask(name, question, tmp_path) for question in peers.QUESTIONS}
    if answers["stationary"]["status"].startswith("absent"):
        pytest.skip(answers["stationary"]["status"])
    assert answers["stationary"]["residual_l1"] < 1e-6
    if name != "quantecon":
        assert answers["hitting"]["value"] == pytest.approx(21 / 52, rel=1e-6)
        # t0 = 1 + t0/5 + 2 t1/5 + 3 t3/10, t1 = 1 + t0/2 + t1/10 + t3/10, t3 = 1 + (t0 + t1 + t3)/4: t0 = 89/17
        assert answers["expected_time"]["value"] == pytest.approx(89 / 17, rel=1e-6)
    if name.startswith("storm"):
        assert answers["hitting"]["lower"] <= 21 / 52 <= answers["hitting"]["upper"]
        assert answers["expected_time"]["width"] == pytest.approx(2e-6, rel=0.01)
