"""Inputs that are no pictures, and planes of one value: each shown as what it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from logs import event
from playwright.sync_api import Browser, Locator, expect
from servers import Server, tensorboard_server

from browser.conftest import shared
from browser.dashboard import Dashboard
from browser.test_any_rank import GREY, column
from browser.test_values import grey_of
from tb_activations.eventfile.writer import EventWriter

EXAMPLES = 3
LABELS = ("one", "two", "three")
PAD = 1.5
READ = "c => [c.width, c.height, ...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]"


def inputs() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(5)
    time = np.linspace(0, 30, 512)
    course = np.stack([np.sin(time * (1 + i / 3)) for i in range(EXAMPLES)])[..., None]
    course[1, 300] = np.nan
    course[2, 77] = 4
    volume = rng.random((EXAMPLES, 5, 8, 8, 1)) / 8
    volume[:, 2, 2:6, 1:7] += 0.75
    return {
        "signal": course,
        "stereo": np.concatenate([course[:, :20], 2 - course[:, :20]], axis=-1),
        "array": rng.normal(size=(EXAMPLES, 24, 12)),
        "vector": rng.random((EXAMPLES, 10)),
        "volume": volume,
        "squeezed": rng.random((EXAMPLES, 1, 1, 36)),
    }


INPUTS = {name: values.astype(np.float32) for name, values in inputs().items()}
IDS = np.random.default_rng(7).integers(0, 30_000, (EXAMPLES, 40))
EXCITE = np.random.default_rng(6).random((EXAMPLES, 1, 1, 40)).astype(np.float32)


@pytest.fixture(scope="module")
def input_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A run for each kind of input, with one layer of planes of one value."""
    root: Path = tmp_path_factory.mktemp("inputs")
    for run, values in INPUTS.items():
        with EventWriter(root / run, ".activations") as writer:
            for step in range(2):
                writer.write(event("input", step, values, kind="input", labels=LABELS))
                writer.write(event("excite", step, EXCITE, order=0))
    with EventWriter(root / "ids", ".activations") as writer:
        writer.write(event("input", 0, IDS, kind="input", labels=LABELS))
        writer.write(event("excite", 0, EXCITE, order=0))
    with tensorboard_server(root) as server:
        for run in (*INPUTS, "ids"):
            server.wait_for_tags("excite", "input", run=run)
        yield server


@pytest.fixture
def page(
    browser: Browser, input_server: Server, module_pages: dict[str, Dashboard], theme: str
) -> Iterator[Dashboard]:
    yield from shared(browser, input_server, module_pages, theme)


def show(page: Dashboard, run: str, **keys: object) -> None:
    page.open(run=run, **keys)
    page.wait_idle()
    page.root.locator(".input-picture").first.wait_for()


def thumbs(page: Dashboard) -> Locator:
    return page.root.get_by_role("group", name="Examples").get_by_role("button")


def pixels(canvas: Locator) -> np.ndarray:
    width, height, *data = canvas.evaluate(READ)
    return np.array(data, np.uint8).reshape(height, width, 4)


