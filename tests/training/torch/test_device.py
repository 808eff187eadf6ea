"""A model or a tensor on an accelerator: the host's values, and nothing of any device moves."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from devices import (  # noqa: F401
    DEVICE,
    Crossing,
    apart,
    assert_same_records,
    exact,
    logged,
    needs_cuda,
    needs_device,
)
from torch import nn
from torch_nets import Net, Residual, images, records, steps
from training.torch.test_summary import record_of

import tb_activations as tba
from tb_activations.training.attribution.methods import METHODS
from tb_activations.training.torch import gathered

pytestmark = [needs_device, pytest.mark.usefixtures("exact")]
X, Y = images(12), torch.arange(12) % 5
QUIET = {"verbose": 0, "receptive_fields": False}


def convnet() -> nn.Module:
    """In-place activation, a normalisation's buffers, dropout; its gradients have one order."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(True), nn.Dropout(0.3), nn.Flatten(),
        nn.Linear(288, 5),
    )  # fmt: skip


@pytest.fixture
def apart_from_host(monkeypatch: Any) -> None:
    """Under TBA_DEVICE=cpu the host stands for a device."""
    if DEVICE == "cpu":
        monkeypatch.setattr(gathered, "HOSTS", ("meta",))


TENSORS = {
    "float32": lambda x: x,
    "bfloat16": lambda x: x.bfloat16(),
    "float16": lambda x: x.half(),
    "float64": lambda x: x.double(),
    "float8": lambda x: x.to(torch.float8_e4m3fn),
    "int32": lambda x: (x * 10).int(),
    "bool": lambda x: x > 0,
    "not contiguous": lambda x: x.permute(3, 2, 1, 0).contiguous().permute(3, 2, 1, 0),
    "channels last": lambda x: x.contiguous(memory_format=torch.channels_last),
    "every other": lambda x: torch.cat([x, x], 3)[..., ::2],
    "with gradient": lambda x: x.clone().requires_grad_() * 1,
    "parameter": lambda x: nn.Parameter(x.clone()),
    "made for inference": torch.inference_mode()(lambda x: x.clone()),
    "NaN and infinite": lambda x: x.masked_fill(x > 1, torch.nan).masked_fill(x < -1, torch.inf),
}


@pytest.mark.usefixtures("apart_from_host")
@pytest.mark.parametrize("kind", TENSORS)
def test_a_tensor_has_the_record_of_the_host_and_only_what_is_kept_is_fetched(kind, monkeypatch):
    torch.manual_seed(1)
    x = torch.randn(40, 12, 6, 7)
    options = {"max_outputs": 2, "max_channels": 3, "precision": "float32"}
    with monkeypatch.context() as patched:
        patched.setattr(gathered, "HOSTS", ("cpu", "meta"))
        host, values = record_of(TENSORS[kind](x), **options)
    there = TENSORS[kind](x.to(DEVICE))
    with Crossing() as crossing:
        found, others = record_of(there, **options)
    assert found == host
    np.testing.assert_array_equal(others, values)
    # The sums twice where some are no ordinary numbers; all are 20,160.
    assert 2 * 3 * 6 * 7 < crossing.values <= 2 * 3 * 6 * 7 + 2 * 6 * 12
    assert there.grad is None if there.is_leaf else there.grad_fn is not None


def test_a_writer_takes_tensors_steps_and_labels_of_a_device(tmp_path):
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(tmp_path) as writer:
        step = torch.tensor(3, device=DEVICE)
        tba.add_activations(writer, "conv", X.to(DEVICE), step, labels=Y.to(DEVICE))
    assert steps(tmp_path, "conv") == [3]


