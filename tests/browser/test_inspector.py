"""The channel inspector: the selected channel's pixels, numbers, input, course and film."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from browser import scenes
from browser.dashboard import Dashboard
from browser.test_values import grey_of
from tb_activations.record.run import Field

CONV1 = "encoder/conv1"
GREY = '{"limits":"minmax","colormap":"grey"}'

# A canvas as `[height][width][4]`, read at the middle of each of `columns` × `rows` cells.
READ = """
(canvas, [columns, rows]) => {
  const context = canvas.getContext("2d");
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  const out = [];
  for (let y = 0; y < rows; y++) for (let x = 0; x < columns; x++) {
    const px = Math.floor(((x + 0.5) * canvas.width) / columns);
    const py = Math.floor(((y + 0.5) * canvas.height) / rows);
    out.push(...data.slice(4 * (py * canvas.width + px), 4 * (py * canvas.width + px) + 4));
  }
  return out;
}
"""


def inspector(dashboard: Dashboard):
    return dashboard.root.get_by_role("region", name="Channel inspector")


def enlarged(dashboard: Dashboard):
    return inspector(dashboard).get_by_role("img", name=re.compile("enlarged$"))


def read(canvas, columns: int, rows: int) -> np.ndarray:
    values = canvas.evaluate(READ, [columns, rows])
    return np.array(values, np.uint8).reshape(rows, columns, 4)


def plane(tag: str, channel: int, step: int = 70, example: int = 0) -> np.ndarray:
    return scenes.layers(step)[tag][example, ..., channel].astype(np.float64)


def statistics(dashboard: Dashboard) -> dict[str, str]:
    group = inspector(dashboard).get_by_role("group", name="Statistics")
    texts = group.get_by_role("button").all_inner_texts()
    return dict(text.split("\n") for text in texts)


def test_enlarged_tile_shows_the_selected_channel(themed: Dashboard) -> None:
    """A click on a tile enlarges it: the same values under the same window."""
    themed.open(layer=CONV1, window=GREY)
    themed.cell(4).click()
    values = plane(CONV1, 4)
    pixels = read(enlarged(themed), 28, 28)[..., 0].astype(float)
    assert np.abs(pixels - grey_of(values, values.min(), values.max())).max() <= 1.5
    assert inspector(themed).get_by_role("heading").first.inner_text() == "Channel 4"


def test_the_enlarged_tile_grows_with_the_height_of_the_window_alone(dashboard: Dashboard) -> None:
    """As where a wide window is maximised; the smaller size comes back with the lower window."""
    dashboard.page.set_viewport_size({"width": 2000, "height": 900})
    dashboard.open(layer=CONV1, window=GREY, channel=2)
    expect(enlarged(dashboard)).to_have_css("width", "224px")
    dashboard.page.set_viewport_size({"width": 2000, "height": 1300})
    expect(enlarged(dashboard)).not_to_have_css("width", "224px")
    assert enlarged(dashboard).evaluate("c => c.clientWidth") >= 252
    dashboard.page.set_viewport_size({"width": 2000, "height": 900})
    expect(enlarged(dashboard)).to_have_css("width", "224px")


def test_hover_does_not_change_the_inspector(dashboard: Dashboard) -> None:
    """Only click or focus moves the inspector to another channel."""
    dashboard.open(layer=CONV1, window=GREY, channel=2)
    dashboard.cell(8).hover()
    assert inspector(dashboard).get_by_role("heading").first.inner_text() == "Channel 2"


def test_statistics_are_those_of_the_whole_batch(dashboard: Dashboard) -> None:
    """Minimum, maximum, mean, deviation and zeros agree with NumPy over all examples."""
    dashboard.open(layer=CONV1, channel=11)
    values = scenes.layers(70)[CONV1][..., 11].astype(np.float64)
    group = inspector(dashboard).get_by_role("group", name="Statistics")
    expect(group).not_to_contain_text("…")
    expect(group.get_by_role("heading")).to_have_text("Statistics, all 4 examples")
    said = statistics(dashboard)
    assert float(said["max"]) == pytest.approx(values.max(), rel=1e-3)
    assert float(said["mean"]) == pytest.approx(values.mean(), rel=1e-2)
    assert float(said["std"]) == pytest.approx(values.std(), rel=1e-2)
    assert said["zeros"] == f"{round(100 * (values == 0).mean())} %"
    assert said["non-finite"] == "0"


def test_dead_and_silent_are_said_with_their_evidence(dashboard: Dashboard) -> None:
    """Dead is zero in all examples; silent only in this one; constant has one value."""
    dashboard.open(layer=CONV1, channel=5)
    state = inspector(dashboard).locator(".state")
    expect(state).to_have_text("dead: zero in all 4 examples")
    dashboard.cell(9).click()
    expect(state).to_have_text("silent in this example")
    dashboard.cell(7).click()
    expect(state).to_have_text("constant in all 4 examples")


def test_values_stand_in_pixels_that_are_large_enough(dashboard: Dashboard) -> None:
    """Zooming in writes numbers into the pixels, which a plain tile has none of."""
    dashboard.open(layer=CONV1, window=GREY, channel=4)
    count = "c => new Set(c.getContext('2d').getImageData(0, 0, c.width, c.height).data).size"
    plain = enlarged(dashboard).evaluate(count)
    drawn = dashboard.frame.evaluate(
        """() => { const seen = []; const real = CanvasRenderingContext2D.prototype.fillText;
        CanvasRenderingContext2D.prototype.fillText = function (t, ...r) {
          seen.push(t); return real.call(this, t, ...r); };
        window.written = seen; return seen.length; }"""
    )
    assert drawn == 0
    for _ in range(3):
        inspector(dashboard).get_by_role("button", name="Zoom in").click()
    dashboard.settle()
    assert plain > 0
    written = dashboard.frame.evaluate("window.written.splice(0).slice(-16)")
    shown = {float(text) for text in written}
    values = plane(CONV1, 4)
    for number in shown:
        assert np.abs(values - number).min() < 0.05
    box = enlarged(dashboard)
    box.press("0")
    assert inspector(dashboard).get_by_role("button", name="Zoom out").is_disabled()


def part(field: Field, i: int, side: int, *, middle: bool = False) -> list[float]:
    """Start and length, in percent of the input's side, of what position i sees, or its middle."""
    width = max(field.stride, 1) if middle else field.size
    start = field.start + i * field.stride + (field.size - width) / 2
    ends = np.clip([start / side, (start + width) / side], 0, 1) * 100
    return [ends[0], ends[1] - ends[0]]


