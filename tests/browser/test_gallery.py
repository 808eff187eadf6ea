"""The gallery: every state of every component is shown, and painted as the snapshots have it.

A snapshot is text, to be read as a difference: of each canvas how light its cells are (0 to 9), and
their hue (`reduced.js`). `TBA_RENEW=1 bash tests/run.sh tests/browser/test_gallery.py` writes them
anew. Text on a canvas is not painted, since machines have different fonts.
"""

from __future__ import annotations

import functools
import http.server
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Frame

from browser.conftest import new_dashboard
from browser.dashboard import ROOT, Dashboard

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="needs Node")

FRONTEND = ROOT / "frontend"
SNAPSHOTS = Path(__file__).parent / "snapshots"
REDUCED = Path(__file__).with_name("reduced.js")
HUES = "rygcbm"
THIN = " .:"  # cells that are painted in part
# Rules for a page with one of everything; here are many, each with landmarks of its own.
OF_PAGES = (
    "heading-order",
    "landmark-complementary-is-top-level",
    "landmark-main-is-top-level",
    "landmark-no-duplicate-main",
    "landmark-one-main",
    "landmark-unique",
    "page-has-heading-one",
    "region",
)
# What each state shows: its room, its words, and whether anything in it is painted.
SHOWN = """
() => [...document.querySelectorAll(".exhibit")].map((state) => {
  const frame = state.querySelector(".frame");
  const { width, height } = frame.getBoundingClientRect();
  const things = "canvas, input, button, svg, .loading .busy, [role=separator]";
  const seen = frame.querySelectorAll(things).length;
  return { id: state.id, heading: state.querySelector("h2").innerText,
    room: width * height, shows: frame.innerText.trim().length + seen };
})
"""

# By state, of each canvas its size and its lines.
Painted = dict[str, list[list[str]]]


