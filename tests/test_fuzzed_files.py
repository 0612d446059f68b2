"""Files that are spoiled at random: no crash, no hang, and nothing taken that an independent reader would not take."""

import random

import pytest
from fuzzed_files import FORMATS, agrees

import markovgpt as mg


def tried(form, path, data):
    """Read a file; how it went. A file that is taken must be what the naive reader finds in it."""
    path.write_bytes(data)
    try:
        read = form.read(path)
    except mg.MarkovGPTError:
        return "refused"
    try:
        naive = form.naive(data)
    except (ValueError, IndexError, KeyError, TypeError):
        naive = None
    assert naive is not None, f"{form.name}: the naive reader refuses {data!r}"
    assert agrees(read, naive), f"{form.name}: not what stands in {data!r}"
    return "taken"


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
def test_samples_are_taken(tmp_path, form):
    for sample in form.samples:
        assert tried(form, tmp_path / "file", sample) == "taken"


@pytest.mark.parametrize("n_files", [400, pytest.param(200_000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
def test_spoiled_files_are_refused_or_read_rightly(tmp_path, form, n_files):
    source = random.Random(f"{form.name} {n_files}")
    ends = [tried(form, tmp_path / "file", form.spoiled(source.choice(form.samples), source)) for _ in range(n_files)]
    assert ends.count("refused") > n_files / 10
    assert ends.count("taken") > n_files / 100
