"""One group of a sweep: a checkpoint under one setting, every red from every start. The chain is built once."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np

from markovgpt.analysis.arguments import Start, Target, start_distribution, start_state
from markovgpt.analysis.reachability import hitting_probability
from markovgpt.analysis.result import Answer
from markovgpt.chains.logits import LogitTable
from markovgpt.chains.red import ending_with
from markovgpt.chains.sampling import SamplingSettings
from markovgpt.chains.states import Mask, window_label
from markovgpt.chains.window_chain import WindowChain
from markovgpt.errors import InvalidInput
from markovgpt.export.outward import bounds_in_digits, log10_bounds
from markovgpt.export.tables import certified_digits
from markovgpt.solvers.certificate import mean_over
from markovgpt.sweeps.grid import Red, SweepGrid, parts_of, tokens_of

OFF, EVER = "off", "ever"
Row = dict[str, Any]


def rows_of(table: LogitTable, model: str, settings: SamplingSettings, grid: SweepGrid) -> list[Row]:
    """The rows of the table for one checkpoint under one setting.

    Parameters
    ----------
    model: what the checkpoint is called.

    Raises
    ------
    InvalidInput, TooLarge, NotConverged: as the chain and the question refuse.
    """
    chain = WindowChain.from_logits(table, settings)
    head = {
        "model": model,
        "weights_sha256": "" if table.source is None else table.source.weights_sha256[:12],
        **{name: _cell(value) for name, value in asdict(settings).items()},
    }
    return [
        {
            **head,
            "red": _shown(chain, red),
            "start": _shown(chain, start),
            "within": EVER if grid.within is None else grid.within,
            **({"stop": _shown(chain, tuple(grid.stop_tokens))} if grid.stop_tokens else {}),
            **_numbers(answer),
            "n_states": chain.n_states,
        }
        for red, start, answer in _answers(chain, grid)
    ]


def _answers(chain: WindowChain, grid: SweepGrid) -> Iterator[tuple[Red, Start, Answer]]:
    """Each red from each start. Within a horizon, all starts cost no more than one."""
    avoiding = _ends(chain, grid)
    for red in grid.reds:
        target = _target(chain, red)
        if grid.within is None or len(grid.starts) == 1:
            for start in grid.starts:
                yield red, start, hitting_probability(chain, target, start=start, within=grid.within, avoiding=avoiding)
            continue
        whole = hitting_probability(chain, target, within=grid.within, avoiding=avoiding)
        for start in grid.starts:
            begun = mean_over(start_distribution(chain, start), whole.enclosure)
            yield red, start, Answer.of(begun, iterations=whole.iterations)


def _target(chain: WindowChain, red: Red) -> Target:
    """What is red, as the question takes it."""
    if isinstance(red, str):
        return red
    masks = [ending_with(chain.space, part, chain.vocabulary) for part in parts_of(red)]
    return np.asarray(np.logical_or.reduce(masks))


def _ends(chain: WindowChain, grid: SweepGrid) -> Mask | None:
    """The windows at which the text has ended; None where nothing ends it.

    Raises
    ------
    InvalidInput: a start that ends with a stop token, which would be the end at once.
    """
    if not grid.stop_tokens:
        return None
    ended = np.isin(chain.space.token_from_end(0), grid.stop_tokens)
    for start in grid.starts:
        if ended[start_state(chain, start)]:
            raise InvalidInput(
                f"a start must not end with a stop token, got {_shown(chain, start)!r}; begin one token later, or "
                "leave stop_tokens out"
            )
    return np.asarray(ended)


def _shown(chain: WindowChain, given: Any) -> str:
    """A text or token ids as a reader can see them."""
    parts = (tokens_of(part, chain.space, chain.vocabulary) for part in parts_of(given))
    return " or ".join(window_label(part, chain.vocabulary) for part in parts)


def _numbers(answer: Answer) -> Row:
    """The answer in certified digits, and its bounds rounded outward."""
    lower, upper = bounds_in_digits(answer)
    log10_lower, log10_upper = log10_bounds(answer)
    return {
        "value": certified_digits(answer),
        "lower": lower,
        "upper": upper,
        "log10": f"{answer.log10:.6f}",
        "log10_lower": log10_lower,
        "log10_upper": log10_upper,
        "method": answer.method,
    }


def _cell(value: Any) -> str:
    """A setting as it is written: whole numbers without a point."""
    if value is None:
        return OFF
    return str(value).removesuffix(".0")
