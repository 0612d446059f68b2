"""Does a chain that mixes slowly take more work, and is what comes out right? Writes results/slow_mixing/.

Two questions of chains with random logits, and of a trained model of names, at lower and lower temperatures:

    stationary    x = x P
    killed        x = x Q + (x . r) mu: from the window of zeros until the one of largest tokens, then begun again

Beside suffix multigrid stand power iteration, and GMRES and ARPACK by scipy, on the very same products as ours, so that
what differs is the method alone; all on one thread, once, each size in a process of its own. ARPACK looks for the
eigenvector; GMRES solves v = v Q + mu, for the stationary distribution with the likeliest window, which it is told, for
start and end. Each is asked for 1e-12 in its own sense, and has so many products and seconds.

Every answer is judged alike: ``residual``, the largest |(x T) / x - 1| (infinite if an entry is not above zero);
``imbalance``, the largest relative difference between what enters and leaves a basin of the greedy machine, since a
small residual alone is not convergence; where the chain is small the largest relative difference to elimination (GTH);
and the sum of |x - x'| with x' by multigrid. Nothing is judged where a peer came to no answer at all.
"""

import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from pathlib import Path

import numpy as np
from scipy.sparse.linalg import ArpackError, LinearOperator, eigs, gmres

import markovgpt as mg
from experiments.apart import in_a_process
from experiments.drawn_cases import SEED, random_chain, windows_of
from experiments.names_models import SMALL_STEPS, STEPS, model_at
from experiments.restarted import QUESTIONS, TOLERANCE, by_elimination, by_multigrid, image, posed
from experiments.study import Findings, Study, option, run
from markovgpt.export.figures import line_figure
from markovgpt.scaled import FloatArray, Numbers, as_floats, is_positive, largest
from markovgpt.solvers.certificate import relative_defect
from markovgpt.solvers.multigrid import Landscape, Restarted

MOST_PRODUCTS, MOST_SECONDS = 20_000, 0.5  # of each peer
MOST_COMPILED = 10.0  # seconds of a first run from which on what it compiled is little of it
ELIMINATED = 2000  # states up to which elimination is the judge
CHECKED = 10  # power iteration looks at its residual every so many steps
VERDICT = {
    "expected steps": ".8g",
    "residual": ".1e",
    "imbalance": ".1e",
    "largest difference to GTH": ".1e",
    "sum of differences to multigrid": ".1e",
}


@dataclass(frozen=True)
class Case:
    """Random logits of a size, or a trained model's, whose checkpoint may be given."""

    name: str
    vocab_size: int
    context_length: int
    steps: int = STEPS
    model: str | None = None

    def chain(self, temperature: float) -> mg.WindowChain:
        """The chain at a temperature."""
        if self.name == "random":
            return random_chain(self.vocab_size, self.context_length, temperature, np.float64)
        model = model_at(None if self.model is None else Path(self.model), self.context_length, self.steps)
        return mg.WindowChain.from_model(model, mg.SamplingSettings(temperature=temperature))


SIZES = ((2, 10), (3, 6), (5, 4), (2, 14), (5, 6), (3, 10), (27, 4))


@dataclass(frozen=True)
class Settings:
    """What is varied."""

    model: Path | None = option(None, "checkpoint of a model of names; none: one that is trained here")
    context_length: int = option(4, "of the model that is trained here")
    steps: int = option(STEPS, "optimiser steps of the model that is trained here")
    most_windows: int = option(10**6, "leave out larger chains of random logits; there are some of 625 to 531,441")
    temperatures: tuple[float, ...] = option((1, 0.25, 0.03), "sampling temperatures")

    @property
    def cases(self) -> list[Case]:
        """The chains."""
        drawn = [Case("random", V, L) for V, L in SIZES]
        path = None if self.model is None else str(self.model)
        kept = [case for case in drawn if windows_of(case) <= self.most_windows]
        return [*kept, Case("names", 27, self.context_length, self.steps, path)]


class StoppedError(Exception):
    """A limit was reached."""


