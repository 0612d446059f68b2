"""How large is the explorer's page, and how fast does it follow a slider? Writes results/explorer_speed/.

A GPT as it is before training, of four sizes: speed and size depend on the windows, not on what they say. The page is
opened from the disk in a Chromium that has no network, each time in a tab of its own; in the last one the temperature
is dragged from one value to the next. By the clock of the page:

    first paint        from the beginning of the navigation to the first text or picture
    numbers            from the same to the first picture of the model
    slider to picture  from the slider's event to the frame that shows the numbers at that temperature

The budgets are those that the page was made for. Of the largest size the page shows windows that are merged.
"""

import json
import re
import sys
import tempfile
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import torch

import markovgpt as mg
from experiments.chromium import chromium, missing
from experiments.drawn_cases import SEED, windows_of, within
from experiments.study import Findings, Study, option, run
from markovgpt.export.figures import bar_figure

FIRST_PAINT, SLIDER = 1500, 300  # the budgets, in milliseconds
LAST_PAINT = """() => new Promise((found) => {
  const numbers = performance.now();
  const look = () => {
    const [paint] = performance.getEntriesByName("first-contentful-paint");
    if (paint) found([paint.startTime, numbers]);
    else setTimeout(look);
  };
  look();
})"""
DRAG = """async (temperature) => {
  const stage = document.getElementById("stage");
  const slider = document.getElementById("temperature");
  const began = performance.now();
  slider.value = temperature;
  slider.dispatchEvent(new Event("input", { bubbles: true }));
  while (!stage.dataset.answered.includes(`temperature=${temperature}&`)) await new Promise((next) => setTimeout(next));
  await new Promise((painted) => requestAnimationFrame(() => setTimeout(painted)));
  return performance.now() - began;
}"""


@dataclass(frozen=True)
class Case:
    """A model's size, and the bytes that its page may have beside weights."""

    vocab_size: int
    context_length: int
    most_bytes: int


CASES = (Case(2, 3, 60_000), Case(17, 3, 1_000_000), Case(27, 3, 6_000_000), Case(27, 4, 6_000_000))


@dataclass(frozen=True)
class Settings:
    """What is measured."""

    most_windows: int = option(531_441, "leave out larger models; there are some of 8 to 531,441 windows")
    openings: int = option(5, "times that a page is opened")
    drags: int = option(20, "temperatures that the slider is dragged to")

    def __post_init__(self) -> None:
        for name in ("openings", "drags"):
            if getattr(self, name) < 1:
                raise mg.InvalidInput(f"{name} must be at least 1, got {getattr(self, name)}; 5 and 20 are usual")


def page_of(case: Case) -> mg.ExplorerPage:
    """The page of an untrained GPT; red is what ends with tokens 0 and 1."""
    torch.manual_seed(SEED)
    return mg.explore(mg.GPT(mg.GPTConfig(case.vocab_size, case.context_length)), red=(0, 1))


def weights_bytes(page: mg.ExplorerPage) -> int:
    """How much of a page are the weights that it embeds."""
    content = re.search('id="content">(.*?)</script>', page.html, re.DOTALL)
    models = json.loads(content[1])["models"] if content else []
    return sum(len(json.dumps(model["weights"], separators=(",", ":"))) for model in models if model["weights"])


def temperatures(count: int) -> list[float]:
    """Where the slider is dragged to: through the whole range of hundredths, in steps that never end where they began.

    >>> temperatures(4)
    [0.37, 0.74, 1.11, 1.48]
    """
    return [37 * k % 201 / 100 for k in range(1, count + 1)]


def measured(browser: Any, file: Path, settings: Settings) -> tuple[list[float], list[float], list[float]]:
    """Milliseconds of each opening until the first paint and until the numbers, and of each drag."""
    paints, numbers, drags = [], [], []
    for opening in range(settings.openings):
        context = browser.new_context(offline=True)
        tab = context.new_page()
        tab.goto(file.as_uri())
        tab.locator("#stage[data-answered]").wait_for()
        paint, number = tab.evaluate(LAST_PAINT)
        paints.append(paint)
        numbers.append(number)
        if opening == settings.openings - 1:
            drags = [tab.evaluate(DRAG, temperature) for temperature in temperatures(settings.drags)]
        context.close()
    return paints, numbers, drags


