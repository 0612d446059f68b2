"""The index of a UMB archive: what it says there is, checked, and from that the size of every file in the archive."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from markovgpt.errors import InvalidInput
from markovgpt.exchange.archive import Archive
from markovgpt.exchange.text_file import quoted
from markovgpt.memory import require_memory

INDEX = "index.json"
MOST_INDEX_BYTES = 2**24  # some hundred thousand labels
BYTES_A_LETTER = 32  # of JSON, when it is read
LARGEST_COUNT = 2**53
BYTES_A_STATE, BYTES_A_BRANCH, BYTES_A_FRACTION = 60, 60, 500
WORD = 8  # bits are filled up to a whole number of these bytes
ID = re.compile(r"[a-z0-9_-]+", re.ASCII)
KEYS = (
    "format-version",
    "format-revision",
    "model-data",
    "file-data",
    "transition-system",
    "annotations",
    "valuations",
)
SYSTEM_KEYS = (
    "time",
    "#players",
    "#states",
    "#initial-states",
    "#choices",
    "#choice-actions",
    "#branches",
    "#branch-actions",
    "#observations",
    "branch-probability-type",
)
ACTIONS = {"#choice-actions": "actions/choices/", "#branch-actions": "actions/branches/"}
ANNOTATION_KEYS = ("alias", "description", "applies-to", "type", "lower", "upper")
ONLY_CHAINS = "read_umb reads Markov chains in discrete time: fix a policy, or take the embedded chain, first"
EXPORT_AGAIN = "export the chain again"


class Kind(NamedTuple):
    """How a number is stored: "bool", "double" or "rational" (a signed numerator, then a denominator), in bits."""

    name: str
    bits: int

    def bytes_for(self, count: int) -> int:
        """The bytes of so many numbers."""
        return WORD * -(-count // (WORD * 8)) if self.name == "bool" else count * self.bits // 8


BOOL, DOUBLE, RATIONAL = Kind("bool", 1), Kind("double", 64), Kind("rational", 128)


class Annotation(NamedTuple):
    """Labels or rewards of one name: how people call them, of what ("states", "choices"), and how they are stored."""

    name: str
    of: tuple[str, ...]
    kind: Kind


@dataclass(frozen=True)
class Index:
    """What the archive of a Markov chain must hold.

    Parameters
    ----------
    aps, rewards: by their names within the archive.
    passed_over: beginnings of the names of files that are no part of a chain: valuations of states, names of actions,
        annotations of other kinds.
    """

    n_states: int
    n_initial: int
    n_branches: int
    probability: Kind
    aps: Mapping[str, Annotation]
    rewards: Mapping[str, Annotation]
    passed_over: tuple[str, ...]

    @property
    def needed_bytes(self) -> int:
        """An estimate of the peak of memory that reading takes."""
        stored = sum(self.sizes.values())
        exact = sum(about.kind.name == RATIONAL.name for about in self.rewards.values()) * self.n_states
        exact += self.n_branches if self.probability.name == RATIONAL.name else 0
        return stored + BYTES_A_STATE * self.n_states + BYTES_A_BRANCH * self.n_branches + BYTES_A_FRACTION * exact

    @property
    def sizes(self) -> dict[str, int]:
        """The bytes of each file that must be there."""
        n, m = self.n_states, self.n_branches
        whole = {
            "state-is-initial.bin": BOOL.bytes_for(n),
            "choice-to-branches.bin": WORD * (n + 1),
            "branch-to-target.bin": WORD * m,
            "branch-to-probability.bin": self.probability.bytes_for(m),
        }
        for group, annotations in (("aps", self.aps), ("rewards", self.rewards)):
            for plain, about in annotations.items():
                for of in about.of:  # of which there are as many choices as states
                    whole[f"annotations/{group}/{plain}/{of}/values.bin"] = about.kind.bytes_for(n)
        return whole


def read_index(archive: Archive) -> Index:
    """The index, which may stand anywhere in the archive.

    Raises
    ------
    InvalidInput: none; no JSON; a format other than UMB 1; a model that is no Markov chain in discrete time; keys that
        the format does not have, and that might mean anything; counts and types that fit no chain.
    """
    for member in archive.members():
        if member.name != INDEX:
            continue
        if member.size > MOST_INDEX_BYTES:
            raise archive.refusal(INDEX, "an index must be short", f"{member.size} bytes", EXPORT_AGAIN)
        require_memory(member.size * BYTES_A_LETTER, f"the index of {archive.name}", EXPORT_AGAIN)
        try:
            said = json.loads(
                member.array("u1").tobytes().decode("utf-8"),
                object_pairs_hook=partial(_once, archive),
                parse_constant=partial(_no_number, archive),
            )
        except InvalidInput:
            raise
        except (ValueError, RecursionError) as error:
            raise archive.refusal(INDEX, "the index must be JSON", f"{error}", EXPORT_AGAIN) from error
        return _Reader(archive).index(said)
    raise archive.refusal(INDEX, "a UMB archive must have an index", "none", "read_chain tells other formats apart")


def _once(archive: Archive, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON, no key twice."""
    whole = dict(pairs)
    if len(whole) < len(pairs):
        told = f"{quoted(_twice(key for key, _ in pairs))} again"
        raise archive.refusal(INDEX, "each key must be said once", told, EXPORT_AGAIN)
    return whole


def _twice(names: Iterable[str]) -> str:
    """The first name that comes more than once."""
    return next(name for name, count in Counter(names).items() if count > 1)


