"""The header of a .drn file: which model it is, how large, and what its rewards are called."""

import re
from dataclasses import dataclass

from markovgpt.exchange.imported import require_states
from markovgpt.exchange.text_file import Line, TextFile, quoted

ONLY_CHAINS = "read_drn reads Markov chains in discrete time: fix a policy, or take the embedded chain, first"
MUST_BE = {
    "@type": ("(?i:dtmc)", "DTMC", ONLY_CHAINS),
    "@value_type": ("double|rational", "double or rational", "export numbers, not intervals or functions"),
    "@parameters": ("", "empty", "give the parameters values before the export"),
    "@nr_states": ("[1-9][0-9]{0,30}", "a whole number of at least 1", "export the chain again"),
}
REQUIRED = ("@type", "@nr_states")
KEYS = (*MUST_BE, "@nr_choices", "@reward_models", "@model")


@dataclass(frozen=True)
class Header:
    """What the header says that the model needs."""

    n_states: int
    rewards: tuple[str, ...]


def read_header(file: TextFile) -> Header:
    """The header of a file that was just opened, checked; what follows it is the model.

    Raises
    ------
    InvalidInput: a model that is no chain in discrete time without parameters; keys that are unknown, said twice or
        missing; numbers of states and choices that differ.
    TooLarge: more states than fit.
    """
    entries, last = _entries(file)
    for key, (pattern, expected, remedy) in MUST_BE.items():
        line, text = entries.get(key, (last, ""))
        if not re.fullmatch(pattern, text.strip()) and (key in entries or key in REQUIRED):
            raise file.refusal(line, f"{key} must be {expected}", quoted(text), remedy)
    n_states = int(entries["@nr_states"][1])
    require_states(n_states)
    line, text = entries.get("@nr_choices", (last, str(n_states)))
    if text.strip() != str(n_states):
        raise file.refusal(line, f"@nr_choices must be {n_states}, one a state", quoted(text), ONLY_CHAINS)
    line, text = entries.get("@reward_models", (last, ""))
    rewards = tuple(text.removesuffix(" ").split(" ")) if text else ()
    if len(set(rewards)) < len(rewards):
        raise file.refusal(line, "each of @reward_models must have its own name", quoted(text), "rename one")
    return Header(n_states, rewards)


def _entries(file: TextFile) -> tuple[dict[str, Line], int]:
    """The header's entries by their keys, and the line of @model."""
    found: dict[str, Line] = {}
    while (next_line := file.next_line("//")) is not None:
        number, line = next_line
        key, colon, text = line.partition(":")
        if key == "@model":
            return found, number
        if key not in KEYS:
            raise file.refusal(
                number, f"expected one of {', '.join(KEYS)}", quoted(line), "read_prism reads .tra files"
            )
        if key in found:
            raise file.refusal(number, f"{key} must be said once", "it again", f"see line {found[key][0]}")
        found[key] = (number, text) if colon else file.raw_line()
    raise file.refusal(file.last_line, "the file must go on to @model", "its end", "fetch or export it again")
