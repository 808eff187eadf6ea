"""The summary op against its NumPy twin, eagerly and inside tf.function."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

tf = pytest.importorskip("tensorflow", reason="the op needs TensorFlow")
import ml_dtypes  # noqa: E402  (comes with TensorFlow)

import tb_activations as tba  # noqa: E402
from tb_activations import record  # noqa: E402
from tb_activations.record import Blob, storage  # noqa: E402
from tb_activations.record import options as limits  # noqa: E402
from tb_activations.training.tensorflow import outside, summary  # noqa: E402
from tb_activations.training.tensorflow import storage as graph_storage  # noqa: E402

EVERY = slice(None)
DTYPES = [
    "float16", "float32", "float64", "bfloat16", "float8_e5m2", "float8_e4m3fn", "int8", "int16",
    "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool",
]  # fmt: skip
SHAPES = [(6, 5), (5, 7, 4), (5, 9, 11, 12), (2, 3, 4, 5, 6)]


def logged(directory: Path) -> list[Any]:
    """Every summary value of the directory's event files, in order."""
    return [
        (event.step, value)
        for path in sorted(directory.iterdir())
        for event in EventFileLoader(str(path)).Load()
        for value in event.summary.value
    ]


def blobs_of(directory: Path) -> list[bytes]:
    """The blobs of the last record."""
    return list(logged(directory)[-1][1].tensor.string_val)


