# `make demo` and `make test` do all the set-up; both are quick the second time.
PYTHON ?= python3
PIP = .venv/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo test chromium lint types floors small experiments clean

demo: .venv/installed
	.venv/bin/markovgpt demo

test: .venv/installed-test chromium
	.venv/bin/python -m pytest --numprocesses 2 $(TESTS)

# the tests of the explorer drive a real Chromium; it is installed where Debian's apt may do so
chromium:
	@command -v chromium >/dev/null || { command -v apt-get >/dev/null && apt-get update -qq && \
		DEBIAN_FRONTEND=noninteractive apt-get install --yes -qq chromium; } >/dev/null 2>&1 || \
		echo "No Chromium, and apt may not install one: the tests of the explorer's page are skipped."

lint: .venv/installed-lint
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .

types: .venv/installed-lint
	.venv/bin/mypy

floors: .venv/installed-test
	.venv/bin/python -m pytest tests/test_architecture.py

# every experiment in some seconds each, into build/small/
small: .venv/installed-test
	.venv/bin/python -m experiments.all --small

# every experiment that is not up to date, into results/: under an hour on two cores
experiments: .venv/installed-test
	.venv/bin/python -m experiments.all

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/installed: .venv/bin/python pyproject.toml constraints.txt
	$(PIP) --editable '.[render]'
	touch $@

.venv/installed-test: .venv/installed
	$(PIP) --editable '.[render,test]'
	touch $@

.venv/installed-lint: .venv/installed-test
	$(PIP) --editable '.[render,test,lint]'
	touch $@

clean:
	rm -rf .venv build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
