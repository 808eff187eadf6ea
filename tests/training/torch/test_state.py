"""Nothing moves: flags, buffers, attributes, random numbers, modes, in and after a pass."""

from __future__ import annotations

import random
import threading

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from servers import PATIENCE
from torch import nn
from torch_nets import Net, Residual, images

import tb_activations as tba


def test_every_module_keeps_a_flag_of_its_own():
    """`model.eval(); model.train()` would set a frozen normalisation to training."""
    model = Residual().train()
    model.layer[0].bn.eval()
    tba.capture(model, images())
    assert [name for name, m in model.named_modules() if not m.training] == ["layer.0.bn"]


class Careless(nn.Module):
    """Ignores evaluation: counts, carries a state on, draws, and may fail."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Linear(4, 4)
        self.register_buffer("mean", torch.zeros(4))
        self.register_buffer("last", torch.zeros(3, 4))
        self.calls, self.state, self.log, self.generator = 0, None, [], torch.Generator()
        self.fails = False

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.a(x)
        self.mean.mul_(0.9).add_(y.mean(0) * 0.1)
        self.last = y.detach()
        self.calls, self.state = self.calls + 1, y
        self.log.append(self.calls)
        torch.rand(2, generator=self.generator)
        y = y + torch.rand(4) + random.random() + np.random.rand()
        if self.fails:
            raise RuntimeError("as asked")
        return F.dropout(y, 0.5)


@pytest.mark.parametrize("fails", [False, True])
def test_what_a_model_moves_in_evaluation_is_put_back_after_an_exception_too(fails):
    model = Careless()
    model.fails = fails
    buffers = [model.mean, model.last]
    before = [torch.get_rng_state(), model.generator.get_state()]
    python, numpy = random.getstate(), np.random.get_state()[1].copy()
    x = torch.randn(3, 4, generator=torch.Generator().manual_seed(1))
    if fails:
        with pytest.raises(ValueError, match="as asked"):
            tba.capture(model, x)
    else:
        assert tba.capture(model, x)
    assert model.mean is buffers[0] and model.last is buffers[1]
    assert not model.mean.any() and not model.last.any()
    assert (model.calls, model.state, model.log) == (0, None, [])
    assert torch.equal(before[0], torch.get_rng_state())
    assert torch.equal(before[1], model.generator.get_state())
    assert random.getstate() == python
    np.testing.assert_array_equal(np.random.get_state()[1], numpy)
    assert torch.is_grad_enabled()
    assert torch.backends.mha.get_fastpath_enabled()


def test_gradients_and_what_wants_them_stay():
    model = Residual()
    model.stem.weight.requires_grad_(False)
    model(images()).sum().backward()
    before = [(one.requires_grad, one.grad) for one in model.parameters()]
    x = images().requires_grad_()
    tba.capture(model, x)
    after = [(one.requires_grad, one.grad) for one in model.parameters()]
    assert all(a[0] == b[0] and a[1] is b[1] for a, b in zip(before, after, strict=True))
    assert x.grad is None


def test_tensors_that_a_model_keeps_can_be_trained_with_later():
    """In `inference_mode` they could not: a cached mask or rotation would raise in training."""
    cache: dict[str, torch.Tensor] = {}
    model = Net(lambda s, x: s.a(x) * cache.setdefault("scale", torch.ones(4)), a=nn.Linear(4, 4))
    tba.capture(model, torch.randn(3, 4))
    model(torch.randn(3, 4)).sum().backward()
    assert model.a.weight.grad is not None


def test_a_step_inside_autocast_leaves_its_cast_weights_their_gradients(tmp_path):
    """A pass without gradients would fill autocast's cache with weights that have none."""
    model, x = nn.Linear(4, 4), torch.randn(3, 4)
    logger = tba.ActivationsLogger(tmp_path, model, x, verbose=0)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logger.step()
        loss = model(x).float().sum()
    loss.backward()
    logger.close()
    assert model.weight.grad is not None and model.weight.grad.any()


def test_a_pass_has_the_autocast_of_the_caller_or_the_one_asked_for():
    model, x = nn.Linear(64, 64), torch.randn(3, 64)
    full = tba.capture(model, x)["Linear"]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inherited = tba.capture(model, x)["Linear"]
    asked = tba.capture(model, x, autocast=torch.bfloat16)["Linear"]
    by_context = tba.capture(model, x, autocast=lambda: torch.autocast("cpu", torch.bfloat16))
    np.testing.assert_array_equal(inherited, asked)
    np.testing.assert_array_equal(by_context["Linear"], asked)
    assert not np.array_equal(full, asked)
    assert inherited.dtype == np.float32
    assert not torch.is_autocast_enabled("cpu")


def test_another_thread_runs_unseen_and_calls_are_put_back():
    before, attention = nn.Module.__call__, F.scaled_dot_product_attention
    other, inside, done = nn.Linear(4, 4), threading.Event(), threading.Event()

    def wait(s, x):
        inside.set()
        assert done.wait(PATIENCE)
        return s.a(x)

    def run() -> None:
        assert inside.wait(PATIENCE)
        other(torch.randn(3, 4))
        done.set()

    thread = threading.Thread(target=run)
    thread.start()
    values = tba.capture(Net(wait, a=nn.Linear(4, 4)), torch.randn(3, 4))
    thread.join()
    assert list(values) == ["a"]
    assert nn.Module.__call__ is before
    assert F.scaled_dot_product_attention is attention


def test_a_capture_inside_a_pass_sees_its_own_model_alone():
    inner, found = nn.Linear(4, 2), []

    def run(s, x):
        found.append(list(tba.capture(inner, x)))
        return s.a(x)

    values = tba.capture(Net(run, a=nn.Linear(4, 4)), torch.randn(3, 4))
    assert (list(values), found) == (["a"], [["Linear"]])


def test_a_watched_model_is_copied_and_pickled_as_before(tmp_path):
    import copy
    import pickle

    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU())
    held = {name: sorted(vars(one)) for name, one in model.named_modules()}
    logger = tba.ActivationsLogger(tmp_path, model, torch.randn(3, 4), verbose=0)
    logger.step()
    assert {name: sorted(vars(one)) for name, one in model.named_modules()} == held
    copy.deepcopy(model)
    assert len(pickle.loads(pickle.dumps(model))) == 2
    logger.close()


def test_hooks_that_a_model_installs_at_its_first_call_are_not_installed_twice():
    """As Hugging Face's models do it: hooks, and an attribute that says that they are there."""
    calls: list[int] = []

    def run(s, x):
        if not hasattr(s, "ready"):
            s.ready = True
            s.a.register_forward_hook(lambda *_: calls.append(1))
        return s.a(x)

    model = Net(run, a=nn.Linear(4, 3))
    for _ in range(2):
        tba.capture(model, torch.zeros(2, 4))
    assert calls == [1, 1]
    model(torch.zeros(2, 4))
    assert calls == [1, 1, 1]


def test_users_hooks_see_the_pass_and_are_left_alone():
    calls: list[int] = []
    model = nn.Linear(4, 4)
    model.register_forward_hook(lambda *_: calls.append(1))
    tba.capture(model, torch.randn(3, 4))
    assert calls == [1]
    assert len(model._forward_hooks) == 1
