"""The unified Markov binary format (UMB 1.0) that Storm and PRISM read: a tar of an index and little-endian arrays."""

import json
import re
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from markovgpt.chains.operator import TransitionOperator
from markovgpt.chains.sparse_chain import SparseChain
from markovgpt.chains.states import Mask
from markovgpt.durable import replacing
from markovgpt.errors import InvalidInput
from markovgpt.exchange.annotations import annotations
from markovgpt.exchange.umb_index import WORD
from markovgpt.scaled import FloatArray, ScaledArray, as_floats

PLAIN_NAME = re.compile(r"(?!alias-[0-9])[a-z0-9_-]{1,60}")
LEAST_BLOCK = 2**14  # states
BLOCKS = 64  # of a chain that is not listed: as many parts are listed one after the other
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
    bounds = np.concatenate([[0], np.cumsum(np.concatenate([_terms(edges, span) for span, edges in _parts(chain)]))])
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
            "#branches": int(bounds[-1]),
            "#branch-actions": 0,
            "#observations": 0,
            "branch-probability-type": DOUBLE,
        },
        "annotations": {"aps": _described(aps, BOOL), "rewards": _described(earned, DOUBLE)},
    }
    m = int(bounds[-1])
    file = Path(path)
    with replacing(file) as stream:
        _add(stream, "index.json", [json.dumps(index, indent=1).encode()])
        _add(stream, "state-is-initial.bin", [_bits(said.initial)])
        _add(stream, "choice-to-branches.bin", [_array(bounds, "<u8")])
        _add(stream, "branch-to-target.bin", (_array(part.target, "<u8") for _, part in _parts(chain)), m)
        _add(stream, "branch-to-probability.bin", (_array(part.probability, "<f8") for _, part in _parts(chain)), m)
        for name, mask in said.labels.items():
            _add(stream, f"annotations/aps/{aps[name]}/states/values.bin", [_bits(mask)])
        for name, values in said.rewards.items():
            _add(stream, f"annotations/rewards/{earned[name]}/states/values.bin", [_array(values, "<f8")])
        stream.write(bytes(2 * tarfile.BLOCKSIZE))
        stream.write(bytes(-stream.tell() % tarfile.RECORDSIZE))
    return file


def _plain_names(names: Iterable[str]) -> dict[str, str]:
    """A name of its own inside the archive for each name."""
    return {name: name if PLAIN_NAME.fullmatch(name) else f"alias-{place}" for place, name in enumerate(names)}


def _described(names: Mapping[str, str], kind: Mapping[str, Any]) -> dict[str, Any]:
    """What the index says of annotations of the states."""
    return {plain: {"alias": name, "applies-to": ["states"], "type": kind} for name, plain in names.items()}


class _Part(NamedTuple):
    """Some of the transitions, their probabilities doubles."""

    source: NDArray[np.int64]
    target: NDArray[np.int64]
    probability: FloatArray


def _parts(chain: TransitionOperator) -> Iterator[tuple[range, _Part]]:
    """The transitions of ranges of states, one range after the other, so that a chain need not be listed as a whole.

    Raises
    ------
    InvalidInput: a probability below the range of doubles.
    """
    n = chain.n_states
    step = n if isinstance(chain, SparseChain) else max(-(-n // BLOCKS), LEAST_BLOCK)  # a SparseChain is a list
    for first in range(0, n, step):
        span = range(first, min(first + step, n))
        states = np.zeros(n, dtype=bool)
        states[first : span.stop] = True
        source, target, probability = chain.edges(None if len(span) == n else states)
        values = as_floats(probability)
        if not values.all():
            place = int(np.argmin(values))
            raise InvalidInput(
                "an archive of doubles must hold every possible transition, got a probability of "
                f"10**{ScaledArray.of(probability).log10()[place]:.1f} from state {source[place]} to {target[place]}; "
                "write_drn holds it, or raise the temperature"
            )
        yield span, _Part(source, target, values)


def _terms(edges: _Part, span: range) -> NDArray[np.int64]:
    """How many transitions leave each state of a range."""
    return np.bincount(edges.source - span.start, minlength=len(span))


def _add(stream: BinaryIO, name: str, pieces: Iterable[bytes], words: int | None = None) -> None:
    """One more file, without a date or an owner: its bytes, or pieces of so many words."""
    entry = tarfile.TarInfo(name)
    entry.size = sum(map(len, pieces)) if words is None else WORD * words  # pieces are a list, or made one by one
    stream.write(entry.tobuf())
    stream.writelines(pieces)
    stream.write(bytes(-entry.size % tarfile.BLOCKSIZE))


def _array(values: NDArray[Any], kind: str) -> bytes:
    """An array's numbers, little-endian."""
    return values.astype(kind, copy=False).tobytes()


def _bits(mask: Mask) -> bytes:
    """A bit for each state, least significant first, filled up with zeros."""
    packed = np.packbits(mask, bitorder="little").tobytes()
    return packed + bytes(-len(packed) % WORD)
