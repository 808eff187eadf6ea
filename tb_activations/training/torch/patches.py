"""Opens a watch over the module calls and functions of one thread.

While at least one watch is open, `nn.Module.__call__` is replaced, and in `torch.nn.functional` the
attention that `nn.MultiheadAttention` calls; calls from other threads go straight through. The last
watch to close puts the originals back.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.overrides import TorchFunctionMode

from tb_activations.training.torch.axes import follow
from tb_activations.training.torch.functions import ATTENTION, COPIES, HEADS
from tb_activations.training.torch.scores import scores_of
from tb_activations.training.torch.watch import Watch

_thread = threading.local()
_HEADS_SIGNATURE = inspect.signature(HEADS)


@contextmanager
def watching(watch: Watch) -> Iterator[Watch]:
    """`watch` sees what this thread runs inside the block."""
    before = getattr(_thread, "watch", None)
    with _patches:
        _thread.watch = watch
        try:
            with _Functions(watch):
                yield watch
        finally:
            _thread.watch = before


class _Functions(TorchFunctionMode):
    """Hands functions to the watch, once they have run."""

    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self._watch = watch

    def __torch_function__(
        self, func: Any, types: Any, args: tuple = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func is HEADS:
            return _with_heads(self._watch, args, kwargs)
        out = func(*args, **kwargs)
        if func is ATTENTION:
            self._watch.scores(scores_of(args, kwargs))
            return out
        if func.__name__ != "__get__":
            follow(func, args, kwargs, out, self._watch.notes)
            if func in COPIES:
                self._watch.notes.see_again(args[0], out)
            self._watch.ended(func, args, kwargs, out)
            return self._watch.function(func, out)
        return out


class EndingsNoted(TorchFunctionMode):
    """In the block a watch notes what may make probabilities of logits, and nothing else."""

    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self._watch = watch

    def __torch_function__(
        self, func: Any, types: Any, args: tuple = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        self._watch.ended(func, args, kwargs or {}, out)
        return out


def _with_heads(watch: Watch, args: tuple, kwargs: dict[str, Any]) -> Any:
    """Attention of `nn.MultiheadAttention`, in which functions are not seen.

    Where it does not make weights, it calls the fused attention, which is replaced. Where it does,
    each head's are noted, and their mean returned as it would be.
    """
    asked = _HEADS_SIGNATURE.bind(*args, **kwargs)
    asked.apply_defaults()
    averaged = asked.arguments["average_attn_weights"]
    if not asked.arguments["need_weights"]:
        _thread.heads = True
        try:
            return HEADS(*args, **kwargs)
        finally:
            _thread.heads = False
    asked.arguments["average_attn_weights"] = False
    out, weights = HEADS(*asked.args, **asked.kwargs)
    assert weights is not None
    if weights.dim() == 4:
        watch.scores(weights)
    return out, weights.mean(dim=-3) if averaged else weights


class _Patches:
    """Counts the open watches; the first replaces the calls, the last puts them back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open = 0
        self._originals: tuple[Any, Any] | None = None

    def __enter__(self) -> None:
        with self._lock:
            self._open += 1
            if self._open == 1:
                self._replace()

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._open -= 1
            if not self._open and self._originals is not None:
                call, F.scaled_dot_product_attention = self._originals
                nn.Module.__call__ = call  # type: ignore[method-assign]
                self._originals = None

    def _replace(self) -> None:
        call, attention = nn.Module.__call__, F.scaled_dot_product_attention
        self._originals = call, attention

        def watched_call(self: nn.Module, *args: Any, **kwargs: Any) -> Any:
            watch = getattr(_thread, "watch", None)
            if watch is None:
                return call(self, *args, **kwargs)
            return watch.call(call, self, args, kwargs)

        def watched_attention(*args: Any, **kwargs: Any) -> torch.Tensor:
            out = attention(*args, **kwargs)
            watch = getattr(_thread, "watch", None)
            if watch is not None and getattr(_thread, "heads", False):
                watch.scores(scores_of(args, kwargs))
            return out

        nn.Module.__call__ = watched_call  # type: ignore[method-assign]
        F.scaled_dot_product_attention = watched_attention


_patches = _Patches()
