"""What the tab shows before anything is clicked, and what it says when there is nothing to show."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from logs import write_run
from playwright.sync_api import Browser, expect
from servers import tensorboard_server

from browser import scenes
from browser.conftest import new_dashboard
from browser.dashboard import Dashboard


def test_opens_on_the_broken_layer_at_the_last_step(themed: Dashboard) -> None:
    """The most recent run, its last step, the first layer with non-finite values."""
    themed.open()
    root = themed.root
    expect(root.get_by_role("combobox", name="Run", exact=True)).to_have_value("train")
    expect(themed.tree.locator("[aria-selected=true]")).to_have_attribute("title", "head/broken")
    expect(root.get_by_role("slider", name="Step", exact=True)).to_have_attribute(
        "aria-valuetext", "step 70, 8 of 8"
    )
    assert themed.shown() == list(range(6))
    themed.screenshot(f"first-{theme_of(themed)}")


def theme_of(dashboard: Dashboard) -> str:
    dark = dashboard.frame.evaluate("() => document.documentElement.classList.contains('dark')")
    return "dark" if dark else "light"


def test_the_health_sentence_counts_what_was_logged(themed: Dashboard) -> None:
    """Dead channels of all layers, the worst layer, and the first non-finite layer and step."""
    themed.open()
    arrays = scenes.layers(70)
    dead = sum(int((a.reshape(-1, a.shape[-1]) == 0).all(axis=0).sum()) for a in arrays.values())
    channels = sum(a.shape[-1] for a in arrays.values())
    text = themed.root.locator(".health").inner_text()
    assert f"{dead} of {channels} channels dead, most in head/conv3 (50 %)" in text
    assert "Not finite in head/broken" in text
    assert "First non-finite: head/broken at step 60" in text
    said = themed.root.get_by_text("update 0.42 s, 1.1 % of training, 2.3 MB")
    expect(said).to_have_attribute("title", re.compile("step 70: 0.42 s of the thread"))


def test_the_input_stands_with_label_and_range(themed: Dashboard) -> None:
    """The input of the shown example in colour, its label, its range and size."""
    themed.open(layer="encoder/conv1", example=2)
    picture = themed.root.get_by_role("img", name="Input", exact=True)
    pixels = picture.evaluate(
        "c => Array.from(c.getContext('2d').getImageData(0, 0, c.width, c.height).data)"
    )
    shown = np.array(pixels, float).reshape(16, 20, 4)
    image = scenes.pictures()[2].astype(float)
    expected = (image - image.min()) / (image.max() - image.min()) * 255
    assert np.abs(shown[..., :3] - expected).max() <= 1.5
    choice = themed.root.get_by_role("combobox", name="Example", exact=True)
    assert choice.evaluate("s => s.selectedOptions[0].text") == "example 2, “ship”"
    assert "16×20×3" in themed.root.locator(".inputbox").inner_text()


def test_what_was_stored_is_said(dashboard: Dashboard) -> None:
    """Shape of the layer and how many examples of the batch were kept."""
    dashboard.open(layer="encoder/conv1")
    text = dashboard.root.locator(".layerbar").inner_text()
    assert "28×28×12" in text
    assert "4 of 4 examples stored" in text


def test_a_removed_run_or_layer_is_said_and_the_nearest_shown(dashboard: Dashboard) -> None:
    """A link to what is gone says so."""
    dashboard.open(run="gone", layer="encoder/conv1")
    expect(dashboard.root.get_by_role("alert")).to_contain_text("There is no run “gone”")
    expect(dashboard.root.get_by_role("combobox", name="Run", exact=True)).to_have_value("train")
    dashboard.open(run="train", layer="conv9")
    expect(dashboard.root.get_by_role("alert")).to_contain_text("no layer “conv9”")


def test_an_empty_log_shows_how_to_fill_it(browser: Browser, tmp_path: Path) -> None:
    """With nothing logged the tab shows the lines of code that log something."""
    with tensorboard_server(tmp_path) as server:
        page = new_dashboard(browser, server.url)
        page.page.goto(server.url + "#activations")
        if page.page.locator("iframe").count():
            expect(page.root.get_by_text("tba.ActivationsCallback(")).to_be_visible()
        page.screenshot("empty")
        page.page.context.close()


def test_a_failed_request_is_said_with_a_way_to_try_again(browser: Browser, tmp_path: Path) -> None:
    """It opens the run last written of many; a failed request shows its reason and a way out."""
    layers = {tag: {0: np.ones((1, 9, 9, 2), np.float32)} for tag in "ab"}
    write_run(tmp_path / "run_01", layers, wall_time=2e9)
    for number in range(2, 20):
        write_run(tmp_path / f"run_{number:02}", layers, wall_time=1e9)
    with tensorboard_server(tmp_path) as server:
        for number in range(1, 20):
            server.wait_for_tags("a", "b", run=f"run_{number:02}")
        page = new_dashboard(browser, server.url).open()
        choice = page.root.get_by_role("button", name="Run run_01", exact=True)
        expect(choice).to_be_visible()
        page.page.route("**/steps?*tag=b*", lambda route: route.abort())
        page.layer("b").click()
        alert = page.root.get_by_role("alert")
        expect(alert).to_contain_text("TensorBoard does not answer")
        page.screenshot("failed")
        page.page.unroute("**/steps?*tag=b*")
        page.root.get_by_role("button", name="Try again").click()
        expect(page.cell(1)).to_be_visible()
        page.page.context.close()
