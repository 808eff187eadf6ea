"""A browser, the scenes' log, and TensorBoard on it: each started once for all browser tests."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright
from servers import Server, tensorboard_server

from browser import scenes
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
    yield from _shared(browser, scene_server, _themes, "light")


@pytest.fixture
def themed(
    browser: Browser, scene_server: Server, _themes: dict, theme: str
) -> Iterator[Dashboard]:
    """The page of each theme in turn."""
    yield from _shared(browser, scene_server, _themes, theme)


def _shared(
    browser: Browser, server: Server, pages: dict[str, Dashboard], theme: str
) -> Iterator[Dashboard]:
    if theme not in pages:
        pages[theme] = new_dashboard(browser, server.url, theme)
    page = pages[theme]
    page.problems.clear()
    page.page.set_viewport_size({"width": 1400, "height": 900})
    yield page
    assert page.problems == []
