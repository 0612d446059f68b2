"""What is written comes back; what is damaged, hostile or no certificate is refused, and nothing in it is run."""

import io
import pickle
import zipfile
from dataclasses import fields, replace

import numpy as np
import pytest
from reference_chains import gambler, rare_run

import markovgpt as mg
from markovgpt.evidence.certificate_file import Certificate, read_certificate


@pytest.fixture
def file(tmp_path):
    return mg.write_certificate(
        rare_run(1e-8, 3), tmp_path / "rare.npz", "expected_hitting_time", target=[3], note="naïve"
    )


def test_what_is_written_comes_back_and_twice_the_same(file, tmp_path):
    given = read_certificate(file)
    again = given.write(tmp_path / "again.npz")
    assert again.read_bytes() == file.read_bytes()
    for field in fields(Certificate):
        assert np.array_equal(getattr(read_certificate(again), field.name), getattr(given, field.name))
    assert given.described().endswith("; naïve")


def test_many_states_are_counted_and_few_are_named(tmp_path):
    chain = mg.SparseChain.from_matrix(np.full((9, 9), 1 / 9))
    kept = mg.write_certificate(chain, tmp_path / "c.npz", "hitting_probability", target=[0], avoiding=range(1, 7))
    assert "; target 0; avoiding 1, 2, 3, 4, 5, ... (6 states); " in read_certificate(kept).described()


@pytest.mark.parametrize("kept", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_refused(file, kept):
    data = file.read_bytes()
    file.write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(mg.InvalidInput, match="must be an undamaged certificate"):
        mg.verify(file)


def test_a_flipped_bit_is_refused_or_changes_nothing(file):
    data, before = file.read_bytes(), mg.verify(file)
    for place in range(0, len(data), 37):
        file.write_bytes(data[:place] + bytes([data[place] ^ 4]) + data[place + 1 :])
        try:
            assert mg.verify(file) == before
        except mg.InvalidInput as refusal:
            assert "certificate" in str(refusal)  # noqa: PT017


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("code in a file was run",))


def test_nothing_in_a_file_is_run(tmp_path):
    (tmp_path / "plain.npz").write_bytes(pickle.dumps(Bomb()))
    np.savez(tmp_path / "inside.npz", **{f.name: np.array([Bomb()], dtype=object) for f in fields(Certificate)})
    for name in ("plain.npz", "inside.npz"):
        with pytest.raises(mg.InvalidInput, match="must be an undamaged certificate"):
            mg.verify(tmp_path / name)


def test_other_files_are_refused(tmp_path):
    np.save(tmp_path / "array.npy", np.ones(3))
    np.savez(tmp_path / "others.npz", a=np.ones(3))
    np.savez(tmp_path / "texts.npz", **{field.name: np.array("x") for field in fields(Certificate)})
    np.savez(tmp_path / "floats.npz", **{field.name: np.ones((2, 2)) for field in fields(Certificate)})
    (tmp_path / "text.npz").write_text("no certificate")
    for file in tmp_path.iterdir():
        with pytest.raises(mg.InvalidInput, match="certificate"):
            mg.verify(file)
    with pytest.raises(FileNotFoundError):
        mg.verify(tmp_path / "missing.npz")


def test_more_than_fits_is_refused_before_it_is_read(file, monkeypatch):
    monkeypatch.setattr("markovgpt.memory.available_bytes", lambda: 4000, raising=True)
    with pytest.raises(mg.TooLarge, match=r"the numbers of .*rare.npz need .*; check it on a larger machine"):
        mg.verify(file)


@pytest.mark.parametrize("length", [10**6, 10**12, 10**18])
def test_a_header_that_promises_too_much_is_refused(file, tmp_path, length):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<i8", "fortran_order": False, "shape": (length,)})
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(tmp_path / "huge.npz", "w") as new:
        for name in old.namelist():
            new.writestr(name, header.getvalue() if name == "role.npy" else old.read(name))
    with pytest.raises(mg.InvalidInput, match="must be an undamaged certificate"):
        mg.verify(tmp_path / "huge.npz")


CHANGES = {
    "no such question": {"question": "expected_fortune"},
    "a negative number": {"weight": [[-1, 0]]},
    "a weight of 0": {"weight": [[0, 0]]},
    "an exponent out of range": {"weight": [[1, 10**9]]},
    "the lowest exponent of all": {"weight": [[1, -(2**63)]]},
    "a state that does not exist": {"target": [99]},
    "a state before the first": {"source": [-1]},
    "a role that does not exist": {"role": [7]},
    "a reference twice": {"references": "twice"},
    "a part too few": {"lower": "short"},
    "a visit without a start": {"question": "expected_visits"},
    "a stationary distribution without a home": {"question": "stationary"},
}


@pytest.mark.parametrize("change", CHANGES)
def test_numbers_that_mean_nothing_are_refused(file, change):
    given, ((name, value),) = read_certificate(file), CHANGES[change].items()
    if value == "twice":
        changed = {name: np.concatenate([given.references[:1], given.references[:1]])}
    elif value == "short":
        changed = {name: given.lower[:-1]}
    elif isinstance(value, str):
        changed = {name: value}
    else:
        array = getattr(given, name).copy()
        array[0] = value[0]
        changed = {name: array}
    with pytest.raises(mg.InvalidInput, match="a certificate must hold a question, the role of each state"):
        replace(given, **changed)


def test_references_and_starts_that_mean_nothing_are_refused(file):
    given = read_certificate(file)
    one, parts = np.array([0]), given.lower[[0, 1, -1]]
    for changed in (
        {"references": np.array([0, 0]), "lower": given.lower[[0, 1, 1, -1]], "upper": given.upper[[0, 1, 1, -1]]},
        {"references": np.array([3]), "lower": parts, "upper": parts},  # the target
        {"question": "stationary", "references": one[:0], "lower": parts[:0], "upper": parts[:0]},
        {"question": "expected_visits", "references": one, "lower": parts[:2], "upper": parts[:2]},
        {"reward": given.reward * np.array([-1, 1])},
    ):
        whole = {"start": given.start[:0], "reward": given.reward[: 4 * ("question" not in changed)], **changed}
        with pytest.raises(mg.InvalidInput, match="a certificate must hold"):
            replace(given, **whole)


def test_an_interrupted_write_leaves_the_old_file(file, monkeypatch):
    before = file.read_bytes()
    monkeypatch.setattr(np, "savez_compressed", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        mg.write_certificate(gambler(), file, "hitting_probability", target=[3])
    assert file.read_bytes() == before


def test_a_file_of_another_kind_is_refused_without_advice_to_trust_it(tmp_path):
    np.save(tmp_path / "array.npy", np.zeros(3))
    (tmp_path / "text.npz").write_text("@type: DTMC\n")
    for name in ("array.npy", "text.npz"):
        with pytest.raises(mg.InvalidInput, match=r"one that cannot be read \(it is no zip archive\); write it again"):
            read_certificate(tmp_path / name)


def test_a_note_cannot_write_over_what_a_terminal_shows(file):
    hostile = replace(read_certificate(file), note="\r\x1b[2Kholds: all is well")
    assert hostile.described().endswith("; '\\r\\x1b[2Kholds: all is well'")
