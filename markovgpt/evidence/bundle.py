"""An evidence bundle: a chain, a property, the answer and its certificate in one folder, for others to check.

=================  ============================================================================================
chain.umb, .drn    the chain, bit for bit its doubles, with the labels that the property speaks of
property.props     the property, as Storm and PRISM read it
answer.json        the answer: bounds as decimals, rounded outward
certificate.npz    what is needed to check the bounds by products of whole numbers; see `markovgpt.evidence.verify`
README.txt         how to check all this, in plain words
sha256.txt         the sums of the others, as ``sha256sum`` writes them
=================  ============================================================================================
"""

import hashlib
import json
import os
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from markovgpt.analysis.arguments import Start, Target, start_distribution, target_mask
from markovgpt.chains.operator import Edges, TransitionOperator
from markovgpt.chains.states import Mask
from markovgpt.durable import sync_folder, write_synced
from markovgpt.errors import InvalidInput
from markovgpt.evidence.certificate_file import LIVE, LOST, OUTSIDE, TARGET, Certificate, fractions, read_certificate
from markovgpt.evidence.certificates import write_certificate
from markovgpt.evidence.verdict import Verdict
from markovgpt.evidence.verify import verify
from markovgpt.exchange.drn import read_drn, write_drn
from markovgpt.exchange.imported import ImportedChain
from markovgpt.exchange.umb import write_umb
from markovgpt.exchange.umb_reader import read_umb
from markovgpt.exchange.written_numbers import exact
from markovgpt.scaled import ScaledArray

RED, AVOIDED, REWARD = "red", "avoided", "reward"
PROPERTIES = {
    ("hitting_probability", False): f'P=? [F "{RED}"]',
    ("hitting_probability", True): f'P=? [!"{AVOIDED}" U "{RED}"]',
    ("expected_hitting_time", False): f'T=? [F "{RED}"]',
    ("expected_reward", False): f'R{{"{REWARD}"}}=? [F "{RED}"]',
}
UMB, DRN, PROPERTY, ANSWER, CERTIFICATE, README, SUMS = (
    "chain.umb",
    "chain.drn",
    "property.props",
    "answer.json",
    "certificate.npz",
    "README.txt",
    "sha256.txt",
)
FILES = (UMB, DRN, PROPERTY, ANSWER, CERTIFICATE, README)
WORDS = """\
Evidence for an answer about a Markov chain
===========================================

Question: {what}
Property: {property}
Answer:   at least {lower}
          at most  {upper}

chain.umb, chain.drn   the chain, twice the same, in formats of the model checker Storm; "init" is where it begins
property.props         the property, in the language of Storm
answer.json            the answer: both bounds, rounded outward
certificate.npz        bounds of the parts of the answer, from which it follows by products of whole numbers
sha256.txt             sums of these files

To see that the files are those that were made:

    sha256sum -c sha256.txt

To check the certificate, that it is about this chain, and that its claim is the answer, without any solver:

    markovgpt verify .

To ask Storm the same, which shares no code with what answered here:

    storm --explicit-drn chain.drn --prop property.props --sound --precision 1e-9

or from Python, with stormpy:

    import stormpy
    model = stormpy.build_model_from_umb("chain.umb")
    wanted = stormpy.parse_property(open("property.props").read().strip())
    print(stormpy.model_checking(model, wanted, environment=stormpy.environments.sound())[model.initial_states[0]])
"""


def write_bundle(
    chain: TransitionOperator,
    folder: str | Path,
    question: str,
    *,
    target: Target,
    start: Start,
    avoiding: Target | None = None,
    reward: ArrayLike | None = None,
    note: str = "",
) -> Path:
    """Write an answer with its chain, its property and its certificate to a folder; see `verify_bundle`. Returns it.

    Parameters
    ----------
    folder: made if need be; nothing else may be in it.
    question: "hitting_probability", "expected_hitting_time" or "expected_reward", the functions of the same names.
    target, avoiding, reward: as these take them.
    start: as these take it, but one state: the one that is labelled init.
    note: what the chain is, for who reads the certificate.

    Raises
    ------
    InvalidInput: a folder with something in it, another question, a start of more than one state, what the functions
        and `write_certificate` refuse, a probability below the range of doubles.
    NotConverged: bounds that hold were not found.

    >>> from tempfile import TemporaryDirectory
    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> game = SparseChain.from_matrix([[1, 0, 0, 0], [.75, 0, .25, 0], [0, .75, 0, .25], [0, 0, 0, 1]])
    >>> with TemporaryDirectory() as folder:
    ...     place = write_bundle(game, Path(folder, "won"), "hitting_probability", target=[3], start=1)
    ...     print((place / "property.props").read_text().strip())
    ...     found = verify_bundle(place)
    P=? [F "red"]
    >>> found.holds, found.lower[0] <= Fraction(1, 13) <= found.upper[0]
    (True, True)
    """
    wanted = PROPERTIES.get((question, avoiding is not None))
    if wanted is None:
        asked = question if avoiding is None else f"{question} with avoiding"
        kinds = dict.fromkeys(name for name, _ in PROPERTIES)
        raise InvalidInput(f"question must be one of {', '.join(kinds)}, got {asked!r}; only the first has avoiding")
    initial = start_distribution(chain, start) > 0
    if initial.sum() != 1:
        raise InvalidInput(f"a bundle has one state to start in, got {int(initial.sum())}; give one of them as start=")
    place = free_folder(folder)
    labels = {RED: target_mask(chain, target)}
    if avoiding is not None:
        labels[AVOIDED] = target_mask(chain, avoiding, "avoiding")
    rewards = {} if question != "expected_reward" else {REWARD: np.ones(chain.n_states) if reward is None else reward}
    with TemporaryDirectory(
        dir=place if place.exists() else place.parent
    ) as working:  # a bundle is there as a whole, or not at all
        made = Path(working, "bundle")
        made.mkdir()
        certificate = write_certificate(
            chain,
            made / CERTIFICATE,
            question,
            target=labels[RED],
            start=int(np.argmax(initial)),
            avoiding=labels.get(AVOIDED),
            reward=reward,
            note=note,
        )
        write_umb(chain, made / UMB, labels=labels, initial=initial, rewards=rewards)
        write_drn(chain, made / DRN, labels=labels, initial=initial, rewards=rewards)
        found = verify(certificate).summary()
        said = {"question": question, "property": wanted, "what": found["what"]}
        said |= {"lower": found["lower"][0], "upper": found["upper"][0]}
        write_synced(made / PROPERTY, wanted + "\n")
        write_synced(made / ANSWER, json.dumps(said, indent=1) + "\n")
        write_synced(made / README, WORDS.format(**said))
        write_synced(made / SUMS, "".join(f"{_sum(made / name)}  {name}\n" for name in FILES))
        if not place.exists():
            os.replace(made, place)
        else:  # the same folder, perhaps where somebody stands; until its sums are there it is no bundle
            for name in (*FILES, SUMS):
                os.replace(made / name, place / name)
            sync_folder(place)
    return Path(folder)


def free_folder(folder: str | Path) -> Path:
    """Where a bundle may be written, links followed; refused where something is, or where nothing can be written."""
    place = Path(folder).resolve()
    try:
        if place.exists() and not (place.is_dir() and not any(place.iterdir())):
            raise InvalidInput(f"folder must be new or empty, got {folder} with something there; give another")
        place.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=place if place.exists() else place.parent):
            pass
    except OSError as error:
        told = f"folder must be one that can be written, got {folder} ({error.strerror}); choose another"
        raise InvalidInput(told) from error
    return place


def verify_bundle(folder: str | Path) -> Verdict:
    """Does the answer in a bundle hold, for the chain in the bundle?

    The certificate is checked by `verify`, in whole numbers; then that its transitions, ends, start and rewards are
    those of the chain in both files, that the property is what it answers, and that the answer's bounds hold its claim.

    Raises
    ------
    InvalidInput: no bundle, a file that is missing or is not the one that was bundled, or cannot be read.
    TooLarge: what is in it would not fit.
    """
    place = Path(folder)
    _check_sums(place)
    verdict, given = verify(place / CERTIFICATE), read_certificate(place / CERTIFICATE)
    if not verdict.holds:
        return verdict
    chain, other = read_umb(place / UMB), read_drn(place / DRN)
    wanted = (place / PROPERTY).read_text(encoding="utf-8", errors="replace").strip()
    reason = _difference(given, chain, wanted)
    if not reason and not _same(chain, other):
        reason = f"{DRN} is not the chain of {UMB}"
    if not reason:
        reason = _unsaid(place / ANSWER, wanted, verdict)
    return replace(verdict, holds=not reason, reason=reason)


