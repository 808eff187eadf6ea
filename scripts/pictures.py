"""Takes the pictures of the documentation from the real dashboard, on the demo's newest log.

    python -m scripts.pictures [LOGDIR] [--out docs/pictures] [--only NAME]

Train the demo first (`bash demo/run.sh --no-serve`); needs what `tests/run.sh --setup` installs.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, FrameLocator, Page, sync_playwright

from demo.serve import on_first_free_port, tensorboard

ROOT = Path(__file__).parents[1]
VIEWPORT = {"width": 1400, "height": 900}
COLOURS = 256
# Name of the picture → the keys in the address that give its view.
VIEWS = {
    "dashboard": {"layer": "conv2", "example": "3"},
    "dashboard-dark": {"layer": "conv2", "example": "3"},
    "find": {"layer": "conv2", "example": "3", "sort": "growth"},
    "compare": {"layer": "conv2", "example": "3", "compare": "first", "mode": "beside"},
    "values": {
        **{"layer": "conv2", "example": "3", "channel": "20", "pixel": "12,11"},
        **{"zoom": "9,8,6,6", "window": json.dumps({"range": "layer"})},
    },
    "answer": {"layer": "dense2", "example": "3", "channel": "3"},
    "maps": {"layer": "attribution/integrated_gradients", "overlay": "1"},
}


@contextmanager
def browser_of() -> Iterator[Browser]:
    """Debian's Chromium where it is installed, else Playwright's own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("TBA_CHROMIUM") or shutil.which("chromium"),
            args=["--disable-gpu", *(["--no-sandbox"] if os.geteuid() == 0 else [])],
        )
        yield browser
        browser.close()


def open_tab(page: Page, url: str, keys: dict[str, str]) -> FrameLocator:
    """The tab with these keys in its address, once its tiles are painted."""
    parts = "".join(f"&p.activations.{key}={value}" for key, value in keys.items())
    page.goto(f"{url}#activations{parts}")
    tab = page.frame_locator("iframe")
    tab.get_by_role("gridcell").first.wait_for()
    page.wait_for_timeout(3000)  # the inspector and the film follow the tiles
    return tab


def take(browser: Browser, url: str, name: str, out: Path) -> None:
    """One picture of the tab; as few colours as it needs, a third of the bytes."""
    theme = "dark" if name.endswith("dark") else "light"
    page = browser.new_page(viewport=VIEWPORT, color_scheme=theme)
    open_tab(page, url, VIEWS[name])
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    few = picture.quantize(COLOURS, dither=Image.Dither.NONE)
    few.save(out / f"{name}.png", optimize=True)
    page.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts.pictures", description=__doc__.splitlines()[0])
    parser.add_argument("log_dir", nargs="?", default=str(ROOT / "demo" / "logs"))
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "pictures")
    parser.add_argument("--only", choices=VIEWS, help="one of them alone")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    url = tensorboard(options.log_dir, on_first_free_port(0)).launch()
    with browser_of() as browser:
        for name in [options.only] if options.only else VIEWS:
            take(browser, url, name, options.out)


if __name__ == "__main__":
    main()
