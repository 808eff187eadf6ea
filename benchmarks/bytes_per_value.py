"""Bytes a value: our pages and events beside raw values, PNG-8, zstd and blosc2 of the same ones.

    python -m benchmarks.bytes_per_value [--log DIRECTORY]

With --log, prints what each tag of that log takes instead: Σ page bytes ÷ Σ values and
Σ event bytes ÷ Σ values.
"""

from __future__ import annotations

import argparse
import io
import math
import time
import zlib
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import harness
from tb_activations import record
from tb_activations.eventfile.event import activation_event
from tb_activations.eventfile.frame import frame
from tb_activations.names import PLUGIN_NAME
from tb_activations.record import Blob, deflate, metadata, pages, storage

EXAMPLES = 8
PRECISIONS = ("float16", "float32")
WIDE = 'float32 by "auto"'


def of_log(directory: Path) -> list[list[str]]:
    """Rows (tag, records, values, bytes a value in pages, in the whole event) of a log."""
    from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
    from tensorboard.compat.proto import event_pb2

    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for path in sorted(directory.rglob("*tfevents*")):
        for data in RawEventFileLoader(str(path)).Load():
            for value in event_pb2.Event.FromString(data).summary.value:
                if value.metadata.plugin_data.plugin_name == PLUGIN_NAME:
                    blobs = value.tensor.string_val
                    values = math.prod(record.parse_header(blobs[Blob.HEADER]).shape)
                    pages = sum(map(len, blobs[Blob.FIRST_PAGE :]))
                    sums[value.tag] = [
                        a + b
                        for a, b in zip(sums[value.tag], [1, values, pages, len(data)], strict=True)
                    ]
    rows = [[tag, *_row(*total)] for tag, total in sums.items()]
    return [*rows, ["all", *_row(*np.sum(list(sums.values()), axis=0))]]


def _row(records: int, values: int, pages: int, whole: int) -> list[str]:
    return [f"{records}", f"{values:,}", f"{pages / values:.3f}", f"{whole / values:.3f}"]


def of_layers() -> dict[str, dict[str, float]]:
    """Bytes a value of each contender on nine kinds of layers."""
    return {name: _contenders(array, options) for name, (array, options) in _layers().items()}


def _layers() -> dict[str, tuple[np.ndarray, dict[str, Any]]]:
    """Nine kinds of layers of networks that have trained a little on real images."""
    import keras

    from benchmarks import workloads

    images, _ = workloads.patches(EXAMPLES, seed=2)
    relu, _ = workloads.trained("relu")
    silu, _ = workloads.trained("silu")
    sums = [layer.name for layer in relu.layers if isinstance(layer, keras.layers.Add)]

    def of(model: Any, name: str) -> np.ndarray:
        return np.asarray(keras.Model(model.inputs, model.get_layer(name).output)(images))

    last = of(relu, "stage4")
    keras.utils.set_random_seed(1)
    wide = keras.layers.Conv2D(2048, 2, activation="relu")(last)
    tokens = last.reshape(len(last), -1, last.shape[-1])
    _, scores = keras.layers.MultiHeadAttention(8, 32)(tokens, tokens, return_attention_scores=True)
    dense = keras.layers.Dense(4096, activation="relu")(tokens.mean(axis=1))
    return {
        "ReLU, 64×64×32": (of(relu, "stem"), {}),
        "ReLU, 32×32×64": (of(relu, "stage2"), {}),
        "ReLU, 8×8×256": (last, {}),
        "SiLU, 64×64×32": (of(silu, "stem"), {}),
        "SiLU, 16×16×128": (of(silu, "stage3"), {}),
        "residual sum, 32×32×64": (of(relu, sums[3]), {}),
        "ReLU, 7×7×2048": (np.asarray(wide), {}),
        "attention, 8 heads 64×64": (np.asarray(scores), {"data_format": "channels_first"}),
        "dense ReLU, 4096": (np.asarray(dense), {}),
    }


