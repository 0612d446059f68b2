"""Where a state graph's rings, arrows and numbers stand, so that no number lies on an arrow.

States stand on a circle, in an order that keeps the arrows short. Arrows bend to their right, so that both directions
between two states are seen. A number stands beside its arrow where no other arrow or ring comes near, or nowhere.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from markovgpt.scaled import FloatArray

ROOM = 1.42  # half the width of the picture, whose circle of states has radius 1
BEND, POINTS = 0.16, 41  # how far an arrow's control point lies beside its chord, over its length; points of a curve
LETTER, LINE = 0.049, 0.045  # the width of a letter of a number, and half its height
LONGEST = 5  # letters of a number, as "1 73%"
GAP, ENOUGH = 0.022, 0.1  # between a number and what is drawn: the least, and what is looked for

Points = NDArray[np.float64]  # (k, 2)
Arrow = tuple[int, int]


@dataclass(frozen=True, eq=False)
class RingLayout:
    """Where everything stands.

    Parameters
    ----------
    places: (n_states, 2) of the states.
    radius: of their rings.
    curves: for each arrow its four control points (4, 2).
    numbers: for each arrow beside which there is room, the middle of its number.
    """

    places: Points
    radius: float
    curves: Mapping[Arrow, Points]
    numbers: Mapping[Arrow, FloatArray]


def ring_layout(n_states: int, arrows: Iterable[Arrow]) -> RingLayout:
    """Where do so many states, at least one, and the arrows between them stand? Each arrow is (source, target).

    >>> two = ring_layout(2, [(0, 1), (1, 0)])
    >>> two.places.round(12).tolist(), sorted(two.curves)
    ([[0.0, 1.0], [0.0, -1.0]], [(0, 1), (1, 0)])
    """
    drawn = sorted(set(arrows))
    angles = np.empty(n_states)
    angles[_short_ways(n_states, drawn)] = math.pi / 2 - 2 * math.pi * np.arange(n_states) / n_states
    alone = n_states == 1
    places = np.zeros((1, 2)) if alone else np.stack([np.cos(angles), np.sin(angles)], axis=1)
    radius = 0.15 if alone else min(0.15, 0.62 * math.sin(math.pi / n_states))
    curves = {arrow: _curve(places, radius, *arrow) for arrow in drawn}
    return RingLayout(places, radius, curves, _numbers(places, radius, curves))


def points_of(curve: Points) -> Points:
    """(POINTS, 2) points of a cubic curve, from its start to its end."""
    t = np.linspace(0, 1, POINTS)[:, None]
    weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3)
    return np.asarray(sum(weight * point for weight, point in zip(weights, curve, strict=True)))


def box_of(middle: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The lower left and the upper right corner of the longest number that may stand at a place."""
    half = np.array([LETTER * LONGEST / 2, LINE])
    return middle - half, middle + half


def _short_ways(n: int, arrows: Sequence[Arrow]) -> list[int]:
    """An order on the circle that keeps arrows short: states change places in pairs as long as that helps."""
    chord = 2 * np.sin(math.pi * np.arange(n) / n)
    ends = np.array([arrow for arrow in arrows if arrow[0] != arrow[1]], dtype=np.int64).reshape(-1, 2)
    place = np.arange(n)

    def length() -> float:
        return float(chord[np.abs(place[ends[:, 0]] - place[ends[:, 1]])].sum())

    best, moved = length(), True
    while moved:
        moved = False
        for one, two in combinations(range(n), 2):
            place[[one, two]] = place[[two, one]]
            found = length()
            if found < best - 1e-9:
                best, moved = found, True
            else:
                place[[one, two]] = place[[two, one]]
    return [int(state) for state in np.argsort(place)]


def _curve(places: Points, radius: float, source: int, target: int) -> Points:
    """The control points of an arrow from ring to ring; what leads to itself turns round outside the circle."""
    begin, end = places[source], places[target]
    if source == target:
        out = math.atan2(begin[1], begin[0]) if np.hypot(*begin) > 0 else math.pi / 2
        turns = np.array([out + 0.55, out + 0.5, out - 0.5, out - 0.55])
        far = np.array([1.0, 3.1, 3.1, 1.12]) * radius
        return np.asarray(begin + far[:, None] * np.stack([np.cos(turns), np.sin(turns)], axis=1))
    way = end - begin
    bent = (begin + end) / 2 + BEND * np.array([way[1], -way[0]])
    first = begin + radius * (bent - begin) / np.hypot(*(bent - begin))
    last = end + 1.12 * radius * (bent - end) / np.hypot(*(bent - end))
    return np.array([first, first + 2 / 3 * (bent - first), last + 2 / 3 * (bent - last), last])


def _numbers(places: Points, radius: float, curves: Mapping[Arrow, Points]) -> dict[Arrow, FloatArray]:
    """The middles of the arrows' numbers: where most room is beside each, if there is any."""
    along = sorted(range(POINTS // 6, POINTS - POINTS // 6), key=lambda index: abs(index - POINTS // 3))
    found: dict[Arrow, FloatArray] = {}
    for arrow, curve in curves.items():
        points, most, best = points_of(curve), GAP, None
        others = np.concatenate([places, *(points_of(other) for key, other in curves.items() if key != arrow)])
        far = np.where(np.arange(len(others)) < len(places), radius, 0.0)  # rings, and arrows
        for index in along:
            way = points[index + 1] - points[index - 1]
            aside = np.array([way[1], -way[0]]) / np.hypot(*way)
            reach = float(np.abs(aside) @ box_of(np.zeros(2))[1]) + 1.3 * GAP
            for middle in (points[index] + reach * aside, points[index] - reach * aside):
                room = min(ENOUGH, _room(middle, others, far, list(found.values())))
                if room > most + 1e-9 and distances(middle, points).min() > GAP:
                    most, best = room, middle
        if best is not None:
            found[arrow] = best
    return found


def distances(middle: FloatArray, points: Points) -> FloatArray:
    """How far points are from the box of a number, 0 within it."""
    low, high = box_of(middle)
    outside = np.maximum(np.maximum(low - points, points - high), 0)
    return np.asarray(np.hypot(outside[:, 0], outside[:, 1]))


def _room(middle: FloatArray, others: Points, far: FloatArray, numbers: Sequence[FloatArray]) -> float:
    """How far a number's box is from rings, other arrows and numbers, and the edge; below 0 where it lies on one."""
    low, high = box_of(middle)
    rooms = [float((distances(middle, others) - far).min()), ROOM - float(np.abs([low, high]).max())]
    for other in numbers:
        below, above = box_of(other)
        rooms.append(float(np.maximum(low - above, below - high).max()))
    return min(rooms)
