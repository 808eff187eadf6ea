"""The randomization check: what it compares, whom it fails, and that nothing of it stays behind."""

from __future__ import annotations

import random
import warnings
from dataclasses import dataclass, replace
from typing import ClassVar

import attribution_nets as nets
import keras
import numpy as np
import pytest
from keras import layers as L
from keras import ops
from logs import event
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

import tb_activations as tba
from tb_activations.record.checks import CHECK_TAG, read_check
from tb_activations.record.metadata import parse_metadata
from tb_activations.record.values import WholeRecord
from tb_activations.training.attribution.methods import METHODS
from tb_activations.training.attribution.ranks import rank_correlation


@pytest.fixture(autouse=True)
def same_weights():
    keras.utils.set_random_seed(5)


def values_of(model) -> list[np.ndarray]:
    return [np.array(ops.convert_to_numpy(one.value)) for one in model.variables]


def same(before, after) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def test_rank_correlation_is_pearsons_of_ranks_that_ties_share():
    """By hand: the order counts alone, and what has no order has no correlation."""
    one = np.array([[1.0, 5, 2, 80], [1, 2, 2, 4], [1, 2, 3, 4], [7, 7, 7, 7], [np.nan, 1, 2, 3]])
    other = np.array([[0.1, 0.3, 0.2, 0.4], [4, 3, 2, 1], [1, 3, 2, 4], [1, 2, 3, 4], [1, 2, 3, 4]])
    found = rank_correlation(one, other)
    assert np.allclose(found[:3], [1, -4.5 / np.sqrt(4.5 * 5), 0.8], atol=1e-15)
    assert np.isnan(found[3:]).all()


@dataclass(frozen=True)
class Edges:
    """A map of the picture alone, as an edge detector's; and what the weights were meanwhile."""

    name: ClassVar[str] = "edges"
    usual_baseline: ClassVar = None
    chooses_points: ClassVar[bool] = False
    at_positions: ClassVar[bool] = False
    seen: ClassVar[list] = []
    model: ClassVar = None
    fails_at: ClassVar[int] = -1

    def passes(self, _) -> int:
        return 1

    def explain(self, question):
        maps, values = question.once()
        self.seen.append(values_of(self.model) if self.model is not None else [])
        if len(self.seen) == self.fails_at:
            raise ZeroDivisionError("at this stage")
        return replace(maps, values=values)


@pytest.fixture
def edges(monkeypatch):
    monkeypatch.setitem(METHODS, "edges", Edges)
    monkeypatch.setattr(Edges, "seen", [])
    return Edges


def test_a_method_that_ignores_weights_fails_and_gradients_pass(edges):
    """Whatever the weights are, its maps are the same: 1 at every stage, signed and absolute."""
    found = tba.randomization_check(
        nets.smooth(), 2 * nets.real(6, 6, 5, 2), ["edges", "gradients"]
    )
    assert found.stages == (("out",), ("dense",), ("conv",))
    assert found.verdicts == {"edges": "fails", "gradients": "passes"}
    same_maps, gradients = found.methods.values()
    assert np.allclose(same_maps.signed, 1) and np.allclose(same_maps.absolute, 1)
    assert gradients.signed.shape == gradients.absolute.shape == (3, 1, 6)
    assert np.abs(gradients.signed[-1]).mean() < 0.4


