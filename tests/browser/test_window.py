"""The value window: limits found, typed, dragged and locked are those of the logged values."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import Locator, expect

from browser import scenes
from browser.dashboard import Dashboard
from browser.test_values import assert_grey, grey_of

CONV1 = "encoder/conv1"
CONV2 = "encoder/conv2"
GREY = '{"limits":"minmax","colormap":"grey"}'


def limits(dashboard: Dashboard) -> tuple[float, float]:
    """What `Minimum` and `Maximum` say."""
    dashboard.drawn()
    low, high = (dashboard.root.get_by_label(n, exact=True) for n in ("Minimum", "Maximum"))
    return float(low.input_value()), float(high.input_value())


def press(dashboard: Dashboard, name: str) -> None:
    dashboard.root.get_by_role("button", name=name, exact=True).click()
    dashboard.drawn()


def more(dashboard: Dashboard) -> None:
    """Opens what is rarely needed, where it is closed."""
    button = dashboard.root.get_by_role("button", name="More", exact=True)
    if button.get_attribute("aria-expanded") == "false":
        button.click()


def check(dashboard: Dashboard, name: str, on: bool = True) -> None:
    dashboard.root.get_by_role("checkbox", name=name, exact=True).set_checked(on)
    dashboard.drawn()


def histogram(dashboard: Dashboard) -> Locator:
    return dashboard.root.get_by_role("img", name=re.compile("Histogram"))


def plane(tag: str, channel: int, step: int = 70, example: int = 0) -> np.ndarray:
    return scenes.layers(step)[tag][example, ..., channel].astype(np.float64)


def test_auto_ignores_the_zeros_of_a_relu_and_clips_tighter(dashboard: Dashboard) -> None:
    """Auto starts at zero for a ReLU, and each press lowers the upper limit, then starts over."""
    dashboard.open(layer=CONV1, channel=4)
    values = plane(CONV1, 4)
    low, high = limits(dashboard)
    assert low == 0
    assert 0.9 * values.max() <= high <= values.max() * 1.001
    highs = [high]
    for _ in range(5):
        press(dashboard, "Auto")
        assert limits(dashboard)[0] == 0
        highs.append(limits(dashboard)[1])
    assert highs == sorted(highs, reverse=True)
    assert highs[-1] < highs[0]
    press(dashboard, "Auto")
    assert limits(dashboard)[1] == pytest.approx(highs[0])


def test_rules_give_min_max_and_symmetry(themed: Dashboard) -> None:
    """Min–max are the ends of the channel; About 0 reaches as far on both sides, diverging."""
    themed.open(layer=CONV2, channel=3)
    values = plane(CONV2, 3)
    press(themed, "Min–max")
    assert limits(themed) == pytest.approx((values.min(), values.max()), rel=5e-3, abs=5e-3)
    press(themed, "About 0")
    reach = np.abs(values).max()
    assert limits(themed) == pytest.approx((-reach, reach), rel=5e-3)
    tile = themed.tile(3, 14)[..., :3].astype(int)
    near_zero = np.unravel_index(np.abs(values).argmin(), values.shape)
    assert (tile[near_zero] > 215).all(), "zero is the pale middle of the map"
    bottom, top = tile[values == values.min()][0], tile[values == values.max()][0]
    assert bottom[0] > bottom[2] + 50, "the negative end is red"
    assert top[2] > top[0] + 50, "the positive end is blue"


def test_range_layer_is_one_window_for_all(themed: Dashboard) -> None:
    """With `Range` layer every tile lies between the layer's own ends."""
    themed.open(layer=CONV1, window=GREY)
    themed.choose("Range", "layer")
    values = scenes.layers(70)[CONV1][0].astype(np.float64)
    assert limits(themed) == pytest.approx((values.min(), values.max()), rel=5e-3, abs=5e-3)
    for channel in (1, 11):
        expected = grey_of(values[..., channel], values.min(), values.max())
        assert_grey(themed.tile(channel, 28), expected)


def test_lock_over_steps_shows_growth(themed: Dashboard) -> None:
    """Locked limits span the statistics of all steps, so that an early step stays dark."""
    themed.open(layer=CONV1, window=GREY, channel=4, step=0)
    assert themed.tile(4, 28)[..., 0].max() == 255
    check(themed, "Lock over steps")
    planes = [scenes.layers(step)[CONV1][..., 4] for step in scenes.STEPS]
    high = max(float(p.max()) for p in planes)
    assert limits(themed) == pytest.approx((0, high), rel=5e-3)
    assert_grey(themed.tile(4, 28), grey_of(plane(CONV1, 4, step=0), 0, high * (1 + 2**-10)))


