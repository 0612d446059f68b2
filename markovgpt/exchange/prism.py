"""Explicit chains of PRISM (.tra, .lab, .srew), and of Storm's dialect of the same names, told apart by the first line.

PRISM's files begin with what they hold (``2 3``: two states, three lines; ``0="init" 1="red"``), Storm's with the word
``dtmc`` and with ``#DECLARATION``; in Storm's, labels stand by name, and rewards have no header.
"""

import re
from array import array
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from markovgpt.errors import InvalidInput
from markovgpt.exchange.annotations import INIT
from markovgpt.exchange.imported import ImportedChain, build_chain, masks, rounded_reward
from markovgpt.exchange.listing import Listing
from markovgpt.exchange.plain_blocks import are_decimals, plain_numbers
from markovgpt.exchange.prism_names import NAMES_FILE, read_names
from markovgpt.exchange.prism_states import listed_state, read_states
from markovgpt.exchange.text_file import MOST_BYTES, TextFile, open_text, quoted, shortened
from markovgpt.exchange.written_numbers import exact, nearest
from markovgpt.scaled import FloatArray

NOT_A_CHAIN = (
    "three numbers, 'mdp' and 'ctmc' begin other models: fix a policy, or take the embedded chain, first; for .drn see "
    "read_drn"
)
NOT_A_REWARD = "expected a state and a reward of at least 0 (a source and a target are a transition's, not a state's)"
STORM_CHAIN, STORM_LABELS, STORM_LABELS_END = "dtmc", "#DECLARATION", "#END"
COUNTS = re.compile(r"(\d{1,30}) (\d{1,30})", re.ASCII)
TRANSITION = re.compile(r"(\d{1,18}) (\d{1,18}) (\S+)(?: \S+)?", re.ASCII)  # PRISM may add the action's name
REWARD = re.compile(r"(\d{1,18}) (\S+)", re.ASCII)
DECLARED = re.compile(r'(0|[1-9]\d*)="([^"]+)"', re.ASCII)
PRISM_LABELS = re.compile(rf"{DECLARED.pattern}(?: {DECLARED.pattern})*", re.ASCII)
BORNE = {False: re.compile(r"(\d{1,18}):((?: \d+)*)", re.ASCII), True: re.compile(r"(\d{1,18})((?: \S+)+)", re.ASCII)}


def read_prism(
    transitions: str | Path,
    labels: str | Path | None = None,
    rewards: Mapping[str, str | Path] | None = None,
    *,
    states: str | Path | None = None,
    normalise: bool = False,
    fix_deadlocks: bool = False,
    most_bytes: int = MOST_BYTES,
) -> ImportedChain:
    """The Markov chain of explicit files of PRISM or Storm, plain or gzipped.

    Parameters
    ----------
    transitions: the .tra file.
    labels: the .lab file; without one, state 0 is the initial state, as in PRISM, and no state has a label. Where
        `write_prism` left a file of names beside it, labels have the names that they were written for.
    rewards: for each name a .srew file of state rewards; a state that is not listed earns 0.
    states: the .sta file; the result has the value of each variable in each state.
    normalise: divide a row that does not sum to 1 by its sum; the result says which ones were.
    fix_deadlocks: give a state without transitions a self-loop; the result says which ones got one.
    most_bytes: the most text that is read of each file, after decompression.

    Raises
    ------
    InvalidInput: naming the file and the line: no Markov chain in discrete time; counts that do not match the header; a
        probability that is none, or listed twice; a row that does not sum to 1, exactly for fractions, within the
        rounding of its sum for decimals; a state without transitions; labels twice or undeclared, no state labelled
        init; rewards of transitions; states whose variables have the values of another's.
    TooLarge: more text than the limit, more states than fit.

    Sources
    -------
    The PRISM manual, appendix "Explicit Model Files"; Storm's documentation of its explicit format.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     tra, lab = Path(folder, "coin.tra"), Path(folder, "coin.lab")
    ...     _ = tra.write_text("2 3\\n0 0 0.25\\n0 1 0.75\\n1 1 1\\n")
    ...     _ = lab.write_text('0="init" 1="red"\\n0: 0\\n1: 1\\n')
    ...     coin = read_prism(tra, lab)
    >>> coin.chain.to_csr().toarray().tolist(), coin.labels["red"].tolist(), coin.initial.tolist()
    ([[0.25, 0.75], [0.0, 1.0]], [False, True], [True, False])
    """
    with open_text(transitions, most_bytes) as file:
        listing, n_states, of_storm = _transitions(file)
    chain, normalised, fixed = build_chain(
        listing, n_states, lambda state: 1, normalise=normalise, fix_deadlocks=fix_deadlocks
    )
    found = masks({INIT: [0]}, n_states)
    if labels is not None:
        names = read_names(labels, "labels", most_bytes)
        with open_text(labels, most_bytes) as file:
            found = masks(_labels(file, n_states, names), n_states)
    earned = {}
    for name, path in (rewards or {}).items():
        with open_text(path, most_bytes) as file:
            earned[name] = _rewards(file, n_states, of_storm=of_storm)
    variables = {}
    if states is not None:
        with open_text(states, most_bytes) as file:
            variables = read_states(file, n_states)
    return ImportedChain(chain, found, earned, found.pop(INIT), normalised, fixed, variables)


