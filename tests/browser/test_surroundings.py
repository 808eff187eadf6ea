"""What stands around a view says for itself what it could not get; the view stays."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from browser import zoo
from browser.dashboard import Dashboard
from browser.test_values import assert_grey, grey_of

WINDOW = '{"limits":"minmax","colormap":"grey"}'


@pytest.fixture
def page(zoo_page: Dashboard) -> Iterator[Dashboard]:
    """The page, whose requests a test makes fail; that they did is no problem of the page."""
    yield zoo_page
    zoo_page.page.unroute_all()
    zoo_page.problems[:] = [p for p in zoo_page.problems if "status of 500" not in p]


def refuse(dashboard: Dashboard, pattern: str) -> None:
    """Requests to addresses of this form are refused with a sentence."""

    def answer(route) -> None:
        route.fulfill(status=500, content_type="text/plain", body="the disk is on fire")

    dashboard.page.route(re.compile(pattern), answer)


def assert_tiles(dashboard: Dashboard, tag: str, channel: int, step: int = 40) -> None:
    """The tiles are there, and of this layer; nothing has taken their place."""
    plane = zoo.values("main", tag, step)[0, ..., channel]
    tile = dashboard.tile(channel, plane.shape[1])
    assert_grey(tile, grey_of(plane, plane.min(), plane.max()))
    assert dashboard.root.get_by_role("alert").count() == 0


@pytest.mark.parametrize(
    ("requests", "place", "said"),
    [
        (r"/stats\?", ".inspector", "No statistics: the disk is on fire"),
        (r"/tensor\?.*step=[123]?0\b", ".inspector", "No film: the disk is on fire"),
        (r"/steps\?.*tag=input", ".inputbox", "No input: the disk is on fire"),
        (r"/tensor\?.*tag=input", ".inputbox", "No input: the disk is on fire"),
        (r"/overview\?", ".health", "No overview: the disk is on fire"),
    ],
    ids=["statistics", "film", "inputs", "input", "overview"],
)
def test_a_part_that_fails_says_so_in_its_place(
    page: Dashboard, requests: str, place: str, said: str
) -> None:
    """Its sentence where it stands, the tiles as they are, and all back at the next try."""
    refuse(page, requests)
    page.open(run="main", layer="wide", window=WINDOW)
    expect(page.root.locator(place)).to_contain_text(said)
    assert_tiles(page, "wide", 25)
    assert page.axe() == []
    page.page.unroute_all()
    page.page.locator(".reload-button").click()
    expect(page.root.locator(place)).not_to_contain_text(said)


def test_a_comparison_that_fails_says_so_in_its_bar(page: Dashboard) -> None:
    """The second tile stays empty, the first is as it was."""
    refuse(page, r"/tensor\?.*step=0\b")
    page.open(run="main", layer="wide", window=WINDOW, compare="first")
    expect(page.root.locator(".row.compare")).to_contain_text("the disk is on fire")
    plane = zoo.values("main", "wide", 40)[0, ..., 3]
    left = page.tile(3, 16)[:, :8]
    assert_grey(left, grey_of(plane, plane.min(), plane.max()))
    assert page.root.get_by_role("alert").count() == 0


def test_layers_can_be_chosen_without_an_overview(page: Dashboard) -> None:
    """No strips and no health then, but every layer and its tiles."""
    refuse(page, r"/overview\?")
    page.open(run="main", window=WINDOW)
    assert page.root.locator(".layerbar h1").inner_text() == "wide"
    page.select_layer("narrow")
    assert_tiles(page, "narrow", 5)


def test_a_narrower_layer_opens_on_its_first_channel_and_the_wide_one_where_it_was(
    page: Dashboard,
) -> None:
    """Channel 25 of 32, then a layer of 8, then back: what is chosen is always there."""
    heading = page.root.locator(".inspector h2")
    page.open(run="main", layer="wide", window=WINDOW, channel=25)
    page.select_layer("narrow")
    expect(heading).to_have_text("Channel 0")
    assert_tiles(page, "narrow", 7)
    page.select_layer("wide")
    expect(heading).to_have_text("Channel 25")
    assert_tiles(page, "wide", 25)


def test_a_mark_outside_of_a_smaller_plane_is_gone_until_it_is_within(page: Dashboard) -> None:
    """No value is read where the plane has no pixel."""
    value = page.root.locator(".inspector header .value")
    page.open(run="main", layer="one", window=WINDOW, pixel="9,9")
    expect(value).not_to_have_text("")
    page.select_layer("wide")
    expect(value).to_have_text("")
    page.select_layer("one")
    expect(value).not_to_have_text("")
