# The two commands: `make quickstart` and `make test`. Everything else serves them.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: gpu gpu-wheels quickstart test check setup faults slurm simulate mutants bench bench-search published published-cpu coverage integrations wheel docs docs-test hooks clean

quickstart: setup  ## A real small study on real data, to its table and report
	$(BIN)/study run quickstart
	$(BIN)/study report quickstart

test: setup check  ## All tests but the heavy ones (make faults, make bench, make published)
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

faults: setup  ## Kills, damage and full disks, the long form
	$(BIN)/pytest tests -m faults -o timeout=3600

published: setup  ## Every published study, scaled down, to its end
	$(BIN)/pytest tests/published -m published -o timeout=3600

published-cpu: setup  ## Published trainings up to their first milestones on two cores, into docs/published-on-a-cpu.md: hours; STUDY_DATA_DIR, ONLY=, KERAS= a Python with Keras
	$(BIN)/python -m tests.published.on_a_cpu studies-published $(ONLY) $(if $(KERAS),--keras $(KERAS))

slurm: setup  ## A study over several allocations of a Slurm of one node (apt install slurmctld slurmd slurm-client)
	$(BIN)/pytest tests/slurm -m slurm -o timeout=3600

bench: setup  ## Measurements, side by side in one run; BEFORE=COMMIT has those that it can do measured at that commit, too
	$(if $(BEFORE),BENCH_BEFORE=$(BEFORE)) $(BIN)/pytest tests/bench -m bench -o timeout=3600 -s

bench-search: setup  ## Samplers and pruners on recorded curves, beside Ray Tune's, into docs/fewer-epochs.md; REPETITIONS=
	$(BIN)/python -m tests.bench.search $(if $(REPETITIONS),--repetitions $(REPETITIONS))

integrations: setup  ## Trainings with the libraries that have a callback, and an independent client of the page's API; installs them into .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[lightning,transformers,timm,mlflow,wandb,api-check]'
	$(BIN)/pytest tests/integrations -m integrations -o timeout=3600

gpu:  ## On a machine with a GPU: what breaks first, then figures, in ten minutes and without a network
	test ! -d first_gpu_wheels || test -x .first_gpu/bin/python || $(PYTHON) -m tests.bench.first_gpu.wheels install || true
	$$(ls -d .first_gpu/bin/python $(BIN)/python 2>/dev/null | head -1 | grep . || echo $(PYTHON)) -m tests.bench.first_gpu $(if $(DEVICE),--device $(DEVICE))

gpu-wheels:  ## What `make gpu` needs beside torch, for a machine without a network, into first_gpu_wheels/
	$(or $(wildcard $(BIN)/python),$(PYTHON)) -m tests.bench.first_gpu.wheels collect $(if $(THERE),--there $(THERE))

wheel: setup  ## The wheel into dist/, installed into an empty environment and tried there
	rm -rf dist
	$(BIN)/pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .
	$(BIN)/pytest tests/wheel -m wheel -o timeout=3600 -s

coverage: setup  ## What intervals cover and how often verdicts are false, by simulation, into docs/coverage.md
	$(BIN)/python -W error::RuntimeWarning -m tests.analysis.coverage

docs: setup  ## The reference from the code, and the site of all pages into site/
	$(BIN)/python -m tests.docs.reference
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

docs-test: setup  ## Every command and code block of README and docs, run
	$(BIN)/pytest tests/docs -m docs -o timeout=3600

simulate: setup  ## Whole studies in simulated worlds that fail: 10,000 seeds, or FROM= COUNT=; SEED= tells one's story
	$(BIN)/python -m tests.simulation $(if $(SEED),--seed $(SEED),--first $(or $(FROM),0) --count $(or $(COUNT),10000))

mutants: setup  ## Faults planted in copies of the project, and the simulated world that finds each
	$(BIN)/python -m tests.simulation.mutants

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache --no-logo
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

hooks: setup  ## Check each commit before it is made
	$(BIN)/pre-commit install

setup: .venv/.installed

.venv/.installed: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
