"""A run of a hundred thousand steps: few requests, few bytes, and all of it within reach."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from logs import layer, write_long_run
from playwright.sync_api import Browser, Response, expect
from servers import PLUGIN, Server, tensorboard_server

from browser.conftest import new_dashboard
from browser.dashboard import Dashboard
from browser.test_follow import Asked
from browser.test_values import assert_grey, grey_of

STEPS = 100_000
LAYERS = {"input": layer((2, 8, 8, 1), 5), "conv": layer((2, 8, 8, 4), 6)}
LABELS = ["cat", "dog"]
GREY = '{"limits":"minmax","colormap":"grey"}'


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A layer and its input at a hundred thousand steps."""
    directory = tmp_path_factory.mktemp("long")
    write_long_run(directory / "run", LAYERS, STEPS, labels=LABELS)
    return directory


@pytest.fixture(scope="module")
def long_server(log: Path) -> Iterator[Server]:
    """TensorBoard on it, all of it indexed."""
    # TensorBoard's own reading of it is none of ours, and four times as long in Python.
    with tensorboard_server(log, load_fast="true") as server:
        server.wait_for_tags("conv", "input", run="run")
        yield server


def plane(step: int, channel: int) -> np.ndarray:
    """What was logged of the first example."""
    return np.roll(LAYERS["conv"], step % 8, -1)[0, ..., channel].astype(np.float16).astype("f8")


def assert_shown(page: Dashboard, step: int) -> None:
    expect(page.root.locator(".when strong")).to_have_text(f"step {step}")
    page.wait_idle()
    for channel in range(4):
        values = plane(step, channel)
        assert_grey(page.tile(channel, 8), grey_of(values, values.min(), values.max()))
    chosen = page.root.get_by_role("combobox", name="Example", exact=True)
    examples = ["example 0, “cat”", "example 1, “dog”"]
    expect(chosen.locator("option")).to_have_text(
        [*examples, "Mean of 2 stored", "Largest of 2 stored"]
    )


class Idle:
    """A page on the log that nobody touches, and what it asks for."""

    def __init__(self, browser: Browser, server: Server, theme: str) -> None:
        self.page = new_dashboard(browser, server.url, theme)
        self.asked = Asked(self.page)
        self.sizes: dict[str, int] = {}
        self.page.page.on("response", self._keep)
        self.page.load(window=GREY)
        self.page.grid.get_by_role("gridcell").first.wait_for()
        self.first = time.monotonic()
        self.before = len(self.asked.all)

    def _keep(self, response: Response) -> None:
        self.sizes[response.url] = int(response.headers.get("content-length", 0))

    def urls(self, route: str) -> list[str]:
        return [url for _, url in self.asked.all if url.startswith(route)]

    def close(self) -> None:
        assert self.page.problems == []
        self.page.page.context.close()


def test_an_idle_tab_asks_for_little(browser: Browser, long_server: Server) -> None:
    """At most 40 requests until the first tiles, at most 30 in 25 s while nothing is touched."""
    tabs = [Idle(browser, long_server, theme) for theme in ("light", "dark")]
    tabs[0].page.pause(25_000)
    for theme, tab in zip(("light", "dark"), tabs, strict=True):
        assert tab.before <= 40
        after = tab.asked.since(tab.first)
        assert len(after) <= 30, Counter(after)
        # Steps come packed, once a tag; a few rows of statistics; no step but those in sight.
        steps = [url for url in tab.urls("steps") if "since" not in url]
        assert sorted(url.split("tag=")[1] for url in steps) == ["conv", "input"]
        assert all("form=packed" in url for url in steps)
        packed = [n for url, n in tab.sizes.items() if "form=packed" in url and "since" not in url]
        assert len(packed) == 2
        assert 0 < max(packed) <= 300_000
        assert len(tab.urls("stats")) <= 2
        assert all("rows=" in url or f"{STEPS - 1}%3A{STEPS}" in url for url in tab.urls("stats"))
        assert len(tab.urls("tensor")) <= 16
        expect(tab.page.root.locator(".count")).to_have_text(f"{STEPS}/{STEPS}")
        assert_shown(tab.page, STEPS - 1)
        tab.page.screenshot(f"long-{theme}")
        tab.close()


def test_a_tab_opened_while_the_log_is_read_asks_for_little_too(
    browser: Browser, log: Path
) -> None:
    """What is read so far is shown at once; the rest is asked for once all is there."""
    with tensorboard_server(log, load_fast="true") as server:
        # Not `wait_for_tags`, which waits until every step is indexed.
        server.wait_for(lambda: "run" in server.json(f"{PLUGIN}tags"))
        tab = Idle(browser, server, "light")
        assert tab.before <= 40
        tab.page.pause(25_000)
        after = tab.asked.since(tab.first)
        assert len(after) <= 30, Counter(after)
        assert_shown(tab.page, STEPS - 1)
        expect(tab.page.root.locator(".count")).to_have_text(f"{STEPS}/{STEPS}")
        expect(tab.page.root.locator(".chart")).to_contain_text(f"of {STEPS} steps")
        tab.close()


def test_any_step_is_within_reach(browser: Browser, long_server: Server) -> None:
    """Far away, beside it, by the film: values, labels and statistics are that step's."""
    page = new_dashboard(browser, long_server.url).open(window=GREY)
    for position in (0, 54_321, 54_322):
        page.slide("Step", position)
        assert_shown(page, position)
        table = page.root.get_by_role("group", name="Statistics")
        channel = np.roll(LAYERS["conv"], position % 8, -1)[..., 0]
        expect(table).to_contain_text(f"{channel.mean():.3f}"[:5])
    film = page.root.get_by_role("group", name="Film").get_by_role("button")
    frames = film.count()
    assert 7 <= frames <= 12
    film.nth(1).click()
    step = int(page.root.locator(".when strong").inner_text().split()[1])
    assert 0 < step < STEPS
    assert_shown(page, step)
    expect(page.root.get_by_text("max at 24")).to_contain_text(f"of {STEPS} steps")
    page.page.context.close()


def test_a_lock_over_steps_has_all_of_them(browser: Browser, long_server: Server) -> None:
    """Only then are all statistics asked for, and the limits are those of every step."""
    page = new_dashboard(browser, long_server.url)
    asked = Asked(page)
    page.open(window=GREY)
    start = time.monotonic()
    page.root.get_by_role("checkbox", name="Lock over steps").check()
    expect(page.root.locator(".scope")).to_have_text("channel 0, all steps")
    page.settle()
    assert "stats" in asked.since(start)
    values = LAYERS["conv"].astype(np.float16).astype("f8")
    low = float(page.root.get_by_label("Minimum", exact=True).input_value())
    high = float(page.root.get_by_label("Maximum", exact=True).input_value())
    assert (low, high) == (
        pytest.approx(values.min(), rel=2e-3),
        pytest.approx(values.max(), rel=2e-3),
    )
    page.page.context.close()
