"""Text from outside: any line end, plain or gzipped, never more than the limit."""

import gzip
import os

import pytest

import markovgpt as mg
from markovgpt.exchange.text_file import TextFile, read_text


@pytest.mark.parametrize(
    "data",
    [b"one\n\n two\n", b"one\r\n\r\n two\r\n", b"\xef\xbb\xbfone\n\n two\n", gzip.compress(b"one\n\n two\n")],
    ids=["plain", "crlf", "bom", "gzip"],
)
def test_the_same_lines_however_they_are_stored(tmp_path, data):
    (tmp_path / "text").write_bytes(data)
    assert list(read_text(tmp_path / "text").content()) == [(1, "one"), (3, "two")]


def test_only_line_feeds_end_a_line(tmp_path):
    (tmp_path / "text").write_text("a\u2028b\x0bc\n", encoding="utf-8")
    assert list(read_text(tmp_path / "text").content()) == [(1, "a\u2028b\x0bc")]


def test_comments_and_what_was_read_are_passed_over():
    file = TextFile("name", ("# a", "b", "  # c", "d # e"))
    assert list(file.content("#")) == [(2, "b"), (4, "d # e")]
    assert list(file.content("#", after=2)) == [(4, "d # e")]


def test_a_refusal_names_file_and_line():
    error = TextFile("coin.tra", ()).refusal(3, "a number must stand here", "'x'", "write one")
    assert isinstance(error, mg.InvalidInput)
    assert str(error) == "coin.tra, line 3: a number must stand here, got 'x'; write one"


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "must describe a chain, got an empty file; export it again"),
        (b"\n \n", "must describe a chain, got an empty file"),
        (b"ab\x00c", "must be text in UTF-8, got other bytes; export it as text"),
        (b"\xff\xfea\x00", "must be text in UTF-8"),
        (gzip.compress(b"one\n" * 1000)[:-20], "must be a whole gzip file, got .*; fetch it again"),
        (gzip.compress(b"one\n" * 1000)[:-8] + b"wrongsum", "must be a whole gzip file, got CRC"),
        (b"\x1f\x8bnot gzip at all", "must be a whole gzip file"),
    ],
)
def test_what_is_no_text_is_refused(tmp_path, data, told):
    (tmp_path / "text").write_bytes(data)
    with pytest.raises(mg.InvalidInput, match=f"text {told}"):
        read_text(tmp_path / "text")


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(
        mg.InvalidInput, match=r"nowhere must be a file that can be read, got No such file or directory"
    ):
        read_text(tmp_path / "nowhere")


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_more_text_than_the_limit_is_refused(tmp_path, pack):
    (tmp_path / "text").write_bytes(pack(b"x" * 1001))
    assert read_text(tmp_path / "text", 1001).lines == ("x" * 1001,)
    with pytest.raises(
        mg.TooLarge, match=r"must hold at most 1\.0 kB of text, got more; give most_bytes if it is to be"
    ):
        read_text(tmp_path / "text", 1000)


def test_a_bomb_is_not_unpacked(tmp_path, monkeypatch):
    unpacked = []
    read = gzip.GzipFile.read
    monkeypatch.setattr(
        gzip.GzipFile, "read", lambda self, size=-1: (data := read(self, size), unpacked.append(len(data)))[0]
    )
    (tmp_path / "bomb").write_bytes(gzip.compress(bytes(10**8)))
    assert os.path.getsize(tmp_path / "bomb") < 10**6
    with pytest.raises(mg.TooLarge):
        read_text(tmp_path / "bomb", 10**6)
    assert sum(unpacked) == 10**6 + 1
