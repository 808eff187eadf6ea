"""The five jobs in Firefox: what changed, what is broken, comparing, showing it, finding one."""

from __future__ import annotations

import urllib.parse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from browser import scenes

if TYPE_CHECKING:
    from firefox.bidi import Page

SCREENSHOTS = Path(__file__).parent / "screenshots"
GREY = '{"limits":"minmax","colormap":"grey"}'
HEADING, WHEN = ".layerbar h1", ".when strong"
# The pixels of a tile, one for each value of its plane, `[height][width][3]`.
TILE = """
(() => {
  const cell = document.querySelector('[role=gridcell][aria-label="%s"]');
  const canvas = cell.parentElement.querySelector("canvas");
  const box = cell.getBoundingClientRect(), of = canvas.getBoundingClientRect();
  const scale = canvas.width / of.width, step = Math.round(box.width * scale) / %d;
  const left = Math.round((box.left - of.left) * scale);
  const at = (x, y) => [...canvas.getContext("2d").getImageData(
    left + Math.floor((x + 0.5) * step), Math.floor((y + 0.5) * step), 1, 1).data].slice(0, 3);
  const axis = Array.from({ length: %d }, (_, i) => i);
  return axis.map((y) => axis.map((x) => at(x, y)));
})()
"""


def tile(page: Page, channel: int, side: int) -> np.ndarray:
    return np.array(page.js(TILE % (f"channel {channel}", side, side)), int)


def shown(page: Page) -> list[int]:
    """Ids of the channels in sight, in order."""
    names = page.js(
        "[...document.querySelectorAll('[role=gridcell]')]"
        ".sort((a, b) => a.dataset.index - b.dataset.index).map(c => c.getAttribute('aria-label'))"
    )
    return [int(name.split()[1]) for name in names]


def grey(values: np.ndarray) -> np.ndarray:
    """What the values are in grey, from their smallest to their largest."""
    share = (values - values.min()) / (values.max() - values.min())
    return np.rint(share * 255).astype(int)[..., None].repeat(3, -1)


def address(page: Page, **keys: str) -> str:
    parts = [f"p.activations.{key}={urllib.parse.quote(value)}" for key, value in keys.items()]
    return page.url + "#" + "&".join(["activations", *parts])


def test_how_a_layer_changed_over_its_steps(page: Page) -> None:
    """Values of every pixel at the last step and the first; Compare puts both beside each other."""
    page.open(address(page, layer="encoder/conv1", window=GREY))
    for key, step in (("End", 70), ("Home", 0)):
        page.focus("[aria-label=Step]")
        page.keys({"End": "\ue010", "Home": "\ue011"}[key])
        page.until_text(WHEN, f"step {step}")
        values = scenes.layers(step)["encoder/conv1"][0, ..., 0]
        assert np.abs(tile(page, 0, 28) - grey(values)).max() <= 2
    page.click("button", "Last")
    page.click("button", "Compare")
    page.until_text(".compare", "left step 70, right step 0")
    page.screenshot(SCREENSHOTS / "compare.png")


def test_what_is_broken_is_named_and_one_click_away(page: Page) -> None:
    """The tab opens on the layer with NaN, says where they began, and lists dead channels."""
    page.until_text(HEADING, "head/broken")
    page.until_text("[aria-label=Marks]", "NaN")
    page.screenshot(SCREENSHOTS / "broken.png")
    page.click(".health button", "head/broken at step 60")
    page.until_text(WHEN, "step 60")
    page.click(".health button", "Show the dead channels of head/conv3")
    page.until_text(HEADING, "head/conv3")
    assert shown(page)[:4] == [0, 2, 4, 6]


def test_another_example_another_run_and_the_difference(page: Page) -> None:
    """Keys choose an example; a run is compared with; the difference is painted as computed."""
    page.open(address(page, layer="encoder/conv1", step="20"))
    page.click("button", "Compare")
    choose(page, "Compare with", "run older")
    page.until_text(".compare", "run older, step 20")
    choose(page, "Compare as", "Difference")
    page.until_text(".compare", "step 20 minus run older, step 20")
    page.hover("[role=gridcell]", x=20, y=20)
    # Both runs hold the same values at this step.
    assert page.text("[role=status]").endswith(": the same as at run older, step 20")
    page.focus("[role=gridcell]")
    page.keys("2")
    assert page.js("document.querySelector('[aria-label=Example]').value") == "1"
    page.screenshot(SCREENSHOTS / "difference.png")


def choose(page: Page, name: str, text: str) -> None:
    """Picks from a select by typing, as one does without opening it."""
    page.focus(f"select[aria-label='{name}']")
    page.keys(*text)


def test_a_view_is_shown_to_somebody_else(page: Page) -> None:
    """The address holds layer, step and channel: who opens it sees the same."""
    page.open(address(page, layer="encoder/conv2"))
    page.focus("[aria-label=Step]")
    page.keys("\ue012")
    page.click("[role=gridcell]", "channel 5")
    page.until(lambda: "channel=5" in page.js("location.hash", top=True))
    link = page.js("location.href", top=True)
    page.open(link)
    page.until_text(HEADING, "encoder/conv2")
    page.until_text(WHEN, "step 60")
    page.until_text(".inspector h2", "Channel 5")
    page.click("button", "Export")
    page.screenshot(SCREENSHOTS / "export.png")
    page.keys("\ue00c")


def test_one_channel_of_many_is_found(page: Page) -> None:
    """Search, sort, scroll by keys, and the value under the pointer."""
    page.focus("[aria-label='Search layers']")
    page.keys(*"conv3")
    page.click("[role=treeitem]", "head/conv3")
    page.until_text(HEADING, "head/conv3")
    values = scenes.layers(70)["head/conv3"]
    strongest = int(values[0].max(axis=(0, 1)).argmax())
    assert strongest in shown(page)[:1]
    side = page.js("document.querySelector('[role=gridcell]').offsetWidth") / 8
    page.hover("[role=gridcell]", x=round(3.5 * side), y=round(2.5 * side))
    text = page.text("[role=status]")
    assert text.startswith(f"channel {strongest}, x 3, y 2:"), text
    value = values[0, 2, 3, strongest]
    assert abs(float(text.split(":")[1].split()[0]) - value) <= 2e-3 * max(1, abs(value))
    page.focus("[role=gridcell]")
    page.keys("\ue014", "\ue014")
    page.until_text(".inspector h2", f"Channel {shown(page)[2]}")
