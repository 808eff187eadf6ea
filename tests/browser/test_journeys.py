"""How many clicks lie between a question and its answer, and a whole session without a mouse."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import pytest
from logs import event
from playwright.sync_api import Browser, expect
from report import report
from servers import Server, tensorboard_server

from browser.clicks import Clicks
from browser.conftest import new_dashboard
from browser.dashboard import Dashboard
from tb_activations.eventfile.writer import EventWriter

DEPTH, WIDTH = 200, 2048
WORST = "stage3/block_137"


def test_the_nonfinite_layer_is_there_without_a_click(dashboard: Dashboard) -> None:
    """NaN layer: at most one click; it is what the tab opens on."""
    dashboard.open()
    expect(dashboard.root.locator(".layerbar h1")).to_have_text("head/broken")
    clicks = Clicks()
    clicks(dashboard.root.get_by_role("button", name="head/broken at step 60"))
    expect(dashboard.root.locator(".when strong")).to_have_text("step 60")
    assert clicks.count <= 1


def test_the_dead_channels_of_the_worst_layer(dashboard: Dashboard) -> None:
    """At most two clicks; the sentence's count is one."""
    dashboard.open()
    clicks = Clicks()
    clicks(dashboard.root.get_by_role("button", name="channels dead"))
    dashboard.wait_idle()
    expect(dashboard.root.locator(".layerbar h1")).to_have_text("head/conv3")
    assert dashboard.shown()[:4] == [0, 2, 4, 6]
    assert clicks.count <= 2


def test_the_first_step_against_the_last(dashboard: Dashboard) -> None:
    """At most two clicks from the first screen."""
    dashboard.open()
    clicks = Clicks()
    clicks(dashboard.root.get_by_role("button", name="Compare", exact=True))
    expect(dashboard.root.get_by_text("left step 70, right step 0")).to_be_visible()
    assert clicks.count <= 2
    dashboard.root.get_by_role("button", name="Compare", exact=True).click()


@pytest.fixture(scope="module")
def huge_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """200 layers of 2048 channels, 4×4 planes; one layer has most of its channels dead."""
    directory = tmp_path_factory.mktemp("huge")
    rng = np.random.default_rng(3)
    base = np.maximum(rng.normal(size=(1, 4, 4, WIDTH)), 0).astype(np.float32)
    with EventWriter(directory, ".activations") as writer:
        for i in range(DEPTH):
            tag = f"stage{i // 50 + 1}/block_{i}"
            array = np.roll(base, i, axis=-1)
            if tag == WORST:
                array = array * np.arange(1, WIDTH + 1, dtype=np.float32)
                array[..., :1800] = 0
            writer.write(event(tag, 0, array, order=i))
    with tensorboard_server(directory) as server:
        server.wait_for_tags(WORST)
        yield server


def test_the_strongest_channel_of_the_worst_of_200_layers(
    browser: Browser, huge_server: Server
) -> None:
    """At most three clicks among 200 × 2048 channels; says how soon the first tiles stand."""
    page = new_dashboard(browser, huge_server.url).open()
    clicks = Clicks()
    worst = page.root.locator(".health").get_by_role("button", name=WORST, exact=True)
    start = time.perf_counter()
    clicks(worst)
    heading = page.root.locator(".layerbar h1")
    expect(heading).to_have_text(WORST)
    page.root.locator("[role=grid][aria-busy=false]").wait_for()
    page.frame.wait_for_function("() => document.querySelector('.gridrow canvas')")
    waited = time.perf_counter() - start
    strongest = page.shown()[0]
    clicks(page.cell(strongest))
    assert clicks.count <= 3
    array = np.roll(
        np.maximum(np.random.default_rng(3).normal(size=(1, 4, 4, WIDTH)), 0), 137, axis=-1
    ) * np.arange(1, WIDTH + 1)
    array[..., :1800] = 0
    assert strongest == int(array.max(axis=(0, 1, 2)).argmax())
    report("journey", f"200 layers × {WIDTH} channels: {waited:.2f} s from the click to the tiles")
    page.screenshot("huge")
    assert page.problems == []
    page.page.context.close()


def test_a_session_by_keyboard_alone(dashboard: Dashboard) -> None:
    """Layer, step, example, channel, window and comparison without a mouse."""
    dashboard.open(layer="encoder/conv1")
    press = dashboard.page.keyboard.press
    dashboard.frame.evaluate("() => document.querySelector('[aria-label=Run]').focus()")
    focus(dashboard, "treeitem", "encoder/conv1")
    press("ArrowDown")
    expect(dashboard.root.locator(".layerbar h1")).to_have_text("encoder/conv2")
    press("k")
    expect(dashboard.root.locator(".layerbar h1")).to_have_text("encoder/conv1")
    dashboard.wait_idle()
    press(",")
    expect(dashboard.root.locator(".when strong")).to_have_text("step 60")
    press("2")
    expect(dashboard.root.get_by_role("combobox", name="Example", exact=True)).to_have_value("1")
    focus(dashboard, "gridcell", "channel 0")
    press("ArrowRight")
    press("ArrowRight")
    expect(dashboard.cell(2)).to_be_focused()
    expect(dashboard.root.get_by_role("heading", name="Channel 2")).to_be_visible()
    focus(dashboard, "slider", "Brightness")
    press("ArrowRight")
    level = dashboard.root.get_by_role("slider", name="Brightness", exact=True)
    assert float(level.input_value()) > 0
    focus(dashboard, "button", "Compare", backwards=True)
    press("Enter")
    expect(dashboard.root.get_by_text("left step 60, right step 0")).to_be_visible()
    press("Enter")


def focus(dashboard: Dashboard, role: str, name: str, *, backwards: bool = False) -> None:
    """Presses Tab until the widget has the focus."""
    for _ in range(60):
        dashboard.page.keyboard.press("Shift+Tab" if backwards else "Tab")
        found = dashboard.frame.evaluate(
            "([role, name]) => { const e = document.activeElement; const label ="
            " e.getAttribute('aria-label') ?? e.labels?.[0]?.textContent ?? e.title"
            " ?? e.textContent; return (e.getAttribute('role') ?? ({INPUT: 'slider',"
            " BUTTON: 'button'})[e.tagName]) === role &&"
            " [label, e.title, e.textContent].includes(name) }",
            [role, name],
        )
        if found:
            return
    raise AssertionError(f"Tab never reached {role} {name!r}")
