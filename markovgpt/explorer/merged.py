"""Windows that are too many for a page, merged by their newest tokens."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from markovgpt.analysis.memory_order import memory_use
from markovgpt.analysis.reachability import hitting_probability
from markovgpt.chains.logits import LogitTable
from markovgpt.chains.red import ending_with
from markovgpt.chains.sampling import SamplingSettings
from markovgpt.chains.states import Mask, StateSpace, Window
from markovgpt.chains.window_chain import WindowChain
from markovgpt.errors import InvalidInput, TooLarge
from markovgpt.explorer.asked import Asked
from markovgpt.export.tables import certified_digits

MOST_STATES = 200_000  # cells of a mosaic
MOST_LOGITS = 2_000_000  # numbers in one page
MOST_MERGED = 20_000  # windows that are left


@dataclass(frozen=True, eq=False)
class Merged:
    """Chains whose windows are told apart by their newest tokens alone.

    Parameters
    ----------
    tables: by their names, as logits at temperature 1.
    length: how many of the newest tokens are left.
    asked: what the page of the merged chains is asked: the settings are in their probabilities already.
    note: what was merged, what that loses, and what the chains that were not merged answer.
    """

    tables: dict[str, LogitTable]
    length: int
    asked: Asked
    note: str


def is_too_large(tables: Sequence[LogitTable]) -> bool:
    """Whether tables of the same windows are more than a page holds."""
    n_logits = len(tables) * tables[0].logits.size
    return bool(tables[0].space.n_states > MOST_STATES or n_logits > MOST_LOGITS)


def merged_by_suffix(tables: Mapping[str, LogitTable], asked: Asked) -> Merged:
    """What do large chains look like if only the newest tokens of a window are seen?

    The windows with the same newest m tokens become one, each weighed by its share of the long run: the best chain of
    order m, with m as large as `MOST_MERGED` windows allow.

    Parameters
    ----------
    tables: of the same windows, by their names.
    asked: the settings at which the windows are weighed, and what the chains that were not merged are asked.

    Raises
    ------
    InvalidInput: red that has more tokens than are left.
    TooLarge: the merged windows are too many as well; see also `memory_use`.
    NotConverged: as for `memory_use`.

    Two tokens of which each may follow any, whatever came before: no window is told from another.

    >>> from markovgpt.explorer.asked import asked_of
    >>> uniform = LogitTable(StateSpace(2, 15), np.zeros((2**15, 2)))
    >>> found = merged_by_suffix({"coin": uniform}, asked_of(uniform.space))
    >>> found.length, np.exp(found.tables["coin"].logits[0]).tolist()
    (14, [0.5, 0.5])
    """
    first, settings, red = next(iter(tables.values())), asked.settings, asked.red
    length = kept_tokens(first.space, len(tables))
    _check_merged(first.space, length, red)
    found, said = {}, []
    for name, table in tables.items():
        chain, begin = WindowChain.from_logits(table, settings), table.space.encode(asked.start)
        used = memory_use(chain, start=begin)
        with np.errstate(divide="ignore"):  # what is impossible stays so
            logits = np.log(np.asarray(used.chain(length).next_token_probs)).astype(np.float32)
        found[name] = LogitTable(used.chain(length).space, logits, table.vocabulary)
        lost = certified_digits(used.orders[length].lost_bits)
        said.append(f"So merged {_called(name, tables)} loses {lost} bits a token.")
        if red:
            reach = hitting_probability(chain, windows_ending(table.space, red), start=begin, within=asked.horizon)
            said.append(f"Not merged, P(red within {asked.horizon} tokens) is {certified_digits(reach)}.")
    note = (
        f"The {first.space.n_states:,} windows of {first.context_length} tokens are merged by their newest {length}, "
        f"each weighed by its share of the long run ({_words(settings)}). {' '.join(said)}"
    )
    return Merged(found, length, replace(asked, settings=SamplingSettings(), start=asked.start[-length:]), note)


def kept_tokens(space: StateSpace, n_tables: int) -> int:
    """How many of the newest tokens a page of so many tables tells apart, fewer than all; 0 where not even one.

    >>> [kept_tokens(StateSpace(V, L), 1) for V, L in ((27, 4), (2, 20), (140, 2), (50_000, 2))]
    [3, 14, 1, 0]
    """
    V, length = space.vocab_size, 0
    while length + 1 < space.context_length and V ** (length + 1) <= MOST_MERGED:
        if n_tables * V ** (length + 2) > MOST_LOGITS:
            break
        length += 1
    return length


def windows_ending(space: StateSpace, red: Sequence[Window]) -> Mask:
    """The windows that end with one of several patterns."""
    return np.asarray(np.logical_or.reduce([ending_with(space, pattern) for pattern in red]))


def _check_merged(space: StateSpace, length: int, red: Sequence[Window]) -> None:
    """Refuse what does not fit on a page even merged, and red that a merged window does not show."""
    if length == 0:
        raise TooLarge(
            f"a page must have at most {MOST_STATES:,} windows and {MOST_LOGITS:,} logits, got {space.n_states:,} "
            f"windows of {space.vocab_size:,} tokens, too many even for the newest token alone; show one model, or one "
            "of fewer tokens"
        )
    if any(len(pattern) > length for pattern in red):
        raise InvalidInput(
            f"red must have at most {length} tokens, which is what a page of {space.n_states:,} windows tells apart, "
            f"got {max(map(len, red))}; ask for more with mg.hitting_probability"
        )


def _called(name: str, tables: Mapping[str, LogitTable]) -> str:
    """Which chain is spoken of."""
    return "the chain" if len(tables) == 1 else f"the chain of {name}"


def _words(settings: SamplingSettings) -> str:
    """The settings as one says them."""
    given = {"temperature": settings.temperature, **settings.active}
    return ", ".join(f"{name} {value}" for name, value in given.items())
