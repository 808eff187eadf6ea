"""Takes the ten seconds of the README from the real dashboard: steps slid over, then the window.

    python -m scripts.animation [LOGDIR] [--out docs/pictures/dashboard.webp]

Train the demo first (`bash demo/run.sh --no-serve`); needs what `tests/run.sh --setup` installs.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Iterator
from pathlib import Path

from PIL import Image
from playwright.sync_api import FrameLocator, Page

from demo.serve import on_first_free_port, tensorboard
from scripts.pictures import ROOT, browser_of, open_tab

VIEWPORT = {"width": 1200, "height": 760}
VIEW = {"layer": "conv2", "example": "3", "step": "0", "channel": "6"}
SECONDS = 10
# How the shares of the window are slid: there and back, slower at the ends.
CONTRAST = (0.05, 0.12, 0.22, 0.34, 0.46, 0.55, 0.6, 0.6, 0.55, 0.4, 0.22, 0.08, 0)
BRIGHTNESS = (0.08, 0.2, 0.34, 0.45, 0.45, 0.34, 0.2, 0.05, -0.15, -0.3, -0.3, -0.15, 0)
# How long a picture stands, in parts: a step longer than a place of a slider, an end longest.
STEP, PLACE, END = 3, 1, 9
SLIDE = """
(input, value) => {
  input.value = value;
  input.dispatchEvent(new Event("input", { bubbles: true }));
}
"""


def slide(tab: FrameLocator, name: str, value: float) -> None:
    tab.get_by_role("slider", name=name, exact=True).evaluate(SLIDE, str(value))


def played(page: Page, tab: FrameLocator) -> Iterator[tuple[bytes, int]]:
    """The pictures, and how long each stands."""
    last = int(tab.get_by_role("slider", name="Step", exact=True).get_attribute("max") or 0)
    for at in range(last + 1):
        slide(tab, "Step", at)
        page.wait_for_timeout(600)  # the step's values come, then its film and its input
        yield page.screenshot(), END if at in (0, last) else STEP
    for name, values in (("Contrast", CONTRAST), ("Brightness", BRIGHTNESS)):
        for value in values:
            slide(tab, name, value)
            page.wait_for_timeout(100)
            yield page.screenshot(), PLACE
    yield page.screenshot(), END


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts.animation", description=__doc__.splitlines()[0])
    parser.add_argument("log_dir", nargs="?", default=str(ROOT / "demo" / "logs"))
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "pictures" / "dashboard.webp")
    options = parser.parse_args()
    url = tensorboard(options.log_dir, on_first_free_port(0)).launch()
    with browser_of() as browser:
        page = browser.new_page(viewport=VIEWPORT, color_scheme="light", reduced_motion="reduce")
        taken = list(played(page, open_tab(page, url, VIEW)))
    pictures = [Image.open(io.BytesIO(png)).convert("RGB") for png, _ in taken]
    parts = [part for _, part in taken]
    milliseconds = [round(1000 * SECONDS * part / sum(parts)) for part in parts]
    first, *rest = pictures
    options.out.parent.mkdir(parents=True, exist_ok=True)
    first.save(
        options.out,
        save_all=True,
        append_images=rest,
        duration=milliseconds,
        loop=0,
        quality=50,
        method=5,
    )


if __name__ == "__main__":
    main()
