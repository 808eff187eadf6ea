"""Which entries a Keras model returns, what made them, and what its loss takes them for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import keras

from tb_activations.training.classifiers import Loss
from tb_activations.training.keras.endings import noted
from tb_activations.training.keras.tensors import is_array, parts
from tb_activations.training.selection import Returned

_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")


def returned_by(outputs: Any, single: Mapping[str, Any]) -> dict[str, Returned]:
    """Entry → how it is returned, of those whose tensors, `single` by name, the model returns.

    Told by the tensors themselves, so that a pass that is only traced can tell it, too.
    """
    found, notes = {}, noted()
    for part, value in parts(outputs):
        if not is_array(value):
            continue
        ending = notes.of(value)
        kind = ending.kind if ending else None
        name = _name(value, single)
        if name is not None:
            found[name] = Returned(part, kind)
        elif ending is not None and (name := _name(ending.logits, single)) is not None:
            found[name] = Returned(part, kind, before=True)
    return found


def _name(value: Any, single: Mapping[str, Any]) -> str | None:
    return next((name for name in reversed(list(single)) if single[name] is value), None)


def loss_of(model: Any, part: str) -> Loss | None:
    """What the loss that a model was compiled with takes a part of its outputs for.

    None where it has none, or one of the user's own.
    """
    loss, key = getattr(model, "loss", None), part[1:]
    if isinstance(loss, Mapping):
        loss = loss.get(key)
    elif isinstance(loss, list | tuple):
        loss = loss[int(key)] if key.isdigit() and int(key) < len(loss) else None
    if isinstance(loss, str):
        name = loss
    elif type(loss).__module__.startswith("keras."):
        name = _CAPITAL.sub("_", type(loss).__name__).lower()
    else:
        name = getattr(loss, "__name__", "")
        name = name if getattr(loss, "__module__", "").startswith("keras.") else ""
    if not name or not _is_known(name):
        return None
    kinds = [kind for kind in ("categorical", "binary") if kind in name and "entropy" in name]
    return Loss(kinds[0] if kinds else "other", bool(getattr(loss, "from_logits", False)))


def _is_known(name: str) -> bool:
    try:
        return keras.losses.get(name) is not None
    except ValueError:
        return False
