"""Moving state graphs: as many pictures as moments, nothing jumps, and what is drawn is the chain."""

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from PIL import Image

import markovgpt as mg
from markovgpt.graphs.animation import Moment, draw_moment, write_animation

BITS = mg.Vocabulary(("h", "t"))


def moment(heads, caption="caption", share=None):
    """A coin with a memory of two that shows the same side again with some probability."""
    rows = np.array([[heads, 1 - heads], [1 - heads, heads]] * 2)
    chain = mg.WindowChain(mg.StateSpace(2, 2), rows, BITS)
    return Moment(chain, np.full(4, 0.25) if share is None else share, caption)


MOMENTS = [moment(0.5, "first"), moment(0.75), moment(0.98, "last", [0.7, 0.1, 0.1, 0.1])]


def written(path):
    """The words of a picture."""
    root = ElementTree.parse(path).getroot()
    return ["".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text")]


def places(path):
    """Where each word stands."""
    root = ElementTree.parse(path).getroot()
    return {
        "".join(t.itertext()): t.get("transform") or t.get("style")
        for t in root.iter("{http://www.w3.org/2000/svg}text")
    }


def test_an_animation_has_a_picture_for_each_moment_and_runs_for_ever(tmp_path):
    with Image.open(write_animation(MOMENTS, tmp_path / "coin.gif", milliseconds=100)) as film:
        assert film.n_frames == 3
        assert film.info["loop"] == 0
        times, frames = [], []
        for index in range(3):
            film.seek(index)
            times.append(film.info["duration"])
            frames.append(np.asarray(film.convert("RGB"), dtype=int))
    assert times == [100, 100, 1000]
    assert all((frame[-1, 0] == 255).all() for frame in frames)
    assert all((frames[i] != frames[i + 1]).any() for i in range(2))


def test_a_row_of_equal_moments_does_not_move(tmp_path):
    still = [moment(0.5), moment(0.5)]
    one, two = (draw_moment([*still, moment(0.9)], index, tmp_path / f"{index}.png").read_bytes() for index in (0, 1))
    assert one == two


def test_the_words_are_the_chains(tmp_path):
    words = written(draw_moment(MOMENTS, 1, tmp_path / "coin.svg"))
    assert sorted(words) == sorted(
        ["caption", "hh", "ht", "th", "tt", *["25%"] * 4, *["h(75%)", "t(25%)", "h(25%)", "t(75%)"] * 2]
    )


def test_what_is_unlikely_gets_no_number_and_what_is_impossible_no_arrow(tmp_path):
    words = written(draw_moment(MOMENTS, 2, tmp_path / "coin.svg"))
    assert "h(98%)" in words
    assert not any("2%" in word for word in words)
    sure = [moment(1.0), moment(0.5)]
    curves = [(draw_moment(sure, index, tmp_path / f"{index}.svg").read_text().count("\nC ")) for index in (0, 1)]
    assert curves[0] < curves[1]
    assert draw_moment(sure[::-1], 0, tmp_path / "first.svg").read_text().count("\nC ") == curves[1]


def test_nothing_jumps_from_one_moment_to_the_next(tmp_path):
    seen = [places(draw_moment(MOMENTS, index, tmp_path / f"{index}.svg")) for index in (0, 2)]
    for word in ("hh", "ht", "th", "tt"):
        assert seen[0][word] == seen[1][word]


def test_states_that_are_no_windows_have_plain_percentages(tmp_path):
    chain = mg.SparseChain.from_matrix([[0.5, 0.5], [1.0, 0.0]], labels=["$a$", "b_1"])
    words = written(draw_moment([Moment(chain, [2 / 3, 1 / 3], "two")], 0, tmp_path / "two.svg"))
    assert sorted(words) == sorted(["two", "$a$", "b_1", "67%", "33%", "50%", "50%", "100%"])


@pytest.mark.parametrize("suffix", ["gif", "svg", "pdf", "png"])
def test_pictures_are_the_same_bytes_when_made_twice(tmp_path, suffix):
    def made(name):
        path = tmp_path / f"{name}.{suffix}"
        return (write_animation(MOMENTS, path) if suffix == "gif" else draw_moment(MOMENTS, 0, path)).read_bytes()

    assert made("one") == made("two")


def test_chains_below_the_doubles_are_drawn(tmp_path):
    cold = mg.WindowChain.from_logits(mg.LogitTable(mg.StateSpace(2, 1), np.array([[0.0, -2000.0], [-2000.0, 0.0]])))
    assert draw_moment([Moment(cold, [0.5, 0.5], "cold")], 0, tmp_path / "cold.png").stat().st_size > 1000


@pytest.mark.parametrize(
    ("moments", "message"),
    [
        ([], "moments must hold at least one picture, got none"),
        ([MOMENTS[0], Moment(mg.SparseChain.from_matrix(np.eye(3)), np.ones(3) / 3, "")], "the same 4 states, got 3"),
        ([moment(0.5, share=[0.5, 0.5])], r"share must be 4 numbers in \[0, 1\], got \[0.5, 0.5\]"),
        ([moment(0.5, share=[2.0, 0, 0, 0])], r"share must be 4 numbers in \[0, 1\]"),
        ([moment(0.5, share=[np.nan, 0, 0, 0])], r"share must be 4 numbers in \[0, 1\]"),
    ],
)
def test_moments_that_do_not_fit_are_refused(tmp_path, moments, message):
    with pytest.raises(mg.InvalidInput, match=message):
        write_animation(moments, tmp_path / "coin.gif")
    assert list(tmp_path.iterdir()) == []


def test_too_many_states_are_refused(tmp_path):
    with pytest.raises(mg.TooLarge, match="at most 27 states, got 28"):
        write_animation([Moment(mg.SparseChain.from_matrix(np.eye(28)), np.ones(28) / 28, "")], tmp_path / "a.gif")


def test_names_times_and_places_that_mean_nothing_are_refused(tmp_path):
    with pytest.raises(mg.InvalidInput, match=r"must end in .gif, got 'coin.svg'; for one picture see draw_moment"):
        write_animation(MOMENTS, tmp_path / "coin.svg")
    with pytest.raises(mg.InvalidInput, match="at least 20, got 5; browsers slow down"):
        write_animation(MOMENTS, tmp_path / "coin.gif", milliseconds=5)
    with pytest.raises(mg.InvalidInput, match=r"index must lie in 0..2, got 3"):
        draw_moment(MOMENTS, 3, tmp_path / "coin.svg")
    with pytest.raises(mg.InvalidInput, match=r"must end in .svg, .pdf or .png, got 'coin.gif'"):
        draw_moment(MOMENTS, 0, tmp_path / "coin.gif")
