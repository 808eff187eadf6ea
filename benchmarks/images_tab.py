"""A slider moved and a step taken in TensorBoard's Images tab and in ours, on the same tensors.

The Images tab gets what tf-explain writes: one 8-bit mosaic of all channels. What is measured is
what a person sees: from the move to the first picture of the screen, as Chromium's screencast
sends it, on which the tiles have changed.
"""

from __future__ import annotations

import base64
import io
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Frame, Page
from servers import Server, tensorboard_server
from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.plugins.image import metadata as image_metadata

from benchmarks import dashboard
from benchmarks.harness import Section, Target, median
from tb_activations.eventfile.writer import EventWriter
from tb_activations.record.summary import blobs_tensor

MANY = 1000  # images in the mosaic of the last row
STEPS = 3
VISIBLE = 3.0  # grey levels by which the tiles must change, on average
DROPPED_AFTER = 4.0  # seconds
SETTLED_MS = 150  # without a new picture of the screen

# The elements of the Images tab stand behind several shadow roots.
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
window.pictures = () => findAll((e) => e.tagName === "IMG" && e.naturalWidth > 0 && e.complete);
"""
FIRST_PICTURE = """
(() => {
  const look = () => {
    if (window.findAll && pictures().length) window.firstTiles = performance.now();
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})();
"""
ACTUAL_SIZE = """
() => findAll((e) => e.textContent.trim() === "Show actual image size" && /box/i.test(e.tagName))
  .forEach((e) => e.click())
"""
# (share from −1 to 1) → seconds since the epoch at which the slider was moved.
THEIR_SLIDER = """
(share) => {
  findAll((e) => e.tagName === "PAPER-SLIDER")[0].value = 1 + share;
  return (performance.timeOrigin + performance.now()) / 1000;
}
"""
OUR_SLIDER = """
(share) => {
  const now = performance.timeOrigin + performance.now();
  bench.set("Brightness", share);
  return now / 1000;
}
"""
THEIR_STEP = THEIR_SLIDER.replace("[0].value = 1 + share", "[2].value = share")
OUR_STEP = OUR_SLIDER.replace('"Brightness", share', '"Step", share')


class Screen:
    """The pictures of the screen that Chromium sends while anything changes on it."""

    def __init__(self, page: Page, region: tuple[int, int, int, int]) -> None:
        self._page, self._region = page, region
        self._pictures: list[tuple[float, str]] = []
        self._unconfirmed: list[int] = []
        self._session = page.context.new_cdp_session(page)
        self._session.on("Page.screencastFrame", self._keep)
        self._session.send("Page.startScreencast", {"format": "jpeg", "quality": 60})

    def milliseconds(self, frame: Frame | Page, move: str, value: float) -> float | None:
        """From `move(value)` to the first picture on which the region has changed.

        None where none came: Chromium drops one now and then, and sends no other while the
        screen stands still.
        """
        before = self._settled()
        self._pictures.clear()
        moved: float = frame.evaluate(move, value)
        deadline = time.monotonic() + DROPPED_AFTER
        while time.monotonic() < deadline:
            for when, data in sorted(self._pictures):
                if when > moved and np.abs(self._greys(data) - before).mean() > VISIBLE:
                    return 1000 * (when - moved)
            self._wait(5)
        return None

    def close(self) -> None:
        self._session.send("Page.stopScreencast")

    def _keep(self, event: Any) -> None:
        self._pictures.append((event["metadata"]["timestamp"], event["data"]))
        self._unconfirmed.append(event["sessionId"])

    def _wait(self, milliseconds: float) -> None:
        """Lets pictures come; Chromium sends a few and then waits until they are confirmed."""
        deadline = time.monotonic() + milliseconds / 1000
        while time.monotonic() < deadline:
            while self._unconfirmed:
                number = self._unconfirmed.pop()
                self._session.send("Page.screencastFrameAck", {"sessionId": number})
            self._page.wait_for_timeout(2)

    def _settled(self) -> np.ndarray:
        """The region's greys once the screen stands still."""
        count = -1
        while count != len(self._pictures) or not self._pictures:
            count = len(self._pictures)
            self._wait(SETTLED_MS)
        return self._greys(max(self._pictures)[1])

    def _greys(self, data: str) -> np.ndarray:
        left, top, width, height = self._region
        grey = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("L"))
        return grey[top : top + height, left : left + width].astype(np.float32)


