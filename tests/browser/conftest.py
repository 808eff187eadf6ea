"""A browser, the scenes' log, and TensorBoard on it: each started once for all browser tests."""

from __future__ import annotations

import inspect
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright
from servers import Server, tensorboard_server

from browser import scenes, zoo
from browser.dashboard import PATIENCE, Dashboard

expect.set_options(timeout=1000 * PATIENCE)

ARGUMENTS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


# What in a test's code says that the theme matters to it; `axe` sees contrast in both by itself.
SEES_THE_THEME = re.compile("colour")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves the dark half of what asserts no colour to the long counts: it is the same twice."""
    if os.environ.get("TBA_SOAK"):
        return
    twice = [item for item in items if _is_dark(item) and not _sees_the_theme(item)]
    config.hook.pytest_deselected(items=twice)
    items[:] = [item for item in items if item not in set(twice)]


def _is_dark(item: pytest.Item) -> bool:
    here = Path(__file__).parent in item.path.parents and isinstance(item, pytest.Function)
    return here and hasattr(item, "callspec") and item.callspec.params.get("theme") == "dark"


def _sees_the_theme(item: pytest.Item) -> bool:
    if item.get_closest_marker("both_themes"):
        return True
    assert isinstance(item, pytest.Function)
    return bool(SEES_THE_THEME.search(inspect.getsource(item.function)))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium where it is installed, else Playwright's own."""
    arguments = [*ARGUMENTS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("TBA_CHROMIUM") or shutil.which("chromium"),
            args=arguments,
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def scene_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """TensorBoard on the log of `scenes.py`."""
    with tensorboard_server(scenes.write(tmp_path_factory.mktemp("scenes"))) as server:
        server.wait_for_tags("volume", "input", run="train")
        server.wait_for_tags("volume", "input", run="older")
        yield server


def new_dashboard(
    browser: Browser, url: str, theme: str = "light", width: int = 1400, height: int = 900
) -> Dashboard:
    """A page of its own on `url`."""
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=theme, reduced_motion="reduce"
    )
    context.set_default_timeout(1000 * PATIENCE)
    return Dashboard(context.new_page(), url)


@pytest.fixture(scope="session")
def _themes() -> dict[str, Dashboard]:
    return {}


@pytest.fixture(params=["light", "dark"])
def theme(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def dashboard(browser: Browser, scene_server: Server, _themes: dict) -> Iterator[Dashboard]:
    """The light page, one for all tests; a test that leaves a console error behind fails."""
    yield from shared(browser, scene_server, _themes, "light")


@pytest.fixture
def themed(
    browser: Browser, scene_server: Server, _themes: dict, theme: str
) -> Iterator[Dashboard]:
    """The page of each theme in turn."""
    yield from shared(browser, scene_server, _themes, theme)


def shared(
    browser: Browser, server: Server, pages: dict[str, Dashboard], theme: str, log: str = "scenes"
) -> Iterator[Dashboard]:
    """The page of that log and theme, opened by whoever asks first; a problem fails the test."""
    key = f"{log} {theme}"
    if key not in pages:
        pages[key] = new_dashboard(browser, server.url, theme)
    page = pages[key]
    page.problems.clear()
    page.page.set_viewport_size({"width": 1400, "height": 900})
    yield page
    assert page.problems == []


@pytest.fixture(scope="module")
def module_pages() -> Iterator[dict[str, Dashboard]]:
    """Pages by name that the tests of a module share (`shared`): opening one costs four seconds."""
    pages: dict[str, Dashboard] = {}
    yield pages
    for page in pages.values():
        page.page.context.close()


@pytest.fixture(scope="session")
def zoo_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """TensorBoard on the log of `zoo.py`."""
    with tensorboard_server(zoo.write(tmp_path_factory.mktemp("zoo"))) as server:
        for run in zoo.RUNS:
            server.wait_for_tags(*zoo.tags_of(run), run=run)
        yield server


@pytest.fixture
def zoo_page(
    browser: Browser, zoo_server: Server, _themes: dict, theme: str
) -> Iterator[Dashboard]:
    """The page of each theme in turn, on the log of `zoo.py`."""
    yield from shared(browser, zoo_server, _themes, theme, "zoo")
