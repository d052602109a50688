# `make repro` and `make test` each set up all they need. After either: source .venv/bin/activate
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
READY := $(VENV)/.ready
# Packages to compare with, beside those of the lock and on nobody's path but the benchmarks'.
OUTSIDE := $(VENV)/outside
SPARK := $(VENV)/.spark
# A file's tests share what they set up. Of the slow ones browsers and child processes let a worker wait: there is one more than
# there are cores, which costs its imports.
PYTEST := pytest --dist loadscope --no-loadscope-reorder
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

.PHONY: setup repro segments test quick long check format params lock spark spark-lock compare experiments readme demo samples picture study league bench benchmarks

setup: $(READY) ## the environment in .venv, and no more

repro: $(READY) ## run the whole pipeline on the data that params.yaml names
	python -m scripts.run_pipeline

segments: $(READY) ## who the customers are: the pipeline's first stages, which need no campaigns, and their page
	dvc repro segments_report

test: $(READY) ## every test but those of full size: some minutes
	$(PYTEST) -n 3 -m "not long"

quick: $(READY) ## the tests that take a moment each: a minute
	$(PYTEST) -n 2 -m "not slow and not long"

long: $(READY) ## all tests: simulations over all their worlds and pipelines from every source
	$(PYTEST) -n 3

check: $(READY) ## lint and types
	ruff check .
	ruff format --check .
	mypy

format: $(READY) ## bring the code into shape
	ruff check --fix .
	ruff format .

readme: $(READY) ## write README.md, docs/results.md and docs/pipeline.md from their templates and the run's numbers
	python -m scripts.render_readme

demo: $(READY) ## a made-up retailer from tills to report and game, in the folder demo/, with reduced settings
	python -m scripts.demo

samples: demo ## renew the pages that open without a run: docs/sample_report.html of the last run, docs/game.html of the demo
	python -m scripts.sample_pages

picture: $(READY) ## take the README's picture of the report, docs/report.png; needs Chromium
	python -m scripts.picture_report

params: $(READY) ## compose params.yaml from conf/
	python -m scripts.compose_params

compare: $(READY) ## compare metrics/, plots/*.csv and params.yaml with what is committed
	python -m scripts.compare_results

experiments: $(READY) ## one row per experiment: changed parameters and headline numbers
	python -m scripts.show_experiments

study: $(READY) ## estimate 1,800 worlds and whole retailers whose truth is known, and write docs/known_truth.md (goes on where it stopped)
	python -m study.run
	python -m study.refutations
	python -m study.retailers
	python -m study.lists
	python -m study.controls
	python -m study.report

league: $(READY) ## ten campaigns in a row by each strategy on made-up retailers, and docs/league.md (some hours; goes on where it stopped)
	python -m study.league
	python -m study.league_report

bench: $(READY) $(OUTSIDE)/.ready ## time and memory, printed as tables (some fifteen minutes), beside other packages'
	PYTHONPATH=$(CURDIR)/$(OUTSIDE) python -m benchmarks.run

benchmarks: $(READY) $(OUTSIDE)/.ready ## public tables whose truth is known, beside other packages; IHDP=FOLDER adds its replications
	PYTHONPATH=$(CURDIR)/$(OUTSIDE) python -m benchmarks.public $(if $(IHDP),--ihdp "$(IHDP)")

lock: $(READY) ## renew requirements.lock from pyproject.toml
	pip-compile --quiet --extra dev --generate-hashes --allow-unsafe --strip-extras --no-header --no-emit-index-url \
		--no-emit-find-links --no-emit-trusted-host --output-file requirements.lock pyproject.toml

spark: $(SPARK) ## install Spark, for engine=spark (half a gigabyte; it also needs Java 17)

spark-lock: $(READY) ## renew requirements-spark.lock: what the extra `spark` adds to requirements.lock
	python -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['optional-dependencies']['spark'], sep='\n')" \
		| pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-header --no-annotate --no-emit-index-url \
		--no-emit-find-links --no-emit-trusted-host --constraint requirements.lock --output-file requirements-spark.lock -

# A set-up that stopped half-way leaves no mark, and the next call does it again.
$(READY): requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --require-hashes -r requirements.lock
	touch $@

$(SPARK): requirements-spark.lock $(READY)
	$(VENV)/bin/python -m pip install --quiet --no-deps --require-hashes -r $<
	touch $@

$(OUTSIDE)/.ready: benchmarks/outside/requirements.txt $(READY)
	rm -rf $(OUTSIDE)
	$(VENV)/bin/python -m pip install --quiet --no-deps --require-hashes --target $(OUTSIDE) -r $<
	touch $@
