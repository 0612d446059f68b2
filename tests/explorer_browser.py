"""A real Chromium for the tests of the explorer: a browser for the session, a tab for each test, and how to open js."""

import re
from pathlib import Path

import pytest

from experiments.chromium import chromium as started
from experiments.chromium import missing

JS = Path(__file__).parents[1] / "markovgpt" / "explorer" / "js"
IMPORT = re.compile(r'^import \{ [^}]* \} from "\./(\w+\.js)";$', re.MULTILINE)


@pytest.fixture(scope="session")
def chromium():
    """The browser, started once; skipped where there is none."""
    if missing():
        pytest.skip(f"the explorer's tests need {missing()}")
    with started() as browser:
        yield browser


@pytest.fixture
def tab(chromium):
    """An empty tab of its own, without network; a test that leaves an error on its console fails."""
    context = chromium.new_context(offline=True)
    page = context.new_page()
    problems = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    yield page
    context.close()
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
