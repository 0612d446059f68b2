"""`markovgpt compare`: what changed from one model to another, and which windows and tokens carry it."""

import argparse
import copy
import dataclasses
import time
from pathlib import Path
from typing import Any

from markovgpt.analysis.arguments import Target
from markovgpt.analysis.attribution import Attribution, attribute_change
from markovgpt.analysis.change import Change
from markovgpt.analysis.comparison import ChainComparison, KLRate, compare_chains
from markovgpt.analysis.greedy_comparison import GreedyComparison, Loop, compare_greedy
from markovgpt.analysis.result import Answer
from markovgpt.chains.red import red_tokens
from markovgpt.commands.options import (
    Made,
    add_common,
    add_end,
    add_start,
    chain_of,
    start_of,
    stop_tokens_of,
    token_ids,
)
from markovgpt.commands.output import bits_shown, counted, gap_shown, print_json
from markovgpt.errors import InvalidInput, NotConverged
from markovgpt.export.tables import certified_digits

SHOWN = 5  # loops, windows and tokens that are printed
MOST_PARTS = 20  # with --json


def add_compare(comparing: argparse.ArgumentParser) -> None:
    """The command's options."""
    add_common(comparing)
    comparing.add_argument("after", metavar="AFTER", help="the model to compare MODEL with; the options are for both")
    comparing.add_argument(
        "--shared",
        action="store_true",
        help="take models of different context lengths, or with their tokens in another order, over the longer windows",
    )
    asking = comparing.add_argument_group("question")
    asking.add_argument("--red", metavar="TEXT", action="append", default=[], help="a red text; may be repeated")
    asking.add_argument(
        "--red-tokens", metavar="IDS", type=token_ids, action="append", default=[], help="token ids: 19,5,24"
    )
    add_start(asking.add_mutually_exclusive_group(), "the window to begin with")
    asking.add_argument("--within", metavar="N", type=int, help="within N tokens; left out: ever")
    add_end(asking)
    comparing.set_defaults(answer=_compare)


def _compare(given: argparse.Namespace) -> None:
    began = time.perf_counter()
    start = start_of(given)
    reds: dict[str, Target] = {text: text for text in given.red}
    reds |= {",".join(map(str, tokens)): red_tokens(tokens) for tokens in given.red_tokens}
    if reds and start is None:
        raise InvalidInput("a red text is compared from one start, got none; give --start or --start-tokens")
    alone = [name for name in ("within", "avoiding", "stop", "stop_tokens") if getattr(given, name) is not None]
    if alone and not reds:
        option = "--" + alone[0].replace("_", "-")
        raise InvalidInput(f"{option} goes with --red or --red-tokens, got it alone; leave it out")
    before, after = (chain_of(_one(given, side)) for side in ("before", "after"))
    found = compare_chains(before.chain, after.chain, start=start, shared=given.shared)
    loops = compare_greedy(before.table, after.table, shared=given.shared)
    ends = {"avoiding": given.avoiding, "stop_tokens": stop_tokens_of(given, found.before.vocabulary)}
    changes = {
        name: attribute_change(found.before, found.after, red, start=start, within=given.within, k=MOST_PARTS, **ends)
        for name, red in reds.items()
    }
    if given.json:
        _print_json(given, (before, after), found, loops, changes, began)
        return
    print("\n".join([*_rows(found), *_long_run(found), *_loops(loops)]))
    for name, change in changes.items():
        print("\n".join(_red(name, change)))


def _one(given: argparse.Namespace, side: str) -> argparse.Namespace:
    """The options for one of the two models; each keeps its table in a folder of its own."""
    own = copy.copy(given)
    own.model = given.model if side == "before" else given.after
    own.on_disk = None if given.on_disk is None else str(Path(given.on_disk) / side)
    return own


