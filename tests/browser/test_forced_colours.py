"""High contrast: with the viewer's own few colours everything is still there to be seen."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, expect
from servers import Server

from browser.dashboard import Dashboard

SLIDERS = ["Step", "Tile size", "Brightness", "Contrast", "Gamma", "Depth"]


pytestmark = pytest.mark.both_themes


@pytest.fixture
def page(
    browser: Browser, scene_server: Server, module_pages: dict[str, Dashboard], theme: str
) -> Iterator[Dashboard]:
    """A page under forced colours, black on white or white on black."""
    if theme not in module_pages:
        context = browser.new_context(
            viewport={"width": 1400, "height": 900},
            color_scheme=theme,
            forced_colors="active",
            reduced_motion="reduce",
        )
        module_pages[theme] = Dashboard(context.new_page(), scene_server.url)
    dashboard = module_pages[theme]
    dashboard.problems.clear()
    yield dashboard
    assert dashboard.problems == []


def light(element: Locator) -> np.ndarray:
    """How light each pixel is of what the screen shows of an element, 0 to 255."""
    picture = Image.open(io.BytesIO(element.screenshot())).convert("L")
    return np.asarray(picture, float)


def ground(page: Dashboard) -> float:
    """How light the page is."""
    return float(np.median(light(page.root.locator(".status"))))


def test_every_slider_is_seen(page: Dashboard, theme: str) -> None:
    """Each has a track along its whole way and a thumb, far from the ground's colour."""
    page.open(layer="volume")
    page.root.get_by_role("button", name="More", exact=True).click()
    back = ground(page)
    assert back == (0 if theme == "dark" else 255)
    for name in SLIDERS:
        slider = page.root.get_by_role("slider", name=name, exact=True)
        ink = np.abs(light(slider) - back) > 128
        assert ink.any(axis=0).mean() > 0.9, name
        assert ink.sum(axis=0).max() >= 10, name
        assert (ink.sum(axis=0) <= 3).sum() > 10, name
    page.screenshot(f"forced-{theme}")


def test_what_is_chosen_is_seen(page: Dashboard, theme: str) -> None:
    """A button that is down, the chosen row and the step in its strip differ from the others."""
    page.open(layer="encoder/conv1")
    back = ground(page)
    filled = {}
    for name in ("Follow", "Compare"):
        button = page.root.get_by_role("button", name=name, exact=True)
        corner = light(button)[3:6, 3:-3]
        filled[name] = abs(float(np.median(corner)) - back)
    assert filled["Follow"] > 40
    assert filled["Compare"] < 2
    chosen, other = page.layer("encoder/conv1"), page.layer("encoder/conv2")
    expect(chosen).to_have_attribute("aria-selected", "true")
    fill = [abs(float(np.median(light(row)[2:5])) - back) for row in (chosen, other)]
    assert fill[0] > 40
    assert fill[1] < 2
    strip = light(other.locator(".strip"))
    mark = round((7.5 / 8) * strip.shape[1])
    assert np.abs(strip[:, mark - 2 : mark + 2] - back).max(axis=1).min() > 200


def test_the_bars_and_the_legend_keep_their_meaning(page: Dashboard) -> None:
    """How strong a channel is, which colour is which value, which mark is which."""
    page.open(layer="head/broken")
    back = ground(page)
    bar = page.root.locator(".cell .bar").first
    assert np.abs(light(bar) - back).max() > 128
    ramp = light(page.root.locator(".colour-bar"))
    assert np.ptp(ramp[5]) > 128
    colours = page.root.locator(".marks i").evaluate_all(
        "marks => marks.map(mark => getComputedStyle(mark).backgroundColor)"
    )
    assert colours == ["rgb(255, 0, 255)", "rgb(255, 145, 0)", "rgb(0, 229, 255)"]
