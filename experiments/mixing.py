"""How much longer does a small GPT remember its prompt as it gets colder? Writes results/mixing/.

The parity chain (`experiments.parity`: 2 tokens, 3 of context, the shorter windows included) and models of names (27
tokens, windows of 2 and of 3), at falling temperatures. For epsilon = 1/4 and 1e-6, from the worst start,

    steps          min { t : d(t) <= epsilon }, d the worst total variation from the long run: exactly up to 1,000
                   windows, between bounds above
    |lambda_2|     |lambda_2|^t <= 2 d(t), so that steps >= log(1 / (2 epsilon)) / -log |lambda_2|. Certified up to
                   1,000 windows, where bounds of |lambda_2| are close; above, from an estimate by ARPACK, which is said
    Doeblin        alpha = sum_y min_s P^L(s, y), L the context length: d(t) <= (1 - alpha)^floor(t / L), certified

|lambda_2|^t <= 2 d(t), for with P f = lambda f, lambda not 1, the mean of f in the long run is 0, and at a state s
where |f| is largest |lambda|^t |f(s)| = |E_s f(X_t) - E_pi f| <= 2 d(t) |f(s)|; alpha as in `mg.doeblin_bound`.

    table          steps and bounds at every temperature
    chains         of each chain the greedy loops; what keeps it from forgetting when it is cold, in nats times T: two
                   loops the least cost of a way from one to the other, a single one the least cost of coming back to
                   it at other times than once around, such that all its phases are reached; and how fast the
                   logarithm of the steps to 1e-6 rises in 1/T between the two coldest temperatures whose steps are
                   known
    mixing.svg     steps to 1/4 against 1/T, and both bounds; Doeblin's leaves the picture

A cost is the sum, over the tokens of a way, of the largest logit minus that of the token.
"""

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Context
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

import markovgpt as mg
from experiments.flags import require_above_zero
from experiments.names_models import SMALL_STEPS, STEPS, model_at
from experiments.parity import STEPS as PARITY_STEPS
from experiments.parity import many, trained, whole
from experiments.study import Findings, Study, option, run
from markovgpt.export.figure_text import logarithmic_axis
from markovgpt.export.figures import COLUMN_INCHES, MARKERS, PALETTE, STYLE
from markovgpt.export.outward import bounds_in_digits
from markovgpt.memory import require_memory
from markovgpt.models.identity import identity_of

EPSILONS = {"1/4": 0.25, "1e-6": 1e-6}
DIGITS = 4  # of an estimate
SLACK = 1e-12  # relative; far more than logarithms of doubles are off by
HIGHEST = 1e20  # of the figure
CERTIFIED, ESTIMATE, UNKNOWN = "certified", "estimate", "not told from 1"
LABELS = {
    "steps": "worst start",
    "least": "at least, by the second eigenvalue (hollow: an estimate)",
    "most": "at most, by Doeblin",
}


@dataclass(frozen=True)
class Settings:
    """What is varied."""

    parity_steps: int = option(PARITY_STEPS, "optimiser steps of the model of parity")
    parity_temperatures: tuple[float, ...] = option(
        (2.0, 1.5, 1.0, 0.7, 0.5, 0.4, 0.3, 0.25, 0.2, 0.17, 0.15, 0.12, 0.1), "of the parity chain"
    )
    contexts: tuple[int, ...] = option((2, 3), "context lengths of the models of names")
    steps: int = option(STEPS, "optimiser steps of the models of names")
    temperatures: tuple[float, ...] = option((2.0, 1.0, 0.5, 0.25, 0.15, 0.1), "of the names")

    def __post_init__(self) -> None:
        require_above_zero("parity_temperatures", self.parity_temperatures)
        require_above_zero("temperatures", self.temperatures)


