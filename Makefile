# `make demo` and `make test` are all that a fresh machine needs; both build the environment in .venv first.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
READY  := $(VENV)/.ready
# $(call recent,FOLDER): refuses an environment there, or else a $(PYTHON), that is too old; pip would after gigabytes
RECENT := import sys; v = sys.version_info; v >= (3, 11) or sys.exit(f"Python {v[0]}.{v[1]}: expected 3.11 or newer
recent = $(or $(wildcard $(1)/python),$(PYTHON)) -c '$(RECENT); rm -rf $(1:/bin=), then make with PYTHON=python3.12")'

.PHONY: demo test test-modules test-notebooks check mutations mutations-lessons test-browser test-floor test-colab web web-packages serve-web lab lint docs wheel publish notebooks ablations clean

demo: $(READY)            ## track the sample's real clips with the bundled model, and score them
	$(BIN)/tbd demo

# one thread: operators round differently with more; -n auto runs a process per core
test-modules test-notebooks check mutations mutations-lessons test-browser test-floor test-colab notebooks: export OMP_NUM_THREADS = 1
NBVAL := --nbval --nbval-current-env --nbval-cell-timeout 300
test: test-modules test-notebooks ## all tests, the notebooks among them

test-modules: $(READY)    ## the tests of the package
	$(BIN)/pytest -n auto

test-notebooks: $(READY)  ## the notebooks, compared with the outputs that they are stored with
	$(BIN)/pytest -n auto --dist loadscope $(NBVAL) notebooks

CHECKED := augment bidirectional decoder distance encoder engines geometry masks matching method model objective packaging \
           region_of_interest templates tracker
check: $(READY)           ## the quick tests, which hold the method: within a minute on two cores
	$(BIN)/pytest -n auto $(CHECKED:%=tests/test_%.py)

mutations: $(READY)       ## that the quick tests notice faults put into the method on purpose: six to ten minutes
	$(BIN)/python -m tools.mutations $(CHECKED:%=tests/test_%.py)

FAULTS := "the maximum before the weight in best_match" "no distance score" "short and long inertia swapped"
mutations-lessons: $(READY) ## that three lessons notice each of three faults: six to ten minutes
	$(BIN)/python -m tools.mutations notebooks/02*.ipynb notebooks/03*.ipynb notebooks/04*.ipynb --faults $(FAULTS) --least 3

test-browser: $(READY)    ## lessons and the page in a real browser; SCREENSHOTS=FOLDER keeps pictures of the inspectors
	.ci/install-chromium
	if $(MAKE) --silent web-packages; then $(MAKE) web; else echo "without npm's packages the page is tested as it was built, if it was"; fi
	$(BIN)/pytest tests_browser $(if $(SCREENSHOTS),--screenshots $(SCREENSHOTS))

# In an environment of its own (7 GB): the quick tests of what lessons use, and a lesson with an inspector
FLOOR  := .venv-floor/bin
TESTED := aggregation_inspector augment augmentation_inspector annotations cli distance* drawing engines history inspector masks \
          matching metrics model template* timeline tracker video viz_*
test-floor:               ## the oldest releases that pyproject.toml promises to work with
	@$(call recent,$(FLOOR))
	test -x $(FLOOR)/python || $(PYTHON) -m venv .venv-floor
	$(FLOOR)/python -m pip install --quiet --upgrade pip
	$(FLOOR)/python -m pip install --quiet -c tests/floor.txt -e '.[course,onnx]' --group test
	$(FLOOR)/pytest -W ignore::DeprecationWarning $(TESTED:%=tests/test_%.py)
	$(FLOOR)/pytest $(NBVAL) notebooks/03_templates.ipynb

# In an environment of its own (6 GB): the wheel's set-up cell, then lessons in a folder without the repository
COLAB  := .venv-colab/bin
IN     := build/colab
LESSONS := 06_training 07_davis_evaluation 00_quickstart
test-colab: wheel         ## lessons from the wheel with Colab's releases and a stand-in for Drive: needs python3.13
	test -x $(COLAB)/python || python3.13 -m venv .venv-colab
	$(COLAB)/python -m pip install --quiet -c tests/colab/versions.txt torch torchvision numpy ipywidgets ipython ipykernel nbval
	$(COLAB)/python -m pip uninstall --quiet --yes tbd_lib
	rm -rf $(IN) && mkdir -p $(IN)
	cp dist/*.whl $(LESSONS:%=notebooks/%.ipynb) $(IN)
	cd $(IN) && PATH=$(abspath $(COLAB)):$$PATH jupyter execute $(firstword $(LESSONS)).ipynb
	$(COLAB)/python -m pip check
	cd $(IN) && PYTHONPATH=$(CURDIR)/tests/colab PATH=$(abspath $(COLAB)):$$PATH pytest -p no:cacheprovider $(NBVAL) -c /dev/null $(LESSONS:%=%.ipynb)

web-packages:
	cd web && npm ci --ignore-scripts --no-audit --no-fund

web: $(READY) web-packages ## the page that tracks in a browser tab, in web/dist: needs Node.js 20 or newer
	$(BIN)/python -m tools.web_models
	cd web && npm run build

serve-web:                ## that page on this machine, with the headers that it wants
	$(BIN)/python -m tools.serve_web

lab: $(READY)             ## the lessons in JupyterLab
	$(BIN)/jupyter lab notebooks

lint: $(READY)            ## style and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyright
	$(BIN)/pyright -p .ci/pyright-strict.json

# In an environment of its own, without PyTorch: lessons are not run, and the package is read, not imported
DOCS := .venv-docs/bin
docs: .venv-docs/.ready   ## the site: lessons, pages and reference, in build/site
	rm -rf build/pages build/doctrees build/site
	mkdir -p build/pages/web
	cp -R README.md CONTRIBUTING.md CHANGELOG.md docs notebooks site/*.md build/pages
	cp web/README.md build/pages/web
	$(DOCS)/sphinx-build -q -W --keep-going -j auto -d build/doctrees -c site $(if $(wildcard web/dist),-t try) build/pages build/site
	$(if $(wildcard web/dist),cp -R web/dist build/site/try)
	$(DOCS)/python -m tools.check_site build/site

.venv-docs/.ready: pyproject.toml
	test -x $(DOCS)/python || $(PYTHON) -m venv .venv-docs
	$(DOCS)/python -m pip install --quiet --upgrade pip
	$(DOCS)/python -m pip install --quiet --group docs
	touch $@

notebooks: $(READY)       ## put the exercises into the lessons, run all notebooks and store their outputs
	$(BIN)/python -m tools.run_notebooks

# DATA holds the folders that tools/ablations names; features, weights and scores so far lie in runs/ablations
DATA ?= ../shared/data
ablations: $(READY)       ## train heads without each of the paper's ideas and score them: results/ablations.json
	OMP_NUM_THREADS=1 $(BIN)/python -m tools.ablations --coco-root $(DATA)/COCO --davis-root $(DATA)/DAVIS_train \
	  --pictures $(DATA)/images/cats $(DATA)/images/ccp --test-root $(DATA)/DAVIS \
	  --clips $(DATA)/clips/pumavos $(DATA)/clips/ytvos_opn $(DATA)/clips/sbi

wheel: $(READY)           ## the package in one file, with data, results and solutions: dist/tbd_lib-*.whl
	rm -rf build/lib build/bdist.* dist/*.whl
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

# Both are read from the command line only, not from the environment. Without REPOSITORY what is set is written again, for
# instance after a merge; with an empty one no address is named any more.
option = $(if $(findstring command,$(origin $(1))),--$(2) '$($(1))')
publish: $(READY)         ## write where the project lives: REPOSITORY=https://github.com/OWNER/NAME TAG=v1.0
	$(BIN)/python -m tools.publish $(call option,REPOSITORY,repository) $(call option,TAG,tag)

clean:
	rm -rf $(VENV) .venv-floor .venv-colab .venv-docs build dist *.egg-info

# pip 25.1 or newer knows dependency groups. torch and torchvision are named first, without bounds, so that pip takes
# a pair of releases that fit each other.
$(READY): pyproject.toml
	@$(call recent,$(BIN))
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet torch torchvision
	$(BIN)/python -m pip install --quiet -e '.[all]' --group dev
	touch $(READY)
