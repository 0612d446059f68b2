"""The explorer in a real Chromium: its numbers are Python's, its texts stay texts, and the keyboard suffices."""

import csv
import io
import json
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from awkward import AWKWARD
from explorer_browser import open_js

import markovgpt as mg
from markovgpt.demo import baby_gpt

expect = pytest.importorskip("playwright.sync_api", reason="the explorer's tests need playwright").expect

TOKENS = tuple(dict.fromkeys(token for token in AWKWARD if token))
LETTERS = "abcdefghijklmnopq"


def drawn_table(vocab_size, context_length, seed=0):
    """Drawn logits in single precision, over letters."""
    space = mg.StateSpace(vocab_size, context_length)
    logits = 2 * np.random.default_rng(seed).standard_normal((space.n_states, vocab_size), dtype=np.float32)
    return mg.LogitTable(space, logits, mg.Vocabulary(tuple(LETTERS[:vocab_size])))


@pytest.fixture(scope="session")
def baby():
    """The baby GPT before and after training."""
    return baby_gpt(steps=0).model, baby_gpt().model


@pytest.fixture
def opened(tab, tmp_path):
    """Open a page from the disk: nothing may be asked of a network, and the numbers must come."""
    requests = []
    tab.on("request", lambda request: requests.append(request.url))

    def open_page(page, hash=""):
        file = page.write(tmp_path / "page.html")
        tab.goto(f"file://{file}{hash}")
        tab.locator("#stage[data-answered]").wait_for()
        return tab

    yield open_page
    assert requests
    assert all(url.startswith(("file:", "blob:", "data:")) for url in requests), requests


def choose(tab, **choice):
    """Say a choice in the address, and wait until the numbers are those of it."""
    tab.evaluate("hash => { location.hash = hash; }", "&".join(f"{name}={value}" for name, value in choice.items()))
    said = [f"{name}={value}" for name, value in choice.items() if name != "red"]
    waited = "".join(f':is([data-answered*="{each}&"], [data-answered$="{each}"])' for each in said)  # 0 is not 0.7
    tab.locator(f"#stage{waited}").wait_for()


def numbers_on(tab, column=0):
    """The numbers of the table of answers, in full, by the beginning of their names."""
    rows = tab.locator("#numbers table").first.locator("tbody tr")
    found = {}
    for row in rows.all():
        number = row.locator(".number").nth(column).get_attribute("title")
        found[row.locator("th").inner_text().split(" ")[0]] = float(number.replace("Infinity", "inf"))
    return found


def python_says(table, settings, red, start, horizon):
    """The same answers by the package."""
    chain = mg.WindowChain.from_logits(table, settings)
    mask, begin = mg.ending_with(table.space, red, table.vocabulary), table.vocabulary.encode(start)
    long_run = mg.long_run_distribution(chain, begin).value
    return {
        "P(red": mg.hitting_probability(chain, mask, start=begin, within=horizon).value,
        "Expected": mg.expected_hitting_time(chain, mask, start=begin).value,
        "Share": float(long_run[mask].sum()),
        "Entropy": mg.entropy_rate(chain, start=begin).bits,
    }


SETTINGS = [
    {"temperature": 1},
    {"temperature": 0.3},
    {"temperature": 1.5, "top_p": 0.8, "engine": "vllm"},
    {"temperature": 0.7, "top_k": 2, "min_p": 0.05, "engine": "llama.cpp"},
    {"temperature": 0},
]


@pytest.mark.parametrize("name", ["baby", "81 windows", "4,913 windows"])
def test_numbers_are_pythons_at_five_settings(opened, baby, name):
    table, red, start = {
        "baby": lambda: (mg.tabulate(baby[1]), "000", "111"),
        "81 windows": lambda: (drawn_table(3, 4), "ca", "abca"),
        "4,913 windows": lambda: (drawn_table(17, 3), "qa", "abc"),
    }[name]()
    tab = opened(mg.explore(table, red=red, start=start, horizon=20))
    for choice in SETTINGS:
        choose(tab, **choice)
        expected = python_says(table, mg.SamplingSettings(**choice), red, start, 20)
        assert numbers_on(tab) == pytest.approx(expected, rel=1e-9, abs=1e-300), choice


