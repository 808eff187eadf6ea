"""Takes the pictures of the documentation from the real dashboard, on the demo's newest log.

    python -m scripts.pictures [LOGDIR] [--out docs/pictures]

Train the demo first (`bash demo/run.sh --no-serve`); needs what `tests/run.sh --setup` installs.
"""

from __future__ import annotations

import argparse
import os
import shutil
from pathlib import Path

from playwright.sync_api import Browser, FrameLocator, sync_playwright

from demo.serve import on_first_free_port, tensorboard

ROOT = Path(__file__).parents[1]
VIEWPORT = {"width": 1400, "height": 900}
# Name of the picture → the keys in the address that give its view.
VIEWS = {
    "dashboard": {"layer": "conv2", "example": "3"},
    "dashboard-dark": {"layer": "conv2", "example": "3"},
}


def take(browser: Browser, url: str, name: str, out: Path) -> None:
    """One picture of the tab, once its tiles are painted."""
    page = browser.new_page(
        viewport=VIEWPORT, color_scheme="dark" if name.endswith("dark") else "light"
    )
    keys = "".join(f"&p.activations.{key}={value}" for key, value in VIEWS[name].items())
    page.goto(f"{url}#activations{keys}")
    tab: FrameLocator = page.frame_locator("iframe")
    tab.get_by_role("gridcell").first.wait_for()
    page.wait_for_timeout(2000)  # the inspector and the film follow the tiles
    page.screenshot(path=out / f"{name}.png")
    page.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts.pictures", description=__doc__.splitlines()[0])
    parser.add_argument("log_dir", nargs="?", default=str(ROOT / "demo" / "logs"))
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "pictures")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    url = tensorboard(options.log_dir, on_first_free_port(0)).launch()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("TBA_CHROMIUM") or shutil.which("chromium"),
            args=["--disable-gpu", *(["--no-sandbox"] if os.geteuid() == 0 else [])],
        )
        for name in VIEWS:
            take(browser, url, name, options.out)
        browser.close()


if __name__ == "__main__":
    main()
