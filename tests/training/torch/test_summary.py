"""`tba.add_activations`: a tensor for a SummaryWriter, against the record that NumPy makes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from tensorboard.compat.proto.summary_pb2 import Summary

torch = pytest.importorskip("torch", reason="needs PyTorch")

from torch.utils.tensorboard import SummaryWriter  # noqa: E402

import tb_activations as tba  # noqa: E402
from tb_activations import record  # noqa: E402
from tb_activations.record import Blob  # noqa: E402

SHAPES = [(6, 5), (5, 7, 4), (5, 4, 9, 11), (2, 3, 4, 5, 6)]
DTYPES = [
    "float16", "float32", "float64", "bfloat16", "float8_e5m2", "float8_e4m3fn", "int8", "int16",
    "int32", "int64", "uint8", "uint16", "bool",
]  # fmt: skip


class Kept:
    """A writer that keeps its summaries: `torch`'s with the file taken out."""

    __module__ = "torch.utils.tensorboard.writer"

    def __init__(self) -> None:
        self.summaries: list[Summary] = []

    def _get_file_writer(self) -> Kept:
        return self

    def add_summary(self, summary: Summary, step: int, walltime: float | None) -> None:
        self.summaries.append(summary)


def written(directory: Path) -> list[tuple[int, float, Any]]:
    """Every summary value of the directory's only event file, with its step and time."""
    (path,) = directory.iterdir()
    return [
        (event.step, event.wall_time, value)
        for event in EventFileLoader(str(path)).Load()
        for value in event.summary.value
    ]


def record_of(tensor: Any, **options: Any) -> tuple[Any, np.ndarray]:
    """The header and the true values of what is written of a tensor."""
    writer = Kept()
    tba.add_activations(writer, "layer", tensor, 0, **options)
    whole = record.WholeRecord(list(writer.summaries[0].value[0].tensor.string_val))
    return whole.header, record.read_values(whole) * whole.header.scale


def tensor_of(dtype: str, shape: tuple[int, ...]) -> Any:
    """Values of every kind: zeros, a constant channel, NaN and infinities where there are any."""
    values = np.random.default_rng(0).normal(scale=20, size=shape)
    values[values < -25] = 0
    if "float" in dtype:
        values.reshape(-1)[::17] = np.nan
        if dtype != "float8_e4m3fn":
            values.reshape(-1)[5::31] = np.inf
    elif dtype.startswith("uint"):
        values = np.abs(values)
    return torch.from_numpy(values).to(getattr(torch, dtype))


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_is_logged_as_numpy_would(dtype):
    """Over ranks 2 to 5 and both precisions: blobs and metadata are those of `activations_pb`."""
    for shape in SHAPES:
        tensor = tensor_of(dtype, shape)
        wide = tensor.float() if "float8" in dtype or dtype == "bfloat16" else tensor
        for precision in ("float16", "float32"):
            options: dict[str, Any] = dict(
                precision=precision, max_outputs=2, max_channels=3, order=7, description="*x*"
            )
            writer = Kept()
            tba.add_activations(writer, "block/conv", tensor, 3, labels=range(2), **options)
            first = "channels_first" if len(shape) > 3 else "channels_last"
            twin = tba.activations_pb(
                "block/conv", wide.numpy(), data_format=first, labels=["0", "1"], **options
            )
            (ours,) = writer.summaries
            header = record.parse_header(ours.value[0].tensor.string_val[Blob.HEADER])
            assert header.source == dtype
            as_twin = header.to_json().replace(dtype.encode(), str(wide.numpy().dtype).encode())
            ours.value[0].tensor.string_val[Blob.HEADER] = as_twin
            assert ours == twin


def test_values_are_those_of_the_tensor():
    """A picture `[n, c, h, w]` is stored channels last, exactly; statistics are over all of it."""
    tensor = torch.randn(6, 3, 5, 4)
    header, values = record_of(tensor, precision="float32")
    assert header.shape == (4, 5, 4, 3) and header.batch == 6 and header.channels == 3
    np.testing.assert_array_equal(np.moveaxis(values, 1, -1), tensor[:4].permute(0, 2, 3, 1))