class Attempt:
    """A peer at work: the products it took, and the last x that it came to, if any."""

    def __init__(self, problem: Restarted, likeliest: int):
        self.problem, self.likeliest = problem, likeliest
        self.x: FloatArray | None = None
        self.products, self.began = 0, time.perf_counter()

    def product(self, apply: Callable[[FloatArray], Numbers], x: FloatArray) -> FloatArray:
        """A product, counted.

        Raises
        ------
        StoppedError: the limit of products or of seconds was reached before.
        """
        if self.products == MOST_PRODUCTS:
            raise StoppedError(f"over {MOST_PRODUCTS:,} products")
        if time.perf_counter() - self.began > MOST_SECONDS:
            raise StoppedError(f"over {MOST_SECONDS:g} s")
        self.products += 1
        return np.asarray(apply(x))

    @property
    def begin(self) -> FloatArray:
        """The same on all live windows."""
        return self.problem.live / self.problem.live.sum()

    def image(self, x: FloatArray) -> Numbers:
        """x T."""
        return image(self.problem, x)

    def operator(self, apply: Callable[[FloatArray], Numbers]) -> LinearOperator:
        """A product as scipy wants it."""
        n = len(self.problem.live)
        return LinearOperator((n, n), matvec=partial(self.product, apply), dtype=np.float64)

    def by_power(self) -> None:
        """x <- x T."""
        self.x = self.begin
        for step in count():
            after = self.product(self.image, self.x)
            if step % CHECKED == 0 and relative_defect(after, self.x) <= TOLERANCE:
                return
            self.x = after / after.sum()

    def by_arpack(self) -> None:
        """The eigenvector of T for the eigenvalue of largest size."""
        matrix = self.operator(self.image)
        _, vectors = eigs(matrix, k=1, which="LM", v0=self.begin, tol=TOLERANCE, maxiter=MOST_PRODUCTS)
        self.x = vectors[:, 0].real / vectors[:, 0].real.sum()

    def by_gmres(self) -> None:
        """v (I - Q) = mu; for a stationary distribution the visits between two of the likeliest window."""
        live, begin = self.problem.live, self.problem.restart
        at_once = np.zeros(len(live))
        if not is_positive(begin).any():
            at_once[self.likeliest] = 1.0
            live = live & (at_once == 0)
            begin = self.problem.push(at_once) * live

        def keep(v: FloatArray) -> None:
            self.x = (v * live + at_once) / (v * live + at_once).sum()

        def rest(v: FloatArray) -> Numbers:
            return v - self.problem.table.push(v * live) * live

        matrix = self.operator(rest)
        found, failed = gmres(matrix, begin, rtol=TOLERANCE, maxiter=MOST_PRODUCTS, callback=keep, callback_type="x")
        keep(found)
        if failed:
            raise StoppedError(f"not reached in {failed} iterations")


PEERS: dict[str, Callable[[Attempt], None]] = {
    "power iteration": Attempt.by_power,
    "GMRES": Attempt.by_gmres,
    "ARPACK": Attempt.by_arpack,
}


def judged(problem: Restarted, x: Numbers) -> tuple[float, float]:
    """The residual and the imbalance of an answer; infinite where an entry of a live window is not above zero."""
    if not is_positive(x)[problem.live].all():
        return math.inf, math.inf
    try:
        return relative_defect(image(problem, x), x), problem.balanced(x)[1]
    except FloatingPointError:
        return relative_defect(image(problem, x), x), math.inf


def shown(
    method: str, numbers: str, steps: int, seconds: float, outcome: str, verdict: dict[str, float | None]
) -> dict[str, str]:
    """What the table says of one answer."""
    return {
        "method": method,
        "numbers": numbers,
        "cycles or products": f"{steps:,}",
        "seconds": f"{seconds:.3g}",
        "outcome": outcome,
        **{name: "" if value is None else format(value, VERDICT[name]) for name, value in verdict.items()},
    }


