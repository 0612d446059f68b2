"""Archives from outside: what is there is read, what is spoiled or a trick is refused where it stands."""

import gzip
import io
import lzma
import re
import tarfile

import pytest
from umb_files import tar

import markovgpt as mg
from markovgpt.exchange.archive import LONGEST_EXTENSION, _records, opened

FILES = [("a.txt", b"first"), ("folder/b.txt", bytes(range(256)) * 5), ("empty", b"")]
LONG = "folder/" + "x" * 150


@pytest.fixture
def read(tmp_path):
    """All files of an archive of these bytes."""

    def reader(data, most_bytes=10**6):
        file = tmp_path / "x.tar"
        file.write_bytes(data)
        with opened(file, most_bytes) as archive:
            return [(member.name, member.array("u1").tobytes()) for member in archive.members()]

    return reader


def with_entry(**said):
    """A tar with one entry of a type or a size of its own."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.GNU_FORMAT) as archive:
        entry = tarfile.TarInfo(said.pop("name", "a.txt"))
        for name, value in said.items():
            setattr(entry, name, value)
        archive.addfile(entry)
    return stream.getvalue()


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lzma.compress], ids=["plain", "gzip", "xz"])
@pytest.mark.parametrize("format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_files_come_in_order_however_they_are_packed(read, pack, format):
    assert read(pack(tar(FILES, format=format))) == FILES


def test_folders_are_passed_over_and_so_are_files_nobody_reads(tmp_path):
    file = tmp_path / "x.tar"
    with tarfile.open(file, "w") as archive:
        folder = tarfile.TarInfo("folder/")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name, data in FILES:
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    with opened(file, 10**6) as archive:
        assert [member.name for member in archive.members()] == [name for name, _ in FILES]


def test_long_names_and_dates_are_read_in_their_headers(read):
    assert read(tar([(LONG, b"1")], format=tarfile.GNU_FORMAT)) == [(LONG, b"1")]
    assert read(tar([(LONG, b"1")], format=tarfile.PAX_FORMAT)) == [(LONG, b"1")]
    dated = tar(FILES, format=tarfile.PAX_FORMAT, pax_headers={"mtime": "1.5", "SCHILY.dev": "7"})
    assert read(dated) == FILES


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}, "x.tar, 'a.txt': entries must be .*, got a link; pack"),
        ({"type": tarfile.LNKTYPE, "linkname": "b"}, "entries must be files and folders, got a link; pack"),
        ({"type": tarfile.GNUTYPE_SPARSE}, "entries must be files and folders, got a sparse file; pack plain files"),
        ({"type": tarfile.FIFOTYPE}, "entries must be files and folders, got another kind; pack plain files"),
        ({"type": tarfile.CHRTYPE}, "entries must be files and folders, got another kind"),
        ({"name": "../x"}, "x.tar, '../x': a name must be a plain path within the archive, got another"),
        ({"name": "/etc/passwd"}, "a name must be a plain path"),
        ({"name": "a/./b"}, "a name must be a plain path"),
        ({"size": 10**6}, "x.tar: the archive must be whole, got its end within a file; fetch or export it again"),
        ({"type": tarfile.DIRTYPE, "size": 5}, "a size must be that of a file, got 5"),
        ({"type": tarfile.XHDTYPE, "size": 10**9}, "a header must be short, got 1000000000 bytes"),
        ({"type": tarfile.GNUTYPE_LONGNAME, "size": LONGEST_EXTENSION + 1}, "a header must be short"),
        ({"type": tarfile.XHDTYPE}, "an entry must follow a header of a long name, got none"),
    ],
)
def test_tricks_of_tar_are_refused(read, entry, told):
    if entry.get("type") == tarfile.XHDTYPE and "size" not in entry:
        header = tar([(LONG, b"")], format=tarfile.PAX_FORMAT)[:1024]
        data = header + bytes(1024)
    else:
        data = with_entry(**entry)
    with pytest.raises(mg.InvalidInput, match=told):
        read(data)


def test_a_size_that_does_not_fit_is_refused_before_it_is_taken(read):
    with pytest.raises(mg.TooLarge, match=r"the bytes of a.txt in x.tar need 1.0e\+6 GB, budget"):
        read(with_entry(size=10**15))


def test_negative_sizes_are_refused(read):
    block = bytearray(with_entry()[:512])
    block[124:136] = b"\xff" * 12  # -1 to the base 256
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    with pytest.raises(mg.InvalidInput, match="a size must be that of a file, got -1"):
        read(bytes(block) + bytes(1024))


@pytest.mark.parametrize("key", ["GNU.sparse.realsize", "linkpath", "hdrcharset"])
def test_headers_that_change_what_a_file_is_are_refused(read, key):
    with pytest.raises(mg.InvalidInput, match=f"entries must be files and folders, got a header of '{key}'"):
        read(tar(FILES, format=tarfile.PAX_FORMAT, pax_headers={key: "5"}))


def test_the_name_of_a_header_is_quoted_in_part(read):
    with pytest.raises(mg.InvalidInput, match=r"got a header of 'x{40}'\.\.\.; pack plain files$"):
        read(tar(FILES, format=tarfile.PAX_FORMAT, pax_headers={"x" * 5000: "5"}))


@pytest.mark.parametrize("text", ["x size=1\n", "9 size=1", "99 size=1\n", "9 size:12\n", "9 size=1\n9 size=1\n"])
def test_records_that_are_none_are_refused(text):
    with pytest.raises(ValueError, match="no record of a header"):
        _records(text)


def test_a_file_twice_is_refused(read):
    with pytest.raises(mg.InvalidInput, match=re.escape("x.tar, a.txt: a file must be there once, got it again")):
        read(tar([*FILES, FILES[0]]))


def test_damage_is_refused(read):
    whole = tar(FILES)
    for end in (0, 100, 512, 700, 1024, 1500, 2048 + 512):
        with pytest.raises(mg.InvalidInput, match="the archive must be whole, got its end within a file"):
            read(whole[:end])
    flipped = bytearray(whole)
    flipped[5] ^= 1
    with pytest.raises(mg.InvalidInput, match="each entry must have a tar header, got bad checksum"):
        read(bytes(flipped))
    with pytest.raises(mg.InvalidInput, match="zeros must follow the last file, got other bytes"):
        read(whole + b"x")


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress], ids=["gzip", "xz"])
def test_damaged_packing_is_refused(read, pack):
    packed = pack(tar(FILES))
    flipped = bytearray(packed)
    flipped[len(packed) // 2] ^= 0x55
    for spoiled in (packed[:-5], bytes(flipped), packed + b"x"):
        with pytest.raises(mg.InvalidInput, match=r"must be a whole gzip or xz file, got .*; fetch or export it again"):
            read(spoiled)


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress], ids=["gzip", "xz"])
def test_bombs_are_not_unpacked(read, pack):
    bomb = pack(tar([("a.txt", bytes(3 * 10**6))]))
    assert len(bomb) < 10**4
    with pytest.raises(mg.TooLarge, match=r"x.tar must unpack to at most 1.0 MB, got more; give most_bytes if it is"):
        read(bomb)
    tail = pack(tar(FILES) + bytes(3 * 10**6))
    with pytest.raises(mg.TooLarge, match=r"x.tar must unpack to at most 1.0 MB"):
        read(tail)


def test_an_xz_file_gets_no_more_memory_than_there_is_for_it(read):
    large = lzma.compress(tar(FILES), filters=[{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 2**29}])
    with pytest.raises(mg.InvalidInput, match=r"must be a whole gzip or xz file, got Memory usage limit exceeded"):
        read(large)


def test_a_file_that_cannot_be_opened_is_refused(tmp_path):
    with pytest.raises(mg.InvalidInput, match=r"must be a file that can be read, got No such file"), opened("none", 1):
        pass
    with pytest.raises(mg.InvalidInput, match=r"must be a file that can be read, got Is a directory"):  # noqa: SIM117
        with opened(tmp_path, 1):
            pass
