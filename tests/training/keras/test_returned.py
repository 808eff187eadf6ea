"""What a Keras model returns is told in the trace that becomes the pass, and in a plain pass."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers as L

from tb_activations.training.classifiers import Loss
from tb_activations.training.keras.endings import noting
from tb_activations.training.keras.forward import build, knowing
from tb_activations.training.keras.passes import scouted_pass
from tb_activations.training.keras.returned import loss_of
from tb_activations.training.keras.rows import Rows
from tb_activations.training.selection import Returned, Selection

X = keras.ops.convert_to_tensor(np.random.default_rng(0).random((4, 6)).astype("float32"))


class Subclassed(keras.Model):
    """Its softmax is an operation of its own."""

    def __init__(self, logits=False):
        super().__init__()
        self.hidden, self.out, self.logits = (
            L.Dense(5, name="hidden"),
            L.Dense(3, name="out"),
            logits,
        )

    def call(self, x):
        values = self.out(self.hidden(x))
        return {"logits": values, "hidden": self.hidden(x)} if self.logits else [
            keras.ops.softmax(values), None,
        ]  # fmt: skip


def functional():
    first = keras.Input((6,))
    hidden = L.Dense(5, name="hidden")(first)
    yes = L.Dense(1, activation="sigmoid", name="yes")(hidden)
    return keras.Model(first, [L.Softmax(name="kind")(L.Dense(3, name="out")(hidden)), yes])


MODELS = {
    "fused": (
        lambda: keras.Sequential([L.Dense(3, activation="softmax", name="out")]),
        {"out": Returned("", "softmax")},
    ),
    "logits": (lambda: keras.Sequential([L.Dense(3, name="out")]), {"out": Returned("")}),
    "log softmax": (
        lambda: keras.Sequential([L.Dense(3), L.Activation("log_softmax", name="out")]),
        {"out": Returned("", "log_softmax")},
    ),
    "several": (
        functional,
        {"kind": Returned(".0", "softmax"), "yes": Returned(".1", "sigmoid")},
    ),
    "a dict": (
        lambda: Subclassed(logits=True),
        {"out": Returned(".logits"), "hidden:2": Returned(".hidden")},
    ),
}


@pytest.mark.parametrize("plain", [False, True], ids=["traced", "plain"])
@pytest.mark.parametrize("name", MODELS)
def test_what_is_returned_and_what_made_it(name, plain):
    make, expected = MODELS[name]
    assert returned(make(), plain) == expected


def test_logits_before_a_softmax_that_is_no_layer():
    """Asked for alone, they are what the softmax was given."""
    assert returned(Subclassed(), False, "out") == {"out": Returned(".0", "softmax", before=True)}


def returned(model, plain, layers=None):
    found = []

    def plan(entries):
        found.extend(entries)
        return ()

    build(model, X)
    selection = knowing(Selection(layers), model)
    with noting():
        scouted_pass(model, X, selection, plan, Rows(model, X), plain)
    return {entry.name: entry.returned for entry, _ in found if entry.returned}


def own(y, p):
    return keras.ops.mean(y - p)


@pytest.mark.parametrize(
    ("loss", "part", "expected"),
    [
        ("sparse_categorical_crossentropy", "", Loss("categorical")),
        (keras.losses.CategoricalCrossentropy(from_logits=True), "", Loss("categorical", True)),
        (keras.losses.BinaryCrossentropy(from_logits=True), "", Loss("binary", True)),
        (keras.losses.categorical_crossentropy, "", Loss("categorical")),
        ("mse", "", Loss("other")),
        (own, "", None),
        (None, "", None),
        ({"a": "mse", "b": "binary_crossentropy"}, ".b", Loss("binary")),
        ([None, "mse"], ".1", Loss("other")),
    ],
)  # fmt: skip
def test_what_a_loss_takes_its_values_for(loss, part, expected):
    model = keras.Sequential([L.Dense(3)])
    model.loss = loss
    assert loss_of(model, part) == expected
