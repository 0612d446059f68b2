"""Hashes of what results are made by: code, and files that are read."""

import ast
import hashlib
from collections.abc import Sequence
from pathlib import Path

from markovgpt.errors import InvalidInput

ROOT = Path(__file__).parents[1]
CODE = (".py", ".pyi")  # endings; the .pyi says what the public names are
SELDOM_RUN = ("commands", "explorer")  # rooms of the package that hardly an experiment enters


def digest_of(places: Sequence[Path]) -> str:
    """The SHA-256 of files, and of all files in folders, with their names.

    Raises
    ------
    InvalidInput: there is none of them.
    """
    digest = hashlib.sha256()
    for place in places:
        if not place.exists():
            raise InvalidInput(f"a path must be that of a file or a folder, got {place}; check its spelling")
        files = sorted(file for file in place.rglob("*") if file.is_file()) if place.is_dir() else [place]
        for file in files:
            name = file.relative_to(place).as_posix() if file != place else file.name
            content = file.read_bytes()
            digest.update(f"{name}\n{len(content)}\n".encode() + content)
    return digest.hexdigest()


def code_of(name: str, enters: Sequence[str] = ()) -> str:
    """The hash of the package's code, and of that of an experiment with all that it imports from experiments.

    Parameters
    ----------
    enters: the rooms among `SELDOM_RUN` that the experiment enters; of them every file counts.
    """
    house = ROOT / "markovgpt"
    left_out = [house / room for room in SELDOM_RUN]
    code = [file for file in sorted(house.rglob("*")) if file.suffix in CODE]
    package = [file for file in code if not any(map(file.is_relative_to, left_out))]
    for room in enters:
        package += [file for file in sorted((house / room).rglob("*")) if file.is_file() and file.suffix != ".pyc"]
    digest = hashlib.sha256()
    for file in package + [ROOT / "experiments" / f"{each}.py" for each in sorted(imported_by(name))]:
        content = file.read_bytes()
        digest.update(f"{file.relative_to(ROOT).as_posix()}\n{len(content)}\n".encode() + content)
    return digest.hexdigest()


def imported_by(name: str) -> set[str]:
    """A module of experiments and those that it imports, directly or not."""
    found, ahead = set(), [name]
    while ahead:
        module = ahead.pop()
        file = ROOT / "experiments" / f"{module}.py"
        if module in found or not file.exists():
            continue
        found.add(module)
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                ahead += [alias.name.removeprefix("experiments.") for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module == "experiments":
                ahead += [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                ahead.append(str(node.module).removeprefix("experiments."))
    return found
