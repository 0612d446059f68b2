"""State graphs that move: a picture for each chain of a row, every state, arrow and number at its place throughout.

The disc within a state's ring is its share of the long run; an arrow's width and depth are its probability.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch
from matplotlib.path import Path as Curve
from numpy.typing import ArrayLike
from PIL import Image

from markovgpt.chains.operator import TransitionOperator
from markovgpt.chains.states import is_count
from markovgpt.errors import InvalidInput, TooLarge
from markovgpt.export.figures import PALETTE, STYLE
from markovgpt.graphs.dot import percent
from markovgpt.graphs.ring_layout import ROOM, Arrow, RingLayout, ring_layout
from markovgpt.scaled import ScaledArray
from markovgpt.shown import Shown

MOST_ANIMATED = 27  # more rings than a slide shows
INCHES, DOTS_PER_INCH = 4.2, 150
HEADROOM = 0.16  # for the caption, where the circle of states has radius 1
LEAST_WRITTEN = 0.05  # smaller probabilities get no number
LAST_SHOWN = 10  # times as long as the others
COLOURS, NEARLY_WHITE = 128, 245  # of an animation
INK, DISC = "#222222", "#a6cee3"
LOOK = {**STYLE, "text.parse_math": False}
UNDATED: dict[str, dict[str, None]] = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}, ".png": {}}


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
    file, plan = Path(path), layout_of(moments)
    if not 0 <= index < len(moments):
        raise InvalidInput(f"index must lie in 0..{len(moments) - 1}, got {index}; it counts the moments")
    if file.suffix.lower() not in UNDATED:
        raise InvalidInput(f"a picture's name must end in .svg, .pdf or .png, got {file.name!r}; choose one of them")
    with mpl.rc_context(LOOK):
        figure = _drawn(plan, moments[index])
        figure.savefig(file, dpi=2 * DOTS_PER_INCH, metadata=UNDATED[file.suffix.lower()])
        plt.close(figure)
    return file


def layout_of(moments: Sequence[Moment]) -> RingLayout:
    """Where states, arrows and their numbers stand in all of the pictures; refusals as for `write_animation`."""
    if not moments:
        raise InvalidInput("moments must hold at least one picture, got none; give a chain and its shares")
    n = moments[0].chain.n_states
    if n > MOST_ANIMATED:
        raise TooLarge(
            f"an animation must have at most {MOST_ANIMATED} states, got {n}; give a shorter context, or what is "
            "reachable from a start (reachable_chain)"
        )
    arrows: set[Arrow] = set()
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
        arrows |= _weights(moment.chain).keys()
    return ring_layout(n, arrows)


def _weights(chain: TransitionOperator) -> dict[Arrow, float]:
    """The probability of each arrow."""
    source, target, probability = chain.edges()
    values = ScaledArray.of(probability).to_float()
    return dict(zip(zip(source.tolist(), target.tolist(), strict=True), values.tolist(), strict=True))


def _picture(plan: RingLayout, moment: Moment) -> Image.Image:
    """A moment in dots."""
    with mpl.rc_context(LOOK):
        figure = _drawn(plan, moment)
        dots = BytesIO()
        figure.savefig(dots, format="png", dpi=DOTS_PER_INCH)
        plt.close(figure)
    return Image.open(dots).convert("RGB")


def _drawn(plan: RingLayout, moment: Moment) -> Figure:
    """A moment as a figure."""
    height = INCHES * (2 * ROOM + HEADROOM) / (2 * ROOM)
    figure, axes = plt.subplots(figsize=(INCHES, height))
    figure.subplots_adjust(0, 0, 1, 1)
    axes.set(xlim=(-ROOM, ROOM), ylim=(-ROOM, ROOM + HEADROOM), aspect="equal")
    axes.axis("off")
    axes.text(-ROOM + 0.06, ROOM + HEADROOM - 0.06, moment.caption, va="top", fontsize=9, color=INK)
    weights = _weights(moment.chain)
    space = moment.chain.space
    newest = None if space is None else space.token_from_end(0)
    for arrow, weight in sorted(weights.items(), key=lambda item: item[1]):  # the likely ones above the others
        token = None if newest is None else int(newest[arrow[1]])
        _draw_arrow(axes, plan, arrow, weight, moment.chain, token)
    for state, (place, share) in enumerate(zip(plan.places, np.asarray(moment.share, dtype=float), strict=True)):
        axes.add_patch(Circle(place, plan.radius, facecolor="white", edgecolor=INK, linewidth=0.8, zorder=3))
        axes.add_patch(Circle(place, plan.radius * math.sqrt(share), facecolor=DISC, linewidth=0, zorder=4))
        label = moment.chain.label(state)
        size = min(9.0, 150 * plan.radius / max(3, len(label)))
        axes.text(place[0], place[1], label, ha="center", va="bottom", fontsize=size, color=INK, zorder=5)
        axes.text(place[0], place[1], percent(share), ha="center", va="top", fontsize=0.75 * size, color=INK, zorder=5)
    return figure


def _draw_arrow(
    axes: Axes, plan: RingLayout, arrow: Arrow, weight: float, chain: TransitionOperator, token: int | None
) -> None:
    """One arrow, and its number where there is room."""
    ink = np.array(to_rgb(PALETTE[(token or 0) % len(PALETTE)]))
    colour = tuple(1 - (0.12 + 0.88 * min(weight, 1.0)) * (1 - ink))
    curve = Curve(plan.curves[arrow], [Curve.MOVETO, Curve.CURVE4, Curve.CURVE4, Curve.CURVE4])
    style = f"-|>,head_length={0.3 + 0.2 * weight:.3f},head_width={0.15 + 0.12 * weight:.3f}"
    axes.add_patch(
        FancyArrowPatch(
            path=curve, arrowstyle=style, mutation_scale=11, color=colour, linewidth=0.4 + 2.2 * weight, zorder=2
        )
    )
    if weight >= LEAST_WRITTEN and arrow in plan.numbers:
        shown = percent(weight) if token is None else f"{_token(chain, token)} {percent(weight)}"
        middle = plan.numbers[arrow]
        axes.text(
            middle[0], middle[1], shown, ha="center", va="center", fontsize=6.5, color=tuple(0.75 * ink), zorder=2
        )


def _token(chain: TransitionOperator, token: int) -> str:
    """How one token is printed."""
    return str(token) if chain.vocabulary is None else chain.vocabulary.show((token,))
