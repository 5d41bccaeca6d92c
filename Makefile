# Two commands on a fresh machine with Python 3.11 or newer: make run, make test.
PYTHON ?= python3
BIN := .venv/bin
SAMPLE := samples/riverside_clinic
FOR ?=
BROKER ?=

.PHONY: run test check soak bench conformance clean
.DEFAULT_GOAL := run

.venv/ready: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Vagus needs Python 3.11 or newer")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev,fast]'
	touch $@

run: .venv/ready  ## the sample clinic with its simulators, until Ctrl-C (FOR=10s to stop by itself)
	$(BIN)/vagus run $(SAMPLE) --simulate $(if $(FOR),--for $(FOR))

check: .venv/ready  ## style, types and architecture
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: check  ## everything that CI runs
	$(BIN)/python -m pytest

soak: .venv/ready  ## the faults of RabbitMQ at full length: ten minutes of outage, forty kills
	VAGUS_SOAK=1 $(BIN)/python -m pytest tests/broker tests/automations -o timeout=3600

bench: .venv/ready  ## the engine against a raw loop in the same run (BROKER=rabbitmq: publishing)
ifeq ($(BROKER),rabbitmq)
	PYTHONPATH=tests $(BIN)/python -m peers.rabbitmq $(BIN)/vagus bench --broker rabbitmq --json --loop plain
	PYTHONPATH=tests $(BIN)/python -m peers.rabbitmq $(BIN)/vagus bench --broker rabbitmq --json --loop fast
else
	$(BIN)/vagus bench --json --loop plain
	$(BIN)/vagus bench --json --loop fast
	$(BIN)/python tests/benchmarks/bench_mapping.py
endif

conformance: .venv/ready  ## docs/conformance.md from the official tables and ../shared/corpora (ACCEPT=1 when a figure falls)
	PYTHONPATH=tests $(BIN)/python -m map_conformance $(if $(ACCEPT),--accept)

bench-x12: .venv/ready  ## reading X12, beside pyx12 in the same run
	$(BIN)/python tests/benchmarks/bench_x12.py

clean:
	rm -rf .venv build dist
