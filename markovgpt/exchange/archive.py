"""Archives from outside: a tar, plain or packed by gzip or xz, read in order, within a limit, without tar's tricks.

Nothing is ever unpacked to the disk. Files and folders are all that is taken: links, devices, sparse files, a name
twice, a path that leads elsewhere, sizes that the file does not have are refused where they stand.
"""

import gzip
import io
import lzma
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from markovgpt.errors import InvalidInput, TooLarge
from markovgpt.exchange.text_file import GZIP, quoted
from markovgpt.memory import require_memory, shown_bytes

XZ = b"\xfd7zXZ\x00"
BLOCK = tarfile.BLOCKSIZE
CHUNK = 2**20
XZ_MEMORY = 2**28  # bytes for the dictionary; the strongest preset takes a quarter of that
LONGEST_EXTENSION = 2**16  # bytes of a header that only says a long name, or dates
MEANT_FOR_OTHERS = ("mtime", "atime", "ctime", "uid", "gid", "uname", "gname", "comment")
MEANT_FOR_TOOLS = ("LIBARCHIVE.", "SCHILY.")
NOT_TAKEN = {tarfile.LNKTYPE: "a link", tarfile.SYMTYPE: "a link", tarfile.GNUTYPE_SPARSE: "a sparse file"}
FILES = (tarfile.REGTYPE, tarfile.AREGTYPE)
MAKE_IT_AGAIN = "fetch or export it again"


