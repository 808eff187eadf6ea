"""What an update writes within a byte budget: as much as fits, found without trying every plan."""

from __future__ import annotations

import functools
import random
import sys
from dataclasses import replace

import numpy as np
import pytest

from tb_activations.record.options import kept_channels
from tb_activations.training.plan import Plan, layer_plan

STEPS = 1000


class Search:
    """The plan by trial of every thousandth: first of both, then of the channels alone."""

    def __init__(self, plan):
        self.plan = plan
        steps = range(1, STEPS + 1)
        self.layers = [tuple(narrowed(one, i / STEPS) for one in plan.layers) for i in steps]
        self.size = functools.cache(lambda *fractions: self.scaled(*fractions).bytes)

    def scaled(self, examples, channels, whole):
        kept = max(1, int(self.plan.examples * (examples / STEPS)))
        pairs = enumerate(zip(self.plan.layers, self.layers[channels - 1], strict=True))
        layers = tuple(full if i in whole else fewer for i, (full, fewer) in pairs)
        return Plan(layers, kept, self.plan.precision)

    def whole(self, budget):
        """The most of the smallest layers whose values take a tenth of the budget together."""
        size = 2 if self.plan.precision == "float16" else 4
        values = [layer.values(self.plan.examples) * size for layer in self.plan.layers]
        order = sorted(range(len(values)), key=lambda i: values[i])
        counts = range(len(order) + 1)
        most = max(n for n in counts if sum(values[i] for i in order[:n]) <= budget * 0.1)
        whole = frozenset(order[:most])
        return whole if self.size(1, 1, whole) <= budget else frozenset()

    def within(self, budget):
        if self.plan.bytes <= budget:
            return self.plan
        whole = self.whole(budget)
        both = max((i for i in range(1, STEPS) if self.size(i, i, whole) <= budget), default=1)
        wider = [i for i in range(1, STEPS + 1) if self.size(both, i, whole) <= budget]
        return self.scaled(both, max(wider, default=1), whole)


def narrowed(layer, fraction):
    if fraction >= 1 or not layer.kept_channels:
        return layer
    return _narrowed(layer, max(1, int(layer.kept_channels * fraction)))


@functools.cache
def _narrowed(layer, wanted):
    every = range(layer.channels) if layer.channel_ids is None else layer.channel_ids
    chosen = kept_channels(len(every), wanted)
    if chosen is None:
        return layer
    return replace(layer, channel_ids=tuple(int(i) for i in np.asarray(every)[list(chosen)]))


def any_plan(rng):
    """One to three layers of rank 2 to 5, with few channels and with many, cut and uncut."""
    layers = []
    for order in range(rng.randint(1, 3)):
        spatial = [rng.randint(1, 9) for _ in range(rng.randint(0, 3))]
        channels = rng.choice([0, 1, 2, 3, 7, 16, rng.randint(1, 40)])
        ceiling = rng.choice([None, None, 1, 5, 30])
        shape = (32, *spatial, channels)
        layers.append(layer_plan(f"layer{order}", order, shape, False, ceiling))
    return Plan(tuple(layers), rng.randint(1, 40), rng.choice(["float16", "float32"]))


@pytest.mark.parametrize("seed", range(10))
def test_bisection_finds_the_plan_that_trial_of_all_finds(seed):
    """Over random layers and budgets, from ones that nothing meets to ones that all meet."""
    rng = random.Random(seed)
    for _ in range(25):
        plan = any_plan(rng)
        search = Search(plan)
        smallest = search.within(0).bytes
        for budget in (rng.randint(1, plan.bytes), rng.randint(smallest, plan.bytes), plan.bytes):
            found = plan.within(budget)
            assert found == search.within(budget)
            assert found.bytes <= budget or found.bytes == smallest


def test_the_work_of_planning_does_not_grow_with_the_plans_that_there_are():
    """150 layers of 512 channels: some calls for each, not 2,000 plans of them."""
    layers = [layer_plan(f"layer{i}", i, (32, 7, 7, 512), False, None) for i in range(150)]
    plan, calls = Plan(tuple(layers), 4, "float16"), 0

    def count(frame, event, argument):
        nonlocal calls
        calls += event == "call"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        found = plan.within(16 << 20)
    finally:
        sys.setprofile(before)
    kept = sum(layer.kept_channels for layer in found.layers)
    assert 150 < kept < 150 * 512
    assert calls < 200 * len(layers) + 3 * kept


def test_a_network_that_must_lose_channels_loses_no_class():
    """Maps over the budget beside 1,000 classes: the maps lose channels, the answers none."""
    shapes = [(16, 56, 56, 256)] * 40 + [(16, 1, 1, 2048), (16, 2048), (16, 1000)]
    layers = [layer_plan(f"layer{i}", i, shape, False, None) for i, shape in enumerate(shapes)]
    found = Plan(tuple(layers), 4, "auto").within(16 << 20)
    assert found.bytes <= 16 << 20
    assert all(layer.kept_channels < 256 for layer in found.layers[:40])
    assert [layer.channel_ids for layer in found.layers[40:]] == [None] * 3
