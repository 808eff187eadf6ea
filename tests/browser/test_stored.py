"""Where storing took something from the values, what is said is what is still known of them."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from browser import zoo
from browser.dashboard import Dashboard
from browser.test_first_screen import theme_of
from browser.walk_model import record, scale_of

BELOW = re.compile(r"below (\S+)")


def smallest(tag: str, step: int) -> float:
    """What half precision keeps of a layer: half of its least step."""
    return scale_of(zoo.values("main", tag, step)) * 2.0**-25


def assert_bound(text: str, tag: str, step: int) -> None:
    """The bound that is said holds, and is the tightest of two digits."""
    found = BELOW.search(text)
    assert found is not None, text
    assert smallest(tag, step) < float(found[1]) <= 1.1 * smallest(tag, step)


def lost(step: int) -> np.ndarray:
    """Units of the softmax that are stored as zeros in every example, and were not."""
    stored = record("main", "softmax", step).stored
    return np.flatnonzero(
        (stored == 0).all(axis=0) & (zoo.values("main", "softmax", step) > 0).all(axis=0)
    )


def test_a_stored_zero_that_was_none_is_below_a_bound(zoo_page: Dashboard) -> None:
    """In the word under a unit, the inspector, the status line and the values; never "0"."""
    step = 20
    unit = int(lost(step)[0])
    zoo_page.open(run="main", layer="softmax", step=step, channel=unit, size=48)
    cell = zoo_page.cell(unit)
    assert zoo_page.word(unit) == "tiny"
    assert_bound(cell.get_attribute("title") or "", "softmax", step)
    assert "not zero" in (cell.get_attribute("aria-description") or "")
    assert_bound(zoo_page.root.locator(".inspector .state").inner_text(), "softmax", step)
    cell.hover()
    assert_bound(zoo_page.status.partition(": ")[2], "softmax", step)
    assert_bound(zoo_page.root.locator(".inspector header .value").inner_text(), "softmax", step)
    zoo_page.screenshot(f"stored-tiny-{theme_of(zoo_page)}")
    zoo_page.open(run="main", layer="softmax", step=step, channel=unit, size=8)
    assert "tiny" in zoo_page.grid.locator(".counted").first.inner_text()
    assert zoo_page.axe() == []


def test_a_zero_that_was_one_is_zero(zoo_page: Dashboard) -> None:
    """What the statistics count as zeros too is dead, silent, and written as 0."""
    zoo_page.open(run="main", layer="dying", channel=0)
    plane = zoo.values("main", "dying", 40)[0, ..., 2]
    assert (plane == 0).all()
    assert zoo_page.caption(2) == "2 dead"
    zoo_page.cell(2).hover()
    assert zoo_page.status.endswith(": 0")


def test_some_stored_zeros_were_none(zoo_page: Dashboard) -> None:
    """A unit with values beside lost ones says so where the pointer is on a lost one."""
    step = 40
    stored = record("main", "softmax", step).stored
    values = zoo.values("main", "softmax", step)
    mixed = ((stored == 0) & (values > 1e-37)).any(axis=0) & (stored > 0).any(axis=0)
    unit = int(np.flatnonzero(mixed & (values > 1e-37).all(axis=0))[0])
    zoo_page.open(run="main", layer="softmax", step=step, channel=unit, size=48)
    box = zoo_page.cell(unit).bounding_box()
    assert box is not None
    for example in range(4):
        zoo_page.page.mouse.move(box["x"] + 24, box["y"] + 48 * example + 24)
        said = zoo_page.status.partition(": ")[2]
        if stored[example, unit] == 0:
            assert_bound(said, "softmax", step)
        else:
            assert float(said) == pytest.approx(values[example, unit], rel=2e-3, abs=5.1e-4)


def test_values_stored_more_coarsely_than_they_vary_say_so(zoo_page: Dashboard) -> None:
    """A million and a little: the step of the storage and the spread stand beside the legend."""
    zoo_page.open(run="main", layer="offset", channel=1)
    values = zoo.values("main", "offset", 40)[..., 1].astype(np.float64)
    legend = zoo_page.root.locator(".values .legend")
    said = re.fullmatch(r"stored in steps of (\d+), varies by ([\d.]+)", legend.inner_text())
    assert said is not None
    stored = np.unique(record("main", "offset", 40).stored)
    assert float(said[1]) == np.diff(stored).min(initial=512) == 512
    assert float(said[2]) == pytest.approx(values.std(), rel=0.06)
    header = zoo_page.root.locator(".values header").inner_text()
    assert "all values" not in header
    box, room = legend.bounding_box(), zoo_page.root.locator(".values").bounding_box()
    assert box and room and box["x"] + box["width"] <= room["x"] + room["width"]
    assert legend.locator(".coarse").evaluate("e => e.scrollWidth <= e.clientWidth")
    zoo_page.screenshot(f"stored-coarse-{theme_of(zoo_page)}")
    assert zoo_page.axe() == []
    zoo_page.select_layer("wide")
    expect(legend).to_have_text("")
