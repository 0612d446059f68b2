"""A model's weights as the explorer's page embeds them, so that the page itself can compute what happens inside."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from markovgpt.explorer.letters import as_letters
from markovgpt.models.protocol import NextTokenModel
from markovgpt.models.source import dtype_of
from markovgpt.shown import Shown

MOST_PARAMETERS = 200_000  # 800 kB of float32, 1.1 MB as text; the page recomputes such a model within milliseconds


@dataclass(frozen=True, eq=False, repr=False)
class EmbeddedWeights(Shown):
    """What a page embeds of a model.

    Parameters
    ----------
    content: ``{"config": ..., "tensors": {name: {"shape": [...], "data": letters}}}``, ready for json; None where
        nothing is embedded. The numbers are float32, little-endian, row-major, under the names of `GPT.state_dict`;
        tied embeddings stand once, as ``lm_head.weight``. The config is `GPTConfig`'s, with the model's ``dtype``.
    note: one sentence: in which numbers the weights are embedded, or why they are not.
    """

    content: dict[str, Any] | None
    note: str


def embedded_weights(model: NextTokenModel) -> EmbeddedWeights:
    """A GPT's weights for the page, or the reason why there are none.

    Parameters
    ----------
    model: any model of this package; embedded are GPT-2-family models of up to 200,000 parameters, which run in `GPT`.

    >>> from markovgpt.models.gpt import GPT, GPTConfig
    >>> small = embedded_weights(GPT(GPTConfig(2, 3, n_layer=1, n_head=1, n_embd=2)))
    >>> small.content["tensors"]["lm_head.weight"]["shape"], small.note
    ([2, 2], 'The weights are embedded as they are, in float32.')
    >>> embedded_weights(GPT(GPTConfig(2, 3, n_embd=128))).note
    'The weights are left out: the model has 789,376 parameters, and a page holds at most 200,000.'
    """
    # late: torch takes a second to import
    from markovgpt.models.gpt import GPT
    from markovgpt.models.identity import is_known_by_its_weights
    from markovgpt.models.weights import weights_of

    if not isinstance(model, GPT) or not is_known_by_its_weights(model):
        return _left_out(
            "the page computes models of the GPT-2 family only, and this one is known by its answers alone"
        )
    if model.n_parameters > MOST_PARAMETERS:
        return _left_out(
            f"the model has {model.n_parameters:,} parameters, and a page holds at most {MOST_PARAMETERS:,}"
        )
    weights = weights_of(model)
    tensors = {name: tensor.detach().cpu().float().numpy() for name, tensor in weights.items()}
    beyond = [name for name, values in tensors.items() if not np.isfinite(values).all()]
    if beyond:
        return _left_out(f"{beyond[0]} holds numbers that float32 does not")
    dtype = dtype_of(weights)
    content = {
        "config": {**asdict(model.config), "dtype": dtype},
        "tensors": {name: _as_json(values) for name, values in tensors.items()},
    }
    return EmbeddedWeights(content, _note_on(dtype))


def _left_out(reason: str) -> EmbeddedWeights:
    """Nothing, and the reason."""
    return EmbeddedWeights(None, f"The weights are left out: {reason}.")


def _note_on(dtype: str) -> str:
    """What float32 keeps of the model's own numbers: all of them, or of float64 the first seven digits."""
    if "float64" in dtype:
        return f"The weights are embedded in float32; the model itself computes in {dtype}, so the last digits differ."
    own = "" if dtype == "float32" else f" and hold the model's {dtype} exactly"
    return f"The weights are embedded as they are, in float32{own}."


def _as_json(values: NDArray[np.float32]) -> dict[str, Any]:
    """A tensor's shape, and its numbers as the letters of little-endian float32."""
    numbers = np.ascontiguousarray(values, dtype="<f4").tobytes()
    return {"shape": list(values.shape), "data": as_letters(numbers)}