def test_the_status_says_it_in_words(opened, baby):
    tab = opened(mg.explore(baby[1], red="000", start="111"))
    assert tab.locator("#status").inner_text() == (
        "At temperature 1, the text 000 comes within 10 tokens of 111 with probability 0.119; it is 72.4 tokens away "
        "on average. In the long run it is most often at 111: 27.1% of the time."
    )
    choose(tab, temperature=0)
    expect(tab.locator("#status")).to_contain_text("with probability 0; it is not sure ever to come.")


def test_only_the_impossible_is_0_and_only_the_sure_is_100_percent(tab):
    open_js(tab, "words.js")
    written = {
        **{0: "0%", 2.5e-13: "2.5 × 10⁻¹¹%", 1.2e-5: "0.0012%", 0.00731: "0.731%", 0.63: "63%", 0.27149: "27.1%"},
        **{0.9994: "99.9%", 0.9996: ">99.9%", 0.99999: ">99.9%", 1 - 2**-53: ">99.9%", 1: "100%"},
    }
    assert tab.evaluate("(all) => all.map((p) => asPercent(p))", list(written)) == list(written.values())


def test_what_is_too_small_for_a_double_is_not_0_percent(opened, baby):
    tab = opened(mg.explore(baby[1], red="000", start="111"), "#temperature=0.0001")
    assert tab.locator("#next td").all_inner_texts() == ["100%", "<1e-307"]
    choose(tab, temperature=0)
    expect(tab.locator("#next td").last).to_have_text("0%")


def test_awkward_tokens_are_shown_as_they_are_and_run_nothing(opened):
    table = mg.LogitTable(
        mg.StateSpace(len(TOKENS), 1), np.zeros((len(TOKENS), len(TOKENS)), np.float32), mg.Vocabulary(TOKENS)
    )
    tab = opened(
        mg.explore(table, red=[(token,) for token in range(3)], title="<b>&amp;", note="<img src=x onerror=a()>")
    )
    tab.on("dialog", lambda dialog: pytest.fail(dialog.message))
    assert tab.locator("#title").inner_text() == "<b>&amp;"
    assert tab.locator("#note").inner_text() == "<img src=x onerror=a()>"
    shown = tab.locator("#next tbody th").all_inner_texts()
    assert shown == [" ".join(table.vocabulary.show((token,)).split()) for token in range(30)]
    for _ in range(20):
        tab.keyboard.press(" ")
    assert tab.locator("#pictures img, #pictures b, #text b, main script").count() == 0


def test_the_keyboard_alone_suffices(opened, baby):
    tab = opened(mg.explore(baby[1], before=baby[0], red="000", start="111"))
    wanted = (
        "theme help-button play step reset seed text temperature temperature-number top_k top_p min_p engine red start"
    )
    wanted += " horizon colour shown svg csv latex"
    reached = []
    for _ in range(80):
        tab.keyboard.press("Tab")
        reached.append(tab.evaluate("() => document.activeElement.id"))
    in_order = [name for name in dict.fromkeys(reached) if name in wanted.split()]
    assert in_order == wanted.split()
    tab.locator("#temperature").focus()
    tab.keyboard.press("Home")
    tab.locator('#stage[data-answered*="temperature=0&"]').wait_for()
    assert tab.locator("#temperature-number").input_value() == "0"
    tab.locator("#temperature").evaluate("slider => slider.blur()")
    tab.keyboard.press(" ")
    expect(tab.locator("#text")).to_have_text("1110")  # at temperature 0 the loop 1101
    tab.keyboard.press("r")
    expect(tab.locator("#text")).to_have_text("111")
    tab.keyboard.press("?")
    expect(tab.locator("#help")).to_be_visible()


def test_a_letter_that_is_typed_into_a_field_is_no_command(opened):
    tab = opened(mg.explore(drawn_table(17, 2)))
    tab.locator("#red").focus()
    tab.keyboard.type("dp")
    expect(tab.locator("#stage")).to_have_attribute("data-answered", re.compile("red=3.15"))
    assert tab.evaluate("() => document.documentElement.dataset.theme") is None
    tab.keyboard.press("Escape")
    tab.locator("#red").evaluate("field => field.blur()")
    tab.keyboard.press("s")
    expect(tab.locator('input[value="suffixes"]')).to_be_checked()


