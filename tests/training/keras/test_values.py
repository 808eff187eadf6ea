"""What is logged is what `model(data, training=False)` computes at that moment."""

from __future__ import annotations

import os

import keras
import numpy as np
import pytest
from keras import layers as L
from keras import ops
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

import tb_activations as tba
from tb_activations import record
from tb_activations.training import across, whole

TENSORFLOW = keras.backend.backend() == "tensorflow"


def read(log_dir, tag, step=None):
    """The values of a tag, at its last step if none is given."""
    found = {}
    for name in os.listdir(log_dir):
        for event in EventFileLoader(os.path.join(log_dir, name)).Load():
            for value in event.summary.value:
                if value.tag == tag:
                    found[event.step] = record.WholeRecord(list(value.tensor.string_val))
    if not found:
        return None
    whole = found[max(found) if step is None else step]
    return record.read_values(whole)


def tags(log_dir):
    return {
        value.tag
        for name in os.listdir(log_dir)
        for event in EventFileLoader(os.path.join(log_dir, name)).Load()
        for value in event.summary.value
    }


class MinibatchStd(L.Layer):
    def call(self, x):
        spread = ops.ones_like(x[:, :1]) * ops.mean(ops.std(x, axis=0))
        return ops.concatenate([x, spread], -1)

    def compute_output_shape(self, shape):
        return (shape[0], shape[1] + 1)


class Similarities(L.Layer):
    def call(self, x):
        return ops.matmul(x, ops.transpose(x))

    def compute_output_shape(self, shape):
        return (shape[0], shape[0])


class Noise(L.Layer):
    def __init__(self, **options):
        super().__init__(**options)
        self.seed = keras.random.SeedGenerator(3)

    def call(self, x):
        return x + keras.random.normal(ops.shape(x), seed=self.seed)

    def compute_output_shape(self, shape):
        return shape


class Place(L.Layer):
    """Adds each example's place in the batch."""

    def call(self, x):
        return x + ops.cumsum(ops.ones_like(x), axis=0)

    def compute_output_shape(self, shape):
        return shape


def model_of(layer):
    if isinstance(layer, Similarities):
        i = keras.Input((6,))
        x = L.Dense(4, name="a")(i)
        return keras.Model(i, [L.Dense(2, name="after")(x), layer(x)])
    return keras.Sequential(
        [keras.Input((6,)), L.Dense(4, name="a"), layer, L.Dense(2, name="after")]
    )


def begun(model, x, log_dir, **options):
    """The first record, as `fit` begins."""
    watch = tba.ActivationsCallback(log_dir, x, precision="float32", **options)
    watch.set_model(model)
    watch.on_train_begin()
    watch.on_epoch_begin(0)
    watch.on_train_end()


@pytest.mark.parametrize("unasked", [None, 0])
@pytest.mark.parametrize(
    ("layer", "count"),
    [
        (MinibatchStd, 64),
        (MinibatchStd, 32),
        (Similarities, 33),
        (Similarities, 5),
        (Noise, 64),
        (Place, 33),
    ],
)
def test_layers_that_look_across_the_batch_are_logged_from_the_whole(
    layer, count, unasked, tmp_path, capsys, monkeypatch
):
    """Slices alone give other values; what is logged is the model's, and the layer is named.

    Also where a batch is so large that a slice and its halves are compared first.
    """
    if unasked is not None:
        monkeypatch.setattr(whole, "UNASKED_BYTES", unasked)
    keras.utils.set_random_seed(0)
    x = np.random.default_rng(0).normal(size=(count, 6)).astype("float32")
    model = model_of(layer(name="across"))
    begun(model, x, tmp_path, verbose=1)
    right = tba.capture(model, x)
    for name in ("a", "across", "after"):
        got = read(tmp_path, name)
        np.testing.assert_allclose(got, right[name][:4], rtol=1e-4, atol=1e-4)
    said = capsys.readouterr().out
    assert ("'across'" in said and "look across the batch" in said) == (count > 32)
    assert "'a'" not in said


