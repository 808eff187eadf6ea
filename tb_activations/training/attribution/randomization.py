"""`randomization_check`: do a method's maps depend on what the network has learnt?

Weights are made random layer by layer, from the output down, and each method's maps of the same
targets are compared with those of the weights as they are (J. Adebayo et al., Sanity checks for
saliency maps, 2018, arXiv:1810.03292). Weights are put back to the bit.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from tb_activations.training.attribution.attribute import (
    asked_as,
    examples_of,
    explain,
    explained_of,
)
from tb_activations.training.attribution.attribution import Attribution
from tb_activations.training.attribution.check_log import check_destination, write_checks
from tb_activations.training.attribution.checked import WEIGHTS, CheckedMethod, RandomizationCheck
from tb_activations.training.attribution.framework import Explained, LayerWeights
from tb_activations.training.attribution.methods import METHODS, AttributionMethod
from tb_activations.training.attribution.options import check_count
from tb_activations.training.attribution.ranks import rank_correlation
from tb_activations.training.attribution.targets import Target, parsed
from tb_activations.training.batch import Batch, leaves

STAGES = 8
THRESHOLD = 0.5


def randomization_check(
    model: Any,
    x: Any,
    methods: Any = None,
    target: Any = None,
    *,
    weights: str = "permuted",
    stages: int | None = STAGES,
    trials: int = 1,
    threshold: float = THRESHOLD,
    seed: int = 0,
    batch_size: int = 32,
    log_dir: Any = None,
    step: int | None = None,
) -> RandomizationCheck:
    """Whether maps change where the weights are made random, layer by layer from the output down.

    A method whose maps stay as they are shows something else than what the network has learnt, such
    as edges of the picture. The model's weights are the same to the bit afterwards, after an
    exception, too, and no generator of random numbers has moved.

    Args:
      model, x, batch_size: as `attribute` takes them.
      methods: a name or `AttributionMethod`, or a list of them; None for every method that runs on
        this model, `left_out` naming the others.
      target: as in `attribute`. The class predicted is that of the weights as they are, throughout.
      weights: "permuted", each array's values in another order, or "redrawn" from a normal
        distribution of each array's mean and deviation (its magnitude, where none of them is
        negative).
      stages: so many steps from the output down to the input at most, each with the layers above it
        random, too; None for one a layer.
      trials: how often weights are drawn anew.
      threshold: from which mean correlation on a method fails, see `RandomizationCheck.verdicts`.
      seed: of the weights, and of the noise that methods add, which stays the same.
      log_dir: a run's directory, or a `SummaryWriter`, into which the outcome is written, so that
        the tab says it beside maps of the same method, options and layer.
      step: of the log, to which the weights belong; None for the last one that it holds, or 0.

    Raises:
      TypeError, ValueError: what `attribute` refuses, or a model without weights.
    """
    _check(weights, stages, trials, threshold, batch_size)
    directory = None if log_dir is None else check_destination(log_dir, step)
    asked = [asked_as(one, target, None, None, "logit", {}) for one in _listed(methods)]
    batch = examples_of(x, *(one.target for one in asked))
    subjects, left_out = _subjects(model, x, batch, asked, methods is None, (seed, batch_size))
    groups = _groups(subjects[0].explained.weights(), stages)
    tables = _compared(subjects, groups, weights, trials, seed)
    found = RandomizationCheck(
        methods=dict(zip(_names(subjects), map(_checked, subjects, tables), strict=True)),
        stages=tuple(tuple(one.layer for one in group) for group in groups),
        weights=weights,
        threshold=float(threshold),
        left_out=left_out,
    )
    if directory is not None:
        write_checks(directory, found, step)
    return found


@dataclass(frozen=True)
class _Subject:
    """A method with its target fixed, and its maps with the weights as they are."""

    asked: AttributionMethod
    target: Target
    explained: Explained
    before: Attribution
    inputs: Any
    settings: tuple[int, int]  # seed, batch_size

    def again(self) -> Attribution:
        seed, size = self.settings
        return explain(
            self.explained, self.inputs, self.asked, self.target, seed=seed, batch_size=size
        )


def _check(weights: Any, stages: Any, trials: Any, threshold: Any, batch_size: Any) -> None:
    if weights not in WEIGHTS:
        raise ValueError(f"weights is {weights!r}; it may be {' or '.join(map(repr, WEIGHTS))}")
    if stages is not None:
        check_count("stages", stages)
    check_count("trials", trials)
    check_count("batch_size", batch_size)
    number = isinstance(threshold, int | float) and not isinstance(threshold, bool)
    if not number or not 0 < threshold <= 1:
        raise ValueError(f"threshold is {threshold!r}; it must be above 0 and at most 1")


def _listed(methods: Any) -> list[Any]:
    if methods is None:
        return list(METHODS)
    if isinstance(methods, str | AttributionMethod):
        return [methods]
    if not isinstance(methods, Iterable) or isinstance(methods, dict):
        raise TypeError(
            f"methods is {methods!r}; it may be None, a name ({', '.join(map(repr, METHODS))}), a "
            "tba.AttributionMethod, or a list of them"
        )
    listed = list(methods)
    if not listed:
        raise ValueError("methods is empty; None is for every method that runs on the model")
    return listed


def _subjects(
    model: Any,
    x: Any,
    batch: Batch,
    asked: Sequence[AttributionMethod],
    all_of_them: bool,
    settings: tuple[int, int],
) -> tuple[list[_Subject], dict[str, str]]:
    """What is checked, and of all methods those that refuse this model, with their sentences."""
    known: dict[Any, Explained] = {}
    found: list[_Subject] = []
    left_out: dict[str, str] = {}
    for one in asked:
        wanted = parsed(one.target, len(batch), batch.labels)
        key = one.output, wanted.function
        if key not in known:
            known[key] = explained_of(model, x, batch, one.output, wanted)
        wanted.check(known[key].survey)
        try:
            before = explain(known[key], batch.inputs, one, wanted,
                             seed=settings[0], batch_size=settings[1])  # fmt: skip
        except ValueError as e:
            if not all_of_them:
                raise
            left_out[one.method] = str(e)
            continue
        target = Target(before.target, function=wanted.function)  # the class predicted stays
        if one.make().chooses_points and one.layer is None:
            one = asked_as(one, None, before.of[0], None, "logit", {})
        found.append(_Subject(one, target, known[key], before, batch.inputs, settings))
    if not found:
        raise ValueError(f"no method runs on this model: {next(iter(left_out.values()))}")
    return found, left_out


def _names(subjects: Sequence[_Subject]) -> tuple[str, ...]:
    """Of the methods, each its own."""
    used: dict[str, int] = {}
    names = []
    for one in subjects:
        name = one.asked.method
        used[name] = used.get(name, 0) + 1
        names.append(name if used[name] == 1 else f"{name}:{used[name]}")
    return tuple(names)


def _groups(layers: Sequence[LayerWeights], stages: int | None) -> list[list[LayerWeights]]:
    """Which layers become random at each stage, from the output down; the last one at the first."""
    if not layers:
        raise ValueError(
            "model has no weights that could be made random: there is nothing that maps could show"
        )
    turned = list(reversed(layers))
    count = len(turned) if stages is None else min(stages, len(turned))
    if count == 1:
        return [turned]
    rest = np.array_split(np.arange(1, len(turned)), count - 1)
    return [turned[:1], *([turned[i] for i in part] for part in rest)]


def _compared(
    subjects: Sequence[_Subject],
    groups: Sequence[Sequence[LayerWeights]],
    weights: str,
    trials: int,
    seed: int,
) -> list[np.ndarray]:
    """Of each method float64 `[2, stages, trials, maps]`: signed values, and magnitudes."""
    originals = [_rows(one.before) for one in subjects]
    tables = [np.zeros((2, len(groups), trials, len(one))) for one in originals]
    for trial in range(trials):
        random = np.random.default_rng([seed, trial])
        with _put_back([one for group in groups for one in group]):
            for stage, group in enumerate(groups):
                for layer in group:
                    layer.write([_random(one, weights, random) for one in layer.read()])
                for table, original, maps in zip(tables, originals, _maps(subjects), strict=True):
                    table[0, stage, trial] = rank_correlation(original, maps)
                    table[1, stage, trial] = rank_correlation(np.abs(original), np.abs(maps))
    return tables


def _checked(subject: _Subject, table: np.ndarray) -> CheckedMethod:
    shape = (*table.shape[1:3], *subject.before.score.shape)
    return CheckedMethod(
        subject.asked, subject.before.layer, table[0].reshape(shape), table[1].reshape(shape)
    )


def _maps(subjects: Sequence[_Subject]) -> Iterator[np.ndarray]:
    """`[maps, values]` of the weights as they are now."""
    for explained in {id(one.explained): one.explained for one in subjects}.values():
        if explained.independent is None:
            explained.refresh()
    for one in subjects:
        with warnings.catch_warnings():  # of a network that is random on purpose
            warnings.simplefilter("ignore")
            yield _rows(one.again())


def _rows(found: Attribution) -> np.ndarray:
    """`[maps, values]`: of each example and target, all values one after another."""
    count = int(np.prod(found.score.shape, dtype=np.int64))
    arrays = [np.asarray(one).reshape(count, -1) for one in leaves(found.values)]
    return np.concatenate(arrays, axis=1)


@contextmanager
def _put_back(layers: Sequence[LayerWeights]) -> Iterator[None]:
    """Leaves every weight as it is now."""
    before = [layer.read() for layer in layers]
    try:
        yield
    finally:
        for layer, arrays in zip(layers, before, strict=True):
            layer.write(arrays)


def _random(array: np.ndarray, weights: str, random: np.random.Generator) -> np.ndarray:
    """Values of the same kind in the same shape, which know nothing of what was learnt."""
    if weights == "permuted":
        return random.permutation(array.reshape(-1)).reshape(array.shape)
    drawn = random.normal(array.mean(dtype=np.float64), array.std(dtype=np.float64), array.shape)
    return (drawn if (array < 0).any() else np.abs(drawn)).astype(array.dtype)