@pytest.mark.parametrize("given", ["host", "device", "NumPy"])
def test_a_capture_has_the_values_of_the_host(given):
    """Whatever the inputs are on; and where tensors are made on the device by default."""
    model = Residual().eval()
    expected = tba.capture(model, X)
    x = {"host": X, "device": X.to(DEVICE), "NumPy": X.numpy()}[given]
    model.to(DEVICE)
    for around in (contextlib.nullcontext(), torch.device(DEVICE)):
        with around:
            found = tba.capture(model, x)
        assert list(found) == list(expected)
        for name, array in expected.items():
            assert array.dtype == found[name].dtype and apart(array, found[name], 1e-4) == 0, name


def trained(log_dir: Any, watch: bool, dtype: Any = None, prepare: Any = None) -> tuple:
    """Weights, gradients and random numbers of the device after eight steps."""
    model = convnet().to(DEVICE)
    called = model if prepare is None else prepare(model)
    x, y = X.to(DEVICE), Y.to(DEVICE)
    optimizer = torch.optim.Adam(model.parameters())
    options = {**QUIET, "update_freq": 2}
    logger = tba.ActivationsLogger(log_dir, called, (X, Y), **options) if watch else None
    for _ in range(8):
        with torch.autocast(DEVICE, dtype=dtype, enabled=dtype is not None):
            loss = F.cross_entropy(called(x).float(), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if logger is not None:
                logger.step(loss=loss)
    if logger is not None:
        logger.close()
    states = [torch.get_rng_state(), *(torch.cuda.get_rng_state_all() if DEVICE == "cuda" else [])]
    values = [*model.state_dict().values(), *(one.grad for one in model.parameters()), *states]
    return [one.detach().cpu() for one in values]


WAYS = {
    "float32": {},
    "bfloat16": {"dtype": torch.bfloat16},
    "float16": {"dtype": torch.float16},
    "channels last": {"prepare": lambda model: model.to(memory_format=torch.channels_last)},
    "compiled": {"prepare": torch.compile},
    "CUDA graphs": {"prepare": lambda model: torch.compile(model, mode="reduce-overhead")},
}


@pytest.mark.parametrize("way", WAYS)
def test_training_is_the_same_to_the_bit_with_and_without(way, tmp_path, monkeypatch):
    """Weights, buffers, gradients, and the random numbers of every device."""
    # What the compiler finds fastest is kept there; another process may find otherwise.
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "compiled"))
    if DEVICE == "cpu" and way in ("compiled", "CUDA graphs"):
        pytest.skip("a compiler for the host takes half a minute")
    torch._dynamo.reset()
    without = trained(tmp_path, False, **WAYS[way])
    torch._dynamo.reset()
    within = trained(tmp_path, True, **WAYS[way])
    assert all(torch.equal(a, b) for a, b in zip(without, within, strict=True))
    assert steps(tmp_path, "5") == [1, 2, 4, 6, 8]
    found = records(tmp_path)["0", 8].header
    assert found.source == {"bfloat16": "bfloat16", "float16": "float16"}.get(way, "float32")


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_weights_of_few_bits_have_the_records_of_the_host(dtype, tmp_path):
    model = convnet().eval().to(dtype)
    host = logged(tmp_path / "host", model, X)
    there = logged(tmp_path / "there", model.to(DEVICE), X)
    assert_same_records(host, there, allowed=5e-2)


def test_a_model_that_moves_to_a_device_goes_on(tmp_path):
    """Its inputs stay where they were given."""
    model = Residual().eval()
    with tba.ActivationsLogger(tmp_path, model, X, update_freq=1, **QUIET) as logger:
        logger.step()
        model.to(DEVICE)
        logger.step()
        model.cpu()
        logger.step()
    found = records(tmp_path)
    tags = {tag for tag, _ in found if tag != "input"}
    for tag in tags:
        for step in (2, 3):
            assert apart(found[tag, 1].values, found[tag, step].values, 2e-3) == 0, (tag, step)


