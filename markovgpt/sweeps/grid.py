"""What a sweep asks: every combination of sampling settings, red texts and starts."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from itertools import product
from typing import Any

import numpy as np

from markovgpt.chains.sampling import SamplingSettings
from markovgpt.chains.states import StateSpace, as_tokens, is_count
from markovgpt.errors import InvalidInput
from markovgpt.models.protocol import NextTokenModel
from markovgpt.shown import Shown
from markovgpt.vocabulary import Vocabulary

Red = str | tuple[int, ...] | tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class SweepGrid(Shown):
    """The values that each setting takes, and the questions asked under each of their combinations.

    Parameters
    ----------
    reds: what must not be written: a text, token ids, or several texts, of which any is red.
    starts: the windows to begin with, each a text or token ids.
    within: at most so many tokens; None for ever.
    temperatures, top_ks, top_ps, min_ps, engines: as in `SamplingSettings`; None turns a setting off.
    stop_tokens: token ids that end the text when they are written.

    Raises
    ------
    InvalidInput: nothing, or the same twice, where values are asked for; a setting or a horizon outside its range.

    >>> grid = SweepGrid(reds=["a"], starts=["b"], within=3, temperatures=[0.5, 1.0], top_ks=[2, None])
    >>> len(grid.settings), grid.settings[1].temperature, grid.settings[1].top_k
    (4, 0.5, None)
    """

    reds: Sequence[Red]
    starts: Sequence[str | tuple[int, ...]]
    within: int | None
    temperatures: Sequence[float] = (1.0,)
    top_ks: Sequence[int | None] = (None,)
    top_ps: Sequence[float | None] = (None,)
    min_ps: Sequence[float | None] = (None,)
    engines: Sequence[str] = ("huggingface",)
    stop_tokens: Sequence[int] = ()

    def __post_init__(self) -> None:
        for field in fields(self):
            if field.name != "within":
                object.__setattr__(self, field.name, _values(field.name, getattr(self, field.name)))
        if self.within is not None and not is_count(self.within):
            raise InvalidInput(
                f"within must be a whole number of at least 0, got {self.within}; None asks whether it is ever written"
            )
        for red in self.reds:
            if not isinstance(red, str | tuple):
                raise InvalidInput(
                    f"a red must be a text, token ids or several texts, got {red!r}; give token ids as (3,)"
                )
            if not red or (not isinstance(red, str) and not all(part != "" for part in red)):
                raise InvalidInput("a red must hold at least one token, got none; say which text is red")
        for start in self.starts:
            if not isinstance(start, str | tuple):
                raise InvalidInput(
                    f"a start must be a text or token ids, got {start!r}; see StateSpace.decode for those of a state"
                )
        _ = self.settings  # each is checked as it is made

    @property
    def settings(self) -> tuple[SamplingSettings, ...]:
        """The combinations of the settings, the last one varying fastest."""
        return tuple(
            SamplingSettings(*values)
            for values in product(self.temperatures, self.top_ks, self.top_ps, self.min_ps, self.engines)
        )

    def as_json(self) -> dict[str, Any]:
        """The fields, of which `SweepGrid` makes the grid again."""
        return asdict(self)

    def check(self, model: NextTokenModel, space: StateSpace) -> None:
        """Refuse what a model cannot be asked.

        Raises
        ------
        InvalidInput: a text that its vocabulary does not hold or a start that is no window, a top_k above its tokens.
        """
        for red in self.reds:
            for part in parts_of(red):
                tokens_of(part, space, model.vocabulary)
        for start in self.starts:
            space.encode(tokens_of(start, space, model.vocabulary))
        as_tokens(self.stop_tokens, space.vocab_size)
        for settings in self.settings:
            settings.log_probabilities(np.zeros(space.vocab_size))


def parts_of(red: Red) -> tuple[str | tuple[int, ...], ...]:
    """The texts, or the token ids, of which any is red.

    >>> parts_of("ab"), parts_of((0, 1)), parts_of(("a", "b"))
    (('ab',), ((0, 1),), ('a', 'b'))
    """
    several = not isinstance(red, str) and isinstance(red[0], str)
    return tuple(red) if several else (red,)  # type: ignore[arg-type,return-value]


def tokens_of(given: Any, space: Any, vocabulary: Vocabulary | None) -> tuple[int, ...]:
    """The token ids of a text, or of token ids.

    Raises
    ------
    InvalidInput: a text without a vocabulary or outside it, ids outside 0 .. V-1.
    """
    if not isinstance(given, str):
        return as_tokens(given, space.vocab_size)
    if vocabulary is None:
        raise InvalidInput(f"a text needs a vocabulary, got {given!r} without one; give token ids instead")
    return vocabulary.encode(given)


def _values(name: str, given: Any) -> tuple[Any, ...]:
    """The values of a field: some, each once, lists as tuples."""
    if isinstance(given, str) or not isinstance(given, Sequence | np.ndarray):
        raise InvalidInput(f"{name} must be a list of values, got {given!r}; put it in a list")
    values = tuple(tuple(value) if isinstance(value, list) else _plain(value) for value in given)
    if not values and name != "stop_tokens":
        remedy = "give one" if name in ("reds", "starts") else "leave it out, or give one"
        raise InvalidInput(f"{name} must hold at least one value, got none; {remedy}")
    if len(set(values)) < len(values):
        twice = next(value for value in values if values.count(value) > 1)
        raise InvalidInput(f"{name} must be distinct, got {twice!r} more than once; keep one of them")
    return values


def _plain(value: Any) -> Any:
    """A number of numpy as one of Python."""
    return value.item() if isinstance(value, np.generic) else value