def test_a_large_batch_is_run_in_slices_alone_where_no_layer_looks_across(tmp_path):
    """Memory: a pass of the whole, to compare with, would be 16 times a slice's."""
    seen = []

    class Counting(L.Layer):
        def call(self, x):
            seen.append(x.shape[0])
            return x

        def compute_output_shape(self, shape):
            return shape

    x = np.zeros((512, 6), "float32")
    model = keras.Sequential([keras.Input((6,)), L.Dense(20_000, name="a"), Counting()])
    model.compile(run_eagerly=True)
    begun(model, x, tmp_path, layers="a", verbose=0)
    assert len(tags(tmp_path)) and max(n or 0 for n in seen) <= 32


@pytest.mark.skipif(not TENSORFLOW, reason="an operation of TensorFlow")
def test_chance_and_normalisation_at_rest_are_no_looking_across(tmp_path, capsys):
    """Sibling: what no two passes show alike differs in slices, too, and depends on nothing."""
    import tensorflow as tf

    class Chance(L.Layer):
        def call(self, x):
            return x + tf.random.uniform([1])

        def compute_output_shape(self, shape):
            return shape

    x = np.random.default_rng(0).normal(size=(40, 6)).astype("float32")
    model = keras.Sequential([keras.Input((6,)), L.BatchNormalization(), Chance(), L.Dense(3)])
    begun(model, x, tmp_path, verbose=1)
    assert "look across" not in capsys.readouterr().out


@pytest.mark.parametrize("layer", [MinibatchStd, Similarities])
def test_too_large_a_batch_leaves_such_layers_out_by_name(layer, tmp_path, monkeypatch):
    monkeypatch.setattr(across, "WHOLE_BYTES", 1000)
    x = np.random.default_rng(0).normal(size=(64, 6)).astype("float32")
    model = model_of(layer(name="across"))
    with pytest.warns(UserWarning, match=r"'across'.* look across the batch"):
        begun(model, x, tmp_path, verbose=0)
    assert "across" not in tags(tmp_path) and "a" in tags(tmp_path)
    right = tba.capture(model, x)
    np.testing.assert_allclose(read(tmp_path, "a"), right["a"][:4], rtol=1e-4, atol=1e-4)


def test_where_every_layer_looks_across_too_large_a_batch_it_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(across, "WHOLE_BYTES", 1000)
    x = np.random.default_rng(0).normal(size=(64, 6)).astype("float32")
    model = model_of(MinibatchStd(name="across"))
    with pytest.raises(ValueError, match=r"'across' look across the batch.*fewer examples"):
        begun(model, x, tmp_path, layers="across", verbose=0)


def _lora(model):
    model.get_layer("a").enable_lora(2)
    model.get_layer("a").lora_kernel_b.assign(np.full((2, 5), 0.5, "float32"))


def _quantized(model):
    model.quantize("int8")


def _quantized_with_lora(model):
    model.quantize("int8")
    _lora(model)


def _activation(model):
    model.get_layer("a").activation = keras.activations.tanh


def _frozen_normalisation(model):
    model.get_layer("n").epsilon = 10.0


def _policy(model):
    model.get_layer("a").dtype_policy = "bfloat16"


def _own_attribute(model):
    model.get_layer("own").factor = 5.0


def _own_array(model):
    model.get_layer("own").table[:] = 3.0


def _swapped_call(model):
    model.get_layer("own").call = lambda x: x * 9


class Own(L.Layer):
    def __init__(self, **options):
        super().__init__(**options)
        self.factor, self.table = 2.0, np.ones(5, "float32")

    def call(self, x):
        return x * self.factor * self.table

    def compute_output_shape(self, shape):
        return shape