def of_dtype(dtype: str, shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Values of every kind that `dtype` has: zeros, a constant channel, NaN and infinities.

    `million`: float32 that float16 would hide.
    """
    if dtype == "million":
        return (1e6 + np.random.default_rng(seed).normal(size=shape)).astype(np.float32)
    values = np.random.default_rng(seed).normal(scale=20, size=shape)
    values[values < -25] = 0
    if shape[-1] > 2:
        values[..., 1] = 0
        values[..., 2] = 3
    if "float" in dtype and values.size:
        values.reshape(-1)[::17] = np.nan
        if dtype != "float8_e4m3fn":
            values.reshape(-1)[5::31] = np.inf
            values.reshape(-1)[6::31] = -np.inf
    if dtype.startswith("uint"):
        values = np.abs(values)
    if dtype.endswith("64"):
        values *= 2.0**40
    return values.astype(getattr(ml_dtypes, dtype) if hasattr(ml_dtypes, dtype) else dtype)


def assert_same_record(ours: list[bytes], twin: list[bytes]) -> None:
    """Equal headers, values to the bit, labels; statistics as the format promises."""
    header = record.parse_header(ours[Blob.HEADER])
    assert ours[0] == twin[0]
    a, b = (record.read_values(record.WholeRecord(blobs)) for blobs in (ours, twin))
    assert a.tobytes() == b.tobytes()
    assert record.parse_labels(ours[Blob.LABELS], header) == record.parse_labels(
        twin[Blob.LABELS], header
    )
    x, y = (record.parse_statistics(blobs[Blob.STATISTICS], header) for blobs in (ours, twin))
    np.testing.assert_array_equal(x[:, [0, 1, 5]], y[:, [0, 1, 5]])
    np.testing.assert_allclose(x[:, 4], y[:, 4], rtol=1e-6)
    largest = np.nan_to_num(np.abs(y[:, :2])).max(initial=0)
    np.testing.assert_allclose(x[:, 2:4], y[:, 2:4], rtol=1e-5, atol=float(largest) * 1e-12)
    s, t = (record.parse_summary(blobs[Blob.SUMMARY]) for blobs in (ours, twin))
    assert (s.dead, s.constant, s.nonfinite) == (t.dead, t.constant, t.nonfinite)
    np.testing.assert_allclose([s.rms, s.largest], [t.rms, t.largest], rtol=1e-5)


def write_eagerly(directory: Path, data: Any, **options: Any) -> list[bytes]:
    with tf.summary.create_file_writer(str(directory)).as_default():
        assert tba.activations("layer", data, 3, **options)
    return blobs_of(directory)


def write_in_function(directory: Path, data: Any, signature: Any, **options: Any) -> list[bytes]:
    writer = tf.summary.create_file_writer(str(directory))

    @tf.function(input_signature=[signature, tf.TensorSpec([], tf.int64)])
    def log(tensor: Any, step: Any) -> Any:
        with writer.as_default():
            return tba.activations("layer", tensor, step, **options)

    assert log(data, 3)
    writer.close()
    return blobs_of(directory)


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_is_logged_as_numpy_would(tmp_path: Path, dtype: str) -> None:
    """Eagerly, over ranks 2 to 5, both data formats and both precisions."""
    for i, shape in enumerate(SHAPES):
        data = of_dtype(dtype, shape, seed=i)
        for j, precision in enumerate(("float16", "float32")):
            options: dict[str, Any] = {
                "precision": precision,
                "data_format": ("channels_last", "channels_first")[(i + j) % 2],
                "labels": [str(n) for n in range(shape[0])],
            }
            ours = write_eagerly(tmp_path / f"{i}{j}", tf.constant(data), **options)
            assert_same_record(ours, record.encode(data, **options))


KNOWN = ["shape", "sides", "rank", "nothing"]


# Each record by what is known least and most of its shape, and by all in between with TBA_SOAK=1.
@pytest.mark.parametrize("known", KNOWN if os.environ.get("TBA_SOAK") == "1" else KNOWN[::3])
@pytest.mark.parametrize(
    ("dtype", "shape", "options"),
    [
        ("float32", (6, 28, 28, 16), {"max_channels": 5}),
        ("float32", (70, 28, 28, 3), {"max_outputs": 9}),  # the path without masks
        ("bfloat16", (2, 5000), {"data_format": "channels_first"}),
        ("float64", (2, 7, 3), {"precision": "float32", "max_channels": 8}),
        ("float8_e5m2", (2, 3, 4, 5, 6), {}),
        ("float32", (1, 601, 601, 1), {"precision": "float32"}),  # a folded row
        ("int64", (0, 4, 4, 3), {}),
        ("float32", (2, 0, 4, 3), {}),
        ("float32", (3, 4, 0), {"max_channels": 2}),
        ("float32", (4, 28, 28, 16), {"compression": 0}),
        ("million", (4, 9, 9, 16), {"max_outputs": 3}),
    ],
)
def test_a_graph_logs_what_numpy_would(
    tmp_path: Path, dtype: str, shape: tuple[int, ...], options: dict[str, Any], known: str
) -> None:
    """Inside tf.function, be the shape, all but the batch, the rank alone or nothing known.

    Packed by the graph or outside of it, in turn.
    """
    data = of_dtype(dtype, shape)
    if shape[0] == 70:
        data = np.nan_to_num(data, nan=0, posinf=0, neginf=0)
    sides = {
        "shape": shape,
        "sides": [None, *shape[1:]],
        "rank": [None] * len(shape),
        "nothing": None,
    }[known]
    signature = tf.TensorSpec(sides, tf.as_dtype(data.dtype))
    inside = {"in_graph": known in ("sides", "nothing")}
    ours = write_in_function(tmp_path, tf.constant(data), signature, **options, **inside)
    assert_same_record(ours, record.encode(data, **options))


@settings(max_examples=60, deadline=None)
@given(
    hnp.arrays(np.uint32, hnp.array_shapes(min_dims=2, max_dims=4, max_side=6)).map(
        lambda bits: bits.view(np.float32)
    ),
    st.sampled_from(["auto", "float16", "float32"]),
    st.booleans(),
)
def test_any_float32_bits_are_logged_as_numpy_would(
    data: np.ndarray, precision: str, in_graph: bool
) -> None:
    """Subnormals, NaN payloads and both ends of the range included."""
    with tempfile.TemporaryDirectory() as directory:
        options = {"precision": precision, "in_graph": in_graph}
        ours = write_eagerly(Path(directory), tf.constant(data), **options)
    assert_same_record(ours, record.encode(data, precision=precision))


@pytest.mark.parametrize("magnitude", [1.2e-38, 1e-30, 1.0, 65519.9, 1e30, 3.4e38, 1e300, 2.3e-308])
def test_every_magnitude_is_logged_as_numpy_would(tmp_path: Path, magnitude: float) -> None:
    """float32 from end to end, float64 beyond."""
    data = np.linspace(-magnitude, magnitude, 48).reshape(2, 8, 3)
    if 1e-38 < magnitude < 3.5e38:
        data = data.astype(np.float32)
    for precision in ("auto", "float16", "float32"):
        ours = write_eagerly(tmp_path / precision, tf.constant(data), precision=precision)
        assert_same_record(ours, record.encode(data, precision=precision))


def test_activations_pb_holds_the_same_record(tmp_path: Path) -> None:
    """Tag, metadata and blobs of the two ways agree."""
    data = of_dtype("float32", (5, 9, 9, 4))
    options: dict[str, Any] = {"kind": "input", "order": 2, "description": "*x*"}
    (value,) = tba.activations_pb("layer", data, **options).value
    write_eagerly(tmp_path, tf.constant(data), **options)
    step, written = logged(tmp_path)[-1]
    assert (step, written.tag) == (3, value.tag)
    assert written.metadata == value.metadata
    assert_same_record(list(written.tensor.string_val), list(value.tensor.string_val))


def test_nothing_is_made_where_nothing_is_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a writer, or under record_if(False), no record is made; in a graph as well."""
    made: list[str] = []
    monkeypatch.setattr(summary, "_make", lambda tag, *rest: made.append(tag))
    assert not tba.activations("no writer", tf.zeros([2, 3]), 0)
    with tf.summary.create_file_writer(str(tmp_path)).as_default(), tf.summary.record_if(False):
        assert not tba.activations("not recorded", tf.zeros([2, 3]), 0)
    assert made == []


def test_a_condition_in_the_graph_chooses_the_steps(tmp_path: Path) -> None:
    """record_if with a tensor writes at the steps it says, and returns whether it wrote."""
    writer = tf.summary.create_file_writer(str(tmp_path))

    @tf.function
    def log(step: Any) -> Any:
        with writer.as_default(), tf.summary.record_if(step % 2 == 0):
            return tba.activations("layer", tf.zeros([2, 3]), step)

    written = [step for step in range(6) if log(tf.constant(step, tf.int64))]
    writer.close()
    assert written == [0, 2, 4]
    assert [step for step, _ in logged(tmp_path)] == [0, 2, 4]


def test_name_scopes_and_the_default_step_apply(tmp_path: Path) -> None:
    """As with tf.summary.image: the scope is part of the tag, set_step gives the step."""
    with tf.summary.create_file_writer(str(tmp_path)).as_default(step=11), tf.name_scope("block"):
        tba.activations("conv", tf.zeros([2, 3]))
    ((step, value),) = logged(tmp_path)
    assert (step, value.tag) == (11, "block/conv")


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        (np.zeros((2, 3), np.complex64), {}, "complex64 cannot be logged; accepted are float8"),
        (np.array([["a"]]), {}, "string cannot be logged"),
        (np.zeros(3, np.float32), {}, "rank 1 cannot be logged; accepted are rank 2"),
        (np.zeros((2, 3), np.float32), {"precision": "int8"}, "precision is 'int8'"),
        (np.zeros((2, 3), np.float32), {"labels": ["a"] * 5}, "5 labels"),
        (np.zeros((2, 3), np.float32), {"kind": "weight"}, "kind is 'weight'"),
        (np.zeros((2, 3), np.float32), {"order": "1"}, "order is '1'"),
    ],
)
def test_bad_input_raises_at_the_call(
    tmp_path: Path, data: np.ndarray, options: dict[str, Any], message: str
) -> None:
    """With a writer or without, the value and the choices are named."""
    with pytest.raises((TypeError, ValueError), match=message):
        tba.activations("layer", data, 0, **options)


