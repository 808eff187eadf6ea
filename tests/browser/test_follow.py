"""`Follow`: what is logged appears by itself, for one small request every two seconds."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from logs import event, layer
from playwright.sync_api import Browser, Request, expect
from servers import PATIENCE, Server, tensorboard_server

from browser import scenes
from browser.conftest import new_dashboard, shared
from browser.dashboard import Dashboard
from browser.test_values import assert_grey, grey_of
from tb_activations.eventfile.writer import EventWriter

CONV1 = "encoder/conv1"
ROUTES = "data/plugin/activations/"
GREY = '{"limits":"minmax","colormap":"grey"}'


class Asked:
    """The requests that a page sends to our routes: when, and for what."""

    def __init__(self, page: Dashboard) -> None:
        self.all: list[tuple[float, str]] = []
        page.page.on("request", self._on)

    def _on(self, request: Request) -> None:
        if ROUTES in request.url:
            self.all.append((time.monotonic(), request.url.split(ROUTES)[1]))

    def since(self, start: float) -> list[str]:
        """The routes asked for from then on."""
        return [url.split("?")[0] for at, url in self.all if at >= start]

    def times(self, route: str) -> np.ndarray:
        return np.array([at for at, url in self.all if url.startswith(route)])


@dataclass(frozen=True)
class Writing:
    """A run of two steps that is still being written, and a page for it."""

    run: str
    writer: EventWriter
    root: Path
    page: Dashboard

    def open(self, **keys: str) -> Dashboard:
        return self.page.open(run=self.run, layer=CONV1, **keys)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Server]]:
    """A directory to which each test adds a run of its own, and TensorBoard on it."""
    root = tmp_path_factory.mktemp("writing")
    with tensorboard_server(root) as server:
        yield root, server


@pytest.fixture
def writing(
    request: pytest.FixtureRequest,
    browser: Browser,
    many: tuple[Path, Server],
    module_pages: dict[str, Dashboard],
) -> Iterator[Writing]:
    root, server = many
    run = re.sub(r"\W", "-", request.node.name)
    theme = getattr(request.node, "callspec", None)
    dark = theme is not None and theme.params.get("theme") == "dark"
    with EventWriter(root / run, ".activations") as writer:
        for step in (0, 10):
            scenes.write_step(writer, step)
        server.wait_for_tags("volume", run=run)
        for page in shared(browser, server, module_pages, "dark" if dark else "light"):
            yield Writing(run, writer, root, page)


def shows(page: Dashboard, step: int, count: str) -> None:
    expect(page.root.locator(".count")).to_have_text(count)
    expect(page.root.locator(".when strong")).to_have_text(f"step {step}")
    page.wait_idle()
    plane = scenes.layers(step)[CONV1][0, ..., 4].astype(np.float64)
    assert_grey(page.tile(4, 28), grey_of(plane, plane.min(), plane.max()))


def test_a_new_step_is_shown_as_it_is_written(writing: Writing, theme: str) -> None:
    """At the second look after it was written at the latest; looks are two seconds apart."""
    writer = writing.writer
    page = writing.page
    asked = Asked(page)
    writing.open(window=GREY)
    shows(page, 10, "2/2")
    for n, step in enumerate((20, 30, 40), start=3):
        scenes.write_step(writer, step)
        written = time.monotonic()
        shows(page, step, f"{n}/{n}")
        tail = [url for at, url in asked.all if at > written and url.startswith("steps")]
        first = next(at for at, url in asked.all if at > written and url.startswith("steps"))
        looks = asked.times("latest")
        # Those that were under way, or answered from an index of the same second, do not know yet.
        assert ((looks > written) & (looks < first)).sum() <= 2
        assert all("since=" in url for url in tail)
    looks = asked.times("latest")
    assert len(looks) >= 3
    # From the end of one to the beginning of the next.
    assert np.diff(looks).min() >= 1.9
    page.screenshot(f"follow-{theme}")


def test_looking_for_news_costs_one_request_in_two_seconds(writing: Writing) -> None:
    """Nothing else is asked for while nothing is new; nothing at all where `Follow` is off."""
    page = writing.page
    asked = Asked(page)
    writing.open()
    start = time.monotonic()
    page.pause(7_000)
    routes = asked.since(start)
    assert set(routes) == {"latest"}
    assert 1 <= len(routes) <= 4
    page.root.get_by_role("button", name="Previous", exact=True).click()
    page.settle()
    start = time.monotonic()
    page.pause(5_000)
    assert asked.since(start) == []


def test_a_page_out_of_sight_asks_for_nothing(writing: Writing) -> None:
    """As long as another tab of TensorBoard is shown; what came meanwhile is there on return."""
    writer = writing.writer
    page = writing.page
    asked = Asked(page)
    writing.open(window=GREY)
    frame = page.page.locator("iframe").first
    frame.evaluate("e => { e.style.height = '0'; e.style.minHeight = '0'; e.style.flex = 'none' }")
    page.until(lambda: page.frame.evaluate("document.documentElement.clientHeight") == 0)
    page.pause(1_000)
    start = time.monotonic()
    scenes.write_step(writer, 20)
    page.pause(5_000)
    assert asked.since(start) == []
    frame.evaluate("e => e.removeAttribute('style')")
    shows(page, 20, "3/3")


def test_a_place_chosen_by_hand_is_kept(writing: Writing) -> None:
    """Off, it stays off; pressed again, it goes to what was logged meanwhile."""
    writer = writing.writer
    page = writing.open(window=GREY)
    page.root.get_by_role("button", name="Previous", exact=True).click()
    scenes.write_step(writer, 20)
    page.pause(4_000)
    shows(page, 0, "1/2")
    page.root.get_by_role("button", name="Follow", exact=True).click()
    shows(page, 20, "3/3")


def test_new_layers_and_runs_are_found_too(writing: Writing) -> None:
    """Less often than steps: a layer stands in the tree, a run in the choice of runs."""
    writer = writing.writer
    page = writing.open()
    assert page.layer("late").count() == 0
    writer.write(event("late", 10, layer((2, 6, 6, 3)), order=20))
    with EventWriter(writing.root / "other", ".activations") as other:
        other.write(event("conv", 0, layer((2, 6, 6, 3))))
    expect(page.layer("late")).to_have_count(1)
    choices = page.root.get_by_role("combobox", name="Run", exact=True).locator("option")
    expect(choices.filter(has_text=re.compile("^other$"))).to_have_count(1)
    expect(page.root.locator(".layerbar h1")).to_have_text(CONV1)


def test_a_log_read_through_tensorboard_is_followed_as_that_reloads(
    browser: Browser, tmp_path: Path
) -> None:
    """Which is said beside the step."""
    pytest.importorskip("fsspec", reason="TensorBoard reads remote logs through fsspec")
    with EventWriter(tmp_path / "run", ".activations") as writer:
        for step in (0, 10):
            scenes.write_step(writer, step)
        with tensorboard_server(
            None, extra=[f"--logdir_spec=there:local://{tmp_path}", "--reload_interval=1"]
        ) as server:
            server.wait_for_tags("volume", run="there/run")
            page = new_dashboard(browser, server.url)
            page.page.set_default_timeout(1000 * PATIENCE)
            page.load(layer=CONV1, window=GREY)
            expect(page.root.locator(".when")).to_contain_text(
                "new ones come as TensorBoard reloads"
            )
            shows(page, 10, "2/2")
            scenes.write_step(writer, 20)
            shows(page, 20, "3/3")
            page.root.get_by_role("button", name="Previous", exact=True).click()
            expect(page.root.locator(".when")).not_to_contain_text("reloads")
            page.page.context.close()
