# Two targets do everything, each alone, in a fresh clone:
#
#   make demo    install, and run the sample pair: in napari with a display, into files in any case
#   make test    install what the tests need, then lint, type check, all tests, and the wheel
#
# `make help` lists the others. Another Python, 3.11 or later: make PYTHON=python3.12 test

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# For `make bench`; the real pairs are left out where their folder is not there.
ARGS ?= --data ../shared/pairs --json benchmark.json

# How much harder `make reliability` tries than `make test`.
EFFORT ?= 50

# For how long `make fuzz` damages files of each kind.
SECONDS ?= 60

# The folder that `make wheel-check` puts both files into when they are sound, if one is named.
KEEP ?=

# What the tests run on: PyQt6 comes with `test`, PySide6 with `pyside,test-tools`; and which
# versions, where not the newest, in the words of uv: lowest-direct.
EXTRAS ?= test
RESOLUTION ?=
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check
ifneq ($(RESOLUTION),)
INSTALL += uv && $(BIN)/uv pip install --quiet --python $(BIN)/python --resolution $(RESOLUTION)
endif

# Viewer tests and screenshots need a display with OpenGL: a virtual one, drawn in software.
ifeq ($(shell uname -s),Linux)
WITH_DISPLAY := env -u WAYLAND_DISPLAY -u QT_QPA_PLATFORM LIBGL_ALWAYS_SOFTWARE=1 \
	xvfb-run -a -s "-screen 0 1280x1024x24"
endif
WITHOUT_DISPLAY := env -u DISPLAY -u WAYLAND_DISPLAY QT_QPA_PLATFORM=offscreen

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test lint types tests viewer-tests coverage mutants wheel-check lowest pyside system \
	reliability fuzz bench docs docs-links docs-options screenshots clean

help: ## show the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1	\2/p' Makefile | expand -t 16

demo: $(VENV)/.installed-all ## install, and run the sample pair
	@if [ -z "$$DISPLAY$$WAYLAND_DISPLAY" ] || .ci/system-packages qt; \
	then $(BIN)/clem-retrace demo --out demo-output; \
	else $(BIN)/clem-retrace demo --out demo-output --no-gui; \
	fi

test: system lint types tests viewer-tests wheel-check ## all checks; what they need is installed

lint: $(VENV)/.installed-test ## style, and what static analysis finds
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(VENV)/.installed-test ## type check
	$(BIN)/mypy

tests: system $(VENV)/.installed-$(EXTRAS) ## the tests that need no display
	$(WITHOUT_DISPLAY) $(BIN)/python -m pytest -m "not viewer" -n auto --dist worksteal

viewer-tests: system $(VENV)/.installed-$(EXTRAS) ## the tests that need a napari window
	$(WITH_DISPLAY) $(BIN)/python -m pytest -m viewer

coverage: system $(VENV)/.installed-test ## lines and branches that no test runs, whether all pass or not
	$(BIN)/python -m coverage erase
	-$(WITHOUT_DISPLAY) $(BIN)/python -m coverage run -m pytest -m "not viewer" -n auto --dist worksteal
	-$(WITH_DISPLAY) $(BIN)/python -m coverage run -m pytest -m viewer
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report

mutants: $(VENV)/.installed-test ## which small changes of the numerical core no test notices
	$(BIN)/python .ci/mutants.py

wheel-check: system $(VENV)/.installed-test ## build sdist and wheel, install the wheel and try it
	$(WITH_DISPLAY) $(BIN)/python .ci/check_wheel.py $(KEEP)

lowest: ## the tests with the oldest of everything that pyproject.toml allows
	CLEM_RETRACE_LOWEST=1 $(MAKE) VENV=.venv-lowest RESOLUTION=lowest-direct tests viewer-tests

pyside: ## the tests with PySide6 in place of PyQt6
	$(MAKE) VENV=.venv-pyside EXTRAS=pyside,test-tools tests viewer-tests

reliability: system $(VENV)/.installed-test ## the tests of docs/reliability.md, for long
	CLEM_RETRACE_EFFORT=$(EFFORT) $(WITH_DISPLAY) $(BIN)/python -m pytest tests/reliability -n auto

fuzz: $(VENV)/.installed-fuzz ## damage files of every kind, guided by the code that they reach
	@for one in fuzz/fuzz_*.py; do \
		echo "$$one"; \
		$(BIN)/python $$one -max_total_time=$(SECONDS) -artifact_prefix=fuzz/ || exit 1; \
	done

bench: $(VENV)/.installed-bench ## measure accuracy, on pairs with a known answer, and speed
	$(BIN)/python benchmarks/accuracy.py $(ARGS)
	$(BIN)/python benchmarks/speed.py

docs: $(VENV)/.installed-docs ## build the documentation's site, in site/; a warning is an error
	$(BIN)/sphinx-build --fresh-env --fail-on-warning --keep-going -d build/doctrees docs site

docs-links: $(VENV)/.installed-docs ## ask every external link of the documentation; needs a network
	$(BIN)/sphinx-build -b linkcheck -d build/doctrees docs build/links

docs-options: $(VENV)/.installed-test ## write docs/options.md from the options' declarations
	$(BIN)/python docs/make_options.py

screenshots: system $(VENV)/.installed-test ## take the pictures of the documentation anew
	$(WITH_DISPLAY) $(BIN)/python docs/make_screenshots.py
	$(BIN)/python docs/make_overview.py
	$(BIN)/python docs/make_scale_curve.py
	$(BIN)/python docs/make_stage_pictures.py

system: ## install what Qt needs of the system, where it is missing
	@.ci/system-packages qt display

clean: ## delete everything that make made
	rm -rf .venv .venv-* build dist site demo-output .coverage* .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/.made:
	@PYTHON=$(PYTHON) .ci/system-packages venv
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else \
	"Python 3.11 or later is needed, this is %s. Try: make PYTHON=python3.12" % sys.version[:6])'
	$(PYTHON) -m venv $(VENV)
	@touch $@

# Editable: after a change of the sources nothing needs to be installed again.
$(VENV)/.installed-%: pyproject.toml $(VENV)/.made
	@echo "Installing clem-retrace[$*] into $(VENV): the first time this takes some minutes ..."
	@$(INSTALL) --editable ".[$*]"
	@touch $@
