"""The shell: answers on stdout, calm refusals on stderr, exit codes, and never a traceback."""

import dataclasses
import errno
import json
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

import markovgpt as mg
from markovgpt import cli
from markovgpt.chains import table_folder
from markovgpt.commands import options
from markovgpt.evidence.certificate_file import read_certificate


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        model = mg.GPT(mg.GPTConfig(2, 3, n_layer=1, n_head=1, n_embd=4), mg.Vocabulary(("a", "b")))
    place = tmp_path_factory.mktemp("model")
    mg.save_model(model, place)
    return str(place)


@pytest.fixture
def chain(folder):
    return mg.WindowChain.from_model(mg.load_model(folder))


def answer_of(capsys, *arguments):
    """The JSON object a command prints; nothing else may stand on stdout."""
    assert cli.main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_reach_within_is_the_answer_of_python(folder, chain, capsys):
    found = answer_of(capsys, "reach", folder, "--red", "aaa", "--start", "bbb", "--within", "10")
    expected = mg.hitting_probability(chain, "aaa", start="bbb", within=10)
    assert (found["value"], found["lower"], found["upper"]) == (expected.value, expected.lower, expected.upper)
    assert found["states"] == 8
    assert found["settings"]["temperature"] == 1.0
    assert found["model"]["format"] == "markovgpt"
    assert len(found["model"]["weights_sha256"]) == 64
    assert {"log10", "log10_lower", "log10_upper", "method", "seconds"} <= found.keys()


def test_reach_without_a_horizon_gives_the_expected_time_too(folder, chain, capsys):
    found = answer_of(capsys, "reach", folder, "--red-tokens", "0,0,0", "--start-tokens", "1,1,1")
    assert found["value"] == 1.0
    assert found["expected_steps_value"] == mg.expected_hitting_time(chain, [0], start=7).value


def test_infinities_are_words(folder, capsys):
    found = answer_of(capsys, "reach", folder, "--red", "aab", "--start", "bbb", "--temperature", "0")
    assert found["value"] in (0.0, 1.0)
    if found["value"] == 0.0:
        assert found["expected_steps_value"] == "Infinity"
        assert found["log10"] == "-Infinity"


def test_stationary_lists_every_class_with_its_windows(folder, chain, capsys):
    found = answer_of(capsys, "stationary", folder)
    assert found["classes"][0]["windows"][:2] == ["aaa", "aab"]
    assert np.allclose(found["classes"][0]["value"], mg.stationary_distributions(chain).probabilities[0], atol=1e-15)


def test_greedy_prints_the_loops(folder, chain, capsys):
    found = answer_of(capsys, "greedy", folder)
    assert sum(loop["basin"] for loop in found["loops"]) == 8
    assert cli.main(["greedy", folder]) == 0
    assert "for ever" in capsys.readouterr().out


def test_prefixes_let_a_short_text_be_the_start(folder, capsys):
    found = answer_of(capsys, "reach", folder, "--red", "aaa", "--start", "b", "--prefixes", "--within", "1")
    assert found["value"] == 0.0
    assert found["states"] == 14


def test_a_shorter_context_has_fewer_states(folder, capsys):
    assert answer_of(capsys, "stationary", folder, "--context-length", "2")["states"] == 4


def test_every_window_is_answered_without_a_start(folder, capsys):
    assert cli.main(["reach", folder, "--red", "aaa"]) == 0
    printed = capsys.readouterr().out
    assert "P(red), from each window" in printed
    assert "  bbb  1\n" in printed


@pytest.mark.parametrize("ending", ["svg", "dot"])
def test_draw_writes_the_file_and_names_it(folder, tmp_path, capsys, ending):
    out = tmp_path / f"graph.{ending}"
    assert cli.main(["draw", folder, "--out", str(out), "--red", "aaa"]) == 0
    assert capsys.readouterr().out.strip() == str(out)
    assert out.stat().st_size > 100


def test_demo_writes_where_it_is_told(tmp_path, capsys):
    assert cli.main(["demo", "--out", str(tmp_path / "here")]) == 0
    assert (tmp_path / "here" / "reach.csv").exists()
    assert "12,656 parameters" in capsys.readouterr().out


def test_tokens_can_be_named_from_a_file(folder, tmp_path, capsys):
    (tmp_path / "tokens.json").write_text('["x", "y"]')
    names = ("--vocabulary", str(tmp_path / "tokens.json"))
    found = answer_of(capsys, "reach", folder, "--red", "xxx", "--start", "yyy", "--within", "5", *names)
    assert (
        found["value"] == answer_of(capsys, "reach", folder, "--red", "aaa", "--start", "bbb", "--within", "5")["value"]
    )


