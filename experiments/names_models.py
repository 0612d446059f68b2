"""Models of names: what the experiments about them open, and what their tokens are."""

import string
from collections.abc import Sequence
from pathlib import Path

import markovgpt as mg

LETTERS = mg.Vocabulary(("\n", *string.ascii_lowercase))


def path_given(arguments: Sequence[str], command: str) -> str:
    """The path of the checkpoint.

    Raises
    ------
    InvalidInput: it is missing, or more is given.
    """
    if len(arguments) != 1:
        raise mg.InvalidInput(
            f"the command must name one checkpoint, got {len(arguments)}; give its path: python -m {command} MODEL"
        )
    return arguments[0]


def names_model(path: str | Path) -> mg.NextTokenModel:
    """A model over letters and the end of the line; one that does not say what its tokens are has `LETTERS`.

    Raises
    ------
    InvalidInput: no model there, or one of other tokens.
    """
    model = mg.load_model(path)
    if model.vocab_size != len(LETTERS):
        raise _other_tokens(str(model.vocab_size))
    if model.vocabulary is None:
        return mg.load_model(path, vocabulary=LETTERS)
    others = [token for token in model.vocabulary.tokens if token not in LETTERS.tokens]
    if others:
        raise _other_tokens(f"{others[0]!r}")
    return model


def _other_tokens(got: str) -> mg.InvalidInput:
    """The refusal of a model that is none of names."""
    return mg.InvalidInput(
        f"the model must have {len(LETTERS)} tokens, letters and the end of the line, got {got}; "
        "give the checkpoint of a model of names"
    )