def median_and_largest(what: str, milliseconds: Sequence[float]) -> dict[str, str]:
    """Two cells; nothing in them where nothing was measured.

    >>> median_and_largest("drag", [10.2, 31, 20.4])
    {'drag ms': '20', 'drag ms, largest': '31'}
    """
    cells = (median(milliseconds), max(milliseconds)) if milliseconds else ()
    middle, largest = [f"{each:.0f}" for each in cells] or ["", ""]
    return {f"{what} ms": middle, f"{what} ms, largest": largest}


def row_of(case: Case, browser: Any | None, settings: Settings) -> dict[str, str]:
    """What the page of a case weighs, and how fast it is where there is a browser."""
    page = page_of(case)
    with tempfile.TemporaryDirectory() as folder:
        file = page.write(Path(folder) / "page.html")
        paints, numbers, drags = ([], [], []) if browser is None else measured(browser, file, settings)
    weights = weights_bytes(page)
    row = {
        "V": str(case.vocab_size),
        "L": str(case.context_length),
        "windows": f"{windows_of(case):,}",
        "windows shown": f"{page.n_states:,}",
        "kB of weights": f"{weights / 1000:.1f}",
        "kB beside weights": f"{(len(page.html.encode()) - weights) / 1000:.1f}",
        "budget kB": f"{case.most_bytes / 1000:.0f}",
        **median_and_largest("first paint", paints),
        **median_and_largest("numbers", numbers),
        **median_and_largest("slider to picture", drags),
    }
    print(" | ".join(row.values()), flush=True)
    return row


def paint_sentence(rows: Sequence[dict[str, str]]) -> str:
    """How soon something is seen, or why that is not known."""
    if missing():
        return f"How fast they are was not measured: that needs {missing()}."
    slowest = max(int(row["first paint ms, largest"]) for row in rows)
    return f"The first paint takes at most {slowest} ms on this machine (budget {FIRST_PAINT})."


def slider_sentence(rows: Sequence[dict[str, str]]) -> str:
    """How fast the pages follow a slider."""
    if missing():
        return "Nor was the slider dragged."
    parts = [
        f"{row['slider to picture ms']} to {row['slider to picture ms, largest']} ms with {row['windows shown']}"
        for row in rows
        if row["windows shown"] == row["windows"]
    ]
    return f"From slider to picture it takes (median to largest) {'; '.join(parts)} windows (budget {SLIDER} at 4,913)."


def make(settings: Settings, folder: Path) -> Findings:
    """Measure every case, one browser for all."""
    cases = within(CASES, settings.most_windows)
    with nullcontext(None) if missing() else chromium() as browser:
        rows = [row_of(case, browser, settings) for case in cases]
    mg.write_table(rows, folder, "table")
    kilobytes = {name: [float(row[name]) for row in rows] for name in ("kB beside weights", "budget kB")}
    labels = [f"{row['V']}^{row['L']}" for row in rows]
    bar_figure(kilobytes, labels, folder / "size.svg", x_label="windows", y_label="kB", logarithmic=True)
    if not missing():
        columns = ("slider to picture ms", "slider to picture ms, largest")
        drags = {name: [int(row[name]) for row in rows] for name in columns}
        bar_figure(drags, labels, folder / "slider.svg", x_label="windows", y_label="milliseconds")
    sizes = "; ".join(
        f"{row['kB beside weights']} kB for {row['windows']} windows (budget {row['budget kB']})" for row in rows
    )
    return Findings([f"Beside its weights a page is {sizes}.", paint_sentence(rows), slider_sentence(rows)])


STUDY = Study(
    "explorer_speed",
    "How large is the explorer's page, and how fast does it follow a slider?",
    Settings(),
    Settings(most_windows=8, openings=2, drags=3),
    make,
    alone=True,
    enters=("explorer",),
)

if __name__ == "__main__":
    sys.exit(run(STUDY))
