"""Attribution maps: what one sees is what the method said, signed, beside and over the input."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

import attribution_log as log
import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, expect
from servers import Server, tensorboard_server

from browser.conftest import new_dashboard, shared
from browser.dashboard import Dashboard
from browser.test_export import HEAD, MARGIN, panel, pixels_of, saved
from tb_activations.eventfile.event import activation_event
from tb_activations.eventfile.writer import EventWriter
from tb_activations.record.checks import CHECK_TAG, Check, check_blobs
from tb_activations.record.metadata import summary_metadata

SIDE = log.SIDE
INTEGRATED = "attribution/integrated_gradients"
CAM = "attribution/grad_cam"
INNER = "attribution/integrated_gradients/conv1"
# d3's RdBu, from red to blue: the colours that the map is splined through.
STOPS = ("67001f", "b2182b", "d6604d", "f4a582", "fddbc7", "f7f7f7",
         "d1e5f0", "92c5de", "4393c3", "2166ac", "053061")  # fmt: skip
WEIGHTS = (0.299, 0.587, 0.114)
TINT = 0.35  # of the map, on either side of its middle: the colour of a sign over the input

# The map of one example and target as `[rows][columns][4]`, one entry a value.
READ = """
([name, columns, rows, part, parts]) => {
  const cell = document.querySelector(`[role=gridcell][aria-label="${name}"]`);
  const canvas = cell.parentElement.querySelector("canvas.strip");
  const box = canvas.getBoundingClientRect();
  const scale = canvas.width / box.width;
  const left = Math.round((cell.getBoundingClientRect().left - box.left) * scale);
  const width = Math.round((cell.getBoundingClientRect().width * scale) / parts);
  const { data } = canvas.getContext("2d")
    .getImageData(left + part * width, 0, width, canvas.height);
  const times = width / columns;
  const out = [];
  for (let y = 0; y < rows; y++) for (let x = 0; x < columns; x++) {
    const at = 4 * (Math.floor((y + 0.5) * times) * width + Math.floor((x + 0.5) * times));
    out.push(...data.slice(at, at + 4));
  }
  return out;
}
"""

# Of each number that is written: whether its ink is white, and the brightness of what is under it.
INKS = """
() => {
  const real = CanvasRenderingContext2D.prototype.fillText;
  window.inks = [];
  CanvasRenderingContext2D.prototype.fillText = function (text, x, y, ...rest) {
    const { a, d } = this.getTransform();
    const [r, g, b] = this.getImageData(Math.round(a * x), Math.round(d * y), 1, 1).data;
    window.inks.push([this.fillStyle === "#ffffff", 0.299 * r + 0.587 * g + 0.114 * b]);
    return real.call(this, text, x, y, ...rest);
  };
}
"""


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, log.Logged]:
    directory = tmp_path_factory.mktemp("attributions")
    logged = log.write(directory / "run")
    failed = Check("grad_cam", "fails", 0.91, 0.5, {"relu": False}, "conv2", "permuted",
                   (("out",),), (0.91,), (0.91,))  # fmt: skip
    about = summary_metadata("run", 0)
    with EventWriter(directory / "run") as writer:
        blobs = check_blobs(failed)
        writer.write(activation_event(f"{CHECK_TAG}grad_cam", blobs, 20, log.START + 20, about))
    return str(directory), logged


@pytest.fixture(scope="module")
def server(logged: tuple[str, log.Logged]) -> Iterator[Server]:
    with tensorboard_server(logged[0]) as server:
        server.wait_for_tags("conv2", "input", run="run")
        yield server


@pytest.fixture
def page(browser: Browser, server: Server, _themes: dict, theme: str) -> Iterator[Dashboard]:
    """The page of each theme in turn."""
    yield from shared(browser, server, _themes, theme, "attributions")


@pytest.fixture
def light(browser: Browser, server: Server, _themes: dict) -> Iterator[Dashboard]:
    yield from shared(browser, server, _themes, "light", "attributions")


def maps_of(page: Dashboard) -> Locator:
    return page.root.get_by_role("grid", name="Maps")


def cell(page: Dashboard, example: int, name: str) -> Locator:
    return maps_of(page).get_by_role("gridcell", name=f"example {example}, {name}", exact=True)


def tile(page: Dashboard, example: int, name: str, part: int = 0, parts: int = 1) -> np.ndarray:
    """Colours of a map, float `[side, side, 3]`."""
    page.drawn()
    answer = page.frame.evaluate(READ, [f"example {example}, {name}", SIDE, SIDE, part, parts])
    return np.array(answer, float).reshape(SIDE, SIDE, 4)[..., :3]


def values(tag: str, step: int = 20) -> np.ndarray:
    """As they are stored, float64 `[n, …, c]`."""
    kept = log.maps(log.TAGS[tag], step)
    scale = 2.0 ** (np.floor(np.log2(np.abs(kept).max())) - 15)
    return (kept / scale).astype(np.float32).astype(np.float16).astype(np.float64) * scale


def red_blue(share: np.ndarray) -> np.ndarray:
    """d3's `interpolateRdBu`: a cubic B-spline through its colours; `[…, 3]`."""
    colours = np.array([[int(stop[i : i + 2], 16) for i in (0, 2, 4)] for stop in STOPS], float)
    ends = (2 * colours[0] - colours[1], 2 * colours[-1] - colours[-2])
    colours = np.vstack([ends[0], colours, ends[1]])
    share = np.clip(share, 0, 1)
    at = np.minimum(np.floor(share * 10), 9).astype(int)
    t = (share * 10 - at)[..., None]
    a, b, c, d = (colours[at + i] for i in range(4))
    return ((1 - t) ** 3 * a + (4 - 6 * t**2 + 3 * t**3) * b
            + (1 + 3 * t + 3 * t**2 - 3 * t**3) * c + t**3 * d) / 6  # fmt: skip