def test_a_map_without_an_order_is_not_judged():
    """Zero everywhere, since the score does not depend on the input."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = tba.randomization_check(
            nets.smooth(), nets.real(2, 6, 5, 2), "gradients", lambda y: ops.sum(0 * y, axis=1)
        )
    assert found.verdicts == {"gradients": "cannot be told"}
    assert "–/–" in str(found)
    assert found.to_dict()["methods"]["gradients"]["signed"][0] == [[None, None]]


def branched():
    """A shared layer, a nested model, normalisation in both senses, and a layer that never runs."""
    i = keras.Input((6,))
    shared = L.Dense(6, "tanh", name="shared")
    parts = [keras.Input((6,)), L.Dense(5, name="d"), L.BatchNormalization(name="bn")]
    inner = keras.Sequential(parts, name="inner")
    scaled = L.Normalization(mean=np.arange(6.0), variance=np.arange(1, 7.0), name="scaled")
    x = shared(shared(scaled(i)))
    return keras.Model(i, L.Dense(3, activation="softmax", name="out")(inner(x)))


@pytest.mark.parametrize("weights", ["permuted", "redrawn"])
def test_all_weights_are_random_in_the_end_one_layer_after_another(edges, monkeypatch, weights):
    """From the output down; values stay an array's own, or are like them; data's figures stay."""
    model = branched()
    monkeypatch.setattr(Edges, "model", model)
    for one in model.variables:
        one.assign(np.abs(nets.real(*one.shape, seed=len(one.shape))) + 0.1)
    before = values_of(model)
    found = tba.randomization_check(
        model, nets.real(4, 6), "edges", 1, weights=weights, stages=None
    )
    assert found.stages == (("out",), ("inner/bn",), ("inner/d",), ("shared",))
    paths = [one.path.split("/")[-2] for one in model.variables]
    changed = [
        {path for path, a, b in zip(paths, before, now, strict=True) if not np.array_equal(a, b)}
        for now in edges.seen
    ]
    assert changed == [set(), {"out"}, {"out", "bn"}, {"out", "bn", "d"},
                       {"out", "bn", "d", "shared"}]  # fmt: skip
    for a, b in zip(before, edges.seen[-1], strict=True):
        assert (b > 0).all() or weights == "permuted"
        assert np.array_equal(np.sort(a, None), np.sort(b, None)) or weights == "redrawn"
    assert same(before, values_of(model))


def test_few_stages_share_the_layers_and_begin_with_the_last(edges):
    """The output's layer by itself; all of them in the end."""
    found = tba.randomization_check(nets.flat(), nets.real(2, 16, 16, 3), "edges", 1, stages=3)
    assert found.stages == (("out",), ("dense1", "conv2"), ("conv1",))
    whole = tba.randomization_check(nets.flat(), nets.real(2, 16, 16, 3), "edges", 1, stages=1)
    assert whole.stages == (("out", "dense1", "conv2", "conv1"),)


def test_nothing_stays_behind_after_an_exception_either(edges, monkeypatch):
    """Weights to the bit, layers' seeds, and the generators of NumPy and Python."""
    model = keras.Sequential([keras.Input((6,)), L.Dense(8, "relu"), L.Dropout(0.5), L.Dense(3)])
    model(np.zeros((1, 6), "float32"))
    model.variables[0].assign(np.full((6, 8), -0.0))
    before, states = values_of(model), (np.random.get_state()[1].copy(), random.getstate())
    signs = np.signbit(before[0]).copy()
    monkeypatch.setattr(Edges, "fails_at", 3)
    with pytest.raises(ZeroDivisionError, match="at this stage"):
        tba.randomization_check(model, nets.real(3, 6), ["edges"], 1, trials=2)
    tba.randomization_check(model, nets.real(3, 6), "smooth_grad", 1, seed=3)
    assert same(before, values_of(model))
    assert np.array_equal(np.signbit(values_of(model)[0]), signs)
    assert np.array_equal(np.random.get_state()[1], states[0])
    assert random.getstate() == states[1]


def test_the_seed_says_it_all_and_targets_stay():
    """Two calls agree, another seed differs; `top2` has a correlation for each class."""
    model, x = nets.smooth(), nets.real(3, 6, 5, 2)
    one, again, other = (
        tba.randomization_check(model, x, "gradients", "top2", seed=seed, trials=2).methods
        for seed in (0, 0, 1)
    )
    assert one["gradients"].signed.shape == (3, 2, 3, 2)
    assert np.array_equal(one["gradients"].signed, again["gradients"].signed)
    assert not np.array_equal(one["gradients"].signed, other["gradients"].signed)


