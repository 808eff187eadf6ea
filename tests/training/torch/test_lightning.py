"""`tba.LightningCallback` in fits of Lightning's own trainer."""

from __future__ import annotations

import inspect
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch")
import vision  # noqa: E402, F401

L = pytest.importorskip("lightning.pytorch", reason="needs lightning")

from torch import nn  # noqa: E402
from torch.utils.data import DataLoader, Subset, TensorDataset  # noqa: E402
from training.torch.read import logged, steps  # noqa: E402

import tb_activations as tba  # noqa: E402

soak = pytest.mark.skipif(os.environ.get("TBA_SOAK") != "1", reason="a long table; TBA_SOAK=1")


class Net(L.LightningModule):
    """A convolution, its ReLU in place, and a classifier of five classes."""

    broken_at: int | None = None

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv2d(3, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.act = nn.ReLU(inplace=True)
        self.drop = nn.Dropout(0.1)
        self.fc = nn.Linear(4 * 36, 5)

    def forward(self, x: Any) -> Any:
        return self.fc(self.drop(self.act(self.norm(self.conv(x)))).flatten(1))

    def training_step(self, batch: Any, index: int) -> Any:
        if self.broken_at == self.global_step:
            raise RuntimeError("broken")
        x, y = batch
        return nn.functional.cross_entropy(self(x), y)

    def validation_step(self, batch: Any, index: int) -> None:
        self(batch[0])

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=0.1)


class Inner(L.LightningModule):
    """The same without a `forward`: its steps call the module that it holds."""

    def __init__(self) -> None:
        super().__init__()
        self.net = Net()
        self.loss = nn.CrossEntropyLoss()

    def training_step(self, batch: Any, index: int) -> Any:
        return self.loss(self.net(batch["image"]), batch["label"])

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=0.1)


def examples(count: int = 40) -> TensorDataset:
    """Pictures of five classes; example i is of class i mod 5."""
    generator = torch.Generator().manual_seed(1)
    data = TensorDataset(torch.rand((count, 3, 8, 8), generator=generator), torch.arange(count) % 5)
    data.classes = ["ant", "bee", "cat", "dog", "emu"]
    return data


class Dicts(torch.utils.data.Dataset):
    """The same as dicts."""

    def __len__(self) -> int:
        return 24

    def __getitem__(self, at: int) -> dict[str, Any]:
        image, label = examples()[at]
        return {"image": image, "label": label}


def fit(directory: Path, module: Any, callbacks: list[Any], *loaders: Any, **options: Any) -> Any:
    checkpoint = options.pop("ckpt_path", None)
    trainer = L.Trainer(
        **{
            "default_root_dir": str(directory),
            "accelerator": "cpu",
            "enable_progress_bar": False,
            "enable_model_summary": False,
            "enable_checkpointing": False,
            "logger": False,
            **options,
        },
        callbacks=callbacks,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer.fit(module, *loaders, ckpt_path=checkpoint)
    return trainer


def loaders(batch_size: int = 8) -> tuple[Any, Any]:
    """Of training, shuffled, and of validation: examples 10 to 29."""
    train = DataLoader(examples(), batch_size=batch_size, shuffle=True)
    return train, DataLoader(Subset(examples(), range(10, 30)), batch_size=6)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any, Any]:
    """The directory of a fit with gradients accumulated over two batches; its net, and one without
    the callback."""
    directory, nets = tmp_path_factory.mktemp("fit"), []
    for callbacks in ([tba.LightningCallback(update_freq=2)], []):
        torch.manual_seed(3)
        nets.append(Net())
        trainer = fit(
            directory,
            nets[-1],
            callbacks,
            *loaders(),
            max_epochs=2,
            accumulate_grad_batches=2,
            logger=bool(callbacks),
        )
        directory = Path(trainer.log_dir) if callbacks else directory
    return directory, *nets


def test_a_fit_is_logged_at_the_trainers_own_steps(run):
    """The module before, every second step of the optimizer, and the module at the end."""
    directory, net, _ = run
    assert directory.name == "version_0"
    assert steps(directory, "conv") == [0, 2, 4, 6]  # five batches an epoch make three steps
    tags = {tag for tag, _ in logged(directory)}
    assert tags == {"input", "conv", "norm", "act", "fc"}
    last = logged(directory)["fc", 6].values
    images = torch.stack([examples()[i][0] for i in range(10, 14)])
    with torch.no_grad():
        np.testing.assert_allclose(last, net.eval()(images), rtol=2e-3, atol=2e-3)


def test_the_pictures_are_those_of_the_validation_loader(run):
    """Its first examples, with the names that the data set below the subset has."""
    pictures = logged(run[0])["input", 0]
    images = torch.stack([examples()[i][0] for i in range(10, 14)]).permute(0, 2, 3, 1)
    np.testing.assert_allclose(pictures.values, images, rtol=1e-3)
    assert pictures.labels == ("ant", "bee", "cat", "dog")
    assert pictures.header.batch == 6


def test_training_is_the_same_to_the_bit(run):
    """Weights, statistics and the flags of modules, with dropout and a shuffled loader."""
    _, net, without = run
    for (name, ours), theirs in zip(
        net.state_dict().items(), without.state_dict().values(), strict=True
    ):
        assert torch.equal(ours, theirs), name


