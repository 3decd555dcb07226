# Every target builds the environment it needs first: only Python 3.11 or newer and make have to be there.
PYTHON ?= python3
VENV := .venv/bin
SHARED_OUT := --numprocesses=4 --dist=loadfile --no-loadscope-reorder

# Every process the tests start would compile the service again, and every worker the tests.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo sandbox test sweeps test-cluster test-postgresql slow torture mutants coverage lint typecheck screenshots bench lock audit sbom clean environment
.DEFAULT_GOAL := help

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST)

demo: environment ## Run the whole tutorial on an embedded PostgreSQL and Elasticsearch, in under a minute
	@$(VENV)/python -m sandbox.demo

sandbox: environment ## Keep the same world up, and print how to reach it
	@$(VENV)/python -m sandbox.tutorial

test: environment ## Run the tests; some: TESTS=tests/unit
	$(VENV)/pytest $(SHARED_OUT) $(TESTS)

sweeps: environment ## Repeat what the tests check at a sample of calls and requests at all the others, and try more examples
	$(VENV)/pytest -m "(sweep or hypothesis) and not slow" --hypothesis-profile=sweeps $(SHARED_OUT) $(TESTS)

test-cluster: environment ## Run what can be against real Elasticsearches, 8 and 9, which Maven fetches; one: VERSIONS=9.3.2
	@$(VENV)/python -m tests.cluster $(if $(VERSIONS),--versions $(VERSIONS)) $(TESTS)

test-postgresql: environment ## Run the tests of the source on PostgreSQL 12 to 18, which Maven fetches; some: VERSIONS=12,13
	@$(VENV)/python -m tests.postgresql $(if $(VERSIONS),--versions $(VERSIONS)) $(TESTS)

slow: environment ## Run the tests that take minutes: every crash point, killed and paused replicas
	$(VENV)/pytest -m slow $(TESTS)

torture: environment ## Random trouble for real processes, judged afterwards; MINUTES=20 SEED=7
	@$(VENV)/python -m tests.torture --minutes $(or $(MINUTES),20) $(if $(SEED),--seed $(SEED))

mutants: environment ## Put known defects into a copy of the tree, one by one; each has to be noticed
	$(VENV)/python -m tests.mutants $(MUTANTS)

coverage: environment ## Run the tests, slower, and say what they covered
	$(VENV)/coverage erase
	$(VENV)/coverage run -m pytest $(SHARED_OUT) $(TESTS)
	$(VENV)/coverage combine --quiet
	$(VENV)/coverage report --skip-covered --skip-empty

lint: environment ## Check style, formatting, and who imports whom
	$(VENV)/ruff check .
	$(VENV)/ruff format --check .
	$(VENV)/lint-imports --no-cache

typecheck: environment ## Check types, strictly
	$(VENV)/mypy

screenshots: environment ## Make the pictures in the docs anew; needs chromium
	@$(VENV)/python -m tests.screenshots

bench: environment ## Run every benchmark; one: .venv/bin/python -m benchmarks NAME
	$(VENV)/python -m benchmarks all

lock: ## Resolve the dependencies again; UPGRADE=1 takes newer versions
	PYTHON="$(PYTHON)" UPGRADE="$(UPGRADE)" .ci/lock

audit: ## Ask for known vulnerabilities of the locked dependencies; needs the internet, and fails without it
	@trap 'rm -rf .audit' EXIT; $(PYTHON) -m venv .audit \
	    && .audit/bin/pip install --quiet pip-audit \
	    && .audit/bin/pip-audit --strict --disable-pip --require-hashes -r requirements.lock \
	    || { echo "make audit: a dependency has a known vulnerability, or not all could be asked about. See above." >&2; \
	         exit 1; }

sbom: ## Write what the service is made of to dist/sbom.cdx.json (CycloneDX), from requirements.lock
	@trap 'rm -rf .sbom' EXIT; mkdir -p dist && $(PYTHON) -m venv .sbom \
	    && .sbom/bin/pip install --quiet cyclonedx-bom \
	    && PYTHONWARNINGS=ignore::UserWarning .sbom/bin/cyclonedx-py requirements --pyproject pyproject.toml \
	       --short-PURLs --output-reproducible --output-file dist/sbom.cdx.json requirements.lock \
	    && echo "dist/sbom.cdx.json" \
	    || { echo "make sbom: nothing was written. See above; the tool is installed from the package index." >&2; exit 1; }

clean: ## Remove everything that was built
	rm -rf .venv .venv.lock .audit .sbom .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage* build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

environment:
	@$(PYTHON) .ci/environment.py
