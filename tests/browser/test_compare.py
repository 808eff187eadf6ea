"""A second step, run or example beside the first, flipped, or as a difference."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from browser import scenes, zoo
from browser.dashboard import Dashboard
from browser.test_first_screen import theme_of
from browser.test_values import assert_grey, grey_of

CONV1 = "encoder/conv1"
GREY = '{"limits":"minmax","colormap":"grey"}'

LINE = "() => getComputedStyle(document.querySelector('.frame'), '::after').backgroundColor"


def halves(dashboard: Dashboard, channel: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """The two tiles of a cell."""
    both = dashboard.tile(channel, 2 * width)
    times = both.shape[0] // width
    both = both[times // 2 :: times] if times > 1 else both
    return both[:, :width], both[:, width:]


def limits_of(*planes: np.ndarray) -> tuple[float, float]:
    """One window for all of them."""
    return min(p.min() for p in planes), max(p.max() for p in planes)


def test_the_first_step_stands_beside_the_last_after_one_click(themed: Dashboard) -> None:
    """Both tiles of a cell are drawn through one window, which spans both."""
    themed.open(layer=CONV1, window=GREY)
    themed.root.get_by_role("button", name="Compare", exact=True).click()
    themed.settle()
    now, first = (scenes.layers(s)[CONV1][0, ..., 4] for s in (70, 0))
    left, right = halves(themed, 4, 28)
    assert_grey(left, grey_of(now, *limits_of(now, first)))
    assert_grey(right, grey_of(first, *limits_of(now, first)))
    # Between them a line of a colour that is neither the well's nor the darkest of a map.
    line = themed.frame.evaluate(LINE)
    assert all(100 < int(part) < 200 for part in re.findall(r"\d+", line)), line
    assert themed.axe() == []
    dark = themed.frame.evaluate("() => document.documentElement.classList.contains('dark')")
    themed.screenshot(f"compare-{'dark' if dark else 'light'}")
    themed.root.get_by_role("button", name="Compare", exact=True).click()


def test_holding_x_flips_the_two(dashboard: Dashboard) -> None:
    """While the key is down each stands in the other's place."""
    dashboard.open(layer=CONV1, window=GREY, compare="previous", mode="flip")
    dashboard.settle()
    now, before = (scenes.layers(s)[CONV1][0, ..., 4] for s in (70, 60))
    both = limits_of(now, before)
    assert_grey(dashboard.tile(4, 28), grey_of(now, *both))
    dashboard.cell(4).focus()
    dashboard.page.keyboard.down("x")
    assert_grey(dashboard.tile(4, 28), grey_of(before, *both))
    dashboard.page.keyboard.up("x")
    assert_grey(dashboard.tile(4, 28), grey_of(now, *both))


def test_a_matrix_flips_in_its_place(dashboard: Dashboard) -> None:
    """Dense layers are one matrix: the other step takes its place, through the same window."""
    dashboard.open(layer="encoder/conv1")
    dashboard.load(layer="dense", compare="first", mode="flip")
    choice = dashboard.root.get_by_role("combobox", name="Compare as", exact=True)
    expect(choice).to_have_value("flip")
    expect(dashboard.root.get_by_text("hold X for step 0")).to_be_visible()
    dashboard.root.locator(".layerbar h1").click()
    read = "() => [...document.querySelectorAll('.gridwell canvas')].map(c => c.toDataURL()).join()"
    dashboard.settle()
    here = dashboard.frame.evaluate(read)
    dashboard.page.keyboard.down("x")
    dashboard.settle()
    assert dashboard.frame.evaluate(read) != here
    dashboard.page.keyboard.up("x")
    dashboard.settle()
    assert dashboard.frame.evaluate(read) == here


