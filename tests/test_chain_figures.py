"""The matrix as cells and the long run as bars."""

import base64
import io
import math
import xml.etree.ElementTree as ElementTree

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

from markovgpt.analysis.result import Answer
from markovgpt.analysis.stationary import stationary_distributions
from markovgpt.chains.sparse_chain import SparseChain
from markovgpt.chains.states import StateSpace
from markovgpt.chains.window_chain import WindowChain
from markovgpt.errors import InvalidInput, TooLarge
from markovgpt.export import chain_figures as module
from markovgpt.export.chain_figures import matrix_figure, stationary_figure
from markovgpt.scaled import ScaledArray
from markovgpt.solvers.certificate import Enclosure
from markovgpt.vocabulary import Vocabulary

SVG = "{http://www.w3.org/2000/svg}"
WEATHER = SparseChain.from_matrix([[0.9, 0.1, 0], [0.3, 0, 0.7], [0, 0.001, 0.999]], labels=["$sun$", "_", "rain"])


def words(path):
    """The texts in an svg."""
    return ["".join(text.itertext()) for text in ElementTree.parse(path).getroot().iter(f"{SVG}text")]


def picture(path):
    """The first picture embedded in an svg."""
    image = next(ElementTree.parse(path).getroot().iter(f"{SVG}image"))
    data = base64.b64decode(image.get("{http://www.w3.org/1999/xlink}href").split(",")[1])
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGBA"))


def ring(n):
    """A chain of n windows of one token each, from each to the next and back to itself."""
    probs = np.zeros((n, n))
    probs[np.arange(n), np.arange(n)] = probs[np.arange(n), (np.arange(n) + 1) % n] = 0.5
    return WindowChain(StateSpace(n, 1), probs)


def shares(values, lower=None, upper=None):
    """An answer over states."""
    values = np.asarray(values, dtype=float)
    return Answer.of(Enclosure(values, values if lower is None else lower, values if upper is None else upper, 0.0, ""))


@pytest.fixture
def bars(monkeypatch):
    """What the bars would be."""
    kept = []
    monkeypatch.setattr(module, "bar_figure", lambda *given, **named: kept.append((*given, named)))

    def ask(*given, **named):
        stationary_figure(*given, "a.svg", **named)
        return kept[-1]

    return ask


@pytest.mark.parametrize("suffix", ["svg", "pdf", "png"])
def test_the_same_bytes_when_made_twice(suffix, tmp_path):
    long_run = stationary_distributions(WEATHER).only()
    for draw in (lambda path: matrix_figure(WEATHER, path), lambda path: stationary_figure(long_run, WEATHER, path)):
        one, two = draw(tmp_path / f"one.{suffix}"), draw(tmp_path / f"two.{suffix}")
        assert one.read_bytes() == two.read_bytes()


@pytest.mark.parametrize("log", [True, False])
def test_a_cell_for_each_possible_transition_and_none_for_the_others(log, tmp_path):
    found = picture(matrix_figure(WEATHER, tmp_path / "a.svg", log=log))
    assert found.shape == (3, 3, 4)
    assert (found[..., 3] == 0).tolist() == [[False, False, True], [False, True, False], [True, False, False]]
    low, high = (math.log10(0.001), math.log10(0.999)) if log else (0.001, 0.999)
    given = math.log10(0.3) if log else 0.3
    expected = mpl.colormaps["cividis"]((given - low) / (high - low), bytes=True)
    assert found[1, 0].tolist() == list(expected)
    assert found[2, 1].tolist() == list(mpl.colormaps["cividis"](0.0, bytes=True))


def test_states_are_named_as_they_are(tmp_path):
    found = words(matrix_figure(WEATHER, tmp_path / "a.svg"))
    assert all(found.count(name) == 2 for name in ("$sun$", "_", "rain"))
    assert {"impossible", "log10 P", "window", "next window"} <= set(found)
    coin = WindowChain(StateSpace(2, 1), np.full((2, 2), 0.5), Vocabulary((" ", "\n")))
    found = words(matrix_figure(coin, tmp_path / "b.svg"))
    assert (found.count("␣"), found.count("\\n"), "impossible" in found) == (2, 2, False)


