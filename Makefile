# Everything one does with Marsad. `make help` lists it.
.DEFAULT_GOAL := help
.PHONY: help install demo run test test-cluster compose-env check lint types architecture eval train corpus fuzz bench habits chaos simulate-alerts simulate-polling docs clean
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEMO_EXIT ?= 0
ARGS ?=

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-17s %s\n", $$1, $$2}'

install: $(STAMP) ## make .venv and install Marsad with all it needs to run and to be tested

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Marsad needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Say which to use: make PYTHON=python3.12 ...") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable . --group dev
	@touch $@

demo: install ## two minutes of sample news through every stage, with the web page; DEMO_EXIT=1 checks the result and ends
	$(BIN)/marsad demo $(if $(filter 1,$(DEMO_EXIT)),--exit) $(ARGS)

run: install ## watch the shipped feeds for real (ARGS='--feeds my.opml' for your own)
	$(BIN)/marsad run $(ARGS)

test: install ## the test suite; browser tests are skipped where no chromium is installed
	$(BIN)/python -m pytest -n 3 --dist worksteal $(ARGS)

check: lint types architecture ## lint, types and architecture

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install
	$(BIN)/mypy

architecture: install
	$(BIN)/lint-imports

eval: install ## quality on labelled data (MARSAD_EVAL_DATA); a table and out/eval.json
	$(BIN)/python tests/quality/evaluate.py $(ARGS)

train: install ## learn the weights over the topics' rules anew from labelled articles (MARSAD_EVAL_DATA)
	$(BIN)/python tests/quality/train_topics.py $(ARGS)

corpus: install ## feedparser's own test documents and recorded feeds (MARSAD_EVAL_DATA) through our parser; nothing may be lost; out/parse-corpus.txt
	$(BIN)/python tests/quality/parse_corpus.py $(ARGS)

fuzz: install ## 100,000 mutated feeds through the parser: no exception, no hang, no growth (about ten minutes)
	$(BIN)/python tests/quality/fuzz_feeds.py $(ARGS)

hostile: install ## pages and texts that nobody should send, through each filter: seconds, memory, the answer
	$(BIN)/python tests/quality/hostile.py $(ARGS)

bench: install ## speed and memory as ratios to bare baselines of the same run; a table and out/bench.json
	$(BIN)/python tests/quality/bench.py $(ARGS)

test-cluster: install ## tests on a real Kafka and Elasticsearch, started on loopback (or MARSAD_TEST_KAFKA, MARSAD_TEST_ELASTICSEARCH)
	$(BIN)/python tests/quality/with_servers.py $(BIN)/python -m pytest -m cluster -n 2 --dist worksteal --timeout 400 tests/integration/cluster $(ARGS)

compose-env: install ## write .env with generated passwords for docker compose (keeps what is there)
	$(BIN)/python -m marsad_app.cluster.compose_env

habits: install ## twelve feeds, each with a habit of the wild: how each is reported, and that nothing is lost
	$(BIN)/python tests/quality/habits.py $(ARGS)

chaos: install ## kill -9 at random moments of a replay; nothing may be missing or twice
	$(BIN)/python tests/quality/chaos.py $(ARGS)

simulate-alerts: install ## a month of articles and 200 subscriptions on a virtual clock, outlets that fail, kill -9: nothing missing, nothing twice
	$(BIN)/python tests/quality/simulate_alerts.py $(ARGS)

simulate-polling: install ## our polling against the rules of others, on simulated feeds; tables, out/polling.json and out/polling.svg
	$(BIN)/python tests/quality/simulate_polling.py $(ARGS)

docs: install ## write docs/configuration.md from the settings
	$(BIN)/marsad config --markdown > docs/configuration.md

clean: ## remove what runs and builds leave behind (not your data)
	rm -rf build dist out .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
