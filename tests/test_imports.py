"""Starting is cheap: what takes long to import is imported where it is needed, in fresh processes.

The libraries are seen in what an interpreter holds at its end, the public names against the package itself.
"""

import ast
import pickle
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import markovgpt as mg

PACKAGE = Path(mg.__file__).parent
DRAWING = {"torch", "safetensors", "pandas", "matplotlib", "PIL", "jinja2"}
HEAVY = DRAWING | {"networkx", "numba", "scipy", "numpy"}
SOLVED = """
import numpy as np
import markovgpt as mg
chain = mg.WindowChain(mg.StateSpace(2, 1), np.array([[0.5, 0.5], [0.25, 0.75]]))
assert mg.stationary_distributions(chain).only().value.round(12).tolist() == [round(1 / 3, 12), round(2 / 3, 12)]
assert mg.hitting_probability(chain, [0], start=1, within=2).value == 0.25 + 0.75 * 0.25
"""
LARGE = """
import numpy as np
import markovgpt as mg
chain = mg.WindowChain(mg.StateSpace(64, 2), np.full((64**2, 64), 1 / 64))
chain.push(chain.pull(np.ones(chain.n_states)))
"""


def libraries_after(code):
    """What of the heavy libraries a fresh interpreter has imported when it has run some code, whatever that says."""
    ending = f"import atexit, sys; atexit.register(lambda: print('END', *sorted({HEAVY!r} & set(sys.modules))))\n"
    done = subprocess.run([sys.executable, "-c", ending + code], capture_output=True, text=True, timeout=100)
    *said, end = done.stdout.splitlines()
    assert end.startswith("END"), done.stderr
    return set(end.split()[1:]), "\n".join(said) + done.stderr


@pytest.mark.parametrize(
    ("code", "avoided", "said"),
    [
        ("import markovgpt; dir(markovgpt)", HEAVY, ""),
        ("from markovgpt.cli import main; main(['--help'])", HEAVY, "how likely it is that a red text is written"),
        ("from markovgpt.cli import main; main(['reach', '--frob'])", DRAWING, "the following arguments are required"),
        ("from markovgpt.cli import main; main(['draw', '--help'])", DRAWING, "--view"),
        (SOLVED, DRAWING | {"networkx"}, ""),
        (LARGE, DRAWING | {"networkx"}, ""),
        ("from markovgpt.export.tables import write_table, read_table", DRAWING, ""),
        ("from markovgpt.export.figures import line_figure, bar_figure", DRAWING, ""),
    ],
    ids=["package", "help", "wrong flag", "help of a question", "chain", "large chain", "tables", "figures"],
)
def test_a_start_imports_nothing_heavy_that_it_does_not_need(code, avoided, said):
    imported, heard = libraries_after(code)
    assert not imported & avoided
    assert said in heard
    assert "Traceback" not in heard


def test_names_are_what_their_modules_hold_whatever_was_imported_before():
    code = """
import markovgpt.sweeps.sweep, markovgpt.explorer.explore, markovgpt.graphs.drawing
import markovgpt as mg
from markovgpt import *
assert all(map(callable, [mg.sweep, mg.explore, mg.check, mg.draw, mg.verify, sweep, explore, draw]))
assert {name for name in mg.__all__ if name not in globals()} == set()
print('as they should be')
"""
    assert "as they should be" in libraries_after(code)[1]


def test_the_list_of_names_is_that_of_the_imports():
    [listed] = [
        ast.literal_eval(node.value)
        for node in ast.parse((PACKAGE / "__init__.pyi").read_text(encoding="ascii")).body
        if isinstance(node, ast.Assign)
    ]
    assert sorted(listed) == mg.__all__ == dir(mg)


def test_no_name_is_that_of_a_room():
    assert not [name for name in mg.__all__ if find_spec(f"markovgpt.{name}")]


def test_what_is_no_name_is_an_error():
    with pytest.raises(AttributeError, match="no_such_name"):
        mg.no_such_name  # noqa: B018


def test_things_are_pickled_by_the_modules_they_come_from():
    settings = mg.SamplingSettings(temperature=0.5)
    assert pickle.loads(pickle.dumps(settings)) == settings
    assert pickle.loads(pickle.dumps(mg.sweep)) is mg.sweep


def test_the_first_thing_that_is_shown_brings_what_shows_it():
    code = "import markovgpt as mg; print(mg.StateSpace(2, 1)._repr_html_())"
    assert "StateSpace" in libraries_after(code)[1]