def test_a_missing_step_raises_at_the_call() -> None:
    """The error says where a step can come from."""
    with pytest.raises(ValueError, match=r"no step: pass step= .* tf\.summary\.experimental"):
        tba.activations("layer", tf.zeros([2, 3]))


def test_a_frozen_step_warns(tmp_path: Path) -> None:
    """A Python number inside tf.function would write every record at one step."""
    writer = tf.summary.create_file_writer(str(tmp_path))

    @tf.function
    def log() -> None:
        with writer.as_default():
            tba.activations("layer", tf.zeros([2, 3]), 5)

    with pytest.warns(UserWarning, match="step 5 is a Python number inside tf.function"):
        log()


def test_a_rank_known_only_when_it_runs_is_checked_then(tmp_path: Path) -> None:
    """An unknown rank that turns out to be 1 is an error of the graph, not a broken record."""
    with pytest.raises(tf.errors.InvalidArgumentError, match="must have rank 2 to 5"):
        write_in_function(tmp_path, tf.zeros([3]), tf.TensorSpec(None, tf.float32))


def test_too_large_a_record_is_refused_where_its_shape_is_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Before anything is written, with the size and the limit."""
    monkeypatch.setattr(limits, "MAX_RECORD_BYTES", 1000)
    with pytest.raises(ValueError, match=r"\(4, 9, 9, 3\) in float16, take 1,944 bytes"):
        tba.activations("layer", tf.zeros([5, 9, 9, 3]), 0)


def test_too_large_a_record_of_unknown_shape_is_written_without_values(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Header and statistics say what there was; one warning is printed, not one a step."""
    monkeypatch.setattr(limits, "MAX_RECORD_BYTES", 1000)
    writer = tf.summary.create_file_writer(str(tmp_path))
    data = tf.random.normal([5, 9, 9, 3])

    @tf.function(input_signature=[tf.TensorSpec(None), tf.TensorSpec([], tf.int64)])
    def log(tensor: Any, step: Any) -> None:
        with writer.as_default():
            tba.activations("large", tensor, step)

    for step in range(3):
        log(data, step)
    writer.close()
    blobs = blobs_of(tmp_path)
    header = record.parse_header(blobs[Blob.HEADER])
    assert (header.omitted, header.shape, header.pages) == ("size", (4, 9, 9, 3), ())
    expected = record.ChannelStatistics.of(data.numpy()).table()
    np.testing.assert_allclose(
        record.parse_statistics(blobs[Blob.STATISTICS], header), expected, rtol=1e-4
    )
    assert capfd.readouterr().err.count("the values of 'large' take over") == 1


