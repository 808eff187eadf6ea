"""`capture`: every kind of model, the right values, and nothing left behind."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import keras
import model_zoo
import numpy as np
import pytest
from keras import layers as L
from servers import PATIENCE

import tb_activations as tba
from tb_activations.training.keras.private import flattened
from tb_activations.training.keras.tensors import home_of, parts

TABLE = Path(__file__).parents[3] / "docs" / "model_kinds.md"
ROWS: dict[str, str] = {}


def reference(model, x):
    """All that the layers' own `call` returns in a plain forward pass, in order."""
    outputs = []
    originals = {}

    def note(original, layer):
        def call(*args, **kwargs):
            if isinstance(layer, L.MultiHeadAttention):  # its fused kernel makes no scores
                original(*args, **{**kwargs, "return_attention_scores": True})
            result = original(*args, **kwargs)
            outputs.extend(leaf for _, leaf in parts(result) if hasattr(leaf, "dtype"))
            return result

        return call

    for layer in held(model):
        originals[layer] = layer.__dict__.get("call")
        object.__setattr__(layer, "call", note(layer.call, layer))
    try:
        model(x) if not model._call_has_training_arg else model(x, training=False)
    finally:
        for layer in originals:
            object.__delattr__(layer, "call")
    return [as_numpy(one) for one in outputs if is_concrete(one)]


def held(model):
    """All layers, and the operations of functional models among them."""
    layers = flattened(model)
    every = [*layers, *(one for layer in layers for one in getattr(layer, "operations", ()))]
    return list({id(one): one for one in every}.values())


def is_concrete(value):
    """Whether it is not the inside of a loop or map."""
    if keras.backend.backend() == "torch":
        import torch

        return not torch._C._functorch.is_functorch_wrapped_tensor(value)
    return home_of(value) is None


def as_numpy(value):
    return np.asarray(keras.ops.convert_to_numpy(value))


def tensors(x):
    return keras.tree.map_structure(keras.ops.convert_to_tensor, x)


@pytest.mark.parametrize("title", model_zoo.KINDS)
def test_every_kind_of_model_is_captured_as_a_plain_forward_pass_computes_it(title):
    keras.utils.clear_session()  # automatic names start at `activation` again
    keras.utils.set_random_seed(1)
    model, x, names = model_zoo.KINDS[title]()
    captured = tba.capture(model, x)
    if model_zoo.KINDS[title] is not model_zoo.application:
        assert list(captured) == names
    expected = iter(reference(model, tensors(x)))
    for name, value in captured.items():
        assert any(same(value, one) for one in expected), f"{name} is not what its layer returned"
    ROWS[title] = f"| {title} | yes | {shown(captured)} |"


def same(a, b):
    return a.shape == b.shape and a.dtype == b.dtype and np.array_equal(a, b, equal_nan=True)


def shown(captured):
    first = [f"`{name}` {list(value.shape)}" for name, value in list(captured.items())[:6]]
    rest = len(captured) - len(first)
    return ", ".join(first) + (f" and {rest} more" if rest else "")


@pytest.fixture(scope="module", autouse=True)
def table():
    """Writes the table of kinds, or compares it with the one in docs/."""
    yield
    if set(ROWS) != set(model_zoo.KINDS) or keras.backend.backend() != "tensorflow":
        return
    head = "| Kind of model | Captured | Entries of `tba.capture(model, x)` |\n|---|---|---|\n"
    text = head + "\n".join(ROWS[title] for title in model_zoo.KINDS) + "\n"
    _, heading, figures = TABLE.read_text(encoding="utf-8").partition("\n## ")
    if os.environ.get("TBA_WRITE_TABLES"):
        TABLE.write_text(text + heading + figures, encoding="utf-8")
    assert TABLE.read_text(encoding="utf-8").partition("\n## ")[0] == text, f"{TABLE} is stale"


def test_the_zoo_holds_at_least_forty_kinds():
    assert len(model_zoo.KINDS) >= 40


def encoder():
    block = keras.Sequential([keras.Input((4,)), L.Dense(4, name="conv1")], name="block1")
    i = keras.Input((4,))
    model = keras.Model(i, L.Dense(2, name="head")(L.ReLU(name="relu")(block(block(i)))))
    return model, model_zoo.real(2, 4)


@pytest.mark.parametrize(
    ("layers", "names"),
    [
        ("head", ["head"]),
        ("conv1", ["block1/conv1", "block1:2/conv1"]),
        ("block1:2/conv1", ["block1:2/conv1"]),
        ("block1:1/conv1", ["block1/conv1"]),
        ("conv*", ["block1/conv1", "block1:2/conv1"]),
        ("block?/*", ["block1/conv1", "block1:2/conv1"]),
        (["relu", "head"], ["relu", "head"]),
        (L.Dense, ["block1/conv1", "block1:2/conv1", "head"]),
        (lambda layer: layer.name.startswith("re"), ["relu"]),
        (["head", L.ReLU], ["relu", "head"]),
        ("block1", ["block1", "block1:2"]),
    ],
)
def test_layers_are_chosen_by_name_glob_class_and_predicate(layers, names):
    model, x = encoder()
    assert list(tba.capture(model, x, layers)) == names


def test_a_layer_object_chooses_itself_wherever_it_stands():
    model, x = encoder()
    dense = model.get_layer("block1").layers[-1]
    assert list(tba.capture(model, x, dense)) == ["block1/conv1", "block1:2/conv1"]


def test_an_unknown_name_among_known_ones_raises_and_names_close_matches():
    model, x = encoder()
    with pytest.raises(ValueError, match=r"no layer 'haed'; did you mean 'head'\? the model has"):
        tba.capture(model, x, ["head", "haed"])