def test_histogram_click_and_drag_move_the_nearer_end(dashboard: Dashboard) -> None:
    """A press takes the end beside it to the value under the pointer."""
    dashboard.open(layer=CONV1, window=GREY, channel=4)
    low, high = limits(dashboard)
    box = histogram(dashboard).bounding_box()
    assert box is not None
    left, width, y = box["x"] + 8, box["width"] - 16, box["y"] + box["height"] / 2
    dashboard.page.mouse.click(left + 0.25 * width, y)
    after = limits(dashboard)
    assert after == pytest.approx((low + 0.25 * (high - low), high), rel=0.02, abs=0.02)
    dashboard.page.mouse.move(left + 0.9 * width, y)
    dashboard.page.mouse.down()
    dashboard.page.mouse.move(left + 0.6 * width, y, steps=4)
    dashboard.page.mouse.up()
    expected = (low + 0.25 * (high - low), low + 0.6 * (high - low))
    assert limits(dashboard) == pytest.approx(expected, rel=0.03, abs=0.02)
    low, high = expected
    assert_grey_near(dashboard.tile(4, 28), grey_of(plane(CONV1, 4), *limits(dashboard)))
    slider = dashboard.root.get_by_role("slider", name="Contrast", exact=True)
    assert float(slider.input_value()) > 0.1, "the sliders agree with the histogram"


def assert_grey_near(tile: np.ndarray, expected: np.ndarray) -> None:
    """As `assert_grey`, where limits were read off the page to three digits."""
    assert np.abs(tile[..., 0].astype(float) - expected).max() <= 4


def test_shift_drag_moves_both_ends(dashboard: Dashboard) -> None:
    """Shift-drag sideways keeps the width, upwards narrows it."""
    dashboard.open(layer=CONV1, window=GREY, channel=4)
    low, high = limits(dashboard)
    box = histogram(dashboard).bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page = dashboard.page
    page.keyboard.down("Shift")
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 0.1 * (box["width"] - 16), y, steps=3)
    moved = limits(dashboard)
    page.mouse.move(x, y - 64, steps=3)
    narrowed = limits(dashboard)
    page.mouse.up()
    page.keyboard.up("Shift")
    shift = 0.1 * (high - low)
    assert moved == pytest.approx((low + shift, high + shift), rel=0.02, abs=0.05)
    assert narrowed[1] - narrowed[0] == pytest.approx((high - low) / 2, rel=0.02)


def test_drag_on_a_tile_windows_it(dashboard: Dashboard) -> None:
    """Dragging right on a tile widens the window, upwards brightens it; a click only selects."""
    dashboard.open(layer=CONV1, window=GREY, channel=4)
    low, high = limits(dashboard)
    box = dashboard.cell(4).bounding_box()
    assert box is not None
    x, y = box["x"] + 20, box["y"] + 30
    dashboard.page.mouse.move(x, y)
    dashboard.page.mouse.down()
    dashboard.page.mouse.move(x + 40, y - 20, steps=4)
    dashboard.page.mouse.up()
    width = (high - low) * 2 ** (6 * 40 / 256)
    centre = (low + high) / 2 - 20 / 256 * (high - low)
    expected = (centre - width / 2, centre + width / 2)
    assert limits(dashboard) == pytest.approx(expected, rel=0.02, abs=0.02)


def test_gamma_and_invert_act_on_colours_only(themed: Dashboard) -> None:
    """Gamma bends the greys, invert turns them round; the limits stay."""
    themed.open(layer=CONV1, window=GREY, channel=4)
    before = limits(themed)
    more(themed)
    values = plane(CONV1, 4)
    share = (values - values.min()) / (values.max() - values.min())
    themed.slide("Gamma", 2)
    tile = themed.tile(4, 28)[..., 0].astype(float)
    assert np.abs(tile - share**2 * 255).max() <= 2
    themed.slide("Gamma", 1)
    check(themed, "Invert")
    tile = themed.tile(4, 28)[..., 0].astype(float)
    assert np.abs(tile - (1 - share) * 255).max() <= 1.5
    assert limits(themed) == before


def test_clipped_pixels_can_be_marked(themed: Dashboard) -> None:
    """Values outside typed limits take two colours of their own, those inside none of them."""
    themed.open(layer=CONV1, window='{"range":"manual","manual":[0.5,1.5],"colormap":"grey"}')
    more(themed)
    check(themed, "Mark clipped")
    values, tile = plane(CONV1, 11), themed.tile(11, 28)[..., :3]
    assert {tuple(p) for p in tile[values < 0.499]} == {(0x29, 0x79, 0xFF)}
    assert {tuple(p) for p in tile[values > 1.501]} == {(0xFF, 0x17, 0x44)}
    inside = tile[(values > 0.501) & (values < 1.499)]
    assert (inside[:, 0] == inside[:, 1]).all()
    legend = themed.root.get_by_role("list", name="Marks")
    assert legend.get_by_role("listitem").all_inner_texts() == ["below", "above"]


def test_legend_names_the_marks_of_what_is_there(dashboard: Dashboard) -> None:
    """NaN and infinities appear in the legend where the layer holds some, and only there."""
    dashboard.open(layer="head/broken")
    legend = dashboard.root.get_by_role("list", name="Marks")
    assert legend.get_by_role("listitem").all_inner_texts() == ["NaN", "+Inf", "−Inf"]
    dashboard.select_layer(CONV1)
    assert legend.count() == 0


