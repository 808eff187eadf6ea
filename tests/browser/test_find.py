"""What is found in few clicks: the layer that changed most, the channel that grew most."""

from __future__ import annotations

import re

import numpy as np
from playwright.sync_api import expect

from browser import scenes
from browser.clicks import Clicks
from browser.dashboard import Dashboard

CONV1 = "encoder/conv1"


def rms(step: int, layer: str) -> float:
    """Of all values of a layer, NaN where one is not finite."""
    return float(np.sqrt((scenes.layers(step)[layer].astype(np.float64) ** 2).mean()))


def change(before: int, step: int, layer: str) -> float:
    """The ratio of the RMS, up or down alike."""
    ratio = rms(step, layer) / rms(before, layer)
    return max(ratio, 1 / ratio)


def rows(page: Dashboard) -> list[tuple[str, str]]:
    """Layers of the tree from above, and what their badges say."""
    page.drawn()
    found = page.tree.get_by_role("treeitem").evaluate_all(
        "rows => rows.map(r => [r.title, r.querySelector('.badge').innerText])"
    )
    return [tuple(row) for row in found]


def test_the_layer_that_changed_most_since_the_last_step(themed: Dashboard, theme: str) -> None:
    """It is named with its ratio and one click away; as an order each layer shows its own."""
    themed.open(layer="dense", step=50)
    layers = scenes.layers(50)
    by_change = sorted(layers, key=lambda tag: -change(40, 50, tag))
    [most, *_] = by_change
    clicks = Clicks()
    health = themed.root.locator(".health")
    said = health.get_by_text(f"since step 40 (RMS ×{change(40, 50, most):.2f})")
    expect(said).to_be_visible()
    clicks(health.get_by_role("button", name=f"{most} changed most", exact=True))
    expect(themed.root.locator(".layerbar h1")).to_have_text(most)
    assert clicks.count <= 1

    themed.choose("Order of layers", "change")
    shown = rows(themed)
    assert [tag for tag, _ in shown] == [*by_change, "input"]
    for tag, text in shown[:-1]:
        assert text[0] == ("×" if rms(50, tag) >= rms(40, tag) else "÷")
        assert abs(float(text[1:]) - change(40, 50, tag)) < 0.006, tag
    title = themed.layer(most).locator(".badge").get_attribute("title")
    assert re.match(rf"×.*: RMS {rms(40, most):.3f} at step 40, {rms(50, most):.3f} at", title)
    themed.page.wait_for_url("**order=change**")
    assert themed.axe() == []
    themed.screenshot(f"changed-{theme}")

    # At the first step nothing has changed yet, and nothing is said to have.
    themed.slide("Step", 0)
    expect(health).not_to_contain_text("changed most")
    assert {text for _, text in rows(themed)} == {"–"}


def test_the_channel_that_grew_most_since_the_first_step(dashboard: Dashboard) -> None:
    """Two clicks: by the RMS over all examples that each channel has gained."""
    dashboard.open(layer=CONV1)

    def strength(step: int) -> np.ndarray:
        return np.sqrt((scenes.layers(step)[CONV1].astype(np.float64) ** 2).mean(axis=(0, 1, 2)))

    growth = strength(70) - strength(0)
    clicks = Clicks()
    clicks.choose(dashboard.root.get_by_role("combobox", name="Sort by", exact=True), "growth")
    dashboard.settle()
    assert dashboard.shown()[0] == int(np.argmax(growth))
    # Channels that gained nothing gain the error of a float32.
    gained = [c for c in dashboard.shown() if abs(growth[c]) > 1e-4]
    assert gained == sorted(gained, key=lambda c: -growth[c])
    assert clicks.count <= 2
