"""The figure of a sweep: a heat map over two settings, curves over one."""

from collections.abc import Sequence
from itertools import product
from math import prod
from pathlib import Path

from markovgpt.export.figures import MOST_CURVES, heat_map, log10_figure
from markovgpt.sweeps.group import EVER, OFF, Row

SETTINGS = ("temperature", "top_k", "top_p", "min_p", "engine")
QUESTIONS = ("model", "red", "start")
LONGEST = 24  # characters of a text beside an axis
NAMES = {"top_k": "top-k", "top_p": "top-p", "min_p": "min-p"}


def draw_sweep(rows: Sequence[Row], path: str | Path) -> Path | None:
    """Draw the rows of a sweep.

    Two settings that vary, for one red, start and checkpoint, make a heat map. Otherwise there are curves over the
    setting with the most values, one for each combination of whatever else varies.

    Parameters
    ----------
    path: its ending says the format: .svg, .pdf or .png.

    Returns
    -------
    The path; None where nothing varies, or more curves than can be told apart would be drawn.
    """
    varied = {name: values for name in (*SETTINGS, *QUESTIONS) if len(values := _values(rows, name)) > 1}
    if not varied:
        return None
    what = _what(rows)
    settings = [name for name in varied if name in SETTINGS]
    if len(varied) == len(settings) == 2:
        return _heat_map(rows, path, settings[0], settings[1], what)
    over = max(settings or list(varied), key=lambda name: len(varied[name]))
    others = [name for name in varied if name != over]
    if prod(len(varied[name]) for name in others) > MOST_CURVES:
        return None
    return _curves(rows, path, over, others, what)


def _heat_map(rows: Sequence[Row], path: str | Path, x: str, y: str, what: str) -> Path:
    """Two settings, and the probability by colour."""
    columns, levels = _values(rows, x), _values(rows, y)
    found = {(row[y], row[x]): float(row["log10"]) for row in rows}
    log10 = [[found[level, column] for column in columns] for level in levels]
    return heat_map(
        log10, path, columns=columns, rows=levels, x_label=_name(x), y_label=_name(y), bar_label=f"log10 {what}"
    )


def _curves(rows: Sequence[Row], path: str | Path, over: str, others: Sequence[str], what: str) -> Path:
    """One setting, and a curve for each combination of the others."""
    ticks = _values(rows, over)
    numeric = over not in ("engine", *QUESTIONS) and OFF not in ticks
    place = {tick: float(tick) if numeric else float(index) for index, tick in enumerate(ticks)}
    curves = {}
    for combination in product(*(_values(rows, name) for name in others)):
        own = [row for row in rows if all(row[name] == value for name, value in zip(others, combination, strict=True))]
        own.sort(key=lambda row: place[row[over]])
        label = ", ".join(f"{_name(name)} {value}" for name, value in zip(others, combination, strict=True))
        numbers = [[float(row[name]) for row in own] for name in ("log10", "log10_lower", "log10_upper")]
        curves[label] = ([place[row[over]] for row in own], numbers[0], numbers[1], numbers[2])
    x_names = [] if numeric else [_short(tick) for tick in ticks]
    return log10_figure(curves, path, x_label=_name(over), y_label=f"log10 {what}", x_names=x_names)


def _what(rows: Sequence[Row]) -> str:
    """What the probability is of."""
    reds, within = _values(rows, "red"), _values(rows, "within")
    red = _short(reds[0]) if len(reds) == 1 else "red"
    return f"P({red} ever)" if within == [EVER] else f"P({red} within {within[0]} tokens)"


def _values(rows: Sequence[Row], name: str) -> list[str]:
    """The values of a column in the order in which they come."""
    return list(dict.fromkeys(str(row[name]) for row in rows))


def _short(text: str) -> str:
    """The beginning of a long text, so that room for the figure is left beside it."""
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _name(column: str) -> str:
    """A setting as people write it."""
    return NAMES.get(column, column)
