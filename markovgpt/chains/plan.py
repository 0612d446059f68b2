"""What a tabulation will do, and what it will take: said before anything is taken."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from markovgpt.chains.asking import refuse, survey_of
from markovgpt.chains.sampling import first_invalid_row
from markovgpt.chains.states import StateSpace, is_count
from markovgpt.errors import InvalidInput
from markovgpt.memory import allowed_bytes, require_memory
from markovgpt.models.protocol import NextTokenModel
from markovgpt.models.window_tree import Survey


@dataclass(frozen=True)
class Plan:
    """Who is asked about which windows, and how."""

    model: NextTokenModel
    space: StateSpace

    @cached_property
    def survey(self) -> Survey:
        """How the model is asked; finding that out may take a few questions."""
        return survey_of(self.model, self.space)

    def rows_of(self, block: int) -> list[tuple[int, int]]:
        """The first state and the number of rows of each part of a block."""
        return [(self.space.first_state(length) + first, rows) for length, first, rows in self.survey.parts(block)]

    @property
    def table_bytes(self) -> int:
        """Bytes of the table."""
        return self.space.n_states * self._row_bytes

    @property
    def bytes_per_worker(self) -> int:
        """Bytes one worker holds beside the table: its place in the tree, and a block."""
        n = self.survey.n_blocks
        largest = max(sum(rows for _, rows in self.rows_of(block)) for block in (0, n // 2, n - 1))
        return self.survey.bytes_per_worker + self._row_bytes * largest

    @property
    def _row_bytes(self) -> int:
        """Bytes of one row: of a GPT in its weights' dtype, half precision in float32; else in doubles, the most."""
        from markovgpt.models.gpt import GPT  # late: torch takes a second to import

        size = max(4, self.model.lm_head.weight.element_size()) if isinstance(self.model, GPT) else 8
        return self.space.vocab_size * size

    def affordable_workers(self, most: int, on_disk: bool, budget: int | None) -> int:
        """How many workers the memory bears, at least one: else the table is refused, before the model is asked.

        Raises
        ------
        TooLarge: not even one worker and the table would fit.
        """
        table = 0 if on_disk else self.table_bytes
        elsewhere = "" if on_disk else "keep it on disk (directory=, --on-disk), "
        remedy = (
            f"give a shorter context length (context_length=, --context-length), {elsewhere}or ask only about what is "
            "reachable from a start (reachable_chain)"
        )
        what = f"{self.space.vocab_size}**{self.space.context_length} states x {self.space.vocab_size} tokens"
        require_memory(table, what, remedy, budget=budget)
        require_memory(table + self.bytes_per_worker, what, remedy, budget=budget)
        return max(1, min(most, self.survey.n_blocks, (allowed_bytes(budget) - table) // self.bytes_per_worker))

    def check(self, block: int, logits: Sequence[NDArray[np.floating[Any]]]) -> None:
        """Refuse logits that are no distribution.

        Raises
        ------
        InvalidInput: naming the window.
        """
        for (length, first, _), rows in zip(self.survey.parts(block), logits, strict=True):
            row = first_invalid_row(rows)
            if row is not None:
                state = self.space.first_state(length) + first + row
                refuse(rows[row], self.space.decode(state), self.model.vocabulary)


def plan_of(model: NextTokenModel, with_prefixes: bool, context_length: int | None) -> Plan:
    """The plan of a tabulation.

    Raises
    ------
    InvalidInput: no model, or a context length outside the model's.

    >>> from markovgpt.models.gpt import GPT, GPTConfig
    >>> plan_of(GPT(GPTConfig(2, 3)), with_prefixes=False, context_length=None).table_bytes     # 8 states x 2 x 4 bytes
    64
    """
    if not isinstance(model, NextTokenModel):
        raise InvalidInput(
            f"model must offer vocab_size, context_length, vocabulary and next_token_logits, got {model!r}; load a "
            "file with load_model, and wrap a callable with as_model"
        )
    L = model.context_length if context_length is None else context_length
    if not is_count(L) or not 1 <= L <= model.context_length:
        raise InvalidInput(
            f"context_length must lie in 1..{model.context_length}, the model's own, got {L}; leave it out to take all"
        )
    return Plan(model, StateSpace(model.vocab_size, L, with_prefixes))
