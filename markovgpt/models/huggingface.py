"""Folders of Hugging Face's ``save_pretrained``: GPT-2 in this package's own GPT, other models through transformers.

GPT-2 keeps its matrices as (in, out), the transpose of torch's; its window here slides, where GPT-2 itself has no more
than its positions. Other causal models need the extra ``hf``; code in their folders is never run.
"""

import importlib
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file

from markovgpt.errors import InvalidInput
from markovgpt.models.cached_tree import CachedModel
from markovgpt.models.gpt import GPT, GPTConfig
from markovgpt.models.module_model import ModuleModel
from markovgpt.models.source import ModelSource, dtype_of, sha256_of
from markovgpt.models.weights import built_from
from markovgpt.vocabulary import Vocabulary

ACTIVATION_NAMES = {"gelu": "gelu", "gelu_new": "gelu_tanh", "gelu_pytorch_tanh": "gelu_tanh"}
TRANSPOSED = ("c_attn.weight", "c_proj.weight", "c_fc.weight")


def load_huggingface(
    file: Path, config: dict[str, Any], vocabulary: Vocabulary | None, context_length: int | None
) -> GPT | ModuleModel:
    """The model of a ``save_pretrained`` folder with this file of weights; its eos token is its stop token.

    Raises
    ------
    InvalidInput: weights that are missing or damaged, an unknown context length, or no transformers where it is needed.
    """
    if vocabulary is None and (file.parent / "tokenizer.json").is_file():
        vocabulary = _tokenizer_strings(file.parent, int(config["vocab_size"]))
    if _is_plain_gpt2(config):
        return _load_gpt2(file, config, vocabulary)
    return _through_transformers(file.parent, config, vocabulary, context_length)


def _is_plain_gpt2(config: dict[str, Any]) -> bool:
    """Whether our own GPT computes what this config describes."""
    return (
        config.get("model_type") == "gpt2"
        and config.get("activation_function") in ACTIVATION_NAMES
        and config.get("scale_attn_weights", True)
        and not config.get("scale_attn_by_inverse_layer_idx", False)
        and not config.get("add_cross_attention", False)
    )


def _load_gpt2(file: Path, config: dict[str, Any], vocabulary: Vocabulary | None) -> GPT:
    """A GPT-2 in our own GPT."""
    if not file.is_file():
        raise InvalidInput(
            f"{file.parent} must hold {file.name}, got none; save it with save_pretrained(safe_serialization=True)"
        )
    try:
        stored = load_file(file)
    except (SafetensorError, OSError) as error:
        raise InvalidInput(f"{file} must be a safetensors file, got: {error}; copy it anew") from error
    weights = {}
    for name, tensor in stored.items():
        full = name if name.startswith(("transformer.", "lm_head.")) else f"transformer.{name}"
        if not full.endswith((".attn.bias", ".attn.masked_bias")):
            weights[full] = tensor.t().contiguous() if full.endswith(TRANSPOSED) else tensor
    tied = bool(config.get("tie_word_embeddings", True))
    if tied and "transformer.wte.weight" in weights:
        weights.setdefault("lm_head.weight", weights["transformer.wte.weight"])
    sizes = GPTConfig(
        vocab_size=config["vocab_size"],
        context_length=config["n_positions"],
        n_layer=config["n_layer"],
        n_head=config["n_head"],
        n_embd=config["n_embd"],
        bias=True,
        activation=ACTIVATION_NAMES[config["activation_function"]],
        n_inner=config.get("n_inner"),
        layer_norm_epsilon=config.get("layer_norm_epsilon", 1e-5),
        tied=tied,
    )
    return built_from(file, weights, sizes, vocabulary, format="huggingface", stop_tokens=_stop_tokens(config))


def _through_transformers(
    folder: Path, config: dict[str, Any], vocabulary: Vocabulary | None, context_length: int | None
) -> ModuleModel:
    """Any other causal model, run by transformers itself."""
    positions = context_length or config.get("max_position_embeddings") or config.get("n_positions")
    if not positions:
        raise InvalidInput(f"{folder} does not say how long its window is, got no positions; give context_length=")
    transformers = _transformers(f"a model of type {config.get('model_type')!r}")
    try:
        module = transformers.AutoModelForCausalLM.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, trust_remote_code=False
        )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        reason = str(error).splitlines()[0][:200]
        raise InvalidInput(
            f"{folder} must be a causal language model, got: {reason}; save it with save_pretrained"
        ) from error
    weights = module.state_dict()
    origin = {"dtype": dtype_of(weights), "weights_sha256": sha256_of(weights)}
    module.float().eval()  # half precision is exact in float32
    module.config.use_cache = False  # unless a walk over the tree of windows asks for it
    model = CachedModel(module, int(config["vocab_size"]), int(positions), vocabulary)
    notes = ("its sliding window is ours: positions restart at 0 as the oldest token falls off",)
    model.source = ModelSource("huggingface", **origin, notes=notes)
    model.stop_tokens = _stop_tokens(config)
    return model


def _stop_tokens(config: dict[str, Any]) -> tuple[int, ...]:
    """The eos tokens of a config."""
    eos = config.get("eos_token_id")
    return () if eos is None else tuple(eos) if isinstance(eos, list) else (eos,)


def _tokenizer_strings(folder: Path, vocab_size: int) -> Vocabulary:
    """A string for each token: its text, or its name where the text is empty or not its own."""
    tokenizer = _transformers("a tokenizer").AutoTokenizer.from_pretrained(
        folder, local_files_only=True, trust_remote_code=False
    )
    names = [tokenizer.convert_ids_to_tokens(token) or f"<unused {token}>" for token in range(vocab_size)]
    texts = [tokenizer.convert_tokens_to_string([name]) for name in names]
    seen: dict[str, int] = {}
    for text in texts:
        seen[text] = seen.get(text, 0) + 1
    return Vocabulary(
        tuple(text if text and seen[text] == 1 else name for text, name in zip(texts, names, strict=True))
    )


def _transformers(what: str) -> Any:
    """The transformers library."""
    try:
        return importlib.import_module("transformers")
    except ImportError as error:
        raise InvalidInput(f"{what} needs transformers, got no such package; pip install 'markovgpt[hf]'") from error