def coloured(plane: np.ndarray, bound: float) -> np.ndarray:
    """Blue below, white at and red above zero, to the 1024 shades of the page."""
    shade = np.clip(np.floor((plane / bound + 1) * 512), 0, 1023)
    return red_blue(1 - (shade + 0.5) / 1024)


def over(plane: np.ndarray, bound: float, example: int, opacity: float) -> np.ndarray:
    """The input in grey, the colour of the sign as opaque as the value is large."""
    picture = log.inputs()[example].astype(np.float64)
    share = (picture - picture.min()) / (picture.max() - picture.min())
    grey = (share * 255 * WEIGHTS).sum(axis=-1)[..., None]
    alpha = opacity * np.clip(np.abs(plane) / bound, 0, 1)[..., None]
    tint = red_blue(0.5 - TINT * np.sign(plane))
    return grey * (1 - alpha) + tint * alpha


def bound_of(planes: np.ndarray, share: float = 99.5) -> float:
    return float(np.percentile(np.abs(planes), share))


def bilinear(plane: np.ndarray) -> np.ndarray:
    """To the input's size, between the middles of cells."""
    count = len(plane)
    at = np.clip((np.arange(SIDE) + 0.5) * count / SIDE - 0.5, 0, count - 1)
    grid = np.arange(count)
    rows = np.stack([np.interp(at, grid, column) for column in plane.T], axis=1)
    return np.stack([np.interp(at, grid, row) for row in rows])


def assert_close(found: np.ndarray, wanted: np.ndarray, within: float = 3) -> None:
    assert np.abs(found - wanted).max() <= within


@pytest.mark.parametrize("example", [0, 3])
def test_maps_are_the_values_about_zero(page: Dashboard, example: int) -> None:
    """Blue to red about zero, bound at the 99.5th percentile of the example's magnitudes."""
    page.open(layer=INTEGRATED)
    stored = values(INTEGRATED)[example]
    for target in (0, 1):
        name = log.CLASSES[log.TWO[example][target]]
        plane = stored[..., target]
        assert_close(tile(page, example, name), coloured(plane, bound_of(stored)))
    page.screenshot(f"attribution-{example}")


