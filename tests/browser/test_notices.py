"""What was asked for and is not there is said, all of it, and what is there stays."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, expect
from servers import reserved_port, tensorboard_server

from browser import zoo
from browser.conftest import new_dashboard
from browser.dashboard import Dashboard
from browser.test_first_screen import theme_of
from browser.test_surroundings import WINDOW, assert_tiles
from browser.test_values import assert_grey, grey_of

NAME = {"x": 30, "y": 14}  # on a row of the tree


def notices(dashboard: Dashboard) -> Locator:
    return dashboard.root.locator(".stepbar").get_by_role("alert")


def requests_of(dashboard: Dashboard) -> list[str]:
    """Addresses of ours that are asked for from now on."""
    asked: list[str] = []
    dashboard.page.on("request", lambda request: asked.append(request.url))
    return asked


def test_all_that_a_link_asks_for_in_vain_is_said(zoo_page: Dashboard) -> None:
    """One line for the run, one for the layer, one for step and channel: none hides another."""
    zoo_page.open(run="gone", layer="conv9", step=33, channel=900, window=WINDOW)
    expect(notices(zoo_page)).to_have_text(
        [
            "There is no run “gone” any more; this is “main”.",
            "Run “main” has no layer “conv9”; this is “broken”.",
            "“broken” holds no step 33, no channel 900; the nearest is shown.",
        ]
    )
    assert zoo_page.axe() == []
    zoo_page.screenshot(f"notices-{theme_of(zoo_page)}")
    notices(zoo_page).nth(1).get_by_role("button", name="Dismiss").click()
    expect(notices(zoo_page)).to_have_count(2)
    expect(notices(zoo_page).last).to_contain_text("no step 33")
    zoo_page.select_layer("wide")
    expect(notices(zoo_page)).to_have_count(1)
    expect(notices(zoo_page)).to_contain_text("no run “gone”")
    zoo_page.choose("Run", "single")
    expect(notices(zoo_page)).to_have_count(0)


def test_a_comparison_with_a_run_that_is_not_there_is_said(zoo_page: Dashboard) -> None:
    """In its bar, by name, without asking for it; the tiles stay."""
    asked = requests_of(zoo_page)
    zoo_page.open(run="main", layer="one", window=WINDOW, compare="run:gone")
    bar = zoo_page.root.locator(".row.compare")
    expect(bar).to_contain_text("There is no run “gone” in the log")
    choice = zoo_page.root.get_by_role("combobox", name="Compare with", exact=True)
    assert choice.evaluate("s => s.selectedOptions[0].text") == "run gone, not here"
    assert not [url for url in asked if "run=gone" in url]
    plane = zoo.values("main", "one", 40)[0, ..., 0]
    assert_grey(zoo_page.tile(0, 20)[:, :10], grey_of(plane, plane.min(), plane.max()))
    expect(notices(zoo_page)).to_have_count(0)


def test_a_comparison_follows_to_a_layer_that_the_other_run_lacks(zoo_page: Dashboard) -> None:
    """That it has no such layer is said, and it is compared again where it has one."""
    zoo_page.open(run="main", layer="input", window=WINDOW, compare="run:partial")
    bar = zoo_page.root.locator(".row.compare")
    expect(bar).to_contain_text("Nearest step there: 20.")
    zoo_page.select_layer("narrow")
    expect(bar).to_contain_text("Run “partial” has no layer “narrow”")
    zoo_page.select_layer("wide")
    expect(bar).to_contain_text("Nearest step there: 20.")


def test_a_deleted_run_is_said_and_its_view_stays(
    browser: Browser, tmp_path: Path, theme: str
) -> None:
    """Nothing is asked of it any more; another run is a choice away."""
    for run in ("single", "partial"):
        zoo.write_run(tmp_path, run)
    with tensorboard_server(tmp_path) as server:
        for run in ("single", "partial"):
            server.wait_for_tags("input", run=run)
        page = new_dashboard(browser, server.url, theme)
        page.open(run="single", layer="wide", window=WINDOW)
        shutil.rmtree(tmp_path / "single")
        server.wait_for(lambda: "single" not in server.plugin("tags").json())
        page.page.locator(".reload-button").click()
        expect(notices(page)).to_have_text(
            "There is no run “single” any more; what was read of it stays on screen."
        )
        plane = zoo.values("single", "wide", 7)[0, ..., 25]
        assert_grey(page.tile(25, 8), grey_of(plane, plane.min(), plane.max()))
        assert page.root.get_by_role("alert").count() == 1
        page.screenshot(f"deleted-{theme}")
        assert page.axe() == []
        page.choose("Run", "partial")
        expect(notices(page)).to_have_count(0)
        plane = zoo.values("partial", "wide", 20)[0, ..., 25]
        assert_grey(page.tile(25, 8), grey_of(plane, plane.min(), plane.max()))
        # The look for news that met the deletion was refused; it is not asked again.
        assert [one for one in page.problems if "/latest?" not in one] == []
        assert len(page.problems) <= 1
        page.page.context.close()


@pytest.fixture
def kept_port() -> Iterator[list[str]]:
    """TensorBoard's options for a port that is its own, also while it does not run."""
    with reserved_port() as port:
        yield [f"--port={port}", "--reuse_port=true"]