def test_the_same_address_shows_the_same(opened, baby):
    tab = opened(mg.explore(baby[1], red="000", start="111"))
    tab.locator("#temperature-number").fill("0.25")
    tab.locator("#start").fill("010")
    tab.locator("#seed").fill("7")
    tab.locator("#seed").press("Tab")
    tab.locator('#stage[data-answered*="start=0.1.0"]').wait_for()
    for _ in range(12):
        tab.locator("#step").click()
    address, said, text = tab.url, tab.locator("#status").inner_text(), tab.locator("#text").inner_text()
    assert "temperature=0.25" in address
    tab.goto("about:blank")
    tab.goto(address)
    tab.locator('#stage[data-answered*="temperature=0.25"]').wait_for()
    assert tab.locator("#status").inner_text() == said
    for _ in range(12):
        tab.locator("#step").click()
    assert tab.locator("#text").inner_text() == text
    assert len(text) == 15
    tab.locator("#seed").fill("8")
    tab.locator("#seed").press("Tab")
    expect(tab.locator("#text")).to_have_text("010")
    for _ in range(12):
        tab.locator("#step").click()
    assert tab.locator("#text").inner_text() != text


def test_an_address_that_means_nothing_is_the_beginning(opened, baby):
    page = mg.explore(baby[1], red="000", start="111")
    tab = opened(page, "#temperature=-1&top_k=9&red=7.7&start=1&picture=mosaic&picked=99&engine=none&seed=x&horizon=0")
    assert tab.locator("#stage").get_attribute("data-answered") == (
        "temperature=1&engine=huggingface&horizon=10&seed=1337&picture=graph&colour=long&shown=0&red=0.0.0&start=1.1.1"
    )


@pytest.mark.parametrize(
    ("field", "text", "problem", "sentence"),
    [
        ("red", "0101", "red-problem", "Red must fit in the window of 3 tokens, got 4; ask about a part of it"),
        ("red", "2", "red-problem", "There is no token for “2”; the tokens are: 0 1"),
        ("start", "11", "start-problem", "The window must have 3 tokens, got 2"),
        ("top_k-number", "3", "settings-problem", "top_k must be at most the vocabulary's 2 tokens, got 3"),
        ("temperature-number", "-1", "settings-problem", "temperature must be at least 0 and finite, got -1"),
        ("horizon-number", "0", "settings-problem", "n must be a whole number from 1 to 100000, got 0"),
    ],
)
def test_what_cannot_be_asked_is_refused_beside_the_field(opened, baby, field, text, problem, sentence):
    tab = opened(mg.explore(baby[1], red="000", start="111"))
    before = tab.locator("#status").inner_text()
    tab.locator(f"#{field}").fill(text)
    tab.locator(f"#{field}").press("Tab")
    expect(tab.locator(f"#{problem}")).to_contain_text(sentence)
    assert tab.locator("#status").inner_text() == before


def test_above_5000_windows_the_numbers_are_certified_ones_of_the_nearest_temperature(opened):
    table = drawn_table(2, 13)
    page = mg.explore(table, red="bbbb", start="a" * 13)
    tab = opened(page)
    choose(tab, temperature=0.6)
    hint = tab.locator("#numbers .hint").inner_text()
    assert hint.startswith("Certified by Python at temperature 0.5")
    assert hint.endswith("the nearest temperature it was asked about.")
    expected = python_says(table, mg.SamplingSettings(temperature=0.5), "bbbb", "a" * 13, 10)
    shown = [float(cell) for cell in tab.locator("#numbers table").last.locator("td").all_inner_texts()]
    assert shown == pytest.approx([expected[name] for name in ("P(red", "Expected", "Entropy")], rel=1e-9)
    live = python_says(table, mg.SamplingSettings(temperature=0.6), "bbbb", "a" * 13, 10)
    assert numbers_on(tab) == pytest.approx({"P(red": live["P(red"]}, rel=1e-9)
    tab.locator("#red").fill("ab")
    tab.locator('#stage[data-answered*="red=0.1"]').wait_for()
    assert tab.locator("#numbers table").last.locator("tbody tr").count() == 1  # the entropy rate, which no red changes
    tab.locator("#start").fill("b" * 13)
    tab.locator('#stage[data-answered*="start=1.1"]').wait_for()
    expect(tab.locator("#numbers .certified")).to_have_count(0)  # that is about another start


