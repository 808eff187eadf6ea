"""The steps that the callback writes are the optimizer's, however `fit` runs them."""

from __future__ import annotations

import warnings

import keras
import numpy as np
import pytest
from keras import layers as L
from training.keras.test_callback import quiet, read, steps

import tb_activations as tba

NO_SEVERAL = pytest.mark.skipif(
    keras.backend.backend() == "torch", reason="Keras has no steps_per_execution on PyTorch"
)
X = np.random.default_rng(0).normal(size=(10, 3)).astype("float32")
Y = np.zeros((10, 1), "float32")


def linear(optimizer="sgd", **options):
    model = keras.Sequential([keras.Input((3,)), L.Dense(1, use_bias=False, name="dense")])
    model.compile(optimizer, "mse", **options)
    return model


def fit(model, callback, **options):
    options = {"epochs": 2, "batch_size": 1, "verbose": 0, **options}
    model.fit(X, Y, callbacks=[callback], **options)


def iterations(model):
    return int(keras.ops.convert_to_numpy(model.optimizer.iterations))


class Weights(keras.callbacks.Callback):
    """{step: kernel} as the optimizer counts, after each batch."""

    def __init__(self):
        super().__init__()
        self.kernels = {}

    def on_train_batch_end(self, batch, logs=None):
        kernel = keras.ops.convert_to_numpy(self.model.get_layer("dense").kernel)
        self.kernels[iterations(self.model)] = np.array(kernel)


def follows(log_dir, kernels):
    """Every record but the first is of the weights that its step names."""
    for step, (_, values, _, _) in list(read(log_dir)["dense"].items())[1:]:
        np.testing.assert_allclose(values, X[:4] @ kernels[step], rtol=1e-4, atol=1e-5)


@NO_SEVERAL
def test_several_steps_an_execution_that_do_not_divide_the_epoch(tmp_path):
    """Ten batches in executions of four: the third of each epoch makes two steps."""
    model, weights = linear(steps_per_execution=4), Weights()
    callback = quiet(tmp_path, X, update_freq=4, precision="float32")
    model.fit(X, Y, epochs=2, batch_size=1, verbose=0, callbacks=[callback, weights])
    assert steps(tmp_path) == [0, 4, 8, 14, 18, 20]
    follows(tmp_path, weights.kernels)


def test_accumulated_gradients_are_one_step(tmp_path):
    model = linear(keras.optimizers.SGD(gradient_accumulation_steps=3))
    fit(model, quiet(tmp_path, X, update_freq=2))
    assert steps(tmp_path) == [0, 2, 4, 6] and iterations(model) == 6


def test_an_epoch_that_runs_out_of_data(tmp_path):
    """Keras goes on with the next epoch; steps stay the optimizer's."""

    def batches():
        for i in range(6):
            yield X[i : i + 1], Y[i : i + 1]

    model, weights = linear(), Weights()
    callback = quiet(tmp_path, X, update_freq="batch", precision="float32")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        model.fit(batches(), steps_per_epoch=4, epochs=3, verbose=0, callbacks=[callback, weights])
    assert steps(tmp_path) == [0, *sorted(weights.kernels)]
    follows(tmp_path, weights.kernels)


