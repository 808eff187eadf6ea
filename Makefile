# One word for each thing one does here; the scripts do the work and their own set-up.
.PHONY: demo test lint bench soak bundle ci

demo: ## train the demo and open TensorBoard on it
	bash demo/run.sh

test: ## pytest, browser tests included, and Vitest
	bash tests/run.sh

ci: ## what has to pass before a merge: lint, types, bundle, tests
	bash .ci/run

lint: ## ruff, mypy, Biome and tsc
	bash scripts/lint.sh

bundle: ## build the dashboard into tb_activations/static
	bash scripts/bundle.sh

bench: ## the short benchmarks, into docs/benchmarks.md
	bash benchmarks/run.sh

soak: ## the long counts of the reliability tests, into docs/reliability.md
	bash scripts/soak.sh
