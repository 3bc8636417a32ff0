# Two commands: `make demo` trains a first network, `make test` runs every check.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test kernels lint bench clean

demo: .venv/installed
	$(BIN)/trainwell fit digits

test: .venv/tested
	scripts/test

kernels: .venv/tested
	scripts/kernels

lint: .venv/tested
	scripts/lint

bench: .venv/tested
	scripts/bench

.venv/installed: pyproject.toml constraints.txt
	scripts/install
	touch $@

.venv/tested: pyproject.toml constraints.txt
	scripts/install dev
	touch .venv/installed $@

clean:
	rm -rf .venv runs