REFUSED = [
    (["--red", "aaa", "--temperature", "-1"], 2, "temperature must be at least 0"),
    (["--red", "aaa", "--temperature", "nan"], 2, "temperature must be a number"),
    (["--red", "aaa", "--top-k", "0"], 2, "top_k must be a whole number of at least 1"),
    (["--red", "aaa", "--top-k", "3"], 2, "top_k must be at most the vocabulary's 2 tokens"),
    (["--red", "aaa", "--top-p", "0"], 2, r"top_p must lie in (0, 1]"),
    (["--red", "aaa", "--min-p", "2"], 2, r"min_p must lie in [0, 1]"),
    (["--red", "xyz"], 2, "red text must be made of the vocabulary's characters, got 'x' in 'xyz'"),
    (["--red", ""], 2, "red texts must be one or more, none of them empty"),
    (["--red-regex", "a*"], 2, "regex must match at least one character"),
    (["--red-regex", "("], 2, "regex must be one that greenery can read"),
    (["--red", "aaa", "--stop", ""], 2, "--stop must hold at least one token"),
    (["--red", "aaa", "--do-sample"], 2, "--do-sample and --penalty-over-window go with --generation-config"),
    (
        ["--red", "aaa", "--generation-config", ".", "--top-k", "2"],
        2,
        "must be given without other settings, got top_k",
    ),
    (["--red", "aaa", "--ways", "3"], 2, "--ways needs one start"),
    (["--red", "aaa", "--start", "aaa", "--ways", "0"], 2, "k must be a whole number of at least 1"),
    (["--red", "aaa", "--start", "aab", "--stop", "b", "--rate", "10"], 2, "--rate is that of a text without an end"),
    (["--red", "aaa", "--start", "aab", "--law", "-1"], 2, "steps must be a whole number in 0.."),
    (["--red", "aaa", "--start", "aab", "--conversations", "-1"], 2, "conversations must be"),
    (["--red", "aaa", "--start", "aab", "--within", "3", "--windows", "2"], 2, "--windows looks at the whole way"),
    (["--red-tokens", "7"], 2, "tokens must be whole numbers in 0..1, got 7"),
    (["--red", "aaa", "--start", "a"], 2, "a window must hold 3 tokens, got 1"),
    (["--red", "aaa", "--within", "-1"], 2, "within must be a whole number n of at least 0"),
    (["--red", "aaa", "--context-length", "9"], 2, "context_length must lie in 1..3"),
    (
        ["--red", "aaa", "--format", "onnx"],
        2,
        "format must be auto or one of markovgpt, nanogpt, mingpt, huggingface, got 'onnx'",
    ),
    (["--red", "aaa", "--memory", "0"], 2, "--memory must be above 0 GB"),
    (["--red", "aaa", "--memory", "1e-9"], 4, "2**3 states x 2 tokens need "),
]


@pytest.mark.parametrize(("options", "code", "message"), REFUSED)
def test_a_refusal_is_one_calm_line_and_a_code(folder, capsys, options, code, message):
    assert cli.main(["reach", folder, *options]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    *notes, refusal = err.splitlines()
    assert refusal.startswith("markovgpt: ")
    assert all(note.startswith("markovgpt: markovgpt model, float32, weights") for note in notes)


@pytest.mark.parametrize(
    "arguments", [["reach", "MODEL", "--red", "a", "--temperature", "hot"], [], ["reach", "MODEL"]]
)
def test_a_command_line_that_does_not_parse_exits_with_two(folder, capsys, arguments):
    with pytest.raises(SystemExit) as stopped:
        cli.main([folder if part == "MODEL" else part for part in arguments])
    assert stopped.value.code == 2
    assert "usage: markovgpt" in capsys.readouterr().err


def test_a_missing_model_is_refused(capsys):
    assert cli.main(["greedy", "no/such/model"]) == 2
    assert (
        "a model must be a folder with config.json, ckpt.pt or one torch file, or a file of weights, got no/such/model"
        in capsys.readouterr().err
    )


def test_a_folder_that_cannot_be_written_is_refused(folder, tmp_path, capsys):
    assert cli.main(["draw", folder, "--out", str(tmp_path / "missing" / "graph.dot")]) == 2
    assert "No such file or directory" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (mg.NotConverged("no", 1.0), 3),
        (KeyboardInterrupt(), 130),
        (MemoryError(), 4),
        (mg.TooLarge("no"), 4),
        (OSError(errno.ENOSPC, "No space left on device"), 4),
        (OSError(errno.EACCES, "Permission denied"), 2),
    ],
)
def test_what_stops_an_answer_has_its_exit_code(folder, monkeypatch, capsys, error, code):
    def stop(*arguments, **settings):
        raise error

    monkeypatch.setattr(options, "tabulate", stop)
    assert cli.main(["greedy", folder]) == code
    assert "markovgpt: " in capsys.readouterr().err


