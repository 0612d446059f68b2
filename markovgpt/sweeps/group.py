"""One group of a sweep: a checkpoint under one setting, every red from every start. The chain is built once."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from markovgpt.analysis.arguments import Start, Target, start_distribution
from markovgpt.analysis.reachability import hitting_probability
from markovgpt.analysis.result import Answer
from markovgpt.chains.logits import LogitTable
from markovgpt.chains.red import red_tokens
from markovgpt.chains.sampling import SamplingSettings
from markovgpt.chains.states import window_label
from markovgpt.chains.window_chain import WindowChain
from markovgpt.export.outward import bounds_in_digits, log10_bounds
from markovgpt.export.tables import certified_digits
from markovgpt.solvers.certificate import mean_over
from markovgpt.sweeps.grid import Red, SweepGrid, parts_of, tokens_of

OFF, EVER = "off", "ever"
VARIED = ("temperature", "top_k", "top_p", "min_p", "engine")  # the settings of a grid
FEW_STARTS = 3  # asked one by one; more are asked with all windows at once
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
        **{name: _cell(getattr(settings, name)) for name in VARIED},
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
    """Each red from each start; within a horizon, many starts cost no more than a few."""
    ask = partial(hitting_probability, chain, within=grid.within, stop_tokens=grid.stop_tokens)
    for red in grid.reds:
        target = _target(red)
        if grid.within is None or len(grid.starts) <= FEW_STARTS:
            for start in grid.starts:
                yield red, start, ask(target, start=start)
            continue
        whole = ask(target)
        for start in grid.starts:
            begun = mean_over(start_distribution(chain, start), whole.enclosure)
            yield red, start, Answer.of(begun, iterations=whole.iterations)


def _target(red: Red) -> Target:
    """What is red, as the question takes it."""
    return red if all(isinstance(part, str) for part in parts_of(red)) else red_tokens(red)  # type: ignore[arg-type]


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