def _transitions(file: TextFile) -> tuple[Listing, int, bool]:
    """The transitions, the number of states, and whether the file is of Storm's dialect."""
    first_line, first = file.next_line() or (1, "")
    of_storm = first.lower() == STORM_CHAIN
    counts = COUNTS.fullmatch(first)
    if not of_storm and not counts:
        raise file.refusal(
            first_line,
            "a .tra file of a Markov chain must begin with its numbers of states and transitions, or with 'dtmc'",
            quoted(first),
            NOT_A_CHAIN,
        )
    listing = Listing(file)
    for block in file.rest():
        if (numbers := plain_numbers(block.text, "transitions", 3)) is not None:
            decimal, lines = are_decimals(block.text, len(numbers)), block.first + np.arange(len(numbers))
            listing.add_numbers(numbers[:, 0], numbers[:, 1:], decimal, lines)
            continue
        for line, text in block.content():
            found = TRANSITION.fullmatch(text)
            if not found:
                raise _refusal(file, line, "expected a source, a target and a probability", text)
            listing.add(int(found[1]), int(found[2]), found[3], line)
    if not counts:
        return listing, listing.last_state() + 1, of_storm
    if int(counts[2]) != listing.n_transitions:
        told = f"the header must count the transitions, of which there are {listing.n_transitions}"
        raise _refusal(file, first_line, told, first)
    return listing, int(counts[1]), of_storm


def _labels(file: TextFile, n_states: int, names: Mapping[str, str]) -> "dict[str, array[int]]":
    """The states that bear each label, by the name it stands for."""
    of_storm, declared = _declared(file)
    known = {key: names.get(name, name) for key, name in declared.items()}
    if not names.keys() <= set(declared.values()) or len(set(known.values())) < len(known):
        told = f"the labels must be those that the file {NAMES_FILE} beside it renames, no two alike"
        raise file.refusal(1, told, quoted(" ".join(declared.values())), "take that file away if it is another chain's")
    marked = {name: array("Q") for name in known.values()}
    seen = np.zeros(n_states, dtype=bool)
    for line, text in file.content():
        found = BORNE[of_storm].fullmatch(text)
        if not found:
            raise _refusal(file, line, f"expected a state and its labels, like {'0 red' if of_storm else '0: 1'}", text)
        state, keys = listed_state(file, line, found[1], seen), found[2].split()
        if not known.keys() >= set(keys) or len(set(keys)) < len(keys):
            raise _refusal(file, line, f"labels must be declared, and borne once ({shortened(' '.join(known))})", text)
        for key in keys:
            marked[known[key]].append(state)
    if not marked.get(INIT):
        raise file.refusal(file.last_line, "a state must be labelled init", "none", "label the states to start in")
    return marked


def _declared(file: TextFile) -> tuple[bool, dict[str, str]]:
    """Whether labels are declared in Storm's dialect, and the name of each by what stands for it below."""
    line, text = file.next_line() or (1, "")
    of_storm = text == STORM_LABELS
    if of_storm:
        words: list[str] = []
        while (next_line := file.next_line() or (0, ""))[1] != STORM_LABELS_END:
            if not next_line[0]:
                told = f"a declaration of labels must close with {STORM_LABELS_END}"
                raise file.refusal(line, told, "none", "export the chain again")
            words += next_line[1].split()
        pairs = [(word, word) for word in words]
    elif PRISM_LABELS.fullmatch(text):
        pairs = DECLARED.findall(text)
    else:
        raise _refusal(file, line, f'a .lab file must begin with 0="init" 1="..." or with {STORM_LABELS}', text)
    for said in zip(*pairs, strict=True):
        if len(set(said)) < len(said):
            raise _refusal(file, line, "each label must be declared once", " ".join(said))
    return of_storm, dict(pairs)


def _rewards(file: TextFile, n_states: int, *, of_storm: bool) -> FloatArray:
    """The rewards of the states."""
    header = None if of_storm else file.next_line("#") or (file.last_line, "")  # newer files begin with comments
    earned, seen = np.zeros(n_states), np.zeros(n_states, dtype=bool)
    for line, text in file.content("#"):
        found = REWARD.fullmatch(text)
        plain = nearest(found[2]) if found else None
        amount = exact(found[2]) if found and plain is None else plain
        if found is None or amount is None:
            raise _refusal(file, line, NOT_A_REWARD, text)
        state = listed_state(file, line, found[1], seen)
        earned[state] = amount if isinstance(amount, float) else rounded_reward(file, line, amount)
    n_listed = int(seen.sum())
    if header is not None and header[1] != f"{n_states} {n_listed}":
        told = f"a .srew file must begin with its numbers of states and rewards, {n_states} {n_listed}"
        raise _refusal(file, header[0], told, header[1])
    return earned


def _refusal(file: TextFile, line: int, expected: str, got: str) -> InvalidInput:
    """The refusal of a line that neither PRISM nor Storm would write for a chain."""
    return file.refusal(line, expected, quoted(got), "export the chain again")
