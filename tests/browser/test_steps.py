"""Steps and examples: slider, play, follow, prefetch, new steps when TensorBoard reloads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, expect
from servers import tensorboard_server

from browser import scenes
from browser.conftest import new_dashboard
from browser.dashboard import Dashboard
from tb_activations.eventfile.writer import EventWriter

CONV1 = "encoder/conv1"


def step_text(dashboard: Dashboard) -> str:
    dashboard.drawn()
    return dashboard.root.locator(".when strong").inner_text()


def button(dashboard: Dashboard, name: str):
    return dashboard.root.get_by_role("button", name=name, exact=True)


def test_buttons_move_over_the_real_steps(dashboard: Dashboard) -> None:
    """First, next, previous, last; Follow ends at the first move by hand and comes back."""
    dashboard.open(layer=CONV1)
    follow = button(dashboard, "Follow")
    expect(follow).to_have_attribute("aria-pressed", "true")
    button(dashboard, "First").click()
    assert step_text(dashboard) == "step 0"
    expect(follow).to_have_attribute("aria-pressed", "false")
    button(dashboard, "Next").click()
    assert step_text(dashboard) == "step 10"
    button(dashboard, "Last").click()
    button(dashboard, "Previous").click()
    assert step_text(dashboard) == "step 60"
    follow.click()
    assert step_text(dashboard) == "step 70"


def test_play_moves_on_and_stops(dashboard: Dashboard) -> None:
    """Four steps a second, and around after the last."""
    dashboard.open(layer=CONV1, step=60)
    button(dashboard, "Play").click()
    dashboard.frame.wait_for_function(
        "() => Number(document.querySelector('.when strong').textContent.slice(5)) < 60"
    )
    button(dashboard, "Play").click()
    held = step_text(dashboard)
    dashboard.pause(400)
    assert step_text(dashboard) == held


def at(url: str, step: int) -> bool:
    """Whether a request is for that step."""
    return f"step={step}&" in url + "&"


def test_a_small_layer_is_prefetched_whole(dashboard: Dashboard) -> None:
    """Once the film is here, moving over all steps asks the server for no tensor."""
    asked: list[str] = []
    dashboard.page.on("request", lambda request: asked.append(request.url))
    dashboard.open(layer=CONV1)
    for step in scenes.STEPS:
        dashboard.until(lambda step=step: [u for u in asked if "/tensor?" in u and at(u, step)])
    dashboard.settle()
    asked.clear()
    for position in range(8):
        dashboard.slide("Step", position)
    dashboard.wait_idle()
    assert [url for url in asked if "/tensor" in url or "/stats" in url] == []


def test_examples_are_chosen_by_the_thumbnail_of_their_input(themed: Dashboard) -> None:
    """A thumbnail with the label; the choice is kept over layers and steps."""
    themed.open(layer=CONV1)
    button(themed, "example 3, “frog”").click()
    themed.wait_idle()
    themed.select_layer("encoder/conv2")
    expect(themed.root.get_by_role("combobox", name="Example", exact=True)).to_have_value("3")
    expect(button(themed, "example 3, “frog”")).to_have_attribute("aria-pressed", "true")


def test_single_keys_move_step_layer_and_example(dashboard: Dashboard) -> None:
    """`,` `.` steps, `j` `k` layers, digits examples, outside fields only."""
    dashboard.open(layer=CONV1)
    dashboard.root.locator(".layerbar h1").click()
    keyboard = dashboard.page.keyboard
    keyboard.press(",")
    assert step_text(dashboard) == "step 60"
    keyboard.press("j")
    expect(dashboard.root.locator(".layerbar h1")).to_have_text("encoder/conv2")
    keyboard.press("k")
    keyboard.press("2")
    dashboard.wait_idle()
    expect(dashboard.root.get_by_role("combobox", name="Example", exact=True)).to_have_value("1")
    keyboard.press("/")
    expect(dashboard.root.get_by_label("Channels to show", exact=True)).to_be_focused()
    keyboard.type("j")
    expect(dashboard.root.locator(".layerbar h1")).to_have_text(CONV1)
    dashboard.root.get_by_label("Channels to show", exact=True).fill("")


def test_new_steps_appear_when_tensorboard_reloads(browser: Browser, tmp_path: Path) -> None:
    """Following goes to the new last step; a place chosen by hand is kept."""
    with EventWriter(tmp_path, ".activations") as writer:
        for step in (0, 10):
            scenes.write_step(writer, step)
        with tensorboard_server(tmp_path) as server:
            server.wait_for_tags("volume")
            page = new_dashboard(browser, server.url).open(layer=CONV1)
            assert step_text(page) == "step 10"
            scenes.write_step(writer, 20)
            reload_until(page, "2/2", "3/3")
            expect(page.root.locator(".when strong")).to_have_text("step 20")
            plane = scenes.layers(20)[CONV1][0, ..., 4]
            page.wait_idle()
            tile = page.tile(4, 28)[..., :3].astype(int).sum(axis=2)
            assert (tile[plane == plane.max()] == tile.max()).all()
            button(page, "Previous").click()
            scenes.write_step(writer, 30)
            reload_until(page, "2/3", "2/4")
            assert step_text(page) == "step 10"
            assert page.problems == []
            page.page.context.close()


def reload_until(dashboard: Dashboard, before: str, after: str) -> None:
    """Presses TensorBoard's own reload button until the new step is counted."""

    def counted() -> bool:
        text = dashboard.root.locator(".count").inner_text()
        assert text in (before, after)
        if text == before:
            dashboard.page.locator(".reload-button").click()
            dashboard.pause(500)
        return text == after

    dashboard.until(counted)


def test_the_address_restores_the_view(browser: Browser, dashboard: Dashboard) -> None:
    """A copied address opens layer, step, example, window and order in a fresh browser."""
    dashboard.open(layer=CONV1)
    dashboard.slide("Step", 2)
    dashboard.choose("Sort by", "std")
    dashboard.slide("Contrast", 0.3)
    dashboard.settle()
    for key in ("step=20", "sort=std", "contrast"):
        dashboard.page.wait_for_function(f"location.hash.includes('{key}')")
    shown, tile = dashboard.shown(), dashboard.tile(4, 28)
    fresh = browser.new_context(viewport={"width": 1400, "height": 900}).new_page()
    fresh.goto(dashboard.page.url)
    other = Dashboard(fresh, dashboard.url)
    other.grid.get_by_role("gridcell").first.wait_for()
    other.settle()
    assert step_text(other) == "step 20"
    assert other.shown() == shown
    assert np.array_equal(other.tile(4, 28), tile)
    fresh.context.close()
