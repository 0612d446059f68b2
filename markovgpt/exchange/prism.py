"""Explicit chains of PRISM (.tra, .lab, .srew), and of Storm's dialect of the same names, told apart by the first line.

PRISM's files begin with what they hold (``2 3``: two states, three lines; ``0="init" 1="red"``), Storm's with the word
``dtmc`` and with ``#DECLARATION``; in Storm's, labels stand by name, and rewards have no header.
"""

import re
from collections.abc import Iterator, Mapping
from itertools import takewhile
from pathlib import Path

import numpy as np

from markovgpt.errors import InvalidInput
from markovgpt.exchange.annotations import INIT
from markovgpt.exchange.imported import ImportedChain, Listing, build_chain, masks, rounded_reward
from markovgpt.exchange.text_file import MOST_BYTES, Line, TextFile, quoted, read_text
from markovgpt.exchange.written_numbers import exact
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
DECLARED = re.compile(r'(\d+)="([^"]+)"', re.ASCII)
PRISM_LABELS = re.compile(rf"{DECLARED.pattern}(?: {DECLARED.pattern})*", re.ASCII)
BORNE = {False: re.compile(r"(\d{1,18}):((?: \d+)*)", re.ASCII), True: re.compile(r"(\d{1,18})((?: \S+)+)", re.ASCII)}


def read_prism(
    transitions: str | Path,
    labels: str | Path | None = None,
    rewards: Mapping[str, str | Path] | None = None,
    *,
    normalise: bool = False,
    fix_deadlocks: bool = False,
    most_bytes: int = MOST_BYTES,
) -> ImportedChain:
    """The Markov chain of explicit files of PRISM or Storm, plain or gzipped.

    Parameters
    ----------
    transitions: the .tra file.
    labels: the .lab file; without one, state 0 is the initial state, as in PRISM, and no state has a label.
    rewards: for each name a .srew file of state rewards; a state that is not listed earns 0.
    normalise: divide a row that does not sum to 1 by its sum; the result says which ones were.
    fix_deadlocks: give a state without transitions a self-loop; the result says which ones got one.
    most_bytes: the most text that is read of each file, after decompression.

    Raises
    ------
    InvalidInput: naming the file and the line: no Markov chain in discrete time; counts that do not match the header; a
        probability that is none, or listed twice; a row that does not sum to 1, exactly for fractions, within the
        rounding of its sum for decimals; a state without transitions; labels twice or undeclared, no state labelled
        init; rewards of transitions.
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
    file = read_text(transitions, most_bytes)
    listing, n_states, of_storm = _transitions(file)
    chain, normalised, fixed = build_chain(
        listing, n_states, lambda state: 1, normalise=normalise, fix_deadlocks=fix_deadlocks
    )
    marked = {INIT: [0]} if labels is None else _labels(read_text(labels, most_bytes), n_states)
    found = masks(marked, n_states)
    earned = {
        name: _rewards(read_text(path, most_bytes), n_states, of_storm=of_storm)
        for name, path in (rewards or {}).items()
    }
    return ImportedChain(chain, found, earned, found.pop(INIT), normalised, fixed)


def _transitions(file: TextFile) -> tuple[Listing, int, bool]:
    """The transitions, the number of states, and whether the file is of Storm's dialect."""
    lines = file.content()
    first_line, first = next(lines)
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
    for line, text in lines:
        found = TRANSITION.fullmatch(text)
        if not found:
            raise _refusal(file, line, "expected a source, a target and a probability", text)
        listing.add(int(found[1]), int(found[2]), found[3], line)
    if not counts:
        return listing, max([*listing.source, *listing.target], default=-1) + 1, of_storm
    if int(counts[2]) != len(listing.line):
        told = f"the header must count the transitions, of which there are {len(listing.line)}"
        raise _refusal(file, first_line, told, first)
    return listing, int(counts[1]), of_storm


def _labels(file: TextFile, n_states: int) -> dict[str, list[int]]:
    """The states that bear each label."""
    lines = file.content()
    of_storm, names = _declared(file, lines)
    marked: dict[str, list[int]] = {name: [] for name in names.values()}
    seen: set[int] = set()
    for line, text in lines:
        found = BORNE[of_storm].fullmatch(text)
        if not found:
            raise _refusal(file, line, f"expected a state and its labels, like {'0 red' if of_storm else '0: 1'}", text)
        state, keys = _state(file, line, found[1], n_states, seen), found[2].split()
        if not names.keys() >= set(keys) or len(set(keys)) < len(keys):
            raise _refusal(file, line, f"labels must be declared, and borne once ({' '.join(names)})", text)
        for key in keys:
            marked[names[key]].append(state)
    if not marked.get(INIT):
        raise file.refusal(len(file.lines), "a state must be labelled init", "none", "label the states to start in")
    return marked


def _declared(file: TextFile, lines: Iterator[Line]) -> tuple[bool, dict[str, str]]:
    """Whether labels are declared in Storm's dialect, and the name of each by what stands for it below."""
    line, text = next(lines)
    of_storm = text == STORM_LABELS
    if of_storm:
        if STORM_LABELS_END not in file.lines:
            told = f"a declaration of labels must close with {STORM_LABELS_END}"
            raise file.refusal(line, told, "none", "export the chain again")
        words = " ".join(takewhile(lambda word: word != STORM_LABELS_END, (text for _, text in lines))).split()
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
    lines = file.content("#")  # PRISM's newer files begin with comments
    header = None if of_storm else next(lines, (len(file.lines), ""))
    earned, seen = np.zeros(n_states), set[int]()
    for line, text in lines:
        found = REWARD.fullmatch(text)
        amount = exact(found[2]) if found else None
        if found is None or amount is None:
            raise _refusal(file, line, NOT_A_REWARD, text)
        earned[_state(file, line, found[1], n_states, seen)] = rounded_reward(file, line, amount)
    if header is not None and header[1] != f"{n_states} {len(seen)}":
        told = f"a .srew file must begin with its numbers of states and rewards, {n_states} {len(seen)}"
        raise _refusal(file, header[0], told, header[1])
    return earned


def _state(file: TextFile, line: int, text: str, n_states: int, seen: set[int]) -> int:
    """The state that begins a line: one of the chain's, and no other line's."""
    state = int(text)
    if state >= n_states or state in seen:
        raise _refusal(file, line, f"expected a state in 0..{n_states - 1} that has no line yet", text)
    seen.add(state)
    return state


def _refusal(file: TextFile, line: int, expected: str, got: str) -> InvalidInput:
    """The refusal of a line that neither PRISM nor Storm would write for a chain."""
    return file.refusal(line, expected, quoted(got), "export the chain again")