class Gallery(Dashboard):
    """The page of the gallery, which is no frame of TensorBoard's."""

    @property
    def frame(self) -> Frame:
        return self.page.main_frame


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The gallery, built of the sources and served."""
    out = tmp_path_factory.mktemp("gallery")
    vite = FRONTEND / "node_modules" / "vite" / "bin" / "vite.js"
    command = ["node", str(vite), "build", "--config", "gallery/vite.config.ts", "--outDir", out]
    done = subprocess.run(command, cwd=FRONTEND, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    handler = functools.partial(Quiet, directory=str(out))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@dataclass(frozen=True)
class Seen:
    """What a theme shows: the states, the canvases, what axe finds."""

    shown: list[dict[str, Any]]
    painted: Painted
    violations: list[str]


@pytest.fixture(scope="module")
def seen(browser: Browser, address: str) -> Iterator[dict[str, Seen]]:
    """One page, light and then dark, once nothing changes any more; nothing may fail meanwhile."""
    gallery = Gallery(new_dashboard(browser, address, width=1800, height=1000).page, address)
    gallery.page.add_init_script("CanvasRenderingContext2D.prototype.fillText = () => {}")
    gallery.page.goto(address)
    gallery.page.locator("html[data-acted]").wait_for(state="attached")
    rules = {rule: {"enabled": False} for rule in OF_PAGES}
    light = look(gallery, rules=rules)
    gallery.page.get_by_role("button", name="Dark", exact=True).click()
    # Colours alone are others then.
    yield {"light": light, "dark": look(gallery, runOnly=["color-contrast"])}
    gallery.page.context.close()
    assert gallery.problems == []


def look(gallery: Gallery, **axe: Any) -> Seen:
    gallery.settle()
    painted = gallery.frame.evaluate(REDUCED.read_text(encoding="utf-8"))
    return Seen(gallery.frame.evaluate(SHOWN), painted, gallery.axe(**axe))


def test_every_state_is_shown(seen: dict[str, Seen]) -> None:
    """Each state has an id, a heading, room and something in it, and nothing fails meanwhile."""
    for shown in (theme.shown for theme in seen.values()):
        assert len({state["id"] for state in shown}) == len(shown) > 80
        for state in shown:
            assert state["heading"].startswith(f"{state['id']} ")
            assert state["room"] > 0 and state["shows"] > 0, state["id"]


def test_axe_finds_nothing_in_any_state(seen: dict[str, Seen]) -> None:
    """No violation in any state of any component; in the dark none of contrast."""
    assert seen["light"].violations + seen["dark"].violations == []


def test_canvases_are_painted_as_the_snapshots_have_them(seen: dict[str, Seen]) -> None:
    """Every canvas of every state looks as its snapshot, in either theme, within a level a cell."""
    light = seen["light"].painted
    if os.environ.get("TBA_RENEW"):
        write(light, seen["dark"].painted)
    wanted = read()
    assert sorted(wanted) == sorted(state for state, canvases in light.items() if canvases)
    problems = [
        f"{state}, canvas {i + 1}, {theme}: {problem}\n" + "\n".join(canvas)
        for theme, of in seen.items()
        for state, snapshot in wanted.items()
        for i, (canvas, problem) in enumerate(compared(of.painted[state], snapshot[theme]))
        if problem
    ]
    assert not problems, "\n\n".join(problems[:20])


def test_a_line_is_drawn_alone(seen: dict[str, Seen]) -> None:
    """In the other theme no line of before shines through: as much is painted."""
    for state in ("inspector-signal", "signals-lines"):
        light, dark = (
            [[line.split(" | ")[0] for line in canvas] for canvas in of.painted[state]]
            for of in seen.values()
        )
        assert light == dark


def compared(
    painted: list[list[str]], wanted: list[list[str]]
) -> list[tuple[list[str], str | None]]:
    """Each canvas, and what is wrong with it."""
    if len(painted) != len(wanted):
        return [([], f"{len(painted)} canvases are painted; the snapshot has {len(wanted)}")]
    return [(one, difference(one, other)) for one, other in zip(painted, wanted, strict=True)]


def difference(painted: list[str], wanted: list[str]) -> str | None:
    """What is another picture, in words; None where it is the same within a level."""
    if painted[0] != wanted[0] or [*map(len, painted)] != [*map(len, wanted)]:
        return f"is {painted[0]}; the snapshot has {wanted[0]}"
    cells = [
        pair
        for lines in zip(painted[1:], wanted[1:], strict=True)
        for pair in zip(*lines, strict=True)
    ]
    off = sum(a != b for a, b in cells)
    far = sum(not near(a, b) for a, b in cells)
    if far or off > max(1, len(cells) // 16):
        return f"{off} of {len(cells)} cells differ, {far} by more than a level"
    return None


def near(a: str, b: str) -> bool:
    """Whether two cells are the same within a level: of lightness, or on the circle of hues."""
    if a == b:
        return True
    if a.isdigit() and b.isdigit():
        return abs(int(a) - int(b)) == 1
    if a in HUES and b in HUES:
        return (HUES.index(a) - HUES.index(b)) % len(HUES) in (1, len(HUES) - 1)
    if a in THIN and b in THIN:
        return abs(THIN.index(a) - THIN.index(b)) == 1
    if " " in (a, b):  # whether anything is there at all, the lightness of the cell tells
        return {a, b} - {" "} <= set(HUES)
    return "." in (a, b) or ":" in (a, b)


def test_a_picture_that_changed_is_another() -> None:
    """Another: a cell two levels lighter or of another hue, a size, many small changes."""
    before = ["36×12", "456 | bb."]
    assert difference(["36×12", "466 | bm."], before) is not None
    assert difference(["36×12", "476 | bb."], before) is not None
    assert difference(["36×12", "456 | yb."], before) is not None
    assert difference(["48×12", "456 | bb."], before) is not None
    wide = ["384×12", f"{'5' * 32} | {'b' * 32}"]
    assert difference(["384×12", f"{'6' + '5' * 31} | {'b' * 32}"], wide) is None


def write(light: Painted, dark: Painted) -> None:
    """A file a state; of the dark what it paints in another way."""
    shutil.rmtree(SNAPSHOTS, ignore_errors=True)
    SNAPSHOTS.mkdir()
    for state, canvases in light.items():
        blocks = []
        for i, canvas in enumerate(canvases):
            blocks.append(block(i, canvas))
            if difference(dark[state][i], canvas):
                blocks.append(block(i, dark[state][i], ", dark"))
        if blocks:
            text = "\n\n".join(blocks) + "\n"
            (SNAPSHOTS / f"{state}.txt").write_text(text, encoding="utf-8")


def block(i: int, canvas: list[str], theme: str = "") -> str:
    size, *lines = canvas
    return "\n".join([f"canvas {i + 1}, {size}{theme}", *(f"[{line}]" for line in lines)])


def read() -> dict[str, dict[str, list[list[str]]]]:
    """By state and theme what `write` wrote."""
    found = {}
    for path in sorted(SNAPSHOTS.glob("*.txt")):
        themes: dict[str, list[list[str]]] = {"light": [], "dark": []}
        for text in path.read_text(encoding="utf-8").rstrip("\n").split("\n\n"):
            head, *lines = text.split("\n")
            canvas = [head.split(", ")[1], *(line[1:-1] for line in lines)]
            if head.endswith(", dark"):
                themes["dark"][-1] = canvas
            else:
                themes["light"].append(canvas)
                themes["dark"].append(canvas)
        found[path.stem] = themes
    return found
