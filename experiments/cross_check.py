"""Does Storm, which shares no code with us, give the same answers? Writes results/cross_check/.

    python -m experiments.cross_check [--cases FOLDER]

Without a folder the chains are our own: the baby GPT of the seed notebook, once in rational numbers (each row over its
sum, exactly: the chain that our bounds are about) and once as its .umb file; and GPTs trained here on the names of
HTML's entities, with windows of two and of three letters. With a folder they are the outside cases in it, as its
``index.json`` lists them.

Storm answers exactly where a chain is given in rational numbers and there is time: then its value must lie in our
interval. Otherwise it answers in its sound mode: then its interval and ours must meet. Of long-run shares and within a
horizon it gives a value without bounds there, which must lie within a millionth of our interval.
"""

import argparse
import gzip
import html.entities
import json
import os
import re
import shutil
import subprocess
import time
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
from experiments.peers import ONE_THREAD, Absent, environment
from markovgpt.demo import baby_gpt
from markovgpt.exchange.chain_files import read_chain
from markovgpt.exchange.umb import write_umb
from markovgpt.export.record import write_record
from markovgpt.scaled import ScaledArray, to_fraction

FOLDER = Path("results/cross_check")
RUNNER = Path(__file__).with_name("storm_runner.py")
TOLERANCE, EXACT_SECONDS, SOUND_SECONDS = 1e-9, 20.0, 60.0
SEED, STEPS, LETTERS = 1337, 300, "\nabcdefghijklmnopqrstuvwxyz"
HORIZON, LENGTHS = 50, (2, 3)
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


@dataclass(frozen=True, eq=False)
class Question:
    """A property of a chain, for both.

    Parameters
    ----------
    formula: as Storm reads it.
    kind: a key of FORMULAS.
    """

    kind: str
    formula: str
    label: str
    left: str | None = None
    bound: int | None = None
    reward: str | None = None


@dataclass(frozen=True, eq=False)
class Subject:
    """A chain in a file, and what is asked about it.

    Parameters
    ----------
    read: the file that we read; Storm reads it where it is exact.
    exact: whether the file holds rational numbers.
    """

    name: str
    read: Path
    exact: bool
    questions: tuple[Question, ...]


def question(kind: str, label: str, **more: Any) -> Question:
    """One question, with its formula.

    >>> question("bounded-reach", "red", bound=5).formula, question("expected-reward", "end", reward="cost").formula
    ('P=? [F<=5 "red"]', 'R{"cost"}=? [F "end"]')
    """
    named = {"bound": None, "left": None, "reward": None} | more
    reward = f'{{"{named["reward"]}"}}' if named["reward"] else ""
    return Question(kind, FORMULAS[kind].format(**named | {"label": label, "reward": reward}), label, **more)


ALL = (
    question("until", "red", left="going"),
    question("bounded-reach", "red", bound=HORIZON),
    question("expected-steps", "red"),
    question("long-run", "one"),
)


def ours(imported: mg.ImportedChain, asked: Question) -> Bounds:
    """Our bounds, exactly; from the initial state, or the largest over several."""
    chain, target = imported.chain, imported.labels[asked.label]
    initial = np.flatnonzero(imported.initial)
    start = int(initial[0]) if len(initial) == 1 else None
    if asked.kind == "long-run":
        answer = mg.long_run_distribution(chain, start)
        initial = np.flatnonzero(target)
        if len(initial) != 1:
            raise mg.InvalidInput(f"a long-run share must be asked of one state, got {len(initial)}; label one")
        start = None
    elif asked.kind == "expected-steps":
        answer = mg.expected_hitting_time(chain, target, start=start)
    elif asked.kind == "expected-reward":
        earned = imported.rewards[asked.reward] if asked.reward else next(iter(imported.rewards.values()))
        answer = mg.expected_reward(chain, earned, target, start=start)
    else:
        avoiding = None if asked.left is None else ~(imported.labels[asked.left] | target)
        if avoiding is not None and not avoiding.any():
            avoiding = None
        answer = mg.hitting_probability(chain, target, start=start, within=asked.bound, avoiding=avoiding)
    infinite = np.broadcast_to(answer.infinite, np.shape(answer.value))
    if np.any(infinite if start is not None else infinite[initial]):
        return np.inf, np.inf
    lower, upper = (exactly(side) for side in (answer.enclosure.lower, answer.enclosure.upper))
    if start is not None:
        return lower[0], upper[0]
    return max(lower[state] for state in initial), max(upper[state] for state in initial)


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


