"""`data`: what `fit` takes is taken; everything else ends in a sentence that names it."""

from __future__ import annotations

import re
import warnings

import keras
import numpy as np
import pytest
from keras import layers as L
from keras import ops
from logs import logged_steps

import tb_activations as tba

tf = pytest.importorskip("tensorflow")
RNG = np.random.default_rng(0)
X, Y = RNG.random((16, 8, 8, 3), "float32"), np.arange(16) % 4
CROSS_ENTROPY = "sparse_categorical_crossentropy"


def convnet():
    layers = [L.Conv2D(4, 3, name="conv"), L.Flatten(), L.Dense(4, activation="softmax")]
    model = keras.Sequential([keras.Input((8, 8, 3)), *layers])
    model.compile("adam", CROSS_ENTROPY)
    return model


def two_inputs():
    a, b = keras.Input((8, 8, 3)), keras.Input((8, 8, 3))
    model = keras.Model([a, b], L.Dense(4)(L.Flatten()(L.Concatenate()([a, b]))))
    model.compile("adam", CROSS_ENTROPY)
    return model


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = L.Dense(3, name="dense")

    def call(self, inputs):
        return ops.matmul(inputs, ops.ones((8, 2))) + self.dense(inputs)[..., :2]


def quiet(log_dir, data, *args, **options):
    return tba.ActivationsCallback(
        log_dir, data, *args, **{"verbose": 0, "receptive_fields": False, **options}
    )


def begin(log_dir, model, data, **options):
    """What `fit` does before its first step."""
    callback = quiet(log_dir, data, **options)
    callback.set_model(model)
    callback.on_train_begin()
    callback.on_epoch_begin(0)
    callback.on_train_end()
    return callback


MISTAKES = {
    "one image": (lambda: X[0], convnet, r"\[8, 8, 3\].*takes \[None, 8, 8, 3\].*data\[None\]"),
    "no channel axis": (lambda: RNG.random((64, 8, 8)), convnet, r"data\[\.\.\., None\]"),
    "another size": (lambda: RNG.random((4, 28, 28, 3)), convnet, r"float\d\d \[4, 28, 28, 3\]"),
    "unbatched": (lambda: tf.data.Dataset.from_tensor_slices((X, Y)), convnet, r"\.batch\("),
    "a list of images": (lambda: list(X), convnet, r"list of 16, each.*np\.stack"),
    "a path": (lambda: "images/cat.png", convnet, r"'images/cat.png'.*accepted are"),
    "a function": (lambda: lambda: iter([(X, Y)]), convnet, "is a function: pass what it returns"),
    "x1, x2 in a tuple": (lambda: (X, X), two_inputs, r"\(\[x1, x2\], y\)"),
    "unequal rows": (lambda: [[1, 2, 3], [4]], convnet, "unequal length: pad"),
    "nothing": (lambda: None, convnet, "is None"),
    "a number": (lambda: 3.0, convnet, "single number"),
    "an empty generator": (lambda: iter([]), convnet, "no batch"),
    "objects": (lambda: [object(), object()], convnet, "holds a object"),
    "a model that declares no inputs": (lambda: X[:, 0, 0], Subclassed, r"float32 \[16, 3\]"),
}


@pytest.mark.parametrize("title", MISTAKES)
def test_a_refusal_names_data_its_shapes_and_what_is_accepted(tmp_path, title):
    """Before the first step, without the values of the batch, in the callback and in `capture`."""
    data, make, message = MISTAKES[title]
    with pytest.raises(ValueError, match=f"(?s){message}") as caught:
        begin(tmp_path, make(), data())
    said = str(caught.value)
    assert "data" in said and len(said) < 700 and not re.search(r"0\.\d{4}", said)
    if title == "x1, x2 in a tuple":  # which `capture` may take for the model's inputs
        return
    with pytest.raises(ValueError, match=re.compile(r"\bx\b")) as caught:
        tba.capture(make(), data())
    assert not re.search(r"0\.\d{4}", str(caught.value))


def test_an_error_of_a_layer_of_the_users_own_is_raised_as_it_is(tmp_path):
    """It is no word about data."""

    class Broken(L.Layer):
        def call(self, values):
            raise ZeroDivisionError("mine")

        def compute_output_shape(self, shape):
            return shape

    model = keras.Sequential([keras.Input((3,)), Broken()])
    with pytest.raises(ZeroDivisionError, match="mine"):
        begin(tmp_path, model, X[:, 0, 0])


@pytest.mark.parametrize("kind", [list, tuple, dict])
def test_targets_of_several_outputs_are_no_labels(tmp_path, kind):
    """They are no one value for each example; training goes on, also for two examples."""
    i = keras.Input((6,))
    model = keras.Model(i, [L.Dense(4, name="box")(i), L.Dense(3, name="cls")(i)])
    model.compile("adam", ["mse", CROSS_ENTROPY])
    for n in (8, 2):
        y = [np.zeros((n, 4), "float32"), np.zeros(n, int)]
        y = dict(zip(("box", "cls"), y, strict=True)) if kind is dict else kind(y)
        callback = begin(tmp_path / str(n), model, (RNG.random((n, 6), "float32"), y))
        assert callback._subject.labels is None
        assert logged_steps(tmp_path / str(n))["box"] == [0]


class Aggregate(L.Layer):
    def call(self, both):
        nodes, edges = both
        sent = ops.take(nodes, edges[:, 0], axis=0)
        return nodes + ops.segment_sum(sent, edges[:, 1], num_segments=ops.shape(nodes)[0])

    def compute_output_shape(self, shapes):
        return shapes[0]


def test_inputs_of_unequal_length_are_run_whole(tmp_path):
    """A disjoint graph a batch: what has a row for each node is logged, of more than a slice."""
    nodes, edges = keras.Input((4,)), keras.Input((2,), dtype="int32")
    agg = Aggregate(name="agg")([L.Dense(8, name="embed")(nodes), edges])
    model = keras.Model([nodes, edges], L.Dense(2, name="out")(agg))
    model.compile("adam", "mse")
    x = RNG.random((50, 4), "float32"), RNG.integers(0, 50, (123, 2)).astype("int32")
    for y in (np.zeros((50, 2), "float32"), np.zeros((1, 2), "float32")):
        data = tf.data.Dataset.from_tensors((x, y))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            begin(tmp_path / str(len(y)), model, data)
        steps = logged_steps(tmp_path / str(len(y)))
        assert steps == {"input.0": [0], "embed": [0], "agg": [0], "out": [0]}
    assert tba.capture(model, list(x))["agg"].shape == (50, 8)
    model.fit(data, verbose=0, callbacks=[quiet(tmp_path / "fit", data)])
    assert logged_steps(tmp_path / "fit")["agg"] == [0, 1]


def test_an_optional_input_that_is_none_goes_to_the_model_as_none(tmp_path):
    """In a dict and in a list."""

    class Both(L.Layer):
        def call(self, a, b=None):
            return a if b is None else a + b

    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b", optional=True)
    head = L.Dense(2, name="head")(Both()(a, b))
    values = RNG.random((40, 4), "float32")
    for inputs, x in (({"a": a, "b": b}, {"a": values, "b": None}), ([a, b], [values, None])):
        model = keras.Model(inputs, head)
        log_dir = tmp_path / type(x).__name__
        expected = keras.ops.convert_to_numpy(model(x))
        np.testing.assert_allclose(tba.capture(model, x)["head"], expected, rtol=1e-5)
        begin(log_dir, model, x)
        assert logged_steps(log_dir)["head"] == [0]


class Triplets(keras.Model):
    """As the guides write a siamese network: each batch is inputs alone."""

    def __init__(self, count):
        super().__init__()
        self.count, self.embed = count, L.Dense(3, name="embed")

    def call(self, inputs):
        assert len(inputs) == self.count
        return ops.stack([self.embed(one) for one in inputs], axis=1)

    def train_step(self, data):
        self(data)
        return {"loss": 0.0}


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="other backends build by calling on x alone"
)
@pytest.mark.parametrize("count", [2, 3])
def test_pairs_and_triplets_that_are_all_inputs_are_taken_whole(tmp_path, count):
    """`fit` with a `train_step` of one's own hands them to the model as they are."""
    data = tf.data.Dataset.from_tensor_slices((RNG.random((8, 5), "float32"),) * count).batch(4)
    model = Triplets(count)
    model.compile("sgd", run_eagerly=True)
    model.fit(data, verbose=0, callbacks=[quiet(tmp_path, data)])
    assert logged_steps(tmp_path)[f"embed:{count}"] == [0, 1]
    assert set(tba.capture(model, data)) >= {"embed", f"embed:{count}"}


def test_x_and_its_clean_twin_are_inputs_and_targets(tmp_path):
    """A pair of one shape is taken whole only by a model that takes it."""
    data = tf.data.Dataset.from_tensor_slices((X, X)).batch(4)
    model = keras.Sequential([L.Conv2D(3, 3, padding="same", name="denoise")])
    begin(tmp_path, model, data)
    assert list(logged_steps(tmp_path)) == ["input", "denoise"]