def test_what_a_module_holds_is_watched_where_it_has_no_forward(tmp_path):
    """With the first batch of training where nothing validates, each epoch, in the trainer's
    precision."""
    watch = tba.LightningCallback(tmp_path / "log", update_freq="epoch", verbose=0)
    data = DataLoader(Dicts(), batch_size=8)
    fit(tmp_path, Inner(), [watch], data, max_epochs=2, precision="bf16-mixed")
    assert steps(tmp_path / "log", "conv") == [1, 3, 6]
    conv = logged(tmp_path / "log")["conv", 1]
    assert conv.header.batch == 8
    np.testing.assert_array_equal(conv.values, torch.tensor(conv.values).bfloat16().double())
    assert logged(tmp_path / "log")["input", 1].labels == ("0", "1", "2", "3")


def test_an_exception_leaves_what_was_logged(tmp_path):
    """The file is closed, with every record before; a NaN is recorded out of turn."""
    net = Net()
    net.broken_at = 4

    class Spoil(L.Callback):
        def on_train_batch_start(self, trainer: Any, module: Any, *_: Any) -> None:
            if trainer.global_step == 2:
                module.fc.weight.data[0, 0] = float("nan")

    watch = tba.LightningCallback(tmp_path / "log", examples(), "fc", verbose=0)
    with pytest.raises(RuntimeError, match="broken"):
        fit(tmp_path, net, [watch, Spoil()], *loaders(), max_epochs=2)
    assert steps(tmp_path / "log", "fc") == [0, 3]
    assert np.isnan(logged(tmp_path / "log")["fc", 3].values).any()


def test_mistakes_are_said_before_training():
    """Arguments at once; a part that is not there as training begins."""
    for wrong, error in (
        (dict(update_freq="batch"), "update_freq is 'batch'; it must be 'epoch' or a positive"),
        (dict(max_outputs=0), "max_outputs is 0"),
        (dict(precision="half"), "precision is 'half'"),
        (dict(input_scale=3), "input_scale is 3"),
        (dict(autocast="fast"), "autocast is 'fast'"),
    ):
        with pytest.raises(ValueError, match=error):
            tba.LightningCallback(**wrong)
    with pytest.raises(TypeError, match="model is a int"):
        tba.LightningCallback(model=3)
    with pytest.raises(ValueError, match="model is 'nett'; the Inner that is trained has 'net'"):
        fit(Path("."), Inner(), [tba.LightningCallback(model="nett", data=examples())],
            DataLoader(Dicts()))  # fmt: skip


def test_the_options_are_those_of_the_logger():
    """Each option of `ActivationsLogger` is one of the callback, with the same default."""
    ours, theirs = (
        {name: one.default for name, one in inspect.signature(kind).parameters.items()}
        for kind in (tba.LightningCallback, tba.ActivationsLogger)
    )
    assert ours.pop("model") is None
    assert {**theirs, "log_dir": None, "data": None} == {**ours, "model": inspect.Parameter.empty}


@soak
def test_a_fit_goes_on_where_a_checkpoint_stands(tmp_path):
    """The records of a resumed fit follow those before, in their directory."""
    options = dict(max_epochs=2, enable_checkpointing=True)
    watch = tba.LightningCallback(tmp_path / "log", update_freq=2, verbose=0)
    trainer = fit(tmp_path, Net(), [watch], *loaders(), **options)
    saved = trainer.checkpoint_callback.best_model_path
    again = tba.LightningCallback(tmp_path / "log", update_freq=2, verbose=0)
    fit(tmp_path, Net(), [again], *loaders(), **{**options, "max_epochs": 3}, ckpt_path=saved)
    assert steps(tmp_path / "log", "conv") == [0, 2, 4, 6, 8, 10, 12, 14, 15]


@soak
@pytest.mark.parametrize("first", ["lightning.pytorch", "pytorch_lightning"])
def test_both_packages_take_it(first, tmp_path):
    """The callback is one of whichever package is loaded; importing ours loads neither."""
    pytest.importorskip(first, reason=f"needs {first}")
    import subprocess
    import sys

    code = f"""
import sys, tb_activations as tba
import tb_activations.training.torch.lightning
assert not {{"lightning", "pytorch_lightning"}} & set(sys.modules)
import vision, torch, {first} as L
from training.torch.test_lightning import examples
class Net(L.LightningModule):
    def __init__(self):
        super().__init__()
        self.fc = torch.nn.Linear(192, 5)
    def forward(self, x):
        return self.fc(x.flatten(1))
    def training_step(self, batch, index):
        return torch.nn.functional.cross_entropy(self(batch[0]), batch[1])
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)
watch = tba.LightningCallback({str(tmp_path)!r})
assert isinstance(watch, L.Callback)
trainer = L.Trainer(max_steps=3, accelerator="cpu", logger=False, enable_checkpointing=False,
                    enable_progress_bar=False, callbacks=[watch])
trainer.fit(Net(), torch.utils.data.DataLoader(examples(), batch_size=8))
"""
    inherited = filter(None, [os.environ.get("PYTHONPATH")])
    here = Path(__file__)
    paths = os.pathsep.join([str(here.parents[2]), str(here.parents[3]), *inherited])
    environment = {**os.environ, "PYTHONPATH": paths}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert steps(tmp_path, "fc") == [1, 3]
