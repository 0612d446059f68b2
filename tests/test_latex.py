"""What any text becomes in LaTeX: nothing that LaTeX would act on, and nothing that pdflatex could not set."""

import re

import pytest
from awkward import AWKWARD

from markovgpt.export.latex import ACCENTED, SPECIAL, after_break, escaped


def as_seen(text):
    """What a reader sees of a text, by the rule as it is written down."""
    plain = frozenset(map(chr, range(32, 127))) | ACCENTED | {"␣", "…"}
    return "".join(c if c in plain else c.encode("unicode_escape").decode() for c in text)


@pytest.mark.parametrize("text", AWKWARD)
def test_a_text_is_set_as_it_is_written(text):
    back = {set_as: character for character, set_as in SPECIAL.items()} | {"-{}-": "--", ",{},": ",,"}
    pattern = "|".join(re.escape(set_as) for set_as in sorted(back, key=len, reverse=True))
    found = escaped(text)
    while (read := re.sub(r"([-,])\{\}(?=[-,])", r"\1", found)) != found:
        found = read
    assert re.sub(pattern, lambda one: back[one[0]], found) == as_seen(text)
    assert not set(re.sub(pattern, "", found)) & set("\\{}$&#%_^~")


@pytest.mark.parametrize("text", ["--", "---", "----", ",,,"])
def test_what_would_become_a_dash_or_a_quotation_mark_is_kept_apart(text):
    assert escaped(text) == "{}".join(text)


def test_every_special_character_of_latex_is_known():
    assert set("\\{}$&#%_^~") <= set(SPECIAL)


@pytest.mark.parametrize(("text", "any_letter", "shown"), [
    ("é", False, "é"), ("é", True, "é"),
    ("α", False, r"\textbackslash{}u03b1"), ("α", True, "α"),
    ("🙂", False, r"\textbackslash{}U0001f642"), ("🙂", True, "🙂"),
    ("\u202e", True, r"\textbackslash{}u202e"),  # cannot be seen in any font
])  # fmt: skip
def test_a_letter_without_a_glyph_is_shown_by_its_number(text, any_letter, shown):
    assert escaped(text, any_letter=any_letter) == shown


@pytest.mark.parametrize(("line", "written"), [("[1]", "{}[1]"), ("*", "{}*"), ("a[1]", "a[1]"), ("", "")])
def test_a_line_after_a_break_gives_it_no_options(line, written):
    assert after_break(line) == written
