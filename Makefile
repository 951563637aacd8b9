# The commands of the house. `make help` lists them.

.DEFAULT_GOAL := help
.PHONY: help demo test test-clients lint format wheel docs benchmarks benchmarks-on-gpu clean
.NOTPARALLEL:

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DOCS_STAMP := $(VENV)/.docs-installed
# What an editable install copies or reads; the environment is brought up to date when any of it changes.
INSTALLED_FROM := pyproject.toml constraints.txt napari.yaml $(wildcard sample_data/*)

# Clients of other programs, which must not share an environment with what they are clients of.
CLIENTS := .venv-clients
CLIENTS_STAMP := $(CLIENTS)/.installed
CLIENT_TESTS := tests/end_to_end/clients

# The first Python of at least 3.11; PYTHON=... names another.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11 python3.14 python; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)

ifeq ($(shell uname -s),Linux)
ON_SCREEN := xvfb-run -a --server-args="-screen 0 1600x1000x24"
endif

help:  ## list the commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 16

demo: system-for-demo $(STAMP)  ## segment a real image and show it in napari, or in demo.png where there is no display
	@$(BIN)/napari-medt demo

test: system-for-test $(STAMP)  ## the whole test suite; windows open on a screen in memory
	$(BIN)/python -m pytest -n logical --maxprocesses 4 --dist loadfile

test-clients: system-for-test $(STAMP) $(CLIENTS_STAMP)  ## clients of 3D Slicer against the server, and exported models in bioimageio.core
	NAPARI_MEDT="$(abspath $(BIN))/napari-medt" $(CLIENTS)/bin/python -m pytest -c $(CLIENT_TESTS)/pytest.ini \
		--rootdir $(CLIENT_TESTS) --confcutdir $(CLIENT_TESTS) $(CLIENT_TESTS)

lint: $(STAMP)  ## ruff, mypy, import contracts, manifest
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/npe2 validate napari.yaml

format: $(STAMP)  ## bring the code into its form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

wheel: $(STAMP)  ## build the wheel into dist/
	$(BIN)/python -m build --wheel --no-isolation --outdir dist .

docs: $(DOCS_STAMP)  ## the documentation site, into build/site; a link that leads nowhere is an error
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --fresh-env --write-all --quiet -c docs/site . build/site
	@echo "Open build/site/index.html"

benchmarks: $(STAMP)  ## the speed tables of the README, into benchmarks/results
	$(BIN)/python -W ignore -m benchmarks.network_speed
	$(BIN)/python -W ignore -m benchmarks.precisions
	$(BIN)/python -W ignore -m benchmarks.tiled_prediction
	$(BIN)/python -W ignore -m benchmarks.volume_prediction
	$(BIN)/python -W ignore -m benchmarks.axial_speed
	$(BIN)/python -W ignore -m benchmarks.openvino_trial
	$(BIN)/python -W ignore -m benchmarks.probe_latency
	$(BIN)/python -W ignore -m benchmarks.recording_cost
	$(BIN)/python -W ignore -m benchmarks.guided_memory
	$(BIN)/python -W ignore -m benchmarks.command_line
	$(ON_SCREEN) $(BIN)/python -W ignore -m benchmarks.window_openings
	$(ON_SCREEN) $(BIN)/python -W ignore -m benchmarks.window_blocks

benchmarks-on-gpu: $(STAMP)  ## what only a CUDA card can show, in eight minutes, into benchmarks/results
	$(BIN)/python -W ignore -m benchmarks.on_gpu

clean:  ## remove the virtual environment and what the demo wrote
	rm -rf $(VENV) $(CLIENTS) .venv-wheel build dist demo_output demo.png

.PHONY: python system-for-demo system-for-test
python:
	@test -n "$(PYTHON)" && $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "napari-medt needs Python 3.11 or newer, and $(or $(PYTHON),no python on the path) is not that." \
		"Install one (apt-get install python3, dnf install python3, pacman -S python or brew install python), or name it: make $(firstword $(filter-out python,$(MAKECMDGOALS)) demo) PYTHON=/path/to/python3" >&2; \
		exit 1; }

system-for-demo: python
	@$(PYTHON) napari_medt/system_libraries.py

system-for-test: python
	@$(PYTHON) napari_medt/system_libraries.py --virtual-screen

$(STAMP): $(INSTALLED_FROM) | python
	@echo "Installing napari-medt into $(VENV); the first time this takes some minutes (PyTorch is large)."
	@$(PYTHON) -m venv $(VENV)
	@{ $(BIN)/python -m pip install --disable-pip-version-check --progress-bar off -c constraints.txt -e ".[all,cluster,dicom,exchange,export,server,tracks,dev]" 2>&1; \
		echo $$? >$(VENV)/.pip-status; } | tee $(VENV)/pip.log | sed -n -e 's/^ *Downloading \([^-]*\)-.* (\([0-9.]\{4,\} [MG]B\)).*/  fetching \1 (\2)/p' \
		-e 's/^Installing collected packages.*/  unpacking/p'
	@[ "$$(cat $(VENV)/.pip-status)" = 0 ] || { cat $(VENV)/pip.log >&2; exit 1; }
	@touch $@

# Of those who write pages alone: who tries the demo need not wait for it.
$(DOCS_STAMP): $(STAMP)
	@echo "Installing what makes the documentation site into $(VENV)."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --progress-bar off -c constraints.txt -e ".[docs]"
	@touch $@

# MONAI Label's client is a file of a package whose other files need far more than can be installed beside it, and
# bioimageio.core asks for one version of the specification, which is older than that of the packages that are written.
$(CLIENTS_STAMP): $(CLIENT_TESTS)/requirements.txt | python
	@echo "Installing the clients of 3D Slicer into $(CLIENTS)."
	@$(PYTHON) -m venv $(CLIENTS)
	@$(CLIENTS)/bin/python -m pip install --quiet --disable-pip-version-check --progress-bar off -r $<
	@$(CLIENTS)/bin/python -m pip install --quiet --disable-pip-version-check --progress-bar off --no-deps monailabel==0.8.5 bioimageio.spec==0.5.14.3
	@touch $@
