"""What is taken away is what was logged: the picture, the file, the line of Python."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Route, expect

from browser import scenes
from browser.dashboard import Dashboard
from browser.test_values import grey_of

CONV1 = "encoder/conv1"
GREY = '{"limits":"minmax","colormap":"grey"}'
MARGIN, HEAD, LABELS = 16, 46, 56


def panel(dashboard: Dashboard):
    """The open panel."""
    dialog = dashboard.root.get_by_role("dialog", name="Export")
    if dialog.count() == 0:
        dashboard.root.get_by_role("button", name="Export", exact=True).click()
    return dialog


def saved(dashboard: Dashboard, button: str) -> tuple[str, bytes]:
    """Name and bytes of the file that a button of the panel downloads."""
    with dashboard.page.expect_download() as download:
        panel(dashboard).get_by_role("button", name=button).click()
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def pixels_of(blob: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(blob)).convert("RGBA"))


@pytest.mark.both_themes
def test_picture_holds_the_filtered_channels(themed: Dashboard) -> None:
    """Six channels that were searched for, each pixel its value, on white in either theme."""
    themed.open(layer=CONV1, window=GREY)
    field = themed.root.get_by_label("Channels to show", exact=True)
    field.fill("0-4, 11")
    themed.wait_idle()
    tile = themed.cell(0).bounding_box()
    assert tile is not None
    for scale in (1, 3):
        panel(themed).get_by_label("Scale", exact=True).select_option(str(scale))
        name, blob = saved(themed, "Save PNG")
        assert name == "encoder-conv1_step70_example0.png"
        picture = pixels_of(blob)
        assert tuple(picture[2, 2]) == (255, 255, 255, 255)
        zoom = round(tile["width"] / 28) * scale
        top = (MARGIN + HEAD) * scale
        for i, channel in enumerate((0, 1, 2, 3, 4, 11)):
            left = round((MARGIN + i * (tile["width"] + 8)) * scale)
            part = picture[top : top + 28 * zoom, left : left + 28 * zoom]
            shown = part[zoom // 2 :: zoom, zoom // 2 :: zoom, 0].astype(float)
            plane = scenes.layers(70)[CONV1][0, ..., channel].astype(np.float64)
            assert np.abs(shown - grey_of(plane, plane.min(), plane.max())).max() <= 1.5


@pytest.mark.both_themes
def test_picture_of_a_matrix_is_the_matrix_on_screen(themed: Dashboard) -> None:
    """Cells as large, bands as wide as there, every value in its place; rows and columns named."""
    themed.open(layer="dense", window=GREY)
    cells = [themed.cell(channel).bounding_box() for channel in range(20)]
    boxes = [box for box in cells if box]
    rows = scenes.layers(70)["dense"].astype(np.float16).astype(np.float64)
    side = round(boxes[0]["width"])
    columns = sum(box["y"] == boxes[0]["y"] for box in boxes)
    pitch = round(next((box["y"] for box in boxes if box["y"] != boxes[0]["y"]), 0) - boxes[0]["y"])
    for scale in (1, 2):
        panel(themed).get_by_label("Scale", exact=True).select_option(str(scale))
        texts = written(themed)
        picture = pixels_of(saved(themed, "Save PNG")[1])
        for channel in range(20):
            band, column = divmod(channel, columns)
            left = (MARGIN + LABELS + column * side) * scale
            top = (MARGIN + HEAD + band * pitch) * scale
            # At the corner of a cell, where no number is written.
            corner = picture[top + 2 :: side * scale, left + 2][: len(rows), 0].astype(float)
            expected = grey_of(rows[:, channel], rows.min(), rows.max())
            assert np.abs(corner - expected).max() <= 1.5
        assert {"0 “cat”", "3 “frog”", "0", "1"} <= set(texts())


def test_picture_of_a_sequence_has_its_channels_in_rows(dashboard: Dashboard) -> None:
    """Positions from left to right, each row as high as on screen, both named."""
    dashboard.open(layer="tokens", window=GREY)
    box = dashboard.cell(0).bounding_box()
    assert box is not None
    cell, high = round(box["width"] / 12), round(box["height"])
    values = scenes.layers(70)["tokens"][0].astype(np.float16).astype(np.float64)
    panel(dashboard).get_by_label("Scale", exact=True).select_option("1")
    texts = written(dashboard)
    picture = pixels_of(saved(dashboard, "Save PNG")[1])
    for channel in range(20):
        row = picture[MARGIN + HEAD + channel * high + 2, MARGIN + LABELS + 2 :: cell, 0]
        expected = grey_of(values[:, channel], values.min(), values.max())
        assert np.abs(row[:12].astype(float) - expected).max() <= 1.5
    assert {"0", "19", "10"} <= set(texts())


def written(dashboard: Dashboard) -> Callable[[], list[str]]:
    """Listens to what is written on canvases from now on."""
    dashboard.frame.evaluate(
        "() => { const own = window.ownFillText ??= CanvasRenderingContext2D.prototype.fillText;"
        " window.texts = [];"
        " CanvasRenderingContext2D.prototype.fillText = function (text, ...rest) {"
        "   window.texts.push(text); return own.call(this, text, ...rest); } }"
    )
    return lambda: dashboard.frame.evaluate("window.texts")


def test_picture_names_no_limit_that_is_not_there(dashboard: Dashboard) -> None:
    """A channel of zeros says 0, one of 2.5 says 2.5; neither has a second end."""
    dashboard.open(layer=CONV1, search="5, 7, 9, 11")
    panel(dashboard)
    texts = written(dashboard)
    saved(dashboard, "Save PNG")
    plane = scenes.layers(70)[CONV1][0, ..., 11].astype(np.float16)
    found = texts()
    at = {channel: found[found.index(channel) + 1] for channel in ("5", "7", "9", "11")}
    assert (at["5"], at["9"]) == ("0", "0")
    assert float(at["7"]) == 2.5
    low, high = map(float, at["11"].split(" … "))
    assert low == plane.min() == 0
    assert 0 < high <= plane.max() * 1.001


@pytest.mark.parametrize(("step", "marks"), [(0, []), (60, ["NaN"]), (70, ["NaN", "+Inf", "−Inf"])])
def test_picture_names_the_marks_that_are_there(
    dashboard: Dashboard, step: int, marks: list[str]
) -> None:
    """As the legend on screen does."""
    dashboard.open(layer="head/broken", step=step)
    panel(dashboard)
    texts = written(dashboard)
    saved(dashboard, "Save PNG")
    assert [text for text in texts() if text in ("NaN", "+Inf", "−Inf")] == marks
    legend = dashboard.root.get_by_role("list", name="Marks")
    expect(legend.get_by_role("listitem")).to_have_count(len(marks))
    if marks:
        assert legend.get_by_role("listitem").all_inner_texts() == marks


def test_picture_can_be_transparent(dashboard: Dashboard) -> None:
    """Without a background, what is around the tiles is clear."""
    dashboard.open(layer=CONV1, window=GREY)
    panel(dashboard).get_by_label("Background", exact=True).select_option("transparent")
    picture = pixels_of(saved(dashboard, "Save PNG")[1])
    assert picture[2, 2, 3] == 0
    assert picture[2 * (MARGIN + HEAD + 20), 2 * (MARGIN + 20), 3] == 255


def test_colour_bar_runs_over_the_limits(dashboard: Dashboard) -> None:
    """The bar at the foot goes from the first to the last colour, with one window for all."""
    dashboard.open(layer=CONV1, window='{"range":"manual","manual":[0.5,2],"colormap":"grey"}')
    panel(dashboard).get_by_label("Scale", exact=True).select_option("1")
    picture = pixels_of(saved(dashboard, "Save PNG")[1])[..., :3].astype(int)
    rows = [
        y
        for y in range(picture.shape[0])
        if picture[y, MARGIN].max() < 4
        and picture[y, MARGIN + 319].min() > 250
        and 120 < picture[y, MARGIN + 160, 0] < 135
    ]
    assert len(rows) >= 10


def test_npy_holds_the_whole_tensor(dashboard: Dashboard) -> None:
    """All stored examples and channels, channels second, as true float32 values."""
    dashboard.open(layer="head/broken", example=1)
    name, blob = saved(dashboard, "Save NPY")
    assert name == "head-broken_step70.npy"
    array = np.load(io.BytesIO(blob))
    assert array.dtype == np.float32
    expected = np.moveaxis(scenes.layers(70)["head/broken"], -1, 1)
    assert array.shape == expected.shape
    np.testing.assert_allclose(array, expected, rtol=2**-11, atol=1e-6)


def test_line_of_python_loads_the_tensor(dashboard: Dashboard, tmp_path: Path) -> None:
    """Run as it stands, in a fresh interpreter, the line yields the logged values."""
    dashboard.open(layer="encoder/conv2")
    line = panel(dashboard).get_by_role("textbox", name="Python that loads").input_value()
    script = f"{line}\nnp.save({'values.npy'!r}, values)"
    directory = tmp_path
    subprocess.run([sys.executable, "-c", script], cwd=directory, check=True)
    expected = np.moveaxis(scenes.layers(70)["encoder/conv2"], -1, 1)
    loaded = np.load(directory / "values.npy")
    np.testing.assert_allclose(loaded, expected, rtol=2**-11, atol=1e-6)


def test_panel_closes_on_escape_and_gives_the_focus_back(dashboard: Dashboard) -> None:
    """Escape closes the panel; the button that opened it has the focus."""
    dashboard.open(layer=CONV1)
    dialog = panel(dashboard)
    dialog.wait_for()
    dashboard.screenshot("export")
    dashboard.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    focused = dashboard.frame.evaluate("document.activeElement.textContent")
    assert focused == "Export"


def test_what_few_open_is_fetched_when_it_is_opened(dashboard: Dashboard) -> None:
    """One script, once, and no second copy of the first; where it fails, a try again brings it."""
    asked: list[str] = []

    def fails(route: Route) -> None:
        asked.append(route.request.url)
        if len(asked) == 1:
            route.abort()
        else:
            route.fulfill(status=404, body="v is '0'; reload the page")

    scripts = "**/activations/*.js*"
    dashboard.page.route(scripts, lambda route: asked.append(route.request.url) or route.fallback())
    dashboard.open(layer=CONV1)
    assert [address.rsplit("/", 1)[1] for address in asked] == ["index.js"]
    asked.clear()
    dashboard.page.unroute(scripts)
    dashboard.page.route(scripts, fails)
    said = panel(dashboard).get_by_role("alert")
    expect(said).to_contain_text("TensorBoard did not answer for this part of the page.")
    said.get_by_role("button", name="Try again").click()
    dashboard.until(lambda: len(asked) == 2)
    expect(said).to_contain_text("reload the page")
    assert dashboard.axe() == []
    dashboard.screenshot("export-failed")
    assert "v is '0'" not in panel(dashboard).inner_text()
    dashboard.problems.clear()  # the two that failed
    dashboard.page.unroute(scripts)
    dashboard.page.on("request", lambda request: asked.append(request.url))
    said.get_by_role("button", name="Try again").click()
    panel(dashboard).get_by_role("button", name="Save PNG").wait_for()
    expect(panel(dashboard).get_by_label("Scale", exact=True)).to_be_focused()
    later = [address for address in asked if ".js" in address]
    assert len({*later}) == 3 and all("more.js?v=" in address for address in later)
    dashboard.page.keyboard.press("Escape")
    dashboard.page.keyboard.press("?")
    expect(dashboard.root.get_by_role("checkbox", name="Single keys")).to_be_visible()
    dashboard.page.keyboard.press("Escape")
    assert len([address for address in asked if ".js" in address]) == 3


def test_picture_holds_both_when_comparing(dashboard: Dashboard) -> None:
    """Side by side, each tile of the picture is followed by the same channel of the first step."""
    dashboard.open(layer=CONV1, window=GREY)
    compare = dashboard.root.get_by_role("button", name="Compare", exact=True)
    compare.click()
    dashboard.root.get_by_text("left step 70, right step 0").wait_for()
    dashboard.settle()
    panel(dashboard).get_by_label("Scale", exact=True).select_option("1")
    picture = pixels_of(saved(dashboard, "Save PNG")[1])
    now, first = (scenes.layers(s)[CONV1][0, ..., 0].astype(np.float64) for s in (70, 0))
    expected = np.hstack([grey_of(p, now.min(), now.max()) for p in (now, first)])
    top, left = MARGIN + HEAD, MARGIN
    zooms = [
        zoom
        for zoom in range(1, 8)
        if np.abs(
            picture[top + zoom // 2 :: zoom, left + zoom // 2 :: zoom, 0][:28, :56].astype(float)
            - expected
        ).max()
        <= 1.5
    ]
    assert len(zooms) == 1
    compare.click()


def test_figure_of_six_channels_takes_few_clicks(dashboard: Dashboard) -> None:
    """From the open tab: name six channels, then two clicks."""
    dashboard.open(layer=CONV1)
    clicks = 1
    field = dashboard.root.get_by_label("Channels to show", exact=True)
    field.click()
    dashboard.page.keyboard.type("0-5")
    dashboard.wait_idle()
    dashboard.root.get_by_role("button", name="Export", exact=True).click()
    clicks += 1
    name, _ = saved(dashboard, "Save PNG")
    clicks += 1
    assert name.endswith(".png")
    assert clicks <= 4
