"""Names of what runs inside a model, and the choice of what to see.

Every output of every layer call is an entry. Its name is the path of the layers around it,
`encoder/block1/conv`; the second call of a shared layer is `conv:2`, and the parts of a list, tuple
or dict are `lstm.0`, `lstm.1`, `heads.logits`. Names are unique in one pass and the same in the
next.

Choices, alone or in a list: the name of a layer (all its calls and parts, wherever it stands), the
end of a path (`block1/conv`), an exact entry (`conv:2`, `lstm.0`), a glob (`encoder/*`), a layer
object, a layer class, a predicate over layers; or None for every entry worth seeing. What is the
name of a layer is no glob, whatever its characters.
"""

from __future__ import annotations

import difflib
import fnmatch
import glob
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tb_activations.training.fold import Fold

_SHOWN_NAMES = 20
_GLOB = re.compile(r"[*?\[]")


@dataclass(frozen=True)
class Place:
    """Where a call stands: the names of the layers around it and its own, each with its call."""

    steps: tuple[tuple[str, int], ...] = ()

    def path(self) -> str:
        """`encoder/conv:2`: the number is given from the second call on."""
        return "/".join(f"{name}:{call}" if call > 1 else name for name, call in self.steps)

    def inner(self, name: str, call: int = 1) -> Place:
        return Place((*self.steps, (name, call)))

    def ends_with(self, asked: str, part: str) -> bool:
        """Whether the steps of `asked`, each with or without its call, are the last of this."""
        if part and asked.endswith(part) and self.ends_with(asked.removesuffix(part), ""):
            return True  # first, as a part may hold a slash
        wanted = asked.split("/")
        if len(wanted) > len(self.steps):
            return False
        return all(
            one in (name, f"{name}:{call}")
            for one, (name, call) in zip(wanted, self.steps[-len(wanted) :], strict=True)
        )

    def fits(self, pattern: str, part: str) -> bool:
        """Whether the glob fits the path; one without a slash may fit its last step alone."""
        bare = "/".join(name for name, _ in self.steps)
        paths = {path + end for path in (self.path(), bare) for end in ("", part)}
        if "/" not in pattern:
            paths |= {path.rsplit("/", 1)[-1] for path in paths}
        return any(fnmatch.fnmatchcase(path, pattern) for path in paths)


@dataclass(frozen=True)
class Returned:
    """Values that the model returns, or what its last function made those of.

    part: of what the model returns, "" for all. ending: "softmax", "log_softmax" or "sigmoid"
    where one made what is returned, else None. before: they are what that was given.
    """

    part: str
    ending: str | None = None
    before: bool = False


@dataclass(frozen=True, eq=False)
class Entry:
    """One output of one layer call.

    name: unique in the pass. place: the call that returned it. part: which part of what was
    returned, "" for all. layer: the Keras layer or torch module, or the operation or function.
    fresh: its values are no other entry's, neither passed through nor merely rearranged.
    channels_first: it is `[n, c, …]`. order: its place in the order of execution. is_layer: False
    for an operation.
    aside: a view of a layer beside what it returns, which only its own name asks for. fold: how its
    rows belong to examples, None where each has one. returned: how the model returns its values,
    None where it does not, or where that cannot be told.
    """

    name: str
    place: Place
    part: str
    layer: Any
    fresh: bool
    channels_first: bool
    order: int
    is_layer: bool = True
    aside: bool = False
    fold: Fold | None = None
    returned: Returned | None = None


@dataclass(frozen=True)
class Hidden:
    """A layer of this name that runs inside a loop or a vectorised map of the call at `outer`."""

    layer: Any
    outer: Place
    name: str

    @property
    def place(self) -> Place:
        return self.outer.inner(self.name)


@dataclass(frozen=True)
class Choice:
    """One thing asked for: how to recognise it, and how to call it in an error.

    wants: of a call's place, the part and the layer. asked: the text, where it is one. of_layers:
    whether it can be asked about layers alone.
    """

    text: str
    wants: Callable[[Place, str, Any], bool]
    asked: str = ""
    of_layers: bool = False

    def chooses(self, entry: Entry) -> bool:
        if self.of_layers and not entry.is_layer:
            return False
        if entry.aside and self.asked.rsplit("/", 1)[-1] != entry.place.steps[-1][0]:
            return False
        return self.wants(entry.place, entry.part, entry.layer)

    def reaches(self, place: Place, layer: Any) -> bool:
        """Whether it may choose the layer, as far as that can be told before it runs."""
        last = self.asked.rsplit("/", 1)[-1]
        name = Place(place.steps[-1:])
        by_name = name.fits(last, "") or re.split("[:.]", last)[0] == name.path()
        return by_name if self.asked else self.wants(place, "", layer)


