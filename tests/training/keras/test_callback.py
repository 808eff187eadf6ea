"""The callback: what it writes, at which steps, and that training does not notice."""

from __future__ import annotations

import contextlib
import itertools
import os
import subprocess
import sys
import warnings
from pathlib import Path

import keras
import model_zoo
import numpy as np
import pytest
from keras import layers as L
from servers import reserved_port
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

import tb_activations as tba
from tb_activations import record
from tb_activations.eventfile.last_step import last_step
from tb_activations.record import Blob
from tb_activations.record.run import RUN_TAG
from tb_activations.training.byte_queue import ByteQueue

TENSORFLOW = keras.backend.backend() == "tensorflow"
PATIENCE = 600  # seconds for two processes to train for a moment, on any machine
X = np.random.default_rng(0).random((64, 8, 8, 1), "float32")
Y = np.arange(64) % 10


def convnet(dropout=0.0, **options):
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            L.Conv2D(8, 3, activation="relu", name="conv1"),
            L.Conv2D(16, 3, activation="relu", name="conv2"),
            L.Flatten(name="flatten"),
            L.Dropout(dropout, name="dropout"),
            L.Dense(10, activation="softmax", name="dense"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", **options)
    return model


def fit(model, callback, **options):
    options = {"epochs": 2, "verbose": 0, "batch_size": 16, **options}
    return model.fit(X, Y, callbacks=[callback], **options)


def read(log_dir):
    """{tag: {step: (header, values, statistics, labels)}} of the layers in all event files."""
    found = {}
    for path in sorted(Path(log_dir).glob("*tfevents*")):
        for event in EventFileLoader(str(path)).Load():
            for value in event.summary.value:
                if value.tag == RUN_TAG:
                    continue
                blobs = list(value.tensor.string_val)
                whole = record.WholeRecord(blobs)
                header, stored = whole.header, record.read_values(whole)
                found.setdefault(value.tag, {})[event.step] = (
                    header,
                    np.moveaxis(record.restore(stored, header.exponent), 1, -1),
                    record.parse_statistics(blobs[Blob.STATISTICS], header),
                    record.parse_labels(blobs[Blob.LABELS], header),
                )
    return found


def steps(log_dir, tag="dense"):
    return sorted(read(log_dir)[tag])


def quiet(log_dir, data, *args, **options):
    return tba.ActivationsCallback(log_dir, data, *args, **{"verbose": 0, **options})


def test_each_epoch_is_a_step_and_zero_is_the_untrained_model(tmp_path):
    model = convnet()
    untrained = tba.capture(model, X[:40])
    fit(model, quiet(tmp_path, (X[:40], Y[:40]), precision="float32"))
    log = read(tmp_path)
    assert list(log) == ["input", "conv1", "conv2", "dense"]
    assert sorted(log["conv1"]) == [0, 1, 2]
    for step, values in ((0, untrained), (2, tba.capture(model, X[:40]))):
        for name in ("conv1", "conv2", "dense"):
            header, stored, statistics, _ = log[name][step]
            assert (header.batch, header.examples) == (40, (0, 1, 2, 3))
            np.testing.assert_allclose(stored, values[name][:4], rtol=1e-5, atol=1e-6)
            whole = record.ChannelStatistics.of(values[name]).table()
            np.testing.assert_allclose(statistics, whole, rtol=1e-4, atol=1e-6)


def test_the_inputs_are_logged_once_with_their_labels(tmp_path):
    fit(convnet(), quiet(tmp_path, (X, Y), class_names=[f"digit {i}" for i in range(10)]))
    log = read(tmp_path)["input"]
    header, values, _, labels = log[0]
    assert list(log) == [0] and header.batch == 64
    assert labels == ("digit 0", "digit 1", "digit 2", "digit 3")
    assert np.allclose(values, X[:4], atol=1e-3)


def test_records_lie_in_log_dir_itself_beside_the_runs_of_keras(tmp_path):
    callbacks = [quiet(tmp_path, X), keras.callbacks.TensorBoard(tmp_path)]
    convnet().fit(X, Y, verbose=0, callbacks=callbacks)
    assert len(list(tmp_path.glob("*.activations"))) == 1
    assert (tmp_path / "train").is_dir() or not TENSORFLOW


def test_steps_continue_over_calls_of_fit(tmp_path):
    model, callback = convnet(), quiet(tmp_path, X)
    fit(model, callback)
    fit(model, callback)
    assert steps(tmp_path) == [0, 1, 2, 3, 4]


def test_steps_start_where_fit_starts(tmp_path):
    fit(convnet(), quiet(tmp_path, X), initial_epoch=3, epochs=5)
    assert steps(tmp_path) == [3, 4, 5]


def test_a_resumed_run_continues_and_one_that_starts_over_warns_once(tmp_path):
    fit(convnet(), quiet(tmp_path, X))
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        fit(convnet(), quiet(tmp_path, X), initial_epoch=2, epochs=4)
    assert last_step(tmp_path) == 4
    with pytest.warns(UserWarning, match="up to step 4.*initial_epoch") as caught:
        fit(convnet(), quiet(tmp_path, X))
    assert len([w for w in caught if "initial_epoch" in str(w.message)]) == 1


def test_batches_count_from_the_optimizers_iterations(tmp_path):
    model = convnet()
    model.fit(X, Y, batch_size=16, verbose=0)  # 4 batches
    callback = quiet(tmp_path, X, "dense", update_freq=3)
    fit(model, callback)
    assert steps(tmp_path) == [4, 6, 9, 12]
    fit(model, callback, epochs=1)
    assert steps(tmp_path) == [4, 6, 9, 12, 15]


def test_every_batch_is_a_step_of_the_weights_that_it_left(tmp_path):
    model = convnet()
    fit(model, quiet(tmp_path, X, "dense", update_freq="batch", precision="float32"), epochs=1)
    values = [read(tmp_path)["dense"][step][1] for step in range(5)]
    assert steps(tmp_path) == [0, 1, 2, 3, 4]
    assert not any(np.array_equal(a, b) for a, b in itertools.pairwise(values))
    np.testing.assert_allclose(values[4], tba.capture(model, X, "dense")["dense"][:4], atol=1e-6)


@pytest.mark.skipif(
    keras.backend.backend() == "torch", reason="Keras has no steps_per_execution on PyTorch"
)
def test_several_steps_an_execution_are_counted(tmp_path):
    model = convnet(steps_per_execution=2)
    fit(model, quiet(tmp_path, X, "dense", update_freq=1))
    assert steps(tmp_path) == [0, 2, 4, 6, 8]


@pytest.mark.parametrize(
    "options", [{"jit_compile": True}, {"run_eagerly": True}, {"jit_compile": False}]
)
def test_it_works_however_the_training_step_runs(tmp_path, options):
    fit(convnet(**options), quiet(tmp_path, X))
    assert steps(tmp_path) == [0, 1, 2]


def test_mixed_precision_is_logged_in_its_own_dtype(tmp_path):
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            L.Conv2D(4, 3, dtype="mixed_bfloat16", name="conv"),
            L.Flatten(dtype="float32"),
            L.Dense(10, activation="softmax", dtype="float32", name="dense"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    fit(model, quiet(tmp_path, X))
    assert read(tmp_path)["conv"][0][0].source == "bfloat16"


@pytest.mark.skipif(not TENSORFLOW, reason="the train_step is written in TensorFlow")
def test_a_custom_train_step_is_logged(tmp_path):
    import tensorflow as tf

    class Custom(keras.Model):
        def __init__(self):
            super().__init__()
            self.flat, self.dense = L.Flatten(), L.Dense(10, name="dense")

        def call(self, x):
            return self.dense(self.flat(x))

        def train_step(self, data):
            x, y = data
            with tf.GradientTape() as tape:
                loss = self.compute_loss(y=y, y_pred=self(x, training=True))
            gradients = tape.gradient(loss, self.trainable_variables)
            self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
            return {"loss": loss}

    model = Custom()
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    fit(model, quiet(tmp_path, X))
    assert steps(tmp_path) == [0, 1, 2]


@pytest.mark.parametrize("built", [True, False])
def test_weights_are_bit_identical_with_the_callback_and_without(tmp_path, built):
    def train(callbacks):
        model = convnet(dropout=0.3)
        if not built:
            keras.utils.set_random_seed(3)
            layers = [L.Flatten(), L.Dropout(0.3), L.Dense(10, activation="softmax")]
            model = keras.Sequential(layers)
            model.compile("adam", "sparse_categorical_crossentropy")
        model.fit(X, Y, epochs=2, batch_size=16, verbose=0, callbacks=callbacks)
        return [np.asarray(keras.ops.convert_to_numpy(v)) for v in model.weights]

    without = train([])
    logged = train([quiet(tmp_path, X, update_freq=3)])
    assert all(np.array_equal(a, b) for a, b in zip(without, logged, strict=True))


def test_nan_is_counted_and_kept(tmp_path):
    model = convnet()
    bias = np.zeros(8, "float32")
    bias[2] = np.nan
    model.get_layer("conv1").bias.assign(bias)
    expected = np.isnan(tba.capture(model, X)["conv1"]).sum()
    model.trainable = False
    model.compile("adam", "sparse_categorical_crossentropy")
    fit(model, quiet(tmp_path, X))
    _, values, statistics, _ = read(tmp_path)["conv1"][2]
    assert statistics[:, 5].sum() == expected == 64 * 36
    assert np.isnan(values[..., 2]).all() and np.isfinite(values[..., 3]).all()


def test_what_will_be_written_is_said_before_the_first_step(tmp_path, capsys):
    fit(convnet(), tba.ActivationsCallback(tmp_path, X), epochs=1)
    [path] = tmp_path.glob("*.activations")
    events = [event for event in EventFileLoader(str(path)).Load() if event.summary.value]
    updates = [one for one in events if one.summary.value[0].tag != RUN_TAG]
    size = sum(one.ByteSize() for one in updates) / 2
    said = capsys.readouterr().out
    assert f"each update writes 3 layers, 2,216 values, at most 7.4 kB, to {tmp_path}" in said
    assert size < 7400


def test_a_byte_budget_keeps_every_layer_with_fewer_examples_and_channels(tmp_path, capsys):
    callback = tba.ActivationsCallback(tmp_path, X, max_outputs=8, max_bytes_per_update=4000)
    fit(convnet(), callback)
    said = capsys.readouterr().out
    assert said.count("to stay within max_bytes_per_update=4,000, it keeps") == 1
    log = read(tmp_path)
    assert set(log) == {"input", "conv1", "conv2", "dense"}
    header = log["conv2"][2][0]
    assert 0 < len(header.channel_ids) < 16 and header.channels == 16
    assert len(header.examples) == len(log["input"][0][0].examples) < 8


def test_a_budget_that_cannot_be_met_warns_and_keeps_one_of_each(tmp_path):
    with pytest.warns(UserWarning, match="even one example and one channel"):
        fit(convnet(), quiet(tmp_path, X, max_bytes_per_update=10))
    assert read(tmp_path)["conv2"][1][0].shape == (1, 4, 4, 1)


def test_more_examples_are_kept_than_run_at_once(tmp_path):
    fit(convnet(), quiet(tmp_path, X, "dense", max_outputs=40), epochs=1)
    header, values, _, _ = read(tmp_path)["dense"][0]
    assert header.examples == tuple(range(40)) and values.shape == (40, 10)


@pytest.mark.parametrize("kind", ["x", "dict", "generator", "sequence", "dataset"])
def test_data_is_taken_as_fit_takes_it(tmp_path, kind):
    class Sequence(keras.utils.PyDataset):
        def __len__(self):
            return 4

        def __getitem__(self, index):
            return X[:16], Y[:16]

    sources = {
        "x": lambda: X[:16],
        "dict": lambda: {"a": X[:16]},
        "generator": lambda: iter([(X[:16], Y[:16])]),
        "sequence": Sequence,
    }
    if kind == "dataset":
        tf = pytest.importorskip("tensorflow")
        sources["dataset"] = lambda: tf.data.Dataset.from_tensor_slices((X, Y)).batch(16)
    model = convnet()
    if kind == "dict":
        i = {"a": keras.Input((8, 8, 1), name="a")}
        model = keras.Model(i, L.Dense(10, "softmax", name="dense")(L.Flatten()(i["a"])))
        model.compile("adam", "sparse_categorical_crossentropy")
        model.fit({"a": X}, Y, verbose=0, callbacks=[quiet(tmp_path, sources[kind]())])
        assert "input.a" in read(tmp_path)
        return
    fit(model, quiet(tmp_path, sources[kind]()))
    header, _, _, labels = read(tmp_path)["input"][0]
    assert header.batch == 16
    assert labels == (None if kind == "x" else ("0", "1", "2", "3"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"update_freq": "step"}, "update_freq is 'step'"),
        ({"update_freq": 0}, "update_freq is 0"),
        ({"max_outputs": 0}, "max_outputs is 0"),
        ({"precision": "float8"}, "precision is 'float8'"),
        ({"max_bytes_per_update": 0}, "max_bytes_per_update is 0"),
        ({"layers": []}, "layers is empty"),
    ],
)
def test_bad_arguments_raise_at_construction(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        tba.ActivationsCallback(tmp_path, X, **options)


def test_an_unknown_layer_raises_before_the_first_step_of_training(tmp_path):
    model = convnet()
    with pytest.raises(ValueError, match="no layer 'conv9'; did you mean"):
        fit(model, quiet(tmp_path, X, ["conv1", "conv9"]))
    assert int(keras.ops.convert_to_numpy(model.optimizer.iterations)) == 0


def test_everything_is_on_disk_when_fit_raises(tmp_path):
    class Fails(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                raise RuntimeError("stop")

    callback = quiet(tmp_path, X)
    with pytest.raises(RuntimeError, match="stop"):
        convnet().fit(X, Y, epochs=3, verbose=0, callbacks=[callback, Fails()])
    callback.flush()
    assert steps(tmp_path) == [0, 1]


def test_an_error_that_ends_the_process_loses_nothing(tmp_path):
    """The last update is handed over an instant before: the end of the interpreter waits."""
    code = f"""
import keras, numpy as np, tb_activations as tba
class Fails(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        raise KeyboardInterrupt
model = keras.Sequential([keras.Input((64, 64, 3)), keras.layers.Conv2D(64, 3, name="dense")])
model.compile("sgd", "mse")
x = np.random.rand(8, 64, 64, 3).astype("float32")
callback = tba.ActivationsCallback({str(tmp_path)!r}, x, max_outputs=8, verbose=0)
model.fit(x, np.zeros((8, 62, 62, 64)), verbose=0, callbacks=[callback, Fails()])
"""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True)
    assert b"KeyboardInterrupt" in done.stderr
    assert steps(tmp_path) == [0, 1]


def test_a_directory_that_goes_away_warns_once_and_training_goes_on(tmp_path):
    log_dir = tmp_path / "run"

    class Removes(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch in (1, 2):
                callback.flush()
                for path in log_dir.iterdir():
                    path.unlink()
                log_dir.rmdir()

    callback = quiet(log_dir, X)
    with pytest.warns(UserWarning, match=r"run.*was removed.*training goes on") as caught:
        convnet().fit(X, Y, epochs=4, verbose=0, callbacks=[callback, Removes()])
    assert len([w for w in caught if "training goes on" in str(w.message)]) == 1
    assert steps(log_dir) == [3, 4]


def test_a_directory_that_cannot_be_made_warns_once(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.warns(UserWarning, match="cannot write activations to .*file/run") as caught:
        fit(convnet(), quiet(tmp_path / "file" / "run", X))
    assert len([w for w in caught if "training goes on" in str(w.message)]) == 1


def test_the_queue_never_holds_more_than_its_limit_and_loses_nothing():
    held, largest, done = [0], [0], []

    def task(i):
        done.append(i)
        held[0] -= 40

    queue = ByteQueue(limit=100)
    for i in range(50):
        queue.put(lambda i=i: task(i), 40)
        held[0] += 40
        largest[0] = max(largest[0], queue._held)
    queue.close()
    assert done == list(range(50)) and largest[0] <= 100


def test_a_task_that_raises_does_not_stop_the_queue():
    queue, done = ByteQueue(limit=100), []
    queue.put(lambda: 1 / 0, 10)
    queue.put(lambda: done.append(1), 10)
    with pytest.raises(ZeroDivisionError):
        queue.close()
    assert done == [1]


STRATEGY = """
import keras, numpy as np, tensorflow as tf, tb_activations as tba
cpus = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpus[0], [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
with strategy.scope():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="dense"),
                              keras.layers.BatchNormalization(name="bn")])
    model.compile("sgd", "mse")
x = np.random.rand(32, 4).astype("float32")
model.fit(x, np.zeros((32, 3)), epochs=2, verbose=0,
          callbacks=[tba.ActivationsCallback({log_dir!r}, x, verbose=0,
                                             attributions="gradient_x_input")])
captured = tba.capture(model, x)
expected = tba.attribute(model, x[:4], method="gradient_x_input")
np.save({log_dir!r} + "/map.npy", expected.values)
np.save({log_dir!r} + "/targets.npy", expected.target)
np.save({log_dir!r} + "/bn.npy", captured["bn"])
"""


@pytest.mark.skipif(not TENSORFLOW, reason="strategies are TensorFlow's")
def test_a_mirrored_strategy_is_logged(tmp_path):
    code = STRATEGY.replace("{log_dir!r}", repr(str(tmp_path)))
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    log = read(tmp_path)
    assert sorted(log["bn"]) == [0, 1, 2]
    expected = np.load(tmp_path / "bn.npy")[:4]
    np.testing.assert_allclose(log["bn"][2][1], expected, rtol=1e-3, atol=1e-3)
    header, maps, _, _ = log["attribution/gradient_x_input"][2]
    targets = np.array(header.attribution.targets)[:, 0]
    same = targets == np.load(tmp_path / "targets.npy")  # the first prediction is kept
    np.testing.assert_allclose(
        maps[same], np.load(tmp_path / "map.npy")[same], rtol=1e-3, atol=1e-3
    )


def test_recurrent_models_of_one_batch_size_are_logged_in_whole_batches(tmp_path):
    model = keras.Sequential(
        [keras.Input(batch_shape=(2, 5, 3)), L.SimpleRNN(4, stateful=True, name="rnn")]
    )
    model.compile("sgd", "mse")
    x = model_zoo.real(8, 5, 3)
    callback = quiet(tmp_path, x[:5])
    model.fit(x, np.zeros((8, 4)), batch_size=2, verbose=0, callbacks=[callback])
    header = read(tmp_path)["rnn"][1][0]
    assert (header.batch, header.examples) == (4, (0, 1, 2, 3))


def test_a_full_disk_warns_once_and_what_was_written_stays_readable(tmp_path):
    """A limit on the size of files stands for the disk: the writes fail in the same way."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    model, callback = convnet(), quiet(tmp_path, X, ["conv2", "dense"])
    resource.setrlimit(resource.RLIMIT_FSIZE, (6000, hard))
    try:
        with pytest.warns(UserWarning, match=r"cannot write activations to .*tfevents") as caught:
            fit(model, callback, epochs=6)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert len([w for w in caught if "training goes on" in str(w.message)]) == 1
    assert int(keras.ops.convert_to_numpy(model.optimizer.iterations)) == 24
    assert 0 in steps(tmp_path)


WORKER = """
import json, os, sys
index, ports, log_dir = int(sys.argv[1]), sys.argv[2].split(","), sys.argv[3]
cluster = {"worker": ["127.0.0.1:" + port for port in ports]}
task = {"type": "worker", "index": index}
os.environ["TF_CONFIG"] = json.dumps({"cluster": cluster, "task": task})
import tensorflow as tf
strategy = tf.distribute.MultiWorkerMirroredStrategy()
import keras, numpy as np, tb_activations as tba
x = np.random.default_rng(0).random((32, 4)).astype("float32")
with strategy.scope():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="dense")])
    model.compile("sgd", "mse")
    model.optimizer.build(model.trainable_variables)

