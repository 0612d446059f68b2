"""Chains out of archives in the unified Markov binary format (UMB 1.0), which Storm and PRISM write."""

import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from markovgpt.chains.states import Mask
from markovgpt.exchange.annotations import INIT
from markovgpt.exchange.archive import Archive, opened
from markovgpt.exchange.imported import ImportedChain
from markovgpt.exchange.text_file import quoted
from markovgpt.exchange.umb_index import INDEX, ONLY_CHAINS, Annotation, Index, Kind, read_index
from markovgpt.exchange.umb_rows import BOUNDS, TARGETS, VALUES, Stored, build_rows, stored
from markovgpt.memory import require_memory
from markovgpt.scaled import FloatArray

MOST_BYTES = 2**30  # unpacked: some fifty million branches
INITIAL, CHOICES = "state-is-initial.bin", "state-to-choices.bin"
SEE_INDEX = "see index.json, or export the chain again"


def read_umb(
    path: str | Path, *, normalise: bool = False, fix_deadlocks: bool = False, most_bytes: int = MOST_BYTES
) -> ImportedChain:
    """The Markov chain of a .umb archive, plain or packed by gzip or xz; doubles are taken bit for bit.

    Valuations of states, names of actions, and annotations other than labels and rewards are no part of a chain and are
    passed over. The reward of a choice is earned when its state is left: in a chain, where a state has one choice, it
    adds to the state's own.

    Parameters
    ----------
    normalise: divide a row that does not sum to 1 by its sum; the result says which ones were.
    fix_deadlocks: give a state without branches a self-loop; the result says which ones got one.
    most_bytes: how much is unpacked of an archive that is packed.

    Raises
    ------
    InvalidInput: naming the archive and the file in it: no UMB 1; no chain in discrete time; files that are missing,
        unknown, there twice or of another size than the index says, links, paths that lead out; what `build_rows`
        refuses; initial states other than the index counts; rewards that are negative or no numbers.
    TooLarge: more than the limit; a chain that does not fit, from what the index counts.

    Sources
    -------
    The UMB format specification 1.0; archives that Storm 2.0 writes.

    >>> from tempfile import TemporaryDirectory
    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> from markovgpt.exchange.umb import write_umb
    >>> coin = SparseChain.from_matrix([[0.25, 0.75], [0.0, 1.0]])
    >>> with TemporaryDirectory() as folder:
    ...     file = write_umb(coin, Path(folder, "coin.umb"), labels={"Red": [False, True]}, initial=[True, False])
    ...     read = read_umb(file)
    >>> read.chain.to_csr().toarray().tolist(), read.labels["Red"].tolist(), read.initial.tolist()
    ([[0.25, 0.75], [0.0, 1.0]], [False, True], [True, False])
    """
    with opened(path, most_bytes) as archive:
        index = read_index(archive)
    require_memory(index.needed_bytes, f"the {index.n_states} states of {path}", "read a smaller chain")
    with opened(path, most_bytes) as archive:
        files = dict(_files(archive, index))
        return _imported(archive, index, files, normalise=normalise, fix_deadlocks=fix_deadlocks)


def _files(archive: Archive, index: Index) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """The bytes of every file that belongs to the chain; each must be there, and no others."""
    sizes = index.sizes
    for member in archive.members():
        if member.name in sizes:
            size = sizes.pop(member.name)
            if member.size != size:
                raise archive.refusal(member.name, f"{size} bytes must be there", f"{member.size}", SEE_INDEX)
            yield member.name, member.array("u1")
        elif member.name == CHOICES:
            alone = np.arange(index.n_states + 1).astype("<u8").tobytes()
            if member.size != len(alone) or member.array("u1").tobytes() != alone:
                raise archive.refusal(CHOICES, "each state of a chain must have its one choice", "others", ONLY_CHAINS)
        elif member.name != INDEX and not member.name.startswith(index.passed_over):
            told = "a file must be one that the index speaks of"
            raise archive.refusal(quoted(member.name), told, "another", SEE_INDEX)
    if sizes:
        raise archive.refusal(next(iter(sizes)), "a file that the index speaks of must be there", "none", SEE_INDEX)


def _imported(
    archive: Archive, index: Index, files: dict[str, NDArray[np.uint8]], *, normalise: bool, fix_deadlocks: bool
) -> ImportedChain:
    """The chain and what is said about its states, from the bytes of the files."""
    initial = _mask(archive, index, files, INITIAL)
    if int(initial.sum()) != index.n_initial:
        raise archive.refusal(INITIAL, f"{index.n_initial} states must be initial", f"{int(initial.sum())}", SEE_INDEX)
    labels = {
        about.name: _mask(archive, index, files, f"annotations/aps/{plain}/states/values.bin")
        for plain, about in index.aps.items()
    }
    if not np.array_equal(labels.pop(INIT, initial), initial):
        raise archive.refusal(INDEX, "the label init must be of the initial states", "others", "rename it")
    rewards = {about.name: _rewards(archive, plain, about, files) for plain, about in index.rewards.items()}
    bounds, targets = (files.pop(name).view("<u8") for name in (BOUNDS, TARGETS))
    chain, normalised, fixed = build_rows(
        archive.refusal,
        bounds,
        targets,
        _stored(archive, VALUES, files.pop(VALUES), index.probability),
        normalise=normalise,
        fix_deadlocks=fix_deadlocks,
    )
    return ImportedChain(chain, labels, rewards, initial, normalised, fixed)


def _mask(archive: Archive, index: Index, files: dict[str, NDArray[np.uint8]], name: str) -> Mask:
    """The states whose bit is set."""
    bits = np.unpackbits(files[name], bitorder="little").astype(bool)
    if bits[index.n_states :].any():
        raise archive.refusal(name, "bits after the last state must be 0", "others", "export the chain again")
    return bits[: index.n_states].copy()


def _rewards(archive: Archive, plain: str, about: Annotation, files: dict[str, NDArray[np.uint8]]) -> FloatArray:
    """What a visit to each state earns: its own reward and that of its choice, rounded once."""
    names = [f"annotations/rewards/{plain}/{of}/values.bin" for of in about.of]
    parts = [_stored(archive, name, files[name], about.kind) for name in names]
    for name, part in zip(names, parts, strict=True):
        wrong = part.values is None and not (np.isfinite(part.numbers) & (part.numbers >= 0)).all()
        if wrong or (part.values is not None and any(value < 0 for value in part.values)):
            raise archive.refusal(
                name, "rewards must be finite numbers of at least 0", "others", "count gains and losses apart"
            )
    if all(part.values is None for part in parts):
        with np.errstate(over="ignore"):
            whole = np.asarray(sum(part.numbers for part in parts), dtype=np.float64)
    else:
        values = [sum((part.exact(state) for part in parts), Fraction(0)) for state in range(len(parts[0].numbers))]
        whole = np.array([_double(value) for value in values])
    if not np.isfinite(whole).all():
        raise archive.refusal(names[0], "rewards must lie in the range of doubles", "others", "count in another unit")
    return whole


def _double(value: Fraction) -> float:
    """The nearest double; infinite where that would be infinite, or read as 0."""
    try:
        nearest = float(value)
    except OverflowError:
        return math.inf
    return nearest if nearest or not value else math.inf


def _stored(archive: Archive, name: str, data: NDArray[np.uint8], kind: Kind) -> Stored:
    """The numbers of a file."""
    try:
        return stored(data, kind)
    except ZeroDivisionError as error:
        raise archive.refusal(name, "a denominator must be above 0", "0", "export the chain again") from error
