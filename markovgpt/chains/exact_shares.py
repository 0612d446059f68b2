"""Sums of stored numbers as whole numbers of any size, and whether two rows send the same shares.

A number is the bits that stand at each place, 64 of them together, so that powers of two as far apart as those of a
chain near temperature zero take no room between them.
"""

from collections.abc import Iterable
from itertools import product

import numpy as np
from numpy.typing import NDArray

LIMB = 64  # bits of a whole number that stand together

Sums = tuple[tuple[int, int, int], ...]  # block, place, the bits there
Limbs = dict[int, int]  # place, the bits there


def same_shares(one: Sums, two: Sums) -> bool:
    """Whether two rows, given by their exact sums, send the same share of their totals into each block.

    >>> quarters = exact_sums(np.array([0, 1]), np.array([0.5, 0.75]), np.array([1, 2]))           # 1 and 3
    >>> same_shares(quarters, exact_sums(np.array([0, 1]), np.array([0.5, 0.75]), np.array([3, 4])))
    True
    """
    if one == two:
        return True
    first, second = _by_block(one), _by_block(two)
    if first.keys() != second.keys():
        return False
    if len(first) == 1:  # all of both
        return True
    wholes = [_added(parts.values()) for parts in (first, second)]
    return all(_product(first[block], wholes[1]) == _product(second[block], wholes[0]) for block in first)


def _by_block(sums: Sums) -> dict[int, Limbs]:
    """The bits of each block's sum by their place."""
    found: dict[int, Limbs] = {}
    for block, place, bits in sums:
        found.setdefault(block, {})[place] = bits
    return found


def _added(parts: Iterable[Limbs]) -> Limbs:
    """The exact sum of numbers."""
    whole: Limbs = {}
    for part in parts:
        for place, bits in part.items():
            _add(whole, place, bits)
    return whole


def _product(one: Limbs, two: Limbs) -> Limbs:
    """The exact product of two numbers."""
    whole: Limbs = {}
    for (place, bits), (other, others) in product(one.items(), two.items()):
        _add(whole, place + other, bits * others)
    return {place: bits for place, bits in whole.items() if bits}


def _add(limbs: Limbs, place: int, carried: int) -> None:
    """Add a whole number at a place, in place."""
    while carried:
        carried += limbs.get(place, 0)
        limbs[place] = carried % 2**LIMB
        carried, place = carried >> LIMB, place + 1


def exact_sums(blocks: NDArray[np.int64], mantissas: NDArray[np.float64], exponents: NDArray[np.int64]) -> Sums:
    """The exact sum of mantissa * 2**exponent in each block but -1: the block, a place, the 64 bits that stand there.

    >>> halves = exact_sums(np.array([0, 0]), np.array([0.5, 0.5]), np.array([0, 0]))
    >>> halves == exact_sums(np.array([0]), np.array([0.5]), np.array([1]))
    True
    """
    found: dict[int, Limbs] = {}
    for block, mantissa, exponent in zip(blocks.tolist(), mantissas.tolist(), exponents.tolist(), strict=True):
        if block >= 0:
            place, shift = divmod(exponent - 53, LIMB)
            _add(found.setdefault(block, {}), place, int(mantissa * 2**53) << shift)
    sums = [(block, place, bits) for block, limbs in found.items() for place, bits in limbs.items() if bits]
    return tuple(sorted(sums))
