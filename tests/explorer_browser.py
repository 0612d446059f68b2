"""A real Chromium for the tests of the explorer: a browser and a tab for the session, and how to open js."""

import re
from pathlib import Path

import pytest

from experiments.chromium import chromium as started
from experiments.chromium import missing

JS = Path(__file__).parents[1] / "markovgpt" / "explorer" / "js"
VIEWPORT = {"width": 1280, "height": 720}  # as of a new tab
IMPORT = re.compile(r'^import \{ [^}]* \} from "\./(\w+\.js)";$', re.MULTILINE)


@pytest.fixture(scope="session")
def chromium():
    """The browser, started once; skipped where there is none."""
    if missing():
        pytest.skip(f"the explorer's tests need {missing()}")
    with started() as browser:
        yield browser


@pytest.fixture(scope="session")
def chromium_window(chromium):
    """A window without network, for all tabs."""
    context = chromium.new_context(offline=True)
    yield context
    context.close()


@pytest.fixture
def tab(chromium_window, monkeypatch):
    """An empty tab, without network; a test that leaves an error on its console fails.

    It is the last test's, emptied, because a new one costs most of what a test does: a test that has told it to run a
    script on every page leaves the next one a new tab.
    """
    page = chromium_window.pages[0] if chromium_window.pages else chromium_window.new_page()
    listen, add_init_script, listeners, is_as_new = page.on, page.add_init_script, [], True

    def on(event, listener):
        listeners.append((event, listener))
        listen(event, listener)

    def add_script(*given, **options):
        nonlocal is_as_new
        is_as_new = False
        return add_init_script(*given, **options)

    monkeypatch.setattr(page, "on", on)
    monkeypatch.setattr(page, "add_init_script", add_script)
    problems = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.set_viewport_size(VIEWPORT)
    yield page
    if is_as_new:
        page.mouse.move(0, 0)
        page.emulate_media(color_scheme="null")
        page.goto("about:blank")
        for event, listener in listeners:
            page.remove_listener(event, listener)
    else:
        page.close()
    assert not problems, problems


def modules(*names):
    """These js files, each after those that it imports from."""
    found = []
    for name in names:
        imported = IMPORT.findall((JS / name).read_text(encoding="utf-8"))
        found += [file for file in (*modules(*imported), name) if file not in found]
    return list(dict.fromkeys(found))


def joined(*names):
    """The js files and those that they import as one module source, as the page has them.

    >>> "export" in joined(), "import" in joined("walk.js")
    (False, False)
    """
    source = "\n".join((JS / name).read_text(encoding="utf-8") for name in modules(*names))
    source = re.sub(r'^import \{[^}]*\} from "\./\w+\.js";$', "", source, flags=re.MULTILINE)
    return re.sub(r"^export (?=(async )?(function|const|class)\b)", "", source, flags=re.MULTILINE)


def open_js(tab, *names):
    """Load js files into the tab; what they and those they import export is then global there, for `tab.evaluate`."""
    exported = [
        name
        for file in modules(*names)
        for name in re.findall(
            r"^export (?:async )?(?:function\*?|const|class) (\w+)",
            (JS / file).read_text(encoding="utf-8"),
            flags=re.MULTILINE,
        )
    ]
    tab.set_content("<!doctype html><title>explorer</title><body></body>")
    tab.add_script_tag(type="module", content=f"{joined(*names)}\nObject.assign(window, {{{', '.join(exported)}}});")
    tab.wait_for_function(f"typeof {exported[-1]} !== 'undefined'")
