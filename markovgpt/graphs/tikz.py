r"""Small graphs as TikZ: a tikzpicture that stands by itself in any document that loads tikz.

Every number is a place in centimetres, so the picture is the same wherever it is set. In the preamble:
``\usepackage{tikz}``.
"""

from markovgpt.export.latex import after_break, escaped
from markovgpt.graphs.placed_graph import Arrow, PlacedGraph, label_places

STYLES = (
    "x=1cm, y=1cm, >=stealth",
    "state/.style={{circle, draw, fill=white, align=center, inner sep=0pt, minimum size={diameter}cm}}",
    "strong/.style={{fill=blue!12}}, doubled/.style={{double, draw=red!70!black}}, begin/.style={{very thick}}",
    "way/.style={{->, gray}}, loop way/.style={{->, very thick, blue!60!black}}",
    "on arrow/.style={{font=\\scriptsize, fill=white, inner sep=1pt, text=black}}",
)


def tikz_picture(graph: PlacedGraph) -> str:
    r"""A small graph as a tikzpicture.

    >>> from markovgpt.graphs.placed_graph import Node
    >>> one = PlacedGraph((Node(0.0, 0.0, "50%"),), (Arrow(0, 0, bend=90.0),))
    >>> print("\n".join(tikz_picture(one).split("\n")[-4:-1]))
      \node[state] (s0) at (0.00, 0.00) {50\%};
      \draw[way] (s0) to[out=105, in=75, looseness=6] (s0);
    \end{tikzpicture}
    """
    options = ",\n  ".join(STYLES).format(diameter=f"{graph.diameter:.2f}")
    lines = [f"\\begin{{tikzpicture}}[\n  {options}]"]
    for number, node in enumerate(graph.nodes):
        marks = [name for name in ("strong", "doubled", "begin") if getattr(node, name)]
        note = f"\\\\[-2pt]{{\\tiny {escaped(node.note)}}}" if node.note else ""
        style = ", ".join(["state", *marks])
        lines.append(f"  \\node[{style}] (s{number}) at ({node.x:.2f}, {node.y:.2f}) {{{escaped(node.label)}{note}}};")
    lines += [_arrow(arrow) for arrow in graph.arrows]
    for arrow, (x, y) in zip(graph.arrows, label_places(graph), strict=True):
        if arrow.label:
            lines.append(f"  \\node[on arrow] at ({x:.2f}, {y:.2f}) {{{escaped(arrow.label)}}};")
    for caption in graph.captions:
        text = r"\\ ".join(after_break(escaped(line)) for line in caption.lines)
        lines.append(f"  \\node[align=center] at ({caption.x:.2f}, {caption.y:.2f}) {{{text}}};")
    return "\n".join([*lines, "\\end{tikzpicture}", ""])


def _arrow(arrow: Arrow) -> str:
    """One arrow."""
    style = "loop way" if arrow.strong else "way"
    if arrow.source == arrow.target:
        way = f"out={arrow.bend + 15:.0f}, in={arrow.bend - 15:.0f}, looseness=6"
    else:
        way = f"bend left={arrow.bend:.0f}"
    return f"  \\draw[{style}] (s{arrow.source}) to[{way}] (s{arrow.target});"
