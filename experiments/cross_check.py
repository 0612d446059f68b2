"""Does Storm, which shares no code with us, give the same answers? Writes results/cross_check/.

    python -m experiments.cross_check [--cases FOLDER --out FOLDER]

Both are asked the same properties, in the language that both read. Without a folder of cases the chains are our own:
the baby GPT of the seed notebook, once in rational numbers (each row over its sum, exactly: the chain that our bounds
are about) and once as its .umb file; and models of names, with windows of two and of three letters. With a folder they
are the outside cases in it, as its ``index.json`` lists them.

Storm answers exactly where a chain is given in rational numbers and there is time: then its value must lie in our
interval. Otherwise it answers in its sound mode: then its interval and ours must meet. Of long-run shares and within a
horizon it gives a value without bounds there, which must lie within a millionth of our interval.
"""

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

import markovgpt as mg
from experiments.names_models import LETTERS, SMALL_STEPS, trained_names_model
from experiments.peers import ONE_THREAD, Absent, environment
from experiments.study import Findings, Study, option, run
from markovgpt.demo import baby_gpt
from markovgpt.exchange.chain_files import read_chain
from markovgpt.exchange.umb import write_umb
from markovgpt.scaled import ScaledArray, to_fraction

RUNNER = Path(__file__).with_name("storm_runner.py")
TOLERANCE, HORIZON = 1e-9, 50
WITHOUT_BOUNDS = Fraction(1, 10**6)  # how near a value without bounds must be, relatively
DIGITS = Context(prec=12, Emin=MIN_EMIN, Emax=MAX_EMAX)
FORMULAS = {
    "reach": 'P=? [F "{label}"]',
    "bounded-reach": 'P=? [F<={bound} "{label}"]',
    "until": 'P=? ["{left}" U "{label}"]',
    "expected-steps": 'T=? [F "{label}"]',
    "expected-reward": 'R{reward}=? [F "{label}"]',
    "long-run": 'LRA=? ["{label}"]',
}

Bounds = tuple[Fraction | float, Fraction | float]  # infinite ones are floats


@dataclass(frozen=True)
class Settings:
    """What is varied."""

    cases: Path | None = option(None, "a folder of outside cases with their index.json; none: chains of our own")
    context_lengths: tuple[int, ...] = option((2, 3), "of the models of names")
    steps: int = option(300, "optimiser steps of the models of names")
    exact_seconds: float = option(20.0, "that Storm may take for a chain in rational numbers")
    sound_seconds: float = option(60.0, "that Storm may take for a chain in its sound mode")
    storm: bool = option(True, "ask Storm, in an environment of its own that is made at the first call")


@dataclass(frozen=True, eq=False)
class Subject:
    """A chain in a file, and what is asked about it.

    Parameters
    ----------
    read: the file that we read; Storm reads it where it is exact.
    exact: whether the file holds rational numbers.
    properties: as Storm and we read them.
    """

    name: str
    read: Path
    exact: bool
    properties: tuple[str, ...]


def formula(kind: str, label: str, *, left: str | None = None, bound: int | None = None, reward: str = "") -> str:
    """A property as text.

    >>> formula("bounded-reach", "red", bound=5), formula("expected-reward", "end", reward="cost")
    ('P=? [F<=5 "red"]', 'R{"cost"}=? [F "end"]')
    """
    named = f'{{"{reward}"}}' if reward else ""
    return FORMULAS[kind].format(label=label, left=left, bound=bound, reward=named)


ALL = (
    formula("until", "red", left="going"),
    formula("bounded-reach", "red", bound=HORIZON),
    formula("expected-steps", "red"),
    formula("long-run", "one"),
)


def ours(imported: mg.ImportedChain, asked: str) -> Bounds:
    """Our bounds, exactly; from the initial state, or the largest over several."""
    answer = mg.check(imported, asked).greatest
    if np.any(answer.infinite):
        return np.inf, np.inf
    (lower,), (upper,) = (exactly(side) for side in (answer.enclosure.lower, answer.enclosure.upper))
    return lower, upper


def exactly(numbers: Any) -> list[Fraction]:
    """Numbers, doubles or scaled, as fractions."""
    scaled = ScaledArray.of(numbers)
    parts = zip(np.atleast_1d(scaled.mantissa).tolist(), np.atleast_1d(scaled.exponent).tolist(), strict=True)
    return [Fraction(0) if mantissa == 0 else to_fraction(mantissa, exponent) for mantissa, exponent in parts]


