"""What torch keeps to itself, asked for here alone, so that a release is met in one file."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from types import FunctionType
from typing import Any

import torch
from torch import nn

# Attributes by which wrappers hold what they wrap, whatever their class.
_WRAPPED = ("_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module")
# By which a function asks whether a mode is on.
_ASKS = ("has_torch_function", "has_torch_function_unary", "has_torch_function_variadic")
# What torch keeps in each module's `vars`, which has names and lists of its own for it.
OF_TORCH = frozenset(vars(nn.Module()))
WEIGHTS = "_parameters"  # among them


def wrapped_by_name(module: nn.Module) -> nn.Module | None:
    """What a compiled, sharded or checkpointed module wraps, None for any other."""
    for name in _WRAPPED:
        inner = getattr(module, name, None)
        if isinstance(inner, nn.Module):
            return inner
    return None


def version(tensor: torch.Tensor) -> int:
    """How often a tensor was written to; 0 for one of inference mode, which does not count."""
    return 0 if tensor.is_inference() else tensor._version


def base(tensor: torch.Tensor) -> torch.Tensor | None:
    """What a tensor is a view of."""
    return tensor._base


def packs(function: Any) -> bool:
    """Whether it is what makes a packed sequence of `(values, lengths, batch_first)`."""
    return getattr(function, "__name__", "") == "_pack_padded_sequence"


def without_functions() -> AbstractContextManager[None]:
    """No function mode, and no subclass of a tensor, sees what runs in the block."""
    return torch._C.DisableTorchFunction()  # type: ignore[no-any-return,attr-defined]


def opened(function: Any) -> Any:
    """A function of torch's, as it is written, in which modes are on.

    The original asks for a mode at its beginning, and hands itself over. What asks by no name that
    is known here, or is not written in Python, is returned as it is.
    """
    code = getattr(function, "__code__", None)
    asks = [one for one in _ASKS if one in getattr(code, "co_names", ())]
    if code is None or not asks:
        return function
    inside = {**function.__globals__, **dict.fromkeys(asks, lambda *_: False)}
    made = FunctionType(code, inside, function.__name__, function.__defaults__)
    made.__kwdefaults__ = function.__kwdefaults__
    return made


def mapped_over() -> bool:
    """Whether a function of `torch.func` (vmap, grad) is what runs."""
    return torch._C._functorch.maybe_current_level() is not None


@contextmanager
def eagerly() -> Iterator[None]:
    """Compiled modules run as they are written, and nothing is compiled.

    Asked only where the compiler is loaded at all, which takes seconds.
    """
    if "torch._dynamo" not in sys.modules:
        yield
        return
    with torch.compiler.set_stance("force_eager"):
        yield


def is_sharded(module: nn.Module) -> bool:
    """Whether its parameters lie on several processes, so that all of them must run it."""
    if any(type(one).__name__ == "FullyShardedDataParallel" for one in module.modules()):
        return True
    return any(type(one).__name__ == "DTensor" for one in module.parameters())


def is_uninitialized(tensor: Any) -> bool:
    """Whether a lazy module has not run yet."""
    return isinstance(
        tensor, nn.parameter.UninitializedParameter | nn.parameter.UninitializedBuffer
    )


def named_fields(value: Any) -> tuple[str, ...] | None:
    """Of a named tuple, None of what is none."""
    return getattr(value, "_fields", None) if isinstance(value, tuple) else None


def file_writer(writer: Any) -> Any:
    """The event file of a `SummaryWriter`, opened again where it was closed; None of what is none.

    There is no public way to hand it a summary of one's own.
    """
    opened = getattr(writer, "_get_file_writer", None)
    return None if opened is None else opened()
