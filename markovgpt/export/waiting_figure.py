"""The law of a waiting time as a figure: when the target is reached, and how long it is not."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from markovgpt.analysis.result import Answer
from markovgpt.analysis.waiting import HittingLaw
from markovgpt.errors import InvalidInput
from markovgpt.export.figures import COLUMN_INCHES
from markovgpt.export.panels import Curve, Panel, panel_figure

WIDE = 2.0  # powers of ten between the numbers of a panel, beyond which their logarithms are drawn
MANY_STEPS = 200  # beyond which the steps are logarithmic, if nothing is reached at once


def waiting_time_figure(laws: HittingLaw | Mapping[str, HittingLaw], path: str | Path) -> Path:
    """Draw the probability to reach the target at each step, and below it that of not having reached it so far.

    Parameters
    ----------
    laws: one, or name -> law; their bounds are bands. Where numbers are more than two powers of ten apart, decimal
        logarithms are drawn, right at any size, with what is impossible in a hatched strip. Beyond 200 steps these are
        logarithmic, unless the target may be reached after none.
    path: its ending says the format: .svg, .pdf or .png.

    Raises
    ------
    InvalidInput: no law, or more than 24.
    """
    given = {"": laws} if isinstance(laws, HittingLaw) else dict(laws)
    if not given:
        raise InvalidInput("laws must hold at least one, got none; see hitting_law")
    steps = max(len(law.probability.value) for law in given.values()) - 1
    at_once = any(law.probability.upper[0] > 0 for law in given.values())
    logarithmic = ("x",) if steps > MANY_STEPS and not at_once else ()
    asked = (("P(T = t)", "probability"), ("P(T > t)", "alive"))
    panels = [
        _panel({name: getattr(law, part) for name, law in given.items()}, label, logarithmic) for label, part in asked
    ]
    return panel_figure(panels, path, inches=COLUMN_INCHES, panel_inches=1.6, x_label="steps t")


def _panel(answers: Mapping[str, Answer], label: str, logarithmic: tuple[str, ...]) -> Panel:
    """One number of each law over the steps."""
    logs = np.concatenate([answer.log10 for answer in answers.values()])
    finite = logs[np.isfinite(logs)]
    wide = bool(finite.size) and float(finite.max() - finite.min()) > WIDE
    names = ("log10", "log10_lower", "log10_upper") if wide else ("value", "lower", "upper")
    first = 1 if logarithmic else 0  # step 0 has no place there, and no probability
    curves = {}
    for name, answer in answers.items():
        value, lower, upper = (getattr(answer, part)[first:] for part in names)
        curves[name] = Curve(np.arange(first, first + len(value)), value, lower, upper)
    limits = None if wide else {"bottom": 0.0}
    return Panel(
        curves, y_label=f"log10 {label}" if wide else label, logarithmic=logarithmic, log10=wide, limits=limits
    )