def test_wrong_limits_are_refused_with_a_reason(dashboard: Dashboard) -> None:
    """What is no number, or a minimum above the maximum, changes nothing and says so."""
    dashboard.open(layer=CONV1, window=GREY, channel=4)
    before = limits(dashboard)
    field = dashboard.root.get_by_label("Minimum", exact=True)
    for text, reason in (("much", "is not a number"), ("1e9", "minimum must be below maximum")):
        field.fill(text)
        field.press("Enter")
        assert reason in dashboard.root.get_by_role("alert").inner_text()
        assert field.get_attribute("aria-invalid") == "true"
        field.press("Escape")
    assert limits(dashboard) == before


COLUMN = """
(canvas, share) => {
  const x = Math.round(share * canvas.width), { height } = canvas;
  const { data } = canvas.getContext("2d").getImageData(x, 0, 1, height);
  return Array.from({ length: height }, (_, y) => data.slice(4 * y, 4 * y + 3).join());
}
"""


def bar_at(dashboard: Dashboard, share: float) -> bool:
    """Whether a bar stands at a share of the histogram's width, under the flags of the ends."""
    dashboard.settle()
    column = histogram(dashboard).evaluate(COLUMN, share)
    return column[7] != column[26] == column[40]


def test_constant_and_dead_channels_say_their_one_value(themed: Dashboard) -> None:
    """A constant's window reaches from zero to itself, a dead channel's is its zero; a bar each."""
    themed.open(layer=CONV1, channel=7)
    scope = themed.root.locator(".values .scope")
    expect(scope).to_have_text("channel 7: all values 2.5")
    assert limits(themed) == pytest.approx((0, 2.5))
    at = (8 + (2.5 + 0.625) / 3.75 * 248) / 264
    assert bar_at(themed, at - 4 / 264)
    assert not bar_at(themed, at - 12 / 264)
    themed.cell(5).click()
    expect(scope).to_have_text("channel 5: all values 0")
    assert limits(themed) == (0, 0)
    assert bar_at(themed, 0.5 - 4 / 264)
    assert bar_at(themed, 0.5 + 4 / 264)
    assert {tuple(p) for p in themed.tile(5, 28)[..., :3].reshape(-1, 3)} == {(68, 1, 84)}


def test_the_window_of_a_dead_channel_can_be_moved(dashboard: Dashboard) -> None:
    """From its zero a limit can be typed and an end dragged."""
    dashboard.open(layer=CONV1, channel=5)
    box = histogram(dashboard).bounding_box()
    assert box is not None
    x = 8 + 0.75 * (box["width"] - 16)
    histogram(dashboard).click(position={"x": x, "y": 20})
    assert limits(dashboard) == pytest.approx((0, 0.5), abs=0.01)
    press(dashboard, "Reset")
    field = dashboard.root.get_by_label("Minimum", exact=True)
    field.fill("-3")
    field.press("Enter")
    assert limits(dashboard) == (-3, 0)


def test_nothing_shifts_with_the_legend_or_more(dashboard: Dashboard) -> None:
    """Marks of NaN and what `More` opens leave every control where it was, and nothing scrolls."""
    dashboard.open(layer="head/broken")
    column = dashboard.root.get_by_role("complementary", name="Values and inspector")
    places = "c => [...c.querySelectorAll('input, canvas, h2, svg')].map(e => e.offsetTop)"
    legend = dashboard.root.get_by_role("list", name="Marks")
    expect(legend).to_be_visible()
    with_marks = column.evaluate(places)
    dashboard.select_layer(CONV1)
    expect(legend).to_have_count(0)
    brightness = dashboard.root.get_by_role("slider", name="Brightness", exact=True)
    before = brightness.bounding_box()
    dashboard.select_layer("head/broken")
    expect(legend).to_be_visible()
    assert brightness.bounding_box() == before
    more(dashboard)
    gamma = dashboard.root.get_by_role("slider", name="Gamma", exact=True)
    expect(gamma).to_be_visible()
    assert brightness.bounding_box() == before
    assert column.evaluate("c => c.scrollHeight <= c.clientHeight")
    gamma.press("Escape")
    expect(gamma).to_have_count(0)
    assert column.evaluate(places) == with_marks


def test_limits_that_leave_nothing_between_them_are_said(themed: Dashboard) -> None:
    """A typed maximum goes on into the next layer: so much is clipped, and Auto is beside it."""
    themed.open(layer=CONV2, window='{"range":"manual","manual":[-0.5,0.5]}')
    share = (np.abs(scenes.layers(70)[CONV2][0]) > 0.5).mean()
    assert 0.5 < share < 0.99
    said = themed.root.locator(".clipped")
    expect(said).to_have_text(f"{share * 100:.0f} % clipped Auto")
    assert themed.axe() == []
    themed.screenshot("clipped")
    said.get_by_role("button", name="Auto").click()
    expect(said).to_have_count(0)
    expect(themed.root.get_by_role("combobox", name="Range", exact=True)).to_have_value("channel")
