"""`markovgpt check`: files of either kind, answers by hand, certificates, and what cannot be asked."""

import gzip
import json

import outside_files as files
import pytest

import markovgpt as mg
from markovgpt import cli

# 0 stays with 1/4, else goes on to 1, which is red
COIN = "2 3\n0 0 0.25\n0 1 0.75\n1 1 1\n"
COIN_LAB = '0="init" 1="red"\n0: 0\n1: 1\n'


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "coin.tra").write_text(COIN)
    (tmp_path / "coin.lab").write_text(COIN_LAB)
    (tmp_path / "coin.cost.srew").write_text("2 1\n0 3\n")
    (tmp_path / "coin.time.srew").write_text("2 1\n0 6\n")
    return tmp_path


def ask(file, *texts, options=()):
    """The exit code of a question."""
    properties = [part for text in texts for part in ("--property", text)]
    return cli.main(["check", str(file), *properties, *options])


def asked(capsys, file, *texts, options=()):
    """The JSON object that is printed; nothing else may stand on stdout."""
    assert ask(file, *texts, options=[*options, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def holds(found, expected):
    """Whether tight bounds hold a number."""
    return found["lower"] <= expected <= found["upper"] <= found["lower"] * (1 + 1e-9)


def test_each_property_has_its_line(folder, capsys):
    assert ask(folder / "coin.tra", 'P=? [F<=1 "red"]', 'R{"cost"}=? [F red]', "P>=1/2 [F<=1 red]") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith('P=? [F<=1 "red"] = 0.75000000000')
    assert lines[0].endswith("(1 products)")
    assert lines[1].startswith('R{"cost"}=? [F "red"] = 4.0000000000')  # 4/3 visits of 3 each
    assert lines[2] == 'P>=1/2 [F<=1 "red"]: true'
    assert lines[3].startswith("  0.75000000000")


def test_one_property_is_one_object(folder, capsys):
    found = asked(capsys, folder / "coin.tra", "T=? [F red]")
    assert holds(found, 4 / 3)
    assert (found["question"], found["property"], found["holds"]) == ("check", 'T=? [F "red"]', None)
    assert (found["states"], found["asked_states"], found["normalised_rows"]) == (2, 1, 0)
    assert {"log10", "log10_lower", "log10_upper", "method", "seconds", "file"} <= found.keys()


def test_several_properties_are_a_list(folder, capsys):
    found = asked(capsys, folder / "coin.tra", 'R{"time"}=? [F red]', "T=? [F red]", "P<1 [F red]")
    assert [part["holds"] for part in found["properties"]] == [None, None, "false"]
    assert holds(found["properties"][0], 8)


def test_infinity_is_a_word(folder, capsys):
    found = asked(capsys, folder / "coin.tra", "filter(max, T=? [F init])")
    assert found["lower"] == found["value"] == "Infinity"


def test_exit_code_3_where_bounds_do_not_tell(folder, capsys):
    assert ask(folder / "coin.tra", "T>4/3 [F red]") == 3
    assert capsys.readouterr().out.startswith('T>4/3 [F "red"]: undecided\n  1.3333333333')
    assert ask(folder / "coin.tra", "T>1.3 [F red]", "T>4/3 [F red]", options=["--json"]) == 3
    assert [part["holds"] for part in json.loads(capsys.readouterr().out)["properties"]] == ["true", "undecided"]


def test_several_initial_states_have_two_numbers(folder, capsys):
    (folder / "coin.lab").write_text('0="init" 1="red"\n0: 0\n1: 0 1\n')
    assert ask(folder / "coin.tra", "T=? [F red]", "T<1 [F red]") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith('T=? [F "red"], least of 2 initial states = 0   in [0.0, 0.0]')
    assert lines[1].startswith('T=? [F "red"], greatest of 2 initial states = 1.3333333333')
    assert lines[2] == 'T<1 [F "red"]: false'
    assert [line.split(" = ")[0].split(":")[0] for line in lines[3:]] == [
        "  least of 2 initial states",
        "  greatest of 2 initial states",
    ]


@pytest.mark.parametrize("zipped", [False, True])
def test_files_are_told_by_their_endings(folder, capsys, zipped):
    drn = folder / "coin.drn"
    drn.write_text(files.COIN_DRN)
    if zipped:
        for file in (drn, folder / "coin.tra", folder / "coin.lab", folder / "coin.cost.srew"):
            (folder / f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes(), mtime=0))
            file.unlink()
    ending = ".gz" if zipped else ""
    assert asked(capsys, f"{folder}/coin.drn{ending}", "P=? [F red]")["lower"] == 1
    assert holds(asked(capsys, f"{folder}/coin.tra{ending}", 'R{"cost"}=? [F red]'), 4)


def test_rewards_without_a_name_are_the_only_ones(folder, capsys):
    for name in ("cost", "time"):
        (folder / f"coin.{name}.srew").unlink()
    (folder / "coin.srew").write_text("2 1\n0 9\n")
    assert holds(asked(capsys, folder / "coin.tra", "R=? [F red]"), 12)


def test_what_is_mended_is_said(folder, capsys):
    (folder / "coin.tra").write_text("2 2\n0 0 0.2\n0 1 0.2\n")
    assert ask(folder / "coin.tra", "P=? [F red]") == 2
    assert "give fix_deadlocks=True" in capsys.readouterr().err
    found = ask(folder / "coin.tra", "P=? [F<=1 red]", options=["--normalise", "--fix-deadlocks", "--json"])
    printed = capsys.readouterr()
    assert found == 0
    assert holds(json.loads(printed.out), 0.5)
    assert printed.err == "markovgpt: 1 row divided by the sum\nmarkovgpt: 1 deadlock fixed by a self-loop\n"
    assert (json.loads(printed.out)["normalised_rows"], json.loads(printed.out)["fixed_deadlocks"]) == (1, 1)


def test_an_answer_is_certified(folder, capsys):
    # red is left for a trap half of the time: P(G !trap) = 1/2 from 0
    (folder / "game.tra").write_text("3 4\n0 1 0.5\n0 2 0.5\n1 1 1\n2 2 1\n")
    (folder / "game.lab").write_text('0="init" 1="red" 2="trap"\n0: 0\n1: 1\n2: 2\n')
    (folder / "way.tra").write_text("3 4\n0 1 0.5\n0 2 0.5\n1 2 1\n2 2 1\n")  # half of the time not by way of 1
    (folder / "way.lab").write_text('0="init" 1="red"\n0: 0\n2: 1\n')
    file = folder / "answer.npz"
    for name, text, expected in (
        ("game", "P=? [F red]", 0.5),
        ("game", "P=? [G !trap]", 0.5),
        ("way", "P=? [init U red]", 0.5),
        ("coin", "T=? [F red]", 4 / 3),
        ("coin", 'R{"cost"}=? [F red]', 4),
    ):
        asked(capsys, folder / f"{name}.tra", text, options=["--certificate", str(file)])
        verdict = mg.verify(file)
        assert verdict.holds
        assert float(verdict.lower[0]) == pytest.approx(expected, rel=1e-12)
        assert f"{name}.tra" in verdict.what
    for text in ("P=? [F<=3 red]", "LRA=? [red]", "filter(max, P=? [F red])", "P=? [G init]"):
        assert ask(folder / "coin.tra", text, options=["--certificate", str(file)]) == 2
        assert "a certificate is of F, U or G without a bound, in P, T or R" in capsys.readouterr().err
    assert ask(folder / "coin.tra", "P=? [F red]", "T=? [F red]", options=["--certificate", str(file)]) == 2
    assert "a certificate is of one property, got 2" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        (
            "coin.tra",
            "P=? [X red]",
            "markovgpt: a property must keep to what is supported, got X (next) at character 6",
        ),
        (
            "coin.tra",
            "P=? [F blue]",
            "a label must be one of the chain's, got 'blue'; it has 'init', 'red', 'deadlock'",
        ),
        ("coin.tra", "R=? [F red]", "R must name rewards of the chain, got no name, of 'cost', 'time'"),
        ("coin.lab", "P=? [F red]", "must be a chain in a .umb, .drn or .tra file, got something else"),
        ("none.tra", "P=? [F red]", "none.tra must be a file that can be read"),
        ("no/coin.tra", "P=? [F red]", "coin.tra must be a file that can be read"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_one_line(folder, capsys, file, text, said):
    assert ask(folder / file, text) == 2
    printed = capsys.readouterr()
    assert said in printed.err
    assert (printed.out, printed.err.count("\n")) == ("", 1)
