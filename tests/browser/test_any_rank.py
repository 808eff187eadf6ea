"""Layers of every rank: volumes by depth, sequences and dense layers as matrices."""

from __future__ import annotations

import re

import numpy as np
import pytest

from browser import scenes
from browser.dashboard import Dashboard
from browser.test_values import assert_grey, grey_of

GREY = '{"limits":"minmax","colormap":"grey"}'


def column(dashboard: Dashboard, channel: int) -> np.ndarray:
    """The grey levels of one channel of a matrix, from the first row down."""
    return dashboard.tile(channel, 1)[:, 0, 0].astype(float)


def corners(dashboard: Dashboard, channel: int, count: int) -> np.ndarray:
    """The grey levels of one channel of a sequence, where no number is written."""
    row = dashboard.tile(channel, 10**6)[2, :, 0].astype(float)
    return row[2 :: len(row) // count][:count]


def test_dense_layer_is_a_matrix_of_examples_by_channels(themed: Dashboard) -> None:
    """Every stored example is a row, every unit a column, under one window for all."""
    themed.open(layer="dense", window=GREY)
    values = scenes.layers(70)["dense"].astype(np.float64)
    for channel in (0, 17, 31):
        expected = grey_of(values[:, channel], values.min(), values.max())
        assert np.abs(column(themed, channel) - expected).max() <= 1.5
    labels = themed.grid.locator(".rowlabels").first.inner_text().split("\n")
    assert labels == ["0 “cat”", "1 “dog”", "2 “ship”", "3 “frog”"]
    themed.screenshot("matrix-dense")


@pytest.mark.parametrize(("size", "words"), [(48, "across"), (16, "upright"), (8, "counted")])
def test_what_ails_a_unit_is_a_word(themed: Dashboard, size: int, words: str) -> None:
    """Under columns of any width stands `dead` and `const`: beside the number, upright, counted."""
    themed.open(layer="dense", size=size)
    if words == "counted":
        assert themed.grid.locator(".counted").all_inner_texts() == ["1 dead, 1 const"]
    else:
        assert themed.word(3, f".{words}") == "dead"
        assert themed.word(9, f".{words}") == "const"
        assert themed.word(4) == ""
    for word in themed.grid.locator(".word:not(:empty), .counted span").all():
        box, grid = word.bounding_box(), themed.grid.bounding_box()
        assert box and grid and box["width"] * box["height"] > 0
        assert box["height"] <= (32 if words == "upright" else 14)
    themed.screenshot(f"matrix-{words}")


def test_sequence_is_a_matrix_of_channels_by_positions(themed: Dashboard) -> None:
    """Every channel is a row, positions run from left to right; the example chosen is shown."""
    themed.open(layer="tokens", window=GREY, example=2)
    values = scenes.layers(70)["tokens"][2].astype(np.float64)
    for channel in (0, 19):
        expected = grey_of(values[:, channel], values.min(), values.max())
        assert np.abs(corners(themed, channel, 12) - expected).max() <= 1.5
    named = [int(x) for x in themed.root.locator(".signalaxes .x").all_inner_texts()]
    assert named == list(range(0, 12, named[1]))


def test_value_under_the_cursor_of_a_matrix(dashboard: Dashboard) -> None:
    """The status line names channel and position, and gives the logged value."""
    dashboard.open(layer="tokens", window=GREY)
    box = dashboard.cell(7).bounding_box()
    assert box is not None
    width = box["width"] / 12
    dashboard.page.mouse.move(box["x"] + 5.5 * width, box["y"] + box["height"] / 2)
    where, _, number = dashboard.status.partition(": ")
    assert where == "channel 7, position 5"
    expected = float(scenes.layers(70)["tokens"][0, 5, 7])
    assert float(number) == pytest.approx(expected, rel=2e-3, abs=2e-3)


def test_large_cells_have_their_numbers_written_in(dashboard: Dashboard) -> None:
    """Cells of 32 pixels and more carry values, smaller ones none."""
    dashboard.open(layer="dense", window=GREY)
    numbers = dashboard.grid.locator("canvas.numbers")
    assert numbers.count() >= 1
    dashboard.slide("Tile size", 3)
    assert numbers.count() == 0
    cell = dashboard.cell(0).bounding_box()
    assert cell is not None
    assert cell["width"] == 12


def test_matrix_wraps_into_bands(dashboard: Dashboard) -> None:
    """More channels than fit side by side go on below, never sideways."""
    dashboard.open(layer="dense", window=GREY)
    dashboard.slide("Tile size", 10)
    tops = {
        round(box["y"])
        for channel in (0, 31)
        if (box := dashboard.cell(channel).bounding_box()) is not None
    }
    assert len(tops) == 2
    wider = "e => e.scrollWidth > e.clientWidth"
    assert not dashboard.grid.evaluate(wider)


def test_arrows_walk_through_a_matrix(dashboard: Dashboard) -> None:
    """Arrow keys move the selection from channel to channel, and with it the inspector."""
    dashboard.open(layer="dense", window=GREY)
    dashboard.cell(0).click()
    for _ in range(3):
        dashboard.page.keyboard.press("ArrowRight")
        dashboard.drawn()
    heading = dashboard.root.get_by_role("heading", name=re.compile("^Channel "))
    assert heading.inner_text() == "Channel 3"
    assert dashboard.cell(3).get_attribute("aria-selected") == "true"


def test_depth_slider_goes_through_a_volume(themed: Dashboard) -> None:
    """The tiles are the middle slice, then the chosen one; other layers have no such slider."""
    themed.open(layer="volume", window=GREY)
    values = scenes.layers(70)["volume"][0].astype(np.float64)
    middle = values[2, ..., 1]
    assert_grey(themed.tile(1, 9), grey_of(middle, middle.min(), middle.max()))
    for z in (0, 3):
        themed.slide("Depth", z)
        plane = values[z, ..., 1]
        assert_grey(themed.tile(1, 9), grey_of(plane, plane.min(), plane.max()))
    themed.select_layer("encoder/conv1")
    assert themed.root.get_by_role("slider", name="Depth").count() == 0


def test_matrices_compare_one_under_the_other(themed: Dashboard) -> None:
    """Compared with the first step, its rows stand under those of the last, under one window."""
    themed.open(layer="dense", window=GREY)
    themed.root.get_by_role("button", name="Compare", exact=True).click()
    themed.root.get_by_text("above step 70, below step 0").wait_for()
    themed.settle()
    now, first = (scenes.layers(step)["dense"].astype(np.float64) for step in (70, 0))
    shown = column(themed, 17)
    assert len(shown) == 9
    lo, hi = min(now.min(), first.min()), max(now.max(), first.max())
    assert np.abs(shown[:4] - grey_of(now[:, 17], lo, hi)).max() <= 1.5
    assert np.abs(shown[5:] - grey_of(first[:, 17], lo, hi)).max() <= 1.5
    themed.root.get_by_role("button", name="Compare", exact=True).click()