def test_a_map_over_the_input_shows_the_picture_at_zero(page: Dashboard) -> None:
    """Grey input, opacity × |value|: at an opacity of 0 nothing but the picture is left."""
    page.open(layer=INTEGRATED, overlay=1)
    stored = values(INTEGRATED)[1]
    name, bound = log.CLASSES[1], bound_of(stored)
    assert_close(tile(page, 1, name), over(stored[..., 0], bound, 1, 0.6))
    page.screenshot("attribution-over")
    page.slide("Opacity", 1)
    assert_close(tile(page, 1, name), over(stored[..., 0], bound, 1, 1))
    page.slide("Opacity", 0)
    grey = tile(page, 1, name)
    assert_close(grey, over(stored[..., 0], bound, 1, 0))
    assert (grey[..., 0] == grey[..., 2]).all()
    cell(page, 1, name).press("i")
    assert_close(tile(page, 1, name), coloured(stored[..., 0], bound))


@pytest.mark.parametrize(("smooth", "choice"), [(True, "bilinear"), (False, "nearest")])
def test_a_coarse_map_is_enlarged_as_it_says(light: Dashboard, smooth: bool, choice: str) -> None:
    """Grad-CAM's 6×6 cells are interpolated by default, squares on demand; the label says so."""
    light.open(layer=CAM)
    field = light.root.get_by_role("combobox", name="Upsampled 6×6")
    expect(field).to_have_value("bilinear")
    field.select_option(choice)
    stored = values(CAM)[2]
    plane, bound = stored[..., 0], bound_of(stored)
    cells = (np.arange(SIDE) + 0.5) * 6 // SIDE
    nearest = plane[np.ix_(cells.astype(int), cells.astype(int))]
    wanted = bilinear(plane) if smooth else nearest
    assert_close(tile(light, 2, "two"), coloured(wanted, bound), 4)


def test_the_sign_is_shown_dropped_or_folded(light: Dashboard) -> None:
    """ReLU shows what speaks against as zero, |·| shows it in red; the bound stays."""
    light.open(layer=INTEGRATED)
    stored = values(INTEGRATED)[0]
    bound = bound_of(stored)
    for choice, made in (("relu", np.maximum(stored, 0)), ("abs", np.abs(stored))):
        light.choose("Sign", choice)
        assert_close(tile(light, 0, "one"), coloured(made[..., 1], bound))
    light.page.wait_for_function("location.hash.includes('maps=')")


def test_captions_say_class_score_probability_and_gap(light: Dashboard) -> None:
    """To the numbers logged; a gap over 5 % is called high, over 20 % very high."""
    light.open(layer=INTEGRATED)
    scores = log.scores(log.TAGS[INTEGRATED], log.maps(log.TAGS[INTEGRATED], 20), 20)
    said = cell(light, 2, "two").get_attribute("aria-description") or ""
    found = re.fullmatch(r"score (\S+), (\d+) %, gap (\S+) %", said)
    assert found, said
    assert float(found[1]) == pytest.approx(scores.scores[2, 0], rel=5e-3)
    assert int(found[2]) == round(100 * scores.probabilities[2, 0])
    whole = scores.scores[2, 0] - scores.baseline_scores[2, 0]
    assert float(found[3]) == pytest.approx(100 * scores.gaps[2, 0] / whole, abs=0.051)
    assert "steps 32" in (cell(light, 2, "two").get_attribute("title") or "")
    light.slide("Step", 0)
    expect(cell(light, 2, "two")).to_have_attribute(
        "aria-description",
        re.compile(r"gap (2[34] %), very high\. \1 of the score is not accounted for\.$"),
    )
    gap = maps_of(light).locator(".gap").first
    assert gap.evaluate("e => getComputedStyle(e).color") == "rgb(198, 40, 40)"
    light.open(layer=CAM)
    assert "gap" not in (cell(light, 2, "two").get_attribute("aria-description") or "")
    expect(maps_of(light).locator(".gap").first).to_have_text("fails check")
    failed = light.root.locator(".layerbar .failed")
    expect(failed).to_have_text("fails check")
    sentence = re.compile(r"on this model \(step 20\).* are alike \(0\.91\)")
    expect(failed).to_have_attribute("title", sentence)


