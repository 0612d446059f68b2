"""The index of a UMB archive: what it says is checked key by key."""

import json

import pytest
from umb_files import FILES, INDEX, SYSTEM, index_with, tar

import markovgpt as mg
from markovgpt.exchange.archive import opened
from markovgpt.exchange.umb_index import BOOL, DOUBLE, Annotation, Kind, read_index


@pytest.fixture
def read(tmp_path):
    """The index in an archive that holds nothing else, from a value or its bytes."""

    def reader(said, before=()):
        file = tmp_path / "x.umb"
        file.write_bytes(tar([*before, ("index.json", said if isinstance(said, bytes) else json.dumps(said).encode())]))
        with opened(file, 10**6) as archive:
            return read_index(archive)

    return reader


def test_an_index_is_read_wherever_it_stands(read):
    found = read(INDEX, before=[("first.bin", bytes(600))])
    assert (found.n_states, found.n_initial, found.n_branches, found.probability) == (3, 1, 5, DOUBLE)
    assert found.aps == {"red": Annotation("red", ("states",), BOOL)}
    assert found.rewards == {"0x43ost": Annotation("Cost", ("states", "choices"), DOUBLE)}
    assert found.sizes == {name: len(data) for name, data in FILES.items()}
    assert found.passed_over == ()


def test_bits_fill_whole_words():
    assert [BOOL.bytes_for(count) for count in (0, 1, 64, 65)] == [0, 8, 8, 16]
    assert Kind("rational", 256).bytes_for(3) == 96


def test_what_is_no_part_of_a_chain_is_known_by_its_folder(read):
    said = INDEX | {"valuations": {"states": {}}, "model-data": {"name": "coin"}}
    said["annotations"] = {"colours": {"x": 1}}
    said["transition-system"] = SYSTEM | {"#choice-actions": 2, "#branch-actions": 1}
    found = read(said)
    assert sorted(found.passed_over) == ["actions/branches/", "actions/choices/", "annotations/colours/", "valuations/"]
    assert (found.aps, found.rewards) == ({}, {})


def test_sizes_may_be_the_usual_ones_and_rational_ones_wider(read):
    assert read(index_with("transition-system", "branch-probability-type", {"type": "double"})).probability == DOUBLE
    said = {"type": "rational", "size": 4096}
    assert read(index_with("transition-system", "branch-probability-type", said)).probability.bits == 4096


SYSTEMS = ["transition-system"]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (b"{", "x.umb, index.json: the index must be JSON, got Expecting property name"),
        (b"\xff", "the index must be JSON"),
        (b"[" * 10**5, "the index must be JSON"),
        (b'{"a": 1, "a": 2}', "each key must be said once, got 'a' again"),
        (b'{"a": NaN}', "numbers must be finite, got NaN"),
        ([], r"the index must be an object, got '\[\]'"),
        (INDEX | {"secret": 1}, "the index must have no keys but format-version, .*, got 'secret'; export it as"),
        (INDEX | {"format-version": 2}, "format-version must be 1, got '2'; export as UMB 1.0"),
        (INDEX | {"format-version": True}, "format-version must be a whole number of at least 0, got 'True'"),
        (index_with("format-revision", None), "format-revision must be a whole number of at least 0, got 'None'"),
        (index_with("transition-system", None), "transition-system must be an object, got 'None'"),
        (
            index_with(*SYSTEMS, "exit-rate-type", {}),
            "transition-system must have no keys but .*, got 'exit-rate-type'",
        ),
        (
            index_with(*SYSTEMS, "time", "stochastic"),
            "time of a Markov chain must be discrete, got 'stochastic'; read_u",
        ),
        (index_with(*SYSTEMS, "time", None), "transition-system must say time, got nothing"),
        (index_with(*SYSTEMS, "#players", 1), "#players of a Markov chain must be 0, got '1'; read_umb reads Markov"),
        (index_with(*SYSTEMS, "#observations", 2), "#observations of a Markov chain must be 0, got '2'"),
        (index_with(*SYSTEMS, "#choices", 4), "#choices of a Markov chain must be 3, got '4'; .* fix a policy"),
        (index_with(*SYSTEMS, "#states", 3.0), "#states must be a whole number of at least 0, got '3.0'"),
        (index_with(*SYSTEMS, "#branches", -1), "#branches must be a whole number of at least 0, got '-1'"),
        (index_with(*SYSTEMS, "#branches", 2**60), "#branches must be a whole number"),
        (index_with(*SYSTEMS, "#initial-states", 0), "a chain must have states, and begin in one or more, got 0 of 3"),
        (index_with(*SYSTEMS, "#initial-states", 4), "a chain must have states, and begin in one or more, got 4 of 3"),
        (
            index_with(*SYSTEMS, "branch-probability-type", {"type": "double-interval", "size": 128}),
            "branch-probability-type must be double of 64 bits or rational of 128 bits, got .*; export numbers, not",
        ),
        (index_with(*SYSTEMS, "branch-probability-type", {"type": "double", "size": 32}), "must be double of 64 bits"),
        (index_with(*SYSTEMS, "branch-probability-type", {"type": "rational", "size": 100}), "must be double of 64 b"),
        (index_with(*SYSTEMS, "branch-probability-type", {"type": "double", "sign": 1}), "no keys but type, size, got"),
        (index_with("annotations", []), r"annotations must be an object, got '\[\]'"),
        (index_with("annotations", "aps", {"../x": {}}), "the name of an annotation must be of a-z, 0-9, _ and -, got"),
        (index_with("annotations", "aps", "red", "type", {"type": "double"}), "the type of .* must be bool of 1 bits"),
        (
            index_with("annotations", "aps", "red", "alias", ""),
            "the alias of annotations/aps/red must be a text, got ''",
        ),
        (
            index_with("annotations", "aps", "red", "applies-to", ["branches"]),
            r"annotations/aps/red must apply to states, which are one in a Markov chain, got .*; leave it out",
        ),
        (
            index_with("annotations", "rewards", "0x43ost", "applies-to", ["branches"]),
            "must apply to states or choices",
        ),
        (
            index_with("annotations", "rewards", "0x43ost", "applies-to", ["states"] * 2),
            "must apply to states or choice",
        ),
        (index_with("annotations", "rewards", "0x43ost", "applies-to", []), "must apply to states or choices"),
        (
            index_with("annotations", "aps", "other", INDEX["annotations"]["aps"]["red"]),
            "each of aps must have its own name, got 'red' again; rename one",
        ),
        (index_with("annotations", "aps", "red", "values", 3), "annotations/aps/red must have no keys but alias"),
    ],
)
def test_an_index_that_is_none_of_a_chain_is_refused(read, said, told):
    with pytest.raises(mg.InvalidInput, match=told):
        read(said)


def test_an_archive_without_an_index_is_refused(tmp_path):
    file = tmp_path / "x.umb"
    file.write_bytes(tar([("other.bin", b"")]))
    with pytest.raises(mg.InvalidInput, match="a UMB archive must have an index, got none"), opened(file, 1) as archive:
        read_index(archive)


def test_an_index_that_is_no_index_is_not_read(read, monkeypatch):
    monkeypatch.setattr("markovgpt.exchange.umb_index.MOST_INDEX_BYTES", 100)
    with pytest.raises(mg.InvalidInput, match=r"an index must be short, got \d+ bytes"):
        read(INDEX)
