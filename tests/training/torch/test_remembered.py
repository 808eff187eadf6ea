"""A module's inspection is remembered between calls, and a changed module is inspected anew."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch_nets import Net, Residual, images

import tb_activations as tba
from tb_activations.training.torch import gradients


@pytest.fixture
def looks(monkeypatch):
    """How often modules were looked at, one entry a look."""
    found = []
    inspected = gradients.inspected
    monkeypatch.setattr(gradients, "inspected", lambda *a: found.append(1) or inspected(*a))
    return found


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3),
                         nn.Softmax(-1))  # fmt: skip


def maps(model: nn.Module, x: torch.Tensor, **options) -> np.ndarray:
    return np.asarray(tba.attribute(model, x, 1, **{"method": "gradients", **options}))


def test_the_second_call_looks_no_more(looks):
    """With the same answer; for other examples and weights, other methods and layers."""
    model, x = network(), images(3)[:, :, :8, :8]
    first = maps(model, x)
    np.testing.assert_array_equal(maps(model, x), first)
    for method in ("lrp", "grad_cam", "guided_smooth_grad"):
        maps(model, x[:2], method=method)
    maps(model, x, layer="0")
    with torch.no_grad():
        model[3].weight *= 2
    np.testing.assert_allclose(maps(model, x), 2 * first, rtol=1e-5, atol=1e-8)
    assert len(looks) == 1


CHANGES = {
    "a layer more": lambda model: model.append(nn.Softmax(-1)),
    "another layer": lambda model: model.__setitem__(1, nn.Tanh()),
    "an attribute": lambda model: setattr(model[0], "padding_mode", "reflect"),
    "a hook": lambda model: model[0].register_forward_hook(lambda _, __, out: out * 2),
    "a dtype": lambda model: model.double(),
    "a method": lambda model: setattr(model[1], "forward", torch.tanh),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_module_is_inspected_anew(looks, change):
    """And explained as it is now: as one that was never seen before."""
    model, x = network(), images(3)[:, :, :8, :8]
    maps(model, x)
    CHANGES[change](model)
    found = maps(model, x)
    assert len(looks) == 2
    gradients.remember(network(), ("another",), gradients.TorchExplained(network(), x)._known)
    np.testing.assert_allclose(found, maps(model, x), rtol=1e-5, atol=1e-7)
    assert len(looks) >= 4


def test_a_forward_that_turns_on_something_else_is_noticed(looks):
    """What no attribute shows: the pass itself runs other layers, or ends in another function."""
    way = {"ending": None, "inner": "a"}

    def run(s, x):
        x = getattr(s, way["inner"])(x)
        return x if way["ending"] is None else way["ending"](s.out(x))

    model = Net(run, a=nn.Linear(4, 3), b=nn.Linear(4, 3), out=nn.Linear(3, 2)).eval()
    x = torch.randn(3, 4)
    maps(model, x)
    way["inner"] = "b"
    np.testing.assert_allclose(maps(model, x)[0], model.b.weight[1].detach(), rtol=1e-6)
    way["ending"] = lambda x: F.softmax(x, -1)
    found = tba.attribute(model, x, 1, method="gradients")
    expected = model.out.weight[1] @ model.b.weight
    np.testing.assert_allclose(found.values[0], expected.detach(), rtol=1e-5, atol=1e-7)
    assert len(looks) == 3


def test_other_questions_are_looked_at(looks):
    """Other shapes, probabilities, and functions, which may look at anything."""
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                          nn.Linear(4, 2))  # fmt: skip
    x = images(3)
    for one in (x, x[:, :, :6], x, x[:, :, :6]):
        maps(model, one)
    assert len(looks) == 2
    maps(model, x, output="probability")
    for _ in range(2):
        tba.attribute(model, x, lambda outputs: outputs[:, 0], method="gradients")
    assert len(looks) == 5


def test_an_unknown_layer_is_named_with_what_there_is(looks):
    """Also where the module is known already."""
    model = network()
    for _ in range(2):
        with pytest.raises(ValueError, match=r"nothing.*'0'"):
            maps(model, images(3)[:, :, :8, :8], layer="nothing")


def test_a_module_goes_when_its_owner_lets_go():
    """What is remembered holds neither the module nor its weights; nor does it go into a file."""
    model = Residual()
    maps(model, images(2))
    assert not any("activations" in name for one in model.modules() for name in vars(one))
    gone, weights = weakref.ref(model), weakref.ref(model.stem.weight)
    del model
    gc.collect()
    assert gone() is None and weights() is None
