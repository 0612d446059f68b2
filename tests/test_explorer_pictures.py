"""The explorer's pictures in a real Chromium: places, colours and texts equal Python's; keys and labels work."""

import base64
import math
import re
from io import BytesIO
from itertools import combinations
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pytest
from explorer_browser import JS, modules, open_js
from PIL import Image

from markovgpt.chains.states import StateSpace
from markovgpt.export.mosaic import mosaic_places, tile_grid
from markovgpt.graphs.placed_graph import bent_way, points_of
from markovgpt.graphs.ring_layout import ring_layout
from markovgpt.graphs.state_layout import percent, token_looks

SHARED = ("drawing.js", "colours.js", "arrows.js", "label_places.js", "graph_nodes.js", "graph_ways.js")
FILES = (*SHARED, "graph.js", "mosaic_places.js", "mosaic_cells.js", "mosaic.js", "suffix_rows.js", "suffixes.js")
HOSTILE = ["</text><script>alert(1)</script>", "\"'&<\u2028"]
# A chain's view, with what the picture has called back in `picks`; the page answers a pick as it would.
SHOW = """([make, table, view, places]) => {
  const bytes = (mask) => Uint8Array.from(mask);
  const numbers = (values) => values === null ? null : Float64Array.from(values, Number);
  window.ready = (given) => ({...given, probs: numbers(given.probs), kept: bytes(given.kept), red: bytes(given.red),
    cycle: bytes(given.cycle), absorbing: bytes(given.absorbing), value: numbers(given.value),
    mass: numbers(given.mass)});
  window.picks = [];
  window.view = ready(view);
  const onPick = (state) => {
    picks.push(state);
    window.view = {...window.view, picked: state};
    pic.update(window.view);
  };
  window.pic = window[make](document.body, table, {onPick, places});
  pic.update(window.view);
}"""


def view_of(V, L, **given):
    """A view of random rows; what is given stands in place of its parts."""
    rng = np.random.default_rng(V * 10 + L)
    n = V**L
    probs = rng.dirichlet(np.ones(V), n)
    none = [0] * n
    view = {
        **{"probs": probs.ravel().tolist(), "kept": [1] * (n * V), "red": none, "cycle": none, "absorbing": none},
        **{"start": 0, "picked": None, "trail": [], "value": None, "valueName": "mass", "log": True, "dark": False},
        "mass": None,
        "shown": [str(token) for token in range(V)],
    }
    return {**view, **given}


def show(tab, make, V, L, places=None, width=900, **given):
    """A picture alone on a page."""
    tab.set_viewport_size({"width": width, "height": 900})
    open_js(tab, *FILES)
    tab.evaluate("document.body.style.margin = 0")
    table = {"V": V, "L": L, "n": V**L}
    tab.evaluate(SHOW, [make, table, view_of(V, L, **given), places])


def ring(V, L):
    """Where the drawings have the states of a chain that can make every step."""
    n = V**L
    places, _ = ring_layout(n, [(s, (s * V + a) % n) for s in range(n) for a in range(V)])
    return places.tolist()


def marked(n, *states):
    """A mask."""
    return [int(state in states) for state in range(n)]


