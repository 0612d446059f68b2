"""What the engines that people sample with do, by name: which settings they have, in what order, with what edge cases.

| engine | order | of equals at a cut |
|---|---|---|
| huggingface | penalty, temperature, top_k, top_p, min_p, typical_p, epsilon_cutoff, eta_cutoff | top_k: all stay |
| vllm | penalty, temperature (one below 0.01 becomes 0.01), min_p, top_k, top_p | top_k: all stay |
| llama.cpp | penalty, top_k, typical_p, top_p, min_p, temperature | top_k: k tokens stay |
| nanogpt | temperature, top_k | top_k: all stay |
| transformer_lens | penalty, temperature, top_k or else top_p | top_k: all stay |

vllm is its PyTorch-native sampler on the CPU; its FlashInfer and Triton kernels decide near ties otherwise. llama.cpp
is the chain of samplers that it builds by default, without those that stay off (DRY, top-n-sigma, XTC). A setting that
is None is off: the engines' own defaults, such as llama.cpp's top_k of 40, are not taken. At temperature 0 all take the
largest logit; nanoGPT would divide by 0 there, and gives no answer that this one could differ from.

What looks at more than the window is no Markov chain over windows and cannot be asked for: penalties over the whole
text (repetition, frequency, presence), DRY, mirostat, bans on repeated n-grams, beams.

Sources: transformers 5.23.0, ``generation/utils.py`` (``_get_logits_processor``); vLLM 0.33.0, ``v1/sample/sampler.py``
and ``sampling_params.py``; llama.cpp as in llama-cpp-python 0.3.36, ``common/common.h``; TransformerLens 4.3.0,
``utilities/logits_utils.py``; nanoGPT, ``model.py``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from markovgpt.chains.llama_filters import kept_by_llama_cpp
from markovgpt.chains.margins import Float32Array, Margins, Values
from markovgpt.errors import InvalidInput

PENALTY = "window_repetition_penalty"
Filters = Mapping[str, str]  # settings, in the engine's order, with the names of their filters in `torch_filters`
HUGGINGFACE: Filters = {
    "top_k": "top_k",
    "top_p": "top_p",
    "min_p": "min_p",
    "typical_p": "typical_p",
    "epsilon_cutoff": "epsilon_cutoff",
    "eta_cutoff": "eta_cutoff",
}
VLLM: Filters = {"min_p": "min_p", "top_k": "top_k", "top_p": "top_p_vllm"}
NANOGPT: Filters = {"top_k": "top_k"}
TRANSFORMER_LENS: Filters = {"top_k": "top_k", "top_p": "top_p_falling"}


def _penalised(scores: Float32Array, penalty: float) -> Float32Array:
    """What is below 0 times the penalty, the rest divided by it."""
    factor = np.float32(penalty)
    return np.where(scores < 0, scores * factor, scores / factor)


def _penalised_by_reciprocal(scores: Float32Array, penalty: float) -> Float32Array:
    """vLLM: what is above 0 times the rounded 1 / penalty."""
    factor = np.float32(penalty)
    return np.where(scores > 0, scores * (np.float32(1) / factor), scores * factor)


@dataclass(frozen=True)
class Engine:
    """The habits of one engine.

    Parameters
    ----------
    name: as people call it.
    settings: the settings it has besides the temperature.
    kept: which tokens (rows, V) of scores (rows, V) its filters leave.
    temperature_last: whether its filters see the logits before the temperature.
    lowest_temperature: a temperature above 0 and below this one is raised to it.
    highest_temperature: it refuses more.
    excluding: settings of which it follows only the first.
    penalised: its float32 operation on the logits of tokens that a repetition penalty touches.
    """

    name: str
    settings: frozenset[str]
    kept: Callable[[Float32Array, Values, Margins | None], NDArray[np.bool_]]
    temperature_last: bool = False
    lowest_temperature: float = 0.0
    highest_temperature: float = np.inf
    excluding: tuple[str, ...] = ()
    penalised: Callable[[Float32Array, float], Float32Array] = _penalised

    def require(self, temperature: float, values: Values) -> None:
        """Check that this engine could sample so.

        Parameters
        ----------
        temperature: at least 0.
        values: the settings that are on, by name.

        Raises
        ------
        InvalidInput: a setting it does not have, two of which it follows only one, or a temperature it refuses.

        >>> ENGINES_BY_NAME["nanogpt"].require(1.0, {"top_k": 5})
        """
        for name in values:
            if name not in self.settings:
                having = [other for other, engine in ENGINES_BY_NAME.items() if name in engine.settings]
                raise InvalidInput(
                    f"{name} must be None for engine {self.name}, which has no such setting, got {values[name]}; leave "
                    f"it out, or choose an engine that has it: {', '.join(having)}"
                )
        both = [name for name in self.excluding if name in values]
        if len(both) > 1:
            raise InvalidInput(
                f"{' and '.join(both)} must not both be given for engine {self.name}, which follows {both[0]} and "
                f"ignores the other, got {' and '.join(str(values[name]) for name in both)}; give one of them"
            )
        if temperature > self.highest_temperature:
            raise InvalidInput(
                f"temperature must be at most {self.highest_temperature:g} for engine {self.name}, which refuses more, "
                f"got {temperature}; choose another engine"
            )


def _kept_in_turn(filters: Filters, scores: Float32Array, values: Values, margins: Margins | None) -> NDArray[np.bool_]:
    """Which tokens (rows, V) the filters leave that are on."""
    from markovgpt.chains import torch_filters  # late: torch takes a second to import

    in_turn = tuple((setting, getattr(torch_filters, name)) for setting, name in filters.items())
    return torch_filters.kept_in_turn(in_turn, scores, values, margins)


ENGINES_BY_NAME: Mapping[str, Engine] = MappingProxyType(
    {
        engine.name: engine
        for engine in (
            Engine("huggingface", frozenset([*HUGGINGFACE, PENALTY]), partial(_kept_in_turn, HUGGINGFACE)),
            Engine(
                "vllm",
                frozenset([*VLLM, PENALTY]),
                partial(_kept_in_turn, VLLM),
                lowest_temperature=0.01,
                highest_temperature=2.0,
                penalised=_penalised_by_reciprocal,
            ),
            Engine(
                "llama.cpp",
                frozenset(["top_k", "typical_p", "top_p", "min_p", PENALTY]),
                kept_by_llama_cpp,
                temperature_last=True,
            ),
            Engine("nanogpt", frozenset(NANOGPT), partial(_kept_in_turn, NANOGPT)),
            Engine(
                "transformer_lens",
                frozenset([*TRANSFORMER_LENS, PENALTY]),
                partial(_kept_in_turn, TRANSFORMER_LENS),
                excluding=("top_k", "top_p"),
            ),
        )
    }
)
ENGINES = tuple(ENGINES_BY_NAME)
