"""Flags of a command, made from the fields of a frozen dataclass: their names, types, values and help."""

import argparse
import types
from collections.abc import Sequence
from dataclasses import field, fields
from functools import partial
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from markovgpt.errors import InvalidInput

NOTHING = "none"  # how None is written
KINDS = {int: "a whole number", float: "a number", str: "a text", Path: "a path"}


def option(default: Any, said: str) -> Any:
    """A field of a settings dataclass, and what ``--help`` says of it."""
    return field(default=default, metadata={"help": said})


def require_above_zero(name: str, values: Sequence[float]) -> None:
    """Refuse settings that must be above 0.

    >>> require_above_zero("temperatures", (1.0, 0.5))

    Raises
    ------
    InvalidInput: one is not, or there is none.
    """
    if not values or not min(values) > 0:
        said = ", ".join(f"{value:g}" for value in values) or "none"
        raise InvalidInput(f"{name} must be above 0, got {said}; leave out what is not")


def add_flags(parser: argparse.ArgumentParser, settings: Any) -> None:
    """A flag for each field, whose default is the value there."""
    hints = get_type_hints(type(settings))
    for each in fields(settings):
        said, default = each.metadata.get("help", ""), getattr(settings, each.name)
        add_flag(parser, flag_of(each.name), hints[each.name], default, said)


def settings_given(begin: Any, given: dict[str, Any]) -> Any:
    """The settings that were parsed: several words are a tuple."""
    return type(begin)(**{name: tuple(value) if isinstance(value, list) else value for name, value in given.items()})


def flag_of(name: str) -> str:
    """A field as a flag.

    >>> flag_of("batch_size")
    '--batch-size'
    """
    return "--" + name.replace("_", "-")


def add_flag(parser: argparse.ArgumentParser, flag: str, kind: Any, default: Any, said: str) -> None:
    """A flag for a value of some type."""
    said = f"{said} (default: {written(default)})".strip().replace("%", "%%")
    if kind is bool:
        parser.add_argument(flag, action=argparse.BooleanOptionalAction, default=default, help=said)
        return
    several = get_origin(kind) is tuple
    read = partial(value_of, get_args(kind)[0] if several else kind)
    metavar = flag.removeprefix("--").upper()
    parser.add_argument(flag, type=read, default=default, help=said, metavar=metavar, nargs="+" if several else None)


def value_of(kind: Any, text: str) -> Any:
    """A word of the command line as a value of a type.

    >>> value_of(int | None, "none"), value_of(int | None, "3"), value_of(float, "0.5")
    (None, 3, 0.5)

    Raises
    ------
    ArgumentTypeError: it is none.
    """
    kinds = get_args(kind) if get_origin(kind) is types.UnionType else (kind,)
    if types.NoneType in kinds and text == NOTHING:
        return None
    wanted = [each for each in kinds if each is not types.NoneType]
    for each in wanted:
        try:
            return each(text)
        except ValueError:
            continue
    or_none = [NOTHING] if types.NoneType in kinds else []
    allowed = " or ".join([KINDS[each] for each in wanted] + or_none)
    raise argparse.ArgumentTypeError(f"must be {allowed}, got {text!r}")


def written(value: Any) -> str:
    """A value as one would write it after its flag.

    >>> written((1, None, 0.5)), written("a\\n")
    ('1 none 0.5', "$'a\\\\n'")
    """
    if isinstance(value, tuple):
        return " ".join(map(written, value))
    text = NOTHING if value is None else str(value)
    if text.isprintable():
        return f"'{text}'" if not text or " " in text else text
    return "$'" + text.encode("unicode_escape").decode("ascii").replace("'", "\\'") + "'"
