"""The tree of layers: strips, badges, search, order, keyboard, and the map above a long list."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from logs import write_run
from playwright.sync_api import Browser, expect
from servers import Server, tensorboard_server

from browser.conftest import new_dashboard
from browser.dashboard import Dashboard

LAYERS = 60


def names(dashboard: Dashboard) -> list[str]:
    rows = dashboard.tree.get_by_role("treeitem")
    return rows.evaluate_all("rows => rows.map(r => r.title)")


def test_layers_stand_in_model_order_under_their_path(dashboard: Dashboard) -> None:
    """A group for each common path, layers in model order, the input after them."""
    dashboard.open()
    assert names(dashboard) == [
        "encoder/",
        "encoder/conv1",
        "encoder/conv2",
        "head/",
        "head/conv3",
        "head/broken",
        "dense",
        "tokens",
        "volume",
        "input",
    ]


def test_badges_name_problems_only(dashboard: Dashboard) -> None:
    """Non-finite channels, else the share of dead ones, else the number of channels."""
    dashboard.open()
    badges = {
        name: dashboard.layer(name).locator(".badge").inner_text()
        for name in ("encoder/conv1", "encoder/conv2", "head/conv3", "head/broken")
    }
    assert badges == {
        "encoder/conv1": "8.3 % dead",
        "encoder/conv2": "24",
        "head/conv3": "50 % dead",
        "head/broken": "2 non-finite",
    }


def test_a_folded_group_shows_its_worst(dashboard: Dashboard) -> None:
    """Folding hides the layers and puts the worst badge on the group."""
    dashboard.open()
    group = dashboard.layer("head/")
    group.click(position={"x": 20, "y": 14})
    expect(group).to_have_attribute("aria-expanded", "false")
    assert "head/broken" not in names(dashboard)
    assert group.locator(".badge").inner_text() == "2 non-finite"
    group.click(position={"x": 20, "y": 14})


def test_problems_first_and_search(dashboard: Dashboard) -> None:
    """The worst layer comes first; a search leaves the layers of that name."""
    dashboard.open()
    dashboard.choose("Order of layers", "problems")
    assert names(dashboard)[:3] == ["head/broken", "head/conv3", "encoder/conv1"]
    dashboard.root.get_by_label("Search layers").fill("conv")
    assert names(dashboard) == ["head/conv3", "encoder/conv1", "encoder/conv2"]
    dashboard.root.get_by_label("Search layers").fill("")
    dashboard.choose("Order of layers", "model")


def test_strips_brighten_as_activations_grow(dashboard: Dashboard) -> None:
    """conv2 grows at every step: its cells run up the colormap; NaN has its own colour."""
    dashboard.open()
    read = "c => Array.from(c.getContext('2d').getImageData(0, 0, c.width, 1).data)"
    strip = dashboard.layer("encoder/conv2").locator(".strip canvas")
    green = np.array(strip.evaluate(read)).reshape(-1, 4)[:, 1]
    assert len(green) == 8
    assert (np.diff(green) > 0).all()
    broken = dashboard.layer("head/broken").locator(".strip canvas")
    cells = np.array(broken.evaluate(read)).reshape(-1, 4)
    assert [tuple(c[:3]) == (255, 0, 255) for c in cells] == [False] * 6 + [True] * 2


def test_arrows_move_along_the_tree(dashboard: Dashboard) -> None:
    """Down goes to the next layer and shows it, left to the group, right folds it out."""
    dashboard.open(layer="encoder/conv1")
    dashboard.layer("encoder/conv1").focus()
    dashboard.page.keyboard.press("ArrowDown")
    expect(dashboard.layer("encoder/conv2")).to_be_focused()
    expect(dashboard.root.locator(".layerbar h1")).to_have_text("encoder/conv2")
    dashboard.page.keyboard.press("ArrowLeft")
    expect(dashboard.layer("encoder/")).to_be_focused()
    dashboard.page.keyboard.press("ArrowLeft")
    expect(dashboard.layer("encoder/")).to_have_attribute("aria-expanded", "false")
    dashboard.page.keyboard.press("ArrowRight")
    expect(dashboard.layer("encoder/")).to_have_attribute("aria-expanded", "true")


def deep_values(layer: int, step: int) -> np.ndarray:
    """`[1, 8, 8, 4]`."""
    values = np.random.default_rng((layer, step)).normal(size=(1, 8, 8, 4)).astype(np.float32)
    if layer == 41 and step >= 3:
        values[0, 0, 0, 1] = np.nan
    return values


@pytest.fixture(scope="module")
def deep_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A network of sixty layers, of which block_41 turns NaN at step 3."""
    layers = {f"block_{i}": {s: deep_values(i, s) for s in range(5)} for i in range(LAYERS)}
    directory: Path = tmp_path_factory.mktemp("deep")
    write_run(directory, layers)
    with tensorboard_server(directory) as server:
        server.wait_for_tags(*layers)
        yield server