def sections(full: bool) -> list[Section]:
    moves = 40 if full else 7
    with tempfile.TemporaryDirectory(prefix="tba-images-") as directory:
        dashboard.write_log(Path(directory, "bench"), long_steps=1)
        for channels, side in dashboard.SIZES:
            _write_mosaics(directory, channels, side, 1)
        _write_mosaics(directory, 64, 28, MANY)
        with tensorboard_server(directory) as server:
            server.wait_for_tags("long", run="bench", seconds=120)
            sizes = [(c, s, 1) for c, s in dashboard.SIZES] + [(64, 28, MANY)]
            server.wait_for(lambda: all(_all_steps(server, _run(*s)) for s in sizes), seconds=120)
            with dashboard.chromium() as browser:
                found = {size: _measured(browser, server, *size, moves) for size in sizes}
    return [
        Section(
            "Beside the Images tab",
            "From a move of the brightness slider, and of the step slider, to the first picture of "
            "the screen on which the tiles have changed, in headless Chromium without a GPU; "
            "first tiles from the start of the page. The Images tab shows the mosaic that "
            "tf-explain would write, at its actual size, 8 bits under a CSS filter, and makes a "
            "new picture element at every move; ours windows the real values of the tiles in "
            f"sight. The last row is a mosaic of {MANY:,} images, of which ours shows one at a "
            "time. Sending the screen costs some milliseconds, on both sides.",
            [
                "layer",
                "Images: slider p50",
                "p95",
                "next step p50",
                "first tiles",
                "ours: slider p50",
                "p95",
                "next step p50",
                "first tiles",
            ],
            [_row(*size, *found[size]) for size in sizes],
            [
                Target(
                    "slider p95, worst layer, ours ÷ Images tab",
                    max(dashboard.p95(ours["slider"]) / dashboard.p95(theirs["slider"])
                        for theirs, ours in found.values()),
                    1,
                    floor="one frame of 16.7 ms",
                )
            ],
            "The Images tab's picture is the browser's own: it can be saved, opened and zoomed by "
            "anyone, and TensorBoard needs no plugin for it.",
        )
    ]  # fmt: skip


def _all_steps(server: Server, run: str) -> bool:
    """Whether TensorBoard has read all of that mosaic's steps."""
    answer = server.get("data/plugin/images/images", run=run, tag="mosaic")
    return answer.status == 200 and len(answer.json()) == STEPS


def _write_mosaics(directory: str, channels: int, side: int, examples: int) -> None:
    """A run of its own, so that the tab shows this picture alone, at a few steps."""
    tiles = np.random.default_rng(0).normal(size=(channels, side, side))
    across = int(np.ceil(np.sqrt(channels * examples)))
    with EventWriter(Path(directory, _run(channels, side, examples)), "") as writer:
        for step in range(STEPS):
            levels = np.clip(tiles / 4 + step / 8, 0, 1) * 15  # few: 0.4 bytes a pixel, as in life
            grey = levels.astype(np.uint8) * 17
            picture = np.zeros((across * across, side, side), np.uint8)
            picture[: channels * examples] = np.tile(grey, (examples, 1, 1))
            rows = picture.reshape(across, across, side, side).swapaxes(1, 2)
            writer.write(_image_event(rows.reshape(across * side, across * side), step))


