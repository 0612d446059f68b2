"""One front door for the files of model checkers: which format a file is of is told by what is in it.

======  =======================================================================  ==================================
kind    what begins it                                                           read and written by
======  =======================================================================  ==================================
umb     a tar, plain or packed by gzip or xz                                     `read_umb`, `write_umb`
drn     ``@type: DTMC``, after comments                                          `read_drn`, `write_drn`
prism   two counts; labels, rewards and windows in files beside it               `read_prism`, `write_prism`
storm   ``dtmc``, the same in Storm's dialect                                    `read_prism`, `write_prism`
======  =======================================================================  ==================================
"""

import gzip
import lzma
import re
import stat
import zlib
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import BinaryIO, Protocol

from numpy.typing import ArrayLike

from markovgpt.chains.operator import TransitionOperator
from markovgpt.errors import InvalidInput
from markovgpt.exchange.archive import XZ
from markovgpt.exchange.drn import read_drn, write_drn
from markovgpt.exchange.imported import ImportedChain
from markovgpt.exchange.prism import read_prism
from markovgpt.exchange.prism_names import NAMES_FILE, files_beside, read_names
from markovgpt.exchange.prism_writer import write_prism
from markovgpt.exchange.text_file import GZIP, MOST_BYTES, quoted
from markovgpt.exchange.umb import write_umb
from markovgpt.exchange.umb_index import INDEX
from markovgpt.exchange.umb_reader import read_umb

HEAD = 512
TAR_MAGIC, MAGIC_AT = b"ustar", 257
LISTED = re.compile(r"(?i:dtmc)\s|\d+ \d+\s", re.ASCII)
DESCRIBED = re.compile(r"\s*(?:@|//)")
SUFFIXES = {".umb": "umb", ".drn": "drn", ".tra": "prism"}
PACKED = (".gz", ".xz")


class Writer(Protocol):
    """Writes a chain, and what is said about its states, to a file."""

    def __call__(
        self,
        chain: TransitionOperator,
        path: str | Path,
        *,
        labels: Mapping[str, ArrayLike],
        initial: ArrayLike,
        rewards: Mapping[str, ArrayLike] | None = None,
    ) -> Path:
        """The path of the file."""
        ...


def _explicit(
    chain: TransitionOperator,
    path: str | Path,
    *,
    labels: Mapping[str, ArrayLike],
    initial: ArrayLike,
    rewards: Mapping[str, ArrayLike] | None = None,
    dialect: str,
) -> Path:
    """The explicit files of which one is named, the .tra; see `write_prism`."""
    file = Path(path)
    stem = file.with_suffix("") if file.suffix.lower() == ".tra" else file
    return write_prism(chain, stem, labels=labels, initial=initial, rewards=rewards, dialect=dialect)[0]


WRITERS: dict[str, Writer] = {
    "umb": write_umb,
    "drn": write_drn,
    "prism": partial(_explicit, dialect="prism"),
    "storm": partial(_explicit, dialect="storm"),
}


def kind_of(path: str | Path) -> str | None:
    """The format of a chain file, "umb", "drn" or "prism" (both dialects), by what begins it, else by its name.

    None where neither tells.

    Raises
    ------
    InvalidInput: a file that cannot be read, or only once.
    """
    file = Path(path)
    try:
        if not stat.S_ISREG(file.stat().st_mode) and not file.is_dir():
            raise InvalidInput(f"{file} must be a file that stays, got a pipe or a device; save it to a file first")
        with file.open("rb") as stream:
            head = _head(stream)
    except OSError as error:
        raise InvalidInput(f"{file} must be a file that can be read, got {error.strerror}; check the path") from error
    if head[MAGIC_AT:].startswith(TAR_MAGIC) or head.startswith(INDEX.encode() + b"\0"):
        return "umb"
    text = head.decode("utf-8-sig", "replace")
    if DESCRIBED.match(text):
        return "drn"
    return "prism" if LISTED.match(text.lstrip()) else SUFFIXES.get(_plain_suffix(file))