def test_a_reader_that_leaves_early_hears_no_traceback(folder):
    script = f"{sys.executable} -m markovgpt.cli reach {folder} --red aaa | head -c 1"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "P"
    assert done.stderr.startswith("markovgpt: markovgpt model, float32")
    assert done.stderr.count("\n") == 1


def test_the_command_leaves_with_the_code_of_a_refusal(folder, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["markovgpt", "reach", folder, "--red", "x"])
    monkeypatch.setattr(cli, "_say_what_is_chosen", lambda: None)  # it would go on saying so
    with pytest.raises(SystemExit) as left:
        cli.run()
    assert left.value.code == 2
    out, err = capsys.readouterr()
    assert (out, err.splitlines()[-1][:11]) == ("", "markovgpt: ")


SLOW = """
import sys, time
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # as in a terminal, whoever runs this
from markovgpt import cli
from markovgpt.commands import options
from markovgpt.evidence.certificate_file import read_certificate
from markovgpt.chains import table_folder
put = table_folder.TableFolder.put
def slowly(self, block, logits):
    put(self, block, logits)
    print("block", flush=True)
    time.sleep(0.1)
table_folder.TableFolder.put = slowly
cli.run()
"""


@pytest.fixture
def nine_blocks(tmp_path):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        mg.save_model(mg.GPT(mg.GPTConfig(3, 10, n_layer=1)), tmp_path / "model")
    return str(tmp_path / "model")