def _image_event(mosaic: np.ndarray, step: int) -> event_pb2.Event:
    out = io.BytesIO()
    Image.fromarray(mosaic).save(out, "PNG", compress_level=1)
    tensor = blobs_tensor([b"%d" % mosaic.shape[1], b"%d" % mosaic.shape[0], out.getvalue()])
    value = summary_pb2.Summary.Value(
        tag="mosaic", tensor=tensor, metadata=image_metadata.create_summary_metadata("", "")
    )
    summary = summary_pb2.Summary(value=[value])
    return event_pb2.Event(wall_time=time.time(), step=step, summary=summary)


def _run(channels: int, side: int, examples: int) -> str:
    return f"mosaic-{channels}x{side}x{examples}"


def _measured(
    browser: Browser, server: Server, channels: int, side: int, examples: int, moves: int
) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Milliseconds of the moves and steps in the Images tab, and in ours."""
    with _images_tab(browser, server, _run(channels, side, examples)) as page:
        theirs = _moved(page, page, _region(page, None), (THEIR_SLIDER, THEIR_STEP), STEPS, moves)
    page, frame = dashboard.opened(browser, server, dashboard.name_of(channels, side))
    region = _region(page, frame)
    ours = _moved(page, frame, region, (OUR_SLIDER, OUR_STEP), dashboard.STEPS, moves)
    page.close()
    return theirs, ours


def _moved(
    page: Page,
    frame: Frame | Page,
    region: tuple[int, int, int, int],
    scripts: tuple[str, str],
    steps: int,
    moves: int,
) -> dict[str, list[float]]:
    slider, step = scripts
    first = frame.evaluate("window.firstTiles")
    screen = Screen(page, region)
    slides = [screen.milliseconds(frame, slider, (0.4, -0.4)[i % 2]) for i in range(moves)]
    screen.milliseconds(frame, slider, 0.01)
    walk = [steps - 2 - i % (steps - 1) for i in range(moves // 2)]
    walked = [screen.milliseconds(frame, step, position) for position in walk]
    screen.close()
    return {"slider": _seen(slides), "step": _seen(walked), "first": [first]}


def _seen(times: list[float | None]) -> list[float]:
    seen = [time for time in times if time is not None]
    if len(seen) * 2 < len(times):
        raise RuntimeError(f"of {len(times)} moves only {len(seen)} were seen on the screen")
    return seen


@contextmanager
def _images_tab(browser: Browser, server: Server, run: str) -> Iterator[Page]:
    page: Page = browser.new_page(viewport={"width": 1400, "height": 900})
    page.add_init_script(FIND)
    page.add_init_script(FIRST_PICTURE)
    page.goto(f"{server.url}#images&regexInput=^{run}$")
    page.wait_for_function("() => window.firstTiles > 0", timeout=120_000)
    page.evaluate(ACTUAL_SIZE)
    page.wait_for_timeout(1500)
    yield page
    page.close()


def _region(page: Page, frame: Frame | None) -> tuple[int, int, int, int]:
    """Left, top, width and height of the part of the tiles that is in sight."""
    if frame is None:
        box = page.evaluate(
            "() => { const r = pictures()[0].getBoundingClientRect();"
            " return {x: r.x, y: r.y, width: r.width, height: r.height}; }"
        )
    else:
        box = frame.get_by_role("grid").bounding_box()
    left, top = int(box["x"]) + 4, int(box["y"]) + 4
    right = min(int(box["x"] + box["width"]), 1400) - 4
    bottom = min(int(box["y"] + box["height"]), 900) - 4
    return left, top, min(right - left, 600), min(bottom - top, 400)


def _row(
    channels: int,
    side: int,
    examples: int,
    theirs: dict[str, list[float]],
    ours: dict[str, list[float]],
) -> list[str]:
    name = f"{channels} × {side}²" + (f", {examples:,} images" if examples > 1 else "")
    figures = []
    for found in (theirs, ours):
        figures += [median(found["slider"]), dashboard.p95(found["slider"]), median(found["step"])]
        figures += found["first"]
    return [name, *(f"{figure:.0f} ms" for figure in figures)]


if __name__ == "__main__":
    for section in sections(full=False):
        print(section.markdown())
