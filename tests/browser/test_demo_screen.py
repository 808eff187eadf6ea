"""The demo's log on the first screen: structure is visible without a click."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser
from servers import Server, tensorboard_server

from browser.conftest import new_dashboard

pytest.importorskip("tensorflow", reason="the demo trains with TensorFlow")

ROOT = Path(__file__).parents[2]
# viridis at quarters: its green channel alone tells the place in the map.
PLACES, GREENS = [0, 0.25, 0.5, 0.75, 1], [1, 82, 145, 201, 231]


@pytest.fixture(scope="module")
def demo_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """TensorBoard on what a short epoch of the demo logs."""
    log_dir = tmp_path_factory.mktemp("demo")
    command = [sys.executable, "-m", "demo.train", "--epochs", "1", "--images", "256"]
    subprocess.run([*command, "--log-dir", str(log_dir)], cwd=ROOT, check=True, capture_output=True)
    with tensorboard_server(log_dir) as server:
        server.wait_for_tags("conv1", "input", run="digits-1")
        yield server


def test_half_of_the_channels_that_vary_span_half_of_the_colormap(
    browser: Browser, demo_server: Server
) -> None:
    """On the first layer shown, with no click, as most channels of a trained network should."""
    dashboard = new_dashboard(browser, demo_server.url).open()
    dashboard.wait_idle()
    width = int(dashboard.root.get_by_text("26×26×32").inner_text().split("×")[0].split()[-1])
    spans = []
    for channel in dashboard.shown():
        greens = dashboard.tile(channel, width)[..., 1]
        if greens.min() < greens.max():
            spans.append(np.ptp(np.interp([greens.min(), greens.max()], GREENS, PLACES)))
    print(f"{sum(s >= 0.5 for s in spans)} of {len(spans)} channels that vary span half")
    assert len(spans) >= 20
    assert np.mean(np.array(spans) >= 0.5) >= 0.5
    dashboard.screenshot("demo-first")
    assert dashboard.problems == []
    dashboard.page.context.close()
