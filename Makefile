# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
NOTES := tests/data/notes
# The sample notes, each with what is known of its encounter.
DISCHARGE := discharge_summary.txt --setting inpatient --sex M --age 71
EMERGENCY := emergency_visit.txt --setting outpatient --sex F --age 46
CLINIC := clinic_letter.txt --setting outpatient --sex F --age 58

# Notes with codes and evidence to learn from, as `icd-agent data prepare codiesp` writes them.
TRAIN ?= ../shared/data/codiesp/train.jsonl
LEARNED := indexes/bundled/learned

.PHONY: demo test lint bench index train accuracy traces clean

$(VENV)/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet -c constraints.txt torch
	$(BIN)/pip install --quiet -c constraints.txt -e '.[dev,build]'
	touch $@

demo: $(VENV)/.ready  ## Code the three sample notes with the built-in LLM.
	$(BIN)/icd-agent model fetch
	$(BIN)/icd-agent code $(NOTES)/$(DISCHARGE)
	$(BIN)/icd-agent code $(NOTES)/$(EMERGENCY)
	$(BIN)/icd-agent code $(NOTES)/$(CLINIC)

test: $(VENV)/.ready  ## Run the tests; those of the LLM need `icd-agent model fetch` once.
	$(BIN)/python -m pytest -q -n 2 --dist loadfile

lint: $(VENV)/.ready  ## Format check, lint and types.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: $(VENV)/.ready  ## Measure speed and memory beside their targets.
	$(BIN)/python -m eval.bench

index: $(VENV)/.ready  ## Rebuild the shipped artefacts.
	$(BIN)/icd-agent index build --out indexes/bundled

train: $(VENV)/.ready  ## Train all that learns from coded notes; goes on where it was stopped.
	$(BIN)/icd-agent train plm-icd $(TRAIN) --out $(LEARNED)/plm_icd
	$(BIN)/icd-agent train ranker $(TRAIN)
	$(BIN)/icd-agent train ranker $(TRAIN) --language es
	$(BIN)/icd-agent train llm-voice $(TRAIN)
	$(BIN)/icd-agent data prepare us-notes $(VENV)/us_notes
	$(BIN)/icd-agent train guideline-voice $(VENV)/us_notes/tune.jsonl

accuracy: $(VENV)/.ready  ## Measure every accuracy with a target; OUT names a new folder.
	$(BIN)/icd-agent eval accuracy $(dir $(TRAIN)) --out $(OUT)

traces: $(VENV)/.ready  ## Record the traces that the tests replay, with the built-in LLM.
	cd $(NOTES) && ../../../$(BIN)/icd-agent code $(DISCHARGE) --trace ../traces --json > /dev/null
	cd $(NOTES) && ../../../$(BIN)/icd-agent code $(EMERGENCY) --trace ../traces --json > /dev/null
	cd $(NOTES) && ../../../$(BIN)/icd-agent code $(CLINIC) --trace ../traces --json > /dev/null

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis
