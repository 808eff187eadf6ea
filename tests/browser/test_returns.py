"""Back and forward: another run or layer is a place to come back to."""

from __future__ import annotations

from playwright.sync_api import Browser, expect
from servers import Server

from browser.conftest import new_dashboard
from browser.dashboard import Dashboard


def stands(page: Dashboard, layer: str, run: str = "train") -> None:
    expect(page.root.locator(".layerbar h1")).to_have_text(layer)
    expect(page.root.get_by_role("combobox", name="Run", exact=True)).to_have_value(run)
    page.settle()


def test_back_returns_to_the_layer_and_the_run_before(
    browser: Browser, scene_server: Server
) -> None:
    """With the step, channel and window of then; a step alone is no place; the tab never goes."""
    page = new_dashboard(browser, scene_server.url).open(layer="encoder/conv1")
    places = page.page.evaluate("() => history.length")
    page.slide("Step", 3)
    page.cell(4).click()
    page.settle()
    page.pause(400)
    assert page.page.evaluate("() => history.length") == places
    for layer in ("encoder/conv2", "dense"):
        page.select_layer(layer)
        page.pause(400)
    page.choose("Run", "older")
    page.pause(400)
    stands(page, "dense", "older")
    assert page.page.evaluate("() => history.length") == places + 3
    page.page.go_back()
    stands(page, "dense")
    page.page.go_back()
    stands(page, "encoder/conv2")
    page.page.go_back()
    stands(page, "encoder/conv1")
    expect(page.root.locator(".when strong")).to_have_text("step 30")
    expect(page.cell(4)).to_have_attribute("aria-selected", "true")
    page.page.go_forward()
    stands(page, "encoder/conv2")
    assert page.page.evaluate("() => history.length") == places + 3
    assert page.problems == []
    page.page.context.close()


def test_at_200_per_cent_the_bars_scroll_away(dashboard: Dashboard) -> None:
    """Of a window of 1400 × 900 at twice its size the tiles have all but TensorBoard's own bar."""
    dashboard.page.set_viewport_size({"width": 700, "height": 450})
    page = dashboard.open(layer="encoder/conv1")
    inside = page.frame.evaluate("() => innerHeight")
    page.cell(11).scroll_into_view_if_needed()
    page.frame.evaluate("() => scrollTo(0, document.documentElement.scrollHeight)")
    page.settle()
    well = page.root.locator(".gridwell").evaluate(
        "e => { const { top, bottom } = e.getBoundingClientRect(); return [top, bottom]; }"
    )
    assert well[0] <= 1
    assert well[1] >= inside - 30
    status = page.root.locator(".status").evaluate("e => e.getBoundingClientRect().bottom")
    assert abs(status - inside) <= 1
    page.screenshot("zoomed")