@pytest.mark.parametrize(
    "change",
    [
        _lora,
        _quantized,
        _quantized_with_lora,
        _activation,
        _frozen_normalisation,
        _policy,
        _own_attribute,
        _own_array,
        _swapped_call,
    ],
)
def test_what_changes_how_layers_compute_is_seen_at_the_next_fit(change, tmp_path):
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((6,)),
            L.Dense(5, name="a"),
            L.BatchNormalization(name="n"),
            Own(name="own"),
            L.Dense(2, name="b"),
        ]
    )
    x = np.random.default_rng(0).random((8, 6), "float32")
    watch = tba.ActivationsCallback(tmp_path, x, precision="float32", verbose=0)
    watch.set_model(model)
    watch.on_train_begin()
    watch.on_epoch_begin(0)
    change(model)
    watch.on_train_begin()
    watch.on_epoch_end(0)
    watch.on_train_end()
    right = tba.capture(model, x)
    for name in ("a", "n", "own", "b"):
        got = read(tmp_path, name, 1)
        tolerance = 2e-2 if change is _policy else 1e-4
        expected = right[name][:4].astype("float32")
        np.testing.assert_allclose(got, expected, rtol=tolerance, atol=1e-4)


class Annealed(L.Layer):
    """Scales by a number of Python's, which a callback moves while `fit` runs."""

    def __init__(self, **options):
        super().__init__(**options)
        self.beta = 1.0

    def call(self, x):
        return x * self.beta

    def compute_output_shape(self, shape):
        return shape


@pytest.mark.parametrize("asked", ["run_eagerly", "everywhere"])
def test_what_changes_while_fit_runs_eagerly_is_seen_at_each_step(asked, tmp_path):
    """Python runs at every step there, and what it changes is what the model computes."""
    if asked == "everywhere" and not TENSORFLOW:
        pytest.skip("tf.config.run_functions_eagerly")
    layers = [L.Dense(4, name="a"), Annealed(name="b")]
    model = keras.Sequential([keras.Input((6,)), *layers])
    x = np.random.default_rng(0).random((8, 6), "float32")

    def move(epoch, logs):
        layers[1].beta = float(epoch + 5)

    moves = keras.callbacks.LambdaCallback(on_epoch_begin=move)
    watch = tba.ActivationsCallback(tmp_path, x, precision="float32", verbose=0)
    eagerly = asked == "everywhere" and __import__("tensorflow").config.run_functions_eagerly
    model.compile("sgd", "mse", run_eagerly=not eagerly)
    try:
        if eagerly:
            eagerly(True)
        model.fit(x, np.zeros((8, 4)), epochs=2, verbose=0, callbacks=[moves, watch])
    finally:
        if eagerly:
            eagerly(False)
    right = tba.capture(model, x, "b")["b"][:4]
    np.testing.assert_allclose(read(tmp_path, "b"), right, rtol=1e-4)
    first = read(tmp_path, "b", 1) / read(tmp_path, "a", 1)
    np.testing.assert_allclose(first, np.full_like(first, 5), rtol=1e-4)


def test_a_layer_that_is_added_between_fits_is_logged(tmp_path):
    model = keras.Sequential([keras.Input((6,)), L.Dense(5, name="a")])
    x = np.random.default_rng(0).random((8, 6), "float32")
    watch = tba.ActivationsCallback(tmp_path, x, verbose=0)
    for step in range(2):
        watch.set_model(model)
        watch.on_train_begin()
        watch.on_epoch_begin(0)
        watch.on_epoch_end(step)
        model.add(L.Dense(2, name=f"added{step}"))
    watch.on_train_end()
    assert {"a", "added0"} <= tags(tmp_path)


def test_an_unchanged_model_is_traced_once_for_many_fits(tmp_path):
    """Sibling: compiling, training and counting calls are no change."""
    traced = []

    class Counts(L.Layer):
        def call(self, x):
            traced.append(1)
            return x * 2

        def compute_output_shape(self, shape):
            return shape

    x = np.random.default_rng(0).random((8, 6), "float32")
    model = keras.Sequential([keras.Input((6,)), Counts(name="c"), L.Dense(2)])
    model.compile("sgd", "mse")
    watch = tba.ActivationsCallback(tmp_path, x, verbose=0)
    counts = []
    for _ in range(3):
        watch.set_model(model)
        before = len(traced)
        watch.on_train_begin()
        counts.append(len(traced) - before)
        watch.on_epoch_begin(0)
        model.compile("adam", "mse")
        model.fit(x, x[:, :2], verbose=0)
    watch.on_train_end()
    assert counts[0] > 0 and counts[1:] == [0, 0]


