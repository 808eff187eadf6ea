"""What is on the screen is what was logged: tiles, window, the value under the cursor."""

from __future__ import annotations

import numpy as np
import pytest

from browser import scenes
from browser.dashboard import Dashboard

CONV1 = "encoder/conv1"


def grey_of(values: np.ndarray, lo: float, hi: float) -> np.ndarray:
    """Grey levels of values under a window."""
    return np.clip((values.astype(np.float64) - lo) / (hi - lo), 0, 1) * 255


def assert_grey(tile: np.ndarray, expected: np.ndarray) -> None:
    assert tile.shape[:2] == expected.shape
    assert np.abs(tile[..., 0].astype(float) - expected).max() <= 1.5
    assert (tile[..., 0] == tile[..., 1]).all()
    assert (tile[..., 3] == 255).all()


def open_grey(dashboard: Dashboard, **keys: object) -> None:
    dashboard.open(layer=CONV1, window='{"limits":"minmax","colormap":"grey"}', **keys)


@pytest.mark.both_themes
@pytest.mark.parametrize("channel", [0, 4, 11])
def test_tiles_show_the_logged_values(themed: Dashboard, channel: int) -> None:
    """A tile's pixels are the values of its channel between its own minimum and maximum."""
    open_grey(themed)
    plane = scenes.layers(70)[CONV1][0, ..., channel]
    assert_grey(themed.tile(channel, 28), grey_of(plane, plane.min(), plane.max()))


def test_tiles_follow_step_and_example(dashboard: Dashboard) -> None:
    """Another step and another example show their own values."""
    open_grey(dashboard, step=30, example=2)
    plane = scenes.layers(30)[CONV1][2, ..., 3]
    assert_grey(dashboard.tile(3, 28), grey_of(plane, plane.min(), plane.max()))
    dashboard.slide("Step", 0)
    dashboard.wait_idle()
    plane = scenes.layers(0)[CONV1][2, ..., 3]
    assert_grey(dashboard.tile(3, 28), grey_of(plane, plane.min(), plane.max()))


@pytest.mark.parametrize(("brightness", "contrast"), [(0.2, 0.0), (0.0, 0.25), (-0.1, -0.1)])
def test_brightness_and_contrast_move_a_window(
    themed: Dashboard, brightness: float, contrast: float
) -> None:
    """Brightness lowers the window by a share of the range, contrast halves it six times over."""
    open_grey(themed)
    themed.slide("Brightness", brightness)
    themed.slide("Contrast", contrast)
    plane = scenes.layers(70)[CONV1][0, ..., 4].astype(np.float64)
    lo, hi = plane.min(), plane.max()
    centre = (lo + hi) / 2 - brightness * (hi - lo)
    half = (hi - lo) / 2 * 2 ** (-6 * contrast)
    expected = grey_of(plane, centre - half, centre + half)
    assert_grey(themed.tile(4, 28), expected)
    themed.root.get_by_role("button", name="Reset", exact=True).click()
    # Reset goes back to Auto, whose lower end is the zeros of the ReLU.
    assert themed.tile(4, 28)[plane == 0][:, 0].max() == 0


def test_typed_limits_are_the_window_of_every_tile(dashboard: Dashboard) -> None:
    """Limits typed in hold for all channels."""
    open_grey(dashboard)
    for name, value in (("Minimum", "0.5"), ("Maximum", "2")):
        field = dashboard.root.get_by_label(name, exact=True)
        field.fill(value)
        field.press("Enter")
    for channel in (2, 10):
        plane = scenes.layers(70)[CONV1][0, ..., channel]
        assert_grey(dashboard.tile(channel, 28), grey_of(plane, 0.5, 2))


def test_status_reads_the_value_under_the_cursor(themed: Dashboard) -> None:
    """Channel, place and value of the pixel under the pointer, to the digits of the range."""
    open_grey(themed)
    box = themed.cell(4).bounding_box()
    assert box is not None
    zoom = box["width"] / 28
    themed.page.mouse.move(box["x"] + 12.5 * zoom, box["y"] + 3.5 * zoom)
    value = scenes.layers(70)[CONV1][0, 3, 12, 4]
    where, _, number = themed.status.partition(": ")
    assert where == "channel 4, x 12, y 3"
    assert float(number) == pytest.approx(float(value), rel=2e-3, abs=2e-3)
    caption = themed.caption(6)
    expected = float(scenes.layers(70)[CONV1][0, 3, 12, 6])
    assert float(caption) == pytest.approx(expected, rel=2e-2, abs=2e-2)


def test_nonfinite_values_have_colours_of_their_own(themed: Dashboard) -> None:
    """NaN and both infinities are told apart, and their tiles carry a count from the data."""
    themed.open(layer="head/broken", window='{"colormap":"viridis"}')
    nan, infinite = themed.tile(2, 10), themed.tile(4, 10)
    assert tuple(nan[3, 4, :3]) == (255, 0, 255)
    marks = {tuple(infinite[0, 0, :3]), tuple(infinite[9, 9, :3]), (255, 0, 255)}
    assert len(marks) == 3
    assert themed.caption(2) == "2 1 NaN"
    assert themed.caption(4) == "4 2 Inf"
    outline = themed.cell(2).locator(".frame").evaluate("e => getComputedStyle(e).outline")
    assert "solid 2px" in outline
