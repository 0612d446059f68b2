"""A chain as figures: its matrix as coloured cells, its long run as bars."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from markovgpt.analysis.result import Answer
from markovgpt.chains.operator import TransitionOperator
from markovgpt.errors import InvalidInput, TooLarge
from markovgpt.export.figure_text import legible
from markovgpt.export.figures import COLUMN_INCHES, HATCHES, PAGE_INCHES, STYLE, bar_figure, saved
from markovgpt.export.raster import colour_bar, colouring, draw_cells, marks_of, pixels
from markovgpt.scaled import Numbers, ScaledArray, as_floats, widen

MOST_STATES, MOST_LABELS = 256, 64
MOST_IN_A_COLUMN = 27  # states whose labels one column has room for
MOST_BARS = 16
FAR_ABOVE = 10  # times as high as any other, a bar leaves these too small to be read


def matrix_figure(chain: TransitionOperator, path: str | Path, *, log: bool = True) -> Path:
    """Draw the transition matrix: a row for each state, a coloured cell for each possible transition.

    Parameters
    ----------
    chain: of at most 256 states; beyond 64, every second, third or fourth is named.
    path: its ending says the format: .svg, .pdf or .png.
    log: whether decimal logarithms are coloured, so that what is unlikely is told from what is less so. What is
        impossible is hatched.

    Raises
    ------
    TooLarge: more than 256 states.
    """
    n = chain.n_states
    if n > MOST_STATES:
        raise TooLarge(
            f"a picture of a matrix must have at most {MOST_STATES} states, got {n}; draw a quantity over all windows "
            "(mosaic_figure), or what is reachable from a start (reachable_chain)"
        )
    import matplotlib as mpl  # late: it takes half a second to import
    import matplotlib.pyplot as plt

    source, target, probability = chain.edges()
    scaled = ScaledArray.of(probability)
    numbers = np.full((n, n), -np.inf)
    numbers[source, target] = scaled.log10() if log else scaled.to_float()
    colours = colouring(numbers, log=log)
    every = -(-n // MOST_LABELS)
    named = range(0, n, every)
    with mpl.rc_context(STYLE):
        names = [legible(chain.label(state)) for state in named]
        inches = COLUMN_INCHES if n <= MOST_IN_A_COLUMN else PAGE_INCHES
        figure, (axes, bar) = plt.subplots(
            1, 2, figsize=(inches, 0.92 * inches), layout="constrained", width_ratios=(30, 1)
        )
        draw_cells(axes, pixels(numbers, colours), -0.5, -0.5)
        axes.set(xlim=(-0.5, n - 0.5), ylim=(n - 0.5, -0.5), xlabel="next window", ylabel="window", box_aspect=1)
        size = max(4.0, min(8.0, 0.75 * 72 * (inches - 1) / n * every))
        axes.set_xticks(named, names, rotation=90, fontsize=size)
        axes.set_yticks(named, names, fontsize=size)
        axes.tick_params(length=0, pad=1)
        axes.spines[:].set_visible(False)
        axes.set_title("log10 P" if log else "P", fontsize=8, loc="right")
        marks = marks_of(numbers)
        if marks:
            axes.legend(handles=marks, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2)
        if colours is not None:  # every row has a possible transition
            bar.set_box_aspect(20)
            colour_bar(figure, bar, colours)
        return saved(figure, path)


def stationary_figure(
    distributions: Answer | Mapping[str, Answer],
    chain: TransitionOperator,
    path: str | Path,
    *,
    most: int = MOST_BARS,
    log: bool | None = None,
    y_label: str = "share of the long run",
) -> Path:
    """Draw the share of the heaviest states, with their bounds, and that of all others together.

    Parameters
    ----------
    distributions: one over the states, or name -> such, side by side; those of several chains over the same states.
    chain: names the states.
    path: its ending says the format: .svg, .pdf or .png.
    most: how many states have bars of their own, those whose largest share is largest; in the order of their numbers.
    log: whether heights are logarithmic; what is impossible is marked 0 there. None: where the bar of all others would
        be ten times as high as any.

    Raises
    ------
    InvalidInput: no distribution, more than can be told apart, one that is not over the states, ``most`` below 1.
    """
    given = {"": distributions} if isinstance(distributions, Answer) else dict(distributions)
    if not 1 <= len(given) <= len(HATCHES) or most < 1:
        raise InvalidInput(
            f"there must be 1 to {len(HATCHES)} distributions and at least 1 bar, got {len(given)} and {most}; "
            "draw the others apart"
        )
    for name, answer in given.items():
        if np.shape(answer.value) != (chain.n_states,):
            raise InvalidInput(
                f"a distribution must have the shape ({chain.n_states},), got {np.shape(answer.value)} "
                f"{f'for {name!r}' if name else ''}; see StationaryDistributions.only and long_run_distribution"
            )
    shown = _heaviest(given, most)
    labels = [legible(chain.label(int(state))) for state in shown]
    rest = chain.n_states - len(shown)
    if rest:
        labels.append(f"{rest:,} other{'s' if rest > 1 else ''}")
    heights = {name: _bars(answer, "value", shown) for name, answer in given.items()}
    bounds = {name: (_bars(answer, "lower", shown), _bars(answer, "upper", shown)) for name, answer in given.items()}
    if log is None:
        log = any(value[-1] > FAR_ABOVE * value[:-1].max() for value in heights.values() if rest)
    return bar_figure(heights, labels, path, x_label="window", y_label=y_label, bounds=bounds, logarithmic=log)


def _heaviest(given: Mapping[str, Answer], most: int) -> NDArray[np.int64]:
    """The states with bars of their own, in the order of their numbers."""
    largest = np.max([answer.log10 for answer in given.values()], axis=0)
    return np.sort(np.argsort(-largest, kind="stable")[:most])


def _bars(answer: Answer, part: str, shown: NDArray[np.int64]) -> NDArray[np.float64]:
    """The shares of some states, and of all others together; a bound rounded outward."""
    numbers: Numbers = getattr(answer.enclosure, part)
    own = getattr(answer, part)[shown]
    others = np.ones(len(numbers), dtype=bool)
    others[shown] = False
    if not others.any():
        return np.asarray(own)
    total = ScaledArray.of(numbers[others]).sum()
    below, above = widen(total, int(others.sum()))
    rest = {"value": total, "lower": below, "upper": above}[part]
    return np.append(own, as_floats(rest))
