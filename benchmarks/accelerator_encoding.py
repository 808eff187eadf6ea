"""What is kept of each layer, and what the host's worker does with a packet from the device."""

from __future__ import annotations

import functools
import math
import time
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tb_activations.record.encoder import Kept, blobs
from tb_activations.record.options import Options
from tb_activations.record.statistics import ChannelStatistics
from tb_activations.record.storage import store
from tb_activations.training.plan import Plan, layer_plan

EXAMPLES = 4
BUDGET = 16 << 20  # bytes an update, the default of every logger


def plan(layers: Sequence[tuple[str, tuple[int, ...], bool]]) -> Plan:
    """What the logger would keep of layers of (name, shape `(n, …)`, channels first)."""
    plans = [
        layer_plan(name, i, shape, first, None) for i, (name, shape, first) in enumerate(layers)
    ]
    return Plan(tuple(plans), EXAMPLES, "float16").within(BUDGET)


def unpacked(
    packed: np.ndarray, layers: Plan, batch: int
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """(values `[n, *spatial, c]`, float64 sums `[7, channels]`) of each layer of one packet.

    A packet is float32: of each layer the sums, then the values kept, in the order of their axes.
    """
    values, rows, at = [], [], 0
    for layer in layers.layers:
        count = 7 * layer.channels
        rows.append(packed[at : at + count].reshape(7, -1).astype(np.float64))
        at += count
        *spatial, _ = layer.shape
        n, c = min(layers.examples, batch), layer.kept_channels
        shape = (n, c, *spatial) if layer.channels_first else (n, *spatial, c)
        size = math.prod(shape)
        kept = packed[at : at + size].reshape(shape)
        values.append(np.moveaxis(kept, 1, -1) if layer.channels_first else kept)
        at += size
    return values, rows


def figures(packed: np.ndarray, layers: Plan, batch: int) -> dict[str, Any]:
    """CPU of one update on one thread: the whole records, and the deflating by itself.

    Args:
      packed: see `unpacked`. batch: examples that ran.
    """
    values, sums = unpacked(packed, layers, batch)
    kept = [
        Kept(value, ChannelStatistics.of_sums(rows), batch, layer.channels, layer.channel_ids)
        for value, rows, layer in zip(values, sums, layers.layers, strict=True)
    ]
    cpu, records = _timed(lambda: [blobs(layer, None, Options()) for layer in kept])
    count = sum(value.size for value in values)
    found: dict[str, float | str] = {
        "values_kept": count,
        "records_cpu_ms": cpu,
        "records_MB": sum(len(blob) for record in records for blob in record) / 1e6,
    }
    planes = [_byte_planes(value) for value in values if value.size >= 4096]
    ways: dict[str, Callable[[bytes], bytes]] = {"zlib": lambda raw: zlib.compress(raw, 1)}
    try:
        from isal import isal_zlib

        ways["isal"] = lambda raw: isal_zlib.compress(raw, 1)
    except ImportError:
        found["isal"] = "not there"
    for name, way in ways.items():
        cpu, packed = _timed(functools.partial(_all, way, planes))
        found[f"{name}_cpu_ms"] = cpu
        found[f"{name}_MB"] = sum(map(len, packed)) / 1e6
    return found


def _byte_planes(value: np.ndarray) -> bytes:
    stored, _ = store(value, "float16")
    planes = np.moveaxis(stored, -1, 1).ravel()
    return planes.view(np.uint8).reshape(-1, 2).T.tobytes()


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.process_time()
    answer = work()
    return (time.process_time() - start) * 1e3, answer


def _all(way: Callable[[bytes], bytes], planes: Sequence[bytes]) -> list[bytes]:
    return [way(plane) for plane in planes]
