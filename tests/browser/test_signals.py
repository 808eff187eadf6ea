"""Sequences `[n, t, c]`: a row for each channel, time across, as lines or as a matrix."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import Locator, expect

from browser import zoo
from browser.dashboard import Dashboard
from browser.test_values import grey_of

GREY = '{"limits":"minmax","colormap":"grey"}'
PAD = 1.5  # above and below a line, in pixels
NAN, UP, DOWN = (255, 0, 255), (255, 145, 0), (0, 229, 255)
READ = """
(canvas) => {
  const { width, height } = canvas;
  const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
  return [width, height, ...data];
}
"""
STORED = zoo.values("main", "signal", 40)[0].astype(np.float16).astype(np.float64)
LIMITS = tuple(f(STORED[np.isfinite(STORED)]) for f in (np.min, np.max))


def pixels(canvas: Locator) -> np.ndarray:
    """`[h, w, 4]`."""
    width, height, *data = canvas.evaluate(READ)
    return np.array(data, np.uint8).reshape(height, width, 4)


def row(page: Dashboard, channel: int) -> np.ndarray:
    page.drawn()
    return pixels(page.cell(channel).locator("xpath=..").locator("canvas"))


def places(values: np.ndarray, width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """Where the line is: x and y of each value, in pixels."""
    x = (np.arange(len(values)) + 0.5) / len(values) * width
    lo, hi = LIMITS
    return x, height - PAD - (values - lo) / (hi - lo) * (height - 2 * PAD)


def assert_line(picture: np.ndarray, values: np.ndarray) -> None:
    """Ink where each value stands, and none far from the line."""
    height, width = picture.shape[:2]
    x, y = places(values, width, height)
    ink = picture[..., 3] > 128
    for i in np.flatnonzero(np.isfinite(values)):
        column, line = int(x[i]), int(y[i])
        assert ink[max(0, line - 2) : line + 3, max(0, column - 1) : column + 2].any(), i
    step = np.nan_to_num(np.abs(np.diff(y, append=y[-1], prepend=y[0])))
    for i in np.flatnonzero(np.isfinite(values)):
        there = np.flatnonzero(ink[:, int(x[i])])
        reach = 3 + max(step[i], step[i + 1]) / (x[1] - x[0])
        zero = height - PAD + LIMITS[0] / (LIMITS[1] - LIMITS[0]) * (height - 2 * PAD)
        assert (np.abs(there - y[i]) <= reach).sum() + (np.abs(there - zero) <= 2).sum() >= len(
            there
        )


def test_a_signal_is_lines_of_all_channels_under_one_scale(zoo_page: Dashboard) -> None:
    """Each value at its place, the selected channel large with axes; NaN and infinities told."""
    zoo_page.open(run="main", layer="signal", channel=4)
    for channel in (0, 1, 2, 4, 5):
        assert_line(row(zoo_page, channel), STORED[:, channel])
    large = zoo_page.root.locator(".signalaxes canvas")
    assert_line(pixels(large), STORED[:, 4])
    expect(large).to_have_attribute("aria-label", re.compile(r"^Channel 4, -?\d.* … \d"))
    ticks = [float(t) for t in zoo_page.root.locator(".signalaxes .y").all_inner_texts()]
    assert len(ticks) >= 2
    assert min(ticks) >= LIMITS[0]
    assert max(ticks) <= LIMITS[1]
    assert zoo_page.root.locator(".signalaxes .x").first.inner_text() == "0"
    gap, infinite = row(zoo_page, 2), row(zoo_page, 3)
    high, width = gap.shape[:2]
    at = [int((i + 0.5) / 40 * width) for i in (11, 20, 30)]
    assert (gap[2:-2, at[0], :3] == NAN).all()
    assert (infinite[2 : high // 2 - 2, at[1], :3] == UP).all()
    assert (infinite[high // 2 + 2 : -2, at[2], :3] == DOWN).all()
    assert not infinite[high // 2 + 2 : -2, at[1], 3].any()
    assert zoo_page.axe() == []
    zoo_page.screenshot(f"signal-{is_dark(zoo_page)}")


def is_dark(page: Dashboard) -> str:
    dark = page.frame.evaluate("() => document.documentElement.classList.contains('dark')")
    return "dark" if dark else "light"


@pytest.mark.parametrize("theme", ["light"], indirect=True)
def test_a_signal_as_a_matrix_and_back(zoo_page: Dashboard) -> None:
    """`Matrix` has time across, too; the choice goes into the link, keys and hover as in lines."""
    zoo_page.open(run="main", layer="signal", window=GREY)
    shown = zoo_page.root.get_by_role("group", name="Shown as")
    shown.get_by_role("button", name="Matrix").click()
    zoo_page.settle()
    width = row(zoo_page, 0).shape[1] // 40
    for channel in (0, 1, 5):
        levels = row(zoo_page, channel)[2, width // 2 :: width, 0].astype(float)[:40]
        assert np.abs(levels - grey_of(STORED[:, channel], *LIMITS)).max() <= 1.5
    assert (row(zoo_page, 2)[2, width // 2 :: width, :3][10:13] == NAN).all()
    zoo_page.until(lambda: "p.activations.form=matrix" in zoo_page.page.url)
    zoo_page.cell(4).click(position={"x": 7.5 * width, "y": 4})
    zoo_page.page.keyboard.press("ArrowDown")
    zoo_page.page.keyboard.press("Shift+ArrowRight")
    where, _, number = zoo_page.status.partition(": ")
    assert where == "channel 5, position 8"
    assert float(number) == pytest.approx(STORED[8, 5], abs=2e-3)
    shown.get_by_role("button", name="Lines").click()
    box = zoo_page.cell(0).bounding_box()
    assert box is not None
    zoo_page.page.mouse.move(box["x"] + 30.5 / 40 * box["width"], box["y"] + 4)
    assert zoo_page.status.startswith("channel 0, position 30: ")
    captions = zoo_page.grid.locator(".caption").all_inner_texts()
    assert float(captions[5]) == pytest.approx(STORED[30, 5], abs=2e-3)
    assert captions[3] == "-Inf"
    assert zoo_page.axe() == []


@pytest.mark.parametrize("theme", ["light"], indirect=True)
def test_the_part_that_is_zoomed_into_is_that_of_all_rows(zoo_page: Dashboard) -> None:
    """Half as many positions twice as wide, in the inspector, above the rows and in them."""
    zoo_page.open(run="main", layer="signal", channel=0, zoom="10,0,20,1")
    part = STORED[10:30]
    for channel in (0, 5):
        assert_line(row(zoo_page, channel), part[:, channel])
    for canvas in (".signalaxes canvas", ".inspector .enlarged canvas"):
        assert_line(pixels(zoo_page.root.locator(canvas)), part[:, 0])
    named = zoo_page.root.locator(".signalaxes .x").all_inner_texts()
    assert (named[0], named[-1]) == ("10", "28")
    zoo_page.cell(5).click()
    zoo_page.settle()
    enlarged = pixels(zoo_page.root.locator(".inspector .enlarged canvas"))
    assert_line(enlarged, part[:, 5])  # and nothing of the channel before
    zoo_page.cell(0).click()
    zoo_page.root.get_by_role("button", name="Zoom out").click()
    zoo_page.settle()
    assert_line(row(zoo_page, 0), STORED[:, 0])


@pytest.mark.parametrize("theme", ["light"], indirect=True)
def test_two_steps_of_a_signal_are_two_lines(zoo_page: Dashboard) -> None:
    """Compared, the other is dashed under one scale; the film and the picture saved are lines."""
    zoo_page.open(run="main", layer="signal", channel=1, compare="first")
    zoo_page.root.get_by_text("solid step 40, dashed step 0").wait_for()
    zoo_page.settle()
    first = zoo.values("main", "signal", 0)[0, :, 5].astype(np.float64)
    picture = row(zoo_page, 5)
    x, y = places(first, picture.shape[1], picture.shape[0])
    near = [picture[max(0, int(b) - 2) : int(b) + 3, int(a) - 2 : int(a) + 3, 3].max()
            for a, b in zip(x, y, strict=True)]  # fmt: skip
    assert np.mean(np.array(near) > 128) > 0.6
    frames = zoo_page.root.locator(".film canvas")
    assert frames.count() == len(zoo.STEPS)
    for i in range(frames.count()):
        ink = pixels(frames.nth(i))[..., 3] > 128
        assert ink.any(axis=0).mean() > 0.9
        assert ink.mean() < 0.3


def test_short_sequences_are_a_matrix_long_ones_lines(dashboard: Dashboard) -> None:
    """12 positions are colours by default; a layer of pictures has no such choice."""
    dashboard.open(layer="tokens")
    shown = dashboard.root.get_by_role("group", name="Shown as")
    pressed = shown.locator("[aria-pressed=true]")
    expect(pressed).to_have_text("Matrix")
    shown.get_by_role("button", name="Lines").click()
    expect(pressed).to_have_text("Lines")
    dashboard.settle()
    assert (row(dashboard, 7)[..., 3] > 128).any(axis=0).mean() > 0.85
    dashboard.select_layer("encoder/conv1")
    expect(shown).to_have_count(0)