def test_what_is_certified_of_a_red_text_is_gone_with_it(opened, baby):
    tab = opened(mg.explore(baby[1], red="000", start="111"))
    assert tab.locator(".certified tbody tr").count() == 3
    tab.locator("#red").fill("")
    tab.locator('#stage[data-answered*="red=&"]').wait_for()
    assert tab.locator(".certified tbody th").all_inner_texts() == ["Entropy rate, bits a token"]


def test_the_long_run_of_another_start_colours_nothing_where_there_is_more_than_one(opened):
    space = mg.StateSpace(2, 13)
    logits = np.zeros((space.n_states, 2), dtype=np.float32)
    logits[0, 0] = logits[-1, 1] = 1  # at temperature 0 both a.. and b.. are never left
    tab = opened(mg.explore(mg.LogitTable(space, logits, mg.Vocabulary(("a", "b")))), "#picture=suffixes")
    heading = tab.locator(".explorer-suffixes text").nth(1)
    choose(tab, temperature=0, picture="suffixes")
    expect(heading).to_contain_text("long-run mass")
    choose(tab, temperature=0, picture="suffixes", start=".".join("1" * 13))
    expect(heading).to_contain_text("share of windows")
    choose(tab, temperature=0.5, picture="suffixes", start=".".join("1" * 13))
    expect(heading).to_contain_text("long-run mass")  # where every window comes again, the start does not matter


def test_suffixes_weigh_by_the_long_run_whatever_the_colour(opened):
    tab = opened(mg.explore(drawn_table(3, 3)), "#picture=suffixes&colour=basin")
    expect(tab.locator(".explorer-suffixes text").nth(1)).to_contain_text("long-run mass")


def test_a_colour_is_chosen_only_where_it_colours_something(opened):
    tab = opened(mg.explore(drawn_table(3, 3)))
    for picture, is_enabled in [("mosaic", True), ("suffixes", False), ("graph", True)]:
        choose(tab, picture=picture)
        expect(tab.locator("#colour")).to_be_enabled(enabled=is_enabled)


def test_what_did_not_converge_is_not_said_as_a_fact(opened, baby):
    tab = opened(mg.explore(baby[1], red="000", start="111"), "#temperature=0.0005")
    expect(tab.locator("#numbers")).to_contain_text("not converged")
    said = tab.locator("#status").inner_text()
    assert "sure" not in said
    assert "In the long run" not in said
    assert "impossible" not in tab.locator(".explorer-graph").inner_html()
    with tab.expect_download() as saved:
        tab.locator("#latex").click()
    assert "not converged" in saved.value.path().read_text(encoding="utf-8")


def test_fields_and_their_problems_say_what_holds(opened, baby):
    tab = opened(mg.explore(baby[1], red="000", start="111"))
    for field, given, holds in [("seed", "3.4", "3"), ("top_k-number", "1.6", "2"), ("temperature-number", "", "1")]:
        tab.locator(f"#{field}").fill(given)
        tab.locator(f"#{field}").press("Enter")
        assert tab.locator(f"#{field}").input_value() == holds
    for field, given, holds in [("red", "x", "000"), ("start", "1", "111")]:
        tab.locator(f"#{field}").fill(given)
        expect(tab.locator(f"#{field}-problem")).not_to_be_empty()
        tab.locator("#temperature").press("ArrowRight")
        assert tab.locator(f"#{field}").input_value() == holds
        expect(tab.locator(f"#{field}-problem")).to_be_empty()


@pytest.mark.parametrize(("given", "said"), [("-3", "-3"), ("4294967296", "4294967296"), ("", "none")])
def test_a_seed_that_cannot_be_says_why_and_leaves_the_walk(opened, baby, given, said):
    tab = opened(mg.explore(baby[1], red="000", start="111", seed=5))
    tab.keyboard.press(" ")
    written = tab.locator("#text").inner_text()
    seed, problem = tab.locator("#seed"), tab.locator("#settings-problem")
    seed.fill(given)
    seed.press("Enter")
    expect(problem).to_have_text(f"seed must be a whole number from 0 to 4294967295, got {said}; it stays 5")
    assert (seed.input_value(), tab.locator("#text").inner_text()) == ("5", written)
    seed.fill("4294967295")
    seed.press("Enter")
    expect(problem).to_be_empty()
    expect(tab.locator("#text")).to_have_text("111")
    assert "seed=4294967295&" in tab.url