@tf.function
def step(x):
    def one(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(model(x, training=True) ** 2)
        gradients = tape.gradient(loss, model.trainable_variables)
        model.optimizer.apply_gradients(zip(gradients, model.trainable_variables))
    strategy.run(one, args=(x,))

callback = tba.ActivationsCallback(log_dir, x, verbose=0, attributions="gradients")
callback.set_model(model)
callback.on_train_begin()
for epoch in range(2):
    callback.on_epoch_begin(epoch)
    step(tf.constant(x))
    callback.on_epoch_end(epoch)
callback.on_train_end()
"""


@pytest.mark.skipif(
    not (TENSORFLOW and os.environ.get("TBA_SOAK")),
    reason="two processes of TensorFlow: TBA_SOAK=1",
)
def test_of_several_workers_the_chief_alone_writes(tmp_path):
    """In a loop of its own: `fit` of Keras 3.15 fails under this strategy with no callback."""
    # The ports are TensorFlow's own once it starts, and nobody else's before.
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "TF_GRPC_REUSE_PORT": "true"}
    with contextlib.ExitStack() as stack:
        ports = ",".join(str(stack.enter_context(reserved_port())) for _ in range(2))
        workers = [
            subprocess.Popen(
                [sys.executable, "-c", WORKER, str(i), ports, str(tmp_path)], env=environment
            )
            for i in range(2)
        ]
        try:
            assert [worker.wait(PATIENCE) for worker in workers] == [0, 0]
        finally:
            for worker in workers:
                worker.kill()
    assert steps(tmp_path) == [0, 1, 2]
    assert len(list(tmp_path.glob("*.activations"))) == 1
