"""The explorer's file: nothing of a model gets out of its json, nothing else is let in, and it is small."""

import base64
import hashlib
import html
import json
import re
import zlib

import numpy as np
import pytest
from awkward import AWKWARD
from explorer_browser import JS
from page_letters import bytes_of

import markovgpt as mg
from markovgpt.explorer.asked import asked_of
from markovgpt.explorer.content import page_content
from markovgpt.explorer.page import END_OF_WORKER, assembled, joined_program, json_for_script

TOKENS = tuple(dict.fromkeys(token for token in AWKWARD if token))


def table_of(vocab_size, context_length, vocabulary=None):
    """Drawn logits in single precision."""
    space = mg.StateSpace(vocab_size, context_length)
    logits = np.random.default_rng(0).standard_normal((space.n_states, vocab_size), dtype=np.float32)
    return mg.LogitTable(space, logits, vocabulary)


def part_of(page, kind):
    """The json of a script element."""
    return json.loads(re.search(f'<script type="application/json" id="{kind}">(.*?)</script>', page.html, re.DOTALL)[1])


def unpacked(page):
    """Stylesheet, skeleton and program."""
    parts = zlib.decompress(bytes_of(part_of(page, "packed"))).decode("utf-8").split("\0")
    return dict(zip(("style", "skeleton", "program"), parts, strict=True))


def test_awkward_tokens_stay_within_their_json():
    vocabulary = mg.Vocabulary(TOKENS)
    page = mg.explore(table_of(len(TOKENS), 1, vocabulary), title="</title><b>", note="</script><b>")
    content = part_of(page, "content")
    assert content["models"][0]["spelt"] == list(TOKENS)
    assert content["note"] == "</script><b>"
    assert page.html.count("</script>") == page.html.count("<script") == 3
    assert "<b>" not in page.html
    assert page.html.isascii()


def test_placeholders_in_a_text_are_not_filled_in():
    page = mg.explore(table_of(2, 1), title="{{content}}", note="{{packed}}")
    assert part_of(page, "content")["note"] == "{{packed}}"


def test_lone_surrogates_and_line_separators_are_escaped():
    assert json_for_script("\ud800\u2028<") == '"\\ud800\\u2028\\u003c"'
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_for_script(float("nan"))


def test_a_title_of_bytes_that_are_no_text_is_written_all_the_same(tmp_path):
    page = mg.explore(table_of(2, 2), title="a\udcffb")
    assert "<title>a?b</title>" in page.write(tmp_path / "a.html").read_text(encoding="utf-8")


def test_the_policy_names_the_hashes_of_what_is_there_and_nothing_else():
    page = mg.explore(table_of(2, 2))
    policy = html.unescape(re.search('Content-Security-Policy" content="(.*?)"', page.html)[1])
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    parts = unpacked(page)
    loader = re.search('<script type="module">(.*?)</script>', page.html, re.DOTALL)[1]

    def hashed(text):
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    assert rules == {
        "default-src": "'none'",
        "script-src": f"{hashed(parts['program'])} {hashed(loader)}",
        "style-src": hashed(parts["style"]),
        "worker-src": "blob:",
        "img-src": "data: blob:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }


def test_the_same_bytes_come_out_twice():
    table = table_of(3, 3)
    assert mg.explore(table).html == mg.explore(table).html


@pytest.mark.parametrize(("vocab_size", "context_length", "most"), [(2, 3, 60_000), (17, 3, 1_000_000)])
def test_a_page_is_small(vocab_size, context_length, most):
    assert len(mg.explore(table_of(vocab_size, context_length)).html) < most


def test_the_page_of_the_baby_gpt_is_small_beside_its_weights():
    page = mg.explore(mg.GPT(mg.GPTConfig(2, 3)), red=(0, 0, 0))
    assert page.has_inside
    weights = json_for_script(part_of(page, "content")["models"][0]["weights"])
    assert len(weights) > 60_000
    assert len(page.html) - len(weights) < 60_000


@pytest.mark.slow
def test_a_page_of_19683_windows_is_small():
    table = table_of(27, 3)
    assert len(mg.explore(table, red=(0, 1, 2)).html) < 6_000_000


def test_a_page_of_two_tokens_of_three_leaves_out_what_it_does_not_need():
    small, large = (unpacked(mg.explore(table_of(2, size)))["program"] for size in (3, 8))
    assert "const makeMosaic = null;" in small
    assert "const makeSuffixes = null;" in small
    assert "function makeGraph" in small
    assert "function makeMosaic" in large
    assert "const makeGraph = null;" in large
    assert "const forwardPass = null;" in large  # a table alone has no inside


def test_the_joined_modules_share_no_name():
    sources = "\n".join(file.read_text(encoding="utf-8") for file in JS.glob("*.js"))
    names = re.findall(r"^(?:export )?(?:async )?(?:function\*?|const|let|class) (\w+)", sources, re.MULTILINE)
    assert len(names) > 300
    twice = {name for name in names if names.count(name) > 1}
    assert not twice


def test_every_file_is_joined_and_none_is_imported_from_elsewhere():
    program = joined_program()
    assert not re.search(r"^\s*(import|export)\b", program, re.MULTILINE)
    for file in JS.glob("*.js"):
        if file.name != "unpack.js":
            named = re.search(
                r"^export (?:function\*?|const|class) (\w+)|^function (\w+)", file.read_text(), re.MULTILINE
            )
            assert re.search(rf"\b{named[1] or named[2]}\b", program), file.name


@pytest.mark.parametrize("file", sorted(JS.glob("*.js")), ids=lambda file: file.name)
def test_no_text_of_a_script_goes_over_several_lines(file):
    lines = [re.sub(r'"[^"]*"', "", line) for line in file.read_text(encoding="utf-8").splitlines()]
    code = [line for line in lines if not line.lstrip().startswith("//")]
    assert not [line for line in code if line.count("`") % 2]  # for indentation is left out of the page


def test_the_workers_part_of_the_program_touches_no_document():
    assert "document" not in joined_program().split(END_OF_WORKER)[0]


@pytest.mark.parametrize("file", sorted(JS.glob("*.js")), ids=lambda file: file.name)
def test_a_script_is_safe_to_put_in_a_page_and_inserts_text_only(file):
    source = file.read_text(encoding="utf-8")
    for forbidden in (
        "</script",
        "innerHTML",
        "outerHTML",
        "document.write",
        "eval(",
        "new Function",
        "fetch(",
        "http:",
    ):
        assert forbidden not in source.replace("http://www.w3.org", ""), forbidden
    assert source.count("insertAdjacentHTML") == (file.name == "unpack.js")


def test_a_notebook_shows_it_in_a_frame_of_its_own():
    page = mg.explore(table_of(2, 1), title='"><b>')
    shown = page._repr_html_()
    assert html.unescape(re.search('srcdoc="([^"]*)"', shown)[1]) == page.html
    assert 'sandbox="allow-scripts allow-downloads"' in shown


def test_it_is_written_as_it_is(tmp_path):
    page = assembled(page_content({"one": table_of(2, 1)}, asked_of(mg.StateSpace(2, 1))))
    assert page.write(tmp_path / "page.html").read_bytes() == page.html.encode()


def test_another_ending_is_refused(tmp_path):
    with pytest.raises(mg.InvalidInput, match=r"path must end in .html, got .*page.txt"):
        mg.explore(table_of(2, 1), tmp_path / "page.txt")