def _no_number(archive: Archive, text: str) -> None:
    """Refuse NaN and infinities, which JSON has not."""
    raise archive.refusal(INDEX, "numbers must be finite", text, EXPORT_AGAIN)


class _Reader:
    """Checks what an index says, part by part."""

    def __init__(self, archive: Archive):
        self.archive = archive

    def index(self, said: Any) -> Index:
        """The whole."""
        whole = self._object(said, "the index", KEYS)
        if self._count(whole, "format-version") != 1:
            raise self._refusal("format-version must be 1", quoted(str(whole["format-version"])), "export as UMB 1.0")
        self._count(whole, "format-revision")
        system = self._system(whole.get("transition-system"))
        n, m = system["#states"], system["#branches"]
        annotations = self._object(whole.get("annotations", {}), "annotations")
        others = [group for group in annotations if group not in ("aps", "rewards")]
        passed_over = [f"annotations/{group}/" for group in others] + ["valuations/"] * ("valuations" in whole)
        passed_over += [folder for key, folder in ACTIONS.items() if system[key]]
        return Index(
            n,
            system["#initial-states"],
            m,
            self._kind(system["branch-probability-type"], "branch-probability-type", (DOUBLE, RATIONAL)),
            self._annotations(annotations.get("aps", {}), "aps"),
            self._annotations(annotations.get("rewards", {}), "rewards"),
            tuple(passed_over),
        )

    def _system(self, said: Any) -> dict[str, Any]:
        """The transition system: one of a Markov chain in discrete time."""
        system = self._object(said, "transition-system", SYSTEM_KEYS)
        for key in SYSTEM_KEYS:
            if key not in system:
                raise self._refusal(f"transition-system must say {key}", "nothing", EXPORT_AGAIN)
            if key.startswith("#"):
                self._count(system, key)
        n = system["#states"]
        for key, must in {"time": "discrete", "#players": 0, "#observations": 0, "#choices": n}.items():
            if system[key] != must:
                raise self._refusal(f"{key} of a Markov chain must be {must}", quoted(str(system[key])), ONLY_CHAINS)
        if not n or not 1 <= system["#initial-states"] <= n:
            told = f"{system['#initial-states']} of {n} states"
            raise self._refusal("a chain must have states, and begin in one or more", told, EXPORT_AGAIN)
        return system

    def _annotations(self, said: Any, group: str) -> dict[str, Annotation]:
        """Labels, or rewards."""
        kinds, allowed = ((BOOL,), ("states",)) if group == "aps" else ((DOUBLE, RATIONAL), ("states", "choices"))
        found = {}
        for plain, about in self._object(said, f"annotations of {group}").items():
            what = f"annotations/{group}/{plain}"
            if not ID.fullmatch(plain):
                told = "the name of an annotation must be of a-z, 0-9, _ and -"
                raise self._refusal(told, quoted(plain), "say what it is called as its alias")
            known = self._object(about, what, ANNOTATION_KEYS)
            name, of = known.get("alias", plain), known.get("applies-to")
            if not isinstance(name, str) or not name:
                raise self._refusal(f"the alias of {what} must be a text", quoted(str(name)), EXPORT_AGAIN)
            if not isinstance(of, list) or not of or any(part not in allowed for part in of) or len(set(of)) < len(of):
                told = f"{what} must apply to {' or '.join(allowed)}, which are one in a Markov chain"
                raise self._refusal(told, quoted(str(of)), "leave it out of the export")
            found[plain] = Annotation(name, tuple(of), self._kind(known.get("type"), f"the type of {what}", kinds))
        names = [about.name for about in found.values()]
        if len(set(names)) < len(names):
            raise self._refusal(
                f"each of {group} must have its own name", f"{quoted(_twice(names))} again", "rename one"
            )
        return found

    def _kind(self, said: Any, what: str, kinds: tuple[Kind, ...]) -> Kind:
        """How numbers are stored."""
        known = self._object(said, what, ("type", "size"))
        for kind in kinds:
            size = self._count({"size": kind.bits} | known, "size")
            wider = kind == RATIONAL and 0 < size <= 2**16 and size % 16 == 0
            if known.get("type") == kind.name and (size == kind.bits or wider):
                return Kind(kind.name, size)
        stored = " or ".join(f"{kind.name} of {kind.bits} bits" for kind in kinds)
        raise self._refusal(f"{what} must be {stored}", quoted(str(said)), "export numbers, not intervals or functions")

    def _object(self, said: Any, what: str, keys: tuple[str, ...] | None = None) -> dict[str, Any]:
        """An object of JSON, with no key but these."""
        if not isinstance(said, dict):
            raise self._refusal(f"{what} must be an object", quoted(str(said)), EXPORT_AGAIN)
        if strange := [key for key in said if keys is not None and key not in keys]:
            told = f"{what} must have no keys but {', '.join(keys or ())}"
            raise self._refusal(told, quoted(strange[0]), "export it as a Markov chain, in UMB 1.0")
        return said

    def _count(self, said: dict[str, Any], key: str) -> int:
        """A whole number of at least 0."""
        count = said.get(key)
        if not isinstance(count, int) or isinstance(count, bool) or not 0 <= count <= LARGEST_COUNT:
            raise self._refusal(f"{key} must be a whole number of at least 0", quoted(str(count)), EXPORT_AGAIN)
        return count

    def _refusal(self, expected: str, got: str, remedy: str) -> InvalidInput:
        """The refusal of the index."""
        return self.archive.refusal(INDEX, expected, got, remedy)
