"""A card is well-formed, asks for nothing, and says what it was given whatever that is."""

import base64
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from awkward import AWKWARD

from markovgpt.export.card import MOST_ROWS, Card, card_html
from markovgpt.vocabulary import printable

ALLOWED = {"div", "table", "thead", "tbody", "tr", "th", "td", "img"}


class Reader(HTMLParser):
    """What a browser makes of a piece of HTML: its tags, their attributes and its texts."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.texts = [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)

    def handle_data(self, data):
        self.texts.append(data)

    def handle_comment(self, data):
        raise AssertionError(f"a comment: {data}")


def cells(text):
    """The texts of the cells, in their order."""
    return ["".join(cell.itertext()) for cell in ElementTree.fromstring(text).iter() if cell.tag in ("th", "td")]


@pytest.mark.parametrize("text", AWKWARD)
def test_any_text_is_shown_and_nothing_of_it_is_markup(text):
    page = card_html(Card(text, {text: text}, [{text: text}], note=text, picture=f"<svg>{text}</svg>"))
    assert cells(page) == [printable(text)] * 4
    read = Reader(page)
    assert set(read.tags) <= ALLOWED
    assert {name for name, _ in read.attributes} <= {"style", "src", "alt"}
    assert [value for name, value in read.attributes if name == "src"] == [
        "data:image/svg+xml;base64," + base64.b64encode(f"<svg>{text}</svg>".encode()).decode()
    ]


def test_nothing_is_fetched_and_nothing_runs():
    page = card_html(Card("a", {"b": "c"}, [{"d": "1"}], note="e", picture="<svg/>"))
    assert not re.search(r"(?i)script|http|url\(|@import|<link|<style|javascript:|\son\w+=", page)


def test_rows_beyond_forty_are_counted_only():
    rows = [{"n": str(place)} for place in range(MOST_ROWS + 2)]
    page = card_html(Card("a", rows=rows))
    assert cells(page) == ["n", *map(str, range(MOST_ROWS))]
    assert "40 of 42 rows" in page
    assert "2 of 1,000 rows" in card_html(Card("a", rows=rows[:2], n_rows=1000))
    assert "rows" not in card_html(Card("a", rows=rows[:2]))


def test_a_text_of_a_megabyte_is_cut():
    page = card_html(Card("a", {"label": "x" * 10**6}))
    assert cells(page) == ["label", "x" * 79 + "…"]


def test_columns_of_numbers_stand_to_the_right():
    page = ElementTree.fromstring(card_html(Card("a", rows=[{"n": "1,000", "t": "b"}, {"n": "inf", "t": "2"}])))
    sides = [re.search("text-align:(left|right)", cell.get("style"))[1] for cell in page.iter("td")]
    assert sides == ["right", "left", "right", "left"]


def test_a_card_with_a_title_alone_is_one_line():
    assert "".join(ElementTree.fromstring(card_html(Card("a"))).itertext()) == "a"
