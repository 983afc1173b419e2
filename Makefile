# Works with Python and make alone: the environment is made at the first call, and again when
# what it is made from has changed. Another interpreter: make test PYTHON=python3.13

PYTHON ?= python3
LOCK_PYTHONS ?= 3.10 3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.made-from
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help test fuzz demo check docs bench collector collector-lb collector-sources e2e programs lock clean

help:
	@echo "make test   the whole test suite"
	@echo "make fuzz   the tests of rules that hold for any input, with new inputs at every call (a minute)"
	@echo "make demo   the goblin example with traffic, in this terminal"
	@echo "make check  format, lint, types, import layers, docs"
	@echo "make collector      .build/otel-kit-collector, for which Go is needed; made once for each state of its sources"
	@echo "make collector-lb   the same with load_balancing, for the first of two tiers"
	@echo "make e2e    the tests with a real Collector, Loki, Tempo, Jaeger and Prometheus; builds what is missing"
	@echo "make docs   regenerate from the code: reference pages, the Collector's redaction"
	@echo "make bench  compare the cost of a request with other libraries (about half an hour)"
	@echo "make lock   resolve the development environment anew"

test: $(STAMP)
	$(BIN)/python -m pytest $(ARGS)

# loadable by name because the tests' conftest registers it; `grep -l` names the files that draw inputs
fuzz: $(STAMP)
	$(BIN)/python -m pytest --hypothesis-profile=fuzz $$(grep -rlE --include='test_*.py' '^from hypothesis import' tests) $(ARGS)

demo: $(STAMP)
	@$(BIN)/python -m otel_kit demo $(ARGS)

check: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m otel_kit assets export . --check
	$(BIN)/python -m pytest -q tests/test_layers.py tests/test_house.py

docs: $(STAMP)
	$(BIN)/python -m otel_kit assets export .

bench: $(STAMP)
	$(BIN)/python -m pip install --quiet --requirement benchmarks/requirements.txt
	$(BIN)/python -m benchmarks.run $(ARGS)

collector: $(STAMP)
	@$(BIN)/python -m otel_kit collector build

collector-lb: $(STAMP)
	@$(BIN)/python -m otel_kit collector build --flavour lb

# After a change of collector/builder*/manifest.yaml; asks the Go module proxy.
collector-sources:
	$(PYTHON) .ci/collector_sources.py

programs:
	@PYTHON="$(PYTHON)" .ci/programs

e2e: $(STAMP) collector collector-lb programs
	$(BIN)/python -m pytest e2e $(ARGS)

# A full resolution on the oldest supported Python and on a newer one: some packages have left the oldest behind.
lock:
	rm -rf .build/lock && mkdir -p .build/lock
	for version in $(LOCK_PYTHONS); do \
		python$$version -m venv .build/lock/$$version && \
		.build/lock/$$version/bin/python -m pip install --quiet --upgrade "pip>=25.1" && \
		.build/lock/$$version/bin/python -m pip install --quiet --editable ".[cli,grpc,httpx,jwt,redis,requests,structlog]" --group dev && \
		.build/lock/$$version/bin/python -m pip freeze --exclude-editable --exclude pip --exclude setuptools > .build/lock/$$version.txt || exit 1; \
	done
	{ sed -n '/^#/p' requirements-dev.lock; $(PYTHON) .ci/lock.py $(foreach version,$(LOCK_PYTHONS),$(version)=.build/lock/$(version).txt); } > .build/lock/merged
	mv .build/lock/merged requirements-dev.lock

clean:
	rm -rf $(VENV) .build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

# --clear: an environment that was begun and not finished is no environment
$(STAMP): pyproject.toml requirements-dev.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "otel_kit needs Python 3.10 or newer; name one: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --requirement requirements-dev.lock
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	@touch $(STAMP)