def _rows(found: ChainComparison) -> list[str]:
    """What differs row by row."""
    n, state = found.before.n_states, found.worst_state
    if found.identical:
        return [f"the two chains are the same, number by number, in all {n} windows"]
    varied = certified_digits(found.total_variation, state)
    lines = [
        f"windows that go on differently: {int((~found.rows.same).sum())} of {n}, most of all "
        f"{found.before.label(state)!r}, by {varied} in total variation"
    ]
    for name, count, examples in (("gained", found.n_gained, found.gained), ("lost", found.n_lost, found.lost)):
        if count:
            shown = ", ".join(f"{token!r} after {window!r}" for window, token in examples)
            lines.append(f"transitions {name}: {count}, as {shown}")
    return lines


def _long_run(found: ChainComparison) -> list[str]:
    """What differs in the long run."""
    if found.long_run_is_known is not None:
        return [f"no one long run: {found.long_run_is_known}", _gaps(found)]
    entropies = f"{bits_shown(found.entropy_before)} before, {bits_shown(found.entropy_after)} after"
    return [
        f"KL rate, before to after: {_rate(found.kl_rate)}",
        f"KL rate, after to before: {_rate(found.kl_rate_back)}",
        f"total variation, on average in the long run: {certified_digits(found.mean_total_variation)}",
        f"the long run itself moved by {certified_digits(found.stationary_shift)} in total variation",
        f"entropy rate in bits per token: {entropies}",
        _gaps(found),
    ]


def _gaps(found: ChainComparison) -> str:
    """How fast the chains forget."""
    try:
        return f"spectral gap: {gap_shown(found.gap_before)} before, {gap_shown(found.gap_after)} after"
    except NotConverged as refused:
        return str(refused)


def _rate(rate: KLRate) -> str:
    """A KL rate for a reader."""
    if rate.example is None:
        return f"{certified_digits(rate.bits)} bits per token"
    window, token = rate.example
    return f"infinite: in {rate.n_infinite} windows something is impossible, as {token!r} after {window!r}"


def _loops(loops: GreedyComparison) -> list[str]:
    """What differs at temperature zero."""
    n = len(loops.moved)
    lines = [
        f"at temperature 0: {counted(len(loops.stayed), 'loop')} stayed, {len(loops.vanished)} vanished, "
        f"{len(loops.appeared)} appeared; {loops.n_moved} of {n} windows lead into another one"
    ]
    for name, side in (("vanished", loops.vanished), ("appeared", loops.appeared)):
        lines += [f"  {name}: {_loop(loop)}" for loop in side[:SHOWN]]
    return lines


def _loop(loop: Loop) -> str:
    """A loop for a reader."""
    return f"'{loop.text}' for ever, from {counted(max(loop.basin_before, loop.basin_after), 'window')}"


def _red(name: str, found: Attribution) -> list[str]:
    """The change of a red probability and what carried it."""
    change = found.change
    lines = [
        f"P({name!r}): {certified_digits(change.before)} before, {certified_digits(change.after)} after{_by(change)}"
    ]
    for (window, token), share in list(zip(found.texts, found.shares.tolist(), strict=True))[:SHOWN]:
        lines.append(f"  {share * found.unit:+.6g}  {token!r} after {window!r}")
    if found.lost:
        lines.append(f"  {found.lost * found.unit:+.6g}  in windows from which it has become impossible")
    return lines


def _by(change: Change) -> str:
    """The difference and the ratio for a reader."""
    if change.lower == change.upper == 0:
        return ": no change"
    ratio: Answer | None = change.ratio
    times = "" if ratio is None else f", {certified_digits(ratio)} times as likely"
    return f"; changed by {change.value:.12g} in [{change.lower!r}, {change.upper!r}]{times}"


def _print_json(
    given: argparse.Namespace,
    made: tuple[Made, Made],
    found: ChainComparison,
    loops: GreedyComparison,
    changes: dict[str, Attribution],
    began: float,
) -> None:
    """One object: the comparison, the loops, and each red text."""
    before, after = made
    source = after.table.source
    whole: dict[str, Any] = {"after": None if source is None else dataclasses.asdict(source)}
    whole |= {"cuts": [dataclasses.asdict(one.cuts) for one in made]}
    whole |= {"start": start_of(given), "within": given.within}
    whole |= found.summary() | {"temperature_zero": loops.summary()}
    whole["red"] = {name: change.summary() for name, change in changes.items()}
    print_json("compare", before.settings, before.table, began, whole)