def test_the_status_line_says_the_value_and_its_share(light: Dashboard) -> None:
    """Of the example under the pointer; where values add up to the score, how much of it."""
    light.open(layer=INTEGRATED)
    box = cell(light, 3, "three").bounding_box()
    assert box
    zoom = box["width"] / SIDE
    light.page.mouse.move(box["x"] + 12.5 * zoom, box["y"] + 11.5 * zoom)
    value = values(INTEGRATED)[3, 11, 12, 0]
    scores = log.scores(log.TAGS[INTEGRATED], log.maps(log.TAGS[INTEGRATED], 20), 20)
    said = re.fullmatch(r"example 3, three, x 12, y 11: (\S+), (\S+) % of the score", light.status)
    assert said, light.status
    assert float(said[1]) == pytest.approx(value, rel=1e-2)
    share = value / (scores.scores[3, 0] - scores.baseline_scores[3, 0])
    assert float(said[2]) == pytest.approx(100 * share, abs=0.06)


def test_one_bound_holds_for_all_steps(light: Dashboard) -> None:
    """Locked, the first step is as pale as it was; over all examples one bound is the largest."""
    light.open(layer=INTEGRATED, step=0)
    stored = values(INTEGRATED, 0)
    name = log.CLASSES[0]
    own = coloured(stored[0, ..., 0], bound_of(stored[0]))
    assert_close(tile(light, 0, name), own)
    light.root.get_by_role("checkbox", name="Lock over steps").check()
    expect(light.root.locator(".values .scope")).to_have_text("this example, all steps")
    bound = max(bound_of(values(INTEGRATED, step)[0]) for step in log.STEPS)
    light.until(lambda: np.abs(tile(light, 0, name) - own).max() > 20)
    assert_close(tile(light, 0, name), coloured(stored[0, ..., 0], bound))
    light.choose("Range", "layer")
    bound = max(bound_of(values(INTEGRATED, step)) for step in log.STEPS)
    assert_close(tile(light, 0, name), coloured(stored[0, ..., 0], bound))
    field = light.root.get_by_label("Maximum", exact=True)
    assert float(field.input_value()) == pytest.approx(bound, rel=1e-3)


def test_the_bound_is_typed_and_stays_about_zero(light: Dashboard) -> None:
    """Either field sets both ends."""
    light.open(layer=INTEGRATED)
    field = light.root.get_by_label("Minimum", exact=True)
    field.fill("0.02")
    field.press("Enter")
    stored = values(INTEGRATED)
    assert_close(tile(light, 2, "three"), coloured(stored[2, ..., 1], 0.02))
    expect(field).to_have_value("-0.02000")
    expect(light.root.get_by_role("slider", name="Brightness")).to_have_count(0)


def test_two_classes_are_contrasted(light: Dashboard) -> None:
    """Each map less that of the other class, where the example has one; the other one is gone."""
    light.open(layer=INTEGRATED)
    light.choose("Contrast with", "one")
    stored = values(INTEGRATED)
    cut = stored[0, ..., 0] - stored[0, ..., 1]
    assert_close(tile(light, 0, "zero − one"), coloured(cut, bound_of(cut)))
    expect(cell(light, 0, "one")).to_have_count(0)
    plain = coloured(stored[2, ..., 0], bound_of(stored[2]))
    assert_close(tile(light, 2, "two"), plain)


def test_maps_of_two_steps_are_compared(light: Dashboard) -> None:
    """Side by side under one bound, and as their difference."""
    light.open(layer=INTEGRATED, compare="first")
    now, first = (values(INTEGRATED, step)[0] for step in (20, 0))
    bound = max(bound_of(now), bound_of(first))
    for part, plane in enumerate((now[..., 0], first[..., 0])):
        assert_close(tile(light, 0, "zero", part, 2), coloured(plane, bound))
    light.choose("Compare as", "difference")
    cut = now - first
    assert_close(tile(light, 0, "zero"), coloured(cut[..., 0], bound_of(cut)))


