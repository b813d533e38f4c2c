# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The Python the virtual environment is made from: 3.11 or newer. Another one: make PYTHON=python3.13 test
PYTHON := python3
# Flags for `make simulator`, and for pytest in `make unit`.
ARGS :=
# What `make nox` runs: all sessions that need no container, or one: make nox SESSIONS=typing
SESSIONS :=
# The computer of `make demo`: scripted, or qemu for a real virtual machine.
MACHINE := scripted
# Steps of `make test` that run at the same time, and pytest's worker processes.
JOBS := 2
WORKERS := 3
# What runs no Ansible of whose output something is kept for `make secrets`.
SILENT := client events test_guides.py
PIP := 26.3

SHELL := /bin/sh
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
PY := $(BIN)/python
TREE := .collections/ansible_collections/community/pikvm
RUNTIME := $(VENV)/runtime.stamp
TESTING := $(VENV)/testing.stamp
RULEBOOK := .venv-eda/stamp
# A virtual environment whose Python has gone is no virtual environment.
ifeq ($(wildcard $(VENV)/bin/python),)
$(shell rm -f $(RUNTIME) $(TESTING))
endif

# Nothing of the caller's Ansible, Python or pip layout may reach the tests; nothing of theirs may reach the caller's home.
unexport $(filter ANSIBLE_% MOLECULE_% PYTEST_%,$(.VARIABLES))
unexport PYTHONDONTWRITEBYTECODE PYTHONPATH PYTHONHOME PYTHONPYCACHEPREFIX PYTHONSAFEPATH PYTHONOPTIMIZE PYTHONWARNINGS VIRTUAL_ENV CDPATH
unexport PIP_TARGET PIP_PREFIX PIP_CONSTRAINT PIP_REQUIREMENT PIP_NO_DEPS
unexport $(filter PIKVM_%,$(.VARIABLES))
export PIP_USER := 0
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHONUTF8 := 1
ifneq ($(shell uname),Darwin)
export LC_ALL := C.UTF-8
endif
export PATH := $(BIN):$(PATH)
export ANSIBLE_CONFIG := $(CURDIR)/tests/ansible.cfg
export ANSIBLE_HOME := $(CURDIR)/.ansible
export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/.collections
export ANSIBLE_REMOTE_TEMP := $(CURDIR)/.ansible/tmp

define CHECK_PYTHON
import sys
if sys.version_info < (3, 11):
    sys.exit("Python 3.11 or newer is needed, and $(PYTHON) is %d.%d. Name another one: make PYTHON=python3.12" % sys.version_info[:2])
try:
    import ensurepip, venv
except ImportError:
    sys.exit("$(PYTHON) cannot make virtual environments: install its venv module (on Debian and Ubuntu: python3-venv)")
endef
export CHECK_PYTHON

.DEFAULT_GOAL := help
.PHONY: help demo test simulator build clean lint types docs docs-check unit faults fuzz secrets eda bench sanity molecule importer \
  setup test-matrix test-corners install-check nox

help: ## This list
	@echo 'Every target sets up what it needs in $(VENV). On a fresh clone, start with `make demo`.'
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' Makefile | expand -t 16

demo: $(RUNTIME) $(TREE) ## Reinstall a simulated server end to end; MACHINE=qemu: a real virtual machine
	@"$(PY)" tests/demo/demo.py --machine "$(MACHINE)" $(ARGS)

simulator: $(RUNTIME) ## Serve a simulated PiKVM in the foreground: make simulator ARGS="--help"
	@"$(PY)" -m tests.simulator $(ARGS)

test: setup ## Everything CI runs, each step timed
	@MAKE="$(MAKE)" "$(PY)" tests/tools/run_steps.py --jobs $(JOBS) --logs .cache/steps \
	  unit=.cache/pytest.xml molecule sanity importer test-corners=.cache/matrix/matrix.xml install-check lint docs types

unit: setup ## pytest: unit, contract and integration tests (make unit ARGS="-k power")
	@mkdir -p .cache
	@"$(PY)" -m pytest -n $(WORKERS) --dist loadgroup -m 'not faults and not eda' --junit-xml=.cache/pytest.xml $(ARGS)

faults: setup ## Let everything in the docs' table of failures happen, and the next run repair it (5 minutes)
	@"$(PY)" -m pytest -n 2 -m faults tests/integration/role $(ARGS)

eda: setup ## The event source under ansible-rulebook, which needs Java 17
	@if java -version >/dev/null 2>&1; then \
	  "$(MAKE)" --no-print-directory $(RULEBOOK) && "$(PY)" -m pytest -m eda tests/integration/events $(ARGS); \
	else \
	  echo 'Skipped: ansible-rulebook needs Java 17 (on Debian and Ubuntu: openjdk-17-jre-headless)'; \
	fi

fuzz: setup ## Attack the modules over a network that spoils what a PiKVM says (8 to 15 minutes; ARGS="--seed 2 --exchanges 500")
	@PYTHONPATH="$(CURDIR)/.collections:$(CURDIR)" "$(PY)" -m tests.attack $(ARGS)

secrets: setup ## Run the tests of Ansible as talkative as can be, and look for secrets in all that is said (10 minutes; ARGS="FILE ...")
	@rm -rf .cache/spoken
	@failed=0; \
	SECRETS_FOLDER="$(CURDIR)/.cache/spoken" "$(PY)" -m pytest -n 2 --dist loadgroup -m 'not faults and not eda' \
	  $(or $(ARGS),tests/integration $(SILENT:%=--ignore tests/integration/%)) || failed=1; \
	"$(PY)" tests/tools/find_secrets.py .cache/spoken || failed=1; \
	exit $$failed

