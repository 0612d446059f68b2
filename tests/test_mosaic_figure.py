"""The mosaic as a file: a pixel a cell, tokens as they are, the same bytes when made twice."""

import base64
import io
import math
import xml.etree.ElementTree as ElementTree

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

from markovgpt.analysis.reachability import hitting_probability
from markovgpt.chains.states import StateSpace
from markovgpt.chains.window_chain import WindowChain
from markovgpt.errors import InvalidInput, TooLarge
from markovgpt.export.figures import COLUMN_INCHES, PAGE_INCHES
from markovgpt.export.mosaic_figure import BAR_ROOM, MARGIN, mosaic_figure
from markovgpt.vocabulary import Vocabulary

SPACE = StateSpace(4, 3)
SVG = "{http://www.w3.org/2000/svg}"


def drawn(path, values=None, **given):
    """A mosaic of 64 windows, by their numbers."""
    values = np.arange(64.0) if values is None else values
    return mosaic_figure(values, SPACE, path, **{"label": "number", "log": False, **given})


def pictures(path):
    """The pictures embedded in an svg, as arrays."""
    images = ElementTree.parse(path).getroot().iter(f"{SVG}image")
    links = [image.get("{http://www.w3.org/1999/xlink}href").split(",")[1] for image in images]
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(link))).convert("RGBA")) for link in links]


def words(path):
    """The texts in an svg."""
    return ["".join(text.itertext()) for text in ElementTree.parse(path).getroot().iter(f"{SVG}text")]


def cividis(share):
    """A colour of the map."""
    return list(mpl.colormaps["cividis"](share, bytes=True))


@pytest.mark.parametrize("suffix", ["svg", "pdf", "png"])
def test_the_same_bytes_when_made_twice(suffix, tmp_path):
    one, two = drawn(tmp_path / f"one.{suffix}"), drawn(tmp_path / f"two.{suffix}")
    assert one.read_bytes() == two.read_bytes()


def test_each_tile_is_a_picture_of_a_pixel_a_cell(tmp_path):
    found = [picture for picture in pictures(drawn(tmp_path / "a.svg")) if picture.shape[:2] == (4, 4)]
    assert len(found) == 4
    # the newest token is 3, of 3, 7, 11 ... 63; the one before picks the quarter, the oldest the quarter of the quarter
    numbers = [[3, 19, 7, 23], [35, 51, 39, 55], [11, 27, 15, 31], [43, 59, 47, 63]]
    assert found[3].tolist() == [[cividis(number / 63) for number in row] for row in numbers]


def test_a_png_gives_each_cell_the_same_whole_number_of_dots(tmp_path):
    image = np.asarray(Image.open(drawn(tmp_path / "a.png")).convert("RGBA"))
    dots = image.shape[1] / COLUMN_INCHES
    left = image[:, : round((COLUMN_INCHES - BAR_ROOM) * dots)]
    sizes = [int((left == cividis(number / 63)).all(axis=2).sum()) for number in range(64)]
    assert math.isqrt(min(sizes)) ** 2 == min(sizes) > 100
    assert max(sizes) - min(sizes) < 10  # the edge of a letter may have the colour of a cell


def test_what_is_impossible_shows_the_hatched_ground_and_is_named(tmp_path):
    values = np.where(np.arange(64) < 32, 0.0, 1e-3)
    path = drawn(tmp_path / "a.svg", values, log=True)
    holes = sum(int((picture[..., 3] == 0).sum()) for picture in pictures(path))
    assert holes == 32
    assert {"impossible", "log10 number"} <= set(words(path))
    assert "impossible" not in words(drawn(tmp_path / "b.svg"))


def test_nothing_but_zeros_is_drawn_without_a_bar(tmp_path):
    path = drawn(tmp_path / "a.svg", np.zeros(64), log=True)
    assert len(pictures(path)) == 4


def test_cells_without_a_window_are_white_and_opaque(tmp_path):
    path = mosaic_figure(np.zeros(25), StateSpace(5, 2), tmp_path / "a.svg", label="x", log=True)
    for picture in pictures(path):  # 3 x 2 cells, the last of them blank
        assert picture[2, 1].tolist() == [255] * 4
        assert (picture[..., 3] == 0).sum() == 5


def test_tokens_stand_above_their_tiles_as_they_are(tmp_path):
    tokens = Vocabulary(("$x$", "_", " ", "\n"))
    assert {"$x$", "_", "␣", "\\n"} <= set(words(drawn(tmp_path / "a.svg", vocabulary=tokens)))
    assert {"0", "1", "2", "3"} <= set(words(drawn(tmp_path / "b.svg")))
    long = Vocabulary(("a" * 300, "b", "c", "d"))  # the newest end, as wide as the tile
    shown = next(word for word in words(drawn(tmp_path / "c.svg", vocabulary=long)) if word.endswith("aa"))
    assert shown.startswith("\N{HORIZONTAL ELLIPSIS}")
    assert len(shown) < 30


def test_each_length_of_a_space_with_prefixes_is_a_mosaic(tmp_path):
    space = StateSpace(2, 3, with_prefixes=True)
    values = np.arange(14.0)
    for length, states in ((1, 2), (2, 4), (3, 8)):
        path = mosaic_figure(values, space, tmp_path / "a.svg", label="x", log=False, length=length)
        cells = sum(picture.shape[0] * picture.shape[1] for picture in pictures(path)[:2])
        assert cells == states
    alone = mosaic_figure(values[6:], StateSpace(2, 3), tmp_path / "b.svg", label="x", log=False)
    assert path.read_bytes() == alone.read_bytes()


def test_an_answer_below_the_doubles_is_drawn(tmp_path):
    coin = WindowChain(StateSpace(2, 2), np.array([[1 - 1e-200, 1e-200]] * 4))
    risk = hitting_probability(coin, [3], within=2)  # 1e-400 from 00
    path = mosaic_figure(risk, coin.space, tmp_path / "a.svg", label="P(11 within 2)")
    assert "log10 P(11 within 2)" in words(path)
    assert "impossible" not in words(path)


def test_many_tokens_are_one_picture_without_labels(tmp_path):
    path = mosaic_figure(np.arange(500.0), StateSpace(500, 1), tmp_path / "a.svg", label="x", log=False)
    assert len(pictures(path)) == 2  # and the bar
    assert "7" not in words(path)


def test_many_windows_take_the_page(tmp_path):
    few, many = StateSpace(2, 12), StateSpace(2, 13)
    widths = []
    for space in (few, many):
        path = mosaic_figure(np.arange(space.n_states), space, tmp_path / "a.svg", label="x", log=False)
        widths.append(float(ElementTree.parse(path).getroot().get("width").removesuffix("pt")) / 72)
    assert widths == pytest.approx([COLUMN_INCHES, PAGE_INCHES])
    assert MARGIN < 0.1


def test_refusals(tmp_path):
    with pytest.raises(InvalidInput, match=r"values must have the shape \(64,\), got \(63,\); one entry a state"):
        drawn(tmp_path / "a.svg", np.zeros(63))
    with pytest.raises(InvalidInput, match="length must be that of states, 3 to 3, got 2"):
        drawn(tmp_path / "a.svg", length=2)
    with pytest.raises(TooLarge, match="a mosaic must have at most 16777216 cells"):
        mosaic_figure(np.zeros(1), StateSpace(2, 30), tmp_path / "a.svg", label="x")
    assert list(tmp_path.iterdir()) == []