def test_a_long_list_has_a_map_above_it(browser: Browser, deep_server: Server) -> None:
    """Layers × steps, one pixel each; a click goes to that layer and step."""
    page = new_dashboard(browser, deep_server.url).open()
    expect(page.root.locator(".layerbar h1")).to_have_text("block_41")
    chart = page.root.get_by_role("img", name="Network map", exact=True)
    size = chart.evaluate("c => [c.width, c.height]")
    assert size == [5, LAYERS]
    box = chart.bounding_box()
    assert box is not None
    chart.click(position={"x": box["width"] * 1.5 / 5, "y": box["height"] * 10.5 / LAYERS})
    expect(page.root.locator(".layerbar h1")).to_have_text("block_10")
    expect(page.root.get_by_text("step 1", exact=True)).to_be_visible()
    page.screenshot("map")
    page.page.mouse.move(
        box["x"] + box["width"] * 3.5 / 5, box["y"] + box["height"] * 41.5 / LAYERS
    )
    rms = float(np.sqrt((deep_values(41, 3)[np.isfinite(deep_values(41, 3))] ** 2).mean()))
    assert page.status == f"block_41, step 3: rms {rms:.2g}, 1 of 4 channels non-finite"
    chart.focus()
    page.page.keyboard.press("ArrowDown")
    expect(page.root.locator(".layerbar h1")).to_have_text("block_11")
    expect(page.root.get_by_text("step 1", exact=True)).to_be_visible()
    page.page.keyboard.press("End")
    expect(page.root.get_by_text("step 4", exact=True)).to_be_visible()
    assert page.status.startswith("block_11, step 4: rms ")
    mark = page.root.locator(".map .here").bounding_box()
    assert mark is not None
    at = mark["x"] + mark["width"] / 2 - box["x"], mark["y"] + mark["height"] / 2 - box["y"]
    assert at == pytest.approx((0.9 * box["width"], box["height"] * 11.5 / LAYERS), abs=1)
    page.layer("block_11").locator(".strip").hover(position={"x": 2, "y": 4})
    assert page.status.startswith("block_11, step 0: rms ")
    legend = page.root.get_by_role("note", name="Colours of the strips")
    assert legend.inner_text().split() == ["rms", *legend.inner_text().split()[1:3], "non-finite"]
    assert page.axe() == []
    assert page.problems == []
    page.page.context.close()


def test_a_link_to_what_is_gone_says_so_and_shows_the_nearest(dashboard: Dashboard) -> None:
    """Step, example and channel that a layer no longer holds are named; the nearest are shown."""
    dashboard.open(layer="encoder/conv1", step=700, example=99, channel=3333)
    notice = dashboard.root.get_by_role("alert")
    expect(notice).to_contain_text("no step 700, no example 99, no channel 3333")
    slider = dashboard.root.get_by_role("slider", name="Step", exact=True)
    expect(slider).to_have_attribute("aria-valuetext", "step 70, 8 of 8")


def test_the_chosen_layer_is_in_sight_in_a_long_tree(dashboard: Dashboard) -> None:
    """Whatever comes to stand above the tree after it was laid out."""
    dashboard.open(layer="volume")
    dashboard.wait_idle()
    tree, row = dashboard.tree.bounding_box(), dashboard.layer("volume").bounding_box()
    assert tree and row
    assert tree["y"] <= row["y"] and row["y"] + row["height"] <= tree["y"] + tree["height"] + 1


def test_a_link_keeps_the_search_the_chart_and_the_overlay(dashboard: Dashboard) -> None:
    """What is found in the tree, drawn over the steps and laid over the tile is in the address."""
    dashboard.open(layer="encoder/conv1", find="conv", chart="std", overlay=1)
    dashboard.wait_idle()
    assert dashboard.layer("encoder/conv1").count() == 1
    assert dashboard.layer("volume").count() == 0
    expect(dashboard.root.get_by_text("std, 8 steps")).to_be_visible()
    for key in ("find=conv", "chart=std", "overlay=1"):
        dashboard.page.wait_for_function(f"location.hash.includes('p.activations.{key}')")
