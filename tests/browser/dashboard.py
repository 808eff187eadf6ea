"""The dashboard as a test sees it: in the real TensorBoard page, in a real browser."""

from __future__ import annotations

import json
import re
import time
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Error, Frame, Locator, Page, Request, Response

ROOT = Path(__file__).parents[2]
SCREENSHOTS = Path(__file__).parent / "screenshots"
AXE = ROOT / "frontend" / "node_modules" / "axe-core" / "axe.min.js"

# One tile as `[height][width][4]`, one entry a value of the plane (or a mean of several).
READ_TILE = """
([name, width]) => {
  const cell = document.querySelector(`[role=gridcell][aria-label="${name}"]`);
  const canvas = cell.parentElement.querySelector("canvas");
  const scale = canvas.width / canvas.getBoundingClientRect().width;
  const offset = cell.getBoundingClientRect().left - canvas.getBoundingClientRect().left;
  const left = Math.round(offset * scale);
  const size = Math.round(cell.getBoundingClientRect().width * scale);
  const { data } = canvas.getContext("2d").getImageData(left, 0, size, canvas.height);
  return { size, height: canvas.height, data: Array.from(data) };
}
"""


# Reloads the tab alone. What it was about to write into the address must not come after ours.
RELOAD = """
(address) => {
  const tab = document.querySelector("iframe").contentWindow;
  for (let timer = tab.setTimeout(() => 0); timer > 0; timer--) tab.clearTimeout(timer);
  history.replaceState(history.state, "", address);
  tab.left = true;
  tab.location.reload();
}
"""

# What our page looks like, short: its text, what its fields hold, and the pixels of its canvases.
LOOK = """
() => new Promise((done) => requestAnimationFrame(() => setTimeout(() => {
  const fields = [...document.querySelectorAll("input, select")].map((field) => field.value);
  const canvases = [...document.querySelectorAll("canvas")].map((canvas) => {
    const { width, height } = canvas;
    if (width * height === 0) return "";
    const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
    let sum = 0;
    for (const pixel of new Uint32Array(data.buffer)) sum = (31 * sum + pixel) | 0;
    return `${width}x${height}:${sum}`;
  });
  done([document.body.innerHTML, ...fields, ...canvases].join("\\n"));
})))
"""
# Two frames: what an event or an effect has asked to be drawn is drawn.
DRAWN = """
() => new Promise((done) => requestAnimationFrame(() =>
  requestAnimationFrame(() => setTimeout(done))))
"""
OURS = ("/data/plugin/activations/", "/data/plugin_entry.html")
PATIENCE = 60  # seconds for what must come; none is needed on a machine that does nothing else
LOOKS, BETWEEN_MS = 3, 60  # as often, and so far apart, the page must look the same to be still


