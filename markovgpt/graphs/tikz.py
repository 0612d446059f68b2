r"""Small graphs as TikZ: a tikzpicture that stands by itself in any document that loads tikz.

Every number is a place in centimetres, so the picture is the same wherever it is set. In the preamble:
``\usepackage{tikz}`` and ``\usetikzlibrary{automata,arrows.meta}``; a document of its own (`document`) has them.
"""

from pathlib import Path

from markovgpt.export.latex import after_break, escaped
from markovgpt.graphs.lettering import HEIGHT
from markovgpt.graphs.placed_graph import KEY, SMALL, SQUARE, Arrow, Node, PlacedGraph, Point, begin_way, dash_lengths

STYLES = (
    "x=1cm, y=1cm, >={{Stealth[scale=0.8]}}",
    "every state/.style={{circle, draw, fill=white, align=center, inner sep=0pt, minimum size={diameter}cm, "
    "font=\\sffamily{node}}}",
    "strong/.style={{fill=black!14}}, doubled/.style={{accepting, draw=red!70!black, text=red!70!black}}",
    "begin/.style={{line width=2pt}}, into/.style={{->, thick}}",
    "never left/.style={{rectangle, minimum size={square}cm}}",
    "key/.style={{minimum size={key}cm}}, words/.style={{inner sep=0pt, font=\\sffamily}}",
    "on arrow/.style={{words, font=\\sffamily{arrow}}}",
)
MARKS = (("strong", "strong"), ("doubled", "doubled"), ("square", "never left"))
DOCUMENT = r"""\documentclass[border=2mm]{standalone}
\usepackage[T1]{fontenc}
\IfFileExists{lmodern.sty}{\usepackage{lmodern}}{\IfFileExists{t1phv.fd}{\renewcommand{\sfdefault}{phv}}{}}
\usepackage{tikz}
\usetikzlibrary{automata,arrows.meta}
\begin{document}
%s\end{document}
"""


def tikz_picture(graph: PlacedGraph) -> str:
    r"""A small graph as a tikzpicture.

    >>> from markovgpt.graphs.placed_graph import Node
    >>> one = PlacedGraph((Node(0.0, 0.0, "50%"),), ())
    >>> print("\n".join(tikz_picture(one).split("\n")[-3:-1]))
      \node[state] (s0) at (0.000, 0.000) {50\%};
    \end{tikzpicture}
    """
    options = ",\n  ".join(STYLES).format(
        diameter=f"{graph.diameter:.3f}",
        key=f"{KEY:.2f}",
        square=f"{SQUARE * graph.diameter:.3f}",
        node=_size(graph.points),
        arrow=_size(graph.arrow_points),
    )
    lines = [f"\\begin{{tikzpicture}}[\n  {options}]"]
    lines += [_arrow(arrow) for arrow in graph.arrows]
    for number, node in enumerate(graph.nodes):
        lines += _node(node, f"s{number}", graph.diameter, graph.points)
    for arrow in graph.arrows:
        if arrow.label and arrow.place is not None:
            lines.append(f"  \\node[on arrow] at {_at(arrow.place)} {{{escaped(arrow.label)}}};")
    for number, key in enumerate(graph.keys):
        lines += [_arrow(key)] if isinstance(key, Arrow) else _node(key, f"k{number}", KEY, graph.points, ", key")
    for caption in graph.captions:
        text = r"\\ ".join(after_break(escaped(line)) for line in caption.lines)
        how = "align=center" if caption.centred else "align=left, anchor=west"
        font = f"font=\\sffamily{_size(caption.points)}"
        lines.append(f"  \\node[words, {how}, {font}] at {_at((caption.x, caption.y))} {{{text}}};")
    return "\n".join([*lines, "\\end{tikzpicture}", ""])


def write_tikz_picture(graph: PlacedGraph, path: str | Path, *, standalone: bool) -> Path:
    """Write a tikzpicture, or a document of it alone, which any LaTeX compiles. Returns the path."""
    file, text = Path(path), tikz_picture(graph)
    file.write_text(document(text) if standalone else text, encoding="utf-8")
    return file


def document(text: str) -> str:
    r"""A tikzpicture as a document that compiles by itself.

    >>> print(document("").split("\n")[0])
    \documentclass[border=2mm]{standalone}
    """
    return DOCUMENT % text


def _size(points: float) -> str:
    """The command that chooses a size of letters."""
    return f"\\fontsize{{{points:g}}}{{{HEIGHT * points:g}}}\\selectfont"


def _at(place: Point) -> str:
    """A place."""
    return f"({place[0]:.3f}, {place[1]:.3f})"


def _colour(colour: str) -> str:
    """A colour that is written as on a web page."""
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"{{rgb,255:red,{red};green,{green};blue,{blue}}}"


def _node(node: Node, name: str, diameter: float, points: float, more: str = "") -> list[str]:
    """One node, and the arrow into the start."""
    marks = [style for mark, style in MARKS if getattr(node, mark)]
    into = []
    if node.begin is not None:
        marks.append("begin")
        into = [f"  \\draw[into] {' -- '.join(map(_at, begin_way(node, diameter)))};"]
    note = f"\\\\[-1pt]{{{_size(SMALL * points)} {escaped(node.note)}}}" if node.note else ""
    style = ", ".join(["state", *marks]) + more
    return [f"  \\node[{style}] ({name}) at {_at((node.x, node.y))} {{{escaped(node.label)}{note}}};", *into]


def _arrow(arrow: Arrow) -> str:
    """One arrow."""
    style = f"->, line width={arrow.width:.2f}pt, draw={_colour(arrow.colour)}"
    if arrow.dashes:
        parts = zip(("on", "off") * len(arrow.dashes), dash_lengths(arrow), strict=False)
        style += ", dash pattern=" + " ".join(f"{switch} {length:.2f}pt" for switch, length in parts)
    pieces = [_at(arrow.way[0])]
    for first in range(1, len(arrow.way), 3):
        one, two, end = map(_at, arrow.way[first : first + 3])
        pieces.append(f".. controls {one} and {two} .. {end}")
    return f"  \\draw[{style}] {' '.join(pieces)};"
