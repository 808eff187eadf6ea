"""How long the dashboard makes one wait: in the real TensorBoard, in headless Chromium, no GPU.

A run of one example a layer: `{channels}x{side}` at 12 steps, and `long` (64×112², 100 steps, more
than is prefetched); and, by itself, a run of 100,000 steps of small layers. Times are from the
event to the end of the frame that paints it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from logs import write_long_run
from playwright.sync_api import Browser, Frame, Page, sync_playwright
from servers import PLUGIN, Server, tensorboard_server

from benchmarks.harness import Section, Target, median
from tb_activations import record
from tb_activations.eventfile.event import activation_event
from tb_activations.eventfile.writer import EventWriter
from tb_activations.record import metadata

SIZES = ((64, 28), (512, 14), (256, 56), (64, 112), (4096, 28))
STEPS = 12
LONG_STEPS = 100
MANY_STEPS = 100_000
OPENINGS = 3
WARM = 20  # moves before the browser has compiled what they run
FRAME = "16.7 ms, one frame"

# Helpers of the page: the end of the frame after an event, a row of pixels of the first tiles.
HELPERS = """
window.bench = {
  painted: () => new Promise((done) => requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => done(performance.now());
    channel.port2.postMessage(0);
  })),
  pause: (ms) => new Promise((done) => setTimeout(done, ms)),
  sign: () => {
    const canvas = document.querySelector(".gridrow canvas");
    if (!canvas || canvas.width < 2) return "";
    const y = canvas.height >> 1;
    return canvas.getContext("2d").getImageData(0, y, Math.min(60, canvas.width), 1).data.join();
  },
  set: (name, value) => {
    const input = document.querySelector(`input[type=range][aria-label="${name}"]`);
    input.value = value;
    input.dispatchEvent(new Event("input", { bubbles: true }));
  },
};
"""

SLIDE = """
async (moves) => {
  const waits = [], work = [];
  for (let i = 0; i < moves; i++) {
    await bench.pause(20 + Math.random() * 16);
    const start = performance.now();
    bench.set("Brightness", Math.sin(i) / 2);
    work.push(performance.now() - start);
    waits.push(await bench.painted() - start);
  }
  bench.set("Brightness", 0);
  return [waits, work];
}
"""

SCROLL = """
async (frames) => {
  const grid = document.querySelector("[role=grid]");
  const times = [];
  let last = await new Promise(requestAnimationFrame);
  for (let i = 0; i < frames; i++) {
    grid.scrollTop += 40;
    const now = await new Promise(requestAnimationFrame);
    times.push(now - last);
    last = now;
  }
  grid.scrollTop = 0;
  return times;
}
"""

# A step by its distance from the last one.
STEP = """
async (back) => {
  const before = bench.sign();
  const last = document.querySelector('input[type=range][aria-label="Step"]').max;
  const start = performance.now();
  bench.set("Step", last - back);
  for (;;) {
    const now = await bench.painted();
    if (bench.sign() !== before) return now - start;
    if (now - start > 5000) throw new Error(`step ${last - back} was never painted`);
  }
}
"""

FIRST = """
(() => {
  const look = () => {
    if (document.querySelector("[role=gridcell]") && window.bench.sign()) {
      window.firstTiles = performance.now();
    } else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})();
"""


LAST_STEP = """document.querySelector('input[type=range][aria-label="Step"]').max"""


def sections(full: bool) -> list[Section]:
    """Every figure of the dashboard; `full` takes more samples."""
    [section] = of_layers(full)
    return [replace(section, targets=[*section.targets, many_steps()])]


def of_layers(full: bool) -> list[Section]:
    with tempfile.TemporaryDirectory(prefix="tba-dashboard-") as directory:
        write_log(Path(directory, "bench"))
        with tensorboard_server(directory) as server:
            server.wait_for_tags("long", run="bench")
            with chromium() as browser:
                return measure(browser, server, 300 if full else 80)


def write_log(directory: Path, long_steps: int = LONG_STEPS) -> None:
    """Every workload at all its steps; values of one step are those of another, rolled."""
    rng = np.random.default_rng(0)
    with EventWriter(directory, ".activations") as writer:
        for order, (channels, side) in enumerate(SIZES):
            plane = np.maximum(rng.normal(size=(1, side, side, channels)), 0).astype(np.float32)
            for step in range(STEPS):
                writer.write(event(name_of(channels, side), step, np.roll(plane, step, 1), order))
        plane = np.maximum(rng.normal(size=(1, 112, 112, 64)), 0).astype(np.float32)
        for step in range(long_steps):
            writer.write(event("long", step, np.roll(plane, step, 1), len(SIZES)))


def name_of(channels: int, side: int) -> str:
    return f"{channels}x{side}"


def event(tag: str, step: int, array: np.ndarray, order: int) -> bytes:
    blobs = record.encode(array, compression=0)
    about = metadata.summary_metadata("activation", order, None)
    return activation_event(tag, blobs, step, time.time(), about)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium where it is installed, else Playwright's own."""
    flags = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
    flags += ["--disable-background-networking", "--disable-component-update"]
    flags += ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        path = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        yield browser
        browser.close()


def opened(browser: Browser, server: Server, layer: str) -> tuple[Page, Frame]:
    """A fresh page on one layer's tiles."""
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    page.add_init_script(HELPERS)
    page.add_init_script(FIRST)
    page.goto(f"{server.url}#activations&p.activations.layer={layer}")
    page.frame_locator("iframe >> nth=0").get_by_role("gridcell").first.wait_for(timeout=60_000)
    frame = next(f for f in page.frames if "plugin_entry" in f.url)
    frame.wait_for_function("window.firstTiles > 0")
    page.wait_for_timeout(1500)
    return page, frame


def measure(browser: Browser, server: Server, samples: int) -> list[Section]:
    rows, targets = [], []
    for channels, side in SIZES:
        name = name_of(channels, side)
        page, frame = opened(browser, server, name)
        first = frame.evaluate("window.firstTiles")
        frame.evaluate(SLIDE, WARM)
        waits, work = frame.evaluate(SLIDE, samples)
        steps = [frame.evaluate(STEP, 1 + i % 2) for i in range(samples // 8)]
        rows.append(row(f"{channels} × {side}²", waits, work, steps, first))
        targets.append(Target(f"slider, {name}", p95(waits), 25, " ms", floor=FRAME))
        targets.append(Target(f"next step, prefetched, {name}", median(steps), 30, " ms",
                              floor=FRAME))  # fmt: skip
        if channels == 4096:
            targets.append(scrolling(frame, samples))
        page.close()
    targets += long_run(browser, server)
    header = [
        "layer",
        "slider p50",
        "slider p95",
        "of it script p95",
        "next step p50",
        "first tiles",
    ]
    text = (
        "One slider move and one step of a prefetched layer, from the event to the end of the "
        "frame that paints it (a frame is 16.7 ms); first tiles from the start of the page."
    )
    return [Section("The dashboard", text, header, rows, targets)]


def many_steps() -> Target:
    """The first tiles of a run of many steps, each time in a TensorBoard that has just found it."""
    layers = {"conv": (2, 8, 8, 4), "dense": (2, 16), "input": (2, 8, 8, 1)}
    rng = np.random.default_rng(0)
    values = {tag: rng.normal(size=shape).astype(np.float32) for tag, shape in layers.items()}
    waits = []
    with tempfile.TemporaryDirectory(prefix="tba-many-") as directory:
        write_long_run(Path(directory, "run"), values, MANY_STEPS)
        for _ in range(OPENINGS):
            with tensorboard_server(directory) as server, chromium() as browser:
                server.wait_for(lambda: "run" in server.json(f"{PLUGIN}tags"))
                page, frame = opened(browser, server, "conv")
                waits.append(frame.evaluate("window.firstTiles"))
                page.close()
    floor = f"one frame, and reading {len(layers) * MANY_STEPS:,} records' headers"
    seconds = median(waits) / 1000
    return Target("first tiles, run of 100,000 steps", seconds, 3, " s", floor=floor)


def scrolling(frame: Frame, samples: int) -> Target:
    times = frame.evaluate(SCROLL, samples * 2)
    return Target("scrolling 4096 tiles, p95 of a frame", p95(times), 20, " ms", floor=FRAME)


def long_run(browser: Browser, server: Server) -> list[Target]:
    """Steps that nothing has fetched yet, and what the page holds after all of them."""
    page, frame = opened(browser, server, "long")
    count = int(frame.evaluate(LAST_STEP)) + 1
    cold = [frame.evaluate(STEP, back) for back in range(3, count, 7)]
    for back in range(count):
        frame.evaluate(STEP, back)
    page.wait_for_timeout(1000)
    held = held_megabytes(page)
    page.close()
    return [
        Target(
            "step not prefetched, 0.8 million values",
            median(cold),
            100,
            " ms",
            floor="one frame, and what `/tensor` takes",
        ),
        Target(
            "values held by the page after 100 steps",
            held,
            128,
            " MB",
            floor=f"{112 * 112 * 64 * 4 / 2**20:.1f} MB, the step in sight",
        ),
    ]


def held_megabytes(page: Page) -> float:
    """Bytes of all array buffers of TensorBoard's page and ours, once rubbish is collected."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    return session.send("Runtime.getHeapUsage")["backingStorageSize"] / 2**20


def row(
    name: str, waits: Sequence[float], work: Sequence[float], steps: Sequence[float], first: float
) -> list[str]:
    figures: list[Any] = [median(waits), p95(waits), p95(work), median(steps)]
    return [name, *[f"{figure:.1f} ms" for figure in figures], f"{first:.0f} ms"]


def p95(values: Sequence[float]) -> float:
    return float(np.percentile(values, 95))


if __name__ == "__main__":
    for section in sections(full=False):
        print(section.markdown())
