"""UMB archives for tests: packed by hand, spoiled on purpose, and read by naive code that shares nothing with ours."""

import gzip
import io
import json
import lzma
import struct
import tarfile
from fractions import Fraction
from itertools import pairwise

SYSTEM = {
    "time": "discrete",
    "#players": 0,
    "#states": 3,
    "#initial-states": 1,
    "#choices": 3,
    "#choice-actions": 0,
    "#branches": 5,
    "#branch-actions": 0,
    "#observations": 0,
    "branch-probability-type": {"type": "double", "size": 64},
}
RED = {"alias": "red", "applies-to": ["states"], "type": {"type": "bool", "size": 1}}
COST = {"alias": "Cost", "applies-to": ["states", "choices"], "lower": 0, "type": {"type": "double", "size": 64}}
INDEX = {
    "format-version": 1,
    "format-revision": 0,
    "file-data": {"tool": "a test"},
    "transition-system": SYSTEM,
    "annotations": {"aps": {"red": RED}, "rewards": {"0x43ost": COST}},
}
AP, STATE_COST, CHOICE_COST = (
    "annotations/aps/red/states/values.bin",
    "annotations/rewards/0x43ost/states/values.bin",
    "annotations/rewards/0x43ost/choices/values.bin",
)
BOUNDS, TARGETS, VALUES = "choice-to-branches.bin", "branch-to-target.bin", "branch-to-probability.bin"
INITIAL = "state-is-initial.bin"
FILES = {
    INITIAL: b"\1" + bytes(7),
    BOUNDS: struct.pack("<4Q", 0, 3, 4, 5),
    TARGETS: struct.pack("<5Q", 0, 1, 2, 1, 0),
    VALUES: struct.pack("<5d", 0.5, 0.25, 0.25, 1.0, 1.0),
    AP: b"\6" + bytes(7),
    STATE_COST: struct.pack("<3d", 0, 0.5, 0),
    CHOICE_COST: struct.pack("<3d", 2, 0, 0.25),
}
MATRIX = [[0.5, 0.25, 0.25], [0, 1, 0], [1, 0, 0]]


def tar(files, **how):
    """The bytes of a tar of files by name."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=how.get("format", tarfile.USTAR_FORMAT)) as archive:
        for name, data in files:
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            entry.pax_headers = how.get("pax_headers", {})
            archive.addfile(entry, io.BytesIO(data))
    return stream.getvalue()


def index_with(*path_and_value):
    """The index with one value changed, or taken out for None."""
    *path, last, value = path_and_value
    changed = json.loads(json.dumps(INDEX))
    place = changed
    for key in path:
        place = place[key]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return changed


def archive(index=INDEX, /, **files):
    """The bytes of the archive with some files other than FILES, by their places there; None takes one out."""
    whole = FILES | {list(FILES)[int(key[1:])]: data for key, data in files.items()}
    said = index if isinstance(index, bytes) else json.dumps(index).encode()
    return tar([("index.json", said), *((name, data) for name, data in whole.items() if data is not None)])


def rational_archive():
    """The bytes of an archive of fractions: the coin's thirds, and tenths that add up to its rewards."""
    exact = {"type": "rational", "size": 128}
    index = index_with("transition-system", "branch-probability-type", exact)
    index["annotations"]["rewards"]["0x43ost"]["type"] = exact
    parts = [[(1, 2), (1, 3), (1, 6), (1, 1), (1, 1)], [(1, 10), (0, 1), (7, 4)], [(2, 10), (3, 1), (0, 1)]]
    values, earned, more = (b"".join(struct.pack("<qQ", *pair) for pair in part) for part in parts)
    return archive(index, _3=values, _5=earned, _6=more)


def unpacked(data):
    """The bytes of a file that may be packed."""
    if data[:2] == b"\x1f\x8b":
        return gzip.decompress(data)
    return lzma.decompress(data) if data[:6] == b"\xfd7zXZ\0" else data


def files_in(data):
    """The files of an archive by their names, and its index."""
    with tarfile.open(fileobj=io.BytesIO(unpacked(data))) as opened:
        files = {entry.name: opened.extractfile(entry).read() for entry in opened if entry.isfile()}
    return files, json.loads(files["index.json"])


def naive(data):
    """The rows {target: value}, initial states, labels and rewards of an archive that is right, by plain code."""
    files, index = files_in(data)
    n = index["transition-system"]["#states"]
    kind = index["transition-system"]["branch-probability-type"]
    bounds, targets = (struct.unpack(f"<{len(files[name]) // 8}Q", files[name]) for name in (BOUNDS, TARGETS))
    values = numbers(files[VALUES], kind)
    rows = [dict(zip(targets[a:b], values[a:b], strict=True)) for a, b in pairwise(bounds)]

    def bits(name):
        whole = int.from_bytes(files[name], "little")
        return [state for state in range(n) if whole >> state & 1]

    about = index.get("annotations", {})
    labels = {
        said.get("alias", plain): bits(f"annotations/aps/{plain}/states/values.bin")
        for plain, said in about.get("aps", {}).items()
    }
    rewards = {}
    for plain, said in about.get("rewards", {}).items():
        parts = [
            numbers(files[f"annotations/rewards/{plain}/{of}/values.bin"], said["type"]) for of in said["applies-to"]
        ]
        rewards[said.get("alias", plain)] = [float(sum(amounts)) for amounts in zip(*parts, strict=True)]
    return rows, bits(INITIAL), labels, rewards


def numbers(data, kind):
    """Numbers, exactly."""
    if kind["type"] == "double":
        return [Fraction(value) for value in struct.unpack(f"<{len(data) // 8}d", data)]
    half = kind.get("size", 128) // 16
    starts = range(0, len(data), 2 * half)
    return [
        Fraction(
            int.from_bytes(data[at : at + half], "little", signed=True),
            int.from_bytes(data[at + half : at + 2 * half], "little"),
        )
        for at in starts
    ]
