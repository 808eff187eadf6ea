"""Which rows go into one pass, and where in its batch each of them stands."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Seats:
    """targets: of each example. batch: the size that the model insists on, or None."""

    targets: int
    batch: int | None

    def turns(self, rows: np.ndarray, *, alone: bool) -> list[np.ndarray]:
        """Which rows go into one pass: all, each alone, or one for each place in the batch."""
        if alone:
            return [np.array([i]) for i in range(len(rows))]
        if self.batch is None:
            return [np.arange(len(rows))]
        places, turns = self._places(rows), np.zeros(len(rows), np.int64)
        for place in np.unique(places):
            turns[places == place] = np.arange((places == place).sum())
        return [np.flatnonzero(turns == turn) for turn in range(turns.max() + 1)]

    def filled(self, rows: np.ndarray) -> np.ndarray:
        """For each place in the batch the number of the row that stands there, or any."""
        if self.batch is None:
            return np.arange(len(rows))
        slots = np.zeros(self.batch, np.int64)
        slots[self._places(rows)] = np.arange(len(rows))
        return slots

    def found(self, rows: np.ndarray) -> np.ndarray:
        """For each row where in the batch its answer stands."""
        return np.arange(len(rows)) if self.batch is None else self._places(rows)

    def _places(self, rows: np.ndarray) -> np.ndarray:
        """Its example's place, which has a state."""
        return rows // self.targets % (self.batch or len(rows))
