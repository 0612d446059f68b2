"""`markovgpt reach`: how likely it is that a red text is written, and when."""

import argparse
import time
from typing import Any

import numpy as np

from markovgpt.analysis.arguments import Start
from markovgpt.analysis.reachability import expected_hitting_time, hitting_probability
from markovgpt.chains.red import ending_with
from markovgpt.commands.options import add_common, chain_of, token_ids
from markovgpt.commands.output import print_json, print_likeliest
from markovgpt.errors import InvalidInput
from markovgpt.export.certificates import write_certificate
from markovgpt.export.tables import certified_digits


def add_reach(commands: Any) -> None:
    """The command and its options."""
    reach = commands.add_parser("reach", help="how likely it is that a red text is written, and when")
    add_common(reach)
    red = reach.add_mutually_exclusive_group(required=True)
    red.add_argument("--red", metavar="TEXT", help="red are the windows that end with this text")
    red.add_argument("--red-tokens", metavar="IDS", type=token_ids, help="the same as token ids: 19,5,24")
    start = reach.add_mutually_exclusive_group()
    start.add_argument("--start", metavar="TEXT", help="the window to begin with; left out: every window")
    start.add_argument("--start-tokens", metavar="IDS", type=token_ids, help="the same as token ids: 0,0,0,0")
    reach.add_argument("--within", metavar="N", type=int, help="within N tokens; left out: ever, and the expected time")
    reach.add_argument("--certificate", metavar="FILE", help="write the answer with what is needed to verify it")
    reach.set_defaults(answer=_reach)


def _reach(given: argparse.Namespace) -> None:
    began = time.perf_counter()
    if given.certificate is not None and given.within is not None:
        raise InvalidInput("a certificate has no horizon, got --within; leave out --within, or --certificate")
    chain, settings, table = chain_of(given)
    wanted = given.red if given.red is not None else given.red_tokens
    red = ending_with(chain.space, wanted, chain.vocabulary)
    start: Start | None = given.start if given.start is not None else given.start_tokens
    answer = hitting_probability(chain, red, start=start, within=given.within)
    question = {"red": wanted, "start": start, "within": given.within}
    answers = {"P(red)": answer}
    if given.within is None:
        answers["expected tokens until red"] = expected_hitting_time(chain, red, start=start)
    if given.certificate is not None:
        endless = np.any(answers["expected tokens until red"].infinite)
        asked = "hitting_probability" if endless else "expected_hitting_time"
        note = f"red {wanted!r}; {settings}; {table.source}"
        write_certificate(chain, given.certificate, asked, target=red, start=start, note=note)
    if given.json:
        time_of = {f"expected_steps_{name}": v for name, v in list(answers.values())[-1].summary().items()}
        extra = {**answer.summary(), **(time_of if given.within is None else {})}
        print_json("reach", settings, table, began, {**question, **extra})
        return
    for name, each in answers.items():
        if start is None:
            print(f"{name}, from each window")
            print_likeliest(chain, each, np.arange(chain.n_states))
        else:
            print(f"{name} = {certified_digits(each)}   in [{each.lower!r}, {each.upper!r}]   ({each.method})")
