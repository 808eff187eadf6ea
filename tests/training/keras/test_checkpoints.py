"""`tba.log_checkpoints`: saved weights become steps, and the model is as it was."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers as L
from training.keras.test_callback import read

import tb_activations as tba
from tb_activations.training.checkpoints import saved_steps

TENSORFLOW = keras.backend.backend() == "tensorflow"
X = np.random.default_rng(0).random((40, 6), "float32")


def small(units=4, **options):
    model = keras.Sequential(
        [
            keras.Input((6,)),
            L.Dense(units, activation="tanh", name="hidden"),
            L.BatchNormalization(name="norm"),
            L.Dense(3, name="out"),
        ],
        **options,
    )
    model.compile("adam", "mse")
    return model


def saved(tmp_path, save, numbers):
    """Random weights, each saved by `save(model, number)`; and what the layers answer with them."""
    expected = {}
    rng = np.random.default_rng(1)
    model = small()
    for number in numbers:
        model.set_weights([rng.random(one.shape) for one in model.get_weights()])
        save(model, number)
        expected[number] = tba.capture(model, X)
    return expected


def check_log(log_dir, expected):
    log = read(log_dir)
    assert sorted(log["out"]) == sorted(expected)
    for step, values in expected.items():
        for name in ("hidden", "norm", "out"):
            header, stored, _, _ = log[name][step]
            assert header.batch == 40
            np.testing.assert_allclose(stored, values[name][:4], rtol=1e-5, atol=1e-6)


QUIET = {"verbose": 0, "precision": "float32", "receptive_fields": False}


@pytest.mark.parametrize("ending", [".weights.h5", ".keras", ".h5"])
def test_each_file_is_a_step_with_its_values(tmp_path, ending):
    """The step is the number in the name; values are those of the weights in the file."""

    def save(model, number):
        path = tmp_path / f"run2_{number:02d}-0.{number}{ending}"
        model.save_weights(path) if ending == ".weights.h5" else model.save(path)

    expected = saved(tmp_path, save, [12, 3, 9])
    model = small()
    model.fit(X, X[:, :3], verbose=0)
    variables = [*model.variables, *model.optimizer.variables]
    before = [keras.ops.convert_to_numpy(one) for one in variables]
    logged = tba.log_checkpoints(
        tmp_path / "log", model, str(tmp_path / f"*{ending}"), (X, X[:, 0] > 0), **QUIET
    )
    assert list(logged) == [3, 9, 12] and logged[9].endswith(f"run2_09-0.9{ending}")
    check_log(tmp_path / "log", expected)
    assert all(map(np.array_equal, before, [keras.ops.convert_to_numpy(one) for one in variables]))


@pytest.mark.skipif(not TENSORFLOW, reason="TensorFlow writes its checkpoints")
@pytest.mark.parametrize("name", ["model", "net", None])
def test_checkpoints_of_tensorflow_are_read(tmp_path, name):
    """Whatever the model was called in them, with another optimizer's state beside it."""
    import tensorflow as tf

    def save(model, number):
        root = tf.train.Checkpoint(model) if name is None else tf.train.Checkpoint(**{name: model})
        root.write(str(tmp_path / f"cp-{number:04d}.ckpt"))

    expected = saved(tmp_path, save, [1, 10])
    model = small()
    optimizer = model.optimizer = keras.optimizers.SGD(momentum=0.9)
    before = model.get_weights()
    tba.log_checkpoints(tmp_path / "log", model, str(tmp_path / "cp-*"), X, **QUIET)
    check_log(tmp_path / "log", expected)
    assert model.optimizer is optimizer
    assert all(map(np.array_equal, before, model.get_weights()))
    other = small(5, name="other")
    with pytest.raises(ValueError, match=r"cp-0001\.ckpt cannot be loaded into model 'other'"):
        tba.log_checkpoints(tmp_path / "no", other, [tmp_path / "cp-0001.ckpt"], X, **QUIET)


@pytest.mark.skipif(not TENSORFLOW, reason="TensorFlow writes its checkpoints")
def test_weights_that_a_checkpoint_does_not_hold_are_named(tmp_path):
    """Layers in a list are not in it; nothing is logged with weights that were not loaded."""
    import tensorflow as tf

    class Listed(keras.Model):
        def __init__(self):
            super().__init__()
            self.inner = [L.Dense(2, name="inner")]

        def call(self, values):
            return self.inner[0](values)

    model = Listed()
    model(X)
    path = tf.train.Checkpoint(model=model).write(str(tmp_path / "cp-1"))
    with pytest.raises(ValueError, match=r"cp-1 cannot.*no values for '.*inner/kernel'"):
        tba.log_checkpoints(tmp_path / "log", model, path, X, **QUIET)
    assert not (tmp_path / "log").exists()


def test_what_was_logged_stays_when_a_file_cannot_be(tmp_path):
    """A missing file and weights of another model are named; the model is put back all the same."""
    small().save_weights(tmp_path / "a1.weights.h5")
    small(5).save_weights(tmp_path / "a2.weights.h5")
    (tmp_path / "a4.weights.h5").write_bytes(b"no weights")
    model = small()
    before = model.get_weights()
    for number, error in ((2, ValueError), (3, FileNotFoundError), (4, ValueError)):
        paths = [tmp_path / f"a{i}.weights.h5" for i in (1, number)]
        with pytest.raises(error, match=rf"a{number}\.weights\.h5.*logged before it stays"):
            tba.log_checkpoints(tmp_path / f"log{number}", model, paths, X, **QUIET)
        assert sorted(read(tmp_path / f"log{number}")["out"]) == [1]
        assert all(map(np.array_equal, before, model.get_weights()))


@pytest.mark.parametrize(
    ("names", "steps"),
    [
        (["weights.02-0.97.h5", "weights.01-1.31.h5"], [2, 1]),
        (["resnet50_1.keras", "resnet50_20.keras"], [1, 20]),
        (["run/epoch_3/model.weights.h5", "run/epoch_4/model.weights.h5"], [3, 4]),
        (["first.keras", "second.keras"], [0, 1]),
        (["resnet50_best.keras", "resnet50_7.keras"], [0, 1]),
        (["v1.5_3.keras", "v1.5_4.keras"], [3, 4]),
        (["resnet50_12.keras"], [12]),
        (["best.keras"], [0]),
    ],
)
def test_the_step_is_the_number_that_tells_the_names_apart(names, steps):
    """A decimal is no step, nor is a number that all names share."""
    expected = sorted(zip(steps, names, strict=True))
    assert [(one.step, one.path) for one in saved_steps(names)] == expected


def test_steps_can_be_said_and_are_checked(tmp_path):
    """One integer a file, each another; as many files as there are."""
    assert [one.path for one in saved_steps(["a", "b"], [7, 2])] == ["b", "a"]
    for steps, sentence in (
        ([1], "steps has 1 for 2 files"),
        ([1, 1], "steps has 1 for a and for b"),
        ([1, -1], "steps holds -1"),
        ([1, 1.5], "steps holds 1.5"),
    ):
        with pytest.raises(ValueError, match=sentence):
            saved_steps(["a", "b"], steps)
    with pytest.raises(ValueError, match="at least one file"):
        saved_steps(str(tmp_path / "*.keras"))
    with pytest.raises(TypeError, match="update_freq"):
        tba.log_checkpoints(tmp_path, small(), ["a"], X, update_freq="batch")
