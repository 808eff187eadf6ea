"""The module calls that are under way in a pass, and what each is called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from tb_activations.training.selection import Place
from tb_activations.training.torch.names import PARAMETRIZATIONS, Names, unwrapped

MOST_CALLS = 4  # of a module in a loop, which no one asked for by name


@dataclass
class Call:
    """A module call under way.

    steps: its path in the model. wraps: the module that a wrapper is about to call. silent: the
    functions inside it are its own. again: the last call inside was one of many of that module.
    """

    place: Place
    steps: tuple[str, ...]
    module: nn.Module | None = None
    wraps: bool = False
    silent: bool = False
    again: bool = False
    counts: Counter[Any] = field(default_factory=Counter)

    def numbered(self, name: str) -> Place:
        """The place of a function in it, one further each time."""
        self.counts[name] += 1
        return self.place.inner(name, self.counts[name])

    def whole(self) -> Place:
        """The place; the model's own name where it is the model."""
        return self.place if self.place.steps else Place().inner(type(self.module).__name__)


class Calls:
    """Places of calls within calls; each place is numbered by how often it was called.

    ran: ids of the modules that ran. loops: path → how often a module ran, where it is more often
    than its calls are shown.
    """

    def __init__(self, names: Names) -> None:
        self.ran: set[int] = set()
        self.loops: dict[str, int] = {}
        self._names = names
        self._calls = [Call(Place(), ())]

    @property
    def innermost(self) -> Call:
        return self._calls[-1]

    @contextmanager
    def inside(self, call: Call) -> Iterator[None]:
        """In the block the call is the innermost."""
        self._calls.append(call)
        try:
            yield
        finally:
            self._calls.pop()

    def begin(self, module: nn.Module) -> Call:
        """The call of a module that is about to run."""
        own = unwrapped(module)
        steps = self.steps(own)
        self.ran.add(id(own))
        place = self._place(steps)
        leaf = not any(True for _ in own.children())
        silent = leaf and not any(True for _ in own.parameters(recurse=False))
        silent = silent or PARAMETRIZATIONS in steps or self.innermost.silent
        again = any(number > MOST_CALLS for _, number in place.steps)
        self.innermost.again = again
        if again:
            path = "/".join(name for name, _ in place.steps)
            self.loops[path] = max(number for _, number in place.steps)
        return Call(place, steps, own, wraps=own is not module, silent=silent, again=again)

    def steps(self, module: nn.Module) -> tuple[str, ...]:
        """The path of a module; of one that the model does not hold, its class's name inside."""
        known = self._names.of(module)
        return (*self.innermost.steps, type(module).__name__) if known is None else known

    def _place(self, steps: tuple[str, ...]) -> Place:
        """In the innermost call under way that holds the module, each of its steps one further."""
        if not steps:
            return Place()
        for call in reversed(self._calls):
            above = len(call.steps)
            if above < len(steps) and steps[:above] == call.steps:
                break
        place = call.place
        rest = steps[len(call.steps) :] or steps[-1:]
        for name in rest[:-1]:
            place = place.inner(name)
        call.counts[rest] += 1
        return place.inner(rest[-1], call.counts[rest])
