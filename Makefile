PYTHON ?= python3
VENV ?= .venv
TORCH ?= torch==2.13.0
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check

.PHONY: demo test lint upgrade clean

demo: $(VENV)/installed
	$(BIN)/python -m mmprolong.sweep +ablation=length_dist

test: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/pyright --pythonpath $(BIN)/python > $(VENV)/types & \
	$(BIN)/python -m pytest -n 3 --dist loadgroup --no-loadscope-reorder; tests=$$?; \
	wait $$!; types=$$?; cat $(VENV)/types; exit $$((tests + types))

lint: $(VENV)/installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# torch first, so that the version of CUDA, or none, can be chosen: make demo TORCH="torch --index-url URL".
$(VENV)/installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) $(TORCH)
	$(PIP) --constraint constraints.txt -e .
	touch $@

# rapidocr brings opencv-python-headless, rapid-layout the same module with windows, which needs libGL: the last one counts.
$(VENV)/installed-dev: $(VENV)/installed
	$(PIP) --constraint constraints.txt -e '.[dev]'
	$(PIP) --constraint constraints.txt --no-deps --force-reinstall opencv-python-headless
	touch $@

# The newest versions that the ranges of pyproject.toml allow; torch and what its wheel brings are chosen by TORCH.
upgrade:
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --extra dev --extra reports --no-annotate \
		--no-header pyproject.toml | grep -vE '^(torch|triton|nvidia-|cuda-)' > constraints.new
	{ echo '# Versions that the tests have passed with, made by `make upgrade`.'; cat constraints.new; } > constraints.txt
	rm constraints.new

clean:
	rm -rf $(VENV) store
