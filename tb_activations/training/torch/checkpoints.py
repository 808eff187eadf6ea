"""Saved weights of an `nn.Module`: state dicts in files, and the weights that it has."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from tb_activations.training.torch.names import unwrapped

_HELD_AS = ("state_dict", "model_state_dict", "model", "module", "net", "weights")
_PREFIXES = ("module.", "_orig_mod.", "model.", "net.")


class Weights:
    """Loads files into one model."""

    def __init__(self, model: nn.Module) -> None:
        self._model = unwrapped(model)

    @contextmanager
    def put_back(self) -> Iterator[None]:
        """Leaves every parameter and buffer as it is now, the same tensors."""
        held = [*self._model.parameters(), *self._model.buffers()]
        before = [(one, one.detach().clone()) for one in held]
        try:
            yield
        finally:
            with torch.no_grad():
                for one, value in before:
                    one.copy_(value)

    def load(self, path: str) -> None:
        """Raises FileNotFoundError or ValueError, a sentence that names the file."""
        if not os.path.exists(path):
            raise FileNotFoundError(f"there is no file {path}; what was logged before it stays")
        try:
            self._model.load_state_dict(self._fitting(_read(path)))
        except Exception as e:
            reason = " ".join(str(e).split())[:400]
            raise ValueError(
                f"the weights in {path} cannot be loaded into this {type(self._model).__name__}: "
                f"{reason}; what was logged before it stays"
            ) from e

    def _fitting(self, state: Mapping[str, Any]) -> Mapping[str, Any]:
        """With the names of the model, where all stand behind a prefix of a wrapper's."""
        wanted = set(self._model.state_dict())
        for _ in range(4):
            if wanted <= set(state):
                break
            prefix = next((p for p in _PREFIXES if all(name.startswith(p) for name in state)), None)
            if prefix is None:
                break
            state = {name.removeprefix(prefix): one for name, one in state.items()}
        return state


def _read(path: str) -> Mapping[str, Any]:
    """The state dict in a file, of those of which alone weights are read."""
    if path.endswith(".safetensors"):
        from safetensors.torch import load_file

        return dict(load_file(path))
    held = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(held, Mapping):
        raise ValueError(f"it holds a {type(held).__name__}, and no state dict")
    for name in _HELD_AS:
        if isinstance(held.get(name), Mapping):
            return dict(held[name])
    return held
