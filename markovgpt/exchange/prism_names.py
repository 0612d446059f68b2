"""Names that PRISM's files can hold: identifiers, each standing for one name, and the file that says for which."""

import json
import re
from collections.abc import Iterable, Mapping
from itertools import chain, count
from pathlib import Path
from typing import Any

from markovgpt.durable import write_synced
from markovgpt.exchange.text_file import open_text, quoted

NAMES_FILE = ".names.json"
IDENTIFIER = re.compile(r"[A-Za-z_]\w{0,59}", re.ASCII)
WORDS = """
    A bool clock const ctmc C double dtmc E endinit endinvariant endmodule endobservables endrewards endsystem false
    formula filter func F global G init invariant I int label max mdp min module X nondeterministic observable
    observables of Pmax Pmin P pomdp popta probabilistic prob pta rate rewards Rmax Rmin R S stochastic system true U W
"""  # the manual of PRISM, "The PRISM Language"
RESERVED = frozenset([*WORDS.split(), "deadlock"])
LONGEST_STEM = 40
STEM = re.compile(r"\.(tra|lab)(\.gz)?$", re.IGNORECASE)  # what is taken off the name of a file for its stem
REMEDY = "write the chain again, or take the file away"


def identifiers(names: Iterable[str]) -> dict[str, str]:
    """An identifier for each name, no two alike however they are capitalised: the name itself where it is one.

    >>> identifiers(["two words", "two_words", "2", "init", "Red", "red"])
    {'two words': 'two_words_2', 'two_words': 'two_words', '2': '_2', 'init': 'init_2', 'Red': 'Red', 'red': 'red_2'}
    """
    given, taken = list(names), set[str]()
    chosen: dict[str, str] = {}
    for name in given:
        if _is_free(name, taken):
            chosen[name] = name
            taken.add(name.lower())
    for name in given:
        if name not in chosen:
            stem = re.sub(r"\W", "_", name[:LONGEST_STEM], flags=re.ASCII)
            stem = stem if IDENTIFIER.fullmatch(stem) else f"_{stem}"
            tried = chain([stem], (f"{stem}_{number}" for number in count(2)))
            chosen[name] = next(word for word in tried if _is_free(word, taken))
            taken.add(chosen[name].lower())
    return {name: chosen[name] for name in given}


def write_names(stem: Path, labels: Mapping[str, str], rewards: Mapping[str, str]) -> None:
    """Say beside the files which names the identifiers stand for; where they are the names, take an old file away."""
    said = {
        kind: {word: name for name, word in words.items() if word != name}
        for kind, words in (("labels", labels), ("rewards", rewards))
    }
    file = stem.with_name(stem.name + NAMES_FILE)
    if any(said.values()):
        write_synced(file, json.dumps(said, indent=1) + "\n")
    else:
        file.unlink(missing_ok=True)


def files_beside(transitions: Path) -> tuple[Path | None, Path | None, dict[str, Path]]:
    """The labels, the states and the rewards that lie beside a .tra file, and are read with it."""
    stem, folder = STEM.sub("", transitions.name), transitions.parent
    there = sorted(folder.iterdir()) if folder.is_dir() else []
    found = [other for other in there if other.name.startswith(f"{stem}.")]
    labels, states = (
        next((other for other in found if other.name in (f"{stem}.{kind}", f"{stem}.{kind}.gz")), None)
        for kind in ("lab", "sta")
    )
    rewards = {}
    for other in found:
        if named := re.fullmatch(r"(?:\.(.+?))?\.srew(?:\.gz)?", other.name[len(stem) :]):
            rewards[named[1] or ""] = other
    return labels, states, rewards


def read_names(beside: str | Path, kind: str, most_bytes: int) -> dict[str, str]:
    """What `write_names` said: the name of each identifier that stands for another.

    Parameters
    ----------
    beside: the .tra or .lab file.
    kind: "labels" or "rewards".

    Raises
    ------
    InvalidInput: a file that is not as it was written.
    TooLarge: more text than the limit.
    """
    path = Path(beside).with_name(STEM.sub("", Path(beside).name) + NAMES_FILE)
    if not path.exists():
        return {}
    with open_text(path, most_bytes) as file:
        text = "".join(block.text for block in file.rest())
        try:
            said = json.loads(text, object_pairs_hook=_once)
        except (ValueError, RecursionError):
            said = None
        found = said.get(kind) if isinstance(said, dict) else None
        if not isinstance(found, dict) or not all(isinstance(name, str) for name in found.values()):
            raise file.refusal(1, f'expected {{"{kind}": {{"two_words": "two words"}}}}', quoted(text), REMEDY)
        return dict(found)


def _is_free(word: str, taken: set[str]) -> bool:
    """Whether a word is an identifier that is not taken."""
    return bool(IDENTIFIER.fullmatch(word)) and word not in RESERVED and word.lower() not in taken


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON, refused where it says a key twice."""
    if len(dict(pairs)) < len(pairs):
        raise ValueError
    return dict(pairs)