def test_the_difference_diverges_about_zero(themed: Dashboard) -> None:
    """Red below, blue above, white at zero; the status line reads the difference."""
    themed.open(layer=CONV1, compare="first", mode="difference")
    themed.settle()
    now, first = (scenes.layers(s)[CONV1][0].astype(np.float64) for s in (70, 0))
    delta = (now - first)[..., 4]
    tile = themed.tile(4, 28).astype(int)
    balance = tile[..., 2] - tile[..., 0]
    strong = np.abs(delta) > 0.3 * np.abs(delta).max()
    assert (np.sign(balance[strong]) == np.sign(delta[strong])).all()
    assert (tile[delta == 0][:, :3].min(axis=1) > 235).all()
    box = themed.cell(4).bounding_box()
    assert box is not None
    zoom = box["width"] / 28
    for word, at in (("more", delta.argmax()), ("less", delta.argmin())):
        y, x = divmod(int(at), 28)
        themed.page.mouse.move(box["x"] + (x + 0.5) * zoom, box["y"] + (y + 0.5) * zoom)
        said = themed.status
        match = re.fullmatch(rf"channel 4, x {x}, y {y}: (\S+) {word} than at step 0", said)
        assert match is not None, said
        assert float(match[1]) == pytest.approx(abs(delta.flat[at]), rel=5e-3, abs=5e-3)
    y, x = np.argwhere(delta == 0)[0]
    themed.page.mouse.move(box["x"] + (x + 0.5) * zoom, box["y"] + (y + 0.5) * zoom)
    assert themed.status == f"channel 4, x {x}, y {y}: the same as at step 0"


def test_another_run_is_the_nearest_step_and_said_so(dashboard: Dashboard) -> None:
    """The step that comes nearest, and that channels need not correspond."""
    dashboard.open(layer=CONV1, window=GREY, compare="run:older")
    bar = dashboard.root.locator(".row.compare")
    expect(bar).to_contain_text("right step 20 of run older")
    expect(bar).to_contain_text("Nearest step there: 20.")
    expect(bar).to_contain_text("Channels of separately trained models need not correspond.")
    dashboard.settle()
    now, there = scenes.layers(70)[CONV1][0, ..., 4], scenes.layers(20)[CONV1][0, ..., 4]
    _, right = halves(dashboard, 4, 28)
    assert_grey(right, grey_of(there, *limits_of(now, there)))


def test_another_example_is_offered(dashboard: Dashboard) -> None:
    """Examples of the same step, by their position in the batch."""
    dashboard.open(layer=CONV1, window=GREY, compare="first")
    dashboard.choose("Compare with", "example:3")
    dashboard.settle()
    here, there = scenes.layers(70)[CONV1][0, ..., 6], scenes.layers(70)[CONV1][3, ..., 6]
    _, right = halves(dashboard, 6, 28)
    assert_grey(right, grey_of(there, *limits_of(here, there)))


def test_there_is_nothing_before_the_first_step(dashboard: Dashboard) -> None:
    """Said instead of shown."""
    dashboard.open(layer=CONV1, step=0, compare="previous")
    expect(dashboard.root.get_by_text("There is no step before the first")).to_be_visible()


def test_copy_link_puts_the_address_on_the_clipboard(dashboard: Dashboard) -> None:
    """The link names run, layer, step and what it is compared with."""
    dashboard.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    dashboard.open(layer=CONV1, step=30, compare="first")
    dashboard.root.get_by_role("button", name="Copy link", exact=True).click()
    expect(dashboard.root.get_by_text("Link copied")).to_be_visible()
    link = dashboard.frame.evaluate("() => navigator.clipboard.readText()")
    assert link.startswith(dashboard.url)
    for key in ("run=train", "layer=encoder%2Fconv1", "step=30", "compare=first"):
        assert f"p.activations.{key}" in link


def test_a_channel_that_died_is_black_on_its_side_alone(zoo_page: Dashboard) -> None:
    """Compared with the first step, the window is that of the side which has values."""
    for mode in ("beside", "flip"):
        zoo_page.open(
            run="main", layer="dying", step=40, channel=1, window=GREY, compare="first", mode=mode
        )
        zoo_page.root.get_by_text("both sides").wait_for()
        then = zoo.values("main", "dying", 0)[0, ..., 1]
        assert zoo.values("main", "dying", 40)[..., 1].max() == 0
        if mode == "beside":
            left, right = halves(zoo_page, 1, 9)
            assert_grey(right, grey_of(then, 0, then.max()))
        else:
            left = zoo_page.tile(1, 9)
        assert (left[..., :3] == 0).all()
        ends = [zoo_page.root.get_by_label(name, exact=True) for name in ("Minimum", "Maximum")]
        shown = [float(end.input_value()) for end in ends]
        assert shown == pytest.approx([0, then.max()], rel=1e-3)
    zoo_page.screenshot(f"compare-died-{theme_of(zoo_page)}")