def test_marked_pixel_and_patch_follow_the_cursor(dashboard: Dashboard) -> None:
    """The value under the cursor stands in the inspector, and on the input what that pixel sees."""
    dashboard.open(layer=CONV1, window=GREY, channel=4)
    box = enlarged(dashboard).bounding_box()
    assert box is not None
    zoom = box["width"] / 28
    dashboard.page.mouse.move(box["x"] + 12.5 * zoom, box["y"] + 3.5 * zoom)
    value = inspector(dashboard).locator(".value").inner_text()
    assert float(value) == pytest.approx(plane(CONV1, 4)[3, 12], rel=2e-3, abs=2e-3)
    assert dashboard.status.startswith("channel 4, x 12, y 3: ")
    rows, columns = scenes.FIELDS["input"][CONV1]
    for mark, middle in ((".patch:not(.middle)", False), (".patch.middle", True)):
        style = "e => ['left', 'width', 'top', 'height'].map(name => parseFloat(e.style[name]))"
        patch = inspector(dashboard).locator(mark).evaluate(style)
        wanted = part(columns, 12, 20, middle=middle) + part(rows, 3, 16, middle=middle)
        assert patch == pytest.approx(wanted, rel=1e-3)


def test_where_no_field_is_known_there_is_no_box(dashboard: Dashboard) -> None:
    """A layer whose receptive field was not logged has a marked pixel and no box on the input."""
    dashboard.open(layer="encoder/conv2", window=GREY, channel=4)
    box = enlarged(dashboard).bounding_box()
    assert box is not None
    dashboard.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert dashboard.status.startswith("channel 4, x 7, y 7: ")
    assert inspector(dashboard).locator(".patch").count() == 0


def test_arrows_move_the_mark_in_the_enlarged_tile(dashboard: Dashboard) -> None:
    """With the keyboard on the enlarged tile, arrows move the mark and its value is said."""
    dashboard.open(layer=CONV1, window=GREY, channel=4)
    enlarged(dashboard).focus()
    for key in ("ArrowRight", "ArrowDown", "ArrowDown", "ArrowLeft", "ArrowLeft"):
        dashboard.page.keyboard.press(key)
    value = inspector(dashboard).locator(".value").inner_text()
    assert float(value) == pytest.approx(plane(CONV1, 4)[16, 13], rel=2e-3, abs=2e-3)


def test_input_lies_over_the_tile_at_one_key(dashboard: Dashboard) -> None:
    """`i` blends the input, in colour, half and half over the enlarged tile, and takes it away."""
    dashboard.open(layer=CONV1, window=GREY, channel=4)
    button = inspector(dashboard).get_by_role("button", name="Input over it")
    before = read(enlarged(dashboard), 28, 28)
    assert (before[..., 0] == before[..., 2]).all()
    dashboard.cell(4).focus()
    dashboard.page.keyboard.press("i")
    assert button.get_attribute("aria-pressed") == "true"
    over = read(enlarged(dashboard), 28, 28).astype(int)
    assert np.abs(over[..., 0] - over[..., 2]).max() > 30, "the input is in colour"
    dashboard.open(layer="dense", channel=4, overlay=1)
    assert button.is_disabled(), "a dense layer has no places"
    dashboard.open(layer=CONV1, window=GREY, channel=4, overlay=1)
    dashboard.cell(4).focus()
    dashboard.page.keyboard.press("i")
    assert (read(enlarged(dashboard), 28, 28) == before).all()


