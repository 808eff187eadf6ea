"""`tba.check`: what it says is what the callback then writes, and the model does not notice."""

from __future__ import annotations

import tempfile
from dataclasses import FrozenInstanceError
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers as L

import tb_activations as tba
from tb_activations.training.dry_run import rehearsed

X = np.random.default_rng(0).random((40, 8, 8, 1), "float32")
Y = np.arange(40) % 10


def convnet():
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            L.Conv2D(8, 3, activation="relu", name="conv1"),
            L.Flatten(name="flatten"),
            L.Dropout(0.5, name="dropout"),
            L.Dense(10, activation="softmax", name="dense"),
        ],
        name="convnet",
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def rows(result):
    return {one.name: (one.shape, one.examples, one.channels) for one in result.kept}


def reasons(result):
    return {one.name: one.reason for one in result.left_out}


def test_what_it_says_is_what_the_callback_writes(tmp_path):
    """The layers, what is kept of each and the bytes of each record are those of a real run."""
    model = convnet()
    said = tba.check(model, (X, Y), verbose=0)
    callback = tba.ActivationsCallback(tmp_path, (X, Y), verbose=0, receptive_fields=False)
    model.optimizer.learning_rate = 0.0
    model.fit(X, Y, verbose=0, callbacks=[callback])
    written = rehearsed(tmp_path, 1, 0, 0)
    assert said.kept == written.kept and said.bytes == written.bytes > 0
    assert said.once == written.once > 0
    files = sum(path.stat().st_size for path in tmp_path.iterdir())
    assert abs(files - said.once - 2 * said.bytes) < 200  # the file's own first event
    assert rows(said) == {
        "conv1": ((40, 6, 6, 8), 4, 8),
        "dense": ((40, 10), 4, 10),
    }
    assert said.seconds > 0 and said.writing > 0


def test_it_says_why_a_layer_is_left_out():
    """Rearranged, repeated, of a dtype or shape that cannot be logged, in a loop, never run."""
    frames = keras.Input((4, 3))
    inner = L.Dense(2, name="inner")
    idle = L.Dense(2, name="idle")

    class Holds(L.Layer):
        def __init__(self, **options):
            super().__init__(**options)
            self.idle = idle

        def build(self, shape):
            self.idle.build(shape)

        def call(self, values):
            return values * 2

    each = L.TimeDistributed(inner, name="each")(frames)
    held = L.Dropout(0.5, name="dropout")(Holds(name="holds")(each))
    whole = L.Lambda(lambda v: keras.ops.sum(v, axis=(1, 2)), output_shape=(), name="sums")(held)
    model = keras.Model(frames, [L.Flatten(name="flat")(held), whole])
    found = reasons(tba.check(model, X[:6, :4, :3, 0], verbose=0))
    assert "rearranged" in found["flat"]
    assert "another layer" in found["dropout"]
    assert "rank 1" in found["sums"]
    assert "loop of 'each'" in found["each/inner"]
    assert "does not run" in found["idle"]
    assert "holds" not in found and "each" not in found


def test_layers_options_and_their_errors_are_the_callbacks():
    """A budget lowers what is kept; named layers are all there is; mistakes raise as with `fit`."""
    model = convnet()
    small = tba.check(model, X, max_bytes_per_update=4000, verbose=0)
    assert 0 < small.bytes <= 4000 and rows(small)["conv1"][1:] != (4, 8)
    one = tba.check(model, X, "flatten", max_outputs=2, precision="float32", verbose=0)
    assert rows(one) == {"flatten": ((40, 288), 2, 288)} and one.left_out == ()
    with pytest.raises(ValueError, match=r"no layer 'conv9'.*'conv1'"):
        tba.check(model, X, "conv9")
    with pytest.raises(ValueError, match="precision is 'int8'"):
        tba.check(model, X, precision="int8")
    with pytest.raises(ValueError, match="update_freq is 'epohc'"):
        tba.check(model, X, update_freq="epohc")
    with pytest.raises(TypeError, match="model is a function"):
        tba.check(lambda x: x, X)


def test_it_prints_a_table_and_leaves_nothing_behind(capsys, tmp_path, monkeypatch):
    """A line a layer, what is left out, bytes and seconds; no file stays, no weight moves."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    model = convnet()
    before, seeds = model.get_weights(), np.random.get_state()[1].copy()
    result = tba.check(model, (X, Y))
    printed = capsys.readouterr().out
    assert printed == f"{result.table()}\n"
    assert "conv1  [40, 6, 6, 8]   4 of 40    8 of 8" in printed
    assert "left out: 'flatten': its values are its input's, rearranged" in printed
    assert "an update: 2 layers," in printed and "training waits" in printed
    assert list(Path(tmp_path).iterdir()) == []
    assert all(map(np.array_equal, before, model.get_weights()))
    assert np.array_equal(seeds, np.random.get_state()[1])
    with pytest.raises(FrozenInstanceError):
        result.bytes = 0
    assert tba.check(model, X, verbose=0) is not None and capsys.readouterr().out == ""


def test_a_model_that_was_never_called_is_built():
    """A subclassed model without variables is one, and need not be compiled."""

    class Small(keras.Model):
        def __init__(self):
            super().__init__()
            self.out = L.Dense(3, name="out")

        def call(self, values):
            return self.out(values)

    assert rows(tba.check(Small(), X[:5, 0, :, 0], verbose=0)) == {"out": ((5, 3), 4, 3)}


def test_several_models_are_checked_together():
    """A dict of models is one run, each shown its own data, with tags that begin with its name."""
    both = {"small": small("a"), "large": small("b")}
    result = tba.check(both, {"small": X[:6, 0, :, 0], "large": X[:6, 1, :, 0]}, verbose=0)
    assert rows(result) == {"small/a": ((6, 3), 4, 3), "large/b": ((6, 3), 4, 3)}


def small(name):
    return keras.Sequential([keras.Input((8,)), L.Dense(3, name=name)])
