"""What more there is to say about a red text from one start: when, how, how often, and under which settings."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from markovgpt.analysis.arguments import Target
from markovgpt.analysis.breakpoints import break_points
from markovgpt.analysis.conditional import conditional_hitting_time
from markovgpt.analysis.counting import expected_count, occurrence_rate
from markovgpt.analysis.flows import dangerous_windows, red_flow
from markovgpt.analysis.paths import most_likely_paths
from markovgpt.analysis.quantile import hitting_quantile
from markovgpt.analysis.repetition import in_conversations
from markovgpt.analysis.result import Answer
from markovgpt.analysis.waiting import hitting_law
from markovgpt.chains.states import window_label
from markovgpt.chains.window_chain import WindowChain
from markovgpt.commands.options import Made
from markovgpt.commands.output import MOST_LINES
from markovgpt.errors import InvalidInput
from markovgpt.export.tables import certified_digits


@dataclass(frozen=True, eq=False)
class Asked:
    """A question about red.

    Parameters
    ----------
    red, wanted: the target, and how the user said it.
    start: where to begin, None for every window.
    avoiding: texts that end the walk, None for none.
    """

    chain: WindowChain
    red: Target
    wanted: Any
    start: Any
    within: int | None
    avoiding: list[str] | None
    stop_tokens: tuple[int, ...]

    @property
    def ends(self) -> dict[str, Any]:
        """What ends the walk, as keywords."""
        return {"avoiding": self.avoiding, "stop_tokens": self.stop_tokens}

    @property
    def described(self) -> dict[str, Any]:
        """The question, for a reader of JSON."""
        start = "long run" if isinstance(self.start, Answer) else self.start
        asked = {"red": self.wanted, "start": start, "within": self.within}
        return asked | {"avoiding": self.avoiding, "stop_tokens": list(self.stop_tokens)}


@dataclass(frozen=True)
class Detail:
    """Something said about a question, in lines and as JSON."""

    lines: list[str]
    described: dict[str, Any]


def add_details(parser: argparse.ArgumentParser) -> None:
    """The options that say more; each needs one start."""
    more = parser.add_argument_group("more about it, from one start")
    more.add_argument("--conversations", metavar="N", type=int, help="at least one red in N of them")
    more.add_argument("--count", metavar="N", type=int, help="how often red is expected in the next N tokens")
    more.add_argument("--rate", metavar="N", type=float, help="how often per N tokens in the long run")
    more.add_argument("--law", metavar="N", type=int, help="the chance that red comes at each of the next N tokens")
    more.add_argument("--quantile", metavar="P", type=float, help="after how many tokens red is there with chance P")
    more.add_argument("--given-red", action="store_true", help="how many tokens it takes where red is written, ever")
    more.add_argument("--ways", metavar="K", type=int, help="the K likeliest ways to red, as text")
    more.add_argument("--windows", metavar="K", type=int, help="the K most dangerous windows, and tokens, on the way")
    more.add_argument("--break-points", action="store_true", help="at which top_k, top_p and min_p red is impossible")


def _conversations(asked: Asked, made: Made, whole: Answer, count: int) -> Detail:
    """At least one red in many conversations."""
    found = in_conversations(whole, count)
    return _one(f"P(red in at least one of {count} conversations)", "in_conversations", found)


def _count(asked: Asked, made: Made, whole: Answer, tokens: int) -> Detail:
    """How often red is written."""
    found = expected_count(asked.chain, asked.red, start=asked.start, tokens=tokens, **asked.ends)
    return _one(f"expected number of times in {tokens} tokens", "expected_count", found)


def _rate(asked: Asked, made: Made, whole: Answer, per: float) -> Detail:
    """How often red is written in the long run."""
    if asked.avoiding or asked.stop_tokens:
        raise InvalidInput("--rate is that of a text without an end, got --stop or --avoiding; ask for --count instead")
    found = occurrence_rate(asked.chain, asked.red, start=asked.start, per=per)
    return _one(f"times per {per:.17g} tokens in the long run", "occurrence_rate", found)


def _law(asked: Asked, made: Made, whole: Answer, steps: int) -> Detail:
    """When red comes."""
    law = hitting_law(asked.chain, asked.red, start=asked.start, steps=steps, **asked.ends)
    shown = range(min(steps + 1, MOST_LINES))
    lines = [f"  {t}  {certified_digits(law.probability, t)}  {certified_digits(law.hazard, t)}" for t in shown]
    if steps >= MOST_LINES:
        lines.append(f"  ... and {steps + 1 - MOST_LINES} more (--json prints all)")
    return Detail(
        ["token, P(red comes with it), and the same given that it has not come", *lines], {"law": law.summary()}
    )


def _quantile(asked: Asked, made: Made, whole: Answer, probability: float) -> Detail:
    """After how many tokens red is there."""
    found = hitting_quantile(asked.chain, asked.red, probability, start=asked.start, **asked.ends)
    shown = f"{found.value}" if found.lower == found.upper else f"{found.lower} to {found.upper}"
    return Detail([f"tokens until P(red) is {probability!r}: {shown}"], {"quantile": found.summary()})


def _given_red(asked: Asked, made: Made, whole: Answer, wanted: bool) -> Detail:
    """How many tokens it takes where red is written."""
    if asked.within is not None:
        raise InvalidInput("--given-red looks at the whole way, got --within; leave one of them out")
    found = conditional_hitting_time(asked.chain, asked.red, start=asked.start, **asked.ends)
    return _one("expected tokens until red, given that it is written", "conditional_expected_steps", found)


def _ways(asked: Asked, made: Made, whole: Answer, k: int) -> Detail:
    """The likeliest ways."""
    ways = most_likely_paths(asked.chain, asked.red, start=asked.start, k=k, within=asked.within, **asked.ends)
    texts = [window_label(way.tokens or (), asked.chain.vocabulary) for way in ways]
    lines = [f"  {text}  {certified_digits(way.probability)}" for text, way in zip(texts, ways, strict=True)]
    described = [
        {"text": text, "tokens": way.tokens, **way.probability.summary()} for text, way in zip(texts, ways, strict=True)
    ]
    head = f"the {len(ways)} likeliest ways to red" if ways else "no way leads to red"
    return Detail([head, *lines], {"ways": described})


def _windows(asked: Asked, made: Made, whole: Answer, k: int) -> Detail:
    """The most dangerous windows, and the tokens written on the way."""
    if asked.within is not None:
        raise InvalidInput("--windows looks at the whole way, got --within; leave one of them out")
    found = dangerous_windows(asked.chain, asked.red, start=asked.start, k=k, **asked.ends)
    flow = red_flow(asked.chain, asked.red, start=asked.start, k=k, **asked.ends)
    tokens = [window_label((token,), asked.chain.vocabulary) for token in flow.tokens[:k]]
    lines = ["the most dangerous windows: expected visits that red follows"]
    lines += [f"  {label}  {certified_digits(found.danger, place)}" for place, label in enumerate(found.labels)]
    lines += ["how often each token is written on the way, given that red is"]
    lines += [f"  {token}  {certified_digits(flow.times_written, place)}" for place, token in enumerate(tokens)]
    return Detail(lines, {"dangerous_windows": found.summary(), "flow": flow.summary()})


def _break_points(asked: Asked, made: Made, whole: Answer, wanted: bool) -> Detail:
    """Where settings make red impossible."""
    points = break_points(
        made.table, asked.red, start=asked.start, settings=made.settings, within=asked.within, **asked.ends
    )
    lines = []
    for name, point in points.items():
        if point.possible is None:
            lines.append(f"{name}: impossible at every value")
        elif point.impossible is None:
            lines.append(f"{name}: possible at every value, as by {point.text!r}")
        else:
            lines.append(f"{name}: possible at {point.possible!r}, as by {point.text!r}; not at {point.impossible!r}")
    return Detail(lines, {"break_points": {name: point.summary() for name, point in points.items()}})


def _one(name: str, key: str, answer: Answer) -> Detail:
    """One number."""
    line = f"{name} = {certified_digits(answer)}   in [{answer.lower!r}, {answer.upper!r}]   ({answer.method})"
    return Detail([line], {key: answer.summary()})


DETAILS: dict[str, Callable[[Asked, Made, Answer, Any], Detail]] = {
    "conversations": _conversations,
    "count": _count,
    "rate": _rate,
    "law": _law,
    "quantile": _quantile,
    "given_red": _given_red,
    "ways": _ways,
    "windows": _windows,
    "break_points": _break_points,
}