bench: $(RUNTIME) $(TREE) ## What tasks, uploads and fleets cost here, as tables (make bench ARGS="tasks info")
	@"$(PY)" -m tests.benchmarks $(ARGS)

test-matrix: setup ## Every supported ansible-core, Python and kvmd at hand (2 hours; ARGS="--core 2.16 --python 3.12 --only modules")
	@"$(PY)" -m tests.tools.matrix $(ARGS)

test-corners: setup ## Each module with the oldest ansible-core, and sent to the oldest Python
	@"$(PY)" -m tests.tools.matrix --corners $(ARGS)

sanity: setup ## ansible-test sanity, all tests
	@"$(PY)" tests/tools/ansible_test.py sanity $(ARGS)

molecule: setup ## The role's and the playbooks' molecule scenarios
	@test -n "$(wildcard extensions/molecule/*/molecule.yml)" || { echo 'extensions/molecule holds no scenario'; exit 1; }
	@real=; "$(PY)" -m tests.installer check || { real='--exclude reinstall_real'; echo 'Skipped: the scenario reinstall_real'; }; \
	ANSIBLE_HOST_PATTERN_MISMATCH=error molecule test --all $$real --report --shared-state --workers 2 --continue-on-failure

lint: setup ## ruff, yamllint, ansible-lint, changelog, licences, sizes
	@failed=0; \
	for check in 'ruff check' 'ruff format --check' 'yamllint --strict .' ansible-lint 'antsibull-changelog lint' \
	  'reuse lint --lines' 'python tests/tools/check_tree.py' 'python tests/tools/guides.py'; do \
	  echo "== $$check"; $$check || failed=1; \
	done; \
	exit $$failed

types: setup ## mypy, strict
	mypy -p ansible_collections.community.pikvm.plugins -p ansible_collections.community.pikvm.extensions.eda.plugins \
	  -p tests.simulator -p tests.installer -p tests.benchmarks -p tests.tools -p tests.attack

docs-check: setup ## The modules' documentation, without building it
	mkdir -p .cache
	HOME="$(CURDIR)/.cache" antsibull-docs lint-collection-docs --plugin-docs --validate-collection-refs all --check-extra-docs-refs .

docs: docs-check ## The documentation as a site, in build/docs/html
	@rm -rf build/docs
	@mkdir -p -m 755 build build/docs build/docs/rst
	@HOME="$(CURDIR)/.cache" antsibull-docs collection --cleanup everything --fail-on-error --use-current --squash-hierarchy \
	  --dest-dir build/docs/rst community.pikvm
	@sphinx-build -b html -c docs/docsite -d .cache/sphinx -q -W --keep-going build/docs/rst build/docs/html
	@echo "build/docs/html/index.html"

build: setup ## The Galaxy tarball, in build/
	@ansible-galaxy collection build --force --output-path build

importer: build ## What Galaxy says when the tarball is uploaded
	@"$(PY)" tests/tools/import_check.py

install-check: setup ## Install the tarball in an empty place, and use it there
	@"$(PY)" -m tests.tools.install_check

nox: .cache/nox/stamp ## antsibull-nox, as a forge would run it (make nox SESSIONS="codeqa typing")
	@CI=true .cache/nox/bin/nox $(if $(SESSIONS),--session $(SESSIONS)) $(ARGS)

.cache/nox/stamp: tests/requirements/nox.txt
	@mkdir -p .cache
	@$(PYTHON) -c "$$CHECK_PYTHON"
	@"$$($(PYTHON) -c 'import sys; print(sys._base_executable)')" -m venv --clear .cache/nox
	@.cache/nox/bin/python -m pip install -qq --no-compile pip==$(PIP)
	@.cache/nox/bin/python -m pip install -qq --no-deps --no-compile -r tests/requirements/nox.txt
	@.cache/nox/bin/python -m pip check
	@touch $@

clean: ## Remove everything that make has made
	rm -rf .ansible .cache .collections .nox .venv .venv-eda build tests/output
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

setup: $(TESTING) $(TREE)

$(TREE):
	@mkdir -p $(@D)
	@ln -sfn ../../.. $@

$(RUNTIME): tests/requirements/runtime.txt
	@$(PYTHON) -c "$$CHECK_PYTHON"
	@echo 'Setting up $(VENV)'
	@"$$($(PYTHON) -c 'import sys; print(sys._base_executable)')" -m venv --clear $(VENV)
	@"$(PY)" -m pip install -qq --no-compile pip==$(PIP)
	@"$(PY)" -m pip install -qq --no-deps --no-compile -r tests/requirements/runtime.txt
	@"$(PY)" -m pip check
	@touch $@

$(TESTING): $(RUNTIME) tests/requirements/test.txt
	@echo 'Adding the test tools to $(VENV)'
	@"$(PY)" -m pip install -qq --no-deps --no-compile -r tests/requirements/test.txt
	@"$(PY)" -m pip check
	@touch $@

$(RULEBOOK): tests/requirements/eda.txt | $(RUNTIME)
	@echo 'Setting up .venv-eda'
	@"$$("$(PY)" -c 'import sys; print(sys._base_executable)')" -m venv --clear --without-pip .venv-eda
	@"$(PY)" -m pip --python .venv-eda install -qq --no-deps --no-compile -r tests/requirements/eda.txt
	@"$(PY)" -m pip --python .venv-eda check
	@touch $@