def test_a_label_of_minus_one_is_to_be_ignored(tmp_path):
    """Losses are told to ignore it: it has no name, and is no class of its own."""
    x, y = X[:4], np.array([-1, 1, 0, -1])
    assert quiet(tmp_path, (x, y), class_names=["a", "b"])._subject.labels == ["-1", "b", "a", "-1"]
    one_each = quiet(tmp_path, (x, y), class_names=["a", "b"], examples="per class")
    assert one_each._subject.labels == ["a", "b"]


def test_capture_takes_x_and_y():
    """A tuple is the model's inputs where it has several, and (x, y) where it has one."""
    one, several = convnet(), two_inputs()
    expected = tba.capture(one, X)["conv"]
    for pair in ((X, Y), (X, keras.utils.to_categorical(Y)), (X, Y, np.ones(16)), (X, [Y, X])):
        np.testing.assert_array_equal(tba.capture(one, pair)["conv"], expected)
    assert list(tba.capture(several, (X, X))) == list(tba.capture(several, [X, X]))
    undeclared = keras.Sequential([L.Conv2D(2, 3, name="conv")])
    assert tba.capture(undeclared, (X, Y))["conv"].shape == (16, 6, 6, 2)


class Table:
    """What a DataFrame is to us: columns by name, `shape`, `to_numpy`, and no `dtype`."""

    def __init__(self, values):
        self.values, self.shape = values, values.shape

    def to_numpy(self):
        return self.values

    def __iter__(self):
        return iter("abcd")

    def __len__(self):
        return len(self.values)

    def __getitem__(self, column):
        return self.values[:, "abcd".index(column)]


@pytest.mark.parametrize("dtype", ["float32", object])
def test_tables_and_columns_are_taken_as_fit_takes_them(tmp_path, dtype):
    """With pandas where it is installed; a table of several dtypes is one of objects."""
    values = RNG.random((16, 4), "float32").astype(dtype)
    tables = [(Table(values), Y, Table(values))]
    try:
        import pandas as pd
    except ImportError:
        pass
    else:
        frame = pd.DataFrame(values, columns=list("abcd"), index=range(5, 21))
        tables.append((frame, pd.Series(Y), frame))
    model = keras.Sequential([keras.Input((4,)), L.Dense(3, name="h")])
    for x, y, alone in tables:
        callback = quiet(tmp_path, (x, y))
        assert callback._subject.labels == [str(i % 4) for i in range(16)]
        expected = tba.capture(model, values.astype("float32"))["h"]
        np.testing.assert_array_equal(tba.capture(model, alone)["h"], expected)


def test_class_names_are_those_of_the_dataset(tmp_path):
    """As `image_dataset_from_directory` gives them; those that are passed go first."""
    data = tf.data.Dataset.from_tensor_slices((X, Y)).batch(8)
    data.class_names = ["cat", "dog", "eel", "fox"]
    assert quiet(tmp_path, data)._subject.labels[:5] == ["cat", "dog", "eel", "fox", "cat"]
    assert quiet(tmp_path, data, class_names=list("abcd"))._subject.labels[:2] == ["a", "b"]
    data.class_names = ["cat"]  # of a map over y since
    assert quiet(tmp_path, data)._subject.labels[:3] == ["0", "1", "2"]

    class Directory(keras.utils.PyDataset):
        class_indices = dict(dog=1, cat=0, eel=2, fox=3)  # noqa: RUF012

        def __len__(self):
            return 1

        def __getitem__(self, index):
            return X, keras.utils.to_categorical(Y)

    assert quiet(tmp_path, Directory())._subject.labels[:3] == ["cat", "dog", "eel"]


def test_one_example_of_each_class_out_of_the_first_batches(tmp_path):
    """An unshuffled directory has one class in its first batch."""
    x = np.arange(48, dtype="float32").reshape(48, 1) * np.ones(5, "float32")
    y = np.arange(48) // 8
    data = tf.data.Dataset.from_tensor_slices(({"a": x}, y)).batch(4)
    for given in (data, ({"a": x}, y), iter(data), ({"a": x}, keras.utils.to_categorical(y))):
        callback = quiet(tmp_path, given, examples="per class")
        assert callback._subject.batch.inputs["a"][:, 0].tolist() == [0, 8, 16, 24, 32, 40]
        assert callback._subject.labels == ["0", "1", "2", "3", "4", "5"]
        assert callback._recorder._options.max_outputs == 6
    with pytest.raises(ValueError, match="no class for each example: pass \\(x, y\\)"):
        quiet(tmp_path, x, examples="per class")
    with pytest.raises(ValueError, match="must be 'first' or 'per class'"):
        quiet(tmp_path, x, examples="each")
