"""`deletion_insertion`: how fast the score falls, or comes, in the order of a map.

What a map values most is hidden first, or shown first (V. Petsiuk, A. Das, K. Saenko, RISE, 2018,
arXiv:1806.07421), with random orders beside it: a map that is no better than those says nothing of
what the network uses.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tb_activations.training.attribution.attribute import examples_of, explained_of
from tb_activations.training.attribution.attribution import Attribution
from tb_activations.training.attribution.baselines import hidden_and_end
from tb_activations.training.attribution.curves import DeletionInsertion
from tb_activations.training.attribution.integrated_gradients import scores_of
from tb_activations.training.attribution.methods import check_output
from tb_activations.training.attribution.options import check_count
from tb_activations.training.attribution.ordered import in_order, maps_at, unit_values, with_units
from tb_activations.training.attribution.question import Question
from tb_activations.training.attribution.targets import parsed


def deletion_insertion(
    model: Any,
    x: Any,
    attribution: Any,
    target: Any = None,
    *,
    baseline: Any = None,
    steps: int = 20,
    orders: int = 5,
    output: str = "probability",
    seed: int = 0,
    batch_size: int = 32,
) -> DeletionInsertion:
    """The score while what a map values most is hidden, or shown, first.

    Args:
      model, x, batch_size: as `attribute` takes them.
      attribution: an `Attribution`, changed where it was taken (Grad-CAM's over the input); or an
        array `[n, …]`, of several targets `[n, k, …]`, for inputs nested as they are: with the
        channels of what it explains, which are added up, or without; a coarser map is enlarged.
      target: as in `attribute`; None for that of the `Attribution`, or the class predicted.
      baseline: what takes the place of what is hidden, as in `attribute`; None for the mean of each
        of the example's channels, or 0 where there are no positions.
      steps: into how many parts positions (or values, where there are none) are divided.
      orders: how many random orders stand beside the map's.
      output: "probability", or "logit"; where the model has neither, its outputs as they are.
      seed: of the random orders, and of the order of equal values.

    Returns:
      A `DeletionInsertion`: curves, areas under them, and those of the random orders.

    Raises:
      TypeError, ValueError: what cannot be asked of the model, or a map that does not fit.
    """
    for name, value in (("steps", steps), ("orders", orders), ("batch_size", batch_size)):
        check_count(name, value)
    check_output(output)
    if target is None and isinstance(attribution, Attribution):
        target = _target_of(attribution)
    batch = examples_of(x, target)
    wanted = parsed(target, len(batch), batch.labels)
    explained = explained_of(model, x, batch, output, wanted)
    points, maps = maps_at(explained, attribution)
    question = Question(
        explained, wanted, points, baseline=baseline, seed=seed, batch_size=batch_size
    )
    lead = (question.examples, question.targets) if wanted.several else (question.examples,)
    values = unit_values(points, maps, lead)
    random = np.random.default_rng(seed)
    mine = in_order(values, random)
    drawn = [random.permuted(mine, axis=1) for _ in range(orders)]
    counts = np.round(np.linspace(0, values.shape[1], steps + 1)).astype(np.int64)
    scores = _scores(question, np.stack([mine, *drawn]), counts)
    curves = scores.reshape(2, orders + 1, *lead, steps + 1)
    return DeletionInsertion(
        shares=counts / values.shape[1],
        deletion=curves[0, 0],
        insertion=curves[1, 0],
        random_deletion=curves[0, 1:],
        random_insertion=curves[1, 1:],
        output=output if explained.survey.ending else "value",
    )


def _target_of(attribution: Attribution) -> Any:
    if attribution.target is None:
        raise ValueError(
            "target is None, and the attribution is of a function's score: pass that function"
        )
    return attribution.target


def _scores(question: Question, orders: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """float64 `[2, orders, rows, counts]`: with the first so many units hidden, or shown alone."""
    start, end = hidden_and_end(question)
    scores_of(question, end)  # fixes the classes that are predicted
    places = np.argsort(orders, axis=-1)  # [orders, rows, units]: which in its order each unit is
    found = np.zeros((2, len(orders), len(question.rows), len(counts)))
    shape = found.shape[0], found.shape[1], found.shape[3]
    for rows, numbers in question.repeats(int(np.prod(shape))):
        kind, order, step = np.unravel_index(numbers, shape)
        early = places[order, rows] < counts[step][:, None]
        hidden = np.where(kind[:, None] == 0, early, ~early)
        before, after = ({p: one[p][rows] for p in one} for one in (start, end))
        put = with_units(question.points, before, after, hidden)
        found[kind, order, rows, step] = question.run(rows, put=put).scores
    return found