def test_an_address_of_settings_that_exclude_each_other_shows_the_page_as_it_begins(opened, baby):
    tab = opened(mg.explore(baby[1], red="000", start="111"), "#engine=nanogpt&top_p=0.5&start=0.0.0")
    expect(tab.locator("#status")).to_contain_text("At temperature 1, the text 000")
    assert tab.locator("#start").input_value() == "000"


def test_ways_are_those_of_the_answers_that_are_shown(opened, baby):
    tab = opened(mg.explore(baby[1], red="000", start="111"), "#start=1.1.0")
    tab.locator("#ways td").first.wait_for()
    expected = tab.locator("#ways").inner_text()
    choose(tab, start="1.1.1")
    expect(tab.locator("#ways")).to_contain_text("111→")
    tab.evaluate("""() => {  // at once after the answers, before the ways are asked for
        const seen = new MutationObserver(() => {
            seen.disconnect();
            const field = document.getElementById("temperature-number");
            field.value = "-1";
            field.dispatchEvent(new Event("change"));
        });
        seen.observe(document.getElementById("stage"), {attributeFilter: ["data-answered"]});
    }""")
    tab.locator("#start").fill("110")
    expect(tab.locator("#settings-problem")).to_contain_text("got -1")
    expect(tab.locator("#ways")).to_contain_text("110→")
    assert tab.locator("#ways").inner_text() == expected


def test_two_checkpoints_stand_side_by_side_with_what_moved(opened, baby):
    tab = opened(mg.explore(baby[1], before=baby[0], red="000", start="111"))
    assert tab.locator("#pictures .pane").count() == 1
    choose(tab, shown="both")
    assert tab.locator("#pictures .pane h2").all_inner_texts() == ["before", "after"]
    expect(tab.locator("#status")).to_contain_text("with probability 0.119 (after; before: 0.478)")
    before, after = (mg.tabulate(model) for model in baby)
    for column, table in enumerate((before, after)):
        expected = python_says(table, mg.SamplingSettings(), "000", "111", 10)
        assert numbers_on(tab, column) == pytest.approx(expected, rel=1e-9)
    chains = [mg.WindowChain.from_logits(table) for table in (before, after)]
    moved = mg.compare_chains(*chains).total_variation.value
    first = tab.locator("#moved tbody tr").first
    assert first.locator("th").inner_text() == chains[0].label(int(np.argmax(moved)))
    assert float(first.locator("td").inner_text()) == pytest.approx(moved.max(), rel=1e-2)


def test_tables_that_scroll_have_names_of_their_own(opened, baby):
    tab = opened(mg.explore(baby[1], before=baby[0], red="000", start="111"))
    expect(tab.locator("#ways .scroll")).to_have_count(2)
    expect(tab.locator("#cycles .scroll")).to_have_count(2)
    names = tab.locator(".scroll").evaluate_all("tables => tables.map((table) => table.getAttribute('aria-label'))")
    assert names == [
        *("In numbers", "Certified by Python", "What moved", "After 111"),
        *(
            f"{name}, {model}"
            for name in ("Likeliest ways to red", "At temperature 0")
            for model in ("before", "after")
        ),
    ]


def test_likeliest_ways_and_loops_are_pythons(opened, baby):
    table = mg.tabulate(baby[1])
    tab = opened(mg.explore(table, red="000", start="111"))
    tab.locator("#ways tbody tr").first.wait_for()
    chain = mg.WindowChain.from_logits(table)
    best = mg.most_likely_paths(chain, "000", start="111", within=10, k=1)[0]
    row = tab.locator("#ways tbody tr").first
    assert float(row.locator("td").inner_text()) == pytest.approx(best.probability.value, rel=1e-2)
    machine = mg.greedy_machine(table)
    loops = tab.locator("#cycles tbody tr")
    expect(loops).to_have_count(machine.n_cycles)
    assert loops.first.locator("td").all_inner_texts() == ["4 tokens", "8 windows"]


def test_the_loop_that_most_windows_lead_to_comes_first(opened):
    table = drawn_table(3, 4, seed=2)
    machine = mg.greedy_machine(table)
    assert machine.n_cycles > 1
    tab = opened(mg.explore(table))
    loops = tab.locator("#cycles tbody tr")
    expect(loops).to_have_count(machine.n_cycles)
    sizes = [int(text.split(" ")[0]) for text in loops.locator("td:last-child").all_inner_texts()]
    assert sizes == sorted(machine.basin_sizes.tolist(), reverse=True)


