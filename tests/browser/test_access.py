"""Names, contrast and roles as axe sees them, and every view at every width, kept as pictures."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from browser.dashboard import Dashboard

VIEWS = {
    "conv": {"layer": "encoder/conv1"},
    "broken": {"layer": "head/broken"},
    "many": {"layer": "head/conv3"},
    "volume": {"layer": "volume"},
}
NAMES = {
    "grid": ["Channels"],
    "tree": ["Layers"],
    "img": ["Input"],
    "slider": ["Step", "Brightness", "Contrast", "Tile size"],
    "combobox": ["Run", "Example", "Colormap", "Range", "Sort by", "Show"],
    "checkbox": ["Lock over steps"],
    "button": ["Auto", "Reset", "Play", "Follow", "Previous", "Next", "More"],
}


@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_nothing(themed: Dashboard, view: str) -> None:
    """No violation in either theme, for each kind of layer."""
    themed.open(**VIEWS[view])
    assert themed.axe() == []


@pytest.mark.parametrize("view", ["conv", "volume"])
def test_axe_finds_nothing_in_a_narrow_window(themed: Dashboard, view: str) -> None:
    """No violation at 900 pixels, with the drawer open."""
    themed.page.set_viewport_size({"width": 900, "height": 800})
    themed.open(**VIEWS[view])
    themed.root.get_by_role("button", name="Values", exact=True).click()
    expect(themed.root.get_by_role("slider", name="Brightness", exact=True)).to_be_visible()
    themed.settle()
    assert themed.axe() == []


def test_everything_has_its_name(dashboard: Dashboard) -> None:
    """The names that tests and people rely on, each exactly once."""
    dashboard.open(layer="encoder/conv1")
    for role, names in NAMES.items():
        for name in names:
            expect(dashboard.root.get_by_role(role, name=name, exact=True)).to_have_count(1)
    for name in ("Minimum", "Maximum", "Channels to show"):
        expect(dashboard.root.get_by_label(name, exact=True)).to_have_count(1)
    expect(dashboard.root.get_by_role("status")).to_have_count(1)
    dashboard.root.get_by_role("button", name="More", exact=True).click()
    expect(dashboard.root.get_by_role("slider", name="Gamma", exact=True)).to_be_visible()


def test_a_narrow_window_has_selects_and_a_drawer(dashboard: Dashboard) -> None:
    """Under 1000 px the tree is a select and the values are a drawer."""
    dashboard.page.set_viewport_size({"width": 900, "height": 800})
    dashboard.open(layer="encoder/conv1")
    layer = dashboard.root.get_by_role("combobox", name="Layer", exact=True)
    expect(layer).to_have_value("encoder/conv1")
    layer.select_option("encoder/conv2")
    dashboard.wait_idle()
    expect(dashboard.root.locator(".layerbar h1")).to_have_text("encoder/conv2")
    brightness = dashboard.root.get_by_role("slider", name="Brightness", exact=True)
    expect(brightness).to_have_count(0)
    for shown in (True, False):
        dashboard.root.get_by_role("button", name="Values", exact=True).click()
        expect(brightness).to_be_visible(visible=shown)
    dashboard.root.get_by_role("button", name="Values", exact=True).click()
    dashboard.root.get_by_role("button", name="Previous", exact=True).click()
    expect(dashboard.root.locator(".count")).to_have_text("7/8")


@pytest.mark.parametrize("width", [900, 1400, 1800, 3840])
def test_nothing_overflows_sideways(themed: Dashboard, width: int) -> None:
    """Each view at each width is kept as a picture; nothing is cut off at the side."""
    height = {900: 800, 1400: 900, 1800: 1000, 3840: 2000}[width]
    themed.page.set_viewport_size({"width": width, "height": height})
    views = VIEWS if width == 1400 else {"many": VIEWS["many"]}
    for view, keys in views.items():
        themed.open(**keys)
        dark = themed.frame.evaluate("() => document.documentElement.classList.contains('dark')")
        themed.screenshot(f"{view}-{'dark' if dark else 'light'}-{width}")
        wide = themed.frame.evaluate("() => document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0
        right = themed.root.locator(".right")
        if width >= 1180:
            assert right.evaluate("e => e.scrollHeight - e.clientHeight") <= 0


def test_the_keyboard_sheet_lists_the_keys(dashboard: Dashboard) -> None:
    """`?` opens it, Escape closes it, and single keys can be switched off."""
    dashboard.open(layer="encoder/conv1")
    dashboard.root.locator(".layerbar h1").click()
    dashboard.page.keyboard.press("?")
    sheet = dashboard.root.get_by_role("dialog", name="Keyboard")
    expect(sheet).to_be_visible()
    assert sheet.evaluate("e => e.scrollWidth - e.clientWidth") == 0, "a line is cut off"
    assert dashboard.axe() == []
    sheet.get_by_role("checkbox", name="Single keys").uncheck()
    dashboard.screenshot("keyboard")
    dashboard.page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    dashboard.page.keyboard.press("j")
    expect(dashboard.root.locator(".layerbar h1")).to_have_text("encoder/conv1")