def storms(file: Path, formulas: Sequence[str], *, exact: bool, seconds: float) -> tuple[dict[str, Bounds], str]:
    """What Storm answers within a time limit, by formula, and why it stopped, if it did."""
    job = {"file": str(file), "exact": exact, "tolerance": TOLERANCE, "properties": list(formulas)}
    try:
        command = [str(environment("storm")), "-I", str(RUNNER), json.dumps(job)]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=seconds, env={**os.environ, **ONE_THREAD}
        )
        text, reason = done.stdout, "" if done.returncode == 0 else f"failed: {done.stderr.strip()[-200:]}"
    except Absent as failure:
        text, reason = "", f"absent: {failure}"
    except subprocess.TimeoutExpired as stopped:
        text, reason = (stopped.stdout or b"").decode(), f"over {seconds:g} s"
    found = {}
    for line in text.splitlines():
        if line.startswith("{"):
            told = json.loads(line)
            found[told["property"]] = (read_number(told["lower"]), read_number(told["upper"]))
    return found, reason


def read_number(text: str) -> Fraction | float:
    """A number as Storm prints it, exactly.

    >>> read_number("1/3"), read_number("0.5"), read_number("inf")
    (Fraction(1, 3), Fraction(1, 2), inf)
    """
    return float("inf") if "inf" in text.lower() else Fraction(text) if "/" in text else Fraction(float(text))


def rows_of(subject: Subject, folder: Path, settings: Settings) -> Iterator[dict[str, str]]:
    """A row for each question about a chain."""
    imported = read_chain(subject.read)
    formulas = list(subject.properties)
    exact: dict[str, Bounds] = {}
    reason = "" if settings.storm else "not asked"
    if settings.storm and subject.exact:
        file = unpacked(subject.read, folder)
        exact, reason = storms(file, formulas, exact=True, seconds=settings.exact_seconds)
    sound: dict[str, Bounds] = {}
    rest = [asked for asked in formulas if asked not in exact]
    if settings.storm and rest:
        rewards = {name or "default": earned for name, earned in imported.rewards.items()}
        file = write_umb(
            imported.chain, folder / "chain.umb", labels=imported.labels, initial=imported.initial, rewards=rewards
        )
        sound, reason = storms(file, rest, exact=False, seconds=settings.sound_seconds)
    for asked in formulas:
        low, high = ours(imported, asked)
        told = exact.get(asked) or sound.get(asked)
        mode = "exact" if asked in exact else reason if told is None else "sound"
        if mode == "sound" and told is not None and told[0] == told[1]:
            mode = "value"
        room = WITHOUT_BOUNDS if mode == "value" else 0
        yield {
            "chain": subject.name,
            "states": str(imported.chain.n_states),
            "property": asked,
            "ours": shown(low, high),
            "storm": "" if told is None else shown(*told),
            "mode": mode,
            "meets": "" if told is None else "yes" if meet(low, high, *told, room=room) else "no",
        }


def meet(
    low: Fraction | float,
    high: Fraction | float,
    other_low: Fraction | float,
    other_high: Fraction | float,
    *,
    room: Fraction | float,
) -> bool:
    """Whether two intervals have a number in common, the second one widened by a share of itself.

    >>> meet(1, 2, 2, 3, room=0), meet(1, 2, 3, 4, room=0), meet(1, 2, 3, 3, room=0.5)
    (True, False, True)
    """
    return bool(low <= other_high * (1 + room) and other_low * (1 - room) <= high)


def shown(low: Fraction | float, high: Fraction | float) -> str:
    """Bounds in 12 digits, whatever their size; one number where both print alike.

    >>> shown(Fraction(1, 3), Fraction(1, 3)), shown(Fraction(0), Fraction(1, 10**400)), shown(np.inf, np.inf)
    ('0.333333333333', '[0, 1E-400]', 'inf')
    """
    texts = [in_decimals(side) for side in (low, high)]
    return texts[0] if texts[0] == texts[1] else f"[{', '.join(texts)}]"


def in_decimals(value: Fraction | float) -> str:
    """A number in 12 digits."""
    if isinstance(value, float) or not value:
        return "inf" if value else "0"
    return str(DIGITS.divide(Decimal(value.numerator), Decimal(value.denominator)))


def unpacked(file: Path, folder: Path) -> Path:
    """A .drn file without its packing, which Storm does not take off."""
    if file.suffix != ".gz":
        return file
    whole = folder / "chain.drn"
    with gzip.open(file) as packed, whole.open("wb") as plain:
        shutil.copyfileobj(packed, plain)
    return whole