def read_chain(path: str | Path, *, normalise: bool = False, fix_deadlocks: bool = False) -> ImportedChain:
    """The Markov chain of a file of a model checker: .umb, .drn or .tra, plain or packed, whatever its name.

    Of a .tra file the labels are read from the .lab file of the same name, the windows from the .sta file, and each
    reward from a file like ``name.cost.srew``, where these lie beside it.

    Parameters
    ----------
    normalise: divide a row that does not sum to 1 by its sum; the result says which ones were.
    fix_deadlocks: give a state without transitions a self-loop; the result says which ones got one.

    Raises
    ------
    InvalidInput: a file of another kind, and what the readers refuse: `read_umb`, `read_drn`, `read_prism`.
    TooLarge: what would not fit.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     tra = Path(folder, "coin.tra")
    ...     _ = tra.write_text("2 3\\n0 0 0.25\\n0 1 0.75\\n1 1 1\\n")
    ...     _ = Path(folder, "coin.lab").write_text('0="init" 1="red"\\n0: 0\\n1: 1\\n')
    ...     kind_of(tra), read_chain(tra).labels["red"].tolist()
    ('prism', [False, True])
    """
    kind, file = kind_of(path), Path(path)
    if kind == "umb":
        return read_umb(file, normalise=normalise, fix_deadlocks=fix_deadlocks)
    if kind == "drn":
        return read_drn(file, normalise=normalise, fix_deadlocks=fix_deadlocks)
    if kind == "prism":
        labels, states, rewards = files_beside(file)
        names = read_names(file, "rewards", MOST_BYTES)
        if not names.keys() <= rewards.keys():
            raise InvalidInput(
                f"{file.name} must have beside it the rewards that the file {NAMES_FILE} renames, got "
                f"{quoted(' '.join(rewards)) if rewards else 'none'}; take that file away if it is another chain's"
            )
        earned = {names.get(name, name): other for name, other in rewards.items()}
        return read_prism(file, labels, earned, states=states, normalise=normalise, fix_deadlocks=fix_deadlocks)
    raise InvalidInput(
        f"{file} must be a chain in a .umb, .drn or .tra file, got something else; export the chain as one of these"
    )


def write_chain(
    chain: TransitionOperator,
    path: str | Path,
    *,
    labels: Mapping[str, ArrayLike],
    initial: ArrayLike,
    rewards: Mapping[str, ArrayLike] | None = None,
) -> Path:
    """Write a chain as the file's name says: .umb, .drn, or .tra with its other files of PRISM. Returns the path.

    Parameters and refusals as for `write_umb`, `write_drn` and `write_prism`, and

    Raises
    ------
    InvalidInput: another ending.

    >>> from tempfile import TemporaryDirectory
    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> coin = SparseChain.from_matrix([[0.25, 0.75], [0.0, 1.0]])
    >>> with TemporaryDirectory() as folder:
    ...     file = write_chain(coin, Path(folder, "coin.drn"), labels={}, initial=[True, False])
    ...     read_chain(file).chain.to_csr().toarray().tolist()
    [[0.25, 0.75], [0.0, 1.0]]
    """
    kind = SUFFIXES.get(Path(path).suffix.lower())
    if kind is None:
        raise InvalidInput(
            f"the name of a chain file must end in {' or '.join(SUFFIXES)}, got {Path(path).name!r}; rename it"
        )
    return WRITERS[kind](chain, path, labels=labels, initial=initial, rewards=rewards)


def _head(stream: BinaryIO) -> bytes:
    """The first bytes, unpacked; of a damaged packing none, so that its reader says what is wrong."""
    magic = stream.read(len(XZ))
    stream.seek(0)
    try:
        if magic.startswith(GZIP):
            with gzip.open(stream) as unpacked:
                return unpacked.read(HEAD)
        if magic == XZ:
            return lzma.LZMADecompressor(memlimit=2**28).decompress(stream.read(2**16), HEAD)
    except (EOFError, OSError, zlib.error, lzma.LZMAError):
        return b""
    return stream.read(HEAD)


def _plain_suffix(file: Path) -> str:
    """The ending of a name, without that of its packing."""
    return Path(file.stem if file.suffix.lower() in PACKED else file.name).suffix.lower()
