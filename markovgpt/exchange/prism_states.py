"""PRISM's .sta files: the states as values of variables, ``(t1,t2)`` and then ``0:(0,1)``, a line a state.

A state that is a window has the token at each of its places, the oldest first, and -1 where it is too short.
"""

import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from markovgpt.chains.states import Mask, Windows
from markovgpt.exchange.listing import States
from markovgpt.exchange.text_file import TextFile, quoted, shortened
from markovgpt.memory import require_memory

VARIABLES = re.compile(r"\(([A-Za-z_]\w*(?:,[A-Za-z_]\w*)*)\)", re.ASCII)
VALUE = r"(?:-?(?:0|[1-9]\d{0,14})|true|false)"
TRUTHS = {"true": 1, "false": 0}
WRITTEN_AT_ONCE = 2**14
REMEDY = "export the chain again"


def states_text(space: Windows) -> Iterator[str]:
    """The text of a .sta file, piece by piece.

    >>> from markovgpt.chains.states import StateSpace
    >>> print("".join(states_text(StateSpace(2, 2, with_prefixes=True))))
    (t1,t2)
    0:(-1,0)
    1:(-1,1)
    2:(0,0)
    3:(0,1)
    4:(1,0)
    5:(1,1)
    <BLANKLINE>
    """
    length = space.context_length
    yield f"({','.join(f't{place}' for place in range(1, length + 1))})\n"
    tokens = [space.token_from_end(place) for place in reversed(range(length))]
    for first in range(0, space.n_states, WRITTEN_AT_ONCE):
        rows = zip(*(column[first : first + WRITTEN_AT_ONCE].tolist() for column in tokens), strict=True)
        yield "".join([f"{state}:({','.join(map(str, row))})\n" for state, row in enumerate(rows, first)])


def read_states(file: TextFile, n_states: int) -> dict[str, States]:
    """The value of each variable in each state, (n_states,); true is 1 and false is 0.

    Raises
    ------
    InvalidInput: variables twice; a line that is no state of the chain, or one that has a line; states without a line;
        two states with the same values.
    TooLarge: more values than fit.
    """
    line, text = file.next_line() or (1, "")
    declared = VARIABLES.fullmatch(text)
    names = declared[1].split(",") if declared else []
    if not names or len(set(names)) < len(names):
        raise file.refusal(line, "a .sta file must begin with its variables, like (t1,t2)", quoted(text), REMEDY)
    require_memory(n_states * len(names) * 24, f"{n_states} states of {len(names)} variables", "read it without them")
    values, seen = np.zeros((n_states, len(names)), dtype=np.int64), np.zeros(n_states, dtype=bool)
    form = re.compile(rf"(\d{{1,18}}):\(({VALUE}(?:,{VALUE}){{{len(names) - 1}}})\)", re.ASCII)
    for line, text in file.content():
        found = form.fullmatch(text)
        if not found:
            told = f"expected a state and {len(names)} whole numbers, like 0:({shortened(','.join('0' * len(names)))})"
            raise file.refusal(line, told, quoted(text), REMEDY)
        values[listed_state(file, line, found[1], seen)] = [
            TRUTHS[word] if word in TRUTHS else int(word) for word in found[2].split(",")
        ]
    if not seen.all():
        state = int(np.argmin(seen))
        raise file.refusal(file.last_line, f"state {state} must have a line", "none", REMEDY)
    _refuse_twins(file, values)
    return dict(zip(names, values.T.copy(), strict=True))


def listed_state(file: TextFile, line: int, text: str, seen: Mask) -> int:
    """The state that begins a line: one of the chain's, and no other line's; from now on it is seen.

    Raises
    ------
    InvalidInput: another state.
    """
    state = int(text)
    if state >= len(seen) or seen[state]:
        told = f"expected a state in 0..{len(seen) - 1} that has no line yet"
        raise file.refusal(line, told, quoted(text), REMEDY)
    seen[state] = True
    return state


def _refuse_twins(file: TextFile, values: NDArray[np.int64]) -> None:
    """Refuse two states with the same values."""
    order = np.lexsort(values.T)
    same = np.flatnonzero((values[order[1:]] == values[order[:-1]]).all(axis=1))
    if same.size:
        one, other = sorted(order[same[0] : same[0] + 2].tolist())
        shown = f"those of state {one} in state {other}"
        raise file.refusal(file.last_line, "each state must have values of its own", shown, REMEDY)
