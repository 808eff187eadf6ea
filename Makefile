# One word for each thing one does here; the scripts do the work and their own set-up.
.PHONY: demo dev quick fix test anywhere lint bench soak bundle ci

demo: ## train the demo and open TensorBoard on it
	bash demo/run.sh

dev: ## TensorBoard on the demo, the dashboard built anew at each change
	bash scripts/dev.sh

quick: ## Vitest, and every test that needs neither TensorFlow nor a browser
	bash scripts/quick.sh

fix: ## what ruff and Biome can mend by themselves
	bash scripts/fix.sh

test: ## pytest, browser tests included, and Vitest
	bash tests/run.sh

ci: ## what has to pass before a merge: lint, types, bundle, tests
	bash .ci/run

anywhere: ## the tests on a busy machine, and on one with another font
	bash scripts/anywhere.sh

lint: ## ruff, mypy, vulture, Biome, tsc and knip
	bash scripts/lint.sh

bundle: ## build the dashboard into tb_activations/static
	bash scripts/bundle.sh

bench: ## the short benchmarks, into docs/benchmarks.md
	bash benchmarks/run.sh

soak: ## the long counts of the reliability tests, into docs/reliability.md
	bash scripts/soak.sh