def _sum(file: Path) -> str:
    """The SHA-256 of a file."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _check_sums(place: Path) -> None:
    """Refuse a folder that is no whole bundle."""
    try:
        lines = (place / SUMS).read_text(encoding="utf-8").splitlines()
        known = {name: told for told, _, name in (line.partition("  ") for line in lines)}
        wrong = [name for name in FILES if known.get(name) != _sum(place / name)]
    except (OSError, ValueError) as error:
        told = f"{place} must be a whole bundle, with {', '.join(FILES)} and {SUMS}, got {error}; write it again"
        raise InvalidInput(told) from error
    if wrong or len(lines) != len(FILES):
        named = place / wrong[0] if wrong else place / SUMS
        raise InvalidInput(f"{named} must be the file that was bundled, got another; fetch or write the bundle again")


def _difference(given: Certificate, chain: ImportedChain, wanted: str) -> str:
    """What about a certificate is not the chain in the file; nothing where it is."""
    n, role = chain.chain.n_states, given.role
    if len(role) != n:
        return f"the certificate is of {len(role)} states, the chain has {n}"
    reward = np.zeros(n)
    if given.question == "expected_reward":
        reward = (
            np.ones(n) if wanted == PROPERTIES["expected_hitting_time", False] else chain.rewards.get(REWARD, reward)
        )
    avoided = chain.labels.get(AVOIDED, np.zeros(n, dtype=bool)) & ~chain.labels[RED] if RED in chain.labels else None
    asked = [name for name, words in PROPERTIES.items() if words == wanted]
    kinds = {"expected_hitting_time": "expected_reward"}
    if not asked or kinds.get(asked[0][0], asked[0][0]) != given.question or asked[0][1] != (AVOIDED in chain.labels):
        return "the property is not the question of the certificate"
    if avoided is None or not np.array_equal(role == TARGET, chain.labels[RED]):
        return "the target of the certificate is not what is labelled red"
    if given.question == "hitting_probability" and not np.array_equal(role == OUTSIDE, avoided):
        return "what the certificate avoids is not what is labelled avoided"
    if not np.array_equal(_at_start(given, n), chain.initial) or chain.initial.sum() != 1:
        return "the start of the certificate is not what is labelled init"
    if given.question == "expected_reward" and fractions(given.reward) != [
        Fraction(value) for value in reward.tolist()
    ]:
        return "the rewards of the certificate are not those of the chain"
    asked_of = (role == LIVE) | (role == LOST)
    if (given.weight[:, 0] > 2**53).any() or not _same_edges(
        Edges(given.source, given.target, _numbers(given.weight)), chain.chain.edges(asked_of)
    ):
        return "the transitions of the certificate are not those of the chain"
    return ""


def _at_start(given: Certificate, n: int) -> Mask:
    """Where a certificate begins, with all its mass; nowhere where that is none."""
    if not len(given.start):
        return np.zeros(n, dtype=bool)
    return np.array([share == 1 for share in fractions(given.start)], dtype=bool)


def _unsaid(file: Path, wanted: str, verdict: Verdict) -> str:
    """What of the claim the answer does not say; nothing where all is well."""
    try:
        said: Any = json.loads(file.read_text(encoding="utf-8"))
        lower, upper = (bound for name in ("lower", "upper") if (bound := exact(said[name])) is not None)
        told = (said["question"], said["property"], said["what"])
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise InvalidInput(f"{file} must be the answer of a bundle, got another; write the bundle again") from error
    if told not in [(name, wanted, verdict.what) for (name, _), words in PROPERTIES.items() if words == wanted]:
        return "the answer is to another question"
    held = lower <= verdict.lower[0] <= verdict.upper[0] <= upper
    return "" if held else "the bounds of the answer do not hold what the certificate claims"


def _same(one: ImportedChain, other: ImportedChain) -> bool:
    """Whether two files say the same; a .drn file has no label on no state."""
    marked = [{name: mask.tolist() for name, mask in part.labels.items() if mask.any()} for part in (one, other)]
    earned = [{name: values.tolist() for name, values in part.rewards.items()} for part in (one, other)]
    return (
        _same_edges(one.chain.edges(), other.chain.edges())
        and np.array_equal(one.initial, other.initial)
        and marked[0] == marked[1]
        and earned[0] == earned[1]
    )


def _same_edges(one: Edges, other: Edges) -> bool:
    """Whether two lists of transitions are the same, bit for bit, in whatever order."""
    parts = []
    for source, target, probability in (one, other):
        order, scaled = np.lexsort((target, source)), ScaledArray.of(probability)
        parts.append([column[order] for column in (source, target, scaled.mantissa, scaled.exponent)])
    return all(np.array_equal(mine, theirs) for mine, theirs in zip(*parts, strict=True))


def _numbers(pairs: NDArray[np.int64]) -> ScaledArray:
    """The numbers of a certificate, exactly where they have at most 53 bits."""
    return ScaledArray(pairs[:, 0].astype(np.float64), pairs[:, 1])
