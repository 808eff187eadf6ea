"""A colour input as the chosen layer: one tile in colour, then its channels."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from browser import scenes
from browser.dashboard import Dashboard
from browser.test_inspector import enlarged, inspector, read, statistics
from browser.test_values import assert_grey, grey_of


def names(dashboard: Dashboard) -> list[str]:
    """What the cells are called, in order."""
    return dashboard.grid.get_by_role("gridcell").evaluate_all(
        "cells => cells.map(c => c.getAttribute('aria-label'))"
    )


def colours(dashboard: Dashboard, width: int = 20) -> np.ndarray:
    return dashboard.named_tile("RGB", width)[..., :3].astype(float)


def expected(example: int = 0) -> np.ndarray:
    picture = scenes.pictures()[example].astype(np.float64)
    return (picture - picture.min()) / (picture.max() - picture.min()) * 255


def test_the_picture_stands_before_its_channels(themed: Dashboard) -> None:
    """The first tile has the logged colours, the others are its red, green and blue in grey."""
    themed.open(layer="input")
    assert names(themed) == ["RGB", "channel 0", "channel 1", "channel 2"]
    assert np.abs(colours(themed) - expected()).max() <= 1.5
    picture = scenes.pictures()[0]
    for channel in range(3):
        grey = grey_of(picture[..., channel], picture.min(), picture.max())
        assert_grey(themed.tile(channel, 20), grey)
    captions = themed.grid.locator(".caption").all_inner_texts()
    assert captions == ["RGB", "0 R", "1 G", "2 B"]
    themed.screenshot("colour")


def test_the_picture_is_looked_at_first(dashboard: Dashboard) -> None:
    """Coming from a channel of another layer, the inspector shows the colours and their numbers."""
    dashboard.open(layer="encoder/conv1", channel=1)
    dashboard.select_layer("input")
    expect(inspector(dashboard).get_by_role("heading").first).to_have_text("RGB")
    pixels = read(enlarged(dashboard), 20, 16)[..., :3].astype(float)
    assert np.abs(pixels - expected()).max() <= 1.5
    group = inspector(dashboard).get_by_role("group", name=re.compile("Statistics"))
    expect(group).not_to_contain_text("…")
    said = statistics(dashboard)
    assert float(said["mean"]) == pytest.approx(scenes.pictures().mean(), rel=1e-2)
    assert float(said["std"]) == pytest.approx(scenes.pictures().std(), rel=1e-2)
    expect(inspector(dashboard).get_by_role("img", name="max of RGB over steps")).to_be_visible()
    frame = inspector(dashboard).get_by_role("group", name="Film").locator("canvas").first
    expect(frame).not_to_have_class("waiting")
    film = read(frame, 20, 16)[..., :3].astype(float)
    assert np.abs(film - expected()).max() <= 1.5


def test_three_values_stand_under_the_cursor(dashboard: Dashboard) -> None:
    """Over the colour tile the status line and every caption say red, green and blue."""
    dashboard.open(layer="input")
    cell = dashboard.grid.get_by_role("gridcell", name="RGB", exact=True)
    box = cell.bounding_box()
    assert box is not None
    zoom = box["width"] / 20
    cell.hover(position={"x": 7.5 * zoom, "y": 4.5 * zoom})
    values = scenes.pictures()[0, 4, 7]
    said = re.fullmatch(r"RGB, x 7, y 4: red (\S+), green (\S+), blue (\S+)", dashboard.status)
    assert said, dashboard.status
    assert [float(v) for v in said.groups()] == pytest.approx(list(values), abs=1e-3)
    caption = dashboard.grid.locator(".caption").first.inner_text()
    assert [float(v) for v in caption.split()] == pytest.approx(list(values), abs=1e-2)


def test_keys_and_clicks_reach_picture_and_channels(dashboard: Dashboard) -> None:
    """Arrows and clicks move between the picture and its channels, and the address keeps which."""
    dashboard.open(layer="input")
    cell = dashboard.grid.get_by_role("gridcell", name="RGB", exact=True)
    heading = inspector(dashboard).get_by_role("heading").first
    cell.focus()
    dashboard.page.keyboard.press("ArrowRight")
    expect(heading).to_have_text("Channel 0")
    pixels = read(enlarged(dashboard), 20, 16)
    assert (pixels[..., 0] == pixels[..., 1]).all(), "a channel is grey"
    dashboard.page.keyboard.press("Home")
    expect(heading).to_have_text("RGB")
    dashboard.cell(2).click()
    expect(heading).to_have_text("Channel 2")
    cell.click()
    expect(cell).to_have_attribute("aria-selected", "true")
    dashboard.page.wait_for_function("location.hash.includes('activations.channel=rgb')")


def test_triage_and_other_colormaps_show_channels_alone(dashboard: Dashboard) -> None:
    """Where a part of the channels is asked for, or another colormap, there is no colour tile."""
    dashboard.open(layer="input", search="1-2")
    assert names(dashboard) == ["channel 1", "channel 2"]
    dashboard.open(layer="input", channel="rgb", window='{"colormap":"viridis"}')
    assert names(dashboard) == ["channel 0", "channel 1", "channel 2"]
    expect(dashboard.cell(0)).to_have_attribute("aria-selected", "true")
    dashboard.choose("Sort by", "mean")
    dashboard.choose("Colormap", "")
    assert names(dashboard)[0] == "RGB"


def test_pictures_are_compared_side_by_side(dashboard: Dashboard) -> None:
    """Beside the picture of the shown example stands that of another one, both in colour."""
    dashboard.open(layer="input", compare="example:1", mode="beside")
    both = colours(dashboard, 40)
    assert np.abs(both[:, :20] - expected()).max() <= 1.5
    low, high = scenes.pictures()[0].min(), scenes.pictures()[0].max()
    other = np.clip((scenes.pictures()[1] - low) / (high - low), 0, 1) * 255
    assert np.abs(both[:, 20:] - other).max() <= 1.5
