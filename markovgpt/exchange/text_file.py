"""Text that comes from outside: read once, in blocks of whole lines, within a limit; quoted where it is refused."""

import gzip
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from markovgpt.errors import InvalidInput, TooLarge
from markovgpt.memory import shown_bytes

MOST_BYTES = 2**31  # some fifty million transitions
LONGEST_LINE = 2**26
MOST_QUOTED = 60
BLOCK = 2**20  # bytes that are read at once
GZIP = b"\x1f\x8b"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
Line = tuple[int, str]  # its number, counted from 1, and its text


class Block(NamedTuple):
    """Whole lines of a text, each with a line feed, which is put in where a last line is not ``closed``."""

    first: int  # the number of its first line
    text: str
    closed: bool = True

    def content(self, comment: str | None = None) -> Iterator[Line]:
        """The lines that say something, stripped; ``comment`` begins those that say nothing."""
        for number, line in enumerate(self.text.split("\n")[:-1], self.first):
            text = line.strip()
            if text and not (comment and text.startswith(comment)):
                yield number, text


@dataclass
class TextFile:
    """A text that is read from its beginning to its end, never held as a whole.

    Parameters
    ----------
    unread: its blocks, in order.
    most_bytes: how much text is read.
    last_line: the number of the last line that was read so far; at the end that of what follows the last line feed.
    """

    path: Path
    unread: Iterator[Block]
    most_bytes: int = MOST_BYTES
    last_line: int = 1
    block: Block = field(default=Block(1, ""), repr=False)
    at: int = 0  # how much of the block was taken

    @property
    def name(self) -> str:
        """The name that a refusal gives the file."""
        return self.path.name

    def begins(self) -> bool:
        """Whether there is a line that says something; blocks before it are passed over."""
        while self._advance():
            if not self.block.text.isspace():
                return True
        return False

    def next_line(self, comment: str | None = None) -> Line | None:
        """The next line that says something, stripped; None at the end."""
        said_nothing = f"(?:{re.escape(comment)}[^\\n]*+)?" if comment else ""
        silent = re.compile(rf"(?:[^\S\n]*+{said_nothing}\n)*+")  # millions of such lines are passed over at once
        while self.at < len(self.block.text) or self._advance():
            if (found := silent.match(self.block.text, self.at)) and found.end() > self.at:
                passed = self.block.text.count("\n", self.at, found.end())
                self.block, self.at = self.block._replace(first=self.block.first + passed), found.end()
                continue
            number, line = self.raw_line()
            return number, line.strip()
        return None

    def raw_line(self) -> Line:
        """The next line as it stands, perhaps empty, as all are after the end."""
        if self.at == len(self.block.text) and not self._advance():
            return self.last_line, ""
        number, end = self.block.first, self.block.text.index("\n", self.at)
        line = self.block.text[self.at : end]
        self.block, self.at = self.block._replace(first=number + 1), end + 1
        return number, line

    def rest(self) -> Iterator[Block]:
        """What was not yet taken, block by block."""
        while self.at < len(self.block.text) or self._advance():
            block = Block(self.block.first, self.block.text[self.at :] if self.at else self.block.text)
            self.block, self.at = Block(self.last_line, ""), 0
            yield block

    def content(self, comment: str | None = None) -> Iterator[Line]:
        """The lines that were not yet taken and say something, stripped; ``comment`` begins those that say nothing."""
        for block in self.rest():
            yield from block.content(comment)

    def refusal(self, line: int, expected: str, got: str, remedy: str) -> InvalidInput:
        """The error for one line: what had to stand there, what does, and what to do."""
        return InvalidInput(f"{self.name}, line {line}: {expected}, got {got}; {remedy}")

    def _advance(self) -> bool:
        """Take up the next block, if there is one."""
        for block in self.unread:
            self.last_line = block.first + block.text.count("\n") - (not block.closed)
            self.block, self.at = block, 0
            return True
        return False


@contextmanager
def open_text(path: str | Path, most_bytes: int = MOST_BYTES) -> Iterator[TextFile]:
    """A UTF-8 text file, plain or gzipped, whatever its name; a byte order mark and CRLF are taken off.

    No more than a block of it is held at a time, and what is wrong is said when its block is read.

    Parameters
    ----------
    most_bytes: how much text is read, counted after decompression.

    Raises
    ------
    InvalidInput: a file that cannot be read, is empty, damaged, or no text.
    TooLarge: more text than the limit; of a gzipped file no more than that is unpacked. A line of more than 64 MiB.
    """
    file = Path(path)
    try:
        with file.open("rb") as stream:
            packed = stream.read(len(GZIP)) == GZIP
            stream.seek(0)
            with gzip.open(stream) if packed else stream as unpacked:
                text = TextFile(file, _blocks(file, unpacked, most_bytes), most_bytes)  # type: ignore[arg-type]
                if not text.begins():
                    raise InvalidInput(f"{file} must describe a chain, got an empty file; export it again")
                yield text
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InvalidInput(f"{file} must be a whole gzip file, got {error}; fetch it again") from error
    except OSError as error:
        raise InvalidInput(f"{file} must be a file that can be read, got {error.strerror}; check the path") from error


def quoted(text: str) -> str:
    """A piece of a file as a refusal shows it.

    >>> quoted("state 0"), quoted("x" * 100)
    ("'state 0'", "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'...")
    """
    return repr(text) if len(text) <= MOST_QUOTED else f"{text[:40]!r}..."


def shortened(text: str) -> str:
    """A long text as a refusal lists it.

    >>> shortened("init red"), shortened("x" * 100)
    ('init red', 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...')
    """
    return text if len(text) <= MOST_QUOTED else f"{text[:40]}..."


def _blocks(file: Path, stream: gzip.GzipFile, most_bytes: int) -> Iterator[Block]:
    """The lines of a stream of bytes, block by block; the last line is closed where it is not."""
    first, begun = 1, list[bytes]()  # of the line that a block ends in
    for data in _pieces(file, stream, most_bytes):
        whole, feed, tail = data.rpartition(b"\n")
        if feed:
            text = _decoded(file, b"".join([*begun, whole, feed]))
            yield Block(first, text)
            first, begun = first + text.count("\n"), []
        begun.append(tail)
        if sum(map(len, begun)) > LONGEST_LINE:
            raise TooLarge(
                f"{file} must hold lines of at most {shown_bytes(LONGEST_LINE)}, got a longer one in line {first}; "
                "export the chain as text with lines"
            )
    if any(begun):
        yield Block(first, _decoded(file, b"".join([*begun, b"\n"])), closed=False)


def _pieces(file: Path, stream: gzip.GzipFile, most_bytes: int) -> Iterator[bytes]:
    """The bytes of a stream, without a byte order mark, up to the limit."""
    taken = 0
    while data := stream.read(min(BLOCK, most_bytes + 1 - taken)):
        begins, taken = taken == 0, taken + len(data)
        if taken > most_bytes:
            raise TooLarge(
                f"{file} must hold at most {shown_bytes(most_bytes)} of text, got more; give most_bytes if it is to be "
                "trusted"
            )
        yield data.removeprefix(BYTE_ORDER_MARK) if begins else data


def _decoded(file: Path, data: bytes) -> str:
    """Text in UTF-8, with line feeds alone."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise InvalidInput(f"{file} must be text in UTF-8, got other bytes; export it as text, plain or gzipped")
    return text.replace("\r\n", "\n")
