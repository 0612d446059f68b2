"""Storm's explicit format .drn: chains come in, doubles or exact fractions, and go out so that they come back.

After a header, each state stands with its rewards and labels, then its one action, then its transitions::

    state 0 [1] init red
        action 0 [0]
            0 : 0.5
            1 : 1/2

The reward of an action is earned when its state is left, so that in a chain, where a state has one action, it adds to
the state's own: the two are read as one.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from markovgpt.chains.operator import TransitionOperator
from markovgpt.durable import replacing
from markovgpt.errors import InvalidInput
from markovgpt.exchange.annotations import INIT, Annotations, annotations
from markovgpt.exchange.imported import ImportedChain, Listing, build_chain, masks, require_states, rounded_reward
from markovgpt.exchange.text_file import MOST_BYTES, Line, TextFile, quoted, read_text
from markovgpt.exchange.written_numbers import exact, read_back
from markovgpt.scaled import FloatArray, ScaledArray

ONLY_CHAINS = "read_drn reads Markov chains in discrete time: fix a policy, or take the embedded chain, first"
MUST_BE = {
    "@type": ("(?i:dtmc)", "DTMC", ONLY_CHAINS),
    "@value_type": ("double|rational", "double or rational", "export numbers, not intervals or functions"),
    "@parameters": ("", "empty", "give the parameters values before the export"),
    "@nr_states": ("[1-9][0-9]{0,30}", "a whole number of at least 1", "export the chain again"),
}
REQUIRED = ("@type", "@nr_states")
KEYS = (*MUST_BE, "@nr_choices", "@reward_models", "@model")
TRANSITION = re.compile(r"(\d{1,18}) : (\S+)", re.ASCII)
STATE = re.compile(r"state (\d{1,18})(?: \[([^]]*)\])?((?: .*)?)", re.ASCII)
ACTION = re.compile(r"action \S+(?: \[([^]]*)\])?", re.ASCII)
LABEL = re.compile(r'"([^"]+)"|([^\s"]+)')
LABELS = re.compile(rf"(?:\s+(?:{LABEL.pattern}))*")


def read_drn(
    path: str | Path, *, normalise: bool = False, fix_deadlocks: bool = False, most_bytes: int = MOST_BYTES
) -> ImportedChain:
    """The Markov chain of a .drn file of Storm, plain or gzipped.

    Parameters
    ----------
    normalise: divide a row that does not sum to 1 by its sum; the result says which ones were.
    fix_deadlocks: give a state without transitions a self-loop; the result says which ones got one.
    most_bytes: the most text that is read, after decompression.

    Raises
    ------
    InvalidInput: naming the file and the line: no chain in discrete time without parameters; counts that do not match
        the header; a probability that is none, or listed twice; a row that does not sum to 1, exactly for fractions,
        within the rounding of its sum for decimals; a state without transitions; no state labelled init.
    TooLarge: more text than the limit, more states than fit.

    Sources
    -------
    C. Hensel et al., The probabilistic model checker Storm, STTT 24 (2022); Storm's documentation of the DRN format.

    >>> from tempfile import TemporaryDirectory
    >>> text = "@type: DTMC\\n@nr_states\\n2\\n@model\\n" + (
    ...     "state 0 init\\n\\taction 0\\n\\t\\t0 : 1/4\\n\\t\\t1 : 3/4\\nstate 1 red\\n\\taction 0\\n\\t\\t1 : 1\\n"
    ... )
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder, "coin.drn")
    ...     _ = file.write_text(text)
    ...     coin = read_drn(file)
    >>> coin.chain.to_csr().toarray().tolist(), coin.labels["red"].tolist(), coin.initial.tolist()
    ([[0.25, 0.75], [0.0, 1.0]], [False, True], [True, False])
    """
    file = read_text(path, most_bytes)
    header = _header(file)
    model = _Model(file, header, Listing(file))
    for line, text in file.content("//", after=header.last_line):
        model.read(line, text)
    model.finish()
    chain, normalised, fixed = build_chain(
        model.listing, header.n_states, model.state_lines.__getitem__, normalise=normalise, fix_deadlocks=fix_deadlocks
    )
    labels = masks(model.labels, header.n_states)
    return ImportedChain(chain, labels, model.rewards(), labels.pop(INIT), normalised, fixed)


def write_drn(
    chain: TransitionOperator,
    path: str | Path,
    *,
    labels: Mapping[str, ArrayLike],
    initial: ArrayLike,
    rewards: Mapping[str, ArrayLike] | None = None,
) -> Path:
    """Write a chain as a .drn file for Storm, in decimals that `read_drn` rounds to the same numbers; returns the path.

    Parameters
    ----------
    labels: for each name the bool mask (n_states,) of the states that bear it; a label on no state is not written.
    initial: bool mask (n_states,) of the states to start in.
    rewards: for each name what a visit to each state earns, (n_states,).

    Raises
    ------
    InvalidInput: masks and rewards that do not fit the chain; names that the format cannot hold: a label with a quote
        or a character that is not printed, a reward with a space; a probability below 2**-3000000.

    >>> from tempfile import TemporaryDirectory
    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> coin = SparseChain.from_matrix([[0.25, 0.75], [0.0, 1.0]])
    >>> with TemporaryDirectory() as folder:
    ...     file = write_drn(coin, Path(folder, "coin.drn"), labels={"red": [False, True]}, initial=[True, False])
    ...     print(file.read_text())
    // Exported by markovgpt
    @type: DTMC
    @value_type: double
    @parameters
    <BLANKLINE>
    @reward_models
    <BLANKLINE>
    @nr_states
    2
    @nr_choices
    2
    @model
    state 0 init
        action 0
                0 : 0.25
                1 : 0.75
    state 1 red
        action 0
                1 : 1.0
    <BLANKLINE>
    """
    said = annotations(chain.n_states, labels, initial, rewards)
    for name in said.labels:
        if '"' in name or not name.isprintable():
            raise InvalidInput(f"a label in a .drn file must be printable, without quotes, got {name!r}; rename it")
    for name in said.rewards:
        if not name.isprintable() or " " in name:
            raise InvalidInput(f"a reward's name in a .drn file must be a word, got {name!r}; rename it")
    file = Path(path)
    with replacing(file) as stream:
        stream.writelines(text.encode("utf-8") for text in _written(chain, said))
    return file


def _written(chain: TransitionOperator, said: Annotations) -> Iterator[str]:
    """The text of a chain, piece by piece."""
    n = chain.n_states
    names = "".join(f"{name} " for name in said.rewards)
    yield "// Exported by markovgpt\n@type: DTMC\n@value_type: double\n@parameters\n\n"
    yield f"@reward_models\n{names}\n@nr_states\n{n}\n@nr_choices\n{n}\n@model\n"
    earned = [""] * n
    if said.rewards:
        columns = np.column_stack([*said.rewards.values()])
        earned = [f" [{','.join(map(repr, row))}]" for row in columns.tolist()]  # after a space Storm rounds them wrong
    borne = [""] * n
    for name, mask in {INIT: said.initial, **said.labels}.items():
        shown = name if re.fullmatch(r"\w+", name) else f'"{name}"'
        for state in np.flatnonzero(mask).tolist():
            borne[state] += f" {shown}"
    source, target, probability = chain.edges()
    scaled = ScaledArray.of(probability)
    listed = zip(source.tolist(), target.tolist(), scaled.mantissa.tolist(), scaled.exponent.tolist(), strict=True)
    for state, leaving in groupby(listed, itemgetter(0)):
        yield f"state {state}{earned[state]}{borne[state]}\n\taction 0\n"
        yield from (f"\t\t{end} : {read_back(mantissa, exponent)}\n" for _, end, mantissa, exponent in leaving)


@dataclass(frozen=True)
class _Header:
    """What the header says that the model needs, and its last line."""

    n_states: int
    rewards: tuple[str, ...]
    last_line: int


def _header(file: TextFile) -> _Header:
    """The header, checked."""
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
    return _Header(n_states, rewards, last)


def _entries(file: TextFile) -> tuple[dict[str, Line], int]:
    """The header's entries by their keys, and the line of @model."""
    found: dict[str, Line] = {}
    lines = iter(enumerate(file.lines, 1))
    for number, line in lines:
        key, colon, text = line.strip().partition(":")
        if not line.strip() or line.lstrip().startswith("//"):
            continue
        if key == "@model":
            return found, number
        if key not in KEYS:
            raise file.refusal(
                number, f"expected one of {', '.join(KEYS)}", quoted(line), "read_prism reads .tra files"
            )
        if key in found:
            raise file.refusal(number, f"{key} must be said once", "it again", f"see line {found[key][0]}")
        found[key] = (number, text) if colon else next(lines, (number, ""))
    raise file.refusal(len(file.lines), "the file must go on to @model", "its end", "fetch or export it again")


