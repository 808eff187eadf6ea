"""What a pass must leave as it was: flags, buffers, attributes, random numbers, modes."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from functools import partial
from itertools import chain
from typing import Any

import numpy as np
import torch
from torch import nn

from tb_activations.training.torch.private import OF_TORCH, WEIGHTS, eagerly, version

Autocast = Any  # None, a dtype, its name, or a function that returns a context


@contextmanager
def preserved(
    model: nn.Module, autocast: Autocast = None, gradients: bool = False
) -> Iterator[None]:
    """Runs a block as inference; what it changes in the model and in random numbers is put back.

    Every module keeps the `training` of its own. Gradients are off where they are not asked for, by
    `no_grad`: tensors that a model holds on to in inference mode could not be trained with later.
    The caller's inference mode is left: its tensors tell nothing of what is done to them in place.
    Encoders take the path that shows their layers, compiled modules run eagerly.
    """
    with ExitStack() as stack:
        if torch.is_inference_mode_enabled():
            stack.enter_context(torch.inference_mode(False))
        stack.enter_context(_modules(model))
        stack.enter_context(random_numbers(model))
        stack.enter_context(torch.enable_grad() if gradients else torch.no_grad())
        stack.enter_context(_no_fast_path())
        stack.enter_context(eagerly())
        stack.enter_context(_cast(model, autocast))
        yield


def device_of(model: nn.Module) -> torch.device:
    """Where its first parameter, or buffer, lies."""
    first = next(chain(model.parameters(), model.buffers()), None)
    return torch.device("cpu") if first is None else first.device


@contextmanager
def _modules(model: nn.Module) -> Iterator[None]:
    modules = list(model.modules())
    flags = [one.training for one in modules]
    empty: list[dict] = []
    restores = [restore for one in modules for restore in _restores(one, empty)]
    try:
        for one in modules:
            one.training = False
        yield
    finally:
        for one, flag in zip(modules, flags, strict=True):
            one.training = flag
        with torch.no_grad():
            for restore in restores:
                restore()
        for each in empty:
            each.clear()


def _restores(module: nn.Module, empty: list[dict]) -> Iterator[Callable[[], None]]:
    """Each puts back one thing that the module holds.

    Args:
      empty: takes the dicts that hold nothing, of which a module has a dozen.
    """
    for name, buffer in module.named_buffers(recurse=False):
        yield _buffer(module, name, buffer)
    held, before = vars(module), {}
    for name, one in held.items():
        if name not in OF_TORCH:
            before[name] = one
        # Hooks too: a library that installs its own at the first call notes that in an attribute.
        elif isinstance(one, dict):
            if not one:
                empty.append(one)
            else:
                yield _weights(one) if name == WEIGHTS else _dict(one)
    yield lambda: _rebind(held, before)
    for one in before.values():
        if type(one) is list:
            yield _list(one)
        elif type(one) is dict:
            yield _dict(one)
        elif isinstance(one, torch.Generator):
            yield partial(one.set_state, one.get_state())


def _buffer(module: nn.Module, name: str, buffer: torch.Tensor) -> Callable[[], None]:
    written, value = version(buffer), None if buffer.is_meta else buffer.detach().clone()

    def restore() -> None:
        if getattr(module, name, None) is not buffer:
            setattr(module, name, buffer)
        if value is not None and version(buffer) != written:
            buffer.copy_(value)

    return restore


def _rebind(held: dict[str, Any], before: dict[str, Any]) -> None:
    """Attributes name again what they named: a state that is carried on, a count of calls."""
    for name in [name for name in held if name not in before and name not in OF_TORCH]:
        del held[name]
    for name, one in before.items():
        if name not in held or held[name] is not one:
            held[name] = one


def _list(held: list) -> Callable[[], None]:
    before = list(held)

    def restore() -> None:
        if len(held) != len(before) or any(a is not b for a, b in zip(held, before, strict=True)):
            held[:] = before

    return restore


def _dict(held: dict) -> Callable[[], None]:
    before = dict(held)

    def restore() -> None:
        if held.keys() != before.keys() or any(held[key] is not before[key] for key in before):
            held.clear()
            held.update(before)

    return restore


def _weights(held: dict) -> Callable[[], None]:
    """FSDP puts whole weights and shards in each other's place, and counts on what it has put."""
    before, restored = dict(held), _dict(held)

    def restore() -> None:
        if not any(hasattr(one, "full_tensor") for one in (*before.values(), *held.values())):
            restored()

    return restore


@contextmanager
def random_numbers(model: nn.Module) -> Iterator[None]:
    """Of PyTorch on every device that the model is on, of Python and of NumPy."""
    python, numpy = random.getstate(), np.random.get_state()
    used = {one.device for one in chain(model.parameters(), model.buffers())}
    kinds = sorted({one.type for one in used} - {"cpu", "meta", "mps"})
    apple = torch.mps.get_rng_state() if any(one.type == "mps" for one in used) else None
    try:
        with ExitStack() as stack:
            stack.enter_context(torch.random.fork_rng(devices=[]))
            for kind in kinds:
                devices = sorted({one.index or 0 for one in used if one.type == kind})
                stack.enter_context(torch.random.fork_rng(devices=devices, device_type=kind))
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
        if apple is not None:
            torch.mps.set_rng_state(apple)


@contextmanager
def _no_fast_path() -> Iterator[None]:
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


def _cast(model: nn.Module, autocast: Autocast) -> AbstractContextManager[Any]:
    """As asked, else as the caller's: without its cache.

    Weights that are cast while gradients are off would be taken out of it by the training step
    that follows, and get no gradients.
    """
    kind = device_of(model).type
    if callable(autocast) and not isinstance(autocast, torch.dtype):
        context: AbstractContextManager[Any] = autocast()
        return context
    if autocast is not None:
        return torch.autocast(kind, dtype=as_dtype(autocast), cache_enabled=False)
    if kind == "meta" or not torch.is_autocast_enabled(kind):
        return nullcontext()
    dtype = torch.get_autocast_dtype(kind)
    return torch.autocast(kind, dtype=dtype, cache_enabled=False)


def as_dtype(autocast: Any) -> torch.dtype:
    """Raises ValueError for what is no dtype, or the name of none."""
    dtype = getattr(torch, autocast, None) if isinstance(autocast, str) else autocast
    if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
        raise ValueError(
            f"autocast is {autocast!r}; it must be None, a dtype such as torch.bfloat16, its name, "
            "or a function that returns a context"
        )
    return dtype
