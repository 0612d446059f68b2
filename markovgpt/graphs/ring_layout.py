"""States on a circle, in an order that keeps the arrows between them short: the layout of the seed notebook.

Arrows bend to their right, so that both directions between two states are seen, and around the states between them.
"""

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from markovgpt.graphs.placed_graph import Way, bent_way, loop_way, points_of
from markovgpt.scaled import FloatArray

WIDE, CLOSE = 2.6, 1.7  # middles of neighbours, in diameters: of few states, and at least
CLEAR = 0.12  # between an arrow and a state that it passes by, in diameters
BENDS = (0.16, 0.24, 0.34, -0.3, 0.46, -0.42, 0.6, -0.56, 0.8, -0.75, 1.0)  # to the right, as parts of the chord
APART = 0.2  # least difference between the two directions
Pair = tuple[int, int]


def ring_layout(
    n_states: int, arrows: Iterable[Pair], diameter: float = 1.0, room: float = 1.0
) -> tuple[FloatArray, dict[Pair, Way]]:
    """Where do so many states stand, (n_states, 2), and how do the arrows run? Each arrow is (source, target).

    Parameters
    ----------
    room: how many times as large as usual the circle is.

    >>> places, ways = ring_layout(2, [(0, 1), (1, 0)])
    >>> places.round(12).tolist(), sorted(ways)
    ([[0.0, 1.3], [0.0, -1.3]], [(0, 1), (1, 0)])
    """
    drawn = sorted(set(arrows))
    angles = np.empty(n_states)
    angles[_short_ways(n_states, drawn)] = math.pi / 2 - 2 * math.pi * np.arange(n_states) / max(n_states, 1)
    apart = room * max(CLOSE, WIDE - 0.04 * max(n_states - 8, 0)) * diameter
    around = 0.0 if n_states < 2 else apart / (2 * math.sin(math.pi / n_states))
    places = around * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    ways: dict[Pair, Way] = {}
    bends: dict[Pair, float] = {}
    for source, target in drawn:
        if source == target:
            out = math.degrees(angles[source]) if n_states > 1 else 90.0
            ways[source, target] = loop_way(places[source].tolist(), diameter / 2, out)
            continue
        back = bends.get((target, source))
        bends[source, target], ways[source, target] = way_around(places, source, target, diameter, back)
    return places, ways


def way_around(places: FloatArray, source: int, target: int, diameter: float, back: float | None) -> tuple[float, Way]:
    """The smallest bend that keeps off the states between, and the arrow that is bent so.

    Parameters
    ----------
    back: the bend of the arrow back, if there is one; this one keeps off it.
    """
    others = np.delete(places, [source, target], axis=0)
    most, best = -1.0, (0.0, bent_way(places[source], places[target], diameter / 2, 0.0))
    for bend in BENDS:
        if back is not None and abs(bend + back) < APART:
            continue
        way = bent_way(places[source], places[target], diameter / 2, bend)
        if not len(others):
            return bend, way
        points = points_of(way)
        room = float(np.hypot(*(points[:, None] - others).transpose(2, 0, 1)).min())
        if room >= (0.5 + CLEAR) * diameter:
            return bend, way
        if room > most:
            most, best = room, (bend, way)
    return best


def _short_ways(n: int, arrows: list[Pair]) -> NDArray[np.int64]:
    """An order on the circle that keeps arrows short: the two states change places that shorten them most.

    With W the number of arrows between two states and D how far their places are apart, a change of i and j shortens
    all by (W D)_ii + (W D)_jj - (W D)_ij - (W D)_ji - 2 W_ij D_ij (the quadratic assignment problem's exchange).
    """
    joined = np.zeros((n, n))
    for source, target in arrows:
        if source != target:
            joined[source, target] += 1
            joined[target, source] += 1
    chord = 2 * np.sin(math.pi * np.arange(n) / max(n, 1))
    place = np.arange(n)
    while n > 2:
        apart = chord[np.abs(place[:, None] - place)]
        whole = joined @ apart
        own = np.diag(whole)
        gain = own[:, None] + own - whole - whole.T - 2 * joined * apart
        one, two = np.unravel_index(int(np.argmax(gain)), gain.shape)
        if gain[one, two] <= 1e-9:
            break
        place[[one, two]] = place[[two, one]]
    return np.argsort(place)
