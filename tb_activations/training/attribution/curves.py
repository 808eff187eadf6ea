"""Deletion and insertion curves: the score while values go, or come, in the order of a map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class DeletionInsertion:
    """The score against the share of what was deleted or inserted, beside random orders.

    `str` is a table, `to_markdown` one for a page.

    Attributes:
      shares: float64 `[steps + 1]`, from 0 to 1, of positions, or of values where there are none.
      deletion, insertion: float64 `[n, steps + 1]`, of several targets `[n, k, steps + 1]`: from
        the example to the baseline, and back, what the map values most first.
      random_deletion, random_insertion: `[orders, n, …, steps + 1]`, in random orders.
      output: "probability", "logit" or "value": what the score is.
    """

    shares: np.ndarray
    deletion: np.ndarray
    insertion: np.ndarray
    random_deletion: np.ndarray
    random_insertion: np.ndarray
    output: str

    @property
    def deletion_area(self) -> np.ndarray:
        """`[n]` or `[n, k]`, under the curve: the lower, the earlier the score falls."""
        return self._area(self.deletion)

    @property
    def insertion_area(self) -> np.ndarray:
        """`[n]` or `[n, k]`, under the curve: the higher, the earlier the score rises."""
        return self._area(self.insertion)

    @property
    def random_deletion_area(self) -> np.ndarray:
        """`[orders, n]` or `[orders, n, k]`."""
        return self._area(self.random_deletion)

    @property
    def random_insertion_area(self) -> np.ndarray:
        """`[orders, n]` or `[orders, n, k]`."""
        return self._area(self.random_insertion)

    def _area(self, curves: np.ndarray) -> np.ndarray:
        """By trapezoids."""
        return ((curves[..., 1:] + curves[..., :-1]) / 2) @ np.diff(self.shares)

    def to_dict(self) -> dict[str, Any]:
        """Curves and areas as nested lists."""
        arrays = {name: value for name, value in vars(self).items() if name != "output"}
        areas = ("deletion_area", "insertion_area", "random_deletion_area", "random_insertion_area")
        arrays.update({name: getattr(self, name) for name in areas})
        return {"output": self.output, **{name: one.tolist() for name, one in arrays.items()}}

    def to_markdown(self) -> str:
        """The table that `str` gives, for a page."""
        head, *rows = self._rows()
        return "\n".join(f"| {' | '.join(one)} |" for one in (head, ["---"] * len(head), *rows))

    def __str__(self) -> str:
        rows = self._rows()
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        lines = ("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) for row in rows)
        return "\n".join(line.rstrip() for line in lines)

    def _rows(self) -> list[list[str]]:
        """Means over the maps; the deviation is that of random orders."""
        found = [["", f"area ({self.output})", "random order", "better than random"]]
        for name, sign in (("deletion", -1), ("insertion", 1)):
            area, random = getattr(self, f"{name}_area"), getattr(self, f"random_{name}_area")
            better = np.mean(sign * (area - random.mean(axis=0)) > 0)
            spread = f"{random.mean():.3g} ± {random.std(axis=0).mean():.2g}"
            found.append([name, f"{area.mean():.3g}", spread, f"{100 * better:.0f} % of the maps"])
        return found