def test_tensorboard_is_found_again_after_a_restart(
    browser: Browser, tmp_path: Path, theme: str, kept_port: list[str]
) -> None:
    """What was shown stays, dimmed where it is not what is chosen, until the server is back."""
    zoo.write_run(tmp_path, "main")
    with tensorboard_server(tmp_path, extra=kept_port) as server:
        server.wait_for_tags(*zoo.tags_of("main"), run="main")
        page = new_dashboard(browser, server.url, theme)
        page.open(run="main", layer="wide", window=WINDOW)
    dim = "() => document.querySelector('.app').hasAttribute('data-stale')"
    page.layer("narrow").click(position=NAME)
    expect(notices(page)).to_contain_text("TensorBoard does not answer")
    expect(notices(page)).to_contain_text(re.compile("It is asked again in (2|4|8) s"))
    page.frame.wait_for_function(dim)
    opacity = "() => getComputedStyle(document.querySelector('.gridscroll')).opacity"
    page.until(lambda: float(page.frame.evaluate(opacity)) < 0.5)
    assert page.cell(25).count() == 1, "the tiles of before are gone"
    page.screenshot(f"lost-{theme}")
    with tensorboard_server(tmp_path, extra=kept_port):
        expect(notices(page)).to_have_count(0)
        expect(page.root.locator(".layerbar .muted").first).to_have_text("8×8×8")
        page.settle()
        assert page.frame.evaluate(opacity) == "1"
        assert_tiles(page, "narrow", 5)
        expect(page.root.locator(".film .waiting")).to_have_count(0)
    page.page.context.close()


def test_what_fails_offline_is_there_once_online(zoo_page: Dashboard) -> None:
    """Asked for at once, whatever the wait had come to."""
    zoo_page.open(run="main", layer="dense", window=WINDOW)
    context = zoo_page.page.context
    context.set_offline(True)
    zoo_page.layer("tokens").click(position=NAME)
    expect(notices(zoo_page)).to_contain_text("It is asked again in 8 s")
    context.set_offline(False)
    expect(notices(zoo_page)).to_have_count(0)
    expect(zoo_page.root.locator(".layerbar .muted").first).to_have_text("12×20")
    values = zoo.values("main", "tokens", 40)[0].astype(np.float64)
    zoo_page.settle()
    shown = zoo_page.tile(3, 12)[0, :, 0].astype(float)
    assert np.abs(shown - grey_of(values[:, 3], values.min(), values.max())).max() <= 1.6
    zoo_page.problems[:] = [p for p in zoo_page.problems if "ERR_INTERNET_DISCONNECTED" not in p]


def test_an_earlier_step_is_shown_once_the_server_is_back(zoo_page: Dashboard) -> None:
    """Steps before the last are told anew by nobody: what failed for one is asked for again."""
    zoo_page.open(run="main", layer="narrow", window=WINDOW)
    context = zoo_page.page.context
    context.set_offline(True)
    zoo_page.root.get_by_role("button", name="First", exact=True).click()
    expect(notices(zoo_page)).to_contain_text("It is asked again in")
    context.set_offline(False)
    expect(notices(zoo_page)).to_have_count(0)
    zoo_page.settle()
    assert_tiles(zoo_page, "narrow", 5, 0)
    expect(zoo_page.root.get_by_text("loading…")).to_have_count(0)
    zoo_page.problems[:] = [p for p in zoo_page.problems if "ERR_INTERNET_DISCONNECTED" not in p]
