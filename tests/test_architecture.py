"""The floors of the house: who may import whom, and how large a room may be."""

import ast
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "markovgpt"
FILES = sorted(PACKAGE.rglob("*.py"))
FLOORS = {
    "durable": 0,
    "errors": 0,
    "memory": 0,
    "scaled": 0,
    "shown": 0,
    "sums": 0,
    "vocabulary": 0,
    "models": 1,
    "chains": 2,
    "solvers": 3,
    "analysis": 4,
    "evidence": 5,
    "exchange": 5,
    "export": 5,
    "graphs": 5,
    "explorer": 5,
    "demo": 6,
    "sweeps": 6,
    "commands": 7,
    "cli": 7,
    "__init__": 8,
}
ONLY_IN = {
    "torch": ("models/", "chains/torch_filters.py", "demo.py"),
    "safetensors": ("models/",),
    "pandas": ("export/tables.py",),
    "networkx": ("analysis/", "graphs/", "chains/operator.py"),
    "graphviz": ("graphs/",),
    "matplotlib": ("export/", "graphs/"),
    "numba": ("chains/compiled.py",),
    "filelock": ("durable.py",),
    "tqdm": ("chains/logits.py",),
    "argparse": ("cli.py", "commands/"),
}
SLOW_TO_IMPORT = {"torch", "pandas", "matplotlib", "networkx"}  # a tenth of a second and more
FORBIDDEN_NAMES = {"utils", "common", "helpers", "base", "misc"}


def name_of(file: Path) -> str:
    """The file's path within the package."""
    return file.relative_to(PACKAGE).as_posix()


def module_of(file: Path) -> str:
    """The file's dotted name."""
    return "markovgpt." + name_of(file).removesuffix(".py").replace("/", ".")


MODULES = {module_of(file): file for file in FILES}


@cache
def tree_of(file: Path) -> ast.Module:
    """What Python reads in the file."""
    return ast.parse(file.read_text(encoding="utf-8"))


@cache
def imports_of(file: Path) -> list[tuple[str, str]]:
    """The imported modules, each with when it is imported: "first", "late" inside a function, or for "types" alone."""
    tree = tree_of(file)
    first = set(tree.body)
    for_types = {
        inner
        for node in tree.body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in node.body
    }
    found = []
    for node in ast.walk(tree):
        when = "first" if node in first else "types" if node in for_types else "late"
        if isinstance(node, ast.Import):
            found += [(alias.name, when) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            found += [(name if name in MODULES else str(node.module), when) for name in names]  # a room's modules
    return found


@cache
def libraries_of(module: str) -> frozenset[str]:
    """The libraries that are imported with a module, first thing."""
    if module not in MODULES:
        return frozenset([module.split(".")[0]])
    return frozenset().union(*(libraries_of(name) for name, when in imports_of(MODULES[module]) if when == "first"))


def floor_of(module: str) -> int:
    """The floor of a module of this package."""
    parts = module.split(".")
    return FLOORS[parts[1] if len(parts) > 1 else "__init__"]


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_a_file_imports_only_from_its_own_and_lower_floors(file):
    own = floor_of(module_of(file).removesuffix(".__init__") if file.parent != PACKAGE else module_of(file))
    higher = [name for name, _ in imports_of(file) if name.startswith("markovgpt") and floor_of(name) > own]
    assert not higher, f"{name_of(file)} on floor {own} imports {higher}"


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_no_import_hides_inside_a_function_but_of_what_takes_long(file):
    hidden = [name for name, when in imports_of(file) if when == "late"]
    assert not [name for name in hidden if not libraries_of(name) & SLOW_TO_IMPORT]


@pytest.mark.parametrize("library", ONLY_IN)
def test_a_library_is_imported_only_in_its_rooms(library):
    users = [name_of(file) for file in FILES if any(name.split(".")[0] == library for name, _ in imports_of(file))]
    assert users, f"nobody imports {library}: take it out of this table"
    strangers = [user for user in users if not user.startswith(ONLY_IN[library])]
    assert not strangers


def test_there_are_no_import_circles():
    graph = {module_of(file): {name for name, _ in imports_of(file)} for file in FILES}
    finished: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join((*path, module))
        if module in graph and module not in finished:
            for name in graph[module]:
                visit(name, (*path, module))
            finished.add(module)

    for module in graph:
        visit(module, ())


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_a_file_is_one_room(file):
    assert file.read_text(encoding="utf-8").count("\n") <= 320
    assert file.stem not in FORBIDDEN_NAMES


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_input_is_never_checked_by_assert(file):
    assert not any(isinstance(node, ast.Assert) for node in ast.walk(tree_of(file)))


def test_every_module_has_a_test_file():
    tests = {file.stem for file in Path(__file__).parent.glob("test_*.py")}
    untested = [name_of(file) for file in FILES if file.stem != "__init__" and f"test_{file.stem}" not in tests]
    assert not untested
