"""The README's examples give the output they show, and what it names exists."""

import contextlib
import csv
import io
import re
from pathlib import Path

import markovgpt as mg
from markovgpt.cli import main

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_python_example_prints_what_the_readme_shows():
    code, shown = re.search(r"```python\n(.*?)```\n+```text\n(.*?)```", README, flags=re.DOTALL).groups()
    assert len(code.strip().splitlines()) <= 12
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "README.md", "exec"), {})
    assert printed.getvalue() == shown


def test_every_function_the_readme_names_is_public():
    named = set(re.findall(r"`mg\.(\w+)", README))
    assert len(named) >= 10
    assert not named - set(mg.__all__)


def test_every_file_the_readme_names_exists():
    named = set(re.findall(r"`((?:markovgpt|experiments|tests|results)/[\w./]*)`", README))
    named |= set(re.findall(r"\]\((?!http)([\w./]+)\)", README))
    missing = [name for name in named if not (ROOT / name).exists() and "/model" not in name]
    assert named
    assert not missing


def test_every_command_the_readme_names_is_a_command(capsys):
    for command in set(re.findall(r"`markovgpt (\w+)", README)):
        with contextlib.suppress(SystemExit):
            main([command, "--help"])
        assert f"usage: markovgpt {command}" in capsys.readouterr().out


def test_the_tables_shown_are_those_measured():
    tables = re.findall(r"<!-- (results/\S+\.csv) -->\n(.*?)<!-- end -->", README, flags=re.DOTALL)
    assert len(tables) == 8
    for name, shown in tables:
        with (ROOT / name).open(newline="", encoding="utf-8") as lines:
            measured = [" | ".join(row) for row in csv.reader(lines)]
        rows = [line.removeprefix("| ").removesuffix(" |") for line in shown.strip().splitlines()]
        assert [rows[0], *rows[2:]] == measured
