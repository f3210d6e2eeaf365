# What a person and a script call; every name and variable is in README.md.
# Works in a plain POSIX shell with Python (3.11 to 3.14) and make, as root or not.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test test-install test-debian13 test-image lint format bench chaos cluster pooler upgrade upgrade-test e2e texts requirements clean

# python3 if it fits, else the newest that does; PYTHON names another one.
BASE_PYTHON := $(shell set -- python3 python3.14 python3.13 python3.12 python3.11 python; \
	test -z "$(PYTHON)" || set -- "$(PYTHON)"; \
	for each do "$$each" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' >/dev/null 2>&1 && \
	echo "$$each" && break; done)
BIN := .venv/bin
# Where an upgrade of the system put another Python under the environment, it is made anew.
$(shell test ! -d .venv/lib || \
	test -d ".venv/lib/$$($(BIN)/python -c 'import sys; print("python%d.%d" % sys.version_info[:2])' 2>&1)/site-packages" || \
	rm -rf .venv/bin .venv/installed-*)
PIP_FLAGS := --quiet --no-input --disable-pip-version-check --root-user-action=ignore
SOURCES := manage.py config staff clients notifications bookings tests
LINT_ENV := DEBUG=1 DATA_DIR=$(CURDIR)/.venv/lint DATABASE_URL= BROKER_URL= EMAIL_URL=

help:
	@echo "make run     the whole system on http://127.0.0.1:8000 (PORT, HOST, DATA_DIR)"
	@echo "make upgrade   after \`git pull\`: backup, migrate, restart, health"
	@echo "make test    the suite on SQLite, then on PostgreSQL and Redis"
	@echo "make lint    ruff, mypy, migrations, system checks, API schema"
	@echo "make test-install   make test-debian13   installs from an index of tomorrow, and under Debian 13"
	@echo "make test-image   builds deploy/Dockerfile by debootstrap, starts it and books (root)"
	@echo "make bench   make chaos   make e2e   requests per second, fault runs, browser runs"
	@echo "make pooler   through PgBouncer of Debian 13 and 12, by debootstrap (root)"
	@echo "make cluster   eight hosts of which one after the other fails (root, Debian 13 by debootstrap)"
	@echo "make upgrade-test   the previous release and this one on one database; make upgrade under load"

# exec: Ctrl-C and TERM reach the process that stops everything, and make waits for it.
run: .venv/installed-run
	@exec $(BIN)/python -m config.run

# After `git pull`, while the salon works on.
upgrade: .venv/installed-run
	@exec $(BIN)/python -m config.upgrade $(ARGS)

test: .venv/installed-test
	@exec $(BIN)/python -m tests.run $(ARGS)

test-install: .venv/installed-test
	@exec $(BIN)/python -m tests.install.tomorrow $(ARGS)

test-debian13: | .venv/bin/python
	@exec $(BIN)/python -m tests.install.debian13 $(ARGS)

test-image: .venv/installed-test
	@exec $(BIN)/python -m tests.install.image $(ARGS)

lint: .venv/installed-test
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(LINT_ENV) $(BIN)/python manage.py check --fail-level WARNING
	$(LINT_ENV) $(BIN)/python manage.py makemigrations --check --dry-run
	$(LINT_ENV) $(BIN)/python manage.py spectacular --validate --fail-on-warn --file /dev/null
	$(LINT_ENV) $(BIN)/mypy $(SOURCES)

format: .venv/installed-test
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

bench: .venv/installed-test
	@exec $(BIN)/python -m tests.bench.run $(ARGS)

chaos: .venv/installed-test
	@exec $(BIN)/python -m tests.chaos.run $(ARGS)

cluster: .venv/installed-test
	@exec $(BIN)/python -m tests.cluster.run $(ARGS)

pooler: .venv/installed-test
	@exec $(BIN)/python -m tests.pooler.run $(ARGS)

upgrade-test: .venv/installed-test
	@exec $(BIN)/python -m tests.upgrade.run $(ARGS)

e2e: .venv/installed-test .venv/installed-e2e
	@exec $(BIN)/python -m tests.e2e.run $(ARGS)

# For maintainers, after an edit of bookings/locale: the files that Django reads from those that people edit.
texts: .venv/installed-test
	@exec $(BIN)/python -m tests.texts

# For maintainers, with uv: pins and hashes anew from pyproject.toml. `UPGRADE=--upgrade` moves the pins.
requirements:
	$(COMPILE) pyproject.toml -o requirements.txt
	$(COMPILE) pyproject.toml --group dev -c requirements.txt -o requirements-dev.txt
	$(COMPILE) --group e2e -c requirements-dev.txt -o tests/e2e/requirements.txt

COMPILE = uv pip compile $(UPGRADE) --universal --python-version 3.11 --generate-hashes --no-strip-extras \
	--no-header --no-annotate --quiet

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis

.venv/bin/python:
	@test -n "$(BASE_PYTHON)" || { echo "Python 3.11, 3.12, 3.13 or 3.14 is needed; $(or $(PYTHON),python3) is not one." \
		"Name one: PYTHON=/path/to/python3.13 make run"; exit 1; }
	@echo "Making a virtual environment in .venv"
	@"$(BASE_PYTHON)" -m venv --clear .venv >/dev/null 2>&1 || "$(BASE_PYTHON)" -m venv --clear --without-pip .venv

.venv/installed-run: requirements.txt | .venv/bin/python
	@echo "Installing requirements.txt (once; about a minute)"
	@$(INSTALL) -r requirements.txt
	@touch $@

.venv/installed-test: requirements-dev.txt | .venv/bin/python
	@echo "Installing requirements-dev.txt (once; about a minute)"
	@$(INSTALL) -r requirements-dev.txt
	@touch $@

.venv/installed-e2e: tests/e2e/requirements.txt | .venv/installed-test
	@echo "Installing tests/e2e/requirements.txt (once; what drives a browser)"
	@$(INSTALL) -r tests/e2e/requirements.txt
	@touch $@

# Every package is in the file with its hashes, so nothing is looked up beside it: --no-deps (docs/adr/0002).
INSTALL = $(PIP) install $(PIP_FLAGS) --no-deps --require-hashes
# pip of the environment; where Python came without ensurepip, the system's pip working on the environment.
PIP = if $(BIN)/python -m pip --version >/dev/null 2>&1; then set -- $(BIN)/python -m pip; \
	elif $(BIN)/python -m ensurepip >/dev/null 2>&1; then set -- $(BIN)/python -m pip; \
	elif "$(BASE_PYTHON)" -m pip --version >/dev/null 2>&1; then set -- "$(BASE_PYTHON)" -m pip --python $(BIN)/python; \
	else echo "This Python has neither ensurepip nor pip: install python3-venv or python3-pip."; exit 1; fi; "$$@"
