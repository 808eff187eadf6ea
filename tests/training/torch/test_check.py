"""`check` and `log_checkpoints` of an `nn.Module`; what is said of loops; several processes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch_kinds
from torch import nn
from torch_nets import Residual, facts, images, records, steps

import tb_activations as tba


def test_check_says_what_would_be_kept_and_why_the_rest_would_not(capsys):
    model = Residual()
    flags = [one.training for one in model.modules()]
    result = tba.check(model, images())
    assert [one.name for one in result.kept][:2] == ["stem", "layer/0/conv1"]
    reasons = {one.name: one.reason for one in result.left_out}
    assert reasons["layer/0"].startswith("its values are those of another layer")
    assert reasons["encoder/layers/0/self_attn/out_proj"].startswith("it does not run as a module")
    assert result.bytes > 0 and result.once > 0
    assert [one.training for one in model.modules()] == flags
    table = result.table()
    assert capsys.readouterr().out == f"{table}\n" and "an update: 19 layers" in table
    assert str(result) == repr(result)  # once it was printed
    assert str(tba.check(model, images(), verbose=0)).count("\n") > 19
    assert repr(result).startswith("<DryRun: 19 kept, ") and len(repr(result)) < 80


def test_several_models_are_checked_together_in_one_table(capsys):
    """A dict, a list, and torch's own of both, with data of each; names begin with the model's."""
    models = {"g": nn.Sequential(nn.Linear(3, 4), nn.Tanh()), "d": nn.Linear(4, 1)}
    data = {"g": torch.randn(2, 3), "d": torch.randn(2, 4)}
    result = tba.check(models, data)
    assert [one.name for one in result.kept] == ["g/0", "g/1", "d/Linear"]
    assert capsys.readouterr().out == f"{result.table()}\n"
    assert result.bytes == sum(one.bytes for one in result.kept) and result.once > 0
    modules, batches = list(models.values()), list(data.values())
    for form, given in (
        (modules, batches),
        (nn.ModuleList(modules), batches),
        (nn.ModuleDict(models), data),
    ):
        again = tba.check(form, given, verbose=0)
        assert [one.shape for one in again.kept] == [one.shape for one in result.kept]
    assert again.kept[0].name == "g/0"
    with pytest.raises(ValueError, match=r"data is \['g'\]; .* each: \['d', 'g'\]"):
        tba.check(models, {"g": data["g"]})


def test_loops_are_capped_and_said(tmp_path, capsys):
    model, x = torch_kinds.SMALL["GRUCell in a loop"]()
    with tba.ActivationsLogger(tmp_path, model, x) as logger:
        logger.step()
    said = capsys.readouterr().out
    assert "'cell' (9 times) run in a loop, of whose calls the first 4 are recorded" in said
    assert {tag for tag, _ in records(tmp_path)} == {
        "input", "cell", "cell:2", "cell:3", "cell:4", "out"}  # fmt: skip
    assert list(tba.capture(model, x, "cell:7")) == ["cell:7"]
    assert len(tba.capture(model, x, "cell")) == 9
    reasons = {one.name: one.reason for one in tba.check(model, x, verbose=0).left_out}
    assert reasons["cell:5"] == (
        "it is a call of a loop, after the first 4; ask for it by name to see it"
    )


@pytest.mark.parametrize("form", ["plain", "nested", "wrapped"])
def test_saved_weights_are_logged_one_step_a_file_and_put_back(tmp_path, form):
    torch.manual_seed(0)
    model, x, expected = nn.Sequential(nn.Linear(4, 3)), torch.randn(5, 4), {}
    for step in (3, 12):
        nn.init.normal_(model[0].weight)
        expected[step] = model(x).detach().numpy()
        held = model.state_dict()
        if form == "wrapped":
            held = {f"module.{name}": one for name, one in held.items()}
        torch.save({"epoch": 1, "state_dict": held} if form == "nested" else held,
                   tmp_path / f"weights_{step}.pt")  # fmt: skip
    nn.init.zeros_(model[0].weight)
    weight = model[0].weight
    options = {"verbose": 0, "precision": "float32"}
    done = tba.log_checkpoints(tmp_path / "log", model, str(tmp_path / "*.pt"), x, **options)
    assert list(done) == steps(tmp_path / "log", "0") == [3, 12]
    for step, values in expected.items():
        found = records(tmp_path / "log")["0", step]
        np.testing.assert_allclose(found.values, values[:4], atol=1e-6)
    assert model[0].weight is weight and not weight.any()


def test_weights_that_do_not_fit_are_named(tmp_path):
    torch.save(nn.Linear(3, 3).state_dict(), tmp_path / "a_1.pt")
    with pytest.raises(ValueError, match=r"a_1.pt cannot be loaded into this Linear: .*size"):
        tba.log_checkpoints(
            tmp_path / "log", nn.Linear(4, 3), tmp_path / "a_1.pt", torch.zeros(2, 4)
        )
    with pytest.raises(FileNotFoundError, match=r"there is no file .*b_2.pt"):
        tba.log_checkpoints(
            tmp_path / "log", nn.Linear(4, 3), tmp_path / "b_2.pt", torch.zeros(2, 4)
        )


def test_a_process_that_is_not_the_first_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    model = nn.Linear(4, 3)
    ran: list[int] = []
    model.register_forward_hook(lambda *_: ran.append(1))
    with tba.ActivationsLogger(tmp_path, model, torch.zeros(3, 4)) as logger:
        logger.step()
    assert not list(tmp_path.iterdir()) and not ran


def test_receptive_fields_are_those_of_the_convolutions(tmp_path):
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Conv2d(2, 2, 3, stride=2))
    x, options = torch.rand(2, 1, 12, 12), {"update_freq": 1, "verbose": 0}
    with tba.ActivationsLogger(tmp_path, model, x, **options) as logger:
        logger.step()
        logger.step()
    found = facts(tmp_path).receptive_fields["input"]
    assert found["0"] == ((0.0, 3.0, 1.0),) * 2
    assert found["2"] == ((0.0, 5.0, 2.0),) * 2
