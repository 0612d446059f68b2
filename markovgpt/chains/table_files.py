"""A table of logits as files: ``logits.npy``, one array that maps into memory, and ``manifest.json``, what it is.

While it is made (`markovgpt.chains.table_folder`) the array is ``logits.npy.partial``, and ``journal.jsonl`` names the
blocks that are on the disk.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from markovgpt.chains.states import StateSpace
from markovgpt.errors import InvalidInput
from markovgpt.models.source import ModelSource
from markovgpt.vocabulary import Vocabulary

LOGITS, PARTIAL, JOURNAL, MANIFEST = "logits.npy", "logits.npy.partial", "journal.jsonl", "manifest.json"
FORMAT = "markovgpt logit table 1"
WRONG = (KeyError, TypeError, ValueError, AttributeError)  # what reading a file of something else comes to


@dataclass(frozen=True, eq=False)
class Manifest:
    """What a table is.

    Parameters
    ----------
    identity: what determines the bytes, as json; its ``space`` are the fields of the `StateSpace`.
    dtype: of the logits.
    vocabulary, model: the tokens' strings and where the model came from, if known.
    blocks: the SHA-256 of each block.
    """

    identity: dict[str, Any]
    dtype: np.dtype[Any]
    vocabulary: Vocabulary | None
    model: ModelSource | None
    blocks: tuple[str, ...]

    @property
    def space(self) -> StateSpace:
        """The windows of the table."""
        return StateSpace(**self.identity["space"])

    def text(self) -> str:
        """The manifest as json."""
        fields = {
            "format": FORMAT,
            "identity": self.identity,
            "dtype": str(self.dtype),
            "shape": [self.space.n_states, self.space.vocab_size],
            "vocabulary": None if self.vocabulary is None else list(self.vocabulary.tokens),
            "model": None if self.model is None else asdict(self.model),
            "blocks": self.blocks,
        }
        return json.dumps(fields, indent=1) + "\n"


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest of a folder, where there is one.

    Raises
    ------
    InvalidInput: a file of that name that is something else.
    """
    file = folder / MANIFEST
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        if found["format"] != FORMAT:
            raise ValueError(f"the format {found['format']!r}")
        tokens, model = found["vocabulary"], found["model"]
        manifest = Manifest(
            found["identity"],
            np.dtype(found["dtype"]),
            None if tokens is None else Vocabulary(tuple(tokens)),
            None if model is None else ModelSource(**{**model, "notes": tuple(model["notes"])}),
            tuple(str(digest) for digest in found["blocks"]),
        )
        if found["shape"] != [manifest.space.n_states, manifest.space.vocab_size]:
            raise ValueError(f"the shape {found['shape']}")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (*WRONG, OSError) as error:
        raise InvalidInput(
            f"{file} must be the manifest of a table, got one that cannot be read ({error}); delete it, or its folder"
        ) from error
    return manifest


def read_journal(folder: Path) -> tuple[dict[str, Any], np.dtype[Any], dict[int, str]] | None:
    """What an unfinished run has noted: identity, dtype, and the SHA-256 of the blocks that are on the disk.

    A line that was cut off, or was damaged, counts for nothing.

    Raises
    ------
    InvalidInput: a file of that name whose first line is not a journal's.
    """
    file = folder / JOURNAL
    if not file.exists():
        return None
    hashes = {}
    try:
        first, *lines = file.read_text(encoding="utf-8", errors="replace").split("\n")
        head = json.loads(first)
        identity, dtype = dict(head["identity"]), np.dtype(head["dtype"])
    except (*WRONG, OSError) as error:
        raise InvalidInput(
            f"{file} must be the journal of a table, got one that cannot be read ({error}); delete it, or its folder"
        ) from error
    for line in lines:
        try:
            entry = json.loads(line)
            hashes[int(entry["block"])] = str(entry["sha256"])
        except WRONG:
            continue
    return identity, dtype, hashes


def open_table(folder: Path) -> tuple[Manifest, NDArray[np.floating[Any]]]:
    """The manifest of a whole table, and its logits, mapped into memory: nothing is read.

    Raises
    ------
    InvalidInput: no table, an unfinished one, or an array of another size than the manifest says.
    """
    manifest = read_manifest(folder)
    if manifest is None:
        state = "an unfinished one" if (folder / JOURNAL).exists() else "none"
        raise InvalidInput(f"{folder} must hold a table of logits, got {state}; make it with tabulate(directory=)")
    logits = mapped(folder / LOGITS, manifest)
    if logits is None:
        raise InvalidInput(
            f"{folder / LOGITS} must be the whole array that its manifest describes, got something else; tabulate again"
        )
    return manifest, logits


def mapped(file: Path, manifest: Manifest) -> "np.memmap[Any, Any] | None":
    """The array of a manifest in a file; None where it is missing, cut off, or another."""
    try:
        logits = np.load(file, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    expected = (manifest.space.n_states, manifest.space.vocab_size)
    whole = isinstance(logits, np.memmap) and logits.shape == expected and logits.dtype == manifest.dtype
    return logits if whole else None