@pytest.mark.parametrize(
    ("shape", "given", "channels"),
    [
        ((2, 3), None, 3),
        ((2, 3, 4), None, 4),
        ((2, 3, 4), "channels_first", 3),
        ((2, 3, 4, 5), None, 3),
        ((2, 3, 4, 5), "channels_last", 5),
        ((2, 3, 4, 5, 6), None, 3),
    ],
)
def test_channels_are_first_in_pictures_and_volumes(shape, given, channels):
    """Rank 4 and 5 are taken as PyTorch lays them out, unless `data_format` says otherwise."""
    assert record_of(torch.rand(shape), data_format=given)[0].channels == channels


def test_any_tensor_is_taken():
    """With gradients, strided, quantised, sparse, conjugated and of NumPy: the same values."""
    plain = torch.arange(24.0).reshape(2, 3, 4)
    kinds = {
        "with gradient": plain.clone().requires_grad_() * 1,
        "inference": torch.inference_mode()(plain.clone)(),
        "strided": plain.permute(2, 1, 0).contiguous().permute(2, 1, 0),
        "quantised": torch.quantize_per_tensor(plain, 1.0, 0, torch.quint8),
        "sparse": plain.to_sparse(),
        "negated": torch.complex(plain, -plain).conj().imag,
        "parameter": torch.nn.Parameter(plain.clone()),
        "NumPy": plain.numpy(),
        "list": plain.tolist(),
    }
    for kind, tensor in kinds.items():
        assert np.array_equal(record_of(tensor)[1], record_of(plain)[1]), kind
    nested = torch.nested.nested_tensor([plain[0, :2], plain[1]])
    padded = plain[:2].clone()
    padded[0, 2] = 0
    assert np.array_equal(record_of(nested)[1], record_of(padded)[1])
    assert record_of(kinds["quantised"])[0].source == "quint8"
    assert kinds["with gradient"].grad_fn is not None and kinds["parameter"].grad is None


def test_labels_and_steps_may_be_tensors():
    """A target of a batch is its labels, a counter on a device its step."""
    writer = Kept()
    target = torch.tensor([3, 1, 2])
    tba.add_activations(writer, "fc", torch.rand(3, 5), torch.tensor(4), labels=target)
    whole = record.WholeRecord(list(writer.summaries[0].value[0].tensor.string_val))
    labels = record.parse_labels(
        writer.summaries[0].value[0].tensor.string_val[Blob.LABELS], whole.header
    )
    assert labels == ("3", "1", "2")


@pytest.mark.parametrize("library", ["torch.utils.tensorboard", "tensorboardX"])
def test_the_record_stands_in_the_writers_own_file(tmp_path, library):
    """Beside its scalars, in order, with their step and time; a closed writer opens a file anew."""
    module = pytest.importorskip(library, reason=f"needs {library}")
    writer = module.SummaryWriter(str(tmp_path))
    for step in (5, 6):
        writer.add_scalar("loss", 0.5, step)
        tba.add_activations(writer, "conv", torch.rand(2, 3, 8, 8), step, walltime=1.5e9 + step)
    writer.close()
    found = [(value.tag, step) for step, _, value in written(tmp_path)]
    assert found == [("loss", 5), ("conv", 5), ("loss", 6), ("conv", 6)]
    times = [time for _, time, value in written(tmp_path) if value.tag == "conv"]
    assert times == [1.5e9 + 5, 1.5e9 + 6]
    value = written(tmp_path)[1][2]
    assert value.metadata.plugin_data.plugin_name == "activations"
    assert record.parse_header(value.tensor.string_val[0]).shape == (2, 8, 8, 3)


