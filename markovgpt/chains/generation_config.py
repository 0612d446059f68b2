"""What ``generate`` of transformers would sample with, read from a ``save_pretrained`` folder.

A field that ``generation_config.json`` leaves out or null takes transformers' own default: top_k is then 50, and
nothing is sampled at all. Where the file is missing, ``config.json`` is read in its place, as from_pretrained does with
the generation fields that older folders keep there. How long a text may become and where it stops is no matter of
sampling, and not read; nor is what only makes generating faster.

Sources: transformers 5.23.0, ``generation/configuration_utils.py`` (``_get_default_generation_params``) and
``generation/utils.py`` (``_prepare_generation_config``, ``_get_logits_processor``).
"""

from pathlib import Path
from typing import Any

from markovgpt.errors import InvalidInput
from markovgpt.models.files import read_json

GENERATION, MODEL = "generation_config.json", "config.json"
REMEDY = "save the model again with save_pretrained"
DEFAULTS = {"temperature": 1.0, "top_k": 50, "top_p": 1.0}
OPTIONAL = ("min_p", "typical_p", "epsilon_cutoff", "eta_cutoff")
HISTORY = "it looks at the whole text, which is no function of the window"
PLACE = "it depends on the place in the text, which is no function of the window"
SEARCH = "it searches among texts, which no chain of sampled tokens does"
ABSENT = "it is not offered here"
REFUSED: dict[str, tuple[tuple[object, ...], str]] = {  # values that leave it off, why it is refused otherwise
    "encoder_repetition_penalty": ((1,), HISTORY),
    "no_repeat_ngram_size": ((0,), HISTORY),
    "encoder_no_repeat_ngram_size": ((0,), HISTORY),
    "watermarking_config": ((), HISTORY),
    "guidance_scale": ((1,), "it asks the model about a second text"),
    "min_length": ((0,), PLACE),
    "min_new_tokens": ((0,), PLACE),
    "forced_bos_token_id": ((), PLACE),
    "forced_eos_token_id": ((), PLACE),
    "exponential_decay_length_penalty": ((), PLACE),
    "begin_suppress_tokens": ((), PLACE),
    "num_beams": ((1,), SEARCH),
    "num_beam_groups": ((1,), SEARCH),
    "diversity_penalty": ((0,), SEARCH),
    "constraints": ((), SEARCH),
    "force_words_ids": ((), SEARCH),
    "penalty_alpha": ((0,), SEARCH),
    "dola_layers": ((), "it compares layers of the model"),
    "assistant_ensemble_weight": ((), "it mixes in a second model"),
    "bad_words_ids": ((), ABSENT),
    "sequence_bias": ((), ABSENT),
    "suppress_tokens": ((), ABSENT),
    "remove_invalid_values": ((False,), ABSENT),
    "top_h": ((), ABSENT),
    "token_healing": ((False,), ABSENT),
}


def resolved(folder: Path, do_sample: bool | None, penalty_over_window: bool) -> tuple[Path, dict[str, Any]]:
    """The file that was read, and the settings it leads to, by the names of `SamplingSettings`.

    Parameters
    ----------
    do_sample: as the argument of ``generate``; None takes the folder's.
    penalty_over_window: whether to take ``repetition_penalty`` for one over the window.

    Raises
    ------
    InvalidInput: files that are missing or damaged, or a setting that makes no chain here; the reason is named.
    """
    file = folder / GENERATION
    if not file.is_file():
        file = folder / MODEL
    found = read_json(file, dict, "a json object of generation settings", REMEDY)
    for name, (off, reason) in REFUSED.items():
        value = found.get(name)
        if value is not None and not any(value == harmless for harmless in off):
            raise InvalidInput(
                f"{name} must be left out of {file} for a chain over windows, got {value}: {reason}; take it out, or "
                "write SamplingSettings yourself"
            )
    penalty = found.get("repetition_penalty")
    if penalty is not None and penalty != 1 and not penalty_over_window:
        raise InvalidInput(
            f"repetition_penalty must be left out of {file} for a chain over windows, got {penalty}: {HISTORY}; "
            "penalty_over_window=True (--penalty-over-window) takes it over the window"
        )
    sampled = found.get("do_sample") if do_sample is None else do_sample
    if sampled is not None and not isinstance(sampled, bool):
        raise InvalidInput(f"do_sample must be true or false in {file}, got {sampled}; {REMEDY}")
    settings = _of_sampling(file, found, _vocab_size(folder)) if sampled else {"temperature": 0.0}
    return file, {**settings, "window_repetition_penalty": penalty}


def _of_sampling(file: Path, found: dict[str, Any], vocab_size: int) -> dict[str, Any]:
    """The temperature and the filters, with the defaults of what is unset."""
    settings = {name: default if found.get(name) is None else found[name] for name, default in DEFAULTS.items()}
    settings.update({name: found[name] for name in OPTIONAL if found.get(name) is not None})
    if settings["temperature"] == 0:
        raise InvalidInput(f"temperature must be above 0 in {file} where do_sample is true, got 0; set do_sample false")
    top_k = settings["top_k"]
    if top_k == 0 or (isinstance(top_k, int) and top_k >= vocab_size):
        settings["top_k"] = None  # it keeps everything
    return settings


def _vocab_size(folder: Path) -> int:
    """The number of tokens in ``config.json``."""
    file = folder / MODEL
    found = read_json(file, dict, "a json object of model settings", REMEDY)
    size = found.get("vocab_size")
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise InvalidInput(f"vocab_size must be a whole number of at least 1 in {file}, got {size}; {REMEDY}")
    return size
