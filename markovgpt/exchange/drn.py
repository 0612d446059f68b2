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
from array import array
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from markovgpt.chains.operator import TransitionOperator
from markovgpt.durable import replacing
from markovgpt.errors import InvalidInput
from markovgpt.exchange.annotations import INIT, Annotations, annotations
from markovgpt.exchange.drn_header import Header, read_header
from markovgpt.exchange.imported import ImportedChain, build_chain, masks, rounded_reward
from markovgpt.exchange.listing import Listing
from markovgpt.exchange.plain_blocks import BranchLines, are_decimals, plain_numbers
from markovgpt.exchange.text_file import MOST_BYTES, Block, TextFile, open_text, quoted
from markovgpt.exchange.written_numbers import exact
from markovgpt.exchange.written_rows import listed_rows
from markovgpt.scaled import FloatArray

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
    with open_text(path, most_bytes) as file:
        header = read_header(file)
        model = _Model(file, header, Listing(file))
        for block in file.rest():
            model.read(block)
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
    borne = [
        (f" {name}" if re.fullmatch(r"\w+", name) else f' "{name}"', mask)
        for name, mask in {INIT: said.initial, **said.labels}.items()
    ]
    for listed in listed_rows(chain):
        for state, leaving in groupby(listed, itemgetter(0)):
            earned = ",".join([repr(float(values[state])) for values in said.rewards.values()])
            bears = "".join([name for name, mask in borne if mask[state]])
            # after a space Storm rounds rewards wrong
            yield f"state {state}{f' [{earned}]' if earned else ''}{bears}\n\taction 0\n"
            yield "".join([f"\t\t{end} : {probability}\n" for _, end, probability in leaving])


@dataclass
class _Model:
    """What the lines after @model have said so far."""

    file: TextFile
    header: Header
    listing: Listing
    state_lines: "array[int]" = field(default_factory=lambda: array("Q"))
    labels: "defaultdict[str, array[int]]" = field(default_factory=lambda: defaultdict(lambda: array("Q")))
    earned: "array[float]" = field(default_factory=lambda: array("d"))  # state after state, a number for each reward
    own_rewards: str = ""  # of the last state, as they are written
    action_rewards: str | None = None  # None where it has no action yet

    def read(self, block: Block) -> None:
        """One more block: where its transitions are plain they are read together, else line by line."""
        lines = BranchLines.of(block.text)
        numbers = plain_numbers(lines.text, "branches", 2)
        if numbers is None:
            for line, text in block.content("//"):
                self.read_line(line, text)
            return
        state, before = np.empty(len(lines.others) + 1, dtype=np.int64), 0
        for place, (end, line_text) in enumerate(zip([*lines.others, lines.n_lines], ["", *lines.texts], strict=True)):
            text = line_text.strip()
            if text and not text.startswith("//"):
                self.read_line(block.first + before - 1, text)
            state[place] = len(self.state_lines) - 1
            if before < end and self.action_rewards is None:
                raise self._stray(block.first + before, lines.text_of(before))
            before = end + 1
        self.listing.add_numbers(
            state[lines.group], numbers, are_decimals(lines.text, len(numbers)), block.first + lines.branches
        )

    def read_line(self, line: int, text: str) -> None:
        """One more line that says something."""
        if found := TRANSITION.fullmatch(text):
            if self.action_rewards is None:
                raise self._stray(line, text)
            self.listing.add(len(self.state_lines) - 1, int(found[1]), found[2], line)
        elif found := ACTION.fullmatch(text):
            if not self.state_lines or self.action_rewards is not None:
                raise self._refusal(line, "a state must have one action, as in a Markov chain", text)
            self.action_rewards = found[1] or ""
        elif found := STATE.fullmatch(text):
            self._close_state()
            self._state(line, int(found[1]), found[3])
            self.own_rewards, self.action_rewards = found[2] or "", None
        else:
            raise self._refusal(line, "expected 'state 0 label', 'action 0' or '0 : 0.5'", text)

    def _state(self, line: int, state: int, labels: str) -> None:
        """A line that begins a state."""
        expected = len(self.state_lines)
        if state != expected or state >= self.header.n_states:
            told = f"states must be listed as 0..{self.header.n_states - 1} in order, here {expected}"
            raise self._refusal(line, told, f"state {state}")
        names = _names(labels)
        if names is None:
            raise self._refusal(line, "labels must be words, or texts in double quotes", labels)
        if len(set(names)) < len(names):
            raise self._refusal(line, "a state must bear each label once", labels)
        for name in names:
            self.labels[name].append(state)
        self.state_lines.append(line)

    def _close_state(self) -> None:
        """What the last state earns: its own and its action's rewards, added exactly and rounded once."""
        if self.state_lines and self.header.rewards:
            line = self.state_lines[-1]
            own, of_action = (self._amounts(line, text) for text in (self.own_rewards, self.action_rewards))
            self.earned.extend(rounded_reward(self.file, line, sum(both)) for both in zip(own, of_action, strict=True))
        elif self.own_rewards or self.action_rewards:
            self._amounts(self.state_lines[-1], self.own_rewards or self.action_rewards)

    def finish(self) -> None:
        """Refuse a file that ends too early."""
        last, n_states = self.file.last_line, self.header.n_states
        if len(self.state_lines) < n_states:
            told = f"the file must list {n_states} states, as @nr_states says"
            raise self.file.refusal(last, told, f"{len(self.state_lines)}", "fetch or export it again")
        self._close_state()
        if INIT not in self.labels:
            raise self.file.refusal(last, "a state must be labelled init", "none", "label the states to start in")

    def rewards(self) -> dict[str, FloatArray]:
        """What each state earns, by the names of the rewards."""
        names = self.header.rewards
        values = np.asarray(self.earned).reshape(-1, len(names)) if names else np.zeros((0, 0))
        return {name: values[:, place].copy() for place, name in enumerate(names)}

    def _amounts(self, line: int, text: str | None) -> tuple[Fraction, ...]:
        """The rewards that stand in brackets, one for each name; zeros where there are none."""
        found = _exact_amounts(text) if text else (Fraction(0),) * len(self.header.rewards)
        if found is None or len(found) != len(self.header.rewards):
            told = f"expected {len(self.header.rewards)} rewards of at least 0, one for each of @reward_models"
            raise self._refusal(line, told, f"[{text}]")
        return found

    def _stray(self, line: int, text: str) -> InvalidInput:
        """The refusal of a transition that belongs to no action."""
        return self._refusal(line, "a transition must stand under its state's action", text)

    def _refusal(self, line: int, expected: str, got: str) -> InvalidInput:
        """The refusal of a line that Storm would not write for a chain."""
        return self.file.refusal(line, expected, quoted(got), "export the chain again")


@lru_cache(maxsize=4096)
def _names(labels: str) -> tuple[str, ...] | None:
    """The labels that follow a state, None where the text is no list of labels."""
    if not LABELS.fullmatch(labels):
        return None
    return tuple(quoted_name or word for quoted_name, word in LABEL.findall(labels))


@lru_cache(maxsize=4096)
def _exact_amounts(text: str) -> tuple[Fraction, ...] | None:
    """Rewards with commas between them, None where one is no number of at least 0."""
    amounts = [exact(part.strip()) for part in text.split(",")]
    found = tuple(amount for amount in amounts if amount is not None)
    return found if len(found) == len(amounts) else None
