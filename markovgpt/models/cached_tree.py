"""Any causal model of transformers over the tree of windows, through its own key-value cache.

A token is evaluated once for each of its prefixes, V + V**2 + ... + V**L evaluations where full forwards take L V**L. A
tile begins with the caches of its parents, copied once for each child.
"""

import copy
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from markovgpt.models.module_model import ModuleModel
from markovgpt.models.window_tree import TreeSurvey, WindowTree

TARGET_ROWS = 256
LARGEST_GAP = 1e-3  # between cached and full logits: rounding stays far below, another meaning far above


class CachedModel(ModuleModel):
    """A causal model of transformers: a `ModuleModel` that takes and returns ``past_key_values``."""

    def step(self, tokens: NDArray[np.int64], cache: Any) -> tuple[NDArray[np.floating[Any]], Any]:
        """Logits (B, V) after one more token (B,), and the cache that includes it."""
        module: Any = self.module
        module.eval()
        with torch.no_grad():
            output = module(torch.as_tensor(tokens, device=self.device)[:, None], past_key_values=cache, use_cache=True)
        return output.logits[:, -1].float().cpu().numpy(), output.past_key_values

    def cache_agrees(self, context_length: int) -> bool:
        """Whether the cache says what full forwards say, on windows that tell tokens and places apart."""
        places = np.arange(context_length)
        windows = np.stack([(shift + places * (shift + 1)) % self.vocab_size for shift in range(4)])
        try:
            cache = None
            for place in places:
                cached, cache = self.step(windows[:, place], cache)
                full = self.next_token_logits(windows[:, : place + 1])
                if not np.allclose(cached, full, rtol=LARGEST_GAP, atol=LARGEST_GAP):
                    return False
                cache = _for_rows(cache, np.arange(len(windows)), self.device)
        except (AttributeError, TypeError, ValueError, RuntimeError):  # a cache of another kind, or none
            return False
        return True


def survey_of_cached(model: CachedModel, context_length: int, *, with_prefixes: bool) -> TreeSurvey:
    """How a model of transformers is asked about all windows through its cache."""
    tree = WindowTree(model.vocab_size, context_length, with_prefixes, TARGET_ROWS)
    return TreeSurvey(
        tree, lambda: CachedWalk(model, tree), _bytes_of_walk(model, tree), by="key-value cache of transformers"
    )


def _bytes_of_walk(model: CachedModel, tree: WindowTree) -> int:
    """The caches of one tile a level, in float32, and a tile's logits twice."""
    config = getattr(model.module, "config", None)
    per_token = 2 * int(getattr(config, "num_hidden_layers", 0)) * int(getattr(config, "hidden_size", 0))
    cached = sum(rows * (level + 1) * per_token for level, rows in enumerate(tree.rows))
    return 4 * (cached + 2 * max(tree.rows) * tree.vocab_size)


class CachedWalk:
    """Where a walk stands: at each level the current tile and its cache."""

    def __init__(self, model: CachedModel, tree: WindowTree):
        self._model, self._tree = model, tree
        self._tile = [0] * tree.context_length
        self._cache: list[Any] = [None] * tree.context_length

    def visit(self, level: int, tile: int, wanted: bool) -> NDArray[np.floating[Any]] | None:
        """Evaluate a tile's tokens; the logits (rows, V) of what follows them, where they are wanted."""
        rows, V = self._tree.rows, self._tree.vocab_size
        nodes = tile * rows[level] + np.arange(rows[level])
        cache = None
        if level:
            parents = nodes // V - self._tile[level - 1] * rows[level - 1]
            cache = _for_rows(self._cache[level - 1], parents, self._model.device)
        self._tile[level] = tile
        logits, self._cache[level] = self._model.step(nodes % V, cache)
        return logits if wanted else None


def _for_rows(cache: Any, rows: NDArray[np.int64], device: torch.device) -> Any:
    """A copy of a cache with the given rows, some of them several times."""
    chosen = copy.deepcopy(cache)
    chosen.batch_select_indices(torch.as_tensor(rows, device=device))
    return chosen