class Member(NamedTuple):
    """A file within the archive: its name, its bytes' number, and the stream that stands at them."""

    name: str
    size: int
    archive: "Archive"

    def array(self, kind: str) -> NDArray[Any]:
        """The whole file as numbers of a little-endian kind; refused where it claims more than fits."""
        require_memory(self.size, f"the bytes of {self.name} in {self.archive.name}", MAKE_IT_AGAIN)
        numbers = np.empty(self.size // np.dtype(kind).itemsize, dtype=kind)
        self.archive.fill(memoryview(numbers.view(np.uint8).data))
        return numbers


class Archive:
    """A tar that is read once, from its beginning to its end.

    Parameters
    ----------
    name: what refusals call it.
    stream: its bytes, unpacked.
    limit: the most bytes that are read of it; None for no limit.
    """

    def __init__(self, name: str, stream: BinaryIO, limit: int | None):
        self.name, self.stream, self.limit = name, stream, limit
        self.position = 0

    def members(self) -> Iterator[Member]:
        """Its files, one after the other; what the caller has not read of one is passed over.

        Raises
        ------
        InvalidInput: naming the entry that is no plain file or folder, or comes twice; a damaged header; the end of the
            file within an entry, or other bytes after the last one.
        """
        seen: set[str] = set()
        extended: dict[str, str] = {}
        while block := self._block():
            try:
                entry = tarfile.TarInfo.frombuf(block, "utf-8", "strict")
            except (tarfile.HeaderError, ValueError) as error:
                raise self.refusal("", "each entry must have a tar header", str(error), MAKE_IT_AGAIN) from error
            if entry.type in (tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME):
                extended |= self._extension(entry)
                continue
            name, size = extended.get("path", entry.name), _whole(extended.get("size", str(entry.size)))
            extended = {}
            self._check(name, size, entry)
            if entry.type == tarfile.DIRTYPE:
                continue
            if name in seen:
                raise self.refusal(name, "a file must be there once", "it again", MAKE_IT_AGAIN)
            seen.add(name)
            end = self.position + size
            yield Member(name, size, self)
            self._skip(end - self.position + -size % BLOCK)
        if extended:
            raise self.refusal("", "an entry must follow a header of a long name", "none", MAKE_IT_AGAIN)
        while rest := self.stream.read(CHUNK):
            self._count(len(rest))
            if any(rest):
                raise self.refusal("", "zeros must follow the last file", "other bytes", MAKE_IT_AGAIN)

    def fill(self, buffer: memoryview) -> None:
        """The next bytes, as many as the buffer holds."""
        self._count(len(buffer))
        filled = 0
        while filled < len(buffer):
            taken = self.stream.readinto(buffer[filled : filled + CHUNK])  # type: ignore[attr-defined]
            if not taken:
                raise self.refusal("", "the archive must be whole", "its end within a file", MAKE_IT_AGAIN)
            filled += taken

    def refusal(self, member: str, expected: str, got: str, remedy: str) -> InvalidInput:
        """The error for one file in it: what had to stand there, what does, and what to do."""
        place = f"{self.name}, {member}" if member else self.name
        return InvalidInput(f"{place}: {expected}, got {got}; {remedy}")

    def _block(self) -> bytes:
        """The next header; nothing where the archive says that it ends."""
        block = bytearray(BLOCK)
        self.fill(memoryview(block))
        return bytes(block) if any(block) else b""

    def _check(self, name: str, size: int, entry: tarfile.TarInfo) -> None:
        """Refuse what is no plain file or folder under a plain name."""
        if entry.type not in (*FILES, tarfile.DIRTYPE):
            kind = NOT_TAKEN.get(entry.type, "another kind")
            raise self.refusal(quoted(name), "entries must be files and folders", kind, "pack plain files")
        if any(part in ("", ".", "..") for part in name.split("/")):
            raise self.refusal(quoted(name), "a name must be a plain path within the archive", "another", MAKE_IT_AGAIN)
        if size < 0 or (size and entry.type == tarfile.DIRTYPE):
            raise self.refusal(quoted(name), "a size must be that of a file", f"{size}", MAKE_IT_AGAIN)

    def _extension(self, entry: tarfile.TarInfo) -> dict[str, str]:
        """What a header says of the next one: its long name, its size; dates and owners are no part of a chain."""
        if not 0 <= entry.size <= LONGEST_EXTENSION:
            raise self.refusal("", "a header must be short", f"{entry.size} bytes", MAKE_IT_AGAIN)
        data = bytearray(entry.size + -entry.size % BLOCK)
        self.fill(memoryview(data))
        try:
            text = data[: entry.size].decode("utf-8")
            said = {"path": text.rstrip("\0")} if entry.type == tarfile.GNUTYPE_LONGNAME else _records(text)
        except ValueError as error:
            raise self.refusal("", "a header must be readable", "another", MAKE_IT_AGAIN) from error
        others = [key for key in said if key not in ("path", "size", *MEANT_FOR_OTHERS)]
        if strange := [key for key in others if not key.startswith(MEANT_FOR_TOOLS)]:
            raise self.refusal(
                "", "entries must be files and folders", f"a header of {quoted(strange[0])}", "pack plain files"
            )
        return {key: said[key] for key in ("path", "size") if key in said}

    def _skip(self, count: int) -> None:
        """Pass over bytes."""
        scratch = memoryview(bytearray(min(count, CHUNK)))
        while count:
            piece = scratch[:count]
            self.fill(piece)
            count -= len(piece)

    def _count(self, count: int) -> None:
        """Refuse to read on where more than the limit was unpacked."""
        self.position += count
        if self.limit is not None and self.position > self.limit:
            raise TooLarge(
                f"{self.name} must unpack to at most {shown_bytes(self.limit)}, got more; give most_bytes if it is "
                "to be trusted"
            )


@contextmanager
def opened(path: str | Path, most_bytes: int) -> Iterator[Archive]:
    """The archive in a file, plain or packed by gzip or xz, whatever its name.

    Parameters
    ----------
    most_bytes: how much is unpacked of a packed one; a plain one is read as it is.

    Raises
    ------
    InvalidInput: a file that cannot be read, or is no whole archive.
    TooLarge: more than the limit.
    """
    file = Path(path)
    try:
        with file.open("rb") as stream:
            magic = stream.read(len(XZ))
            stream.seek(0)
            if magic.startswith(GZIP):
                with gzip.open(stream) as unpacked:
                    yield Archive(file.name, io.BufferedReader(unpacked, CHUNK), most_bytes)
            elif magic == XZ:
                yield Archive(file.name, io.BufferedReader(_Unpacked(stream), CHUNK), most_bytes)
            else:
                yield Archive(file.name, stream, None)
    except (EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError) as error:
        raise InvalidInput(f"{file} must be a whole gzip or xz file, got {error}; {MAKE_IT_AGAIN}") from error
    except OSError as error:
        raise InvalidInput(f"{file} must be a file that can be read, got {error.strerror}; check the path") from error


class _Unpacked(io.RawIOBase):
    """What an xz file holds; unlike `lzma.open` it takes no more memory than XZ_MEMORY, whatever the file asks for."""

    def __init__(self, packed: BinaryIO):
        self.packed = packed
        self.unpacker = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=XZ_MEMORY)

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """The next bytes; none at the end."""
        while not self.unpacker.eof:
            data = self.packed.read(CHUNK) if self.unpacker.needs_input else b""
            if self.unpacker.needs_input and not data:
                raise EOFError("its end before the end of the packed data")
            if piece := self.unpacker.decompress(data, len(buffer)):
                buffer[: len(piece)] = piece
                return len(piece)
        if self.unpacker.unused_data or self.packed.read(1):
            raise lzma.LZMAError("other bytes after its end")
        return 0


def _records(text: str) -> dict[str, str]:
    """The records of an extended header, each ``length key=value`` and a line's end.

    >>> _records("13 size=1234\\n")
    {'size': '1234'}
    """
    said: dict[str, str] = {}
    while text:
        length, _, rest = text.partition(" ")
        size = _whole(length) - len(length) - 1
        record = rest.encode("utf-8")[: max(size, 0)].decode("utf-8")
        key, equals, value = record.partition("=")
        if len(record.encode("utf-8")) != size or not equals or not value.endswith("\n") or key in said:
            raise ValueError(f"no record of a header: {record!r}")
        said[key] = value[:-1]
        text = rest[len(record) :]
    return said


def _whole(text: str) -> int:
    """A whole number, -1 where the text is none.

    >>> _whole("12"), _whole("1_2"), _whole("-3")
    (12, -1, -1)
    """
    return int(text) if text.isascii() and text.isdigit() and len(text) < 30 else -1
