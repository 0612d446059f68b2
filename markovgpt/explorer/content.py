"""What is embedded in the explorer's page: the models' logits, what may be asked of them, and certified answers.

Numbers travel as the letters of little-endian arrays, texts as json. Up to 5,000 windows the page answers by itself;
above that, what takes more than some multiplications is answered here, at a grid of temperatures, with bounds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from markovgpt.analysis.entropy import entropy_rate
from markovgpt.analysis.reachability import expected_hitting_time, hitting_probability
from markovgpt.analysis.result import Answer
from markovgpt.analysis.stationary import long_run_distribution
from markovgpt.chains.logits import LogitTable
from markovgpt.chains.sampling import SamplingSettings
from markovgpt.chains.states import StateSpace
from markovgpt.chains.window_chain import WindowChain
from markovgpt.errors import InvalidInput, NotConverged
from markovgpt.explorer.asked import SHOWN_SETTINGS, Asked
from markovgpt.explorer.letters import as_letters
from markovgpt.explorer.merged import is_too_large, merged_by_suffix, windows_ending
from markovgpt.export.tables import certified_digits
from markovgpt.graphs.ring_layout import ring_layout
from markovgpt.solvers.certificate import Enclosure

MOST_LIVE = 5_000  # states up to which the page solves by itself
MOST_DRAWN, MOST_ARROWS = 150, 5_000  # states and arrows of a graph
TEMPERATURES = (0.0, 0.5, 1.0, 1.5)  # of the certified answers of a large chain
LOWEST_LOG10 = -300.0  # of a share of the long run in a picture

Content = dict[str, Any]


def page_content(
    tables: Mapping[str, LogitTable],
    asked: Asked,
    *,
    title: str | None = None,
    note: str = "",
    weights: Mapping[str, Any] | None = None,
) -> Content:
    """What does the page hold? A dict of json's types.

    Of more than 200,000 windows or 2,000,000 logits it holds the windows merged by their newest tokens, and says so.

    Parameters
    ----------
    tables: one table of logits by its name, or two of the same windows and tokens, such as before and after training.
    asked: what the page stands at, of the tables' windows.
    weights: by the name of a table, what its model is made of inside; see `markovgpt.explorer.weights`.

    Raises
    ------
    InvalidInput: no table, more than two or two of different windows; red longer than what merged windows show.
    TooLarge: tokens of which a page does not hold even the newest.

    >>> from markovgpt.explorer.asked import asked_of
    >>> uniform = LogitTable(StateSpace(2, 1), np.zeros((2, 2)))
    >>> content = page_content({"coin": uniform}, asked_of(uniform.space, red=(1,)))
    >>> content["red"], content["start"], content["models"][0]["shown"]
    ([[1]], [0], ['0', '1'])
    """
    full = {name: _full_windows(table) for name, table in tables.items()}
    _check_tables(list(full.values()))
    given = weights or {}
    if is_too_large(list(full.values())):
        merged = merged_by_suffix(full, asked)
        full, asked, note, given = merged.tables, merged.asked, f"{note} {merged.note}".strip(), {}
    return {
        "title": _title(list(full)) if title is None else title,
        "note": note,
        "models": [_model(name, table, asked, given.get(name)) for name, table in full.items()],
        "settings": _shown_settings(asked.settings),
        "horizon": asked.horizon,
        "red": [list(pattern) for pattern in asked.red],
        "start": list(asked.start),
        "seed": asked.seed,
    }


def _title(names: Sequence[str]) -> str:
    """What stands above the picture where nothing else is said."""
    return "What can this model say?" if len(names) == 1 else f"From {names[0]} to {names[1]}: what changed?"


def is_drawn(vocab_size: int, n_states: int) -> bool:
    """Whether a graph of so many states can be read.

    >>> is_drawn(2, 8), is_drawn(80, 80)
    (True, False)
    """
    return n_states <= MOST_DRAWN and n_states * vocab_size <= MOST_ARROWS


def encoded(numbers: NDArray[Any]) -> dict[str, str]:
    """An array of floats as the page reads it: its dtype, and its little-endian bytes as letters.

    >>> encoded(np.array([1.0], dtype=np.float32))  # the bytes 0, 0, 128 and 63: 4 * 85**2 + 46 * 85 + 21
    {'dtype': 'float32', 'data': '004kL'}
    """
    dtype = np.dtype(np.float32) if numbers.dtype.itemsize <= 4 else np.dtype(np.float64)
    little = np.ascontiguousarray(numbers, dtype=dtype.newbyteorder("<"))
    return {"dtype": dtype.name, "data": as_letters(little.tobytes())}


def _check_tables(tables: Sequence[LogitTable]) -> None:
    """Refuse tables that do not stand on a page beside each other."""
    if not 1 <= len(tables) <= 2:
        raise InvalidInput(f"the page must have one model or two, got {len(tables)}; leave some out")
    first = tables[0]
    for other in tables[1:]:
        if other.space != first.space or other.vocabulary != first.vocabulary:
            raise InvalidInput(
                f"two models on a page must have the same windows and tokens, got V = {first.vocab_size}, "
                f"L = {first.context_length} and V = {other.vocab_size}, L = {other.context_length}"
                f"{'' if other.space != first.space else ' with other token strings'}; choose two of a kind"
            )


def _full_windows(table: LogitTable) -> LogitTable:
    """The table of the windows of L tokens alone: the page has no shorter ones."""
    space = table.space
    if not space.with_prefixes:
        return table
    full = StateSpace(space.vocab_size, space.context_length)
    return replace(table, space=full, logits=np.asarray(table.logits[space.first_state(space.context_length) :]))


def _model(name: str, table: LogitTable, asked: Asked, weights: Any) -> Content:
    """One model: its tokens, its logits, and certified answers."""
    space, vocabulary = table.space, table.vocabulary
    tokens = [(token,) for token in range(space.vocab_size)]
    is_live = space.n_states <= MOST_LIVE
    first = asked.settings
    grid = [first] if is_live else [replace(first, temperature=value) for value in TEMPERATURES]
    content = {
        "name": name,
        "V": space.vocab_size,
        "L": space.context_length,
        "prefixes": False,
        "shown": [str(token) if vocabulary is None else vocabulary.show((token,)) for (token,) in tokens],
        "spelt": None if vocabulary is None else list(vocabulary.tokens),
        "logits": encoded(table.logits),
        "weights": weights,
        "certified": [_certified(table, replace(asked, settings=each), with_long_run=not is_live) for each in grid],
    }
    if is_drawn(space.vocab_size, space.n_states):
        content["places"] = _places(table)
    return content


def _places(table: LogitTable) -> list[list[float]]:
    """Where the states stand on the circle that keeps their arrows short."""
    n, V = table.space.n_states, table.vocab_size
    states, tokens = np.nonzero(np.isfinite(table.logits))
    arrows = zip(states.tolist(), ((states * V + tokens) % n).tolist(), strict=True)
    places, _ = ring_layout(n, arrows)
    return np.round(places, 4).tolist()  # type: ignore[no-any-return]


def _certified(table: LogitTable, asked: Asked, *, with_long_run: bool) -> Content:
    """What is answered with bounds, at one setting: in the digits that the bounds certify.

    Parameters
    ----------
    with_long_run: whether the long-run share of every window goes along, as float32 decimal logarithms.
    """
    chain = WindowChain.from_logits(table, asked.settings)
    begin = table.space.encode(asked.start)
    answers: dict[str, str] = {}
    found: Content = {"settings": _shown_settings(asked.settings), "answers": answers}
    if asked.red:
        mask = windows_ending(table.space, asked.red)
        answers["reach"] = certified_digits(hitting_probability(chain, mask, start=begin, within=asked.horizon))
        answers["expected"] = _digits_or_not(expected_hitting_time, chain, mask, start=begin)
    try:
        long_run = long_run_distribution(chain, begin)
    except NotConverged:
        answers["entropy"] = NOT_CERTIFIED
        return found
    answers["entropy"] = _digits_or_not(_entropy_bits, chain, start=begin)
    if with_long_run:
        found["long_run"] = encoded(_log10_shares(long_run))
    return found


NOT_CERTIFIED = "not certified"


def _digits_or_not(question: Any, *given: Any, **named: Any) -> str:
    """The certified digits of an answer; a word where it is not certified."""
    try:
        return certified_digits(question(*given, **named))
    except NotConverged:
        return NOT_CERTIFIED


def _entropy_bits(chain: WindowChain, start: int) -> Answer:
    """The entropy rate in bits as an answer with bounds."""
    rate = entropy_rate(chain, start=start)
    bits, lower, upper = (np.asarray(each) for each in (rate.bits, rate.bits_lower, rate.bits_upper))
    return Answer.of(Enclosure(bits, lower, upper, rate.residual, rate.method))


def _log10_shares(long_run: Answer) -> NDArray[np.float32]:
    """Decimal logarithms of the shares; -inf only where one is 0 by proof."""
    logarithms = np.asarray(long_run.log10)
    return np.where(np.isneginf(logarithms), -np.inf, np.maximum(logarithms, LOWEST_LOG10)).astype(np.float32)


def _shown_settings(settings: SamplingSettings) -> Content:
    """The settings that the page has, as json's types."""
    every = asdict(settings)
    plain = {name: every[name] for name in SHOWN_SETTINGS}
    return {name: value.item() if isinstance(value, np.generic) else value for name, value in plain.items()}