def test_what_is_downloaded_holds_the_numbers(opened, baby):
    table = mg.tabulate(baby[1])
    tab = opened(mg.explore(table, red="000", start="111"))

    def saved(name):
        with tab.expect_download() as download:
            tab.locator(f"#{name}").click()
        return download.value.path().read_text(encoding="utf-8")

    rows = list(csv.DictReader(io.StringIO(saved("csv"))))
    chain = mg.WindowChain.from_logits(table)
    assert [row["window"] for row in rows] == [chain.label(state) for state in range(8)]
    assert [float(row["P(1) model"]) for row in rows] == pytest.approx(chain.next_token_probs[:, 1].tolist(), rel=1e-12)
    shares = mg.stationary_distributions(chain).only().value
    assert [float(row["long run model"]) for row in rows] == pytest.approx(shares.tolist(), rel=1e-9)
    latex = saved("latex")
    assert r"\toprule" in latex
    risk = mg.hitting_probability(chain, "000", start="111", within=10).value
    assert f"P(red within 10 from 111) & {risk:.6g} " in latex
    assert ElementTree.fromstring(saved("svg")).tag == "{http://www.w3.org/2000/svg}svg"


def test_the_inside_is_that_of_the_picked_window(opened, baby):
    tab = opened(mg.explore(baby[1], red="000", start="111"), "#picked=2")
    assert tab.locator("#inside-title").inner_text() == "Inside “model”, for the window 010"
    assert tab.locator("#next-title").inner_text() == "After 010"
    shares = mg.WindowChain.from_model(baby[1]).next_token_probs[2]
    shown = [float(text.removesuffix("%")) for text in tab.locator("#next td").all_inner_texts()]
    assert shown == pytest.approx(sorted(100 * shares, reverse=True), abs=0.1)


def test_a_table_of_awkward_tokens_is_read_back_as_it_was(opened):
    tokens = ("=cmd()", 'a"b', "x,y", "'", "🙂", "</script>")
    table = mg.LogitTable(mg.StateSpace(6, 1), np.zeros((6, 6), np.float32), mg.Vocabulary(tokens))
    tab = opened(mg.explore(table))
    with tab.expect_download() as download:
        tab.locator("#csv").click()
    windows = [row["window"] for row in mg.read_table(download.value.path())]
    assert windows == list(tokens)
    assert "'=cmd()" in download.value.path().read_text(encoding="utf-8")


def test_a_picked_state_is_let_go_by_picking_it_again_or_by_escape(opened, baby):
    tab = opened(mg.explore(baby[1], red="000", start="111"), "#picked=2")
    tab.keyboard.press("Escape")
    expect(tab.locator("#next-title")).to_have_text("After 111")
    assert "picked=" not in tab.url


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_dark_and_light_follow_the_system_until_the_reader_chooses(opened, baby, scheme):
    page = mg.explore(baby[1])
    tab = opened(page)
    tab.emulate_media(color_scheme=scheme)
    other = {"light": "dark", "dark": "light"}[scheme]
    expect(tab.locator("#theme")).to_have_text(other.capitalize())
    tab.keyboard.press("d")
    assert tab.locator("html").get_attribute("data-theme") == other


