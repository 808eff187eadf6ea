"""Names are those of the model, whatever wraps it; what runs under vmap is stood for."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.distributed.algorithms._checkpoint.checkpoint_wrapper import checkpoint_wrapper
from torch_nets import Net, Residual, images

import tb_activations as tba
from tb_activations.training.torch.names import Names, unwrapped

WRAPPERS = {
    "DataParallel": nn.DataParallel,
    "averaged": torch.optim.swa_utils.AveragedModel,
    "compiled": lambda model: torch.compile(model, backend="eager"),
    "checkpointed": checkpoint_wrapper,
    "compiled and averaged": lambda model: torch.optim.swa_utils.AveragedModel(
        torch.compile(model, backend="eager")
    ),
}


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_a_wrapper_leaves_no_trace(wrapper):
    model = Residual()
    plain, wrapped = tba.capture(model, images()), tba.capture(WRAPPERS[wrapper](model), images())
    assert list(wrapped) == list(plain)


def test_a_wrapper_inside_leaves_no_trace_and_is_chosen_as_what_it_wraps():
    model = Residual()
    names = list(tba.capture(model, images()))
    model.layer[0] = checkpoint_wrapper(model.layer[0])
    assert list(tba.capture(model, images())) == names
    wrapped = model.layer[0]
    assert list(tba.capture(model, images(), [wrapped])) == ["layer/0"]
    assert type(unwrapped(wrapped)).__name__ == "Block"
    assert "layer/0/conv1" in Names(model).paths()


def test_a_module_at_two_places_has_the_name_of_the_first_and_calls_are_numbered():
    shared = nn.Linear(4, 4)
    model = Net(lambda s, x: s.b(torch.tanh(s.a(x))), a=shared, b=shared)
    assert list(tba.capture(model, torch.randn(2, 4))) == ["a", "tanh()", "a:2"]
    block = nn.Sequential(nn.Linear(4, 4), nn.ReLU())
    twice = Net(lambda s, x: s.block(s.block(x)), block=block)
    names = list(tba.capture(twice, torch.randn(2, 4)))
    assert names == ["block/0", "block/1", "block:2/0", "block:2/1"]


def test_what_runs_under_vmap_is_refused_with_what_stands_for_it():
    model = Net(lambda s, x: s.b(torch.func.vmap(s.a)(x)), a=nn.Linear(4, 4), b=nn.Linear(4, 2))
    with pytest.raises(ValueError, match=r"layer 'a' runs inside a loop of 'Net'"):
        tba.capture(model, torch.randn(3, 2, 4), "a")


def test_a_user_attribute_called_module_is_a_step_of_the_path():
    model = Net(lambda s, x: s.module(x), module=nn.Sequential(nn.Linear(4, 2)))
    assert list(tba.capture(model, torch.randn(3, 4))) == ["module/0"]


def test_parametrizations_of_weights_are_no_layers():
    model = nn.Sequential(nn.utils.parametrizations.spectral_norm(nn.Linear(4, 4)), nn.ReLU())
    assert list(tba.capture(model, torch.randn(3, 4))) == ["0", "1"]
    with pytest.raises(ValueError, match="no layer 'weight'"):
        tba.capture(model, torch.randn(3, 4), "weight")


def test_scripted_modules_show_their_outer_output():
    """Hooks on them raise: forward hooks are not supported on ScriptModules."""
    inner = torch.jit.script(nn.Sequential(nn.Linear(4, 4), nn.ReLU()))
    model, x = nn.Sequential(inner, nn.Linear(4, 2)), torch.randn(3, 4)
    with pytest.raises(RuntimeError):
        inner.register_forward_hook(lambda *_: None)
    values = tba.capture(model, x)
    assert list(values) == ["0", "1"]
    assert torch.equal(torch.as_tensor(values["0"]), inner(x))