@dataclass(frozen=True, eq=False)
class Point:
    """A chain at a temperature: its steps, and the bounds of them, for each epsilon.

    Parameters
    ----------
    steps: by the name of epsilon.
    least: what |lambda_2| says, None where it is not told from 1.
    kind: whether |lambda_2| is certified, an estimate, or not told from 1.
    gap: how 1 - |lambda_2| is printed.
    doeblin: what all windows lead to in L steps.
    """

    chain: str
    windows: int
    temperature: float
    steps: dict[str, mg.MixingTime]
    least: dict[str, int | None]
    kind: str
    gap: str
    doeblin: mg.Minorization

    def row(self) -> dict[str, str]:
        """Its row of the table."""
        row = {"chain": self.chain, "windows": f"{self.windows:,}", "temperature": f"{self.temperature:g}"}
        row |= {f"steps to {name}": whole(found) for name, found in self.steps.items()}
        row |= {"1 - |lambda_2|": self.gap, "|lambda_2| is": self.kind}
        row |= {f"at least, to {name}": "" if least is None else str(least) for name, least in self.least.items()}
        row["common after L steps"] = f"{self.doeblin.common:.3e}"
        row |= {f"at most, to {name}": many(self.most(name)) for name in EPSILONS}
        return row

    def most(self, name: str) -> float:
        """What is common bounds the steps by."""
        return self.doeblin.steps_within(EPSILONS[name])


def least_steps(gap: float, epsilon: float) -> int:
    """The fewest steps that |lambda_2| >= 1 - gap leaves.

    >>> least_steps(0.5, 0.25), least_steps(0.5, 0.2), least_steps(1.0, 0.25), least_steps(0.5, 0.5)
    (1, 2, 0, 0)
    """
    if gap >= 1 or epsilon >= 0.5:
        return 0
    return math.ceil(math.log(0.5 / epsilon) / -math.log1p(-gap) * (1 - SLACK))


def point(name: str, table: mg.LogitTable, temperature: float) -> Point:
    """Ask a chain at a temperature."""
    chain = mg.WindowChain.from_logits(table, mg.SamplingSettings(temperature=temperature))
    least: dict[str, int | None]
    try:
        gap = mg.spectral_gap(chain)
    except mg.NotConverged:
        kind, printed, least = UNKNOWN, "", dict.fromkeys(EPSILONS)
    else:
        kind = CERTIFIED if gap.upper < 1 else ESTIMATE
        from_gap = gap.upper if kind == CERTIFIED else gap.value
        low, high = bounds_in_digits(gap, DIGITS)
        printed = f"[{low}, {high}]" if kind == CERTIFIED else f"{gap.value:.{DIGITS}g}, at least {low}"
        least = {each: least_steps(from_gap, epsilon) for each, epsilon in EPSILONS.items()}
    steps = {each: mg.mixing_time(chain, epsilon) for each, epsilon in EPSILONS.items()}
    return Point(name, chain.n_states, temperature, steps, least, kind, printed, mg.doeblin_bound(chain))


def chain_row(name: str, table: mg.LogitTable, points: Sequence[Point]) -> dict[str, str]:
    """What the greedy loops of a chain explain of its steps."""
    barriers = mg.cycle_barriers(table)
    two = len(barriers.attractors) == 2
    least = min(barriers.costs.value[0, 1], barriers.costs.value[1, 0]) if two else None
    slip = None if len(barriers.labels) > 1 else phase_cost(table)
    return {
        "chain": name,
        "greedy loops": ", ".join(barriers.labels),
        "their number": str(len(barriers.labels)),
        "cost between the two": "" if least is None else f"{least:.{DIGITS}g}",
        "cost to lose the phase": "" if slip is None else f"{slip:.{DIGITS}g}",
        "rise of log steps in 1/T": rise(points),
    }


def phase_cost(table: mg.LogitTable) -> float | None:
    """The least cost at which a chain with one greedy loop comes back to it in any phase; None for a loop of one.

    With w(d) the least cost of a way from the loop back to it that is d steps late, modulo the p of the loop, it is the
    smallest c such that the d with w(d) <= c and p have no common divisor. Method: Dijkstra's over windows and time.
    """
    machine, V = mg.greedy_machine(table), table.space.vocab_size
    (loop,) = machine.cycles
    n, p = machine.n_states, len(loop)
    if p == 1:
        return None
    require_memory(40 * n * p * V, f"{n} windows x {p} phases x {V} tokens", "give a shorter context length")
    logits = table.logits.astype(np.float64)
    costs = np.broadcast_to(logits.max(axis=1, keepdims=True) - logits, (p, n, V))
    after = table.space.successors(np.arange(V)[None], np.arange(n)[:, None])
    ends = after[None] + n * ((np.arange(p) + 1) % p)[:, None, None]
    graph = csr_array((costs.ravel(), ends.ravel(), np.arange(p * n + 1) * V), shape=(p * n, p * n))
    found = dijkstra(graph, indices=int(loop[0])).reshape(p, n)  # (phase of the clock, window)
    late = [min(found[(place + d) % p, state] for place, state in enumerate(loop.tolist())) for d in range(1, p)]
    divisor = p
    for cost, d in sorted(zip(late, range(1, p), strict=True)):
        divisor = math.gcd(divisor, d)
        if divisor == 1:
            return float(cost)
    return math.inf


