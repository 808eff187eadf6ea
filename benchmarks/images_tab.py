"""A slider dragged in TensorBoard's Images tab and in ours, on the same tensors.

The Images tab gets what tf-explain writes: one 8-bit mosaic of all channels. One move a frame, and
how long the browser takes from frame to frame: what a person sees while dragging.
"""

from __future__ import annotations

import io
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Page
from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.plugins.image import metadata as image_metadata

from benchmarks import dashboard
from benchmarks.harness import ROOT, Section
from tb_activations import events

sys.path.insert(0, str(ROOT / "tests"))

from servers import Server, tensorboard_server

MANY = 1000  # images in the mosaic of the last row

# The first slider of the Images tab stands behind several shadow roots.
FIND = """
window.findAll = (test) => {
  const found = [];
  const walk = (root) => {
    for (const element of root.querySelectorAll("*")) {
      if (test(element)) found.push(element);
      if (element.shadowRoot) walk(element.shadowRoot);
    }
  };
  walk(document);
  return found;
};
"""
READY = """
() => findAll((e) => e.tagName === "IMG" && e.naturalWidth > 0 && e.complete).length > 0
"""
ACTUAL_SIZE = """
() => findAll((e) => e.textContent.trim() === "Show actual image size" && /box/i.test(e.tagName))
  .forEach((e) => e.click())
"""
DRAG = """
async ([moves, own]) => {
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  const slider = own ? null : findAll((e) => e.tagName === "PAPER-SLIDER")[0];
  const set = own
    ? (share) => bench.set("Brightness", share / 2)
    : (share) => { slider.value = 1 + share / 2; };
  const times = [await frame()];
  for (let i = 0; i < moves; i++) {
    set(Math.sin(i));
    times.push(await frame());
  }
  return times.slice(1).map((t, i) => t - times[i]);
}
"""


def sections(full: bool) -> list[Section]:
    moves = 200 if full else 40
    with tempfile.TemporaryDirectory(prefix="tba-images-") as directory:
        dashboard.write_log(Path(directory, "bench"))
        for channels, side in dashboard.SIZES:
            _write_mosaic(directory, channels, side, 1)
        _write_mosaic(directory, 64, 28, MANY)
        with tensorboard_server(directory) as server:
            server.wait_for_tags("long", run="bench", seconds=120)
            with dashboard.chromium() as browser:
                rows = [_row(browser, server, c, s, moves) for c, s in dashboard.SIZES]
                rows.append(_row(browser, server, 64, 28, moves, MANY))
    return [
        Section(
            "Beside the Images tab",
            "Dragging the brightness slider, one move a frame: milliseconds from frame to frame, "
            "in headless Chromium without a GPU; a frame of the display is 16.7 ms. The Images tab "
            "shows the mosaic that tf-explain would write, at its actual size, 8 bits under a CSS "
            "filter, whose painting goes on beside the page's own thread and is not in these "
            "figures; ours windows the real values of the tiles in sight. The last row is a mosaic "
            f"of {MANY:,} images, of which ours shows one at a time.",
            ["layer", "Images: p50", "p95", "ours: p50", "p95"],
            rows,
        )
    ]


def _write_mosaic(directory: str, channels: int, side: int, examples: int) -> None:
    """A run of its own, so that the tab shows this picture alone."""
    tiles = np.random.default_rng(0).normal(size=(channels, side, side))
    grey = (np.clip(tiles / 4, 0, 1) * 255).astype(np.uint8)
    across = int(np.ceil(np.sqrt(channels * examples)))
    picture = np.zeros((across, across, side, side), np.uint8)
    picture.reshape(-1, side, side)[: channels * examples] = np.tile(grey, (examples, 1, 1))
    mosaic = picture.transpose(0, 2, 1, 3).reshape(across * side, across * side)
    out = io.BytesIO()
    Image.fromarray(mosaic).save(out, "PNG", compress_level=1)
    tensor = events.blobs_tensor([b"%d" % mosaic.shape[1], b"%d" % mosaic.shape[0], out.getvalue()])
    value = summary_pb2.Summary.Value(
        tag="mosaic", tensor=tensor, metadata=image_metadata.create_summary_metadata("", "")
    )
    event = event_pb2.Event(
        wall_time=time.time(), step=0, summary=summary_pb2.Summary(value=[value])
    )
    with events.EventWriter(Path(directory, _run(channels, side, examples)), "") as writer:
        writer.write(event)


def _run(channels: int, side: int, examples: int) -> str:
    return f"mosaic-{channels}x{side}x{examples}"


def _row(
    browser: Browser, server: Server, channels: int, side: int, moves: int, examples: int = 1
) -> list[str]:
    theirs = _images_tab(browser, server, _run(channels, side, examples), moves)
    page, frame = dashboard.opened(browser, server, dashboard.name_of(channels, side))
    ours = frame.evaluate(DRAG, [moves, True])
    page.close()
    name = f"{channels} × {side}²" + (f", {examples:,} images" if examples > 1 else "")
    figures = [np.percentile(times, share) for times in (theirs, ours) for share in (50, 95)]
    return [name, *(f"{figure:.1f}" for figure in figures)]


def _images_tab(browser: Browser, server: Server, run: str, moves: int) -> list[float]:
    page: Page = browser.new_page(viewport={"width": 1400, "height": 900})
    page.add_init_script(FIND)
    page.goto(f"{server.url}#images&regexInput=^{run}$")
    page.wait_for_function(READY, timeout=120_000)
    page.evaluate(ACTUAL_SIZE)
    page.wait_for_timeout(3000)
    times: list[float] = page.evaluate(DRAG, [moves, False])
    page.close()
    return times


if __name__ == "__main__":
    for section in sections(full=False):
        print(section.markdown())