def test_graphs_trace_without_warnings(tmp_path: Path) -> None:
    """Nothing of ours prints on the user's terminal."""
    code = f"""
import tensorflow as tf, tb_activations as tba
writer = tf.summary.create_file_writer({str(tmp_path)!r})
@tf.function
def log(x, step):
    with writer.as_default():
        tba.activations("layer", x, step)
log(tf.zeros([2, 8, 8, 16]), tf.constant(1, tf.int64))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "optimizer" not in done.stderr


@pytest.mark.parametrize("channels", [170, 171, 70_000])
@pytest.mark.parametrize(("known", "in_graph"), [(True, False), (True, True), (False, True)])
def test_statistics_of_wide_layers_are_those_of_numpy(
    tmp_path: Path, channels: int, known: bool, in_graph: bool
) -> None:
    """Compressed or not, with a number of channels that the graph knows or does not."""
    data = np.maximum(np.random.default_rng(1).normal(size=(2, channels)), 0).astype(np.float32)
    data[0, 3] = np.nan
    spec = tf.TensorSpec([None, channels if known else None], tf.float32)
    ours = write_in_function(tmp_path, data, spec, in_graph=in_graph)
    assert_same_record(ours, record.encode(data))


@pytest.mark.parametrize(
    ("offset", "scale"), [(0, 1), (1000, 0.5), (-3e7, 100), (0, 1e-20), (0, 1e30), (5, 0)]
)
@pytest.mark.parametrize("in_graph", [False, True])
def test_large_layers_take_the_fast_path_only_where_it_is_exact(
    tmp_path: Path, offset: float, scale: float, in_graph: bool
) -> None:
    """Mean and std are right to 1e-5 far from zero, for tiny and for huge values, for constants."""
    data = np.random.default_rng(3).normal(size=(40, 32, 32, 4)) * scale + offset
    data[..., 3] = 0
    ours = write_eagerly(tmp_path, tf.constant(data.astype(np.float32)), in_graph=in_graph)
    table = record.parse_statistics(ours[Blob.STATISTICS], record.parse_header(ours[Blob.HEADER]))
    exact = data.astype(np.float32).astype(np.float64).reshape(-1, 4)
    np.testing.assert_allclose(table[:, 2], exact.mean(axis=0), rtol=1e-5, atol=scale * 1e-7)
    np.testing.assert_allclose(table[:, 3], exact.std(axis=0), rtol=1e-5)


@settings(max_examples=100, deadline=None)
@given(
    hnp.arrays(np.float32, (3, 2), elements=st.floats(width=32, allow_subnormal=False)),
    st.integers(-1100, 1100),
)
def test_auto_decides_in_a_graph_as_numpy_does(bounds: np.ndarray, exponent: int) -> None:
    """Of any extremes, ordered or not, finite or not, and any exponent of a record."""
    table = np.zeros((3, 6), np.float32)
    table[:, :2] = bounds
    found = graph_storage.hides(tf.constant(table), tf.constant(exponent))
    assert bool(found) == storage.hides(table[:, 0], table[:, 1], exponent)


SAVE = """
import sys, keras, numpy as np, tensorflow as tf, tb_activations as tba
steps = tf.Variable(0, dtype=tf.int64)
class Model(keras.Model):
    def __init__(self):
        super().__init__()
        self.conv, self.dense = keras.layers.Conv2D(4, 3), keras.layers.Dense(2)
    def call(self, x):
        y = self.conv(x)
        tba.activations("layer", y, tf.identity(steps))
        return self.dense(keras.ops.mean(y, axis=(1, 2)))