def rise(points: Sequence[Point]) -> str:
    """How fast log (steps to 1e-6) rises in 1/T between the two coldest whose bounds are near each other.

    Its bounds in three digits, rounded outward.
    """
    known = sorted(
        (each for each in points if each.steps["1e-6"].upper < 1.1 * each.steps["1e-6"].lower),
        key=lambda each: each.temperature,
    )
    if len(known) < 2:
        return ""
    cold, warm = known[:2]
    apart = 1 / cold.temperature - 1 / warm.temperature
    ends = [
        math.log(a / b) / apart
        for a, b in (
            (cold.steps["1e-6"].lower, warm.steps["1e-6"].upper),
            (cold.steps["1e-6"].upper, warm.steps["1e-6"].lower),
        )
    ]
    low, high = math.floor(ends[0] * 1000) / 1000, math.ceil(ends[1] * 1000) / 1000
    return f"[{low:.3f}, {high:.3f}]"


def draw_mixing(points: Sequence[Point], path: Path) -> None:
    """A panel for each chain: steps to 1/4 and their bounds against 1/T."""
    chains = list(dict.fromkeys(each.chain for each in points))
    with mpl.rc_context(STYLE):
        figure, panels = plt.subplots(
            1, len(chains), figsize=(COLUMN_INCHES * 2, 2.7), layout="constrained", sharey=True, squeeze=False
        )
        for axes, chain in zip(panels.flat, chains, strict=True):
            own = sorted((each for each in points if each.chain == chain), key=lambda each: -each.temperature)
            draw_panel(axes, own)
            axes.set_title(f"{chain}\n{own[0].windows:,} windows", fontsize=8, loc="left")
            axes.set_xlabel("1/T")
        panels[0, 0].set_ylabel("steps to 1/4")
        handles = dict(zip(*reversed(panels[0, 0].get_legend_handles_labels()), strict=True))
        figure.legend([handles[name] for name in LABELS.values()], LABELS.values(), loc="outside upper center", ncols=3)
        figure.savefig(path, metadata={"Date": None})
        plt.close(figure)


def draw_panel(axes: plt.Axes, own: Sequence[Point]) -> None:
    """The steps with bars between their bounds, an arrow where nothing bounds them from above, and two curves."""
    cold = [1 / each.temperature for each in own]
    found = [each.steps["1/4"] for each in own]
    ended = [(x, each) for x, each in zip(cold, found, strict=True) if each.upper < math.inf]
    logarithmic_axis(axes, "y")
    axes.set_ylim(0.7, HIGHEST)
    style = {"markersize": 3, "linewidth": 1}
    middles = [math.sqrt(each.lower * each.upper) for _, each in ended]
    bars = [
        [middle - each.lower for middle, (_, each) in zip(middles, ended, strict=True)],
        [each.upper - middle for middle, (_, each) in zip(middles, ended, strict=True)],
    ]
    axes.errorbar([x for x, _ in ended], middles, bars, color=PALETTE[0], marker=MARKERS[0], capsize=2,
                  label=LABELS["steps"], **style)  # fmt: skip
    for x, each in zip(cold, found, strict=True):
        if each.upper == math.inf:
            axes.plot([x], [each.lower], color=PALETTE[0], marker="^", fillstyle="none", markersize=5)
    seen = [(x, each.least["1/4"]) for x, each in zip(cold, own, strict=True) if each.least["1/4"]]
    axes.plot([x for x, _ in seen], [y for _, y in seen], color=PALETTE[2], marker=MARKERS[2], linestyle="--",
              label=LABELS["least"], **style)  # fmt: skip
    guessed = [
        (1 / each.temperature, each.least["1/4"]) for each in own if each.least["1/4"] and each.kind != CERTIFIED
    ]
    axes.plot([x for x, _ in guessed], [y for _, y in guessed], color=PALETTE[2], marker=MARKERS[2],
              markerfacecolor="white", linestyle="", markersize=3)  # fmt: skip
    axes.plot(cold, [each.most("1/4") for each in own], color=PALETTE[1], marker=MARKERS[1], linestyle=":",
              label=LABELS["most"], **style)  # fmt: skip