@pytest.mark.parametrize("layers", [L.Conv3D, L.Dense(3), "x*", lambda layer: False])
def test_a_choice_that_chooses_nothing_raises(layers):
    model, x = encoder()
    with pytest.raises(ValueError, match="the model has 'block1/conv1'"):
        tba.capture(model, x, layers)


def test_choices_that_cannot_choose_layers_raise():
    model, x = encoder()
    with pytest.raises(TypeError, match="layers holds 3"):
        tba.capture(model, x, [3])
    with pytest.raises(ValueError, match="layers is empty"):
        tba.capture(model, x, [])


@pytest.mark.parametrize(
    ("title", "asked", "outer"),
    [
        ("Stacked RNN cells", "cell2", "rnn"),
        ("GRU, unrolled", "gru_cell", "gru"),
        ("Inside a scan of keras.ops", "step", "scan"),
        ("Inside a vectorised map of keras.ops", "each", "map"),
    ],
)
def test_a_layer_inside_a_loop_is_refused_and_the_layer_around_it_named(title, asked, outer):
    model, x, _ = model_zoo.KINDS[title]()
    with pytest.raises(ValueError, match=f"inside a loop of '{outer}'.* ask for '{outer}'"):
        tba.capture(model, x, asked)


def test_a_layer_that_does_not_run_is_refused_with_the_reason():
    class Lazy(keras.Model):
        def __init__(self):
            super().__init__()
            self.used, self.spare = L.Dense(2, name="used"), L.Dense(2, name="spare")

        def call(self, x):
            return self.used(x)

    with pytest.raises(ValueError, match="'spare' is in the model but does not run"):
        tba.capture(Lazy(), model_zoo.real(2, 4), "spare")


def test_names_are_the_same_in_every_pass():
    model, x, _ = model_zoo.KINDS["Transformer block"]()
    assert list(tba.capture(model, x)) == list(tba.capture(model, x))


def test_a_capture_leaves_weights_seeds_losses_and_the_training_function_alone():
    keras.utils.set_random_seed(2)
    model, x, _ = model_zoo.KINDS["Variational, with its own sampling and loss"]()
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(x, x, verbose=0)
    train_function = model.train_function
    weights = [as_numpy(v).copy() for v in model.variables + model.optimizer.variables]
    seeds, losses = np.random.get_state()[1].copy(), len(model.losses)
    tba.capture(model, x)
    after = [as_numpy(v) for v in model.variables + model.optimizer.variables]
    assert all(np.array_equal(a, b) for a, b in zip(weights, after, strict=True))
    assert np.array_equal(seeds, np.random.get_state()[1])
    assert model.train_function is train_function
    assert len(model.losses) == losses


def test_a_layer_that_counts_its_calls_counts_none_of_ours():
    class Counter(L.Layer):
        def build(self, shape):
            self.count = self.add_weight(shape=(), initializer="zeros", trainable=False)

        def call(self, x):
            self.count.assign_add(1)
            return x * 2

    layer = Counter()
    x = model_zoo.real(2, 4)
    layer(x)
    tba.capture(layer, x)
    assert float(layer.count.value) == 1


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="tf.Variable")
def test_a_bare_tf_variable_of_a_layer_is_put_back():
    import tensorflow as tf

    class Counter(L.Layer):
        def __init__(self):
            super().__init__()
            self.count = tf.Variable(0.0, trainable=False)

        def call(self, x):
            self.count.assign_add(1.0)
            return x * 2

    layer = Counter()
    x = model_zoo.real(2, 4)
    layer(x)
    tba.capture(layer, x)
    assert float(layer.count) == 1


def test_everything_is_put_back_when_a_layer_raises():
    class Broken(L.Layer):
        def call(self, x):
            raise RuntimeError("broken")

    before = keras.Layer.__call__
    with pytest.raises(RuntimeError, match="broken"):
        tba.capture(keras.Sequential([L.Dense(2), Broken()]), model_zoo.real(2, 4))
    assert keras.Layer.__call__ is before


def test_calls_of_other_threads_are_not_seen():
    model, x = encoder()
    started, seen, armed = threading.Event(), threading.Event(), []

    class Waits(L.Layer):
        def call(self, x):
            if armed:
                started.set()
                assert seen.wait(PATIENCE)
            return x + 1

    watched = keras.Sequential([keras.Input((4,)), Waits(name="waits")])
    armed.append(True)
    results = {}

    def capture():
        results["names"] = list(tba.capture(watched, x))

    thread = threading.Thread(target=capture)
    thread.start()
    assert started.wait(PATIENCE)
    model(x)
    seen.set()
    thread.join()
    assert results["names"] == ["waits"]


def test_nan_is_seen_where_the_eager_pass_has_it():
    model, x, _ = model_zoo.KINDS["Sequential ConvNet"]()
    model.layers[0].bias.assign([float("nan"), 0, 0, 0])
    assert np.isnan(tba.capture(model, x)["conv1"][..., 0]).all()


def test_batches_of_datasets_generators_and_lists_are_taken():
    model, x = encoder()
    expected = tba.capture(model, x, "head")["head"]
    sources = [((x, np.zeros(2)) for _ in range(3)), (x for _ in range(2)), x.tolist()]
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        sources.append(tf.data.Dataset.from_tensor_slices((x, [0, 1])).batch(2))
    for source in sources:
        assert np.array_equal(tba.capture(model, source, "head")["head"], expected)


def test_what_is_no_keras_model_is_refused():
    with pytest.raises(TypeError, match="model is a function"):
        tba.capture(lambda x: x, [1.0])
