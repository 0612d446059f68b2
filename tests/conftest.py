"""The --slow flag: tests marked slow run only when it is given; and the browser of the explorer's tests."""

import pytest
from explorer_browser import chromium as chromium
from explorer_browser import chromium_window as chromium_window
from explorer_browser import tab as tab
from hypothesis import settings

settings.register_profile("here", deadline=None)  # how long an example takes says how busy the machine is
settings.load_profile("here")


def pytest_addoption(parser):
    parser.addoption("--slow", action="store_true", help="also run the tests marked slow")


def pytest_collection_modifyitems(config, items):
    if not config.getoption("--slow"):
        for item in items:
            if "slow" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="slow: run with --slow"))