def test_keys_move_among_maps_and_examples(light: Dashboard) -> None:
    """Arrows go to the next map and to the next example; the address keeps which."""
    light.open(layer=INTEGRATED)
    cell(light, 0, "zero").focus()
    light.page.keyboard.press("ArrowRight")
    expect(cell(light, 0, "one")).to_be_focused()
    light.page.keyboard.press("ArrowRight")
    expect(cell(light, 1, "one")).to_be_focused()
    expect(light.root.get_by_role("combobox", name="Example")).to_have_value("1")
    light.page.keyboard.press("ArrowDown")
    expect(cell(light, 3, "three")).to_be_focused()
    expect(cell(light, 3, "three")).to_have_attribute("aria-selected", "true")
    light.page.wait_for_function("location.hash.includes('activations.example=3')")


def check_lead(page: Dashboard) -> None:
    """The row of the tree: who adds most, the mean over the examples, since when; and a strip."""
    means = np.array([log.maps(log.TAGS[INNER], s).sum(axis=(1, 2)).mean(axis=0)
                      for s in log.STEPS])  # fmt: skip
    leaders = means.argmax(axis=1)
    since = next(s for i, s in enumerate(log.STEPS) if (leaders[i:] == leaders[-1]).all())
    row = page.tree.locator(f"[role=treeitem][title='{INNER}']")
    expect(row.locator(".badge")).to_have_text(f"ch {leaders[-1]}")
    said = re.match(
        r"channel (\d+) adds most since step (\d+): (\S+) at step 20, "
        r"the mean over all 4 examples;",
        row.get_attribute("aria-description") or "",
    )
    assert said and (int(said[1]), int(said[2])) == (leaders[-1], since)
    assert float(said[3]) == pytest.approx(means[-1].max(), rel=5e-3)
    most = sorted(range(8), key=lambda c: -np.abs(means[:, c]).max())[:7]
    order = sorted(most, key=lambda c: -means[-1, c])
    wanted = coloured(means[:, order].T, float(np.abs(means[:, order]).max()))
    width, height, data = row.locator(".strip canvas").evaluate(
        "c => [c.width, c.height,"
        " [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]]"
    )
    pixels = np.array(data, float).reshape(height, width, 4)[..., :3]
    assert pixels.shape == wanted.shape and np.abs(pixels - wanted).max() <= 4


def test_the_layer_says_which_channel_carries_the_decision(light: Dashboard) -> None:
    """Sorted by what each channel adds to the example's target, and charted over the steps."""
    light.open(layer="conv1", sort="attribution", chart="attribution", example=1)
    chart = light.root.get_by_role("img", name=re.compile("^attribution of channel"))
    expect(chart).to_be_visible()
    sums = {step: values(INNER, step)[1].sum(axis=(0, 1)) for step in log.STEPS}
    order = np.argsort(-sums[20], kind="stable").tolist()
    light.until(lambda: light.shown() == order)
    captions = light.root.locator(".gridrow .caption").all_inner_texts()
    written = [caption.split() for caption in captions]
    assert [int(name) for name, _ in written] == order
    assert [float(number.replace("−", "-")) for _, number in written] == pytest.approx(
        [sums[20][c] for c in order], abs=np.abs(sums[20]).max() / 150
    )
    said = light.root.locator(".chart .numbers").inner_text()
    assert float(said.split()[-1]) == pytest.approx(sums[20][order[0]], rel=2e-3)
    expect(light.root.locator(".chart circle")).to_have_count(len(log.STEPS))
    link = light.root.get_by_role(
        "button", name=re.compile(f"Attribution: channel {order[0]} adds")
    )
    check_lead(light)
    light.screenshot("attribution-channel")
    link.click()
    light.wait_idle()
    expect(light.root.locator(".layerbar h1")).to_have_text(INNER)


def test_attributions_are_a_group_under_the_input(page: Dashboard) -> None:
    """And pass the checks of accessibility, beside and over the input, in either theme."""
    page.open(layer=INTEGRATED, overlay=1)
    rows = page.tree.get_by_role("treeitem").evaluate_all("rows => rows.map(r => r.title)")
    assert rows[:3] == ["input", "attribution/", "attribution/gradients"]
    assert page.axe() == []
    page.choose("Contrast with", "one")
    page.open(layer="conv1")
    assert page.axe() == []


