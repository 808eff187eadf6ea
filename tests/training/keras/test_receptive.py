"""Receptive fields found by looking, against the formula on stacks of layers."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers as L
from logs import layer, write_run  # noqa: F401

import tb_activations as tba
from tb_activations.record.errors import RecordError
from tb_activations.record.run import RUN_TAG, Field, RunFacts, parse_facts, read_facts, run_blobs
from tb_activations.training.batch import Batch
from tb_activations.training.keras.look import KerasLook
from tb_activations.training.keras.passes import PlainPass
from tb_activations.training.plan import LayerPlan
from tb_activations.training.receptive import Input, fields_of_inputs

ONE = (0.0, 1.0, 1.0)


def windowed(before, kernel, stride=1, dilation=1, pad=0):
    """The formula of a convolution or pooling on one axis."""
    start, size, step = before
    return (start - pad * step, size + (kernel - 1) * dilation * step, step * stride)


def same(side, kernel, stride=1, dilation=1):
    """Zeros before an axis under padding "same"."""
    reach = (kernel - 1) * dilation + 1
    out = -(-side // stride)
    return max((out - 1) * stride + reach - side, 0) // 2


def upsampled(before, factor):
    """The least window that moves linearly and holds what nearest-neighbour upsampling sees."""
    start, size, step = before
    more = (factor - 1) * step / factor
    return (start - more, size + more, step / factor)


def conv(kernel, stride=1, padding="valid", dilation=1):
    return L.Conv2D(8, kernel, stride, padding=padding, dilation_rate=dilation)


SIDE = 32
STACKS = {
    "one": ([conv(3)], windowed(ONE, 3)),
    "same": ([conv(3, padding="same"), conv(5, padding="same")],
             windowed(windowed(ONE, 3, pad=1), 5, pad=2)),
    "even": ([conv(4, padding="same"), conv(2)],
             windowed(windowed(ONE, 4, pad=same(32, 4)), 2)),
    "stride": ([conv(3, 2, "same"), conv(3, padding="same")],
               windowed(windowed(ONE, 3, 2, pad=same(32, 3, 2)), 3, pad=1)),
    "dilation": ([conv(3, dilation=3), conv(3, dilation=2, padding="same")],
                 windowed(windowed(ONE, 3, dilation=3), 3, dilation=2, pad=2)),
    "pooling": ([conv(3, padding="same"), L.MaxPooling2D(2), conv(3), L.AveragePooling2D(3, 2)],
                windowed(windowed(windowed(windowed(ONE, 3, pad=1), 2, 2), 3), 3, 2)),
    "three strides": ([conv(3, 2), conv(3, 2), conv(3, 2, "same")],
                      windowed(windowed(windowed(ONE, 3, 2), 3, 2), 3, 2,
                               pad=same(7, 3, 2))),
    "stride 3": ([conv(5, 3), conv(1)], windowed(ONE, 5, 3)),
    "upsampling": ([conv(2, 2), L.UpSampling2D(2)], upsampled(windowed(ONE, 2, 2), 2)),
    "relu and batch norm": ([conv(3), L.BatchNormalization(), L.ReLU(), conv(3, padding="same")],
                            windowed(windowed(ONE, 3), 3, pad=1)),
}  # fmt: skip


def fields_of(model, x, names=("last",)):
    plans = tuple(
        LayerPlan(name, i, tuple(model.get_layer(name).output.shape[1:]))
        for i, name in enumerate(names)
    )
    look = KerasLook(model, Batch(x), plans)
    found = fields_of_inputs(plans, [Input("input", x)], look)
    return found.get("input", {})


def model_of(stack, side=SIDE):
    keras.utils.set_random_seed(1)
    first = keras.Input((side, side + 8, 3))
    value = first
    for one in stack:
        value = one(value)
    return keras.Model(first, L.Activation("linear", name="last")(value))


def picture(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


@pytest.mark.parametrize("name", STACKS)
def test_the_field_is_the_formulas(name):
    """Start, size and stride on both axes are those that the layers' parameters give."""
    stack, expected = STACKS[name]
    found = fields_of(model_of(stack), picture(4, SIDE, SIDE + 8, 3))["last"]
    assert found[0] == pytest.approx(expected)


def test_a_skip_connection_sees_what_its_longer_way_sees():
    """The field of a sum is the larger of its terms'."""
    first = keras.Input((SIDE, SIDE, 3))
    value = L.Conv2D(3, 3, padding="same")(first)
    value = L.Conv2D(3, 5, padding="same")(value)
    model = keras.Model(first, L.Add(name="last")([value, first]))
    found = fields_of(model, picture(2, SIDE, SIDE, 3))["last"]
    assert found[0] == found[1] == Field(-3, 7, 1)


@pytest.mark.parametrize(
    "rest",
    [
        [L.GlobalAveragePooling2D(keepdims=True)],
        [L.Reshape((36, 4)), L.MultiHeadAttention(2, 2, name="mha")],
        [L.Flatten(), L.Dense(144), L.Reshape((6, 6, 4))],
        [L.LayerNormalization(axis=(1, 2, 3))],
    ],
    ids=["global pooling", "attention", "dense", "layer norm"],
)
def test_what_sees_everything_has_no_field(rest):
    """Behind attention, dense layers, global pooling and norms over the picture there is none."""
    first = keras.Input((6, 6, 4))
    value = L.Conv2D(4, 3, padding="same")(first)
    for one in rest:
        value = one(value, value) if isinstance(one, L.MultiHeadAttention) else one(value)
    model = keras.Model(first, L.Activation("linear", name="last")(value))
    assert fields_of(model, picture(2, 6, 6, 4)) == {}


