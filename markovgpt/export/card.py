"""A card: what a notebook shows of one thing, as HTML that asks for nothing: no script, no file, no network."""

import html
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from markovgpt.export.markdown import is_number
from markovgpt.vocabulary import printable

MOST_ROWS = 40
LONGEST = 80  # characters of a cell
BOX = "margin:0.3em 0"
TABLE = "border-collapse:collapse;margin:0.2em 0"
LEFT, RIGHT = (f"text-align:{side};padding:0.15em 0.8em 0.15em 0;vertical-align:top" for side in ("left", "right"))
TITLE = "font-weight:bold"
PICTURE = "max-width:min(100%,36em);height:auto;background:white"  # drawings are in dark ink
NOTE = "opacity:0.7;font-size:90%"


@dataclass(frozen=True)
class Card:
    """What is shown of one thing.

    Parameters
    ----------
    title: its kind.
    facts: what is known, by name.
    rows: a table below, all with the same keys; at most 40 are shown.
    n_rows: how many rows there are in all; None where these are all.
    note: a sentence below.
    picture: SVG; it is shown as an image, in which nothing runs.
    """

    title: str
    facts: Mapping[str, str] = field(default_factory=dict)
    rows: Sequence[Mapping[str, str]] = ()
    n_rows: int | None = None
    note: str = ""
    picture: str | None = None


def card_html(card: Card) -> str:
    """A card as a piece of HTML, well-formed XML too; every text in it is escaped.

    >>> "1 &lt; 2" in card_html(Card("Coin", note="1 < 2"))
    True
    """
    parts = [f'<div style="{TITLE}">{_text(card.title)}</div>']
    if card.facts:
        lines = (f"<tr>{_cell('th', name)}{_cell('td', fact)}</tr>" for name, fact in card.facts.items())
        parts.append(f'<table style="{TABLE}"><tbody>{"".join(lines)}</tbody></table>')
    if card.rows:
        parts.append(_table(card.rows[:MOST_ROWS]))
    n_rows = len(card.rows) if card.n_rows is None else card.n_rows
    shown = min(len(card.rows), MOST_ROWS)
    notes = [f"{shown:,} of {n_rows:,} rows"] * (shown < n_rows) + [card.note] * bool(card.note)
    parts += [f'<div style="{NOTE}">{_text(note, None)}</div>' for note in notes]
    if card.picture is not None:
        data = b64encode(card.picture.encode("utf-8")).decode("ascii")
        source = f"data:image/svg+xml;base64,{data}"
        parts.append(f'<img alt="{_text(card.title)}, drawn" style="{PICTURE}" src="{source}"/>')
    return f'<div style="{BOX}">{"".join(parts)}</div>'


def _table(rows: Sequence[Mapping[str, str]]) -> str:
    """Rows below their names; columns of numbers stand to the right."""
    names = list(rows[0])
    right = {name for name in names if all(is_number(row[name].replace(",", "")) for row in rows)}
    head = "".join(_cell("th", name, right=name in right) for name in names)
    lines = ("".join(_cell("td", row[name], right=name in right) for name in names) for row in rows)
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f'<table style="{TABLE}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _cell(tag: str, text: str, *, right: bool = False) -> str:
    """One cell."""
    return f'<{tag} style="{RIGHT if right else LEFT}">{_text(text)}</{tag}>'


def _text(text: str, longest: int | None = LONGEST) -> str:
    """A text in which nothing is markup, nothing unseen, and nothing too long for a line."""
    seen = printable(text if longest is None or len(text) <= longest else f"{text[: longest - 1]}…")
    return html.escape(seen)
