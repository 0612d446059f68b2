"""Compile a loop, once a machine where the result can be kept, once a process where it cannot."""

from collections.abc import Callable
from typing import Any

from numba import njit


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function on arrays, compiled at its first call; other threads go on while it runs.

    Sums may be taken in another order, and a product and a sum rounded together: relative bounds that count the
    roundings of non-negative terms hold for that. Nothing assumes that there is no NaN or infinity.

    >>> import numpy as np
    >>> def first(values): return values[0]
    >>> compiled(first)(np.array([2.0]))
    2.0
    """
    options: dict[str, Any] = {"nogil": True, "fastmath": {"reassoc", "contract"}, "error_model": "numpy"}
    try:
        kept: Callable[..., Any] = njit(cache=True, **options)(function)
    except RuntimeError:  # neither the package's folder nor the user's can be written
        return njit(**options)(function)  # type: ignore[no-any-return]
    return kept