def rows_of(subject: Subject, folder: Path) -> Iterator[dict[str, str]]:
    """A row for each question about a chain."""
    imported = read_chain(subject.read)
    formulas = [asked.formula for asked in subject.questions]
    exact: dict[str, Bounds] = {}
    reason = ""
    if subject.exact:
        exact, reason = storms(unpacked(subject.read, folder), formulas, exact=True, seconds=EXACT_SECONDS)
    sound: dict[str, Bounds] = {}
    if rest := [formula for formula in formulas if formula not in exact]:
        rewards = {name or "default": earned for name, earned in imported.rewards.items()}
        file = write_umb(
            imported.chain, folder / "chain.umb", labels=imported.labels, initial=imported.initial, rewards=rewards
        )
        sound, reason = storms(file, rest, exact=False, seconds=SOUND_SECONDS)
    for asked in subject.questions:
        low, high = ours(imported, asked)
        told = exact.get(asked.formula) or sound.get(asked.formula)
        mode = "exact" if asked.formula in exact else reason if told is None else "sound"
        if mode == "sound" and told is not None and told[0] == told[1]:
            mode = "value"
        room = WITHOUT_BOUNDS if mode == "value" else 0
        yield {
            "chain": subject.name,
            "states": str(imported.chain.n_states),
            "property": asked.formula,
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


def our_own(folder: Path) -> Iterator[Subject]:
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
    for length in LENGTHS:
        chain = mg.WindowChain.from_logits(mg.tabulate(names_gpt(length)))
        start = chain.space.encode((0,) * length)
        red = mg.ending_with(chain.space, (LETTERS.index("z"),))
        going = ~mg.ending_with(chain.space, (0,))
        going[start] = True
        labels = {"red": red, "going": going, "one": chain_at(chain, chain.space.encode((1,) * length))}
        file = write_umb(chain, folder / f"names{length}.umb", labels=labels, initial=chain_at(chain, start))
        yield Subject(f"names, windows of {length}", file, False, ALL)


def chain_at(chain: mg.TransitionOperator, state: int) -> NDArray[np.bool_]:
    """The mask of one state."""
    return np.arange(chain.n_states) == state


def names_gpt(length: int) -> mg.GPT:
    """A small GPT of the names of HTML's entities, in lower case."""
    vocabulary = mg.Vocabulary(tuple(LETTERS))
    words = sorted({name.rstrip(";").lower() for name in html.entities.html5})
    text = "\n".join(word for word in words if set(word) <= set(LETTERS))
    config = mg.GPTConfig(len(LETTERS), length, n_layer=1, n_head=2, n_embd=16)
    return mg.train_gpt(vocabulary.encode(text), config, steps=STEPS, batch_size=256, seed=SEED).model


def outside(folder: Path) -> Iterator[Subject]:
    """The cases in a folder: a chain each, with the properties that its index lists."""
    listed = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    for name in dict.fromkeys(case["name"] for case in listed):
        files = [folder / name / f"{name}{ending}" for ending in (".exact.drn", ".exact.drn.gz", ".umb")]
        file = next(file for file in files if file.exists())
        asked = [case for case in listed if case["name"] == name and case["kind"] in FORMULAS]
        questions = [
            question(
                case["kind"],
                case["label"],
                **{key: value for key, value in said_of(case).items() if value is not None},
            )
            for case in asked
        ]
        yield Subject(name, file, ".exact" in file.name, tuple(questions))


def said_of(case: dict[str, Any]) -> dict[str, Any]:
    """What a case says beyond its kind and its label."""
    named = re.search(r'R\{"(\w+)"\}', case["property"])
    return {"left": case["left_label"], "bound": case["step_bound"], "reward": named[1] if named else None}


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the table."""
    began = time.perf_counter()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", metavar="FOLDER", type=Path, help="outside cases, with their index.json")
    given = parser.parse_args(arguments)
    rows: list[dict[str, str]] = []
    with TemporaryDirectory() as working:
        folder = Path(working)
        for subject in our_own(folder) if given.cases is None else outside(given.cases):
            for row in rows_of(subject, folder):
                rows.append(row)
                print(" | ".join(row.values()), flush=True)
    kind = "own" if given.cases is None else "cases"
    mg.write_table(rows, FOLDER, kind)
    settings = {"tolerance": TOLERANCE, "seed": SEED, "steps": STEPS, "lengths": LENGTHS, "horizon": HORIZON}
    write_record(
        FOLDER,
        command="python -m experiments.cross_check",
        settings=settings,
        seconds=time.perf_counter() - began,
        diagnostics={"limits": [EXACT_SECONDS, SOUND_SECONDS]},
    )
    print("\n".join(findings(rows)))


def findings(rows: Sequence[dict[str, str]]) -> list[str]:
    """What was found, in three sentences."""
    exact = [row for row in rows if row["mode"] == "exact"]
    sound = [row for row in rows if row["mode"] in ("sound", "value")]
    apart = [f"{row['chain']} {row['property']}" for row in rows if row["meets"] == "no"]
    return [
        f"Storm's exact value lies in our interval in {sum(row['meets'] == 'yes' for row in exact)} of {len(exact)} "
        "properties.",
        f"Its answer in the sound mode and ours meet in {sum(row['meets'] == 'yes' for row in sound)} of {len(sound)}.",
        f"They are apart in {'none' if not apart else '; '.join(apart)}, and {len(rows) - len(exact) - len(sound)} of "
        f"{len(rows)} had no answer from Storm.",
    ]


if __name__ == "__main__":
    main()