class Dashboard:
    """One page with TensorBoard open on the Activations tab; `problems` must stay empty.

    Problems are errors on the console and uncaught ones, every request of ours that failed among
    them. What TensorBoard's own page asks for in vain is TensorBoard's, and so is what it says of
    it: fonts outside of the path prefix, where the machine has no Roboto, and below an experiment
    `experiment/…/experiment/…/data/runs`.
    """

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.problems: list[str] = []
        self._theirs: set[str] = set()
        self._theirs_failed = False
        self._under_way: set[Request] = set()
        page.on("request", self._on_request)
        page.on("requestfinished", self._on_end)
        page.on("requestfailed", self._on_end)
        page.on("response", self._on_response)
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.problems.append(f"page error: {error}"))
        page.add_init_script(
            "document.addEventListener('securitypolicyviolation', (e) =>"
            " console.error('CSP', e.violatedDirective, e.blockedURI))"
        )

    def _on_request(self, request: Request) -> None:
        if is_ours(request, self.page):
            self._under_way.add(request)
            self._theirs.discard(request.url)
        else:
            self._theirs.add(request.url)

    def _on_end(self, request: Request) -> None:
        self._under_way.discard(request)

    def _on_response(self, response: Response) -> None:
        self._theirs_failed |= response.status >= 400 and response.url in self._theirs

    def _on_console(self, message: Any) -> None:
        if message.type != "error":
            return
        address = message.location["url"]
        unloaded = message.text.startswith("Failed to load resource")
        if not (address in self._theirs and (unloaded or self._theirs_failed)):
            self.problems.append(f"{message.text} ({address})")

    def open(self, **keys: Any) -> Dashboard:
        """Opens the tab anew with these keys in its address, and waits until all of it is there."""
        self.load(**keys)
        self.grid.get_by_role("gridcell").first.wait_for()
        self.settle()
        return self

    def load(self, **keys: Any) -> Dashboard:
        """Opens the tab anew without waiting for anything to show."""
        parts = [f"p.activations.{k}={urllib.parse.quote(str(v))}" for k, v in keys.items()]
        address = self.url + "#" + "&".join(["activations", *parts])
        self._under_way.clear()
        if self.page.url.split("#")[0] != self.url:
            self.page.goto(address)
            self.page.locator("iframe").first.wait_for()
        else:
            self.page.evaluate(RELOAD, address)
            self.page.wait_for_function(
                "() => { const w = document.querySelector('iframe').contentWindow;"
                " return !w.left && w.document.readyState === 'complete' }"
            )
        return self

    @property
    def frame(self) -> Frame:
        frames = [f for f in self.page.frames if "plugin_entry" in f.url]
        assert frames, "the tab's iframe is not there"
        return frames[0]

    @property
    def root(self) -> Any:
        return self.page.frame_locator("iframe >> nth=0")

    @property
    def grid(self) -> Locator:
        return self.root.get_by_role("grid", name=re.compile("Channels|Maps"))

    @property
    def tree(self) -> Locator:
        return self.root.get_by_role("tree", name="Layers")

    @property
    def status(self) -> str:
        self.drawn()
        return self.root.get_by_role("status").first.inner_text().strip()

    def cell(self, channel: int) -> Locator:
        return self.grid.get_by_role("gridcell", name=f"channel {channel}", exact=True)

    def caption(self, channel: int) -> str:
        """What stands under a tile."""
        self.drawn()
        return self.cell(channel).evaluate(
            "c => [...c.parentElement.querySelectorAll('.caption')]"
            "[c.getAttribute('aria-colindex') - 1].innerText"
        )

    def word(self, channel: int, kind: str = "") -> str:
        """What stands under a column of a matrix, beside its number."""
        self.drawn()
        return self.cell(channel).evaluate(
            "(c, kind) => [...c.parentElement.querySelectorAll('.word' + kind)]"
            "[c.getAttribute('aria-colindex') - 1].innerText",
            kind,
        )

    def shown(self) -> list[int]:
        """Ids of the channels in sight, in order."""
        self.drawn()
        names = self.grid.get_by_role("gridcell").evaluate_all(
            "cells => cells.sort((a, b) => a.dataset.index - b.dataset.index)"
            ".map(c => c.getAttribute('aria-label'))"
        )
        return [int(name.split()[1]) for name in names if name != "RGB"]

    def layer(self, name: str) -> Locator:
        return self.tree.locator(f"[title='{name}']")

    def select_layer(self, name: str) -> None:
        self.layer(name).click(position={"x": 30, "y": 14})
        self.wait_idle()

    def wait_idle(self) -> None:
        """Until nothing is being fetched for the view and what was asked for is painted."""
        self.root.locator("[role=grid][aria-busy=false]").wait_for()
        self.drawn()

    def drawn(self) -> None:
        """Until what was done last stands on the page."""
        self.frame.evaluate(DRAWN)

    def settle(self) -> None:
        """Until nothing of ours is being fetched any more and the page has stopped changing.

        However slow the machine is: what is counted are frames that the page has drawn.
        """
        deadline, before, same = time.monotonic() + PATIENCE, "", 0
        while same < LOOKS:
            assert time.monotonic() < deadline, "the page does not come to rest"
            self.pause(BETWEEN_MS)
            look = self.frame.evaluate(LOOK)
            same = same + 1 if look == before and not self._under_way else 0
            before = look

    def until(self, holds: Callable[[], Any]) -> Any:
        """Asks until the answer is true, and gives it."""
        deadline = time.monotonic() + PATIENCE
        while not (answer := holds()):
            assert time.monotonic() < deadline, f"still {answer!r}"
            self.pause(BETWEEN_MS)
        return answer

    def pause(self, milliseconds: float) -> None:
        """Lets time pass in which nothing is to happen.

        The one place that does: whoever waits for something waits for that (`until`, `settle`,
        Playwright's `expect`), since no number of milliseconds is enough on every machine.
        """
        self.page.wait_for_timeout(milliseconds)

    def tile(self, channel: int, width: int) -> np.ndarray:
        """The pixels of a tile, uint8 `[h, w, 4]`, one for each value of a plane `width` wide."""
        return self.named_tile(f"channel {channel}", width)

    def named_tile(self, name: str, width: int) -> np.ndarray:
        """As `tile`, by the name of the cell."""
        self.drawn()
        answer = self.frame.evaluate(READ_TILE, [name, width])
        pixels = np.array(answer["data"], np.uint8).reshape(answer["height"], answer["size"], 4)
        times = max(1, answer["size"] // width)
        return pixels[times // 2 :: times, times // 2 :: times][:, :width]

    def slide(self, name: str, value: float) -> None:
        """Moves a slider as a person would: the input's value, then its events."""
        self.root.get_by_role("slider", name=name, exact=True).evaluate(
            "(input, value) => { input.value = value;"
            " input.dispatchEvent(new Event('input', { bubbles: true })); }",
            str(value),
        )
        self.drawn()

    def choose(self, name: str, value: str) -> None:
        self.root.get_by_role("combobox", name=name, exact=True).select_option(value)
        self.wait_idle()

    def _violations(self, options: dict[str, Any]) -> list[dict[str, Any]]:
        options = {"resultTypes": ["violations"], **options}
        return self.frame.evaluate(
            "async (options) => (await axe.run(document, options)).violations", options
        )

    def axe(self, **options: Any) -> list[str]:
        """Violations that axe finds, one line each; `options` are those of `axe.run`.

        Without options contrast is looked at in the other theme as well.
        """
        if not self.frame.evaluate("() => 'axe' in window"):
            self.frame.evaluate(AXE.read_text(encoding="utf-8"))
        found = self._violations(options)
        if not options:
            with self.other_theme():
                found += self._violations({"runOnly": ["color-contrast"]})
        return [
            f"{v['id']}: {v['help']}: {json.dumps([n['html'][:120] for n in v['nodes']][:3])}"
            for v in found
        ]

    @contextmanager
    def other_theme(self) -> Iterator[None]:
        """Dark where the page is light, and the other way round, as TensorBoard's button does."""
        self._change_theme()
        try:
            yield
        finally:
            self._change_theme()

    def _change_theme(self) -> None:
        self.page.evaluate("() => document.body.classList.toggle('dark-mode')")
        dark = self.page.evaluate("() => document.body.classList.contains('dark-mode')")
        self.frame.wait_for_function(
            "dark => document.documentElement.classList.contains('dark') === dark", arg=dark
        )
        self.drawn()

    def screenshot(self, name: str) -> Path:
        SCREENSHOTS.mkdir(exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        self.page.screenshot(path=str(path))
        return path


def is_ours(request: Request, page: Page) -> bool:
    """Whether our tab asked for it, wherever, or anybody for what is ours.

    The frame of a document that is on its way is not there yet; the tab's own is told by its path.
    """
    path = urllib.parse.urlsplit(request.url).path
    if any(ours in path for ours in OURS):
        return True
    try:
        return request.frame != page.main_frame
    except Error:
        return False