def path_of(values: np.ndarray, limits: tuple[float, float], width: int) -> tuple[str, str]:
    """The line of one channel and the marks of what is not finite, as the dashboard promises."""
    height = round(width * 2 / 3)
    low, high = limits
    count = min(len(values), width)
    path, marks, pen = "", "", "M"
    for i in range(count):
        part = values[i * len(values) // count : (i + 1) * len(values) // count]
        ends = i * len(values) // count, (i + 1) * len(values) // count
        x = f"{sum(ends) / 2 / len(values) * width:.1f}"
        finite = part[np.isfinite(part)].astype(np.float64)
        if len(finite) < len(part):
            marks += f"M{x} 0V{height}"
        if not len(finite):
            pen = "M"
            continue
        y = height - PAD - (finite - low) / (high - low) * (height - 2 * PAD)
        path += f"{pen}{x} {y.max():.1f}" + ("h.1" if pen == "M" else "")
        if finite.max() > finite.min():
            path += f"V{y.min():.1f}"
        pen = "L"
    return path, marks


def numbers(path: str) -> tuple[str, np.ndarray]:
    """Its letters, and its numbers."""
    return re.sub(r"[^A-Z]", "", path), np.array(re.findall(r"[\d.]+", path), np.float64)


def assert_path(found: str | None, expected: str) -> None:
    letters, values = numbers(found or "")
    wanted, reference = numbers(expected)
    assert letters == wanted
    # The last digit may be rounded either way.
    assert np.abs(values - reference).max(initial=0) <= 0.11


@pytest.mark.parametrize(("run", "example"), [("signal", 1), ("signal", 2), ("stereo", 0)])
def test_a_signal_is_its_line(page: Dashboard, run: str, example: int) -> None:
    """Each channel runs from left to right under one scale; no peak and no NaN is lost."""
    show(page, run, example=example)
    stored = INPUTS[run].astype(np.float16)[example]
    limits = float(np.nanmin(stored)), float(np.nanmax(stored))
    lines = page.root.locator(".left .input-picture .sample g")
    assert lines.count() == stored.shape[-1]
    for channel in range(stored.shape[-1]):
        path, marks = path_of(stored[:, channel], limits, 72)
        drawn = lines.nth(channel).locator("path")
        assert_path(drawn.nth(1).get_attribute("d"), path)
        assert_path(drawn.nth(0).get_attribute("d"), marks)
    expect(page.root.get_by_role("img", name="Input", exact=True)).to_have_count(1)
    facts = page.root.locator(".facts").inner_text()
    assert ("512" if run == "signal" else "20×2") in facts.split("\n")[-1]
    thumb = thumbs(page).nth(example).locator(".sample g").first.locator("path").nth(1)
    assert_path(thumb.get_attribute("d"), path_of(stored[:, 0], limits, 32)[0])
    page.screenshot(f"input-{run}-{example}")
    if example == 0:
        assert page.axe() == []


def test_the_line_of_a_signal_is_seen(page: Dashboard) -> None:
    """Its ink stands out of its ground in either theme."""
    show(page, "signal")
    sample = page.root.locator(".left .input-picture .sample")
    ink, ground = sample.evaluate(
        "e => [getComputedStyle(e).stroke, getComputedStyle(e).backgroundColor]"
    )
    light = [sum(map(float, re.findall(r"[\d.]+", colour)[:3])) for colour in (ink, ground)]
    assert abs(light[0] - light[1]) > 3 * 128


def test_whole_numbers_stand_in_a_row(page: Dashboard) -> None:
    """Token ids: a strip in their order, and the numbers themselves, of the chosen example."""
    show(page, "ids")
    for example in (0, 2):
        thumbs(page).nth(example).click()
        page.settle()
        ids = IDS[example]
        numbers = page.root.get_by_role("list", name="Input").get_by_role("listitem")
        said = numbers.all_inner_texts()
        assert len(said) == 33 and said[-1] == "…"
        assert np.abs(np.array(said[:-1], float) - ids[:32]).max() <= 16  # of half precision
        strip = pixels(page.root.locator(".inputbox canvas"))
        assert strip.shape[:2] == (1, 40)
        assert_grey(strip[0, :, :3], ids)
    assert page.axe() == []
    page.screenshot("input-ids")


def assert_grey(found: np.ndarray, ids: np.ndarray) -> None:
    """Darkest to lightest in the order of the numbers."""
    expected = (ids - ids.min()) / (ids.max() - ids.min()) * 255
    assert np.abs(found[:, 0].astype(float) - expected).max() <= 1.6


@pytest.mark.parametrize("run", ["vector", "squeezed"])
def test_a_vector_is_a_small_matrix(page: Dashboard, run: str) -> None:
    """Its values row by row, minimum to maximum in grey; nothing stands behind the last."""
    show(page, run, example=1)
    values = INPUTS[run].astype(np.float16)[1].ravel().astype(np.float64)
    side = int(np.ceil(np.sqrt(len(values))))
    for canvas in (
        page.root.locator(".left .input-picture canvas"),
        thumbs(page).nth(1).locator("canvas"),
    ):
        found = pixels(canvas)
        assert found.shape[:2] == (-(-len(values) // side), side)
        flat = found.reshape(-1, 4)
        expected = grey_of(values, values.min(), values.max())
        assert np.abs(flat[: len(values), 0].astype(float) - expected).max() <= 1.5
        assert (flat[: len(values), 3] == 255).all()
        assert (flat[len(values) :, 3] == 0).all()
    box = page.root.locator(".left .input-picture canvas").bounding_box()
    assert box
    assert box["width"] >= 60
    over = page.root.get_by_role("button", name="Input over it", exact=True)
    expect(over).to_be_disabled()
    page.screenshot(f"input-{run}")


def test_an_array_of_many_channels_has_a_row_for_each(page: Dashboard) -> None:
    """Positions from left to right, channels from above."""
    show(page, "array", example=2)
    values = INPUTS["array"].astype(np.float16)[2].astype(np.float64)
    found = pixels(page.root.locator(".left .input-picture canvas"))
    expected = grey_of(values.T, values.min(), values.max())
    assert found.shape[:2] == expected.shape
    assert np.abs(found[..., 0] - expected).max() <= 1.5


def test_a_volume_is_its_middle_slice(page: Dashboard) -> None:
    """Which is said; thumbnails show it too."""
    show(page, "volume", example=1)
    values = INPUTS["volume"].astype(np.float16)[1, 2, :, :, 0].astype(np.float64)
    for canvas in (
        page.root.locator(".left .input-picture canvas"),
        thumbs(page).nth(1).locator("canvas"),
    ):
        found = pixels(canvas)
        assert np.abs(found[..., 0] - grey_of(values, values.min(), values.max())).max() <= 1.5
    assert "5×8×8, slice 2" in page.root.locator(".facts").inner_text()


def test_planes_of_one_value_are_a_matrix(page: Dashboard) -> None:
    """`[n, 1, 1, c]` has a row for each example and a column for each channel, not squares."""
    show(page, "volume", layer="excite", window=GREY)
    values = EXCITE.astype(np.float16).reshape(EXAMPLES, -1).astype(np.float64)
    for channel in (0, 13, 39):
        expected = grey_of(values[:, channel], values.min(), values.max())
        assert np.abs(column(page, channel) - expected).max() <= 1.5
    rows = page.grid.locator(".rowlabels").first.inner_text().split("\n")
    assert rows == [f"{i} “{label}”" for i, label in enumerate(LABELS)]
    whole = page.grid.locator(".rowlabels").first.locator("span")
    assert whole.evaluate_all("all => all.map(one => one.title)") == rows
    box = page.cell(13).bounding_box()
    assert box
    page.page.mouse.move(box["x"] + 3, box["y"] + box["height"] / EXAMPLES * 1.5)
    where, _, number = page.status.partition(": ")
    assert where == "channel 13, example 1"
    assert float(number) == pytest.approx(values[1, 13], abs=1e-3)
    page.screenshot("matrix-excite")
    assert page.axe() == []