def _contenders(array: np.ndarray, options: dict[str, Any]) -> dict[str, float]:
    first = options.get("data_format") == "channels_first"
    planes = array if first or array.ndim == 2 else np.moveaxis(array, -1, 1)
    values = np.ascontiguousarray(planes, np.float32)
    found = {"values": float(values.size), "share of zeros": float(np.mean(values == 0))}
    automatic = record.encode(array, max_outputs=EXAMPLES, precision="auto", **options)
    found[WIDE] = float(record.parse_header(automatic[Blob.HEADER]).dtype == "float32")
    for precision in PRECISIONS:
        pages, event = _ours(array, precision, options)
        stored, _ = storage.store(values, precision)
        if precision == "float16":
            found |= _speeds(stored)
        found |= {
            f"{precision} pages": pages / values.size,
            f"{precision} event ÷ pages": event / pages,
            f"{precision} zlib 1": _zlib(stored) / values.size,
            f"{precision} zstd": _zstd(stored) / values.size,
            f"{precision} blosc2": _blosc2(stored) / values.size,
        }
    found["PNG-8"] = (
        sum(map(_png8, values.reshape(len(values), -1, values.shape[-1]))) / values.size
    )
    return found


def _ours(array: np.ndarray, precision: str, options: dict[str, Any]) -> tuple[int, int]:
    blobs = record.encode(array, max_outputs=EXAMPLES, precision=precision, **options)
    event = activation_event("layer", blobs, 1, 0.0, metadata.summary_metadata())
    return sum(map(len, blobs[Blob.FIRST_PAGE :])), len(frame(event))


def _speeds(stored: np.ndarray) -> dict[str, float]:
    """Millions of values a CPU second, from stored values to pages and back."""
    size = stored.shape[1] if stored.ndim == 2 else math.prod(stored.shape[2:])
    planes = stored.reshape(-1, size)
    packed = pages.encode_pages(planes, "png", 1)
    table = pages.page_table(*planes.shape, "png")

    def read() -> None:
        for page, count in zip(packed, table, strict=True):
            pages.decode_page(page, "png", stored.dtype.name, count, planes.shape[1])

    packing = _cpu(lambda: pages.encode_pages(planes, "png", 1))
    return {
        "M values/s packed": stored.size / packing / 1e6,
        "M values/s unpacked": stored.size / _cpu(read) / 1e6,
    }


def _cpu(work: Callable[[], Any]) -> float:
    """CPU seconds of all threads: the least of some rounds of at least 50 ms each."""
    work()
    start, rounds = time.process_time(), 0
    while time.process_time() - start < 0.05:
        work()
        rounds += 1
    best = float("inf")
    for _ in range(7):
        start = time.process_time()
        for _ in range(rounds):
            work()
        best = min(best, (time.process_time() - start) / rounds)
    return best


def _zlib(stored: np.ndarray) -> int:
    """The same byte planes as one stream of zlib at its level 1."""
    planes = stored.reshape(-1).view(np.uint8).reshape(-1, stored.itemsize).T
    return len(zlib.compress(planes.tobytes(), 1))


def _zstd(stored: np.ndarray) -> int:
    import zstandard

    return len(zstandard.ZstdCompressor(level=3).compress(stored.tobytes()))


def _blosc2(stored: np.ndarray) -> int:
    import blosc2

    return len(blosc2.compress2(stored.tobytes(), typesize=stored.itemsize))


def _png8(picture: np.ndarray) -> int:
    """One example's channels under each other, as tf.summary.image stores a picture: 8 bits."""
    from PIL import Image

    span = float(picture.max() - picture.min()) or 1.0
    grey = ((picture - picture.min()) / span * 255).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(grey).save(out, "PNG")
    return len(out.getvalue())


