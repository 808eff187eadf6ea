"""`tba.TransformersCallback` in fits of transformers' Trainer; models that Accelerate prepared."""

from __future__ import annotations

import math
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch")
import vision  # noqa: E402, F401

pytest.importorskip("accelerate", reason="needs accelerate")
transformers = pytest.importorskip("transformers", reason="needs transformers")

from accelerate import Accelerator  # noqa: E402
from accelerate.state import AcceleratorState  # noqa: E402
from torch_nets import facts  # noqa: E402
from training.torch.read import logged, steps  # noqa: E402

import tb_activations as tba  # noqa: E402
from tb_activations.training.torch.loaded import OneBatch  # noqa: E402

NAMES = ("cat", "dog", "emu")
MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.3, 0.4)


class Pictures(torch.utils.data.Dataset):
    """Normalised pictures of three classes; example i is of class i mod 3."""

    def __init__(self, start: int = 0) -> None:
        self.start = start

    def __len__(self) -> int:
        return 24

    def picture(self, at: int) -> Any:
        """`[3, 16, 16]` from 0 to 1."""
        generator = torch.Generator().manual_seed(self.start + at)
        return torch.rand((3, 16, 16), generator=generator)

    def __getitem__(self, at: int) -> dict[str, Any]:
        mean, std = (torch.tensor(one).reshape(3, 1, 1) for one in (MEAN, STD))
        return {"pixel_values": (self.picture(at) - mean) / std, "labels": at % 3}


def vit() -> Any:
    torch.manual_seed(0)
    return transformers.ViTForImageClassification(
        transformers.ViTConfig(
            hidden_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=32,
            image_size=16,
            patch_size=8,
            hidden_dropout_prob=0.1,
            id2label=dict(enumerate(NAMES)),
            label2id={name: i for i, name in enumerate(NAMES)},
        )
    )


def train(directory: Path, callbacks: list[Any], **options: Any) -> Any:
    model = vit()
    arguments = transformers.TrainingArguments(
        str(directory),
        **{
            "per_device_train_batch_size": 4,
            "gradient_accumulation_steps": 2,
            "num_train_epochs": 2,
            "use_cpu": True,
            "disable_tqdm": True,
            "save_strategy": "no",
            "logging_strategy": "no",
            **options,
        },
    )
    trainer = transformers.Trainer(
        model,
        arguments,
        train_dataset=Pictures(),
        processing_class=transformers.ViTImageProcessor(image_mean=MEAN, image_std=STD),
        callbacks=callbacks,
    )
    trainer.train()
    return model


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any, Any]:
    """The output directory of a fit; its model, and one that was trained without the callback."""
    directory = tmp_path_factory.mktemp("trainer")
    watch = tba.TransformersCallback(data=Pictures(100), update_freq=4)
    model = train(directory, [watch], report_to="tensorboard")
    return directory, model, train(directory, [], report_to="none")


def test_steps_are_the_trainers(run):
    """One for the batches that are accumulated, in the directory of the trainer's own scalars."""
    [directory] = (run[0] / "runs").iterdir()
    assert len(list(directory.iterdir())) == 2
    assert steps(directory, "classifier") == [0, 4, 6]  # three an epoch
    assert ("vit/layers/0/attention/attention_scores", 6) in logged(directory)


def test_pictures_are_those_before_the_image_processor_with_their_names(run):
    """Mean and deviation are undone; classes are called as `id2label` says."""
    [directory] = (run[0] / "runs").iterdir()
    pictures = logged(directory)["input.pixel_values", 0]
    expected = torch.stack([Pictures(100).picture(i) for i in range(4)]).permute(0, 2, 3, 1)
    np.testing.assert_allclose(pictures.values, expected, atol=1e-3)
    assert pictures.labels == ("cat", "dog", "emu", "cat")
    known = facts(directory)
    assert known.class_names == NAMES
    assert [(one.tag, one.form) for one in known.classifiers] == [("classifier", "logits")]
    assert known.classifiers[0].classes[:4] == (0, 1, 2, 0)
    assert pictures.header.batch == 24


def test_training_is_the_same_to_the_bit(run):
    """Weights, with dropout and shuffled examples."""
    _, model, without = run
    for (name, ours), theirs in zip(
        model.state_dict().items(), without.state_dict().values(), strict=True
    ):
        assert torch.equal(ours, theirs), name
    assert model.training == without.training


def test_without_data_the_first_examples_of_training_are_shown(tmp_path):
    """In their own order, each epoch; a NaN that the trainer logs is recorded out of turn."""
    watch = tba.TransformersCallback(tmp_path / "log", None, "classifier", update_freq="epoch")
    train(tmp_path, [watch], report_to="none")
    assert steps(tmp_path / "log", "classifier") == [0, 3, 6]
    pictures = logged(tmp_path / "log")["input.pixel_values", 0]
    expected = torch.stack([Pictures().picture(i) for i in range(4)]).permute(0, 2, 3, 1)
    np.testing.assert_allclose(pictures.values, expected, atol=1e-3)

    class State:
        global_step = 8

    watch.on_log(None, State, None, logs={"loss": math.nan})
    watch.flush()
    assert steps(tmp_path / "log", "classifier") == [0, 3, 6, 8]


def test_class_names_are_found_in_features():
    """Of a data set of Hugging Face's, under each of the names that labels have there."""

    label = types.SimpleNamespace(names=list(NAMES))
    dataset = types.SimpleNamespace(features={"image": None, "label": label})
    assert OneBatch(None, dataset).class_names == list(NAMES)
    assert OneBatch(None, object()).class_names is None


@pytest.mark.parametrize("precision", ["no", "bf16"])
def test_a_model_that_accelerate_prepared_is_logged(tmp_path, precision):
    """In a loop of one's own: the names of the bare model, in the precision it was prepared for."""
    AcceleratorState._reset_state(reset_partial_state=True)  # the Trainers', for all of a process
    accelerator = Accelerator(cpu=True, mixed_precision=precision)
    net = torch.nn.Sequential(torch.nn.Linear(6, 5), torch.nn.ReLU(), torch.nn.Linear(5, 3))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    net, optimizer = accelerator.prepare(net, optimizer)
    x = torch.rand(8, 6)
    with tba.ActivationsLogger(tmp_path, net, x, update_freq=2, verbose=0) as logger:
        for _ in range(4):
            with accelerator.accumulate(net):
                accelerator.backward(net(x).square().mean())
                optimizer.step()
                optimizer.zero_grad()
                logger.step()
    AcceleratorState._reset_state(reset_partial_state=True)
    assert {tag for tag, _ in logged(tmp_path)} == {"input", "0", "1", "2"}
    assert steps(tmp_path, "0") == [1, 2, 4]
    hidden = logged(tmp_path)["0", 4].values
    rounded = torch.tensor(hidden).bfloat16().double().numpy()
    assert np.array_equal(hidden, rounded) == (precision == "bf16")