def test_chart_shows_a_statistic_over_steps_and_goes_to_one(themed: Dashboard) -> None:
    """The curve passes through the statistic at each step; a click goes to the nearest step."""
    themed.open(layer=CONV1, channel=4)
    panel = inspector(themed)
    panel.get_by_role("button", name=re.compile("^mean")).click()
    chart = panel.get_by_role("img", name="mean of channel 4 over steps")
    path = chart.locator("path").get_attribute("d")
    assert path is not None
    points = np.array(re.findall(r"[ML]([\d.]+) ([\d.]+)", path), float)
    means = [scenes.layers(s)[CONV1][..., 4].astype(float).mean() for s in scenes.STEPS]
    expected = (np.array(means) - min(means)) / (max(means) - min(means))
    drawn = (points[:, 1].max() - points[:, 1]) / np.ptp(points[:, 1])
    assert len(points) == len(scenes.STEPS)
    assert np.abs(drawn - expected).max() < 0.02
    box = chart.bounding_box()
    assert box is not None
    chart.click(position={"x": points[3, 0], "y": box["height"] / 2})
    themed.settle()
    values = plane(CONV1, 4, step=30)
    pixels = read(enlarged(themed), 28, 28)
    assert pixels.shape == (28, 28, 4)
    assert themed.root.get_by_text("step 30", exact=False).count() >= 1
    assert values.size == 784


def test_film_shows_the_channel_at_every_step(dashboard: Dashboard) -> None:
    """Frames are the channel at each step under one window; a click goes to the step."""
    dashboard.open(layer=CONV1, window=GREY, channel=4)
    film = inspector(dashboard).get_by_role("group", name="Film")
    frames = film.get_by_role("button")
    frames.nth(7).wait_for()
    expect(film.locator("canvas.waiting")).to_have_count(0)
    dashboard.settle()
    names = [f.get_attribute("aria-label") for f in frames.all()]
    assert names == [f"Step {s}" for s in scenes.STEPS]
    now = plane(CONV1, 4)
    for i in (0, 3):
        expected = grey_of(plane(CONV1, 4, step=scenes.STEPS[i]), now.min(), now.max())
        pixels = read(frames.nth(i).locator("canvas"), 28, 28)[..., 0].astype(float)
        assert np.abs(pixels - expected).max() <= 1.5
    assert frames.nth(7).get_attribute("aria-current") == "step"
    frames.nth(2).click()
    dashboard.settle()
    assert frames.nth(2).get_attribute("aria-current") == "step"


def test_input_stands_beside_in_colour(themed: Dashboard) -> None:
    """The input of the shown example, its three channels as red, green and blue."""
    themed.open(layer=CONV1, example=2)
    canvas = inspector(themed).locator(".input-picture canvas")
    themed.settle()
    picture = scenes.pictures()[2].astype(np.float64)
    expected = (picture - picture.min()) / (picture.max() - picture.min()) * 255
    pixels = read(canvas, 20, 16)[..., :3].astype(float)
    assert np.abs(pixels - expected).max() <= 1.5


def test_a_link_keeps_the_zoom_of_tile_and_histogram(dashboard: Dashboard) -> None:
    """A page opened anew shows the same part of the tile and the same span of the histogram."""
    dashboard.open(layer=CONV1, window=GREY, channel=4, pixel="9,5")
    inspector(dashboard).get_by_role("button", name="Zoom in").click()
    counts = dashboard.root.get_by_role("img", name=re.compile("Histogram"))
    box = counts.bounding_box()
    assert box is not None
    counts.hover(position={"x": 90, "y": 20})
    dashboard.page.keyboard.down("Control")
    dashboard.page.mouse.wheel(0, -200)
    dashboard.page.keyboard.up("Control")
    dashboard.page.mouse.move(0, 0)
    dashboard.page.wait_for_function("/zoom=.*axis=/.test(location.hash)")
    dashboard.settle()
    pictures = [read(enlarged(dashboard), 14, 14), read(counts, 66, 13)]
    link = dict(
        part.removeprefix("p.activations.").split("=")
        for part in dashboard.page.evaluate("decodeURIComponent(location.hash)").split("&")[1:]
    )
    values = plane(CONV1, 4)
    x, y, width, height = (float(number) for number in link["zoom"].split(","))
    assert (width, height) == (14, 14)
    part = values[round(y) : round(y) + 14, round(x) : round(x) + 14]
    inside = grey_of(part, values.min(), values.max())
    drawn = pictures[0][..., 0].astype(float)
    assert (np.abs(drawn - inside) <= 1.5).mean() > 0.9, "all but the mark"
    dashboard.open(**link)
    assert (read(enlarged(dashboard), 14, 14) == pictures[0]).all()
    assert (read(counts, 66, 13) == pictures[1]).all()
    dashboard.select_layer("encoder/conv2")
    assert inspector(dashboard).get_by_role("button", name="Zoom out").is_disabled()