model = Model()
model.compile("sgd", "mse")
with tf.summary.create_file_writer(sys.argv[1]).as_default():
    model.fit(np.ones((8, 40, 40, 3)), np.ones((8, 2)), batch_size=4, verbose=0)
steps = tf.constant(0, tf.int64)  # a model that is exported may use no variable but its own
model.save(sys.argv[2] + ".keras")
model.export(sys.argv[2], verbose=False)
print(model(np.ones((2, 40, 40, 3), "float32")).numpy().tolist())
"""
LOAD = """
import sys, numpy as np, tensorflow as tf
sys.modules["tb_activations"] = None
model = tf.saved_model.load(sys.argv[1])
print(model.serve(tf.ones((2, 40, 40, 3))).numpy().tolist())
"""


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_statistics_of_layers_in_memory_are_numpys_to_the_bit(
    tmp_path: Path, data_format: str
) -> None:
    """A layer in this process's memory is not read by the graph: both make one record."""
    data = np.random.default_rng(4).normal(size=(5, 40, 41, 24)).astype(np.float32)
    data[1, 2, 3, 4], data[..., 7] = np.inf, 0
    signature = tf.TensorSpec([None, 40, None, 24], tf.float32)
    ours = write_in_function(tmp_path, data, signature, data_format=data_format)
    assert ours == record.encode(data, data_format=data_format)


def test_a_model_that_logged_is_exported(tmp_path: Path) -> None:
    """It logs in its own step, is saved, exported, and runs in a process without this package."""
    log, saved = str(tmp_path / "log"), str(tmp_path / "saved")
    printed = []
    for code, *arguments in ((SAVE, log, saved), (LOAD, saved)):
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr[-2000:]
        printed.append(json.loads(done.stdout.splitlines()[-1]))
    assert np.allclose(*printed, rtol=1e-4)
    # Within the scope that Keras gives the model's call.
    assert [value.tag.rpartition("/")[2] for _, value in logged(Path(log))] == ["layer"] * 2


def test_records_packed_outside_keep_their_order(tmp_path: Path) -> None:
    """Several layers and two writers in one step, some of them skipped: all there, in order."""
    writers = [tf.summary.create_file_writer(str(tmp_path / name)) for name in "ab"]

    @tf.function
    def train(x: Any, step: Any) -> None:
        for name in ("first", "second", "third"):
            for writer in writers:
                with writer.as_default(), tf.summary.record_if(step % 2 == 0):
                    tba.activations(name, x * tf.cast(step, tf.float32), step)

    data = of_dtype("float32", (4, 24, 24, 8))
    for step in range(4):
        train(tf.constant(data), tf.constant(step, tf.int64))
    for writer, name in zip(writers, "ab", strict=True):
        writer.flush()  # and not closed: what was flushed is there
        found = logged(tmp_path / name)
        tags = [(step, value.tag) for step, value in found]
        assert tags == [(s, t) for s in (0, 2) for t in ("first", "second", "third")]
        assert_same_record(list(found[-1][1].tensor.string_val), record.encode(data * 2))


def test_an_error_beside_loses_no_record(tmp_path: Path) -> None:
    """A step that fails after it has logged leaves its record and those before it."""
    writer = tf.summary.create_file_writer(str(tmp_path))

    @tf.function
    def train(x: Any, step: Any) -> None:
        with writer.as_default():
            written = tba.activations("layer", x, step)
        with tf.control_dependencies([written]):
            tf.debugging.assert_less(step, tf.constant(2, tf.int64))

    data = tf.constant(of_dtype("float32", (4, 24, 24, 8)))
    train(data, tf.constant(1, tf.int64))
    with pytest.raises(tf.errors.InvalidArgumentError):
        train(data, tf.constant(2, tf.int64))
    writer.flush()
    assert [step for step, _ in logged(tmp_path)] == [1, 2]


def test_a_graph_elsewhere_packs_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a cluster's workers and in TensorFlow 1's graphs nothing calls Python."""

    class Device:
        device_type, name = "CPU", "/job:worker/replica:0/task:1/device:CPU:0"

    assert outside.leaves()
    with monkeypatch.context() as patch:
        patch.setattr(tf.config, "list_logical_devices", lambda: [Device()])
        assert not outside.leaves()
    with tf.Graph().as_default():
        assert not outside.leaves()