@pytest.mark.parametrize(("n", "named"), [(64, 64), (65, 33), (256, 64)])
def test_names_are_thinned_where_they_are_many(n, named, tmp_path):
    found = words(matrix_figure(ring(n), tmp_path / "a.svg"))
    labels = [word for word in found if word.isdigit()]
    assert len(labels) == 2 * named
    assert labels[:2] == ["0", str(math.ceil(n / 64))]


def test_a_transition_below_the_doubles_is_no_hole(tmp_path):
    tiny = ScaledArray.of([[0.5, 0.5], [1.0, 1.0]])
    tiny[1] = ScaledArray([1.0, 0.5], [0, -4000])
    chain = WindowChain(StateSpace(2, 1), tiny)
    assert (picture(matrix_figure(chain, tmp_path / "a.svg"))[..., 3] == 255).all()


def test_too_many_states_are_refused(tmp_path):
    with pytest.raises(
        TooLarge, match=r"at most 256 states, got 257; draw a quantity over all windows \(mosaic_figure"
    ):
        matrix_figure(ring(257), tmp_path / "a.svg")


def test_the_heaviest_states_and_all_others(bars):
    chain = ring(6)
    one = shares([0.3, 0.05, 0.2, 0.1, 0.05, 0.3], upper=np.full(6, 0.4))
    two = shares([0.0, 0.05, 0.1, 0.1, 0.75, 0.0])
    heights, labels, _, given = bars({"one": one, "two": two}, chain, most=3)
    assert labels == ["0", "4", "5", "3 others"]  # 0.75, 0.3 and 0.3 at most; 0.2 is no more
    assert heights["one"] == pytest.approx([0.3, 0.05, 0.3, 0.35])
    assert heights["two"] == pytest.approx([0, 0.75, 0, 0.25])
    lower, upper = given["bounds"]["one"]
    assert upper == pytest.approx([0.4, 0.4, 0.4, 1.2])
    assert lower[-1] < 0.35 < upper[-1]
    assert not given["logarithmic"]


def test_all_states_leave_no_others(bars):
    heights, labels, _, _ = bars(shares([0.25, 0.75]), ring(2))
    assert (labels, heights[""].tolist()) == (["0", "1"], [0.25, 0.75])
    assert bars(shares([0.25, 0.75]), ring(2), most=1)[1] == ["1", "1 other"]


def test_a_bar_far_above_the_others_makes_them_logarithmic(bars):
    many = shares(np.full(50, 0.02))
    assert bars(many, ring(50), most=4)[-1]["logarithmic"]  # 0.92 beside 0.02
    assert not bars(many, ring(50), most=4, log=False)[-1]["logarithmic"]
    assert not bars(many, ring(50), most=40)[-1]["logarithmic"]


def test_the_bounds_of_all_others_hold(bars):
    # 1/10 is no double: its sum of a thousand is bounded by exact fractions
    from_doubles = shares(np.full(1001, 0.1))
    lower, upper = bars(from_doubles, ring(1001), most=1)[-1]["bounds"][""]
    exact = 1000 * (0.1).as_integer_ratio()[0] / (0.1).as_integer_ratio()[1]
    assert lower[-1] < exact < upper[-1]
    assert upper[-1] - lower[-1] < 1e-9


def test_what_is_no_distribution_is_refused():
    chain = ring(3)
    with pytest.raises(InvalidInput, match=r"must have the shape \(3,\), got \(2,\) for 'one'; see Stationary"):
        stationary_figure({"one": shares([0.5, 0.5])}, chain, "a.svg")
    with pytest.raises(InvalidInput, match="1 to 4 distributions and at least 1 bar, got 0 and 16; draw the others"):
        stationary_figure({}, chain, "a.svg")
    with pytest.raises(InvalidInput, match="got 5 and 16"):
        stationary_figure({str(name): shares([1, 0, 0]) for name in range(5)}, chain, "a.svg")
    with pytest.raises(InvalidInput, match="got 1 and 0"):
        stationary_figure(shares([1, 0, 0]), chain, "a.svg", most=0)