def test_exchanged_axes_are_no_field():
    """A layer whose rows are the picture's columns is not shown with the picture's rows."""
    first = keras.Input((16, 16, 3))
    model = keras.Model(first, L.Permute((2, 1, 3), name="last")(L.Conv2D(4, 3)(first)))
    assert fields_of(model, picture(2, 16, 16, 3)) == {}


@pytest.mark.parametrize("rank", [1, 3])
def test_signals_and_volumes_have_fields(rank):
    """One field an axis, whatever their number."""
    kind = {1: L.Conv1D, 3: L.Conv3D}[rank]
    first = keras.Input((*[12] * rank, 2))
    model = keras.Model(first, kind(4, 3, 2, padding="same", name="last")(first))
    found = fields_of(model, picture(2, *[12] * rank, 2))["last"]
    assert found == (Field(0, 3, 2),) * rank


def test_dead_channels_and_integers_do_not_shrink_it():
    """A ReLU that is mostly dead, on a picture of bytes, is seen through."""
    first = keras.Input((24, 24, 3), dtype="uint8")
    value = L.Rescaling(1 / 255)(first)
    value = L.Conv2D(16, 3, activation="relu", bias_initializer=keras.initializers.Constant(-0.3))(
        value
    )
    keras.utils.set_random_seed(0)
    model = keras.Model(first, L.Conv2D(8, 3, activation="relu", name="last")(value))
    x = np.random.default_rng(0).integers(0, 255, (2, 24, 24, 3)).astype("uint8")
    assert fields_of(model, x)["last"] == (Field(0, 5, 1),) * 2


def test_facts_survive_the_record():
    """What is constant for a run is read back from its record as it was."""
    fields = {"input": {"conv": (Field(-1, 3, 1), Field(0, 5, 0.5))}}
    facts = RunFacts(fields, ("cat", "Hündin 🐕"))

    class Held:
        from tb_activations.record.header import parse_header

        header = parse_header(run_blobs(facts)[0])

        def blobs(self, numbers):
            return [run_blobs(facts)[i] for i in numbers]

    assert read_facts(Held()) == facts
    assert parse_facts(b'{"later": 1}') == RunFacts()
    assert b"class_names" not in run_blobs(RunFacts(fields))[-1]
    for wrong in (b'{"class_names": "ab"}', b'{"class_names": [1]}'):
        with pytest.raises(RecordError, match="facts of a run"):
            parse_facts(wrong)


def test_the_callback_logs_them_once(tmp_path):
    """After `fit` the run has one record of its receptive fields, for convolutions alone."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((12, 12, 1)), L.Conv2D(4, 3, name="conv"), L.Flatten(), L.Dense(3)]
    )
    model.compile("sgd", "mse")
    x, y = picture(8, 12, 12, 1), np.zeros((8, 3), "float32")
    names = ("a", "b", "c")
    watch = tba.ActivationsCallback(tmp_path, x, class_names=names, verbose=0)
    model.fit(x, y, epochs=2, verbose=0, callbacks=[watch])
    fields = {"input": {"conv": (Field(0, 3, 1),) * 2}}
    assert facts_in(tmp_path) == [RunFacts({}, names), RunFacts(fields, names)]


def two_convolutions():
    keras.utils.set_random_seed(0)
    layers = [L.Conv2D(4, 3, name="conv"), L.Conv2D(4, 3, 2, name="stride"), L.Flatten()]
    model = keras.Sequential([keras.Input((16, 16, 1)), *layers, L.Dense(3)])
    model.compile("sgd", "mse")
    return model


@pytest.mark.parametrize("n", [1, 4, 12, 40])
def test_they_are_found_by_the_pass_that_records(n, tmp_path, monkeypatch):
    """No layer runs by itself for them, whatever the number of examples; a plain pass may take
    minutes where TensorFlow compiles a layer at each call."""
    plain, by_themselves = PlainPass.__call__, []

    def call(*given):
        by_themselves.append(given)
        return plain(*given)

    monkeypatch.setattr(PlainPass, "__call__", call)
    model, x = two_convolutions(), picture(n, 16, 16, 1)
    model.fit(x, np.zeros((n, 3)), verbose=0, callbacks=[tba.ActivationsCallback(tmp_path, x)])
    fields = {"conv": (Field(0, 3, 1),) * 2, "stride": (Field(0, 5, 2),) * 2}
    assert facts_in(tmp_path) == [RunFacts({"input": fields})]
    assert not by_themselves or keras.backend.backend() == "torch"


def test_what_would_take_too_long_is_given_up_and_said(tmp_path, monkeypatch):
    """Training goes on, without the boxes."""
    monkeypatch.setattr("tb_activations.training.receptive.PATIENCE", -1.0)
    model, x = two_convolutions(), picture(8, 16, 16, 1)
    watch = tba.ActivationsCallback(tmp_path, x, verbose=0)
    with pytest.warns(UserWarning, match="receptive fields could not be found: they were not"):
        model.fit(x, np.zeros((8, 3)), epochs=2, verbose=0, callbacks=[watch])
    assert facts_in(tmp_path) == []


def facts_in(directory):
    """The facts of every record of kind run below a directory."""
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    found = []
    for path in sorted(directory.glob("*tfevents*")):
        for event in EventFileLoader(str(path)).Load():
            for value in event.summary.value:
                if value.tag == RUN_TAG:
                    found.append(parse_facts(value.tensor.string_val[-1]))
    return found
