"""What a notebook shows of a state graph: its heaviest states, what is left out, and the drawing of a small one."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from markovgpt.analysis.result import Answer
from markovgpt.export.card import Card
from markovgpt.export.tables import certified_digits
from markovgpt.export.thumbnail import picture_of
from markovgpt.graphs.shown_graph import StateGraph
from markovgpt.solvers.certificate import Enclosure

FEW_ROWS = 12
MARKS = {
    "red": "red",
    "start": "start",
    "absorbing": "never left",
    "recurrent": "recurrent",
    "cycle": "on a cycle of temperature zero",
}


def graph_card(graph: StateGraph) -> Card:
    """The card of a state graph; its heaviest nodes come first, of equals the first.

    >>> graph = StateGraph(title="One state", left_out="")
    >>> graph.add_node(0, label="a", red=True)
    >>> graph_card(graph).rows
    [{'node': '0', 'label': 'a', 'marks': 'red'}]
    """
    facts = {"shows": str(graph.graph.get("title", "")), "nodes": f"{len(graph):,}"}
    facts["edges"] = f"{graph.number_of_edges():,}"
    nodes = sorted(graph.nodes(data=True), key=lambda node: -node[1].get("long_run", 0.0))
    rows = [_row(node, given) for node, given in nodes[:FEW_ROWS]]
    note = str(graph.graph.get("left_out", ""))
    return Card(type(graph).__name__, facts, rows, len(graph), note, picture_of(graph))


def _row(node: object, given: Mapping[str, Any]) -> dict[str, str]:
    """One node: its number, label, share and marks, those that are known."""
    row = {"node": str(node), "label": str(given.get("label", node))}
    if "n_states" in given:
        row["states"] = f"{given['n_states']:,}"
    if "long_run" in given:
        value, lower, upper = (np.asarray(float(given[f"long_run{part}"])) for part in ("", "_lower", "_upper"))
        row["share of the long run"] = certified_digits(Answer.of(Enclosure(value, lower, upper, 0.0, "")))
    return row | {"marks": ", ".join(text for name, text in MARKS.items() if given.get(name))}