def test_every_method_that_runs_is_taken_unless_some_are_named():
    """What refuses the model is left out with its sentence; named, it raises that."""
    model, x = nets.linear(), nets.real(2, 4, 5, 3)
    found = tba.randomization_check(model, x, stages=1)
    assert {"grad_cam", "guided_smooth_grad"} <= set(found.left_out)
    assert [*found.methods, *found.left_out] and set(METHODS) == {*found.methods, *found.left_out}
    table = str(found).splitlines()
    assert table[0].split() == ["method", "1", "likeness", "verdict"]
    assert any(line.startswith("left out: grad_cam: ") for line in table)
    markdown = found.to_markdown().splitlines()
    assert markdown[0] == "| method | out | likeness | verdict |"
    assert len(markdown) == 2 + len(found.methods)
    with pytest.raises(ValueError, match="grad_cam"):
        tba.randomization_check(model, x, ["gradients", "grad_cam"])


@pytest.mark.parametrize(
    ("argument", "value", "kind", "said"),
    [
        ("weights", "zero", ValueError, "may be 'permuted' or 'redrawn'"),
        ("stages", 0, ValueError, "whole number above 0"),
        ("trials", 1.5, ValueError, "whole number above 0"),
        ("threshold", 2, ValueError, "above 0 and at most 1"),
        ("methods", [], ValueError, "methods is empty"),
        ("methods", 3, TypeError, "methods is 3; it may be None"),
        ("methods", ["graddients"], ValueError, "no method 'graddients'"),
        ("step", -1, ValueError, "step is -1"),
        ("step", 1.5, TypeError, "step is 1.5"),
        ("log_dir", 3, TypeError, "log_dir is 3"),
    ],
)
def test_an_argument_that_cannot_be_is_refused(tmp_path, argument, value, kind, said):
    """The sentence names it and what is accepted, before anything is computed."""
    given = {"log_dir": tmp_path, argument: value}
    with pytest.raises(kind, match=said):
        tba.randomization_check(None, nets.real(2, 4), **given)


def test_a_model_without_weights_is_refused():
    """There is nothing that could be made random."""
    model = keras.Sequential([keras.Input((4,)), L.Activation("softmax")])
    with pytest.raises(ValueError, match="model has no weights"):
        tba.randomization_check(model, nets.real(2, 4), "gradients")


def test_the_log_says_it_at_its_last_step_and_hides_nothing(tmp_path, edges):
    """A hidden tag a method, with its options, its layer, the verdict and figures."""
    model, x = nets.pooled(), nets.real(3, 9, 7, 3)
    with tba.EventWriter(tmp_path) as writer:
        writer.write(event("conv", 7, x))
    methods = ["grad_cam", tba.AttributionMethod("lrp", gamma=float("inf")), "edges"]
    found = tba.randomization_check(model, x, methods, 1, log_dir=tmp_path)
    records = [
        (one.step, value)
        for path in tmp_path.glob("*tfevents*")
        for one in EventFileLoader(str(path)).Load()
        for value in one.summary.value
        if value.tag.startswith(CHECK_TAG)
    ]
    assert [value.tag for _, value in records] == [CHECK_TAG + name for name in found.methods]
    assert {step for step, _ in records} == {7}
    metadata = [parse_metadata(value.metadata.plugin_data.content) for _, value in records]
    assert {one.kind for one in metadata} == {"run"}
    checks = [read_check(WholeRecord(list(value.tensor.string_val))) for _, value in records]
    assert [one.verdict for one in checks] == list(found.verdicts.values())
    assert checks[0].layer == "conv" and checks[0].parameters == {"relu": False}
    assert checks[1].layer is None and checks[1].parameters["gamma"] == "inf"
    assert checks[2].likeness == 1 and checks[2].stages == found.stages
