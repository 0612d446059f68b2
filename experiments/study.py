"""An experiment: a question, settings with flags made from them, a folder, and three sentences on what was found.

    @dataclass(frozen=True)
    class Settings:
        steps: int = option(400, "optimiser steps")
        temperatures: tuple[float, ...] = option((0.5, 1.0), "sampling temperatures")

    def make(settings: Settings, folder: Path) -> Findings: ...

    STUDY = Study("name", "The question?", Settings(), Settings(steps=2), make)

    if __name__ == "__main__":
        sys.exit(run(STUDY))

``python -m experiments.name --steps 100 --temperatures 1 2`` then writes results/name/. The files are made beside it
and moved there when all of them are, so that a run which fails or is interrupted leaves what was there.
`experiments.all` finds every file that has a STUDY.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from experiments.apart import import_all
from experiments.flags import add_flags, flag_of, option, settings_given, written
from experiments.provenance import code_of, digest_of
from markovgpt.cli import BAD_INPUT, INTERRUPTED, NOT_CERTIFIED, WOULD_NOT_FIT
from markovgpt.errors import InvalidInput, MarkovGPTError, NotConverged, TooLarge
from markovgpt.export.record import read_record, write_record

__all__ = ["Findings", "Study", "option", "run"]
RESULTS, SMALL = Path("results"), Path("build/small")


@dataclass(frozen=True)
class Findings:
    """What came out.

    Parameters
    ----------
    sentences: three, each of which the tables show; the first stands in the README.
    recorded: what else determines the numbers and is known only now, such as the hash of the weights.
    diagnostics: what may vary between two runs (residuals, losses).

    Raises
    ------
    InvalidInput: not three sentences.
    """

    sentences: Sequence[str]
    recorded: Mapping[str, Any] = field(default_factory=dict)
    diagnostics: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if isinstance(self.sentences, str) or len(self.sentences) != 3:
            raise InvalidInput(f"findings must be three sentences, got {self.sentences}; say what the tables show")
        odd = [text for text in self.sentences if not text.endswith(".") or "\n" in text or "|" in text]
        if odd:
            raise InvalidInput(f"a sentence must be one line that ends with a full stop, without |, got {odd[0]!r}")


@dataclass(frozen=True)
class Study:
    """An experiment.

    Parameters
    ----------
    name: of its file, and of its folder in results/.
    question: one line.
    settings: a frozen dataclass of int, float, str, bool, Path, tuples of these, and None; its values are the default.
    small: the same in a size of some seconds.
    make: writes tables and figures into a folder that is there and empty.
    alone: what is written depends on how fast the machine is; `experiments.all` then makes nothing beside it.
    enters: rooms of the package which it enters and other experiments do not; see `experiments.provenance`.
    records: False where `make` writes the record itself, into the very folder; such a one is never up to date.
    """

    name: str
    question: str
    settings: Any
    small: Any
    make: Callable[[Any, Path], Findings]
    alone: bool = False
    enters: Sequence[str] = ()
    records: bool = True


def run(study: Study, arguments: Sequence[str] | None = None) -> int:
    """Make an experiment as the command line says, and print what was found; returns the exit code.

    0 made, 2 bad input, 3 not certified to the tolerance asked for, 4 would not fit, 130 interrupted.
    """
    try:
        settings, folder = asked(study, arguments)
        findings = made(study, settings, folder)
    except KeyboardInterrupt:
        print(f"{study.name}: interrupted; what was there is left as it was", file=sys.stderr)
        return INTERRUPTED
    except (MarkovGPTError, OSError) as refusal:
        print(f"{study.name}: {refusal}", file=sys.stderr)
        codes = {TooLarge: WOULD_NOT_FIT, NotConverged: NOT_CERTIFIED}
        return next((code for kind, code in codes.items() if isinstance(refusal, kind)), BAD_INPUT)
    print(*findings.sentences, f"Results: {folder}/", sep="\n")
    return 0


def made(study: Study, settings: Any, folder: Path) -> Findings:
    """Make the files of an experiment in a new folder, and move them to where they belong when all are there."""
    began, chosen = time.perf_counter(), settings_as_json(settings)
    if study.alone:
        import_all()
    if not study.records:
        folder.mkdir(parents=True, exist_ok=True)
        return study.make(settings, folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as scratch:
        findings = study.make(settings, Path(scratch))
        moved(Path(scratch), folder)
    write_record(
        folder,
        command=command_of(study, settings),
        settings={**chosen, **findings.recorded},
        seconds=time.perf_counter() - began,
        diagnostics=findings.diagnostics,
        found=findings.sentences,
        code=code_of(study.name, study.enters),
    )
    return findings


def moved(scratch: Path, folder: Path) -> None:
    """Move new files to a folder; those that an earlier run recorded there and this one did not make are taken away."""
    new = [file.relative_to(scratch) for file in sorted(scratch.rglob("*")) if file.is_file()]
    for name in new:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (scratch / name).replace(folder / name)
    for old in read_record(folder).get("files", {}):
        if Path(old) not in new and (folder / old).resolve().is_relative_to(folder.resolve()):
            (folder / old).unlink(missing_ok=True)
            for parent in (folder / old).parents:
                if parent == folder or not parent.is_dir() or any(parent.iterdir()):
                    break
                parent.rmdir()


def asked(study: Study, arguments: Sequence[str] | None) -> tuple[Any, Path]:
    """The settings and the folder that a command line asks for."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    small = "--small" in words
    begin = study.small if small else study.settings
    parser = argparse.ArgumentParser(
        prog=f"python -m experiments.{study.name}",
        description=f"{study.question} Writes {RESULTS / study.name}/.",
        allow_abbrev=False,
    )
    parser.add_argument("--small", action="store_true", help=f"a size of some seconds; writes {SMALL / study.name}/")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="where the results go")
    add_flags(parser, begin)
    given = vars(parser.parse_args(words))
    folder = given.pop("out") or (SMALL if given.pop("small") else RESULTS) / study.name
    given.pop("small", None)
    return settings_given(begin, given), folder


def command_of(study: Study, settings: Any) -> str:
    """The command that makes the same again; of a path its name."""
    words = [f"python -m experiments.{study.name}"]
    for each in fields(settings):
        value = getattr(settings, each.name)
        if value == getattr(study.settings, each.name):
            continue
        if isinstance(value, bool):
            words.append(flag_of(each.name) if value else "--no-" + flag_of(each.name).removeprefix("--"))
        else:
            words.append(f"{flag_of(each.name)} {written(value.name if isinstance(value, Path) else value)}")
    return " ".join(words)


def settings_as_json(settings: Any) -> dict[str, Any]:
    """The settings as they are recorded: of a path its name, and the SHA-256 of what lies there."""
    return {each.name: recorded(getattr(settings, each.name)) for each in fields(settings)}


def recorded(value: Any) -> Any:
    """A value of a setting for the record."""
    if isinstance(value, tuple):
        return [recorded(each) for each in value]
    return {"name": value.name, "sha256": digest_of([value])} if isinstance(value, Path) else value