def write_exact(chain: mg.TransitionOperator, file: Path, labels: dict[str, NDArray[np.bool_]], start: int) -> Path:
    """A chain as a .drn file in rational numbers: each row over its sum, exactly."""
    source, target, probability = chain.edges()
    n, values = chain.n_states, exactly(probability)
    totals = [sum((values[place] for place in np.flatnonzero(source == state)), Fraction(0)) for state in range(n)]
    lines = ["@type: DTMC", "@value_type: rational", "@parameters", "", "@reward_models", "", "@nr_states", str(n)]
    lines += ["@nr_choices", str(n), "@model"]
    for state in range(n):
        borne = ["init"] * (state == start) + [name for name, mask in labels.items() if mask[state]]
        lines += [" ".join(["state", str(state), *borne]), "\taction 0"]
        lines += [f"\t\t{target[place]} : {values[place] / totals[state]}" for place in np.flatnonzero(source == state)]
    file.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return file


def our_own(settings: Settings, folder: Path) -> Iterator[Subject]:
    """The baby GPT and models of names, as files."""
    chain = mg.WindowChain.from_logits(mg.tabulate(baby_gpt().model))
    labels = {
        "red": mg.ending_with(chain.space, (0, 0)),
        "going": ~mg.ending_with(chain.space, (1, 1)),
        "one": chain_at(chain, 5),
    }
    for exact in (True, False):
        file = folder / f"baby.{'drn' if exact else 'umb'}"
        if exact:
            write_exact(chain, file, labels, 6)
        else:
            write_umb(chain, file, labels=labels, initial=chain_at(chain, 6))
        yield Subject(f"baby GPT{', exactly' * exact}", file, exact, ALL)
    for length in settings.context_lengths:
        chain = mg.WindowChain.from_logits(mg.tabulate(trained_names_model(length, settings.steps)))
        start = chain.space.encode((0,) * length)
        red = mg.ending_with(chain.space, LETTERS.encode("z"))
        going = ~mg.ending_with(chain.space, (0,))
        going[start] = True
        labels = {"red": red, "going": going, "one": chain_at(chain, chain.space.encode((1,) * length))}
        file = write_umb(chain, folder / f"names{length}.umb", labels=labels, initial=chain_at(chain, start))
        yield Subject(f"names, windows of {length}", file, False, ALL)


def chain_at(chain: mg.TransitionOperator, state: int) -> NDArray[np.bool_]:
    """The mask of one state."""
    return np.arange(chain.n_states) == state


def outside(folder: Path) -> Iterator[Subject]:
    """The cases in a folder: a chain each, with the properties that its index lists."""
    listed = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    for name in dict.fromkeys(case["name"] for case in listed):
        files = [folder / name / f"{name}{ending}" for ending in (".exact.drn", ".exact.drn.gz", ".umb")]
        file = next(file for file in files if file.exists())
        asked = [case for case in listed if case["name"] == name and case["kind"] in FORMULAS]
        properties = tuple(formula(case["kind"], case["label"], **said_of(case)) for case in asked)
        yield Subject(name, file, ".exact" in file.name, properties)


def said_of(case: dict[str, Any]) -> dict[str, Any]:
    """What a case says beyond its kind and its label."""
    named = re.search(r'R\{"(\w+)"\}', case["property"])
    return {"left": case["left_label"], "bound": case["step_bound"], "reward": named[1] if named else ""}


def make(settings: Settings, folder: Path) -> Findings:
    """Make the table."""
    rows: list[dict[str, str]] = []
    with TemporaryDirectory() as working:
        place = Path(working)
        for subject in our_own(settings, place) if settings.cases is None else outside(settings.cases):
            for row in rows_of(subject, place, settings):
                rows.append(row)
                print(" | ".join(row.values()), flush=True)
    mg.write_table(rows, folder, "table")
    return Findings(findings(rows), recorded={"tolerance": TOLERANCE, "horizon": HORIZON})


def findings(rows: Sequence[dict[str, str]]) -> list[str]:
    """What was found, in three sentences."""
    exact = [row for row in rows if row["mode"] == "exact"]
    sound, values = ([row for row in rows if row["mode"] == mode] for mode in ("sound", "value"))
    without = len(rows) - len(exact) - len(sound) - len(values)
    apart = [f"{row['chain']} {row['property']}" for row in rows if row["meets"] == "no"]
    return [
        f"Storm's exact value lies in our interval in {met(exact)} of {len(exact)} properties.",
        f"Its intervals of the sound mode meet ours in {met(sound)} of {len(sound)}; its values without bounds are "
        f"within a millionth of ours in {met(values)} of {len(values)}.",
        f"They are apart in {'none' if not apart else '; '.join(apart)}, and {without} of {len(rows)} had no answer.",
    ]


def met(rows: Sequence[dict[str, str]]) -> int:
    """In how many the two answers meet."""
    return sum(row["meets"] == "yes" for row in rows)


STUDY = Study(
    "cross_check",
    "Does Storm, which shares no code with us, give the same answers?",
    Settings(),
    Settings(context_lengths=(2,), steps=SMALL_STEPS, storm=False),
    make,
    alone=True,
)

if __name__ == "__main__":
    sys.exit(run(STUDY))