@dataclass
class _Model:
    """What the lines after @model have said so far."""

    file: TextFile
    header: _Header
    listing: Listing
    state_lines: list[int] = field(default_factory=list)
    labels: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    own_rewards: list[str] = field(default_factory=list)
    action_rewards: list[str | None] = field(default_factory=list)  # None where a state has no action yet

    def read(self, line: int, text: str) -> None:
        """One more line."""
        if found := TRANSITION.fullmatch(text):
            if not self.state_lines or self.action_rewards[-1] is None:
                raise self._refusal(line, "a transition must stand under its state's action", text)
            self.listing.add(len(self.state_lines) - 1, int(found[1]), found[2], line)
        elif found := ACTION.fullmatch(text):
            if not self.state_lines or self.action_rewards[-1] is not None:
                raise self._refusal(line, "a state must have one action, as in a Markov chain", text)
            self.action_rewards[-1] = found[1] or ""
        elif found := STATE.fullmatch(text):
            self._state(line, int(found[1]), found[2] or "", found[3])
        else:
            raise self._refusal(line, "expected 'state 0 label', 'action 0' or '0 : 0.5'", text)

    def _state(self, line: int, state: int, rewards: str, labels: str) -> None:
        """A line that begins a state."""
        expected = len(self.state_lines)
        if state != expected or state >= self.header.n_states:
            told = f"states must be listed as 0..{self.header.n_states - 1} in order, here {expected}"
            raise self._refusal(line, told, f"state {state}")
        if not LABELS.fullmatch(labels):
            raise self._refusal(line, "labels must be words, or texts in double quotes", labels)
        names = [quoted_name or word for quoted_name, word in LABEL.findall(labels)]
        if len(set(names)) < len(names):
            raise self._refusal(line, "a state must bear each label once", labels)
        for name in names:
            self.labels[name].append(state)
        self.state_lines.append(line)
        self.own_rewards.append(rewards)
        self.action_rewards.append(None)

    def finish(self) -> None:
        """Refuse a file that ends too early."""
        last, n_states = len(self.file.lines), self.header.n_states
        if len(self.state_lines) < n_states:
            told = f"the file must list {n_states} states, as @nr_states says"
            raise self.file.refusal(last, told, f"{len(self.state_lines)}", "fetch or export it again")
        if not self.labels[INIT]:
            raise self.file.refusal(last, "a state must be labelled init", "none", "label the states to start in")

    def rewards(self) -> dict[str, FloatArray]:
        """What each state earns: its own and its action's rewards, added exactly and rounded once."""
        names, known = self.header.rewards, dict[tuple[str, str | None], list[float]]()
        for line, pair in zip(self.state_lines, zip(self.own_rewards, self.action_rewards, strict=True), strict=True):
            if pair not in known:
                own, of_action = (self._amounts(line, text) for text in pair)
                known[pair] = [rounded_reward(self.file, line, sum(both)) for both in zip(own, of_action, strict=True)]
        pairs = zip(self.own_rewards, self.action_rewards, strict=True)
        values = np.array([known[pair] for pair in pairs], dtype=np.float64).reshape(len(self.state_lines), len(names))
        return {name: values[:, place].copy() for place, name in enumerate(names)}

    def _amounts(self, line: int, text: str | None) -> list[Fraction]:
        """The rewards that stand in brackets, one for each name; zeros where there are none."""
        amounts = (
            [exact(part.strip()) for part in text.split(",")] if text else [Fraction(0)] * len(self.header.rewards)
        )
        found = [amount for amount in amounts if amount is not None]
        if len(found) < len(amounts) or len(found) != len(self.header.rewards):
            told = f"expected {len(self.header.rewards)} rewards of at least 0, one for each of @reward_models"
            raise self._refusal(line, told, f"[{text}]")
        return found

    def _refusal(self, line: int, expected: str, got: str) -> InvalidInput:
        """The refusal of a line that Storm would not write for a chain."""
        return self.file.refusal(line, expected, quoted(got), "export the chain again")
