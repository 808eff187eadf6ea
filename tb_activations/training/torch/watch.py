"""Sees every module call of one forward pass, and the functions inside: places and values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from tb_activations.training.selection import Entry, Hidden, Place
from tb_activations.training.torch.axes import REARRANGING, axis_of, by_rank, of_class
from tb_activations.training.torch.calls import Call, Calls
from tb_activations.training.torch.functions import ACTIVATIONS, ENDINGS, SCORES, name_of
from tb_activations.training.torch.names import PARAMETRIZATIONS, Names, inside, unwrapped
from tb_activations.training.torch.private import base, mapped_over, version, without_functions
from tb_activations.training.torch.tensors import TensorNotes, parts, replaced

_MOST_FUNCTIONS = 64  # of one kind in one call of a module

Keep = Callable[[Entry, Any], Any]
Change = Callable[[Entry, torch.Tensor], torch.Tensor]
# Of the original call, the module, its path and its arguments: what the module returns.
Around = Callable[[Callable[..., Any], nn.Module, str, tuple, dict], Any]


class Watch:
    """One forward pass, seen from inside.

    entries: every output of every module call, activation function and attention. values: entry
    name → what `keep` makes of it on the spot, before anything can write to it, for those that
    `wanted` accepts. axes: entry name → its axis of channels. hidden: modules that ran under
    `vmap`. ran: ids of the modules that ran. loops: path → how often a module ran, where it is more
    often than its calls are shown. inputs: id of a tensor that a module of torch's took → its axis.
    named_inputs: the same by the names of the inputs. endings: a list where softmaxes and their
    like are noted as (name, logits, what it made), None where nobody asks.

    Args:
      functions: whether activation functions and attention scores are entries.
      asked: other functions that are, by name.
      change: what the model goes on with instead of the values of an entry.
      around: what makes each module's call instead of the module.
      first: of an entry's name, whether the user says that its channels stand first; None where
        nothing is said.
    """

    def __init__(
        self,
        names: Names,
        wanted: Callable[[Entry], bool],
        keep: Keep,
        *,
        functions: bool = True,
        asked: frozenset[str] = frozenset(),
        change: Change | None = None,
        around: Around | None = None,
        first: Callable[[str], bool | None] = lambda _: None,
    ) -> None:
        self.entries: list[Entry] = []
        self.values: dict[str, Any] = {}
        self.axes: dict[str, int] = {}
        self.hidden: list[Hidden] = []
        self.inputs: dict[int, int] = {}
        self.named_inputs: dict[str, int] = {}
        self.endings: list[tuple[str, torch.Tensor, torch.Tensor]] | None = None
        self.notes = TensorNotes()
        self.asked = asked
        self._wanted = wanted
        self._keep = keep
        self._functions = functions
        self._first = first
        self._change = change
        self._around = around
        self._used: set[str] = set()
        self._calls = Calls(names)

    @property
    def ran(self) -> set[int]:
        return self._calls.ran

    @property
    def loops(self) -> dict[str, int]:
        return self._calls.loops

    def call(
        self, original: Callable[..., Any], module: nn.Module, args: tuple, kwargs: dict
    ) -> Any:
        """Runs the module, and notes what it returns."""
        around = self._calls.innermost
        if around.wraps and around.module is unwrapped(module):
            around.wraps = inside(module) is not None
            return original(module, *args, **kwargs)
        if mapped_over():
            self.hidden.append(Hidden(module, around.whole(), self._calls.steps(module)[-1]))
            return original(module, *args, **kwargs)
        call = self._calls.begin(module)
        with without_functions():  # what we ask of tensors is no business of the mode
            given = [one for _, one in parts((args, kwargs))]
            before = [version(one) for one in given]
            self._note_inputs(call.module, given)
        with self._calls.inside(call):
            if self._around is None:
                outputs = original(module, *args, **kwargs)
            else:
                outputs = self._around(original, module, call.place.path(), args, kwargs)
        if PARAMETRIZATIONS not in call.steps:
            with without_functions():
                stayed = zip(given, before, strict=True)
                unchanged = [one for one, was in stayed if version(one) == was]
                return self._note(call, given, unchanged, outputs)
        return outputs

    def function(self, function: Any, out: Any) -> Any:
        """Notes what an activation, or a function that was asked for, returned; returns it."""
        call, name = self._calls.innermost, name_of(function)
        activation = function in ACTIVATIONS
        wanted = (self._functions and activation) or name in self.asked
        if not wanted or call.silent or not isinstance(out, torch.Tensor):
            return out
        place = call.numbered(f"{name}()")
        again = call.again or place.steps[-1][1] > _MOST_FUNCTIONS
        axis = self.notes.axis(out)
        axis = by_rank(out.dim()) if axis is None else axis
        fresh = activation and not again
        entry = self._emit(
            place, "", function, out, fresh, axis, is_layer=False, aside=not activation
        )
        if self._change is not None:
            out = self._change(entry, out)
        self.notes.see(out, axis)
        return out

    def ended(self, function: Any, args: tuple, kwargs: Any, out: Any) -> None:
        """Notes a function that may make probabilities of logits, for who wants to know."""
        if (
            self.endings is not None
            and name_of(function) in ENDINGS
            and isinstance(out, torch.Tensor)
        ):
            given = args[0] if args else kwargs.get("input")
            if out is not given:
                self.endings.append((name_of(function), given, out))

    def scores(self, scores: Any) -> None:
        """Notes attention scores, `Scores` or a tensor `[n, heads, q, k]`."""
        call = self._calls.innermost
        if scores is None or not self._functions:
            return
        place = call.numbered(SCORES)
        fresh = not call.again
        self._emit(place, "", scores, scores, fresh, 1, is_layer=False)

    def _note_inputs(self, module: Any, given: list[torch.Tensor]) -> None:
        for one in given:
            axis = of_class(module, one.dim())
            if axis is not None and one.dim() > 2:
                self.inputs.setdefault(id(one), axis)

    def _note(
        self,
        call: Call,
        given: list[torch.Tensor],
        unchanged: list[torch.Tensor],
        outputs: Any,
    ) -> Any:
        """Returns the outputs, those changed that are."""
        place, module = call.whole(), call.module
        changed = {}
        for part, value in parts(outputs):
            axis = axis_of(module, value, given, self.notes)
            fresh = not call.again and self._is_fresh(module, value, unchanged)
            entry = self._emit(place, part, module, value, fresh, axis)
            new = value if self._change is None else self._change(entry, value)
            if new is not value:
                changed[part] = new
            self.notes.see(new, axis)
        return replaced(outputs, changed) if changed else outputs

    def _is_fresh(self, module: Any, value: torch.Tensor, unchanged: list[torch.Tensor]) -> bool:
        if isinstance(module, REARRANGING) or self.notes.shows(value):
            return False
        origin = base(value)
        if origin is not None and self.notes.shows(origin):
            return False
        roots = {id(one) for one in unchanged}
        roots |= {id(base(one)) for one in unchanged if base(one) is not None}
        return id(value) not in roots and (origin is None or id(origin) not in roots)

    def _emit(
        self,
        place: Place,
        part: str,
        layer: Any,
        value: Any,
        fresh: bool,
        axis: int,
        is_layer: bool = True,
        aside: bool = False,
    ) -> Entry:
        name, rank = self._unique(place.path() + part), len(value.shape)
        said = self._first(name)
        if said is not None and rank > 2:
            axis = 1 if said else rank - 1
        first, order = axis == 1 and rank > 2, len(self.entries)
        entry = Entry(name, place, part, layer, fresh, first, order, is_layer, aside)
        self.entries.append(entry)
        self.axes[name] = axis
        if self._wanted(entry):
            if isinstance(value, torch.Tensor) and value.is_nested:
                value = value.to_padded_tensor(0.0)
            self.values[name] = self._keep(entry, value)
        return entry

    def _unique(self, name: str) -> str:
        unique, count = name, 1
        while unique in self._used:
            count += 1
            unique = f"{name}:{count}"
        self._used.add(unique)
        return unique
