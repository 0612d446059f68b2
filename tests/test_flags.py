"""Flags made from the fields of a dataclass."""

import argparse
from dataclasses import dataclass
from pathlib import Path

import pytest

from experiments.flags import add_flags, option, settings_given, value_of, written


@dataclass(frozen=True)
class Settings:
    """One field of each kind."""

    batch_size: int = option(3, "examples, 100% of them")
    rate: float = option(0.5, "")
    top_k: int | None = option(None, "tokens left")
    top_ks: tuple[int | None, ...] = option((None, 5), "several")
    file: Path | None = option(None, "a file")
    text: str = option("a b", "a text")
    fast: bool = option(True, "")


def parsed(*words):
    """The settings that words give."""
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_flags(parser, Settings())
    return settings_given(Settings(), vars(parser.parse_args(words)))


def test_without_words_all_is_as_it_was():
    assert parsed() == Settings()


def test_every_kind_is_read():
    numbers = ("--batch-size", "4", "--rate", "1e-3", "--top-k", "2", "--top-ks", "none", "7")
    found = parsed(*numbers, "--file", "a/b", "--text", "none", "--no-fast")
    assert found == Settings(4, 1e-3, 2, (None, 7), Path("a/b"), "none", False)
    assert parsed("--top-k", "none", "--file", "none").file is None


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [(int, "x", "a whole number, got 'x'"), (float | None, "x", "a number or none, got 'x'"), (int, "none", "'none'")],
)
def test_other_words_are_refused(kind, text, said):
    with pytest.raises(argparse.ArgumentTypeError, match=said):
        value_of(kind, text)


def test_help_has_the_defaults():
    parser = argparse.ArgumentParser()
    add_flags(parser, Settings())
    shown = " ".join(parser.format_help().split())
    assert "--batch-size BATCH-SIZE examples, 100% of them (default: 3)" in shown
    assert "several (default: none 5)" in shown


def test_what_is_written_is_read_again():
    assert [written(value) for value in (None, 0.5, "", ("a", "b c"))] == ["none", "0.5", "''", "a 'b c'"]