def sentences(points: Sequence[Point], chains: Sequence[dict[str, str]]) -> list[str]:
    """What was found."""
    parts = []
    for row in chains:
        own = [each for each in points if each.chain == row["chain"]]
        hot, cold = (pick(own, key=lambda each: each.temperature) for pick in (max, min))
        parts.append(
            f"{in_words(hot)} at T = {hot.temperature:g} and {in_words(cold)} at T = {cold.temperature:g} "
            f"({row['chain']})"
        )
    exact = [each for each in points if each.steps["1e-6"].upper < 1.1 * each.steps["1e-6"].lower]
    tight, loose = (pick(exact, key=lambda each: each.most("1e-6") / each.steps["1e-6"].lower) for pick in (min, max))
    least = rounded(tight.most("1e-6") / tight.steps["1e-6"].upper, ROUND_FLOOR)
    most = rounded(loose.most("1e-6") / loose.steps["1e-6"].lower, ROUND_CEILING)
    proved = [each for each in exact if each.least["1e-6"] and each.kind == CERTIFIED]
    ratios = [each.steps["1e-6"].upper / each.least["1e-6"] for each in proved]
    gap = rounded(max(ratios), ROUND_CEILING) if ratios else "nothing"
    return [
        f"Steps until the prompt is forgotten to 1/4: {'; '.join(parts)}.",
        f"Where the steps to 1e-6 are known, what is common after L steps (Doeblin) overstates them {least} times at "
        f"the least ({place(tight)}) and {most} times at the most ({place(loose)}).",
        f"Where the second eigenvalue is certified, the steps are never more than {gap} times what it leaves at least, "
        f"down to T = {min((each.temperature for each in proved), default=math.inf):g}.",
    ]


def in_words(found: Point) -> str:
    """Steps to 1/4 in few digits."""
    steps = found.steps["1/4"]
    if steps.is_exact:
        return many(steps.upper)
    low = f"{steps.lower:.0f}" if steps.lower < 1e6 else f"{steps.lower * (1 - 1e-3):.3g}"
    if steps.upper == math.inf:
        return f"at least {low}"
    return f"between {low} and {steps.upper:.0f}" if steps.upper < 1e6 else f"at least {low}"


def rounded(number: float, rounding: str) -> str:
    """A factor in two digits, up or down as one of `decimal`'s roundings says.

    >>> rounded(6.539, ROUND_FLOOR), rounded(6.51, ROUND_CEILING), rounded(5.31e34, ROUND_CEILING)
    ('6.5', '6.6', '5.4e+34')
    """
    return f"{float(Context(prec=2, rounding=rounding).create_decimal(number)):.2g}"


def place(found: Point) -> str:
    """Which chain, and how warm."""
    return f"{found.chain}, T = {found.temperature:g}"


def make(settings: Settings, folder: Path) -> Findings:
    """Make the tables and the figure."""
    parity = trained(settings.parity_steps).model
    models: dict[str, mg.NextTokenModel] = {"parity": parity}
    models |= {f"names, L = {context}": model_at(None, context, settings.steps) for context in settings.contexts}
    points, chains = [], []
    for name, model in models.items():
        own = []
        full = mg.tabulate(model)
        table = mg.tabulate(model, with_prefixes=True) if name == "parity" else full
        for temperature in settings.parity_temperatures if name == "parity" else settings.temperatures:
            own.append(point(name, table, temperature))
            print(" | ".join(own[-1].row().values()), flush=True)
        points += own
        chains.append(chain_row(name, full, own))
    mg.write_table([each.row() for each in points], folder, "table")
    mg.write_table(chains, folder, "chains")
    draw_mixing(points, folder / "mixing.svg")
    return Findings(
        sentences(points, chains),
        recorded={"weights_sha256": {name: identity_of(model)["weights_sha256"] for name, model in models.items()}},
    )


STUDY = Study(
    "mixing",
    "How much longer does a small GPT remember its prompt as it gets colder, and which bound sees it?",
    Settings(),
    Settings(
        parity_steps=40,
        parity_temperatures=(2.0, 1.0, 0.2),
        contexts=(1,),
        steps=SMALL_STEPS,
        temperatures=(2.0, 0.5),
    ),
    make,
)

if __name__ == "__main__":
    sys.exit(run(STUDY))
