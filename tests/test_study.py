"""The frame of experiments: settings from flags, files that come all or not at all, records, and refusals."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

import markovgpt as mg
from experiments import study as module
from experiments.all import names_of_all, study_of
from experiments.study import Findings, Study, asked, command_of, option, run
from markovgpt.export.record import outdated, read_record

SENTENCES = ("It is one.", "It stays one.", "It was one.")


@dataclass(frozen=True)
class Settings:
    """Of the study below."""

    number: int = option(1, "what is written")
    file: Path | None = option(None, "what is read")
    words: tuple[str, ...] = option(("a", "b"), "what is listed")
    loud: bool = option(False, "whether it shouts")

    def __post_init__(self):
        if self.number > 9:
            raise mg.InvalidInput(f"number must be at most 9, got {self.number}; give less")


def make(settings, folder):
    """A table of the number, and a second file unless it is 2."""
    assert not list(folder.iterdir())
    mg.write_table([{"number": settings.number}], folder, "table")
    if settings.number != 2:
        (folder / "more").mkdir()
        (folder / "more" / "words.txt").write_text(" ".join(settings.words))
    if settings.number == 3:
        raise mg.NotConverged("it is 3", residual=1.0)
    if settings.number == 4:
        raise mg.TooLarge("it is 4")
    if settings.number == 5:
        raise KeyboardInterrupt
    return Findings(SENTENCES, recorded={"hash": "abc"}, diagnostics={"luck": 1})


STUDY = Study("state_sizes", "Which number?", Settings(), Settings(number=7), make)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_a_run_leaves_files_a_record_and_three_sentences(capsys):
    assert run(STUDY, ["--number", "8", "--words", "c", "--loud"]) == 0
    folder = Path("results/state_sizes")
    assert capsys.readouterr().out.splitlines() == [*SENTENCES, f"Results: {folder}/"]
    assert (folder / "table.csv").read_text() == "number\n8\n"
    record = read_record(folder)
    assert record["command"] == "python -m experiments.state_sizes --number 8 --words c --loud"
    assert record["settings"] == {"number": 8, "file": None, "words": ["c"], "loud": True, "hash": "abc"}
    assert record["found"] == list(SENTENCES)
    assert sorted(record["files"]) == ["more/words.txt", "table.csv", "table.tex"]
    assert record["diagnostics"] == {"luck": 1}
    assert [each.name for each in Path("results").iterdir()] == ["state_sizes"]


def test_a_small_run_goes_elsewhere_and_flags_still_count():
    assert run(STUDY, ["--small"]) == 0
    assert Path("build/small/state_sizes/table.csv").read_text() == "number\n7\n"
    assert not Path("results").exists()
    assert asked(STUDY, ["--small", "--number", "6", "--out", "here"]) == (Settings(number=6), Path("here"))


@pytest.mark.parametrize("alone", [False, True])
def test_where_time_counts_all_is_imported_before(alone, monkeypatch):
    done = []
    monkeypatch.setattr(module, "import_all", lambda: done.append("imported"))
    run(replace(STUDY, alone=alone, make=lambda *given: done.append("made") or make(*given)), ["--small"])
    assert done == ["imported", "made"][not alone :]


def test_a_run_that_makes_the_same_leaves_the_record_alone_and_is_up_to_date():
    run(STUDY, [])
    before = Path("results/state_sizes/run.json").read_bytes()
    run(STUDY, [])
    assert Path("results/state_sizes/run.json").read_bytes() == before
    kept = {name: read_record("results/state_sizes")[name] for name in ("settings", "code")}
    assert outdated("results/state_sizes", **kept) == ""


def test_what_is_made_no_more_is_taken_away_and_what_others_left_is_not():
    run(STUDY, [])
    folder = Path("results/state_sizes")
    (folder / "notes.txt").write_text("mine")
    run(STUDY, ["--number", "2"])
    assert sorted(file.name for file in folder.iterdir()) == ["notes.txt", "run.json", "table.csv", "table.tex"]


def test_a_record_that_names_files_elsewhere_takes_nothing_away():
    folder = Path("results/state_sizes")
    folder.mkdir(parents=True)
    Path("precious").write_text("mine")
    (folder / "run.json").write_text(json.dumps({"files": {"../../precious": "0"}}))
    run(STUDY, [])
    assert Path("precious").exists()


@pytest.mark.parametrize(("number", "code"), [("3", 3), ("4", 4), ("5", 130), ("10", 2)])
def test_a_run_that_fails_leaves_what_was_there(number, code, capsys):
    run(STUDY, [])
    before = {file: file.read_bytes() for file in Path("results").rglob("*") if file.is_file()}
    capsys.readouterr()
    assert run(STUDY, ["--number", number]) == code
    assert capsys.readouterr().err.startswith("state_sizes: ")
    assert {file: file.read_bytes() for file in Path("results").rglob("*") if file.is_file()} == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--number", "1.5"], "argument --number: must be a whole number, got '1.5'"),
        (["--numb", "1"], "unrecognized arguments: --numb 1"),
        (["--words"], "argument --words: expected at least one argument"),
    ],
)
def test_wrong_words_are_refused(words, said, capsys):
    with pytest.raises(SystemExit) as refusal:
        run(STUDY, words)
    assert refusal.value.code == 2
    assert said in capsys.readouterr().err


def test_a_path_is_recorded_by_its_name_and_its_content():
    Path("deep").mkdir()
    Path("deep/words.txt").write_text("ab")
    run(STUDY, ["--file", "deep/words.txt"])
    record = read_record("results/state_sizes")
    assert record["settings"]["file"]["name"] == "words.txt"
    assert record["command"].endswith("--file words.txt")
    assert "deep" not in json.dumps(record)
    kept, code = record["settings"]["file"]["sha256"], record["code"]
    Path("deep/words.txt").write_text("ac")
    changed = module.settings_as_json(Settings(file=Path("deep/words.txt")))
    assert changed["file"]["sha256"] != kept
    assert outdated("results/state_sizes", settings=changed, code=code) == "other settings: file"


def test_a_path_where_nothing_lies_is_refused_before_anything_is_made(capsys):
    assert run(replace(STUDY, make=None), ["--file", "nowhere"]) == 2
    assert "a path must be that of a file or a folder, got nowhere" in capsys.readouterr().err


def test_a_study_that_records_itself_writes_where_it_belongs(tmp_path):
    places = []

    def own(settings, folder):
        places.append(folder)
        return Findings(SENTENCES)

    run(replace(STUDY, make=own, records=False), [])
    assert places == [Path("results/state_sizes")]
    assert not list(places[0].iterdir())


@pytest.mark.parametrize(
    ("sentences", "said"),
    [
        (["One.", "Two."], "findings must be three sentences"),
        ("One. Two. Three.", "findings must be three sentences"),
        (["One.", "Two", "Three."], "got 'Two'"),
        (["One.", "Two\nlines.", "Three."], "must be one line"),
        (["One.", "Two | three.", "Three."], "without |"),
    ],
)
def test_findings_are_three_sentences(sentences, said):
    with pytest.raises(mg.InvalidInput) as refusal:
        Findings(sentences)
    assert said in str(refusal.value)


def test_the_command_says_what_is_not_the_default():
    assert command_of(STUDY, Settings()) == "python -m experiments.state_sizes"
    quiet = replace(STUDY, settings=Settings(loud=True))
    assert command_of(quiet, Settings(words=("a b", "\n"))).endswith("--words 'a b' $'\\n' --no-loud")


@pytest.mark.parametrize("name", names_of_all())
def test_every_experiment_has_its_name_a_question_and_two_sizes(name):
    study = study_of(name)
    assert study.name == name
    assert study.question.endswith("?")
    assert "\n" not in study.question
    assert type(study.settings) is type(study.small)
    assert asked(study, [])[0] == study.settings
    assert asked(study, ["--small"])[0] == study.small