def test_ctrl_c_ends_with_130_and_the_same_command_goes_on(nine_blocks, tmp_path, capsys):
    command = ["greedy", nine_blocks, "--on-disk", str(tmp_path / "table"), "--workers", "2"]
    run = subprocess.Popen(
        [sys.executable, "-c", SLOW, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert run.stdout.readline() == "block\n"
    run.send_signal(signal.SIGINT)
    out, err = run.communicate(timeout=60)
    assert run.returncode == 130
    assert err.splitlines()[-1] == "markovgpt: interrupted; the same command goes on from here"
    assert "Traceback" not in err
    assert out.count("block") < 8
    assert cli.main(command) == 0
    made = mg.LogitTable.open(tmp_path / "table")
    assert made.logits.tobytes() == mg.tabulate(mg.load_model(nine_blocks)).logits.tobytes()


def test_ctrl_c_in_the_midst_of_the_only_worker(nine_blocks, tmp_path, capsys, monkeypatch):
    command = ["greedy", nine_blocks, "--on-disk", str(tmp_path / "table"), "--workers", "1"]
    put, blocks = table_folder.TableFolder.put, []

    def interrupted(self, block, logits):
        put(self, block, logits)
        blocks.append(block)
        if len(blocks) == 2:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(table_folder.TableFolder, "put", interrupted)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        assert cli.main(command) == 130
    finally:
        signal.signal(signal.SIGINT, before)
    err = capsys.readouterr().err
    assert err.splitlines()[-1] == "markovgpt: interrupted; the same command goes on from here"
    assert cli.main(command) == 0
    assert len(blocks) == 9
    made = mg.LogitTable.open(tmp_path / "table")
    assert made.logits.tobytes() == mg.tabulate(mg.load_model(nine_blocks)).logits.tobytes()


def test_a_table_on_disk_serves_every_question(folder, tmp_path, capsys):
    on_disk = ["--on-disk", str(tmp_path / "table")]
    with_table = answer_of(capsys, "reach", folder, "--red", "aaa", "--start", "bbb", "--within", "10", *on_disk)
    again = answer_of(capsys, "reach", folder, "--red", "aaa", "--start", "bbb", "--within", "10", *on_disk)
    without = answer_of(capsys, "reach", folder, "--red", "aaa", "--start", "bbb", "--within", "10")
    assert with_table["value"] == again["value"] == without["value"]


def test_the_number_of_workers_that_was_measured_is_said(nine_blocks):
    command = [sys.executable, "-m", "markovgpt.cli", "greedy", nine_blocks]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env={**os.environ, "OMP_NUM_THREADS": "2"}
    )
    assert re.search(
        r"^markovgpt: [12] worker\(s\) of one torch thread each: 2 together were", done.stderr, re.MULTILINE
    )


def test_a_device_that_is_not_there_is_said(folder, capsys):
    found = answer_of(capsys, "greedy", folder, "--device", "cuda:99")
    assert found["model"]["notes"][0].startswith("asked to run on cuda:99, runs on cpu: ")


def test_a_second_ctrl_c_leaves_at_once_with_130(nine_blocks, tmp_path):
    slow = SLOW.replace("time.sleep(0.1)", "time.sleep(5)")
    command = ["greedy", nine_blocks, "--on-disk", str(tmp_path / "table"), "--workers", "2"]
    run = subprocess.Popen(
        [sys.executable, "-c", slow, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert run.stdout.readline() == "block\n"
    began = time.monotonic()
    run.send_signal(signal.SIGINT)
    time.sleep(0.2)
    run.send_signal(signal.SIGINT)
    _, err = run.communicate(timeout=60)
    assert (run.returncode, time.monotonic() - began < 4) == (130, True)
    assert "Traceback" not in err
    model = mg.load_model(nine_blocks)
    assert mg.tabulate(model, directory=tmp_path / "table").logits.tobytes() == mg.tabulate(model).logits.tobytes()


@pytest.mark.parametrize(
    ("closed", "code"),
    [
        pytest.param(">&-", 0, marks=pytest.mark.slow),
        pytest.param("2>&-", 0, marks=pytest.mark.slow),
        (">&- 2>&-", 0),
    ],
)
def test_a_closed_stream_is_no_accident(folder, closed, code):
    script = f"{sys.executable} -m markovgpt.cli reach {folder} --red aaa --json {closed}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    if closed == "2>&-":
        assert json.loads(done.stdout)["question"] == "reach"


@pytest.mark.parametrize("arguments", [["--device", "meta"], ["--memory", "1e-12"], ["--on-disk", "/dev/null/below"]])
def test_odd_places_and_sizes_are_refused_in_one_line(folder, capsys, arguments):
    assert cli.main(["greedy", folder, *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert arguments[1].removesuffix("/below") in err.splitlines()[-1]


def test_a_certificate_is_written_and_verified(folder, chain, tmp_path, capsys):
    file = str(tmp_path / "aaa.npz")
    answer = answer_of(capsys, "reach", folder, "--red", "aaa", "--start", "bbb", "--certificate", file)
    found = answer_of(capsys, "verify", file)
    assert found["holds"] is True
    assert found["what"].startswith("expected steps until the target is reached; target 0; start 7; 8 states, ")
    assert "red 'aaa'; SamplingSettings(temperature=1.0" in found["what"]
    low, high = float(found["lower"][0]), float(found["upper"][0])
    assert low <= answer["expected_steps_upper"]
    assert answer["expected_steps_lower"] <= high < low * (1 + 1e-9)
    assert cli.main(["verify", file]) == 0
    assert capsys.readouterr().out.startswith("holds: expected steps until the target is reached; ")


def test_a_certificate_that_does_not_hold_exits_with_three(folder, tmp_path, capsys):
    file = tmp_path / "aaa.npz"
    assert cli.main(["reach", folder, "--red", "aaa", "--certificate", str(file)]) == 0
    given = read_certificate(file)
    dataclasses.replace(given, reward=given.reward + np.array([0, 1])).write(file)
    capsys.readouterr()
    assert cli.main(["verify", str(file)]) == 3
    assert capsys.readouterr().out.startswith("does not hold, the upper bound of part 0 fails its inequality at state")
    assert cli.main(["verify", str(file), "--json"]) == 3
    assert json.loads(capsys.readouterr().out)["holds"] is False


def test_a_damaged_certificate_exits_with_two(tmp_path, capsys):
    (tmp_path / "damaged.npz").write_bytes(b"PK\x03\x04")
    assert cli.main(["verify", str(tmp_path / "damaged.npz")]) == 2
    assert "must be an undamaged certificate" in capsys.readouterr().err
    assert cli.main(["verify", str(tmp_path / "missing.npz")]) == 2


def test_a_red_that_may_never_come_has_the_certificate_of_its_probability(folder, tmp_path, capsys):
    file = str(tmp_path / "cold.npz")
    options = ["--start", "bbb", "--temperature", "0", "--certificate", file]
    reds = [
        red for red in ("aab", "aba", "baa") if answer_of(capsys, "reach", folder, "--red", red, *options)["value"] == 0
    ]
    assert cli.main(["reach", folder, "--red", reds[0], *options]) == 0
    capsys.readouterr()
    found = answer_of(capsys, "verify", file)
    assert found["what"].startswith("probability that the target is reached")
    assert (found["lower"], found["upper"]) == (["0"], ["0"])


def test_a_certificate_has_no_horizon(folder, tmp_path, capsys):
    file = str(tmp_path / "c.npz")
    assert cli.main(["reach", folder, "--red", "aaa", "--within", "3", "--certificate", file]) == 2
    assert "leave it out, or --certificate" in capsys.readouterr().err