def test_the_files_can_be_joined_into_one_module():
    sources = {file.name: file.read_text(encoding="utf-8") for file in JS.glob("*.js")}
    order, names = modules("worker.js", "page.js"), []
    assert set(order) == set(sources) - {"unpack.js"}  # which is no part of the program, but unpacks it
    for name in order:
        source = sources[name]
        names += re.findall(r"^(?:export )?(?:async )?(?:function\*?|class|const|let) (\w+)", source, flags=re.M)
        imports = re.findall(r"^import (.*)$", source, flags=re.M)
        for line in imports:
            found = re.fullmatch(r'\{ ([\w, ]+) \} from "\./(\w+\.js)";', line)
            assert found, line
            # Constants of a module are made before those of one that uses them.
            assert order.index(found[2]) < order.index(name)
            for wanted in found[1].split(", "):
                assert re.search(rf"^export (function|const|class) {wanted}\b", sources[found[2]], flags=re.M), wanted
                assert len(re.findall(rf"\b{wanted}\b", source)) > 1, f"{name} does not use {wanted}"
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", sorted(file.name for file in JS.glob("*.js")))
def test_a_file_is_short_and_puts_in_text_as_text(name):
    source = (JS / name).read_text(encoding="utf-8")
    assert source.count("\n") <= 350
    assert max(map(len, source.splitlines())) <= 120
    if name != "unpack.js":  # which puts in the skeleton, a file of the package
        ways_to_run_text = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|import\(|import\.meta"
        assert not re.search(ways_to_run_text, source)


def test_cells_have_the_places_of_the_mosaic_figure(tab):
    open_js(tab, *FILES)
    for V, L in [(1, 3), (2, 1), (2, 5), (3, 3), (4, 3), (5, 2), (6, 2), (7, 3), (17, 2), (27, 2)]:
        found = tab.evaluate(
            "(t) => { const p = mosaicPlaces(t); return {...p, row: [...p.row], column: [...p.column],"
            " states: [...statesOfCells(p)]}; }",
            {"V": V, "L": L},
        )
        places = mosaic_places(StateSpace(V, L))
        assert found["row"] == places.row.tolist()
        assert found["column"] == places.column.tolist()
        assert (found["rows"], found["columns"]) == places.shape
        assert (found["tileRows"], found["tileColumns"]) == places.tile_shape
        assert tuple(found["grid"]) == tile_grid(V)
        by_cell = {(r, c): s for s, (r, c) in enumerate(zip(found["row"], found["column"], strict=True))}
        cells = [by_cell.get(divmod(cell, places.shape[1]), -1) for cell in range(places.shape[0] * places.shape[1])]
        assert found["states"] == cells


def test_a_point_of_the_layout_is_in_the_cell_whose_corner_it_is_near(tab):
    open_js(tab, *FILES)
    wrong = tab.evaluate("""() => {
      const places = mosaicPlaces({V: 5, L: 3});
      const layout = mosaicLayout(places, 503, 400, 2);
      const wrong = [];
      for (let row = 0; row < places.rows; row += 1) for (let column = 0; column < places.columns; column += 1) {
        const [x, y] = cellCorner(layout, row, column);
        for (const part of [0.05, 0.95]) {
          const found = cellAt(layout, x + part * layout.cell, y + part * layout.cell);
          if (!found || found[0] !== row || found[1] !== column) wrong.push([row, column, found]);
        }
      }
      const whole = layout.cell * 2;
      return [wrong, whole % 1, cellAt(layout, layout.left - 1, 50), cellAt(layout, layout.left + 1, 3)];
    }""")
    assert wrong == [[], 0, None, None]


def test_probabilities_are_written_as_in_python(tab):
    open_js(tab, *FILES)
    # none is halfway between two that can be written
    numbers = [1, 0.9999, 0.996, 0.994, 0.7316, 0.11, 0.0096, 0.0094, 0.0013, 9.6e-5, 9.4e-5, 1e-9, 9.7e-12, 1e-300, 0]
    assert tab.evaluate("(all) => all.map((p) => percentText(p))", numbers) == [percent(p) for p in numbers]
    assert tab.evaluate("percentText(0, true)") == "<1e-307"


def test_tokens_have_the_colours_and_dashes_of_the_drawings(tab):
    open_js(tab, *FILES)
    found = tab.evaluate("Array.from({length: 25}, (_, token) => tokenLook(token, false))")
    looks = token_looks(range(25))
    assert [(look["colour"], tuple(look["dashes"])) for look in found[:24]] == [looks[token] for token in range(24)]
    assert found[24]["dashes"] == []
    assert 24 not in looks


@pytest.mark.parametrize(("name", "values", "log", "near"), [
    ("cividis", [10.0 ** (-k / 7) for k in range(60)], True, 6),
    ("coolwarm", [k / 10 for k in range(-30, 21)], False, 9),
])  # fmt: skip
def test_values_have_matplotlibs_colours(tab, name, values, log, near):
    open_js(tab, *FILES)
    found = tab.evaluate(
        "([values, log]) => { const s = valueScale(values, log); return values.map((v) => colourOfValue(s, v)); }",
        [values, log],
    )
    numbers = np.log10(values) if log else np.array(values)
    reach = (numbers.min(), numbers.max()) if log else (-3.0, 3.0)  # evenly on both sides of 0
    expected = mpl.colormaps[name](mpl.colors.Normalize(*reach)(numbers), bytes=True)[:, :3]
    assert np.abs(np.array(found) - expected.astype(int)).max() <= near


def test_what_is_impossible_has_no_colour_and_what_is_infinite_is_black(tab):
    open_js(tab, *FILES)
    found = tab.evaluate("""() => { const s = valueScale([0, 1e-3, Infinity], true);
      return [s.low, s.high, s.impossible, s.infinite, colourOfValue(s, 0), colourOfValue(s, Infinity),
        valueScale([], true).empty, valueScale(null, true).empty]; }""")
    assert found == [-3, -3, True, True, None, [0, 0, 0], True, True]


@pytest.mark.parametrize(("low", "high", "log", "ticks"), [
    (0, 1, False, [0, 0.5, 1]), (-12, 0, True, [-10, -5, 0]), (-0.8, 0, True, [math.log10(0.2), math.log10(0.5), 0]),
])  # fmt: skip
def test_ticks_are_round(tab, low, high, log, ticks):
    open_js(tab, *FILES)
    assert tab.evaluate("([low, high, log]) => ticksBetween(low, high, log)", [low, high, log]) == pytest.approx(ticks)


@pytest.mark.parametrize("bend", [0.0, 0.16, -0.42])
def test_an_arrow_is_the_curve_of_the_drawings(tab, bend):
    open_js(tab, *FILES)
    nodes = [{"place": place, "radius": 2, "square": False} for place in ([3, -4], [20, 7])]
    found = tab.evaluate("([from, to, bend]) => wayPoints(bentWay(from, to, bend), 40)", [*nodes, bend])
    upward = points_of(bent_way((3, 4), (20, -7), 2, bend))  # y is upward there
    assert np.allclose(np.array(found) * [1, -1], upward)


def test_arrows_of_a_ring_bend_as_in_the_drawings(tab):
    space = [(s, (2 * s + a) % 8) for s in range(8) for a in range(2)]
    places, ways = ring_layout(8, space)
    show(tab, "makeGraph", 2, 3, places=places.tolist())
    for (source, target), way in ways.items():
        found = tab.evaluate("([s, t]) => pic.ways.wayOf(s, t)", [source, target])
        size = tab.evaluate("2 * pic.layout.radius")
        middle = np.array(tab.evaluate("pic.layout.nodes[0].place")) - places[0] * [size, -size]
        # Loops differ by the angle of their ends on the rim alone.
        assert np.allclose((np.array(found) - middle) / [size, -size], way, atol=1e-6), (source, target)


def test_an_arrow_ends_at_the_rim_of_a_square(tab):
    open_js(tab, *FILES)
    nodes = [{"place": [0, 0], "radius": 5, "square": False}, {"place": [50, 30], "radius": 10, "square": True}]
    x, y = tab.evaluate("([from, to]) => bentWay(from, to, 0.2)[3]", nodes)
    assert max(abs(x - 50), abs(y - 30)) == pytest.approx(8.8)  # half a side: 0.88 of the radius


def boxes(tab, selector):
    """Left, top, right and bottom of what is seen, on the screen."""
    return tab.evaluate(
        """(selector) => [...document.querySelectorAll(selector)].filter((one) => one.textContent !== "" &&
          one.getAttribute("visibility") !== "hidden").map((one) => { const b = one.getBoundingClientRect();
          return [b.left, b.top, b.right, b.bottom]; })""",
        selector,
    )


def overlap(one, other):
    """How far two boxes reach into each other, in pixels."""
    return min(min(one[2], other[2]) - max(one[0], other[0]), min(one[3], other[3]) - max(one[1], other[1]))


@pytest.mark.parametrize(("V", "L", "width", "least"), [
    (2, 3, 900, 16), (2, 3, 400, 16), (2, 4, 900, 24), (3, 3, 900, 20), (27, 1, 900, 5), (3, 3, 360, 3),
])  # fmt: skip
def test_labels_of_arrows_overlap_neither_each_other_nor_states(tab, V, L, width, least):
    show(tab, "makeGraph", V, L, places=ring(V, L), width=width)
    labels = boxes(tab, ".explorer-graph svg > g:nth-of-type(4) > text")
    assert len(labels) >= least  # of V ** (L + 1)
    assert all(overlap(one, other) < 2 for one, other in combinations(labels, 2))
    for x, y, radius in tab.evaluate("pic.layout.nodes.map(({place, radius}) => [...place, radius])"):
        for left, top, right, bottom in labels:
            across, down = max(left - x, x - right, 0), max(top - y, y - bottom, 0)
            assert math.hypot(across, down) > radius - 2
    if tab.evaluate("pic.layout.labels") == "inside":
        texts = boxes(tab, "[role=option] > text")
        assert all(overlap(label, text) < 2 for label in labels for text in texts)
    assert all(left >= 0 and right <= width for left, _, right, _ in labels)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width


def test_a_slider_changes_widths_and_texts_and_nothing_else(tab):
    show(tab, "makeGraph", 2, 1, probs=[0.25, 0.75, 0.5, 0.5])
    read = """() => [...pic.arrowParts.values()].sort((a, b) => a.entry - b.entry)
      .map(({label, line}) => [label.textContent, Number(line.getAttribute("stroke-width"))])"""
    before = tab.evaluate(read)
    assert [text for text, _ in before] == ["0(25%)", "1(75%)", "0(50%)", "1(50%)"]
    tab.evaluate("""() => { window.kept = pic.arrowParts.get(0); window.at = kept.label.getAttribute("x");
      pic.update({...view, probs: Float64Array.of(1, 0, 0.004, 0.996)}); }""")
    after = tab.evaluate(read)
    assert [text for text, _ in after] == ["0(100%)", "1(<1e-307)", "0(0.4%)", "1(>99%)"]
    assert [(new > old) for (_, old), (_, new) in zip(before, after, strict=True)] == [True, False, False, True]
    assert tab.evaluate("pic.arrowParts.get(0) === kept && kept.label.getAttribute('x') === at")


def test_an_impossible_token_has_no_arrow(tab):
    show(tab, "makeGraph", 2, 2, kept=[1, 1, 0, 1, 1, 1, 1, 0])
    assert sorted(tab.evaluate("[...pic.arrowParts.keys()]")) == [0, 1, 3, 4, 5, 6]


def test_states_are_marked_not_by_colour_alone(tab):
    show(tab, "makeGraph", 2, 2, red=marked(4, 3), cycle=marked(4, 1), absorbing=marked(4, 2), start=0, trail=[0, 1])
    parts = tab.evaluate("""() => pic.nodeGroups.map((group) => ({
      circles: group.querySelectorAll("circle").length, squares: group.querySelectorAll("rect").length,
      hatched: group.querySelectorAll("[fill^='url(']").length,
      rim: Math.max(...[...group.children].slice(0, -1).map((one) => one.getAttribute("stroke-width") || 0)),
    }))""")
    plain, hatched, square, double = parts  # each has a rim more, for the focus
    assert (plain["circles"], plain["rim"]) == (3, 3.5)
    assert (hatched["circles"], hatched["hatched"], hatched["rim"]) == (4, 1, 4)  # letters have a rim there
    assert (square["circles"], square["squares"]) == (0, 3)
    assert (double["circles"], double["rim"]) == (4, 1.3)
    words = tab.evaluate("pic.nodeGroups.map((group) => group.getAttribute('aria-label'))")
    assert [("red" in w, "never left" in w, "cycle" in w, "start" in w) for w in words] == [
        (False, False, False, True), (False, False, True, False),
        (False, True, False, False), (True, False, False, False),
    ]  # fmt: skip
    legend = tab.evaluate("pic.layers.legend.textContent")
    assert all(word in legend for word in ("start", "red", "cycle", "never left", "the walk is here"))
    assert tab.evaluate("[pic.layers.trail.childElementCount, pic.layers.walker.childElementCount]") == [1, 1]


def test_the_graph_is_used_with_keys_alone(tab):
    places = [[-1, 1], [1, 1], [-1, -1], [1, -1]]  # 0 1 above 2 3
    show(tab, "makeGraph", 2, 2, places=places)
    focused = "pic.nodeGroups.indexOf(document.activeElement)"
    seen = []
    for key in ("Tab", "ArrowRight", "ArrowDown", "Enter", "ArrowLeft", "ArrowUp", "End", "Home", "ArrowUp"):
        tab.keyboard.press(key)
        seen.append(tab.evaluate(focused))
    assert seen == [0, 1, 3, 3, 2, 0, 3, 0, 0]
    assert tab.evaluate("[picks, pic.nodeGroups.map((g) => g.getAttribute('aria-selected'))]") == [
        [3], ["false", "false", "false", "true"],
    ]  # fmt: skip
    tab.keyboard.press("Tab")
    assert tab.evaluate(focused) == -1  # one stop of the tab key for all


def test_a_state_under_the_pointer_has_its_arrows_in_full(tab):
    show(tab, "makeGraph", 2, 3)
    tab.hover("[role=option] >> nth=5")
    parts = "[...pic.arrowParts.values()]"
    full = f"{parts}.filter((part) => part.group.getAttribute('opacity') === '1').map((part) => part.source)"
    assert tab.evaluate(full) == [5, 5]
    tab.mouse.move(0, 0)
    assert len(tab.evaluate(full)) == 16
    tab.click("[role=option] >> nth=2")
    assert tab.evaluate("picks") == [2]


@pytest.mark.parametrize("make", ["makeGraph", "makeMosaic", "makeSuffixes"])
def test_a_saved_picture_stands_alone_and_tokens_are_text(tab, make):
    show(tab, make, 2, 3, shown=HOSTILE, picked=5, trail=[0, 1], value=[0, 1, 2, 3, 4, 5, 6, 7])
    root = ElementTree.fromstring(tab.evaluate("pic.toSVG()"))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert float(root.get("width")) == 900
    assert float(root.get("height")) > 100
    assert not [node for node in root.iter() if node.tag.endswith("script") or node.get("style", "").find("url") >= 0]
    assert HOSTILE[1][:4] in "".join(root.itertext())
    assert tab.evaluate("document.querySelectorAll('body script, body img, body iframe').length") == 0
    pictures = [node for node in root.iter() if node.tag.endswith("}image")]
    assert len(pictures) == (make == "makeMosaic")
    for picture in pictures:
        data = base64.b64decode(picture.get("href").removeprefix("data:image/png;base64,"))
        assert Image.open(BytesIO(data)).width == float(root.get("width"))
    assert tab.evaluate("() => { pic.destroy(); return document.querySelectorAll('svg, canvas').length; }") == 0


def test_cells_have_their_colours_and_blank_places_none(tab):
    value = [10.0**-k for k in range(25)]
    value[7] = 0
    show(tab, "makeMosaic", 5, 2, value=value, start=24)
    dots = np.array(
        tab.evaluate("""() => [...pic.states.keys()].map((cell) => {
      const [row, column] = [Math.floor(cell / pic.places.columns), cell % pic.places.columns];
      const [x, y] = cellCorner(pic.layout, row, column).map((length) => (length + pic.layout.cell / 2) * pic.ratio);
      const area = pic.canvas.getContext("2d").getImageData(x - 3, y - 3, 6, 6).data;
      return [...area];
    })""")
    ).reshape(36, 36, 4)  # cells, dots, channels
    states = tab.evaluate("[...pic.states]")
    colours = mpl.colormaps["cividis"](1 - np.arange(25) / 24, bytes=True)
    for state, area in zip(states, dots, strict=True):
        if state < 0:
            assert not area.any()
        elif state == 7:
            assert len(np.unique(area, axis=0)) > 1  # hatched
        else:
            assert np.abs(area - colours[state].astype(int)).max() <= 6, state


def test_a_click_picks_the_state_of_its_cell(tab):
    show(tab, "makeMosaic", 3, 3, value=[1] * 27)
    for state in (0, 5, 13, 26):
        x, y = tab.evaluate("(s) => cellCorner(pic.layout, pic.places.row[s], pic.places.column[s])", state)
        tab.mouse.move(x + 2, y + 2)
        window = "".join(str(state // 3**power % 3) for power in (2, 1, 0))
        assert f"state {window}," in tab.evaluate("pic.tip.textContent")
        tab.mouse.click(x + 2, y + 2)
    assert tab.evaluate("picks") == [0, 5, 13, 26]
    tab.mouse.click(2, 2)  # above the tiles
    assert tab.evaluate("picks.length") == 4
    assert tab.evaluate("pic.layers.arrows.querySelectorAll('g').length") == 3  # those of the picked one
    assert "state 222" in tab.evaluate("pic.element.getAttribute('aria-label')")


def test_the_mosaic_is_used_with_keys_alone(tab):
    show(tab, "makeMosaic", 2, 2)  # 00 01 above 10 11: the left tile holds what ends in 0
    for key in ("Tab", "Enter", "ArrowRight", "ArrowDown", "ArrowRight", "ArrowLeft", "ArrowUp"):
        tab.keyboard.press(key)
    assert tab.evaluate("picks") == [0, 1, 3, 2, 0]  # at the edge nothing: a pick of what is picked lets it go


def test_a_mosaic_fits_its_page_and_cells_are_whole_dots(tab):
    show(tab, "makeMosaic", 17, 3, width=390, value=[1] * 4913)
    assert tab.evaluate("pic.layout.cell * pic.ratio") == 3
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
    tab.set_viewport_size({"width": 800, "height": 900})
    tab.wait_for_function("pic.layout.width === 800")
    assert tab.evaluate("pic.layout.cell * pic.ratio") == 7


def test_suffixes_add_up_and_what_follows_is_the_weighted_mean(tab):
    open_js(tab, *FILES)
    # windows 00 01 10 11; those that end in 0 are 0 and 2
    found = tab.evaluate("""() => {
      const [table, weights] = [{V: 2, L: 2, n: 4}, Float64Array.of(0.1, 0.2, 0.3, 0.4)];
      const probs = Float64Array.of(1, 0, 0.5, 0.5, 0.2, 0.8, 0, 1);
      return [suffixSums(table, weights).map((level) => [...level]), [...meanNext(table, probs, weights, 1, 0)],
        [...meanNext(table, probs, weights, 0, 0)], meanNext(table, probs, new Float64Array(4), 1, 1)];
    }""")
    assert found[0][0] == pytest.approx([1])
    assert found[0][1] == pytest.approx([0.4, 0.6])
    assert found[0][2] == [0.1, 0.2, 0.3, 0.4]
    assert found[1] == pytest.approx([0.4, 0.6])  # (0.1 * 1 + 0.3 * 0.2) / 0.4
    assert found[2] == pytest.approx([0.26, 0.74])
    assert found[3] is None


def test_the_tree_is_used_with_keys_alone(tab):
    show(tab, "makeSuffixes", 2, 2, mass=[0.1, 0.2, 0.3, 0.4], red=marked(4, 1, 3))
    name = "document.activeElement.getAttribute('aria-label').split(',')[0]"
    seen = []
    for key in ("Tab", "ArrowRight", "ArrowRight", "ArrowRight", "Enter", "ArrowDown", "ArrowLeft", "ArrowLeft", "End"):
        tab.keyboard.press(key)
        seen.append(tab.evaluate(name))
    assert seen == ["all windows", "…1", "…1", "11", "11", "01", "…1", "…1", "…0"]
    assert tab.evaluate("picks") == [3]
    labels = tab.evaluate("[...document.querySelectorAll('[role=treeitem]')].map((g) => g.getAttribute('aria-label'))")
    assert [label.split(". Next")[0] for label in labels] == [
        "all windows, long-run mass 100%, some red", "…1, long-run mass 60%, red", "…0, long-run mass 40%",
    ]  # fmt: skip


def test_many_suffixes_are_shown_when_asked_for(tab):
    show(tab, "makeSuffixes", 27, 1, mass=[1 / 27] * 27)
    rows = "document.querySelectorAll('[role=treeitem]').length"
    assert tab.evaluate(rows) == 14  # all windows, 12 tokens, and what is left
    assert "15 more, together long-run mass 56%" in tab.evaluate("pic.rows.map((r) => pic.wordsOf(r)).join()")
    tab.click("[role=treeitem] >> nth=13")
    assert tab.evaluate(rows) == 28


def test_without_a_long_run_windows_weigh_alike_whatever_their_colour(tab):
    show(tab, "makeSuffixes", 2, 2, value=[9, 1, 1, 1])
    assert tab.evaluate("[pic.weighedBy, pic.sums[1][0]]") == ["share of windows", 2]
