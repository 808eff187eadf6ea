"""`ActivationsLogger` of an `nn.Module`: steps, what moves, what is written, errors."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch_nets import Residual, facts, images, records, steps

import tb_activations as tba
from tb_activations.record.run import Classifier

QUIET = {"verbose": 0, "receptive_fields": False}
X, Y = images(12), torch.arange(12) % 5


def trained(log_dir=None, steps=6, **options):
    """A model trained for some steps, with a logger or without."""
    torch.manual_seed(0)
    model = Residual()
    optimizer = torch.optim.Adam(model.parameters())
    logger = None
    if log_dir is not None:
        logger = tba.ActivationsLogger(log_dir, model, (X, Y), **{**QUIET, **options})
    for _ in range(steps):
        loss = F.cross_entropy(model(X), Y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if logger is not None:
            logger.step(loss=loss)
    if logger is not None:
        logger.close()
    return model, optimizer


def test_training_is_the_same_to_the_bit_with_and_without(tmp_path):
    one, plain = trained()
    random = torch.get_rng_state()
    other, logged = trained(tmp_path, update_freq=2)
    assert torch.equal(random, torch.get_rng_state())
    for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True):
        assert torch.equal(a, b)
    for a, b in zip(one.parameters(), other.parameters(), strict=True):
        assert torch.equal(a.grad, b.grad)
    for a, b in zip(plain.state.values(), logged.state.values(), strict=True):
        assert all(torch.equal(a[key], b[key]) for key in a)
    assert all(module.training for module in other.modules())


def test_records_are_of_the_first_step_and_every_multiple(tmp_path):
    trained(tmp_path, steps=7, update_freq=3, class_names=list("abcde"))
    found = records(tmp_path)
    assert steps(tmp_path, "fc") == [1, 3, 6]
    assert found["stem", 6].values.shape == (4, 6, 6, 8)
    assert found["input", 1].values.shape == (4, 8, 8, 3)
    assert found["input", 1].labels == ("a", "b", "c", "d")
    assert steps(tmp_path, "input") == [1]
    known = facts(tmp_path)
    assert known.class_names == tuple("abcde")
    assert known.classifiers == (Classifier("fc", "logits", tuple(i % 5 for i in range(12))),)


def test_the_last_record_is_what_capture_has(tmp_path):
    model, _ = trained(tmp_path, steps=4, update_freq=4, precision="float32")
    found = records(tmp_path)
    for name, array in tba.capture(model, X).items():
        first = array.ndim == 4
        last = np.moveaxis(array, 1, -1) if first else array
        np.testing.assert_allclose(found[name, 4].values, last[:4], atol=1e-6)


def test_steps_are_those_given_and_jumps_record_the_first_after_a_multiple(tmp_path):
    logger = tba.ActivationsLogger(
        tmp_path, nn.Linear(3, 2), X[:, 0, 0, :3], update_freq=10, verbose=0
    )
    for step in (5, 5, 8, 12, 12, 19, 20, 21, 43):
        logger.step(step=step)
    logger.record()
    logger.close()
    assert steps(tmp_path, "Linear") == [5, 12, 20, 43]


def test_a_directory_with_later_steps_is_warned_of_with_the_step_to_go_on_at(tmp_path):
    model, x = nn.Linear(3, 2), torch.ones(4, 3)
    with tba.ActivationsLogger(tmp_path, model, x, verbose=0) as logger:
        logger.step(step=3)
    logger = tba.ActivationsLogger(tmp_path, model, x, verbose=0)
    with pytest.warns(UserWarning, match=r"up to step 3, .*logger\.step\(step=4\), or choose"):
        logger.step()
    logger.close()


def test_the_first_loss_that_is_not_finite_is_recorded_out_of_turn(tmp_path, capsys):
    model = nn.Linear(3, 2)
    with tba.ActivationsLogger(tmp_path, model, torch.ones(4, 3), update_freq=10) as logger:
        for loss in (1.0, torch.tensor(2.0), torch.tensor(float("nan")), float("inf")):
            logger.step(loss=loss)
    assert steps(tmp_path, "Linear") == [1, 3]
    assert "loss is not finite: an update is logged out of turn, step 3" in capsys.readouterr().out
    logger = tba.ActivationsLogger(tmp_path, model, torch.ones(4, 3), verbose=0)
    with pytest.raises(TypeError, match=r"loss is a Tensor \(2,\)"):
        logger.step(loss=torch.zeros(2))


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"update_freq": 0}, ValueError, "update_freq is 0; it must be a positive number of steps"),
        ({"update_freq": "epoch"}, ValueError, "update_freq is 'epoch'"),
        ({"layers": []}, ValueError, "layers is empty"),
        ({"layers": 3}, TypeError, "layers holds 3"),
        ({"data_format": "nchw"}, ValueError, "data_format is 'nchw'"),
        ({"data_format": 4}, TypeError, "data_format is 4"),
        ({"autocast": "float33"}, ValueError, "autocast is 'float33'"),
        ({"forward": "x"}, TypeError, "forward is 'x'"),
        ({"input_scale": 3}, ValueError, "input_scale is 3"),
        ({"precision": "int8"}, ValueError, "precision is 'int8'"),
        ({"examples": "all"}, ValueError, "examples is 'all'"),
        ({"class_names": "abcde"}, TypeError, "class_names is 'abcde'; it must be a list"),
        (
            {"class_names": ["a", 2]},
            TypeError,
            r"class_names\[1\] is 2; it must be a list",
        ),
        ({"class_names": []}, ValueError, r"class_names is \[\], which names no class"),
        ({"max_bytes_per_update": 0}, ValueError, "max_bytes_per_update is 0"),
    ],
)
def test_a_bad_argument_is_refused_at_once(tmp_path, options, error, sentence):
    with pytest.raises(error, match=sentence):
        tba.ActivationsLogger(tmp_path, nn.Linear(3, 2), torch.ones(4, 3), **options)


@pytest.mark.parametrize("data", [None, "x", torch.zeros(()), torch.zeros(0, 3), iter(())])
def test_bad_data_is_refused_at_once(tmp_path, data):
    with pytest.raises(ValueError, match="data"):
        tba.ActivationsLogger(tmp_path, nn.Linear(3, 2), data)


def test_a_layer_that_is_not_there_is_refused_at_the_first_step(tmp_path):
    logger = tba.ActivationsLogger(tmp_path, Residual(), X, "layer/7", verbose=0)
    with pytest.raises(ValueError, match="no layer 'layer/7'"):
        logger.step()


def test_a_summary_writers_directory_is_used(tmp_path):
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(tmp_path)
    with tba.ActivationsLogger(writer, nn.Linear(3, 2), torch.ones(4, 3), verbose=0) as logger:
        logger.step()
        writer.add_scalar("loss", 1.0, 1)
    writer.close()
    assert logger.log_dir == str(tmp_path)
    assert steps(tmp_path, "Linear") == [1]


def test_a_loader_yields_its_first_batch_and_draws_no_random_number(tmp_path):
    data = torch.utils.data.TensorDataset(X, Y)
    data.classes = ["v", "w", "x", "y", "z"]
    loader = torch.utils.data.DataLoader(torch.utils.data.Subset(data, range(10)), 6)
    model, state = Residual(), torch.get_rng_state()
    logger = tba.ActivationsLogger(tmp_path, model, loader, verbose=0)
    assert torch.equal(state, torch.get_rng_state())
    logger.step()
    logger.close()
    found = records(tmp_path)["input", 1]
    assert (found.header.batch, found.labels) == (6, ("v", "w", "x", "y"))


LOOP = """
import sys, torch
import tb_activations as tba
model = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.ReLU())
x = torch.randn(4, 1, 8, 8)
tba.capture(model, x)
tba.check(model, x)
with tba.ActivationsLogger(sys.argv[1], model, x, update_freq=1) as logger:
    for _ in range(3):
        logger.step()
print("loaded", *sorted({name.split(".")[0] for name in sys.modules}))
"""


def test_a_torch_run_loads_neither_tensorflow_nor_keras(tmp_path):
    command = [sys.executable, "-c", LOOP, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    loaded = done.stdout.split("loaded")[1].split()
    assert "torch" in loaded
    assert not {"tensorflow", "keras", "jax"} & set(loaded)
    assert steps(tmp_path, "1") == [1, 2, 3]


def test_a_model_that_no_longer_fits_warns_once_and_is_logged_once_it_does(tmp_path):
    model = nn.Sequential(nn.Flatten(), nn.Linear(X[0].numel(), 5))
    logger = tba.ActivationsLogger(tmp_path, model, X, update_freq=1, **QUIET)
    logger.step()
    fitting, model[1] = model[1], nn.Linear(7, 5)
    with pytest.warns(UserWarning, match="cannot be logged as it is since step 2") as warned:
        logger.step()
        logger.step()
    assert len(warned) == 1
    model[1] = fitting
    logger.step()
    logger.close()
    assert steps(tmp_path, "1") == [1, 4]
