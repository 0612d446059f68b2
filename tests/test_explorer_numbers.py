from explorer_browser import open_js


def test_first(tab):
    open_js(tab, "numbers.js")
    assert tab.evaluate("stepsOnce(1)") == 2
