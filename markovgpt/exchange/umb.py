"""The unified Markov binary format (UMB 1.0) that Storm and PRISM read: a tar of an index and little-endian arrays."""

import io
import json
import re
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from markovgpt.chains.operator import TransitionOperator
from markovgpt.chains.states import Mask
from markovgpt.durable import replacing
from markovgpt.exchange.annotations import annotations

PLAIN_NAME = re.compile(r"(?!alias-[0-9])[a-z0-9_-]{1,60}")
WORD = 8  # bits are filled up to a whole number of these bytes
BOOL, DOUBLE = {"type": "bool", "size": 1}, {"type": "double", "size": 64}


def write_umb(
    chain: TransitionOperator,
    path: str | Path,
    *,
    labels: Mapping[str, ArrayLike],
    initial: ArrayLike,
    rewards: Mapping[str, ArrayLike] | None = None,
) -> Path:
    """Write a chain as a .umb archive, bit for bit its doubles; the same chain gives the same bytes. Returns the path.

    Parameters
    ----------
    labels: for each name the bool mask (n_states,) of the states that bear it. Inside the archive a name that is not of
        lower-case letters, digits, ``_`` and ``-``, at most 60 of them, goes by ``alias-0``, ``alias-1`` and so on; the
        index keeps every name as given, and model checkers show those.
    initial: bool mask (n_states,) of the states to start in.
    rewards: for each name what a visit to each state earns, (n_states,).

    Raises
    ------
    InvalidInput: masks and rewards that do not fit the chain; a probability below the range of doubles, which the
        archive would hold as impossible.

    Sources
    -------
    The UMB format specification 1.0; archives that Storm 2.0 writes.

    >>> from tempfile import TemporaryDirectory
    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> coin = SparseChain.from_matrix([[0.25, 0.75], [0.0, 1.0]])
    >>> with TemporaryDirectory() as folder:
    ...     file = write_umb(coin, Path(folder, "coin.umb"), labels={"Red": [False, True]}, initial=[True, False])
    ...     with tarfile.open(file) as archive:
    ...         print(*archive.getnames(), sep="\\n")
    index.json
    state-is-initial.bin
    choice-to-branches.bin
    branch-to-target.bin
    branch-to-probability.bin
    annotations/aps/alias-0/states/values.bin
    """
    said = annotations(chain.n_states, labels, initial, rewards)
    matrix = chain.to_csr()
    aps, earned = _plain_names(said.labels), _plain_names(said.rewards)
    index = {
        "format-version": 1,
        "format-revision": 0,
        "file-data": {"tool": "markovgpt"},
        "transition-system": {
            "time": "discrete",
            "#players": 0,
            "#states": chain.n_states,
            "#initial-states": int(said.initial.sum()),
            "#choices": chain.n_states,
            "#choice-actions": 0,
            "#branches": int(matrix.nnz),
            "#branch-actions": 0,
            "#observations": 0,
            "branch-probability-type": DOUBLE,
        },
        "annotations": {"aps": _described(aps, BOOL), "rewards": _described(earned, DOUBLE)},
    }
    file = Path(path)
    with replacing(file) as stream, tarfile.open(fileobj=stream, mode="w") as archive:
        _add(archive, "index.json", json.dumps(index, indent=1).encode())
        _add(archive, "state-is-initial.bin", _bits(said.initial))
        _add(archive, "choice-to-branches.bin", _array(matrix.indptr, "<u8"))
        _add(archive, "branch-to-target.bin", _array(matrix.indices, "<u8"))
        _add(archive, "branch-to-probability.bin", _array(matrix.data, "<f8"))
        for name, mask in said.labels.items():
            _add(archive, f"annotations/aps/{aps[name]}/states/values.bin", _bits(mask))
        for name, values in said.rewards.items():
            _add(archive, f"annotations/rewards/{earned[name]}/states/values.bin", _array(values, "<f8"))
    return file


def _plain_names(names: Iterable[str]) -> dict[str, str]:
    """A name of its own inside the archive for each name."""
    return {name: name if PLAIN_NAME.fullmatch(name) else f"alias-{place}" for place, name in enumerate(names)}


def _described(names: Mapping[str, str], kind: Mapping[str, Any]) -> dict[str, Any]:
    """What the index says of annotations of the states."""
    return {plain: {"alias": name, "applies-to": ["states"], "type": kind} for name, plain in names.items()}


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    """One more file, without a date or an owner."""
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    archive.addfile(entry, io.BytesIO(data))


def _array(values: NDArray[Any], kind: str) -> bytes:
    """An array's numbers, little-endian."""
    return values.astype(kind).tobytes()


def _bits(mask: Mask) -> bytes:
    """A bit for each state, least significant first, filled up with zeros."""
    packed = np.packbits(mask, bitorder="little").tobytes()
    return packed + bytes(-len(packed) % WORD)