@pytest.mark.parametrize("size", [(360, 740), (390, 844), (1280, 800), (1920, 1080)])
def test_nothing_runs_out_of_the_page_at_any_size(opened, baby, size):
    tab = opened(mg.explore(baby[1], before=baby[0], red="000", start="111"), "#shown=both")
    tab.set_viewport_size({"width": size[0], "height": size[1]})
    assert tab.evaluate("() => document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    picture = tab.locator("#pictures").bounding_box()
    controls = tab.locator("#controls").bounding_box()
    is_beside = controls["x"] >= picture["x"] + picture["width"]
    assert is_beside == (size[0] >= 900)
    assert picture["y"] < size[1] / 2  # the picture is what one sees first


def test_in_a_notebooks_frame_it_works_as_well(tab, baby):
    tab.set_content(mg.explore(baby[1], red="000", start="111")._repr_html_())
    expect(tab.frame_locator("iframe").locator("#status")).to_contain_text("with probability 0.119")


LATER = """window.Worker = class extends EventTarget {
    constructor() { super(); setTimeout(() => { for (let i = 0; i < TIMES; i++) this.fail(); }, 50); }
    fail() { this.dispatchEvent(new Event("error")); }
    postMessage() {}
    terminate() { window.ended = (window.ended ?? 0) + 1; }
};"""
FAILING_WORKERS = {
    "at once": "window.Worker = class { constructor() { throw new Error('forbidden'); } };",
    "later": LATER.replace("TIMES", "1"),
    "later, saying so twice": LATER.replace("TIMES", "2"),
}


@pytest.mark.parametrize("when", FAILING_WORKERS)
def test_where_workers_are_forbidden_the_page_works_itself(opened, tab, baby, when):
    tab.add_init_script(FAILING_WORKERS[when])
    opened(mg.explore(baby[1], red="000", start="111"))
    expect(tab.locator("#status")).to_contain_text("with probability 0.119")
    choose(tab, temperature=0.5)
    expect(tab.locator("#status")).to_contain_text("with probability 0.0154")
    assert tab.evaluate("window.ended ?? 0") == ("later" in when)


SLOW_WORKER = """window.Worker = class extends Worker {
    postMessage(data) { setTimeout(() => super.postMessage(data), window.delay ?? 0); }
};"""
CHANGE_TEMPERATURE = """(temperature) => {
    const field = document.getElementById("temperature-number");
    field.value = temperature;
    field.dispatchEvent(new Event("change"));
    return getComputedStyle(document.getElementById("pictures")).opacity;
}"""


@pytest.mark.parametrize(("motion", "seconds"), [("no-preference", "0.3s"), ("reduce", "0s")])
def test_a_picture_whose_answer_takes_long_is_dimmed_until_it_comes(opened, tab, baby, motion, seconds):
    tab.emulate_media(reduced_motion=motion)
    tab.add_init_script(SLOW_WORKER)
    opened(mg.explore(baby[1], red="000", start="111"))
    stage, busy = tab.locator("#stage"), tab.locator("#stage[aria-busy=true]")
    expect(busy).to_have_count(0)
    tab.evaluate("window.delay = 1500")
    assert tab.evaluate(CHANGE_TEMPERATURE, 0.5) == "1"  # a quick answer would not flicker
    assert stage.get_attribute("aria-busy") == "true"
    expect(tab.locator("#pictures")).to_have_css("transition-duration", seconds)
    expect(tab.locator("#pictures")).to_have_css("opacity", "0.5")
    expect(busy).to_have_count(0)
    assert "temperature=0.5&" in stage.get_attribute("data-answered")
    expect(tab.locator("#pictures")).to_have_css("opacity", "1")


def test_it_waits_until_the_newest_answer_is_drawn(opened, tab, baby):
    tab.add_init_script(SLOW_WORKER)
    opened(mg.explore(baby[1], red="000", start="111"))
    tab.evaluate("""() => {
        window.delay = 100;
        window.seen = [];
        const stage = document.getElementById("stage");
        const note = () => seen.push([/temperature=([^&]*)/.exec(stage.dataset.answered)[1], stage.ariaBusy]);
        new MutationObserver(note).observe(stage, {attributeFilter: ["data-answered"]});
    }""")
    tab.evaluate(f"[0.6, 0.7, 0.8].forEach({CHANGE_TEMPERATURE})")
    tab.locator('#stage[data-answered*="temperature=0.8&"]').wait_for()
    assert tab.evaluate("seen") == [["0.6", "true"], ["0.8", None]]


def test_without_a_red_text_it_still_says_where_it_lives(opened):
    tab = opened(mg.explore(drawn_table(3, 2)))
    assert "nothing is red" in tab.locator("#status").inner_text()
    assert list(numbers_on(tab)) == ["Entropy"]
    expect(tab.locator("#ways")).to_contain_text("Nothing is red")


def test_what_is_embedded_is_json_that_says_what_was_asked(opened, baby):
    tab = opened(mg.explore(baby[1], red="000", start="111"))
    content = json.loads(tab.locator("#content").text_content())
    assert (content["red"], content["start"]) == ([[0, 0, 0]], [1, 1, 1])
