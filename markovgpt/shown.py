"""How results show themselves: in a notebook, by whoever has said how to draw them, and in a terminal, in one line."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import singledispatch
from typing import Any

FEW, LONGEST = 6, 80  # entries that are written one by one, and characters of a part


@singledispatch
def as_html(thing: object) -> str | None:
    """A thing as a piece of HTML; None where nobody has said how, with ``as_html.register``."""
    return None


@singledispatch
def as_svg(thing: object) -> str | None:
    """A thing as a picture, SVG; None where there is none, or nobody has said how."""
    return None


class Shown:
    """What shows itself: notebooks ask for `_repr_html_` and `_repr_svg_`, terminals for `repr`.

    A dataclass that inherits from it says ``repr=False`` if it holds arrays or long tuples.

    >>> from dataclasses import dataclass
    >>> @dataclass(repr=False)
    ... class Found(Shown):
    ...     names: tuple[str, ...]
    ...     rounds: int
    >>> Found(("a",) * 1000, 3), Found(("a", "b"), 3)
    (Found(names=('a', 'a', 'a', ... 1000 in all), rounds=3), Found(names=('a', 'b'), rounds=3))
    """

    def _repr_html_(self) -> str | None:
        """What a notebook shows."""
        return as_html(self)

    def _repr_svg_(self) -> str | None:
        """The picture, where there is one."""
        return as_svg(self)

    def __repr__(self) -> str:
        if not is_dataclass(self):
            return super().__repr__()
        parts = (f"{field.name}={in_short(getattr(self, field.name))}" for field in fields(self) if field.repr)
        return f"{type(self).__name__}({', '.join(parts)})"


def in_short(value: Any) -> str:
    """Any value in at most about 80 characters; of an array or a dataclass that is long only the shape or the name.

    >>> in_short(tuple(range(9))), in_short("a" * 100)[-4:]
    ('(0, 1, 2, ... 9 in all)', "...'")
    """
    if isinstance(value, str):
        return repr(value if len(value) <= LONGEST else f"{value[: LONGEST - 3]}...")
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple):
        if math.prod(shape) > FEW:
            return f"<{getattr(value, 'dtype', type(value).__name__)} {shape}>"
        return str(value.tolist()) if hasattr(value, "tolist") else repr(value)
    if isinstance(value, Mapping):
        return _listed([f"{in_short(name)}: {in_short(value[name])}" for name in list(value)[:FEW]], len(value), "{}")
    if isinstance(value, list | tuple | set | frozenset):
        return _of_several(value)
    if is_dataclass(value) and not isinstance(value, Shown):
        return f"{type(value).__name__}(...)"  # its own may be of any length
    text = repr(value)
    return text if len(text) <= LONGEST else f"{type(value).__name__}(...)"


def _of_several(values: Sequence[Any] | set[Any] | frozenset[Any]) -> str:
    """The first of several values, and how many there are."""
    first = [in_short(value) for value, _ in zip(values, range(FEW), strict=False)]
    ends = "[]" if isinstance(values, list) else "()" if isinstance(values, tuple) else "{}"
    alone = "," if isinstance(values, tuple) and len(values) == 1 else ""
    return _listed(first, len(values), ends, alone)


def _listed(first: list[str], size: int, ends: str, alone: str = "") -> str:
    """Parts between brackets: all of a few, three of many and their number."""
    few = size <= FEW and sum(map(len, first)) <= 2 * LONGEST
    inside = ", ".join(first) + alone if few else ", ".join([*first[:3], f"... {size} in all"])
    return f"{ends[0]}{inside}{ends[1]}"
