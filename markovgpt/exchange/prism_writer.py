"""Chains go out as explicit files of PRISM, or of Storm's dialect, in decimals that come back."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from markovgpt.chains.operator import TransitionOperator
from markovgpt.chains.states import Mask
from markovgpt.durable import replacing
from markovgpt.errors import InvalidInput
from markovgpt.exchange.annotations import INIT, annotations
from markovgpt.exchange.prism import STORM_CHAIN, STORM_LABELS, STORM_LABELS_END
from markovgpt.exchange.prism_names import files_beside, identifiers, write_names
from markovgpt.exchange.prism_states import states_text
from markovgpt.exchange.written_rows import edge_blocks, listed_rows
from markovgpt.scaled import FloatArray

DIALECTS = ("prism", "storm")
DEADLOCK = "deadlock"  # the label that model checkers give to states without transitions, of which a chain has none


def write_prism(
    chain: TransitionOperator,
    path_stem: str | Path,
    *,
    labels: Mapping[str, ArrayLike],
    initial: ArrayLike,
    rewards: Mapping[str, ArrayLike] | None = None,
    dialect: str = "prism",
) -> tuple[Path, ...]:
    """Write a chain as explicit files that `read_prism` rounds to the same numbers; returns their paths.

    From the stem ``coin`` come coin.tra, coin.lab, for each reward coin.NAME.srew, and in PRISM's dialect coin.sta
    where the states are windows: t1, t2, ... are their tokens, the oldest first, -1 where a window is too short.

    Parameters
    ----------
    labels: for each name the bool mask (n_states,) of the states that bear it. A name that is no identifier of PRISM,
        or one of its words, goes by another; the file coin.names.json says which, and `read_prism` reads it.
    initial: bool mask (n_states,) of the states to start in.
    rewards: for each name what a visit to each state earns, (n_states,); names are changed as those of labels are.
    dialect: "prism" or "storm".

    Raises
    ------
    InvalidInput: another dialect; masks and rewards that do not fit the chain; a probability below 2**-3000000; files
        beside these that would be read with them, left of another chain.

    Notes
    -----
    PRISM and Storm read a probability below the range of doubles as 0; `read_prism` does not.

    Sources
    -------
    The PRISM manual, appendix "Explicit Model Files"; Storm's documentation of its explicit format.

    >>> from tempfile import TemporaryDirectory
    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> coin = SparseChain.from_matrix([[0.25, 0.75], [0.0, 1.0]])
    >>> with TemporaryDirectory() as folder:
    ...     files = write_prism(coin, Path(folder, "coin"), labels={"my red": [False, True]}, initial=[True, False])
    ...     for file in files:
    ...         print(file.name, file.read_text(), sep="\\n")
    coin.tra
    2 3
    0 0 0.25
    0 1 0.75
    1 1 1.0
    <BLANKLINE>
    coin.lab
    0="init" 1="deadlock" 2="my_red"
    0: 0
    1: 2
    <BLANKLINE>
    """
    if dialect not in DIALECTS:
        raise InvalidInput(f"dialect must be one of {', '.join(DIALECTS)}, got {dialect!r}; see write_drn for .drn")
    said, of_storm = annotations(chain.n_states, labels, initial, rewards), dialect == "storm"
    own = {name: mask for name, mask in said.labels.items() if name != DEADLOCK or mask.any()}
    words, earning = identifiers(own), identifiers(said.rewards)
    marked = {INIT: said.initial} | ({} if DEADLOCK in own else {DEADLOCK: np.zeros(chain.n_states, dtype=bool)})
    marked |= {words[name]: mask for name, mask in own.items()}
    texts = {
        ".tra": _transitions(chain, of_storm=of_storm),
        ".lab": _labels(marked, of_storm=of_storm),
    }
    if chain.space is not None and not of_storm:
        texts[".sta"] = states_text(chain.space)
    texts |= {f".{earning[name]}.srew": _rewards(values, of_storm=of_storm) for name, values in said.rewards.items()}
    stem = Path(path_stem)
    files = tuple(stem.with_name(stem.name + ending) for ending in texts)
    labelled, states, earned = files_beside(files[0])
    left = {file for file in (labelled, states, *earned.values()) if file is not None} - set(files)
    if left:
        raise InvalidInput(
            f"all that lies beside {files[0].name} is read with it, got {min(left).name} of another chain; take it "
            "away, or give another name"
        )
    for file, pieces in zip(files, texts.values(), strict=True):
        with replacing(file) as stream:
            stream.writelines(piece.encode("ascii") for piece in pieces)
    write_names(stem, words, earning)
    return files


def _transitions(chain: TransitionOperator, *, of_storm: bool) -> Iterator[str]:
    """The text of a .tra file, piece by piece."""
    n_transitions = sum(len(edges.source) for edges in edge_blocks(chain))
    yield f"{STORM_CHAIN}\n" if of_storm else f"{chain.n_states} {n_transitions}\n"
    for listed in listed_rows(chain):
        yield "".join([f"{source} {target} {probability}\n" for source, target, probability in listed])


def _labels(marked: Mapping[str, Mask], *, of_storm: bool) -> Iterator[str]:
    """The text of a .lab file, piece by piece: a line for each state that bears a label."""
    if of_storm:
        yield f"{STORM_LABELS}\n{' '.join(marked)}\n{STORM_LABELS_END}\n"
    else:
        yield " ".join(f'{key}="{name}"' for key, name in enumerate(marked)) + "\n"
    shown = [(f" {name if of_storm else key}", mask) for key, (name, mask) in enumerate(marked.items())]
    after = "" if of_storm else ":"
    for state in np.flatnonzero(np.logical_or.reduce([*marked.values()])).tolist():
        yield f"{state}{after}{''.join([text for text, mask in shown if mask[state]])}\n"


def _rewards(values: FloatArray, *, of_storm: bool) -> Iterator[str]:
    """The text of a .srew file, piece by piece: a line for each state that earns something; never without any text."""
    earning = np.flatnonzero(values) if values.any() or not of_storm else np.zeros(1, dtype=np.int64)
    if not of_storm:
        yield f"{len(values)} {len(earning)}\n"
    for state, value in zip(earning.tolist(), values[earning].tolist(), strict=True):
        yield f"{state} {value!r}\n"