def sections(full: bool) -> list[harness.Section]:
    found = harness.in_process("benchmarks.bytes_per_value", "of_layers")
    sizes = np.array([numbers.pop("values") for numbers in found.values()])
    columns = list(next(iter(found.values())))
    rows = [[name, *(_figure(c, numbers[c]) for c in columns)] for name, numbers in found.items()]
    total = {c: _over_all(found, c, sizes) for c in columns}
    speeds = [c for c in columns if "M values" in c]
    total |= {c: float(np.mean([n[c] for n in found.values()])) for c in speeds}
    rows.append(["Σ bytes ÷ Σ values", *(_figure(c, total[c]) for c in columns)])
    worst = max(n[f"{p} pages"] / n[f"{p} zlib 1"] for n in found.values() for p in PRECISIONS)
    deflater = "ISA-L" if deflate.isal_zlib is not None else "zlib, as isal is not installed"
    large = [numbers for numbers, size in zip(found.values(), sizes, strict=True) if size > 65536]
    frame = max(n[f"{p} event ÷ pages"] for n in large for p in PRECISIONS)
    return [
        harness.Section(
            "Bytes a value",
            f"Nine kinds of layers, {EXAMPLES} examples each, of networks trained for 30 steps on "
            "photographs. Raw values take 2 (float16) and 4 (float32). PNG-8 keeps 256 levels of "
            f"one scale; pages are deflated by {deflater}, and zlib 1 packs the same planes in "
            "one stream; zstd (level 3) and blosc2 (its default, with shuffle). Speeds are CPU of "
            "float16 pages, byte split, frame and checksums included; their last row is the mean. "
            f"{_changed(found, sizes)}",
            ["layer", *columns],
            rows,
            [
                harness.Target(
                    "float16, Σ page bytes ÷ Σ values",
                    total["float16 pages"],
                    1.02,
                    floor=_best(total, "float16"),
                ),
                harness.Target(
                    "lossless float32, the same",
                    total["float32 pages"],
                    2.28,
                    floor=_best(total, "float32"),
                ),
                harness.Target(
                    "pages ÷ zlib level 1, worst layer and precision",
                    worst,
                    1.0,
                    floor="below 1: Huffman codes made for each page",
                ),
                harness.Target(
                    "values to pages, mean of the layers",
                    total["M values/s packed"],
                    150,
                    " M/s",
                    at_least=True,
                    floor="the byte split alone: 5,000",
                ),
                harness.Target(
                    "pages to values, mean of the layers",
                    total["M values/s unpacked"],
                    120,
                    " M/s",
                    at_least=True,
                    floor="the bytes put together alone: 4,000",
                ),
                harness.Target(
                    "event ÷ pages, worst of the records over 64k values",
                    frame,
                    1.05,
                    floor="1: pages and nothing else",
                ),
            ],
            "PNG-8 takes a third and loses all but 256 levels of one scale; blosc2 takes less "
            "on some layers, and has no decoder or encoder inside TensorFlow's graphs.",
        )
    ]


def _changed(found: dict[str, dict[str, float]], sizes: np.ndarray) -> str:
    """What precision "auto" changes, a sentence."""
    wide = np.array([numbers[WIDE] for numbers in found.values()])
    stored = 2 * sizes * (1 + wide)
    return (
        f'Precision "auto" stores {wide.sum():.0f} of the {len(wide)} as float32: '
        f"{100 * stored @ wide / stored.sum():.0f} % of the bytes before they are deflated."
    )


def _figure(column: str, value: float) -> str:
    return f"{value:.0f}" if "M values" in column else f"{value:.2f}"


def _over_all(found: dict[str, dict[str, float]], column: str, sizes: np.ndarray) -> float:
    """Σ bytes ÷ Σ values, or the share of all values."""
    return float(np.average([numbers[column] for numbers in found.values()], weights=sizes))


def _best(total: dict[str, float], precision: str) -> str:
    best = min(total[f"{precision} zstd"], total[f"{precision} blosc2"])
    return f"{best:.2f}, the better of zstd and blosc2"


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.bytes_per_value")
    parser.add_argument("--log", type=Path, help="a log directory to measure instead")
    options = parser.parse_args()
    if options.log:
        header = ["tag", "records", "values", "bytes a value, pages", "bytes a value, event"]
        print(harness.table(header, of_log(options.log)))
        return
    for section in sections(full=True):
        print(section.markdown())


if __name__ == "__main__":
    main()
