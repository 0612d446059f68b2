"""State graphs that move: a picture for each chain of a row, every state, arrow and number at its place throughout.

The disc within a state's ring is its share of the long run; what arrows show is as in `draw`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import networkx as nx
import numpy as np
from numpy.typing import ArrayLike
from PIL import Image

from markovgpt.chains.operator import TransitionOperator
from markovgpt.chains.states import is_count
from markovgpt.errors import InvalidInput, TooLarge
from markovgpt.graphs.lettering import drawable, height_of
from markovgpt.graphs.picture import LOOK, checked_name, picture, write_picture
from markovgpt.graphs.placed_graph import Caption, PlacedGraph
from markovgpt.graphs.state_layout import arrow_of, percent, placed_states, token_looks
from markovgpt.shown import Shown

MOST_ANIMATED = 27  # more rings than a slide shows
DOTS_PER_INCH = 120
CAPTION = 10.0  # points
LONGEST_CAPTION = 80  # characters
LEAST_WRITTEN = 0.05  # smaller probabilities get no number
LAST_SHOWN = 10  # times as long as the others
COLOURS, NEARLY_WHITE = 128, 245  # of an animation


@dataclass(frozen=True, eq=False, repr=False)
class Moment(Shown):
    """One picture of a moving state graph.

    Parameters
    ----------
    chain: the chain; all moments' chains have the same states.
    share: (n_states,) each state's share of the long run, in [0, 1].
    caption: a line that is written above.
    """

    chain: TransitionOperator
    share: ArrayLike
    caption: str


def write_animation(moments: Sequence[Moment], path: str | Path, *, milliseconds: int = 150) -> Path:
    """Write a state graph that moves, for ever, as a GIF. Returns the path.

    Parameters
    ----------
    moments: in their order; states, arrows and numbers stand where all moments together want them, and stay there.
    path: ends in .gif.
    milliseconds: that each picture is shown, at least 20; the last stays ten times as long.

    Raises
    ------
    InvalidInput: no moments, chains of other states, shares that are none, another ending, or too short a time.
    TooLarge: more than 27 states.
    """
    file = Path(path)
    if file.suffix.lower() != ".gif":
        raise InvalidInput(f"an animation's name must end in .gif, got {file.name!r}; for one picture see draw_moment")
    if not is_count(milliseconds) or milliseconds < 20:
        raise InvalidInput(
            f"milliseconds must be a whole number of at least 20, got {milliseconds}; browsers slow down what is faster"
        )
    plan = layout_of(moments)
    pictures = [_picture(plan, moment) for moment in moments]
    few = Image.fromarray(np.concatenate([np.asarray(pictures[i]) for i in {0, len(pictures) // 2, len(pictures) - 1}]))
    palette = few.quantize(COLOURS, method=Image.Quantize.MEDIANCUT)
    colours = np.array(palette.getpalette(), dtype=np.uint8).reshape(-1, 3)
    colours[colours.min(axis=1) >= NEARLY_WHITE] = 255  # a palette holds means of colours
    palette.putpalette(colours.tobytes())
    frames = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]
    times = [milliseconds] * (len(frames) - 1) + [LAST_SHOWN * milliseconds]
    frames[0].save(file, save_all=True, append_images=frames[1:], duration=times, loop=0, optimize=False)
    return file


def draw_moment(moments: Sequence[Moment], index: int, path: str | Path) -> Path:
    """Draw one picture of `write_animation`, for paper; the name's ending says the format: .svg, .pdf or .png.

    Refusals as there, and

    Raises
    ------
    InvalidInput: an index that is none of the moments, or another ending.
    """
    file, plan = checked_name(path), layout_of(moments)
    if not 0 <= index < len(moments):
        raise InvalidInput(f"index must lie in 0..{len(moments) - 1}, got {index}; it counts the moments")
    return write_picture(_at(plan, moments[index]), file, plan.box)


def layout_of(moments: Sequence[Moment]) -> PlacedGraph:
    """Where states, arrows and labels stand in all of the pictures; refusals as for `write_animation`.

    Arrows have the widest labels that may stand there, and are as wide as they can be.
    """
    if not moments:
        raise InvalidInput("moments must hold at least one picture, got none; give a chain and its shares")
    n = moments[0].chain.n_states
    if n > MOST_ANIMATED:
        raise TooLarge(
            f"an animation must have at most {MOST_ANIMATED} states, got {n}; give a shorter context, or what is "
            "reachable from a start (reachable_chain)"
        )
    whole: nx.DiGraph[int] = nx.DiGraph()
    for moment in moments:
        share = np.asarray(moment.share, dtype=np.float64)
        if moment.chain.n_states != n:
            raise InvalidInput(
                f"moments must have the same {n} states, got {moment.chain.n_states}; animate them apart"
            )
        if share.shape != (n,) or not ((share >= 0) & (share <= 1)).all():
            raise InvalidInput(
                f"share must be {n} numbers in [0, 1], got {share.tolist()}; see stationary_distributions"
            )
        whole.update(moment.chain.to_networkx())
    nx.set_edge_attributes(whole, dict.fromkeys(whole.edges, 1.0), "weight")
    nx.set_node_attributes(whole, dict.fromkeys(whole, 1.0), "share")
    plan = placed_states(whole)
    left, _, _, top = plan.box
    lines = (max((_caption(moment) for moment in moments), key=len),)
    above = Caption(left, top + height_of(CAPTION), lines, CAPTION, centred=False)
    return replace(plan, captions=(*plan.captions, above))


def _picture(plan: PlacedGraph, moment: Moment) -> Image.Image:
    """A moment in dots."""
    with mpl.rc_context(LOOK):
        figure = picture(_at(plan, moment), plan.box)
        dots = BytesIO()
        figure.savefig(dots, format="png", dpi=DOTS_PER_INCH)
        plt.close(figure)
    return Image.open(dots).convert("RGB")


def _at(plan: PlacedGraph, moment: Moment) -> PlacedGraph:
    """The plan as it is at a moment: its shares, its arrows, the likely ones above the others, and its caption."""
    graph = moment.chain.to_networkx()
    looks = token_looks(given["token"] for _, _, given in graph.edges(data=True) if "token" in given)
    shares = np.asarray(moment.share, dtype=float).tolist()
    nodes = [replace(node, note=percent(share), share=share) for node, share in zip(plan.nodes, shares, strict=True)]
    kept = [arrow for arrow in plan.arrows if graph.has_edge(arrow.source, arrow.target)]
    arrows = [
        replace(
            arrow_of(arrow.source, arrow.target, arrow.way, graph.edges[arrow.source, arrow.target], looks),
            place=arrow.place if graph.edges[arrow.source, arrow.target]["weight"] >= LEAST_WRITTEN else None,
        )
        for arrow in kept
    ]
    arrows.sort(key=lambda arrow: arrow.width)
    captions = (*plan.captions[:-1], replace(plan.captions[-1], lines=(_caption(moment),)))
    return replace(plan, nodes=tuple(nodes), arrows=tuple(arrows), captions=captions)


def _caption(moment: Moment) -> str:
    """What is written above a picture."""
    return drawable(moment.caption, LONGEST_CAPTION)
