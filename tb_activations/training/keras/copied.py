"""How a callback is copied: by tuners, once a trial, and by pickling."""

from __future__ import annotations

import copy
from typing import Any

from tb_activations.training.keras.order import Order


class Copied:
    """What a copy of a callback has of its own."""

    def __getstate__(self) -> dict[str, Any]:
        """A copy has counts, a queue and a log of its own, and no model before it is handed one."""
        remade: dict[str, Any] = dict(_model=None, _watched=None, _traits=[], _order=Order())
        return {name: copy.copy(value) for name, value in {**vars(self), **remade}.items()}

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        """As tuners copy it, once a trial: what never changes is shared.

        So layers that were chosen as objects stay the model's own, and data is held once.
        """
        twin = memo[id(self)] = copy.copy(self)
        return twin