class Task(keras.Model):
    """As a task of keras-hub: `fit` and `predict` preprocess, `call` does not."""

    def __init__(self, preprocessor):
        super().__init__()
        self.dense = L.Dense(3, name="dense")
        self.preprocessor = preprocessor

    def call(self, x):
        return self.dense(x)

    def preprocess_samples(self, x, y=None, sample_weight=None):
        return keras.utils.pack_x_y_sample_weight(self.preprocessor(x), y, sample_weight)


class OwnFit(Task):
    """Sibling: `fit` of its own, and no method that keras-hub's tasks have."""

    preprocess_samples = None

    def fit(self, x, *args, **options):
        return super().fit(self.preprocessor(x), *args, **options)


@pytest.mark.parametrize("kind", [Task, OwnFit])
def test_data_go_through_the_preprocessor_of_the_model(kind, tmp_path):
    """Images of another size and scale than `call` takes are shown as `predict` shows them."""
    keras.utils.set_random_seed(0)
    model = kind(lambda x: np.asarray(x, "float32").reshape(len(x), -1)[:, :6] / 255)
    x = np.random.default_rng(0).integers(0, 256, (8, 4, 4)).astype("uint8")
    begun(model, (x, np.arange(8)), tmp_path, verbose=0)
    right = keras.ops.convert_to_numpy(model(model.preprocessor(x)))[:4]
    np.testing.assert_allclose(read(tmp_path, "dense"), right, rtol=1e-4, atol=1e-5)


def test_a_preprocessor_that_the_model_calls_itself_is_not_applied_twice(tmp_path):
    """Sibling: with the `fit` of Keras, an attribute of that name is the model's own business."""

    class Ordinary(keras.Model):
        def __init__(self):
            super().__init__()
            self.preprocessor, self.dense = L.Rescaling(0.5, name="p"), L.Dense(3, name="dense")

        def call(self, x):
            return self.dense(self.preprocessor(x))

    model, x = Ordinary(), np.random.default_rng(0).random((8, 6), "float32")
    begun(model, x, tmp_path, verbose=0)
    right = tba.capture(model, x)["p"][:4]
    np.testing.assert_allclose(right, x[:4] / 2, rtol=1e-5)
    np.testing.assert_allclose(read(tmp_path, "p"), right, rtol=1e-4)


def test_what_takes_long_says_what_it_is_doing(tmp_path, monkeypatch, capsys):
    """No silence of over two seconds before the first record; none is broken under verbose=0."""
    monkeypatch.setattr("tb_activations.training.progress.PATIENCE", 0.0)
    model = keras.Sequential([keras.Input((6,)), L.Dense(5, name="a")])
    x = np.random.default_rng(0).random((40, 6), "float32")
    begun(model, x, tmp_path / "a", verbose=1)
    said = capsys.readouterr().out
    for what in ("tracing the layers", "comparing slices", "the first record"):
        assert what in said
    begun(model, x, tmp_path / "b", verbose=0)
    assert capsys.readouterr().out == ""


@pytest.mark.skipif(not TENSORFLOW, reason="max-pooling of TensorFlow")
def test_max_pooling_of_nan_is_logged_as_it_is_computed(tmp_path):
    """TensorFlow's CPU makes the lowest number of it, eagerly too: so says the log."""
    i = keras.Input((4, 4, 1))
    x = L.Conv2D(1, 1, name="conv")(i)
    model = keras.Model(i, L.MaxPooling2D(2, name="pool")(x))
    model.get_layer("conv").bias.assign([np.nan])
    data = np.ones((2, 4, 4, 1), "float32")
    begun(model, data, tmp_path, verbose=0)
    eager = keras.ops.convert_to_numpy(model(data))
    got = read(tmp_path, "pool").reshape(eager.shape)
    np.testing.assert_array_equal(got, eager)
    assert np.isnan(read(tmp_path, "conv")).all()
    assert (eager == np.finfo("float32").min).all() or not np.isfinite(eager).any()
