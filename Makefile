# Two commands for everybody: `make run` and `make test`. `make help` lists the rest.
.DEFAULT_GOAL := help
.PHONY: help run test test-long check format lint types layers bench golden registers plc-program plc-contract mutants clean train-env system-packages pictures

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
ARGS ?=
# A path in ARGS may hold tests of one of the two runs only; pytest then ends the other with 5.
NONE_IS_FINE = $(if $(ARGS),|| [ $$? -eq 5 ])

help: ## list the commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; name one with: make PYTHON=/path/to/python3.11"; exit 2; }
	@$(PYTHON) -m venv $(VENV) || { echo "the venv module is missing; on Debian: apt-get install python3-venv"; exit 2; }

$(VENV)/runtime.stamp: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing the runtime into $(VENV) (once; a minute or two) ..."
	@$(PIP) install --constraint constraints.txt --editable .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/runtime.stamp deploy/requirements-dev.txt
	@echo "installing the test tools into $(VENV) ..."
	@$(PIP) install --constraint constraints.txt --requirement deploy/requirements-dev.txt
	@touch $@

$(VENV)/train.stamp: $(VENV)/dev.stamp deploy/requirements-train.txt
	@echo "installing torch and ultralytics into $(VENV) (once; several minutes) ..."
	@$(PIP) install --constraint constraints.txt torch
	@$(PIP) install --constraint constraints.txt --requirement deploy/requirements-train.txt
	@$(PIP) install --constraint constraints.txt --no-deps torchvision ultralytics
	@touch $@

run: $(VENV)/runtime.stamp ## the demonstration line: terminal figures and http://127.0.0.1:8080
	@$(BIN)/python run_line.py demo $(ARGS)

test: $(VENV)/train.stamp system-packages format lint types layers ## install what tests need; run gates and tests
	@$(BIN)/python -m pytest -m "not quiet and not long" --numprocesses auto --dist loadfile $(ARGS) $(NONE_IS_FINE)
	@$(BIN)/python -m pytest -m "quiet and not long" $(ARGS) $(NONE_IS_FINE)

test-long: $(VENV)/train.stamp ## the tests that take minutes
	@$(BIN)/python -m pytest -m long $(ARGS)

check: test ## what must be green before a commit lands (the same as test)

format: $(VENV)/dev.stamp
	@$(BIN)/ruff format --check .

lint: $(VENV)/dev.stamp
	@$(BIN)/ruff check .

types: $(VENV)/dev.stamp
	@$(BIN)/mypy

layers: $(VENV)/dev.stamp
	@$(BIN)/lint-imports

system-packages:
	@deploy/install-test-packages.sh

train-env: $(VENV)/train.stamp ## torch and ultralytics for python -m models train

bench: $(VENV)/train.stamp ## make bench NAME=sorting, latency, ... [ARGS=--quick]
	@$(BIN)/python -m benchmarks $(NAME) $(ARGS)

golden: $(VENV)/train.stamp ## accept what the pipeline now decides on the recorded scenes; read the diff
	@$(BIN)/python -m tests.golden accept $(ARGS)

registers: $(VENV)/runtime.stamp ## write docs/registers.md and docs/registers.csv from the register map
	@$(BIN)/python -m plc.registers --markdown > docs/registers.md
	@$(BIN)/python -m plc.registers --csv > docs/registers.csv

plc-program: $(VENV)/runtime.stamp ## put plc/st/sortline.st together from its sources and the register map
	@$(BIN)/python -m plc.st

plc-contract: $(VENV)/runtime.stamp ## make plc-contract ADDRESS=host:port: what a PLC gets wrong (valves fire!)
	@test -n "$(ADDRESS)" || { echo "which PLC? make plc-contract ADDRESS=192.168.1.10:502 [ARGS='--unit 1 --line-id 1']"; exit 2; }
	@$(BIN)/python -m plc.contract $(ADDRESS) $(ARGS)

mutants: $(VENV)/train.stamp ## which small changes to codec and planner no test notices (several minutes)
	@$(PIP) install --constraint constraints.txt --requirement deploy/requirements-mutants.txt
	@$(BIN)/python -m mutmut run $(ARGS)
	@$(BIN)/python -m mutmut results
	@$(BIN)/python -m mutmut export-cicd-stats
	@cat mutants/mutmut-cicd-stats.json

pictures: $(VENV)/dev.stamp ## make the docs' pictures from the running demonstration (needs chromium)
	@PYTHONPATH=. $(BIN)/python docs/make_pictures.py $(ARGS)

clean: ## remove the environment and caches
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
