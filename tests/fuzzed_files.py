"""Files that are spoiled at random, and naive readers that say what a file holds, or that it holds no chain.

A format is a `Format`: how it is read, valid samples, an independent reader that gives a `Naive` chain or None, and how
files of it are spoiled.
Whatever our reader takes, the naive one must take too, as the same chain; see test_fuzzed_files.py.
"""

import gzip
import io
import re
import tarfile
from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import umb_files
from outside_files import COIN_DRN, COIN_LAB, COIN_LAB_STORM, COIN_SREW, COIN_TRA, COIN_TRA_STORM

import markovgpt as mg
from markovgpt.scaled import ScaledArray, to_fraction

TINY_DRN = """@type: DTMC
@nr_states
2
@model
state 0 init
\taction 0
\t\t0 : 1e-400
\t\t1 : 1.0
state 1 "a b"
\taction 0
\t\t1 : 1
"""
DECIMAL_TRA = "2 3\n0 0 0.30000000000000004\n0 1 0.7\n1 1 1\n"
PIECES = [
    *b"- . e / , : [ ] 9 0 00 1 1_0 nan inf 0x1p-1 1e-400 1e400 0.5 1/3 1/0 1.0000000001 state init dtmc #END".split(),
    *(b" ", b"\n", b"\t", b"\r\n", b"\0", b"\xff", b"\x0b", b'"', b"\xef\xbb\xbf", b"\x1f\x8b"),
    *("\u0661".encode(), "\u2028".encode()),
]
UNITS = {
    "byte": lambda data: [data[at : at + 1] for at in range(len(data))],
    "word": lambda data: re.split(rb"(\s+|[:,\[\]])", data),
    "line": lambda data: data.splitlines(keepends=True),
}


class Naive(NamedTuple):
    """What a naive reader found: nothing rounded."""

    rows: list[dict[int, Fraction]]
    decimals: set[int]  # rows with a number that may have been rounded
    labels: dict[str, set[int]]
    rewards: dict[str, list[Fraction]]


def spoiled(data, source):
    """The bytes after one to three changes of letters, words or lines; ``source`` is a random.Random."""
    for _ in range(source.choice((1, 1, 1, 2, 3))):
        unit = source.choice(("byte", "byte", "word", "line"))
        parts = UNITS[unit](data)
        if not data:
            return data
        here, there = source.randrange(len(parts)), source.randrange(len(parts))
        kind = source.choice(("flip", "delete", "duplicate", "swap", "truncate", "splice", "splice"))
        if kind == "flip":
            at = source.randrange(len(data))
            data = data[:at] + bytes([data[at] ^ (1 << source.randrange(8))]) + data[at + 1 :]
            continue
        if kind == "delete":
            parts[here] = b""
        elif kind == "duplicate":
            parts[there] += parts[here]
        elif kind == "swap":
            parts[here], parts[there] = parts[there], parts[here]
        elif kind == "truncate":
            del parts[here:]
        else:
            parts[here] = source.choice(PIECES) if source.random() < 0.5 else parts[here] + source.choice(PIECES)
        data = b"".join(parts)
    return data


def spoiled_archive(data, source):
    """An archive, or one file in it, after one to three changes; an archive around a spoiled file is whole."""
    if data[:2] == b"\x1f\x8b" or source.random() < 0.3:
        return spoiled(data, source)
    with tarfile.open(fileobj=io.BytesIO(data)) as opened:
        files = [(entry.name, opened.extractfile(entry).read()) for entry in opened]
    at = source.randrange(len(files))
    name, whole = files[at]
    if source.random() < 0.2:
        files[at] = (name, files[source.randrange(len(files))][1])
    elif len(whole) % 8 == 0 and whole and source.random() < 0.5:  # a number for another one
        here, there = (8 * source.randrange(len(whole) // 8) for _ in range(2))
        files[at] = (name, whole[:here] + whole[there : there + 8] + whole[here + 8 :])
    else:
        files[at] = (name, spoiled(whole, source))
    return umb_files.tar(files)


def text_of(data):
    """The lines that say something, or None where the bytes are no text."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else [line.strip() for line in text.replace("\r\n", "\n").split("\n")]


def number(word):
    """A number of at least 0 as a fraction, or None."""
    if not word.isascii() or "_" in word or not word[:1].isdigit() or not word[-1:].isdigit():
        return None
    try:
        return Fraction(word)
    except (ValueError, ZeroDivisionError):
        return None


def rows_of(listed, n):
    """The rows of transitions (source, target, word), and those with a decimal; None where they make no chain."""
    rows, decimals = [{} for _ in range(n)], set()
    for source, target, word in listed:
        value = number(word)
        if value is None or value > 1 or not (source < n and target < n) or target in rows[source]:
            return None
        rows[source][target] = value
        if value and set(word) & set(".eE"):
            decimals.add(source)
    for state, row in enumerate(rows):
        slack = Fraction((len(row) * 2 + 8), 2**52) if state in decimals else 0
        if abs(sum(row.values()) - 1) > slack:
            return None
    return [{target: value for target, value in row.items() if value} for row in rows], decimals


def naive_tra(data):
    """A .tra file, of either dialect."""
    lines = [line.split(" ") for line in text_of(data) or [] if line]
    if not lines:
        return None
    listed = []
    for words in lines[1:]:
        if len(words) not in (3, 4) or not all(re.fullmatch("[0-9]+", word) for word in words[:2]):
            return None
        listed.append((int(words[0]), int(words[1]), words[2]))
    n = max((state for row in listed for state in row[:2]), default=-1) + 1
    if lines[0] != ["dtmc"] and lines[0][0].lower() != "dtmc":
        if len(lines[0]) != 2 or int(lines[0][1]) != len(listed):
            return None
        n = int(lines[0][0])
    found = rows_of(listed, n) if 0 < n < 10**4 else None
    return found and Naive(*found, {"init": {0}}, {})


def naive_lab(data):
    """A .lab file of the coin's three states."""
    lines = [line for line in text_of(data) or [] if line]
    if not lines:
        return None
    if lines[0] == "#DECLARATION":
        names = {word: word for line in lines[1 : lines.index("#END")] for word in line.split()}
        body = [line.split() for line in lines[lines.index("#END") + 1 :]]
    else:
        names = dict(re.findall(r'(\d+)="([^"]+)"', lines[0]))
        body = [line.replace(":", " ", 1).split() for line in lines[1:]]
    labels = {name: set() for name in names.values()}
    for state, *keys in body:
        for key in keys:
            if int(state) > 2 or key not in names or int(state) in labels[names[key]]:
                return None
            labels[names[key]].add(int(state))
    rows, decimals = rows_of(
        [(0, 0, "0.5"), (0, 1, "0.25"), (0, 2, "0.25"), (1, 1, "1.0"), (2, 0, "1/3"), (2, 1, "2/3")], 3
    )
    return Naive(rows, decimals, labels, {}) if labels.get("init") else None


def naive_srew(data):
    """A .srew file of the coin's three states."""
    lines = [line.split() for line in text_of(data) or [] if line and not line.startswith("#")]
    if not lines or [int(word) for word in lines.pop(0)] != [3, len(lines)]:
        return None
    earned = [Fraction(0)] * 3
    if len({int(words[0]) for words in lines}) < len(lines) or any(len(words) != 2 for words in lines):
        return None
    for state, word in lines:
        value = number(word)
        if value is None or int(state) > 2:
            return None
        earned[int(state)] = value
    coin = naive_lab(COIN_LAB.encode())
    return coin._replace(labels={"init": {0}}, rewards={"cost": earned})


def naive_drn(data):
    """A .drn file."""
    lines = text_of(data) or []
    at = next((place for place, line in enumerate(lines) if line.startswith("@model")), None)
    if at is None:
        return None
    raw = [line.removesuffix("\r") for line in data.decode("utf-8-sig").split("\n")][:at]
    n = int(said(raw, "@nr_states"))
    if said(raw, "@type").strip().lower() != "dtmc":
        return None
    names = said(raw, "@reward_models")
    names = names.removesuffix(" ").split(" ") if names else []
    blocks = []  # for each state its line and those under it
    for line in lines[at + 1 :]:
        if line.startswith("state "):
            blocks.append([line])
        elif line and not line.startswith("//"):
            blocks[-1].append(line)
    return naive_states(blocks, names) if len(blocks) == n < 10**4 else None


def said(raw, key):
    """What a header says of a key: behind its colon, or in the next line."""
    for place, line in enumerate(raw):
        if line.strip().startswith(f"{key}:"):
            return line.strip().partition(":")[2]
        if line.strip() == key:
            return [*raw, ""][place + 1]
    return ""


def naive_states(blocks, names):
    """The states of a .drn file, each a list of lines."""
    listed, labels, earned = [], {}, []
    for state, (begins, action, *branches) in enumerate(blocks):
        found = re.fullmatch(r"state ([0-9]+)(?: \[([^\]]*)\])?((?: .*)?)", begins, re.ASCII)
        more = re.fullmatch(r"action \S+(?: \[([^\]]*)\])?", action, re.ASCII)
        if int(found[1]) != state:
            return None
        rows = [[number(word.strip()) for word in text.split(",")] if text else [Fraction(0)] * len(names)
                for text in (found[2], more[1])]  # fmt: skip
        if any(len(row) != len(names) or None in row for row in rows):
            return None
        earned.append([one + other for one, other in zip(*rows, strict=True)])
        for quoted, word in re.findall(r'"([^"]+)"|(\S+)', found[3]):
            labels.setdefault(quoted or word, set()).add(state)
        for branch in branches:
            target, word = branch.split(" : ")
            listed.append((state, int(target), word))
    found = rows_of(listed, len(blocks))
    rewards = {name: [row[place] for row in earned] for place, name in enumerate(names)}
    return Naive(*found, labels, rewards) if found and labels.get("init") else None


def naive_umb(data):
    """A .umb archive."""
    files, index = umb_files.files_in(data)
    rows, initial, labels, rewards = umb_files.naive(data)
    n, system, n_branches = len(rows), index["transition-system"], len(files[umb_files.TARGETS]) // 8
    is_chain = system | {"time": "discrete", "#players": 0, "#observations": 0, "#choices": n, "#states": n} == system
    exactly = system["branch-probability-type"]["type"] == "rational"
    values = [value for row in rows for value in row.values()]
    right = all(0 <= value <= 1 for value in values) and all(target < n for row in rows for target in row)
    for row in rows:
        right &= abs(sum(row.values()) - 1) <= (0 if exactly else Fraction(2 * len(row) + 8, 2**52))
    if not (right and is_chain and initial and system["#initial-states"] == len(initial)):
        return None
    if sum(map(len, rows)) != n_branches or any(amount < 0 for row in rewards.values() for amount in row):
        return None
    kept = [{target: value for target, value in row.items() if value} for row in rows]
    found = {name: set(states) for name, states in labels.items()} | {"init": set(initial)}
    return Naive(kept, set(), found, rewards)


def agrees(read, naive):
    """Whether a chain that was read is the naive one, each number of it rounded once."""
    source, target, probability = read.chain.edges()
    scaled = ScaledArray.of(probability)
    parts = map(to_fraction, scaled.mantissa.tolist(), scaled.exponent.tolist())
    kept = dict(zip(zip(source.tolist(), target.tolist(), strict=True), parts, strict=True))
    written = {(state, end): value for state, row in enumerate(naive.rows) for end, value in row.items()}
    if kept.keys() != written.keys() or read.chain.n_states != len(naive.rows):
        return False
    labels = {name: set(np.flatnonzero(mask).tolist()) for name, mask in read.labels.items()}
    labels["init"] = set(np.flatnonzero(read.initial).tolist())
    return (
        all(abs(kept[step] - value) * 2**53 <= value for step, value in written.items())
        and labels == naive.labels
        and {name: values.tolist() for name, values in read.rewards.items()}
        == {name: [*map(float, row)] for name, row in naive.rewards.items()}
    )


def beside(kind):
    """A reader of one of the coin's files, the others as they are."""

    def read(path):
        coin = path.with_name("coin.tra")
        if not coin.exists():
            coin.write_text(COIN_TRA)
        return mg.read_prism(coin, **{kind: {"cost": path} if kind == "rewards" else path})

    return read


class Format(NamedTuple):
    """One kind of files: ``read`` takes a path, ``naive`` and ``spoiled`` bytes."""

    name: str
    read: Callable
    samples: tuple[bytes, ...]
    naive: Callable
    spoiled: Callable = spoiled


FORMATS = (
    Format("tra", mg.read_prism, (COIN_TRA.encode(), COIN_TRA_STORM.encode(), DECIMAL_TRA.encode()), naive_tra),
    Format("drn", mg.read_drn, (COIN_DRN.encode(), TINY_DRN.encode()), naive_drn),
    Format("lab", beside("labels"), (COIN_LAB.encode(), COIN_LAB_STORM.encode()), naive_lab),
    Format("srew", beside("rewards"), (COIN_SREW.encode(),), naive_srew),
    Format(
        "umb",
        mg.read_umb,
        (umb_files.archive(), umb_files.rational_archive(), gzip.compress(umb_files.archive(), mtime=0)),
        naive_umb,
        spoiled_archive,
    ),
)
