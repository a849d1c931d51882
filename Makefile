# Everything that is done with this repository. `make` lists it; each target does its own set-up.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
UV_VERSION := $(shell sed -n 's/^uv==\([0-9.]*\).*/\1/p' requirements.txt)
READY := $(VENV)/.ready
PEERS := .venv-bench
PEERS_READY := $(PEERS)/.ready
SPARK_READY := $(VENV)/.ready-spark
CODE := dags data_checks model_registry pipelines plugins tests benchmarks
PACKAGES := data_checks model_registry pipelines plugins/nightshift
COMPOSE := $(wildcard docker/compose*.yaml)
IMAGE ?= nightshift

.PHONY: help setup setup-spark demo up down image test coverage lint format docs dags-doc dashboards schemas bench bench-quick bench-capacity profile peers lock clean

help: ## list these targets
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/  make \1	\2/p' $(MAKEFILE_LIST) | expand -t 20

setup: $(READY) ## make the virtual environment from the locked requirements

$(READY): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
	  { echo "Nightshift needs Python 3.11, 3.12 or 3.13; $(PYTHON) is $$($(PYTHON) --version). Try: make setup PYTHON=python3.12" >&2; exit 1; }
	@echo "setting up $(VENV) (once; it downloads about 1 GB)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@$(UV) pip sync --python $(BIN)/python --require-hashes requirements.txt
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

setup-spark: $(SPARK_READY) ## add PySpark to it, for those who score on a cluster

$(SPARK_READY): $(READY) requirements-spark.txt
	@echo "adding PySpark (once; it downloads about 500 MB)"
	@$(UV) pip install --quiet --python $(BIN)/python --require-hashes --requirements requirements-spark.txt
	@touch $@

demo: $(READY) ## train on real flights and score a week of nights, through real Airflow
	@$(BIN)/nightshift demo

up: $(READY) ## start Airflow on this machine
	@$(BIN)/nightshift up

down: $(READY) ## stop it, and leave no process behind
	@$(BIN)/nightshift down

image: ## build the container image of all roles, named IMAGE (nightshift)
	docker build --file docker/Dockerfile --build-arg REVISION=$$(git rev-parse HEAD) --tag $(IMAGE) $(ARGS) .

test: $(SPARK_READY) ## run all tests (Debian: apt-get install chromium default-jre-headless docker-compose postgresql prometheus prometheus-alertmanager redis-server shellcheck)
	@# Those that start Airflow run alone: its processes want all cores, and some tests wait for what they do in time.
	@$(BIN)/python -m pytest -m "not airflow" --numprocesses=logical --maxprocesses=4 --durations=10 $(MEASURED) $(ARGS) || [ $$? -eq 5 ]
	@$(BIN)/python -m pytest -m airflow --durations=10 $(if $(MEASURED),--cov --cov-append --cov-report=term) $(ARGS) || [ $$? -eq 5 ]

coverage: ## the same, and say which lines no test runs (a third slower)
	@$(MAKE) test MEASURED="--cov --cov-report="

lint: $(READY) ## check style, types, imports, the DAGs' Airflow 3 rules, the image, compose and CI files, and that no password is in git
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(PACKAGES)
	$(BIN)/lint-imports --no-cache
	$(BIN)/hadolint docker/Dockerfile
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yaml
	$(if $(COMPOSE),$(BIN)/check-jsonschema --quiet --builtin-schema vendor.compose-spec $(COMPOSE))
	.ci/secrets

format: $(READY) ## write the code the way `lint` wants it
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(READY) ## make a site of docs/ in build/docs
	@$(BIN)/python -m sphinx --fail-on-warning --keep-going --fresh-env --write-all --quiet docs build/docs
	@echo "made; open build/docs/index.html"

dags-doc: $(READY) ## write docs/dags.md from the DAG files' own text
	@$(BIN)/python -m nightshift.dags_page

dashboards: $(READY) ## write docker/grafana/dashboards from plugins/nightshift/dashboards
	@$(BIN)/python -m nightshift.dashboards

bench: $(READY) $(PEERS_READY) ## measure what is claimed beside others (35 minutes), and write docs/performance.md
	@$(BIN)/python -m benchmarks $(ARGS)

bench-quick: $(READY) ## the same with few rows, once, without heavy peers (5 minutes)
	@$(BIN)/python -m benchmarks --quick $(ARGS)

bench-capacity: $(READY) ## measure 10, 100 and 1,000 pipelines, and years of history (15 minutes), and write docs/capacity.md
	@$(BIN)/python -m benchmarks capacity $(ARGS)

profile: $(READY) ## draw flame graphs of scoring and of a night into docs/images
	@$(BIN)/python -m benchmarks profile

peers: $(PEERS_READY) ## make the environment of Spark, Ray and pandera for `bench`

$(PEERS_READY): benchmarks/peers.txt | $(READY)
	@echo "setting up $(PEERS) (once; it downloads about 1 GB)"
	@test -x $(PEERS)/bin/python || $(BIN)/python -m venv $(PEERS)
	@$(UV) pip sync --quiet --python $(PEERS)/bin/python --require-hashes benchmarks/peers.txt
	@touch $@

COMPILE := pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url

schemas: $(READY) ## write docs/schemas from what the commands print with --json
	@$(BIN)/python docs/json_schemas.py

lock: $(READY) ## resolve requirements.in, and those for Spark and for benchmarks, into locks with hashes
	@$(UV) $(COMPILE) --output-file requirements.txt requirements.in $(ARGS)
	@$(UV) $(COMPILE) --output-file requirements-spark.txt requirements-spark.in $(ARGS)
	@$(UV) $(COMPILE) --output-file benchmarks/peers.txt benchmarks/peers.in $(ARGS)
	@echo "locked; look at the difference, then run make test"

clean: ## remove the virtual environments and caches; never your data in .nightshift
	rm -rf $(VENV) $(PEERS) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage
