"""State graphs in the style of the seed notebook: circular, ``token(percent)`` on the arrows.

The graphviz package writes the DOT. The ``dot`` program renders it where it exists, otherwise the Graphviz inside the
pygraphviz wheel (extra ``render``).
"""

import importlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import graphviz
import numpy as np
from numpy.typing import ArrayLike

from markovgpt.chains.operator import TransitionOperator
from markovgpt.errors import InvalidInput, TooLarge
from markovgpt.scaled import ScaledArray
from markovgpt.vocabulary import printable

MOST_DRAWN = 150  # more circles than a page holds
FORMATS = ("svg", "png", "pdf")
LAYOUTS = ("circo", "dot", "neato", "fdp", "twopi")


def state_graph(
    chain: TransitionOperator, *, red: ArrayLike | None = None, start: int | None = None, layout: str = "circo"
) -> graphviz.Digraph:
    """The chain as a Graphviz graph.

    Parameters
    ----------
    red: bool mask (n_states,) of states to mark: a double red circle, so that it is seen without colour too.
    start: a state to mark with a bold rim.
    layout: one of Graphviz's; "circo" is circular, "dot" shows what flows where.

    Raises
    ------
    InvalidInput: a mask of another length, a start outside the chain, an unknown layout.
    TooLarge: more than 150 states.
    """
    n = chain.n_states
    marked = np.zeros(n, dtype=bool) if red is None else np.asarray(red)
    if marked.shape != (n,) or marked.dtype != bool:
        raise InvalidInput(
            f"red must be a bool mask of shape ({n},), got {marked.dtype} of {marked.shape}; see ending_with"
        )
    if start is not None and not 0 <= start < n:
        raise InvalidInput(f"start must lie in 0..{n - 1}, got {start}; see chain.n_states")
    if layout not in LAYOUTS:
        raise InvalidInput(f"layout must be one of {', '.join(LAYOUTS)}, got {layout!r}; circo is the notebook's")
    if n > MOST_DRAWN:
        raise TooLarge(
            f"a drawing must have at most {MOST_DRAWN} states, got {n}; draw a shorter context (--context-length), "
            "or what is reachable from a start (reachable_chain)"
        )
    graph = graphviz.Digraph(engine=layout)
    graph.attr("node", shape="circle", fontname="Helvetica", fontsize="13", margin="0.04")
    graph.attr("edge", fontname="Helvetica", fontsize="11", arrowsize="0.7", color="#8a8a8a")
    graph.attr(mindist="1.4" if n <= 20 else "0.6")
    for state in range(n):
        look = {"shape": "doublecircle", "color": "#b2182b", "fontcolor": "#b2182b"} if marked[state] else {}
        if state == start:
            look["penwidth"] = "2.5"
        graph.node(f"s{state}", label=graphviz.escape(printable(chain.label(state))), **look)
    newest = chain.space.token_from_end(0) if chain.space is not None else None
    source, target, probability = chain.edges()
    weights = ScaledArray.of(probability).to_float()
    for begin, end, weight in zip(source.tolist(), target.tolist(), weights.tolist(), strict=True):
        token = "" if newest is None else _token(chain, int(newest[end]))
        label = f"{token}({percent(weight)})" if token else percent(weight)
        graph.edge(f"s{begin}", f"s{end}", label=graphviz.escape(label), penwidth=f"{0.6 + 1.6 * weight:.2f}")
    return graph


def percent(probability: float) -> str:
    """A probability in whole percent; 0% and 100% are left to what is impossible and what is sure.

    >>> percent(0.7316), percent(0.001), percent(0.9999), percent(1.0)
    ('73%', '<1%', '>99%', '100%')
    """
    if probability < 0.005:
        return "<1%"  # what is drawn is possible
    if 0.995 <= probability < 1:
        return ">99%"
    return f"{100 * probability:.0f}%"


def write_dot(
    chain: TransitionOperator,
    path: str | Path,
    *,
    red: ArrayLike | None = None,
    start: int | None = None,
    layout: str = "circo",
) -> Path:
    """Write the state graph as DOT text; parameters and refusals as for `state_graph`. Returns the path."""
    file = Path(path)
    file.write_text(state_graph(chain, red=red, start=start, layout=layout).source, encoding="utf-8")
    return file


def draw(
    chain: TransitionOperator,
    path: str | Path,
    *,
    red: ArrayLike | None = None,
    start: int | None = None,
    layout: str = "circo",
) -> Path:
    """Draw the state graph; the name's ending says the format: .svg, .png or .pdf. Returns the path.

    Parameters and refusals as for `state_graph`, and

    Raises
    ------
    InvalidInput: another ending, or no Graphviz on this machine.
    """
    return write_picture(path, lambda: state_graph(chain, red=red, start=start, layout=layout))


def write_picture(path: str | Path, made: Callable[[], graphviz.Digraph]) -> Path:
    """Render a graph to a file; the name's ending says the format: .svg, .png or .pdf. Returns the path.

    Raises
    ------
    InvalidInput: another ending, or no Graphviz on this machine.
    """
    file = Path(path)
    suffix = file.suffix.lstrip(".").lower()
    if suffix not in FORMATS:
        raise InvalidInput(
            f"a drawing's name must end in .svg, .png or .pdf, got {file.name!r}; for .dot use write_dot"
        )
    file.write_bytes(_rendered(made(), suffix))
    return file


def _rendered(graph: graphviz.Digraph, suffix: str) -> bytes:
    """The picture's bytes, by the installed program or by the wheel."""
    if shutil.which("dot"):
        return bytes(graph.pipe(format=suffix))
    try:
        pygraphviz = importlib.import_module("pygraphviz")
    except ImportError as error:
        raise InvalidInput(
            "drawing needs Graphviz, got neither a dot program nor the pygraphviz package; "
            "pip install 'markovgpt[render]', or write the .dot file and render it elsewhere"
        ) from error
    with _silenced():
        return bytes(pygraphviz.AGraph(string=graph.source).draw(format=suffix, prog=graph.engine))


@contextmanager
def _silenced() -> Iterator[None]:
    """Keep the wheel's font library from writing about the system's font files to file descriptor 2."""
    saved, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nowhere)


def _token(chain: TransitionOperator, token: int) -> str:
    """How one token is printed."""
    return str(token) if chain.vocabulary is None else chain.vocabulary.show((token,))
