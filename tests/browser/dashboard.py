"""The dashboard as a test sees it: in the real TensorBoard page, in a real browser."""

from __future__ import annotations

import json
import urllib.parse
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Frame, Locator, Page

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


class Dashboard:
    """One page with TensorBoard open on the Activations tab; `problems` must stay empty."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.problems: list[str] = []
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.problems.append(f"page error: {error}"))
        page.add_init_script(
            "document.addEventListener('securitypolicyviolation', (e) =>"
            " console.error('CSP', e.violatedDirective, e.blockedURI))"
        )

    def _on_console(self, message: Any) -> None:
        if message.type == "error":
            self.problems.append(message.text)

    def open(self, **keys: Any) -> Dashboard:
        """Opens the tab anew with these keys in its address, and waits for tiles."""
        self.load(**keys)
        self.grid.get_by_role("gridcell").first.wait_for(timeout=20_000)
        return self

    def load(self, **keys: Any) -> Dashboard:
        """Opens the tab anew without waiting for anything to show."""
        parts = [f"p.activations.{k}={urllib.parse.quote(str(v))}" for k, v in keys.items()]
        address = self.url + "#" + "&".join(["activations", *parts])
        if self.page.url.split("#")[0] != self.url:
            self.page.goto(address)
            self.page.locator("iframe").first.wait_for(timeout=30_000)
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
        return self.root.get_by_role("grid", name="Channels")

    @property
    def tree(self) -> Locator:
        return self.root.get_by_role("tree", name="Layers")

    @property
    def status(self) -> str:
        return self.root.get_by_role("status").first.inner_text().strip()

    def cell(self, channel: int) -> Locator:
        return self.grid.get_by_role("gridcell", name=f"channel {channel}", exact=True)

    def caption(self, channel: int) -> str:
        """What stands under a tile."""
        return self.cell(channel).evaluate(
            "c => [...c.parentElement.querySelectorAll('.caption')]"
            "[c.getAttribute('aria-colindex') - 1].innerText"
        )

    def shown(self) -> list[int]:
        """Ids of the channels in sight, in order."""
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
        self.page.wait_for_timeout(50)

    def tile(self, channel: int, width: int) -> np.ndarray:
        """The pixels of a tile, uint8 `[h, w, 4]`, one for each value of a plane `width` wide."""
        return self.named_tile(f"channel {channel}", width)

    def named_tile(self, name: str, width: int) -> np.ndarray:
        """As `tile`, by the name of the cell."""
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
        self.page.wait_for_timeout(50)

    def choose(self, name: str, value: str) -> None:
        self.root.get_by_role("combobox", name=name, exact=True).select_option(value)
        self.wait_idle()

    def axe(self) -> list[str]:
        """Violations that axe finds, one line each."""
        if not self.frame.evaluate("() => 'axe' in window"):
            self.frame.evaluate(AXE.read_text(encoding="utf-8"))
        found = self.frame.evaluate("() => axe.run(document)")["violations"]
        return [
            f"{v['id']}: {v['help']}: {json.dumps([n['html'][:120] for n in v['nodes']][:3])}"
            for v in found
        ]

    def screenshot(self, name: str) -> Path:
        SCREENSHOTS.mkdir(exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        self.page.screenshot(path=str(path))
        return path
