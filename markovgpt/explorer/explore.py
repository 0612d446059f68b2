"""One page to look at a model: its states, its inside, and answers that follow the sliders."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from markovgpt.chains.logits import LogitTable, tabulate
from markovgpt.chains.plan import plan_of
from markovgpt.chains.sampling import SamplingSettings
from markovgpt.chains.states import StateSpace
from markovgpt.chains.window_chain import WindowChain
from markovgpt.errors import InvalidInput
from markovgpt.explorer.asked import Pattern, asked_of
from markovgpt.explorer.content import page_content
from markovgpt.explorer.page import ExplorerPage, assembled, require_html
from markovgpt.explorer.weights import embedded_weights
from markovgpt.models.protocol import NextTokenModel
from markovgpt.scaled import ScaledArray

Explored = NextTokenModel | LogitTable | WindowChain


def explore(
    model: Explored,
    path: str | Path | None = None,
    *,
    before: Explored | None = None,
    names: Sequence[str] | None = None,
    settings: SamplingSettings | None = None,
    red: Pattern | Sequence[Pattern] | None = None,
    start: Pattern | None = None,
    horizon: int = 10,
    seed: int = 1337,
    title: str | None = None,
    note: str = "",
    weights: bool = True,
    **tabulation: Any,
) -> ExplorerPage:
    """What does this model look like, and what does it answer while one drags a slider? One page of HTML.

    Parameters
    ----------
    model: a model, its table of logits, or a chain of windows, whose probabilities then are those at temperature 1.
    path: a file ending in .html; None writes none, and a notebook shows the page that is returned.
    before: another model of the same windows and tokens, shown beside it, such as an earlier checkpoint.
    names: what the models are called, in the order (before, model); None calls them "model", or "before" and "after".
    settings: what the sliders stand at first; None is temperature 1.
    red: a text or token ids that windows end with, or several; None marks none.
    start: the window where a text begins; None is the window of token 0 alone.
    horizon: tokens n of P(red within n), 1 .. 100,000.
    seed: of the walk, 0 .. 2**32 - 1.
    title, note: written above the picture, as plain text.
    weights: whether the weights of a GPT of up to 200,000 parameters go along, so that the page shows its inside.
    tabulation: how a model is tabulated, such as ``context_length=3``; see `tabulate`.

    Returns
    -------
    The page: ``.html``, ``.write(path)``; it shows itself in notebooks.

    Raises
    ------
    InvalidInput: see `asked_of`, `tabulate` and `page_content`; a path that does not end in .html, a name too few, too
        many or twice.
    TooLarge: a table that memory does not hold, or tokens of which a page does not hold even the newest.

    >>> page = explore(LogitTable(StateSpace(2, 2), np.zeros((4, 2))), red=(1, 1), start=(0, 0))
    >>> page.html[:15], "<script src" in page.html
    ('<!DOCTYPE html>', False)
    """
    if path is not None:
        require_html(path)
    models = [model] if before is None else [before, model]
    called = _checked_names(names, len(models))
    space = _windows_of(model, tabulation)
    asked = asked_of(
        space, model.vocabulary, settings=settings, red=red, start=start, horizon=horizon, seed=seed
    )  # before anything is tabulated
    tables = {name: _table_of(each, tabulation) for name, each in zip(called, models, strict=True)}
    inside = {name: _inside_of(each) for name, each in zip(called, models, strict=True)} if weights else None
    page = assembled(page_content(tables, asked, title=title, note=note, weights=inside))
    if path is not None:
        page.write(path)
    return page


def _checked_names(names: Sequence[str] | None, count: int) -> Sequence[str]:
    """A name for each model.

    Raises
    ------
    InvalidInput: a name too few, too many or twice.
    """
    if names is None:
        return ("model",) if count == 1 else ("before", "after")
    if isinstance(names, str) or len(names) != count or len(set(names)) != count:
        raise InvalidInput(f"names must be {count}, all different, got {names!r}; give one for each model")
    return names


def _inside_of(model: Explored) -> dict[str, Any] | None:
    """What a model is made of, where it is small enough and not just its answers."""
    return None if isinstance(model, WindowChain) else embedded_weights(model).content


def _windows_of(model: Explored, tabulation: Mapping[str, Any]) -> StateSpace:
    """The full windows that are shown of a model.

    Raises
    ------
    InvalidInput: no model, a context length outside the model's, or how to tabulate what is a table already.
    """
    if not isinstance(model, WindowChain | LogitTable):
        return plan_of(model, with_prefixes=False, context_length=tabulation.get("context_length")).space
    if tabulation:
        raise InvalidInput(
            f"a table or a chain must come without settings of a tabulation, got {', '.join(sorted(tabulation))}; "
            "leave them out, or give the model"
        )
    return StateSpace(model.space.vocab_size, model.space.context_length)


def _table_of(model: Explored, tabulation: Mapping[str, Any]) -> LogitTable:
    """The logits of every window; of a chain the logarithms of its probabilities."""
    if isinstance(model, LogitTable):
        return model
    if isinstance(model, WindowChain):
        probabilities: Any = model.next_token_probs
        logits = ScaledArray.of(probabilities).log10() * np.log(10.0)
        return LogitTable(model.space, np.asarray(logits), model.vocabulary)
    return tabulate(model, **tabulation)
