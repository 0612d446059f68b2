"""Read foreign files without running anything in them."""

import json
import pickle
from pathlib import Path
from typing import Any

from markovgpt.errors import InvalidInput

LARGEST_PICKLE = 2**24  # bytes; a vocabulary of 100,000 tokens takes less


class _PlainUnpickler(pickle.Unpickler):
    """Dicts, lists, strings and numbers; anything that would need a class is refused."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"it asks for {module}.{name}, and only plain values are read")


def read_plain_pickle(file: Path) -> Any:
    """The dicts, lists, strings and numbers in a pickle; nothing in it is run.

    Raises
    ------
    InvalidInput: a file that is no pickle, asks for a class or a function, or is larger than 16 MiB.
    """
    if not file.is_file():
        raise InvalidInput(f"{file} must be a pickle of plain values, got no such file; check the path")
    if file.stat().st_size > LARGEST_PICKLE:
        raise InvalidInput(f"{file} must be at most 16 MiB, got {file.stat().st_size} bytes; is it the vocabulary?")
    try:
        with file.open("rb") as stream:
            return _PlainUnpickler(stream).load()
    except Exception as error:  # a pickle can fail in any way
        raise InvalidInput(
            f"{file} must be a pickle of plain values, got: {error}; give the tokens as a json list instead"
        ) from error


def load_torch_file(file: Path, *, trust: bool = False) -> Any:
    """What torch.save wrote: tensors and plain values; nothing in it is run unless it is trusted.

    Parameters
    ----------
    trust: unpickle arbitrary objects, which runs whatever code the file holds. There is no other way to it.

    Raises
    ------
    InvalidInput: a truncated or damaged file, or one that holds more than tensors and plain values.
    """
    import torch  # late: torch takes a second to import

    try:
        return torch.load(file, map_location="cpu", weights_only=not trust)
    except Exception as error:  # a pickle can fail in any way
        reason = (str(error) or type(error).__name__).splitlines()[0][:200]
        raise InvalidInput(
            f"{file} must be a torch file of tensors and plain values, got: {reason}; copy it anew; if you made it "
            "yourself and it holds other objects, trust=True (--trust) unpickles them, running whatever code is inside"
        ) from error


def read_json(file: Path, kind: type, what: str, remedy: str) -> Any:
    """The json in a file, which must be of one kind: ``what`` says it in words.

    Raises
    ------
    InvalidInput: no json, or another kind.
    """
    try:
        read = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InvalidInput(f"{file} must hold {what}, got: {error}; {remedy}") from error
    if not isinstance(read, kind):
        raise InvalidInput(f"{file} must hold {what}, got {type(read).__name__}; {remedy}")
    return read
