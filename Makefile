# `make help` lists the targets. They write only to .venv/ and target/ in this directory.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
EXAMPLE ?= flask
SERVER ?= $(if $(filter django,$(EXAMPLE)),nginx,direct)
PORT ?= 8000
SECONDS ?= 60
SHELL := /bin/sh

export VIRTUAL_ENV := $(CURDIR)/$(VENV)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo test unit coverage lint rust-test python-test package-test docs soak bench fuzz deny wheels test-matrix format clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

demo: $(VENV)/.demo$(if $(filter django,$(EXAMPLE)),-django) ## Start the example gallery (SERVER=nginx, PORT=8000), or a Django site (EXAMPLE=django)
ifneq ($(SERVER),direct)
	@scripts/install-packages $(SERVER)
endif
	@$(BIN)/python scripts/demo.py --example $(EXAMPLE) --server $(SERVER) --port $(PORT)

test: lint rust-test python-test package-test ## Run everything: lint, Rust and Python tests, real servers, a real browser

unit: $(VENV)/.test ## Run the quick tests: no server, browser, Java or root, under a minute once built
	cargo test --workspace --lib --locked --quiet
	$(BIN)/pytest --numprocesses auto --hypothesis-profile quick --ignore tests/servers --ignore tests/e2e -m 'not server and not slow'
	@echo "xaccel: left to 'make test': tests with the markers server, e2e and slow, and most examples of property tests"

coverage: $(VENV)/.test ## Run the quick Python tests, and write a report of the lines that ran to target/coverage
	@$(BIN)/pip install --quiet --group coverage
	$(BIN)/pytest --numprocesses auto --hypothesis-profile quick --ignore tests/servers --ignore tests/e2e -m 'not server and not slow' --cov --cov-report html --cov-report term:skip-covered

lint: $(VENV)/.test ## Check formatting, clippy, ruff, mypy, stubtest, circles of imports, English, workflows
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cargo clippy --lib --features python --locked -- -D warnings
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest xaccel._core --allowlist .stubtest-allowlist
	$(BIN)/python scripts/import_circles.py
	$(BIN)/python scripts/check_english.py
	$(BIN)/typos
	$(BIN)/zizmor --offline --quiet .github

rust-test: $(VENV)/.packages ## Run the Rust unit and property tests
	cargo test --workspace --locked --quiet

python-test: $(VENV)/.test ## Run the Python tests, with real servers and a real browser
	@scripts/install-packages servers browser html
	@# Many of these tests wait for a server, so three processes keep two CPUs busy.
	$(BIN)/pytest --numprocesses 3 --ignore tests/e2e
	@# Playwright keeps an event loop running, which breaks other tests in the same process.
	@# One process per file starts each of the example sites once.
	$(BIN)/pytest --numprocesses 2 --dist loadfile tests/e2e

package-test: $(VENV)/.test ## Check that the sdist builds a wheel that works in an empty environment
	$(BIN)/python scripts/package_test.py

docs: $(VENV)/.docs ## Build the site of the docs in target/docs, check its links, and look at it in Chromium
	@scripts/install-packages browser
	$(BIN)/python scripts/build_docs.py
	$(BIN)/python scripts/browse_docs.py

# Modules that the benchmarks share, and the one that runs first.
BENCH_PARTS := limits peers photographs versions

bench: $(VENV)/.bench ## Compare with other packages in one run
	@$(BIN)/python benches/versions.py
	@for script in $(filter-out $(BENCH_PARTS:%=benches/%.py),$(wildcard benches/*.py)); do echo "== $$script"; $(BIN)/python $$script || exit 1; done

soak: $(VENV)/.bench ## Test several machines and S3 under load, with real servers, and print figures
	@for script in scripts/soak_*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done
	$(BIN)/pytest --numprocesses 2 -m long

fuzz: $(VENV)/.test ## Fuzz the parsers with the address sanitizer (SECONDS=60 for each, TARGETS="decode svg")
	@scripts/install-packages fuzz
	$(BIN)/python scripts/fuzz.py --seconds $(SECONDS) $(TARGETS)

wheels: $(VENV)/.packages ## Build the wheel for Linux into dist/ (glibc 2.17), and check it (ARCH=aarch64: with Debian sid, as root)
	@$(BIN)/pip install --quiet --group wheels
	$(BIN)/python scripts/wheels.py $(if $(ARCH),--arch $(ARCH))

test-matrix: $(VENV)/.packages ## Test the wheel in dist/ in fresh Debian systems (as root), and with old and new packages
	@scripts/install-packages matrix
	@$(BIN)/python scripts/matrix.py

deny: $(VENV)/.packages ## Check the licences and sources of the Rust dependencies (compiles cargo-deny once)
	@test -x $(BIN)/cargo-deny || cargo install cargo-deny --locked --quiet --root $(VENV)
	$(BIN)/cargo-deny --all-features check bans licenses sources

format: $(VENV)/.test ## Format all code
	cargo fmt --all
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix-only .

clean: ## Remove build output
	rm -rf $(VENV) target dist .demo python/xaccel/_core*.so

# Stamp files. The extension is rebuilt when its sources change. If an earlier build has left an
# extension with a different file name, Python could load that one, so it is removed first.

RUST_SOURCES := Cargo.toml Cargo.lock build.rs $(shell find src crates -name '*.rs' -o -name Cargo.toml)

$(VENV)/.packages: scripts/install-packages
	@scripts/install-packages build
	@command -v cargo >/dev/null || { echo "xaccel: cargo is missing: install Rust from https://rustup.rs" >&2; exit 1; }
	@test -x $(BIN)/python || { echo "xaccel: making a virtual environment in $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@$(BIN)/pip install --quiet --upgrade 'pip>=25.1' 'maturin>=1.14,<2'
	@touch $@

define develop
	@echo "xaccel: building the extension and installing: $(1)"
	@rm -f python/xaccel/_core*.so
	@$(3) $(BIN)/maturin develop --quiet --locked $(2)
	@$(BIN)/pip install --quiet $(foreach group,$(1),--group $(group))
	@touch $@
endef

# The profile "demo" compiles faster than "dev", unless the tests have already compiled "dev".
$(VENV)/.demo: $(VENV)/.packages $(RUST_SOURCES) pyproject.toml
ifeq ($(wildcard $(VENV)/.test),)
	$(call develop,demo,--profile demo,XACCEL_QUICK_CODECS=1)
else
	$(call develop,demo,--profile dev)
endif

$(VENV)/.demo-django: $(VENV)/.demo examples/django_photos/requirements.txt
	@echo "xaccel: installing Django, Wagtail and Django REST framework"
	@$(BIN)/pip install --quiet --requirement examples/django_photos/requirements.txt
	@touch $@

$(VENV)/.test: $(VENV)/.packages $(RUST_SOURCES) pyproject.toml
	@scripts/install-packages test
	$(call develop,demo test,--profile dev)

# The docs need neither the extension nor a compiler.
$(VENV)/.docs: pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --upgrade 'pip>=25.1'
	@$(BIN)/pip install --quiet --group docs
	@touch $@

$(VENV)/.bench: $(VENV)/.packages $(RUST_SOURCES) pyproject.toml
	@scripts/install-packages servers bench
	$(call develop,demo test bench,--release)
