"""Fingerprints follow names, dtypes, shapes and values, and nothing else."""

import hashlib

import numpy as np
import torch

from markovgpt.models.source import ModelSource, dtype_of, sha256_of


def test_the_fingerprint_is_the_sha256_of_name_dtype_shape_and_bytes():
    values = np.array([1.0, 2.0], dtype=np.float32)
    expected = hashlib.sha256(b"w torch.float32 (2,)" + values.tobytes()).hexdigest()
    assert sha256_of({"w": torch.from_numpy(values)}) == expected


def test_anything_that_changes_the_model_changes_the_fingerprint():
    base = {"w": torch.arange(4.0).reshape(2, 2)}
    others = [
        {"v": base["w"]},
        {"w": base["w"].t()},
        {"w": base["w"].reshape(4)},
        {"w": base["w"].double()},
        {"w": base["w"], "b": torch.zeros(1)},
    ]
    assert len({sha256_of(weights) for weights in [base, *others]}) == 6


def test_half_precision_has_a_fingerprint_too():
    assert len(sha256_of({"w": torch.ones(3, dtype=torch.bfloat16)})) == 64


def test_a_source_is_one_line():
    source = ModelSource("nanogpt", dtype_of({"w": torch.zeros(1)}), "0123456789abcdef", ("no meta.pkl beside it",))
    assert str(source) == "nanogpt model, float32, weights 0123456789ab; no meta.pkl beside it"
