# The front door. `make demo` shows the product, `make test` proves it; both do their own set-up.
SHELL := /bin/sh
VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip install --quiet --disable-pip-version-check --require-virtualenv

.PHONY: install demo test slow browser lint docs bench mutations clean

install: $(VENV)/.installed        ## put the command at .venv/bin/openbpo
	@echo "The command is $(VENV)/bin/openbpo"

demo: $(VENV)/.installed           ## a help desk's year, from agreement to invoice
	@scripts/demo

test: $(VENV)/.tools               ## every test that is fast
	$(PY) -m pytest -n 2 --dist loadgroup -q -m 'not slow and not browser'

slow: $(VENV)/.tools               ## faults, kills at every step, and mutations
	$(PY) -m pytest -n 2 --dist loadgroup -q -m slow

browser: $(VENV)/.tools            ## the pages in Chromium, both themes, wide and narrow
	$(PY) -m pytest -q -m browser tests/surfaces

lint: $(VENV)/.tools               ## formatting, types, directions of import, migrations
	$(VENV)/bin/ruff format --check src tests verifier
	$(VENV)/bin/ruff check src tests verifier
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports --no-cache
	$(VENV)/bin/squawk src/openbpo/migrations/*.sql

docs: $(VENV)/.tools               ## run every command that the documentation shows
	$(PY) -m pytest -q tests/docs

bench: $(VENV)/.tools              ## measure, beside the peers
	@set -e; for bench in benchmarks/bench_*.py; do [ -e "$$bench" ] || continue; $(PY) "$$bench"; done

mutations: $(VENV)/.tools          ## 10,000 mutations of a pack of 100,000 events, found by both verifiers
	@$(PY) scripts/mutate-pack

clean:                             ## forget what was installed (no data is touched)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache

$(VENV)/.made:
	@python=$$(scripts/find-python) && "$$python" -m venv --clear $(VENV) && touch $@

$(VENV)/.installed: $(VENV)/.made requirements/run.txt requirements/build.txt pyproject.toml
	@echo "Installing into $(VENV) (once)"
	@$(PIP) --require-hashes -r requirements/run.txt -r requirements/build.txt
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.tools: $(VENV)/.installed requirements/dev.txt
	@$(PIP) --require-hashes -r requirements/dev.txt
	@touch $@
