"""State graphs as files that Gephi, Cytoscape, yEd, igraph and networkx read: GraphML and GEXF.

Every attribute is typed, and none is missing or NaN. Texts stand as they are, but for what XML cannot hold or its
readers change: a control character, a surrogate, U+FFFE and U+FFFF become ``_xHHHH_``, their number in hexadecimal (as
in Office Open XML, ECMA-376, ST_Xstring), an underscore before an x becomes ``_x005F_``, and the empty text ``_x_``.
`unescaped` takes that back; no two texts become the same.
"""

import math
import re
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import networkx as nx

from markovgpt.analysis.arguments import Start, Target
from markovgpt.chains.operator import TransitionOperator
from markovgpt.durable import replacing
from markovgpt.errors import InvalidInput
from markovgpt.graphs.views import state_graph

UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]|_(?=x)")
ESCAPE = re.compile("_x([0-9A-F]{4})_")
EMPTY = "_x_"
META = re.compile(rb"<meta .*?</meta>", re.DOTALL)  # the date of writing, and who wrote it
TRUTHS = re.compile(rb'<key id="(d[0-9]+)" for="[a-z]+" attr.name="[^"]*" attr.type="boolean" />')
KINDS = (bool, int, float, str)


def write_graphml(
    shown: "TransitionOperator | nx.DiGraph[int]",
    path: str | Path,
    *,
    red: Target | None = None,
    start: Start | None = None,
) -> Path:
    """Write a state graph as GraphML, which ``networkx.read_graphml(path, node_type=int)`` reads. Returns the path.

    Parameters
    ----------
    shown: a graph, such as `state_graph` or `heaviest_states` gives, or a chain, which is then written whole.
    red, start: of a chain, what to mark; as for `state_graph`.

    Raises
    ------
    InvalidInput: marks for a graph that has been made, attributes that are neither truths, numbers nor texts, and what
        `state_graph` refuses.
    TooLarge: a chain of more than 10,000 states or 200,000 edges.
    """
    written = BytesIO()
    nx.write_graphml_xml(_plain(shown, red, start), written)
    text = written.getvalue()
    for key in TRUTHS.findall(text):  # true in XML's own spelling, which networkx reads but does not write
        data = b'<data key="' + key + b'">%b</data>'
        text = text.replace(data % b"True", data % b"true").replace(data % b"False", data % b"false")
    return _replaced(path, text)


def write_gexf(
    shown: "TransitionOperator | nx.DiGraph[int]",
    path: str | Path,
    *,
    red: Target | None = None,
    start: Start | None = None,
) -> Path:
    """Write a state graph as GEXF 1.2, which ``networkx.read_gexf(path, node_type=int)`` reads. Returns the path.

    GEXF keeps the word ``start`` for the time when a node appears: where it begins is ``is_start`` here. What a graph
    as a whole is said to be stands in the description. Parameters and refusals as for `write_graphml`.
    """
    graph = _plain(shown, red, start)
    for found in graph.nodes.values():
        if "start" in found:
            found["is_start"] = found.pop("start")
    said = escape(f"{graph.graph.get('title', '')}. {graph.graph.get('left_out', '')}".strip(" ."))
    meta = f"<meta>\n    <creator>markovgpt</creator>\n    <description>{said}</description>\n  </meta>"
    written = BytesIO()
    nx.write_gexf(graph, written)
    return _replaced(path, META.sub(lambda _: meta.encode(), written.getvalue(), count=1))


def _plain(shown: "TransitionOperator | nx.DiGraph[int]", red: Target | None, start: Start | None) -> "nx.DiGraph[int]":
    """The graph to write, a copy with escaped texts."""
    if isinstance(shown, TransitionOperator):
        graph: nx.DiGraph[int] = state_graph(shown, red=red, start=start)
    elif red is not None or start is not None:
        raise InvalidInput("red and start are marked when a graph is made, got them for a graph; give them to its view")
    else:
        graph = shown
    plain: nx.DiGraph[int] = nx.DiGraph(**_escaped(graph.graph, "the graph"))
    for node, found in graph.nodes(data=True):
        plain.add_node(node, **_escaped(found, f"node {node}"))
    for begin, end, found in graph.edges(data=True):
        plain.add_edge(begin, end, **_escaped(found, f"the edge from {begin} to {end}"))
    return plain


def _escaped(attributes: dict[str, Any], where: str) -> dict[str, Any]:
    """Attributes that a file can hold, their texts escaped."""
    for name, value in attributes.items():
        if type(value) not in KINDS or (isinstance(value, float) and not math.isfinite(value)):
            raise InvalidInput(
                f"attributes in a file must be truths, finite numbers or texts, got {type(value).__name__} for {name} "
                f"of {where}; leave it out, or turn it into one of these"
            )
    return {name: escaped(value) if isinstance(value, str) else value for name, value in attributes.items()}


def _replaced(path: str | Path, text: bytes) -> Path:
    """The file, with a text in it instead of what was there."""
    file = Path(path)
    with replacing(file) as stream:
        stream.write(text)
    return file


def escaped(text: str) -> str:
    r"""A text as it stands in a file: nothing that XML cannot hold, no two texts the same.

    >>> escaped("say <\n>"), escaped("_x"), escaped("")
    ('say <_x000A_>', '_x005F_x', '_x_')
    """
    return UNSAFE.sub(lambda found: f"_x{ord(found[0]):04X}_", text) if text else EMPTY


def unescaped(text: str) -> str:
    r"""The text that stands in a file as `escaped` has it.

    >>> unescaped("say <_x000A_>"), unescaped("_x005F_x"), unescaped("_x_")
    ('say <\n>', '_x', '')
    """
    return "" if text == EMPTY else ESCAPE.sub(lambda found: chr(int(found[1], 16)), text)
