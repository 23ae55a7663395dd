# Two commands do everything: `make demo` and `make test`. `make help` lists the rest.
PYTHON ?= python3
VENV ?= .venv
PY := $(VENV)/bin/python
# The PyTorch project's index of CPU builds, for this one line only: the plain index brings
# several GB of CUDA on Linux. Where it cannot be reached pip says so and goes on without it.
TORCH_PIP_ARGS ?= --retries 0 --extra-index-url https://download.pytorch.org/whl/cpu
TORCH ?= torch==2.13.0
# Every dependency's version, the build's included; `make LOCK= ...` installs the newest instead.
LOCK ?= constraints.txt
PIP := PIP_CONSTRAINT=$(LOCK) PIP_BUILD_CONSTRAINT=$(LOCK) $(PY) -m pip install --quiet
PYTEST_ARGS ?= -n 4 --dist loadfile --no-loadscope-reorder

.PHONY: help demo test lint types units live field bench fuzz soak mutants golden recordings docs refill pictures lock clean
.DEFAULT_GOAL := help

help:
	@echo "make demo    set up and replay a shipped recording"
	@echo "make test    set up and run lint, types and the default tests"
	@echo "make live    a phantom heart on the screen, live"
	@echo "make field | bench | fuzz | soak | mutants    the long runs"
	@echo "make golden | recordings | refill | docs | pictures    rebuild what is generated"
	@echo "make lock    pin new dependencies; with LOCK_ARGS=--upgrade take the newest of all"

$(VENV)/.torch:
	@$(PYTHON) -c 'import sys; v = sys.version_info; ok = (3, 11) <= v[:2] < (3, 14); sys.exit(0 if ok else f"Python 3.11 to 3.13 is needed, this is {v[0]}.{v[1]}; call: make PYTHON=python3.12 ...")'
	@echo "Installing into $(VENV): PyTorch for the processor first (200 MB), then the rest."
	@echo "A minute or two, once; nothing is installed outside of this folder."
	$(PYTHON) -m venv $(VENV)
	$(PIP) $(TORCH_PIP_ARGS) '$(TORCH)'
	@touch $@

$(VENV)/.demo: $(VENV)/.torch pyproject.toml $(LOCK)
	$(PIP) -e .
	@touch $@

$(VENV)/.test: $(VENV)/.torch pyproject.toml $(LOCK)
	$(PIP) -e '.[train,test,onnx]'
	@touch $@ $(VENV)/.demo

$(VENV)/.docs: $(VENV)/.torch pyproject.toml $(LOCK)
	$(PIP) -e '.[docs]'
	@touch $@ $(VENV)/.demo

demo: $(VENV)/.demo
	$(VENV)/bin/apexbeat replay recordings/normal.wav recordings/tachycardia.flac recordings/noisy_contact_loss.wav
	@echo
	@echo "Next: $(VENV)/bin/apexbeat live --phantom murmur_tachycardia"

live: $(VENV)/.demo
	$(VENV)/bin/apexbeat live --phantom murmur_tachycardia

test: lint types units

lint: $(VENV)/.test
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/lint-imports

types: $(VENV)/.test
	$(VENV)/bin/mypy

# Bytecode is kept: hundreds of processes start, and would compile everything anew each time.
units: $(VENV)/.test
	PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 $(PY) -m pytest $(PYTEST_ARGS)

# Sounds of the bedside, a hundred of each kind: stops under knocks, hum, lungs, speech, pauses.
field: $(VENV)/.test
	OMP_NUM_THREADS=1 FIELD_SEEDS=100 $(PY) -m pytest tests/field -n auto

bench: $(VENV)/.test
	$(PY) tests/bench/run.py
	$(PY) tests/bench/library.py

fuzz: $(VENV)/.test
	$(PY) tests/fuzz/run.py

soak: $(VENV)/.test
	$(PY) tests/soak/run.py

# Two to four random faults at a time on a whole monitor; half a minute of real time and more a run.
campaign: $(VENV)/.test
	$(PY) tests/soak/soak_campaign.py --runs 500

# Every change that a tool can think of in the alarm engine and the verdict, against its tests.
mutants: $(VENV)/.test
	$(PY) tests/mutants/run.py

golden: $(VENV)/.test
	$(PY) tests/support/golden.py

pictures: $(VENV)/.test
	$(PY) tests/support/pictures.py
	$(PY) tests/support/ward_scene.py
	$(PY) tests/support/guided.py
	OMP_NUM_THREADS=1 $(PY) tests/support/recorded.py
	OMP_NUM_THREADS=1 $(PY) tests/support/exam_picture.py
	OMP_NUM_THREADS=1 $(PY) tests/support/live_pictures.py

# The manual, into site/; a warning fails it. `make refill` first where figures have changed.
docs: $(VENV)/.docs
	$(PY) -m mkdocs build --strict --quiet

refill: $(VENV)/.docs
	OMP_NUM_THREADS=1 $(PY) docs/fill.py
	OMP_NUM_THREADS=1 $(PY) docs/figures/make.py

recordings: $(VENV)/.test
	$(PY) recordings/make.py

# One set of versions for every Python and system. CUDA is left out: torch's own wheels pin it.
LOCK_EXTRAS := train test onnx export mqtt cluster pdf web media docs
lock:
	$(PYTHON) -m venv .lock
	.lock/bin/python -m pip install --quiet uv
	printf '%s\n' '$(TORCH)' hatchling editables | .lock/bin/uv pip compile --quiet \
	  --universal --python-version 3.11 --fork-strategy fewest --no-annotate --no-emit-index-url \
	  --custom-compile-command 'make lock' $(LOCK_EXTRAS:%=--extra %) $(LOCK_ARGS) \
	  pyproject.toml - --output-file constraints.txt
	sed -i.part -E '/^(cuda|nvidia|triton)/d' constraints.txt
	rm -rf .lock constraints.txt.part

clean:
	rm -rf $(VENV) dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