def test_all_that_a_first_update_does_is_done_on_the_device(tmp_path, capsys):
    """Receptive fields, a check, the summary, attributions beside."""
    model = convnet().eval().to(DEVICE)
    tba.check(model, X)
    options = {"update_freq": 1, "attributions": "gradients"}
    with tba.ActivationsLogger(tmp_path, model, (X, Y), **options) as logger:
        logger.step()
    assert "each update writes" in capsys.readouterr().out
    assert any("gradients" in tag for tag, _ in records(tmp_path))
    paths = [tmp_path / f"model-{step}.pt" for step in (3, 7)]
    for path in paths:
        torch.save(model.state_dict(), path)
    tba.log_checkpoints(tmp_path / "saved", model, paths, X, verbose=0)
    assert steps(tmp_path / "saved", "0") == [3, 7]


def test_a_dropout_that_is_always_on_draws_nothing_of_the_devices_numbers(tmp_path):
    model = Net(lambda s, x: F.dropout(s.a(x), 0.5), a=nn.Linear(4, 4)).to(DEVICE)
    random = torch.cuda.get_rng_state() if DEVICE == "cuda" else torch.get_rng_state()
    logged(tmp_path, model, torch.randn(3, 4, generator=torch.Generator().manual_seed(1)))
    tba.capture(model, torch.zeros(3, 4))
    after = torch.cuda.get_rng_state() if DEVICE == "cuda" else torch.get_rng_state()
    assert torch.equal(random, after)


@pytest.mark.parametrize("method", METHODS)
def test_a_map_on_a_device_is_the_hosts(method):
    """Nine methods; noise is drawn on the host, and is the same."""
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(True), nn.MaxPool2d(2), nn.Conv2d(8, 8, 2),
        nn.ReLU(), nn.Flatten(), nn.Linear(32, 5),
    ).eval()  # fmt: skip
    x = images(4)
    host = tba.attribute(model, x, 2, method=method)
    model.to(DEVICE)
    there = tba.attribute(model, x, 2, method=method)
    assert np.abs(host.values).max() > 0
    assert apart(host.values, there.values, 1e-3) == 0
    assert apart(host.score, there.score, 1e-3) == 0
    assert all(one.grad is None for one in model.parameters())


@pytest.mark.filterwarnings("ignore")
def test_lightning_trains_on_the_device(tmp_path):
    """Weights of float32, a pass in the trainer's precision; validation's data is on the host."""
    lightning = pytest.importorskip("training.torch.test_lightning", reason="needs lightning")
    watch = tba.LightningCallback(tmp_path, update_freq=2, verbose=0)
    where = {"accelerator": "cpu" if DEVICE == "cpu" else "gpu", "precision": "bf16-mixed"}
    lightning.fit(
        tmp_path, lightning.Net(), [watch], *lightning.loaders(), devices=1, max_steps=5, **where
    )
    assert steps(tmp_path, "fc") == [0, 2, 4, 5]
    assert records(tmp_path)["conv", 4].header.source == "bfloat16"


@pytest.mark.filterwarnings("ignore")
def test_transformers_trains_on_the_device(tmp_path):
    trainers = pytest.importorskip("training.torch.test_transformers", reason="needs transformers")
    watch = tba.TransformersCallback(tmp_path, update_freq=2, verbose=0)
    trainers.train(tmp_path / "out", [watch], bf16=True, use_cpu=DEVICE == "cpu")
    assert steps(tmp_path, "classifier") == [0, 2, 4, 6]
    found = records(tmp_path)
    sources = [one.header.source for (tag, _), one in found.items() if "attention_scores" in tag]
    assert sources and {*sources, found["classifier", 6].header.source} == {"bfloat16"}


@needs_cuda
def test_no_memory_of_the_device_is_kept_after_a_close(tmp_path):
    model = Residual().eval().cuda()
    logged(tmp_path / "warm", model, X)
    torch.cuda.synchronize()
    before = torch.cuda.memory_allocated()
    logged(tmp_path / "run", model, X, 3)
    tba.capture(model, X)
    torch.cuda.synchronize()
    assert torch.cuda.memory_allocated() <= before
