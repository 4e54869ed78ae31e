# Every target makes its own virtual environment first; nothing is installed outside .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help install demo test test-kafka chaos lint bench golden docs prior lock clean

help: ## List the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  \1\t/' | expand -t 16

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(BIN)/python -m ops.compile_kernels
	@touch $(STAMP)

install: $(STAMP) ## Make .venv with the command .venv/bin/hark

demo: install ## Run the whole pipeline on embedded parts and print the report
	$(BIN)/hark demo $(ARGS)

test: install ## Run the tests on the best stack there is (see the header they print)
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile $(ARGS)

test-kafka: install ## Integration and chaos tests on Apache Kafka's own jars (Java 17 and Maven)
	HARK_TEST_KAFKA=1 HARK_CHAOS_ROUNDS=20 $(BIN)/python -m pytest tests/integration tests/chaos -m kafka \
		--numprocesses 2 --dist loadfile $(ARGS)

chaos: install ## 200 rounds of random incidents on Apache Kafka
	HARK_TEST_KAFKA=1 HARK_CHAOS_ROUNDS=200 $(BIN)/python -m pytest tests/chaos -m kafka $(ARGS)

lint: install ## Ruff, mypy, import-linter, generated docs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m ops.docs_from_code --check
	$(BIN)/python -m ops.grafana.build --check

bench: install ## Measure the pipeline beside its peers
	$(BIN)/hark bench $(ARGS)

golden: install ## Rewrite the golden files
	HARK_GOLDEN=write $(BIN)/python -m pytest tests/golden $(ARGS)

docs: install ## Rewrite the generated docs
	$(BIN)/python -m ops.docs_from_code

prior: install ## Train the shipped sentiment prior: make prior DATA=folder
	$(BIN)/python -m ops.prior $(DATA)

lock: install ## Pin every dependency with hashes
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/python -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header --no-annotate --extra dev -o requirements.lock pyproject.toml

clean: ## Remove what the targets made
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis build *.egg-info