def answers(chain: mg.WindowChain, question: str) -> Iterator[dict[str, str]]:
    """Every method's answer to one question."""
    for _ in range(2):  # the first run compiles what is not compiled yet
        problem = posed(chain, question)
        began = time.perf_counter()
        found, numbers = by_multigrid(chain, problem)
        seconds = time.perf_counter() - began
        if seconds > MOST_COMPILED:
            break
    exact = by_elimination(chain, problem) if chain.n_states <= ELIMINATED else None
    reference = as_floats(found.x)

    def verdict(x: Numbers | None) -> dict[str, float | None]:
        if x is None:
            return dict.fromkeys(VERDICT)
        residual, imbalance = judged(problem, x)
        rate = float(as_floats(problem.killed(x)))
        found = (
            None if question == "stationary" else 1 / rate if rate else math.inf,
            residual,
            imbalance,
            None if exact is None else relative_defect(x[problem.live], exact),
            float(np.abs(as_floats(x) - reference).sum()),
        )
        return dict(zip(VERDICT, found, strict=True))

    reached = max(found.residual, found.imbalance) <= TOLERANCE
    yield shown("multigrid", numbers, found.cycles, seconds, "reached" if reached else "not reached", verdict(found.x))
    table = replace(problem.table, weights=as_floats(problem.table.weights))
    in_doubles = replace(problem, landscape=Landscape(table, problem.live), exits=as_floats(problem.exits))
    for name, method in PEERS.items():
        attempt, outcome = Attempt(in_doubles, largest(found.x)), "reached"
        try:
            method(attempt)
        except (StoppedError, ArpackError) as failure:
            outcome = str(failure)
        seconds = time.perf_counter() - attempt.began
        yield shown(name, "doubles", attempt.products, seconds, outcome, verdict(attempt.x))


def measured(case: Case, temperatures: Sequence[float]) -> list[dict[str, str]]:
    """Both questions at each temperature; run in a process of its own, on one thread."""
    rows = []
    for temperature in temperatures:
        chain = case.chain(temperature)
        asked = {"chain": case.name, "V": str(case.vocab_size), "L": str(case.context_length)}
        asked |= {"states": f"{chain.n_states:,}", "temperature": str(temperature)}
        rows += [{**asked, "question": each, **answer} for each in QUESTIONS for answer in answers(chain, each)]
    return rows


def make(settings: Settings, folder: Path) -> Findings:
    """Ask of every size in a process of its own."""
    rows = []
    for case in settings.cases:
        made = in_a_process(measured, case, settings.temperatures, threads=1)
        print(*(" | ".join(row.values()) for row in made), sep="\n", flush=True)
        rows += made
    mg.write_table(rows, folder, "table")
    ours = [row for row in rows if row["method"] == "multigrid"]
    curves: dict[str, tuple[list[float], list[int]]] = {}
    for row in ours:
        is_names = row["chain"] == "names"
        if row["question"] == "stationary" and (is_names or int(row["states"].replace(",", "")) > ELIMINATED):
            x, y = curves.setdefault("names" if is_names else f"{row['V']}^{row['L']}", ([], []))
            x.append(1 / float(row["temperature"]))
            y.append(int(row["cycles or products"].replace(",", "")))
    line_figure(curves, folder / "cycles.svg", x_label="1/T", y_label="cycles", logarithmic=("x",))
    reached = {
        method: sum(row["outcome"] == "reached" for row in rows if row["method"] == method)
        for method in ("multigrid", *PEERS)
    }
    cycles = [int(row["cycles or products"].replace(",", "")) for row in ours]
    worst = max(
        (float(row["largest difference to GTH"]) for row in ours if row["largest difference to GTH"]), default=0
    )
    return Findings(
        [
            f"Multigrid reaches its tolerance in {reached['multigrid']} of {len(ours)} questions, in at most "
            f"{max(cycles)} cycles, down to T = {min(settings.temperatures):g}.",
            "Of the same questions " + ", ".join(f"{name} reaches {reached[name]}" for name in PEERS) + ".",
            f"Where elimination is the judge no entry by multigrid is off by more than {worst:.0e}, relative.",
        ],
        recorded={
            "seed": SEED,
            "tolerance": TOLERANCE,
            "most products of peers": MOST_PRODUCTS,
            "most seconds of peers": MOST_SECONDS,
        },
    )


STUDY = Study(
    "slow_mixing",
    "Does a chain that mixes slowly take more work, and is what comes out right?",
    Settings(),
    Settings(context_length=2, steps=SMALL_STEPS, most_windows=1, temperatures=(1.0,)),
    make,
    alone=True,
)

if __name__ == "__main__":
    sys.exit(run(STUDY))