def test_a_run_that_is_restored_when_training_begins(tmp_path):
    """BackupAndRestore loads the weights after our hook, whatever its place in the list."""

    class Stops(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                raise RuntimeError("stop")

    def callbacks():
        backup = keras.callbacks.BackupAndRestore(tmp_path / "backup")
        return [quiet(tmp_path / "log", X, update_freq=5, precision="float32"), backup]

    stopped = callbacks()
    with pytest.raises(RuntimeError, match="stop"):
        linear().fit(X, Y, epochs=3, batch_size=1, verbose=0, callbacks=[*stopped, Stops()])
    stopped[0].flush()
    assert steps(tmp_path / "log") == [0, 5, 10]
    at_ten = read(tmp_path / "log")["dense"][10][1]
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        linear().fit(X, Y, epochs=3, batch_size=1, verbose=0, callbacks=callbacks())
    log = read(tmp_path / "log")["dense"]
    assert sorted(log) == [0, 5, 10, 15, 20, 25, 30]
    np.testing.assert_array_equal(log[10][1], at_ten)


def test_a_second_fit_with_a_new_optimizer_goes_on(tmp_path):
    model, callback = linear(), quiet(tmp_path, X, update_freq=5)
    fit(model, callback, epochs=1)
    model.compile("sgd", "mse")
    fit(model, callback, epochs=1)
    assert steps(tmp_path) == [0, 5, 10, 15, 20]


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="train_step in TensorFlow")
@pytest.mark.parametrize(("times", "expected"), [(0, [0, 4, 8]), (2, [0, 4, 8, 12, 16, 20])])
def test_a_train_step_with_another_optimizer_or_two_updates(tmp_path, times, expected):
    """Batches count where `model.optimizer` stands still; two updates a batch are two steps."""
    import tensorflow as tf

    class Custom(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = L.Dense(1, name="dense")
            self.own = keras.optimizers.SGD()

        def call(self, x):
            return self.dense(x)

        def train_step(self, data):
            for optimizer in [self.optimizer] * times or [self.own]:
                with tf.GradientTape() as tape:
                    loss = tf.reduce_mean((self(data[0]) - data[1]) ** 2)
                weights = self.trainable_weights
                optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
            return {"loss": loss}

    model = Custom()
    model.compile("sgd")
    fit(model, quiet(tmp_path, X, update_freq=4), epochs=1)
    assert steps(tmp_path) == expected


def breaking(at):
    """A model whose loss is NaN from the batch `at` on, and whose weights stay finite."""
    y = Y.copy()
    y[at] = np.nan
    model = keras.Sequential([keras.Input((3,)), L.Dense(1, use_bias=False, name="dense")])
    model.trainable = False
    model.compile("sgd", "mse")
    return model, y


def test_the_first_loss_that_is_not_finite_is_logged_out_of_turn(tmp_path, capsys):
    model, y = breaking(6)
    callback = tba.ActivationsCallback(tmp_path, X, update_freq=4)
    model.fit(X, y, batch_size=1, epochs=2, verbose=0, shuffle=False, callbacks=[callback])
    expected = [0, 4, 7, 8, 12, 16, 20]
    assert steps(tmp_path) == expected
    said = capsys.readouterr().out
    assert said.count("loss is nan: an update is logged out of turn, as step 7") == 1


def test_within_an_epoch_it_is_the_record_of_that_epoch(tmp_path):
    """The kernel moves on at each batch: what is kept is of the batch with the first NaN."""

    class Moves(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            self.model.get_layer("dense").kernel.assign(np.full((3, 1), batch, "float32"))

    model, y = breaking(6)
    callbacks = [quiet(tmp_path, X, precision="float32"), Moves()]
    model.fit(X, y, batch_size=1, epochs=2, verbose=0, shuffle=False, callbacks=callbacks)
    log = read(tmp_path)["dense"]
    assert sorted(log) == [0, 1, 2]
    for step, kernel in ((1, 6), (2, 9)):
        expected = X[:4].sum(axis=1, keepdims=True) * kernel
        np.testing.assert_allclose(log[step][1], expected, rtol=1e-5, atol=1e-5)


def test_a_loss_of_another_name_counts_and_a_metric_does_not():
    from tb_activations.training.keras.steps import nonfinite_loss

    assert nonfinite_loss({"accuracy": float("nan"), "loss": 1.0}) is None
    assert nonfinite_loss({"d_loss": 1, "g_loss": np.float32("inf")}) == "g_loss is inf"
    assert nonfinite_loss(None) is None and nonfinite_loss({"loss": [1.0, 2.0]}) is None
