"""Text from outside: any line end, plain or gzipped, never more than the limit."""

import gzip
import os
from pathlib import Path

import pytest

import markovgpt as mg
from markovgpt.exchange import text_file
from markovgpt.exchange.text_file import TextFile, open_text


def lines_of(path, *limit, comment=None):
    """The lines of a file that say something."""
    with open_text(path, *limit) as file:
        return list(file.content(comment))


@pytest.mark.parametrize(
    "data",
    [b"one\n\n two\n", b"one\r\n\r\n two\r\n", b"\xef\xbb\xbfone\n\n two\n", gzip.compress(b"one\n\n two\n", mtime=0)],
    ids=["plain", "crlf", "bom", "gzip"],
)
def test_the_same_lines_however_they_are_stored(tmp_path, data):
    (tmp_path / "text").write_bytes(data)
    assert lines_of(tmp_path / "text") == [(1, "one"), (3, "two")]


def test_only_line_feeds_end_a_line(tmp_path):
    (tmp_path / "text").write_text("a\u2028b\x0bc\n", encoding="utf-8")
    assert lines_of(tmp_path / "text") == [(1, "a\u2028b\x0bc")]


def test_comments_and_what_was_taken_are_passed_over(tmp_path):
    (tmp_path / "text").write_text("\n# a\nb\n\n raw \n  # c\nd # e\n")
    assert lines_of(tmp_path / "text", comment="#") == [(3, "b"), (5, "raw"), (7, "d # e")]
    with open_text(tmp_path / "text") as file:
        assert file.next_line("#") == (3, "b")
        assert file.raw_line() == (4, "")
        assert file.raw_line() == (5, " raw ")
        assert list(file.content("#")) == [(7, "d # e")]
        assert file.next_line() is None
        assert file.raw_line() == (8, "")


@pytest.mark.parametrize(("text", "last"), [("a\nb", 2), ("a\nb\n", 3)])
def test_the_last_line_is_counted(tmp_path, text, last):
    (tmp_path / "text").write_text(text)
    with open_text(tmp_path / "text") as file:
        assert [number for number, _ in file.content()] == [1, 2]
        assert file.last_line == last


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("size", [1, 2, 3, 5, 8])
def test_blocks_of_any_size_hold_whole_lines(tmp_path, monkeypatch, size, end):
    monkeypatch.setattr(text_file, "BLOCK", size)
    lines = ["one", "", "zwölf 🙂", "x" * 20, "last"]
    (tmp_path / "text").write_bytes(end.join(lines).encode())
    assert lines_of(tmp_path / "text") == [(n, line) for n, line in enumerate(lines, 1) if line]
    with open_text(tmp_path / "text") as file:
        assert file.next_line() == (1, "one")
        blocks = list(file.rest())
    assert "".join(block.text for block in blocks).split("\n") == [*lines[1:], ""]
    for block in blocks:
        assert block.text.split("\n")[0] == lines[block.first - 1]


def test_a_line_without_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(text_file, "LONGEST_LINE", 100)
    monkeypatch.setattr(text_file, "BLOCK", 64)
    (tmp_path / "text").write_text("a\n" + "x" * 90 + "\n" + "y" * 200)
    with pytest.raises(mg.TooLarge, match="text must hold lines of at most 100 bytes, got a longer one in line 3; "):
        lines_of(tmp_path / "text")


def test_a_refusal_names_file_and_line():
    error = TextFile(Path("folder/coin.tra"), iter(())).refusal(3, "a number must stand here", "'x'", "write one")
    assert isinstance(error, mg.InvalidInput)
    assert str(error) == "coin.tra, line 3: a number must stand here, got 'x'; write one"


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "must describe a chain, got an empty file; export it again"),
        (b"\n \n", "must describe a chain, got an empty file"),
        (b"ab\x00c", "must be text in UTF-8, got other bytes; export it as text"),
        (b"\xff\xfea\x00", "must be text in UTF-8"),
        (gzip.compress(b"one\n" * 1000, mtime=0)[:-20], "must be a whole gzip file, got .*; fetch it again"),
        (gzip.compress(b"one\n" * 1000, mtime=0)[:-8] + b"wrongsum", "must be a whole gzip file, got CRC"),
        (b"\x1f\x8bnot gzip at all", "must be a whole gzip file"),
    ],
)
def test_what_is_no_text_is_refused(tmp_path, data, told):
    (tmp_path / "text").write_bytes(data)
    with pytest.raises(mg.InvalidInput, match=f"text {told}"):
        lines_of(tmp_path / "text")


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(
        mg.InvalidInput, match=r"nowhere must be a file that can be read, got No such file or directory"
    ):
        lines_of(tmp_path / "nowhere")


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_more_text_than_the_limit_is_refused(tmp_path, pack):
    (tmp_path / "text").write_bytes(pack(b"x" * 1001))
    assert lines_of(tmp_path / "text", 1001) == [(1, "x" * 1001)]
    with pytest.raises(
        mg.TooLarge, match=r"must hold at most 1\.0 kB of text, got more; give most_bytes if it is to be"
    ):
        lines_of(tmp_path / "text", 1000)


def test_a_bomb_is_not_unpacked(tmp_path, monkeypatch):
    unpacked = []
    read = gzip.GzipFile.read
    monkeypatch.setattr(
        gzip.GzipFile, "read", lambda self, size=-1: (data := read(self, size), unpacked.append(len(data)))[0]
    )
    (tmp_path / "bomb").write_bytes(gzip.compress(bytes(10**8), mtime=0))
    assert os.path.getsize(tmp_path / "bomb") < 10**6
    with pytest.raises(mg.TooLarge):
        lines_of(tmp_path / "bomb", 10**6)
    assert sum(unpacked) == 10**6 + 1


@pytest.mark.parametrize("block", [1, 7, 2**20])
def test_lines_that_say_nothing_are_passed_over_and_counted(tmp_path, monkeypatch, block):
    monkeypatch.setattr("markovgpt.exchange.text_file.BLOCK", block)
    (tmp_path / "f").write_text("\n// one\n \t\n  a //\n\n\u2003\n//\n\n/ b\n//")
    with open_text(tmp_path / "f") as file:
        assert [file.next_line("//"), file.next_line("//"), file.next_line("//")] == [(4, "a //"), (9, "/ b"), None]
    with open_text(tmp_path / "f") as file:
        assert [file.next_line()[0] for _ in range(5)] == [2, 4, 7, 9, 10]
        assert file.next_line() is None
