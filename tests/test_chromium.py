"""A real Chromium: started where it is, and called missing where it is not."""

from experiments import chromium as module
from experiments.chromium import missing


def test_what_is_missing_is_named(monkeypatch):
    monkeypatch.setattr(module, "_program", lambda: None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    assert missing() == "a Chromium on the path"
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert missing() == "playwright"
    monkeypatch.setattr(module, "_program", lambda: "chromium")
    assert missing() == "playwright"
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    assert missing() == ""


def test_the_first_program_on_the_path_is_taken(monkeypatch):
    monkeypatch.setattr("shutil.which", {"chromium-browser": "/one", "google-chrome": "/two"}.get)
    assert module._program() == "/one"