class Selection:
    """The choices of `layers`, checked as far as that can be without a model.

    Args:
      names: of the layers that there are; a text that is one of them is no glob.

    Raises:
      TypeError: a choice of a type that cannot choose layers.
      ValueError: an empty list.
    """

    def __init__(self, layers: Any, names: Iterable[str] = ()) -> None:
        self._layers = None if layers is None else _listed(layers)
        self._names = frozenset(names)
        self._choices = None
        if self._layers is not None:
            self._choices = [_choice(one, self._names) for one in self._layers]
        if self._choices == []:
            raise ValueError("layers is empty; name at least one, or pass None for all")

    def __deepcopy__(self, memo: Any) -> Selection:
        """Itself, which nothing changes: a copied layer would be no layer of the model."""
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """A pickle takes along what was chosen, from which the choices are made again."""
        return Selection, (self._layers, self._names)

    def knowing(self, names: Iterable[str]) -> Selection:
        """The same choices in a model whose layers have these names."""
        return Selection(self._layers, names)

    @property
    def texts(self) -> list[str]:
        """The choices that are texts."""
        return [one for one in self._layers or () if isinstance(one, str)]

    @property
    def explicit(self) -> bool:
        """Whether layers were asked for, so that one that cannot be had is an error."""
        return self._choices is not None

    def __call__(self, entry: Entry) -> bool:
        """Whether the entry is chosen."""
        if self._choices is None:
            return entry.fresh
        return any(choice.chooses(entry) for choice in self._choices)

    def inside(self, place: Place, layers: Iterable[tuple[str, Any]]) -> bool:
        """Whether one of these layers, in a `TimeDistributed` at `place`, may be chosen."""
        return any(
            choice.reaches(place.inner(name), layer)
            for choice in self._choices or ()
            for name, layer in layers
        )

    def check(
        self,
        entries: Iterable[Entry],
        hidden: Iterable[Hidden],
        idle: Sequence[tuple[Place, Any]],
    ) -> None:
        """Refuses a choice that chose nothing, and says what there is.

        Args:
          entries: all of a pass.
          hidden: the layers inside loops.
          idle: layers of the model that did not run, each with its place.

        Raises:
          ValueError: names the choice and close matches, or the layer that stands for it.
        """
        entries, hidden = list(entries), list(hidden)
        for choice in self._choices or ():
            if not any(choice.chooses(entry) for entry in entries):
                raise ValueError(_refusal(choice, entries, hidden, idle))


class Named:
    """Whether an entry has one of these names, which a pass has shown before."""

    planned = True

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(names)

    def __call__(self, entry: Entry) -> bool:
        return entry.name in self._names

    def inside(self, place: Place, layers: Iterable[tuple[str, Any]]) -> bool:
        """Whether one of the names is of a layer inside the one at `place`."""
        return any(name.startswith(f"{place.path()}/") for name in self._names)


def _listed(layers: Any) -> list[Any]:
    if isinstance(layers, list | tuple | set | frozenset):
        return list(layers)
    return [layers]


def _choice(one: Any, names: frozenset[str]) -> Choice:
    if isinstance(one, str):
        pattern = _pattern(one, names)
        if pattern is None:
            return Choice(f"layer {one!r}", lambda place, part, _: place.ends_with(one, part), one)
        return Choice(f"layer {one!r}", lambda place, part, _: place.fits(pattern, part), one)
    if isinstance(one, type):
        title = f"layer of class {one.__name__}"
        return Choice(title, lambda _, __, layer: isinstance(layer, one))
    if hasattr(one, "name") and hasattr(one, "call"):
        return Choice(f"layer {one.name!r}", lambda _, __, layer: layer is one)
    if hasattr(one, "forward") and hasattr(one, "named_modules"):  # a torch module has no name
        return Choice(f"this {type(one).__name__}", lambda _, __, layer: layer is one)
    if callable(one):
        title = getattr(one, "__name__", repr(one))
        title = f"layer that {title} accepts"
        return Choice(title, lambda _, __, layer: bool(one(layer)), of_layers=True)
    raise TypeError(
        f"layers holds {one!r}; it may hold names, globs, layer objects, layer classes "
        "and predicates over layers"
    )


def _pattern(text: str, names: frozenset[str]) -> str | None:
    """The glob that a text is, its steps that are names taken as they stand; None for a name."""
    steps = text.split("/")
    literal = [not _GLOB.search(step) or _is_name(step, names) for step in steps]
    if all(literal):
        return None
    return "/".join(
        glob.escape(step) if exact else step for step, exact in zip(steps, literal, strict=True)
    )


def _is_name(step: str, names: frozenset[str]) -> bool:
    """Whether it is a name, one call of a layer (`conv:2`) or one output (`lstm.0`)."""
    ends = (i for i, sign in enumerate(step) if sign in ":.")
    return step in names or any(step[:end] in names for end in ends)


def _refusal(
    choice: Choice,
    entries: Sequence[Entry],
    hidden: Sequence[Hidden],
    idle: Sequence[tuple[Place, Any]],
) -> str:
    for one in hidden:
        if choice.wants(one.place, "", one.layer):
            outer = one.outer.path()
            return (
                f"{choice.text} runs inside a loop of {outer!r}, which stands for it: "
                f"ask for {outer!r}"
            )
    for place, layer in idle:
        if choice.wants(place, "", layer):
            return (
                f"{choice.text} is in the model but does not run in a forward pass: to watch it, "
                "pass it as `model`"
            )
    names = [entry.name for entry in entries]
    return f"no {choice.text}; {_close(choice.text, names)}the model has {_shortened(names)}"


def _close(text: str, names: Sequence[str]) -> str:
    asked = text.partition("'")[2].rstrip("'")
    known = {last: name for name in names for last in (name, name.rsplit("/", 1)[-1])}
    close = [known[match] for match in difflib.get_close_matches(asked, known, n=3)]
    if not close:
        return ""
    return f"did you mean {' or '.join(repr(name) for name in dict.fromkeys(close))}? "


def _shortened(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:_SHOWN_NAMES])
    rest = len(names) - _SHOWN_NAMES
    return f"{shown} and {rest} more" if rest > 0 else shown
