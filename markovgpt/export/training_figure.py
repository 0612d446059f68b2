"""Loss and measures of the chain along training, one above the other over the same steps."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from markovgpt.analysis.result import Answer
from markovgpt.errors import InvalidInput
from markovgpt.export.figures import COLUMN_INCHES
from markovgpt.export.panels import Curve, Panel, panel_figure

NO_NUMBER = float("nan")


def training_figure(
    rows: Sequence[Mapping[str, Any]],
    path: str | Path,
    *,
    panels: Sequence[Sequence[str]] | None = None,
    x: str = "step",
    x_label: str = "steps of training",
    levels: Mapping[str, float] | None = None,
    columns: int = 1,
    inches: float = COLUMN_INCHES,
    panel_inches: float = 1.5,
) -> Path:
    """Draw columns of a training's rows, each panel over the same steps.

    Parameters
    ----------
    rows: as ``TrainedGPT.log`` or a table has them. A cell is a number, an `Answer` (drawn with its bounds), a text of
        certified digits ("0.25", or "[0.2, 0.3]", drawn with these bounds), or empty.
    path: its ending says the format: .svg, .pdf or .png.
    panels: the columns of each panel; None gives each column but ``x`` a panel.
    x: the column of the steps.
    levels: column -> a height that it should come to, a thin line.
    columns, inches, panel_inches: panels side by side, the width of the figure, the height of a panel.

    Raises
    ------
    InvalidInput: no rows, a column that they do not have, a cell that is no number.
    """
    if not rows:
        raise InvalidInput("rows must hold at least one, got none; see TrainedGPT.log")
    asked = panels if panels is not None else [[column] for column in rows[0] if column != x]
    missing = [column for column in (x, *(column for panel in asked for column in panel)) if column not in rows[0]]
    if missing:
        raise InvalidInput(f"rows must have the column {missing[0]!r}, got {', '.join(rows[0])}; choose among these")
    steps = [bounds_of_cell(row[x])[0] for row in rows]
    drawn = []
    for panel in asked:
        curves = {}
        for column in panel:
            value, lower, upper = zip(*(bounds_of_cell(row.get(column, "")) for row in rows), strict=True)
            curves[column] = Curve(steps, value, lower, upper)
        reached = [levels[column] for column in panel if levels and column in levels]
        title = panel[0] if len(panel) == 1 else ""
        drawn.append(Panel(curves, title=title, levels=reached, limits={"bottom": 0.0}))
    return panel_figure(drawn, path, columns=columns, inches=inches, panel_inches=panel_inches, x_label=x_label)


def bounds_of_cell(cell: Any) -> tuple[float, float, float]:
    """A cell as a number and its bounds; NaN where it is empty, the middle where there are only bounds.

    Raises
    ------
    InvalidInput: a cell that is no number.

    >>> bounds_of_cell("0.25"), bounds_of_cell("[0.5, 1.5]")
    ((0.25, 0.25, 0.25), (1.0, 0.5, 1.5))
    """
    if isinstance(cell, Answer):
        return float(cell.value), float(cell.lower), float(cell.upper)
    if cell is None or cell == "":
        return NO_NUMBER, NO_NUMBER, NO_NUMBER
    try:
        if isinstance(cell, str) and cell.startswith("["):
            low, high = (float(part) for part in cell.strip("[]").split(","))
            return low + (high - low) / 2, low, high
        value = float(cell)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"a cell must be a number, bounds or empty, got {cell!r}; see certified_digits") from error
    return value, value, value