def test_a_value_under_the_cursor_is_not_struck_through(zoo_page: Dashboard) -> None:
    """The number of a dead channel is; what it lost since the first step is a value."""
    zoo_page.open(
        run="main", layer="dying", step=40, window=GREY, compare="first", mode="difference"
    )
    struck = "c => getComputedStyle(c.parentElement.querySelectorAll('.caption .id')[2])"
    lines = f"c => ({struck})(c).textDecorationLine"
    assert zoo_page.cell(2).evaluate(lines) == "line-through"
    zoo_page.cell(1).hover(position={"x": 5, "y": 5})
    zoo_page.drawn()
    assert zoo_page.caption(2).strip() == "0"
    assert zoo_page.cell(2).evaluate(lines) == "none"


# Alpha of each column of the histogram at its middle height, and the rows that are drawn on.
READ_OUTLINE = """
(color) => {
  const canvas = document.querySelector(".histogram canvas");
  const { width, height } = canvas;
  const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
  const wanted = getComputedStyle(canvas).getPropertyValue(color).trim();
  const probe = document.createElement("canvas").getContext("2d");
  probe.fillStyle = wanted;
  probe.fillRect(0, 0, 1, 1);
  const [r, g, b] = probe.getImageData(0, 0, 1, 1).data;
  const columns = [];
  for (let x = 0; x < width; x++) {
    let count = 0;
    for (let y = 0; y < height; y++) {
      const i = 4 * (y * width + x);
      const far = Math.abs(data[i] - r) + Math.abs(data[i + 1] - g) + Math.abs(data[i + 2] - b);
      if (far < 60) count++;
    }
    columns.push(count);
  }
  return columns;
}
"""


def test_the_histogram_outlines_the_other_side_in_dashes(zoo_page: Dashboard) -> None:
    """Values ten times as large at the other step have their outline, dashed, over their place."""
    keys = {"run": "main", "layer": "widths", "channel": 2, "window": GREY}
    zoo_page.open(**keys, step=20)
    alone = np.array(zoo_page.frame.evaluate(READ_OUTLINE, "--text"))
    zoo_page.open(**keys, step=20, compare="step:0")
    zoo_page.root.get_by_text("both sides").wait_for()
    both = np.array(zoo_page.frame.evaluate(READ_OUTLINE, "--text"))
    # The values lie in 20 to 21 and in 0 to 1: the window's outer ends, with nothing between.
    first = slice(9, 9 + (len(both) - 16) // 20)
    assert alone[len(alone) // 4 : 3 * len(alone) // 4].any(), "alone, the outline fills the width"
    assert both[first].any(), "no outline over the values of the other side"
    solid = both[-8 - (len(both) - 16) // 20 : -9]
    assert (solid > 0).mean() > (both[first] > 0).mean()
    assert (both[first] == 0).any(), "the outline of the other side is not dashed"
    expect(zoo_page.root.get_by_role("list", name="Marks")).to_have_text("step 0")
    zoo_page.screenshot(f"compare-histogram-{theme_of(zoo_page)}")
    assert zoo_page.axe() == []


def test_what_does_not_fit_is_said(zoo_page: Dashboard) -> None:
    """Another width or another plane at the other step leaves the tiles, and says which it is."""
    note = zoo_page.root.locator(".row.compare")
    zoo_page.open(run="main", layer="planes", compare="first", mode="flip")
    expect(note).to_contain_text("Nothing to flip: 16×9×6 here, 8×8×6 there")
    zoo_page.choose("Compare as", "beside")
    expect(note).to_contain_text("Nothing beside: 16×9×6 here, 8×8×6 there")
    plane = zoo.values("main", "planes", 40)[0, ..., 3]
    zoo_page.open(run="main", layer="planes", compare="first", mode="difference", window=GREY)
    expect(note).to_contain_text("No difference: 16×9×6 here, 8×8×6 there")
    assert_grey(zoo_page.tile(3, 9), grey_of(plane, plane.min(), plane.max()))