def test_what_cannot_be_logged_is_said(tmp_path):
    """Each error names the argument and what is accepted; nothing is written."""
    writer, tensor = SummaryWriter(str(tmp_path)), torch.rand(2, 3)
    cases: list[tuple[type[Exception], str, tuple, dict]] = [
        (TypeError, "is a str; .*SummaryWriter.*ActivationsLogger", ("logs", "a", tensor, 0), {}),
        (TypeError, "step is None; it must be an integer", (writer, "a", tensor, None), {}),
        (TypeError, r"step is 1\.5", (writer, "a", tensor, 1.5), {}),
        (ValueError, "step is -1; it must be 0 or more", (writer, "a", tensor, -1), {}),
        (ValueError, "rank 1 cannot be logged", (writer, "a", tensor[0], 0), {}),
        (TypeError, "complex64 cannot be logged", (writer, "a", tensor + 1j, 0), {}),
        (TypeError, "meta device", (writer, "a", tensor.to("meta"), 0), {}),
        (ValueError, "5 labels; .*batch \\(2\\)", (writer, "a", tensor, 0), {"labels": range(5)}),
        (ValueError, "kind is 'weight'", (writer, "a", tensor, 0), {"kind": "weight"}),
        (ValueError, "data_format is 'NCHW'", (writer, "a", tensor, 0), {"data_format": "NCHW"}),
    ]  # fmt: skip
    for error, sentence, arguments, options in cases:
        with pytest.raises(error, match=sentence):
            tba.add_activations(*arguments, **options)
    writer.close()
    assert written(tmp_path) == []


@pytest.mark.parametrize("load_fast", ["false", "true"])
def test_scalars_and_activations_both_go_on(tmp_path, tensorboard_server, load_fast):
    """While TensorBoard watches, under both loaders, neither stops the other from being seen."""
    writer = SummaryWriter(str(tmp_path / "run"))

    def log(step: int) -> None:
        writer.add_scalar("loss", 1 / step, step)
        tba.add_activations(writer, "conv", torch.rand(2, 3, 8, 8), step)
        writer.flush()

    log(1)
    server = tensorboard_server(tmp_path, load_fast=load_fast)
    server.wait_for_tags("conv", run="run")
    for step in (2, 3):
        log(step)

        def seen(step: int = step) -> bool:
            query = dict(run="run", tag="loss")
            scalars = server.get("data/plugin/scalars/scalars", **query)
            steps = server.plugin("steps", run="run", tag="conv").json()["steps"]
            found = [point[1] for point in scalars.json()] if scalars.status == 200 else []
            return found[-1:] == [step] and [one["step"] for one in steps][-1] == step

        server.wait_for(seen)
    writer.close()


def test_a_plain_loop_needs_neither_tensorflow_nor_keras(tmp_path):
    """A script with PyTorch's writer runs where neither is installed."""
    code = f"""
import torch
from torch.utils.tensorboard import SummaryWriter
import tb_activations as tba
writer = SummaryWriter({str(tmp_path)!r})
tba.add_activations(writer, "conv", torch.rand(2, 3, 8, 8), 0)
writer.close()
"""
    without = str(Path(__file__).parents[2] / "without_tensorflow")
    paths = os.pathsep.join(filter(None, [without, os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-c", code]
    environment = {**os.environ, "PYTHONPATH": paths}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert [value.tag for _, _, value in written(tmp_path)] == ["conv"]


def test_no_more_of_a_tensor_on_an_accelerator_is_fetched_than_is_kept(monkeypatch):
    """Of every dtype, NaN and infinities among them, with the record that all of it would make."""
    from devices import Crossing

    from tb_activations.training.torch import gathered

    shape, options = (40, 12, 6, 7), {"max_outputs": 2, "max_channels": 3, "precision": "float32"}
    for dtype in DTYPES:
        tensor = tensor_of(dtype, shape)
        host, values = record_of(tensor, **options)
        table = _table(tensor, **options)
        with monkeypatch.context() as patched:
            # No accelerator is at hand: the host stands for one.
            patched.setattr(gathered, "HOSTS", ("meta",))
            with Crossing("cpu") as crossing:
                found, others = record_of(tensor, **options)
        # The sums twice where some values are no ordinary numbers; all are 20,160.
        assert 2 * 3 * 6 * 7 < crossing.values <= 2 * 3 * 6 * 7 + 2 * 6 * 12, dtype
        assert found == host, dtype
        np.testing.assert_array_equal(others, values, err_msg=dtype)
        np.testing.assert_allclose(_table(tensor, **options), table, rtol=1e-5, atol=1e-6)


def _table(tensor: Any, **options: Any) -> np.ndarray:
    writer = Kept()
    tba.add_activations(writer, "layer", tensor, 0, **options)
    blobs = list(writer.summaries[0].value[0].tensor.string_val)
    return record.parse_statistics(blobs[Blob.STATISTICS], record.parse_header(blobs[Blob.HEADER]))
