# make demo and make test do all the set-up themselves: Python 3.11+ and a package index is all they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
COEXIST := build/coexist/.layers build/coexist/.old

.PHONY: demo test check bench chaos template lock spec clean

demo: $(VENV)/.demo
	$(BIN)/observe demo

test: $(VENV)/.dev $(COEXIST) build/agent/.installed
	$(BIN)/python -m pytest -n 2 --dist loadfile

check: $(VENV)/.dev $(COEXIST) build/agent/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m console.spec --check
	$(BIN)/python -m deploy.own_dashboards --check
	$(BIN)/python -m pytest -n 2 --dist loadfile --hypothesis-profile check

bench: $(VENV)/.demo build/coexist/.layers
	$(BIN)/python bench/layer.py
	$(BIN)/python bench/payloads.py

chaos: $(VENV)/.dev
	$(BIN)/python bench/chaos.py

spec: $(VENV)/.dev
	$(BIN)/python -m console.spec
	$(BIN)/python -m deploy.own_dashboards

# What `sam` says of template.yaml, and the functions and the layer as it builds them: .aws-sam/build.
template: $(VENV)/.demo build/sam/.installed
	SAM_CLI_TELEMETRY=0 build/sam/bin/sam validate --lint --region eu-west-1
	SAM_CLI_TELEMETRY=0 build/sam/bin/sam build

# Compile the locks anew; needs uv. No file names an index or host.
lock:
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --quiet -o requirements/layer.txt
	uv pip compile pyproject.toml --extra console --group build --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --quiet -c requirements/layer.txt -o requirements/demo.txt
	uv pip compile pyproject.toml --extra console --group build --group dev --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --quiet -c requirements/demo.txt -o requirements/dev.txt
	uv pip compile --group subscribers --python-version 3.13 --python-platform aarch64-manylinux_2_28 --generate-hashes --no-header --no-emit-index-url --quiet -c requirements/demo.txt -o requirements/subscribers.txt
	uv pip compile --group runtimes --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --quiet -c requirements/demo.txt -o requirements/runtimes.txt
	uv pip compile --group emulator --no-deps --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --quiet -o requirements/emulator.txt
	uv pip compile --group agent --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --quiet -o requirements/agent.txt
	uv pip compile --group template --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --quiet -o requirements/template.txt
	uv pip compile --group coexist --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --quiet -o requirements/coexist.txt
	uv pip compile --group coexist-old --no-deps --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --quiet -o requirements/coexist-old.txt

clean:
	rm -rf $(VENV) build dist .aws-sam .observe .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Hybrid Observe needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1). Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	$(PYTHON) -m venv $(VENV)

# One rule for both sets: locked with hashes, then the project itself, editable, with nothing else.
$(VENV)/.%: requirements/%.txt pyproject.toml | $(VENV)/bin/python
	@echo "Installing requirements/$*.txt"
	@$(PIP) install --require-hashes --requirement requirements/$*.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

# Apart: what they depend on is pinned by itself.
build/sam/.installed: requirements/template.txt
build/agent/.installed: requirements/agent.txt
build/sam/.installed build/agent/.installed:
	@echo "Installing $< into $(@D)"
	@rm -rf $(@D)
	@$(PYTHON) -m venv $(@D)
	@$(@D)/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes --no-deps --requirement $<
	@touch $@

# What other layers, and functions that nobody has looked after for years, bring along: not for the virtual
# environment, but for tests to lay over the layer, and for the benchmark to run beside it. Without them those
# tests skip and say so.
build/coexist/.layers: requirements/coexist.txt | $(VENV)/bin/python
	@echo "Installing $< into $(@D)/layers"
	@rm -rf $(@D)/layers
	@$(PIP) install --require-hashes --no-deps --target $(@D)/layers --requirement $<
	@touch $@

build/coexist/.old: requirements/coexist-old.txt | $(VENV)/bin/python
	@echo "Installing $< into $(@D)/old"
	@rm -rf $(@D)/old
	@$(PIP) install --require-hashes --no-deps --target $(@D)/old --requirement $<
	@touch $@
