# The verbs of this project. Each sets up what it needs in .venv the first time and is instant after.
# Needs python3 (3.11 or newer) and git. Another interpreter: make test PYTHON=python3.13

PYTHON ?= python3
WORKERS ?= logical
BIN := .venv/bin/python
SETUP := @command -v $(PYTHON) >/dev/null || { echo "metroledger: there is no $(PYTHON) here; install \
Python 3.11 or newer, or name it: make demo PYTHON=/path/to/python3" >&2; exit 1; }; \
$(PYTHON) requirements/install.py
PYTEST := $(BIN) -m pytest -n $(WORKERS) --maxprocesses 4 --dist worksteal

.DEFAULT_GOAL := help
.PHONY: help demo demo-cli test check lint layout imports types format campaign chaos bench requirements clean

help:
	@echo "make demo      a metropolis in your browser: portal, drop box, simulated operator"
	@echo "make demo-cli  the story of one home on the command line, with real output"
	@echo "               both on a real Kafka with LOG=kafka (Java 17 and Maven)"
	@echo "make test      the tests (ARGS='-k name' narrows them)"
	@echo "make check     types, imports, lint, format"
	@echo "make campaign  the long campaigns that the stated numbers come from"
	@echo "make chaos     leaders killed, networks cut, folders stopped, processes killed, on a real Kafka"
	@echo "make bench     the benchmarks, as tables with their conditions"
	@echo "make format    write the code as the formatter wants it"
	@echo "make requirements  compile requirements/*.in into hashed files"
	@echo "make clean     remove what the verbs above made (the demo's data and .venv too)"

# The demos' log: the database's table, or with LOG=kafka a topic of a real broker.
TOLD := $(if $(LOG),METROLEDGER_LOG=$(LOG))

# A metropolis in the browser, until Ctrl-C. ARGS='--port 8080' names its port.
demo:
	$(SETUP) run
	@$(TOLD) $(BIN) -m metroledger demo-portal $(ARGS)

# The story of one home, on the command line.
demo-cli:
	$(SETUP) run
	@$(TOLD) $(BIN) -m metroledger demo

test:
	$(SETUP) dev
	$(PYTEST) $(ARGS)

# All four even when one fails: one run tells everything that is wrong.
check:
	$(SETUP) dev
	@$(MAKE) --no-print-directory --keep-going lint layout imports types

lint:
	$(BIN) -m ruff check .

layout:
	$(BIN) -m ruff format --check .

imports:
	$(BIN) -c 'from importlinter.cli import lint_imports_command; lint_imports_command()'

types:
	$(BIN) -m mypy

format:
	$(SETUP) dev
	@$(BIN) -m ruff check --fix-only . && $(BIN) -m ruff format .

# One process: a campaign wants the machine to itself, and its counts want one place.
campaign:
	$(SETUP) dev
	$(BIN) -m pytest -m campaign --timeout 0 -s $(ARGS)

# What a ledger on Kafka must survive, at its stated numbers: one line each. Java, Maven, root.
chaos:
	$(SETUP) dev
	$(BIN) -m pytest -m "campaign and chaos" --timeout 0 -s tests/chaos tests/adapters/kafka $(ARGS)

bench:
	$(SETUP) dev
	$(BIN) -m bench $(ARGS)

requirements:
	$(SETUP) compile

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist var/demo
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
