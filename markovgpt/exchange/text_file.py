"""Text that comes from outside: read whole within a limit, kept by lines, quoted where it is refused."""

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markovgpt.errors import InvalidInput, TooLarge
from markovgpt.memory import shown_bytes

MOST_BYTES = 2**28  # some five million transitions
GZIP = b"\x1f\x8b"
Line = tuple[int, str]  # its number, counted from 1, and its text


@dataclass(frozen=True)
class TextFile:
    """The lines of a text, and the name that a refusal gives it."""

    name: str
    lines: tuple[str, ...]

    def content(self, comment: str | None = None, *, after: int = 0) -> Iterator[Line]:
        """The lines after one that say something, stripped; ``comment`` begins those that say nothing."""
        for number, line in enumerate(self.lines[after:], after + 1):
            text = line.strip()
            if text and not (comment and text.startswith(comment)):
                yield number, text

    def refusal(self, line: int, expected: str, got: str, remedy: str) -> InvalidInput:
        """The error for one line: what had to stand there, what does, and what to do."""
        return InvalidInput(f"{self.name}, line {line}: {expected}, got {got}; {remedy}")


def read_text(path: str | Path, most_bytes: int = MOST_BYTES) -> TextFile:
    """The lines of a UTF-8 text file, plain or gzipped, whatever its name; a byte order mark and CRLF are taken off.

    Parameters
    ----------
    most_bytes: how much text is read, counted after decompression.

    Raises
    ------
    InvalidInput: a file that cannot be read, is empty, damaged, or no text.
    TooLarge: more text than the limit; of a gzipped file no more than that is unpacked.
    """
    file = Path(path)
    try:
        data = _bytes(file, most_bytes + 1)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InvalidInput(f"{file} must be a whole gzip file, got {error}; fetch it again") from error
    except OSError as error:
        raise InvalidInput(f"{file} must be a file that can be read, got {error.strerror}; check the path") from error
    if len(data) > most_bytes:
        raise TooLarge(
            f"{file} must hold at most {shown_bytes(most_bytes)} of text, got more; give most_bytes if it is to be "
            "trusted"
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise InvalidInput(f"{file} must be text in UTF-8, got other bytes; export it as text, plain or gzipped")
    if not text.strip():
        raise InvalidInput(f"{file} must describe a chain, got an empty file; export it again")
    return TextFile(file.name, tuple(text.replace("\r\n", "\n").split("\n")))


def quoted(text: str) -> str:
    """A piece of a file as a refusal shows it.

    >>> quoted("state 0"), quoted("x" * 100)
    ("'state 0'", "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'...")
    """
    return repr(text) if len(text) <= 60 else f"{text[:40]!r}..."


def _bytes(file: Path, limit: int) -> bytes:
    """The first bytes of a file, unpacked if need be."""
    with file.open("rb") as stream:
        packed = stream.read(len(GZIP)) == GZIP
        stream.seek(0)
        if not packed:
            return stream.read(limit)
        with gzip.open(stream) as unpacked:
            return unpacked.read(limit)
