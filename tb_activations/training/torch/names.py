"""What the modules of a model are called: their paths, in which wrappers leave no trace."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator
from typing import Any

from torch import nn
from torch.optim.swa_utils import AveragedModel

from tb_activations.training.torch.private import wrapped_by_name

_HOLDERS = (nn.DataParallel, nn.parallel.DistributedDataParallel, AveragedModel)
_ENGINES = ("DeepSpeedEngine",)
PARAMETRIZATIONS = "parametrizations"


def inside(module: nn.Module) -> nn.Module | None:
    """What a wrapper wraps, None for what is no wrapper."""
    if isinstance(module, _HOLDERS) or type(module).__name__ in _ENGINES:
        inner = module.module
        return inner if isinstance(inner, nn.Module) else None
    return wrapped_by_name(module)


def unwrapped(module: nn.Module) -> nn.Module:
    """The module of the user's, without all that wraps it."""
    inner = inside(module)
    return module if inner is None else unwrapped(inner)


class Names:
    """The steps from the model to each of its modules.

    A module that is held at two places has the name of the first.
    """

    def __init__(self, model: nn.Module) -> None:
        self._steps: dict[int, tuple[str, ...]] = {}
        self._modules: list[nn.Module] = []  # held, so that no id is used again
        self._note(model, ())

    def _note(self, module: nn.Module, steps: tuple[str, ...]) -> None:
        if id(module) in self._steps:
            return
        self._steps[id(module)] = steps
        self._modules.append(module)
        inner = inside(module)
        if inner is not None:
            self._note(inner, steps)
            return
        for name, child in module.named_children():
            self._note(child, (*steps, name))

    def of(self, module: nn.Module) -> tuple[str, ...] | None:
        """`("layer1", "0", "conv1")`, None for what the model does not hold."""
        return self._steps.get(id(module))

    def __iter__(self) -> Iterator[tuple[nn.Module, tuple[str, ...]]]:
        """Every module that is no wrapper, and no parametrization of a weight."""
        for module in self._modules:
            steps = self._steps[id(module)]
            if inside(module) is None and PARAMETRIZATIONS not in steps:
                yield module, steps

    def paths(self) -> list[str]:
        """With slashes, without the model's own."""
        return ["/".join(steps) for _, steps in self if steps]

    def choice(self, asked: Any) -> Any:
        """A choice of `layers` with slashes for dots, and without wrappers.

        `layer1.0.conv1` is the path with slashes where it is the path, or the end of one, of a
        module; what follows the longest such path stays, as `.1` of an output.
        """
        if isinstance(asked, nn.Module):
            return unwrapped(asked)
        if not isinstance(asked, str) or "." not in asked or "/" in asked:
            return asked
        dotted = [path.replace("/", ".") for path in self.paths()]
        if any(sign in asked for sign in "*?["):
            fits = any(fnmatch.fnmatchcase(path, asked) for path in dotted)
            return asked.replace(".", "/") if fits else asked
        steps = asked.split(".")
        for end in range(len(steps), 1, -1):
            path = ".".join(steps[:end])
            bare = ".".join(step.partition(":")[0] for step in steps[:end])
            if any(one == bare or one.endswith(f".{bare}") for one in dotted):
                return asked.replace(path, path.replace(".", "/"), 1)
        return asked
