"""A real Chromium, driven by playwright: for the experiment on the explorer's page, and for its tests."""

import importlib.util
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")


def missing() -> str:
    """What there would have to be for a Chromium to run; nothing where all is there."""
    if importlib.util.find_spec("playwright") is None:
        return "playwright"
    return "" if _program() else "a Chromium on the path"


@contextmanager
def chromium() -> Iterator[Any]:
    """The browser, without a window; playwright's ``Browser``."""
    from playwright.sync_api import sync_playwright  # where it is not there, `missing` says so

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_program(), args=["--no-sandbox"])
        yield browser
        browser.close()


def _program() -> str | None:
    """The browser's file."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)
