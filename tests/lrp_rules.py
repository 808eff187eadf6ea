"""The rules of layer-wise relevance propagation that every framework is tried with."""

from __future__ import annotations

from typing import Any

RULES: dict[str, dict[str, Any]] = {
    "epsilon": {"gamma": 0},
    "gamma": {},
    "gamma everywhere": {"gamma": 0.5, "dense": True},
    "z+": {"gamma": float("inf"), "dense": True},
    "box": {"bounds": (0, 1)},
}