def test_maps_are_legible_where_the_window_is_narrow(light: Dashboard) -> None:
    """At 900 px the switches wrap and nothing is scrolled sideways."""
    light.page.set_viewport_size({"width": 900, "height": 800})
    light.open(layer=INTEGRATED, overlay=1)
    assert light.frame.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert maps_of(light).evaluate("g => g.scrollWidth <= g.clientWidth")
    light.screenshot("attribution-narrow")


def test_the_picture_saved_is_what_is_on_the_screen(light: Dashboard) -> None:
    """All examples in rows, each with its input, then its maps over it."""
    light.open(layer=INTEGRATED, overlay=1)
    width = cell(light, 0, "zero").bounding_box()["width"]  # type: ignore[index]
    panel(light).get_by_label("Scale", exact=True).select_option("1")
    name, blob = saved(light, "Save PNG")
    assert name == "attribution-integrated_gradients_step20.png"
    picture = pixels_of(blob)[..., :3].astype(float)
    zoom, pitch = round(width / SIDE), round(width) + 8
    stored = values(INTEGRATED)
    for row, column in ((0, 1), (2, 0), (3, 1)):
        top = MARGIN + HEAD + row * (round(width) + 3 * 14 + 8) + zoom // 2
        left = MARGIN + (column + 1) * pitch + zoom // 2
        found = picture[top::zoom, left::zoom][:SIDE, :SIDE]
        wanted = over(stored[row, ..., column], bound_of(stored[row]), row, 0.6)
        assert_close(found, wanted)
    file, blob = saved(light, "Save NPY")
    assert file == "attribution-integrated_gradients_step20.npy"
    array = np.load(io.BytesIO(blob))
    assert_close(array, np.moveaxis(stored, -1, 1), 1e-7)


def test_the_chosen_map_is_told_in_forced_colours(light: Dashboard) -> None:
    """By a frame in the colour that the viewer has chosen, and the gap by a word."""
    light.page.emulate_media(forced_colors="active")
    light.open(layer=INTEGRATED, step=0)
    outline = "c => getComputedStyle(c.querySelector('.frame')).outline"
    chosen, other = (cell(light, 0, name).evaluate(outline) for name in ("zero", "one"))
    assert chosen != other
    assert "3px" in chosen
    expect(maps_of(light).locator(".gap").first).to_have_text(re.compile("very high$"))
    light.page.emulate_media(forced_colors="none")


def test_a_step_that_is_logged_meanwhile_is_followed(browser: Browser, tmp_path: Path) -> None:
    """With its maps, its scores and, where locked, its part in the bound."""
    log.write(tmp_path / "run", (0, 10))
    with tensorboard_server(tmp_path) as server:
        server.wait_for_tags("conv2", "input", run="run")
        page = new_dashboard(browser, server.url)
        page.open(layer=INTEGRATED, window='{"lockSteps":true}')
        log.write(tmp_path / "run", (20,))
        expect(page.root.locator(".count")).to_have_text("3/3")
        page.settle()
        stored = values(INTEGRATED)[0]
        assert_close(tile(page, 0, "zero"), coloured(stored[..., 0], bound_of(stored)))
        scores = log.scores(log.TAGS[INTEGRATED], log.maps(log.TAGS[INTEGRATED], 20), 20)
        said = cell(page, 0, "zero").get_attribute("aria-description") or ""
        assert float(said.split()[1].rstrip(",")) == pytest.approx(scores.scores[0, 0], rel=5e-3)
        assert page.problems == []
        page.page.context.close()


def test_numbers_over_the_input_can_be_read(light: Dashboard) -> None:
    """White on what is dark there, black on what is light, whatever the value's own colour."""
    light.open(layer=INTEGRATED)
    light.frame.evaluate(INKS)
    inspector = light.root.get_by_role("region", name="Channel inspector")
    for _ in range(3):
        inspector.get_by_role("button", name="Zoom in").click()
    light.settle()
    light.frame.evaluate("window.inks.length = 0")
    inspector.get_by_role("button", name="Input over it").click()
    light.settle()
    inks = light.frame.evaluate("window.inks")
    assert any(white for white, _ in inks)
    assert all(white == (under <= 140) for white, under in inks if abs(under - 140) > 3)
