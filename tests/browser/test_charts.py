"""What has axes, names or a scale of its own: attention scores, layers of very many classes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from logs import event
from playwright.sync_api import Browser, expect
from servers import Server, tensorboard_server

from browser.conftest import new_dashboard
from browser.dashboard import Dashboard
from browser.test_export import HEAD, MARGIN, panel, pixels_of, saved
from tb_activations.eventfile.event import activation_event
from tb_activations.eventfile.writer import EventWriter
from tb_activations.record.metadata import summary_metadata
from tb_activations.record.run import RUN_TAG, RunFacts, run_blobs

GREY = '{"limits":"minmax","colormap":"grey"}'
LOG = '{"limits":"minmax","colormap":"grey","log":true}'
SCORES, SOFTMAX = "block/mha/attention_scores", "probabilities"
PATCHES = (2, 4)  # of a picture of 8 × 16 pixels, after one token that is no patch
OPAQUE = 0.8
NAMES = tuple(f"kind {i}" for i in range(300))
LEAST = 1e-6  # of the largest: what a log scale tells apart


def softmax(rng: np.random.Generator, *shape: int, axis: int) -> np.ndarray:
    values = np.exp(rng.normal(size=shape) * 2)
    return (values / values.sum(axis=axis, keepdims=True)).astype(np.float32)


def layers() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    logits = rng.normal(size=(2, 300)) * 7
    probabilities = np.exp(logits - logits.max(axis=1, keepdims=True))
    return {
        SCORES: softmax(rng, 2, 6, 7, 4, axis=2),
        SOFTMAX: (probabilities / probabilities.sum(axis=1, keepdims=True)).astype(np.float32),
    }


LAYERS = layers()
PICTURES = np.random.default_rng(5).uniform(size=(2, 8, 16, 3)).astype(np.float32)
LOOKS = softmax(np.random.default_rng(6), 2, 9, 9, 3, axis=2)
LOOKS[:, :, 0] += 20  # all look at the token most, which must not make the patches all alike


@pytest.fixture(scope="module")
def chart_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    root: Path = tmp_path_factory.mktemp("charts")
    with EventWriter(root / "run", ".activations") as writer:
        pictures = np.zeros((2, 4, 4, 1), np.float32)
        writer.write(event("input", 0, pictures, wall_time=1.7e9, kind="input"))
        for order, (tag, values) in enumerate(LAYERS.items()):
            writer.write(event(tag, 0, values, wall_time=1.7e9, order=order))
        blobs = run_blobs(RunFacts({}, class_names=NAMES))
        writer.write(activation_event(RUN_TAG, blobs, 0, 1.7e9, summary_metadata("run")))
    with EventWriter(root / "vision", ".activations") as writer:
        writer.write(event("input", 0, PICTURES, wall_time=1.6e9, kind="input"))
        writer.write(event(SCORES, 0, LOOKS, wall_time=1.6e9))
    with tensorboard_server(root) as server:
        server.wait_for_tags("input", *LAYERS, run="run")
        server.wait_for_tags("input", SCORES, run="vision")
        yield server


@pytest.fixture
def page(browser: Browser, chart_server: Server, theme: str) -> Iterator[Dashboard]:
    page = new_dashboard(browser, chart_server.url, theme)
    yield page
    assert page.problems == []
    page.page.context.close()


def test_attention_has_heads_queries_and_keys(page: Dashboard) -> None:
    """Channels are heads, rows are queries, columns are keys: on tiles, in titles and on hover."""
    page.open(layer=SCORES, window=GREY)
    names = page.grid.get_by_role("gridcell").evaluate_all("c => c.map(e => e.ariaLabel)")
    assert names == [f"head {i}" for i in range(4)]
    captions = page.grid.locator(".caption").all_inner_texts()
    assert [text.strip() for text in captions] == names
    expect(page.root.locator(".inspector h2")).to_have_text("Head 0")
    for place, around in ((".gridinner", ".gridwell"), (".enlarged", ".right")):
        # The name of the rows stands 12 px before them, and within its panel.
        inner, outer = (page.root.locator(one).bounding_box() for one in (place, around))
        assert inner and outer and inner["x"] - 12 >= outer["x"] + 4
    for place in (".gridinner", ".enlarged"):
        axes = page.root.locator(place).evaluate(
            "e => ['::before', '::after'].map((p) => getComputedStyle(e, p).content)"
        )
        assert axes == ['"key →"', '"query →"']
    box = page.grid.get_by_role("gridcell", name="head 2").bounding_box()
    assert box is not None
    side = box["width"] / 7
    page.page.mouse.move(box["x"] + 5.5 * side, box["y"] + 3.5 * side)
    where, _, number = page.status.partition(": ")
    assert where == "head 2, query 3, key 5"
    assert float(number) == pytest.approx(float(LAYERS[SCORES][0, 3, 5, 2]), abs=1e-3)
    assert page.axe() == []
    page.screenshot("attention")


def test_attention_over_the_input_is_of_the_chosen_patch(page: Dashboard) -> None:
    """Each patch of the grey picture has the colour of its score, as opaque as that is large."""
    page.open(run="vision", layer=SCORES, window=GREY)
    bar = page.root.locator(".layerbar")
    bar.get_by_role("button", name="Over input", exact=True).click()
    page.settle()
    expect(bar).to_contain_text("query: row 0, column 0")
    expect(bar.get_by_title("2×4 patches, 1 token left out", exact=True)).to_be_visible()
    assert off_by(page, head=1, query=1) <= 2.5
    box = page.grid.get_by_role("gridcell", name="head 2").bounding_box()
    assert box is not None
    side = box["width"] / PATCHES[1]
    page.page.mouse.click(box["x"] + 2.5 * side, box["y"] + 1.5 * side)
    expect(bar).to_contain_text("query: row 1, column 2")
    expect(page.root.locator(".inspector h2")).to_have_text("Head 2")
    page.page.mouse.move(box["x"] + 3.5 * side, box["y"] + 0.5 * side)
    where, _, number = page.status.partition(": ")
    assert where == "head 2, query 7, key 4"
    assert float(number) == pytest.approx(float(LOOKS[0, 7, 4, 2]), abs=1e-3)
    assert max(off_by(page, head, query=7) for head in range(3)) <= 2.5
    assert page.axe() == []
    page.screenshot("attention-over-input")
    page.grid.get_by_role("gridcell", name="head 2").press("Shift+ArrowLeft")
    expect(bar).to_contain_text("query: row 1, column 1")
    assert off_by(page, head=0, query=6) <= 2.5
    page.until(lambda: "over" in page.page.url)
    # The saved picture is the one on the screen.
    saved_tiles = tiles_of_figure(page, width=box["width"], height=box["width"] / 2)
    assert max(away(tile, head, query=6) for head, tile in enumerate(saved_tiles)) <= 2.5
    page.page.keyboard.press("Escape")
    bar.get_by_role("button", name="Map", exact=True).click()
    expect(page.root.locator(".gridscroll.attention")).to_be_visible()


def tiles_of_figure(page: Dashboard, width: float, height: float) -> list[np.ndarray]:
    """What the saved picture has of each head, a pixel for each of the input's."""
    panel(page).get_by_label("Scale", exact=True).select_option("1")
    picture = pixels_of(saved(page, "Save PNG")[1])[..., :3].astype(float)
    top, zoom = MARGIN + HEAD, round(width / 16)
    lefts = [MARGIN + round(head * (width + 8)) for head in range(3)]
    parts = [picture[top : top + round(height), left : left + round(width)] for left in lefts]
    return [part[zoom // 2 :: zoom, zoom // 2 :: zoom] for part in parts]


def off_by(page: Dashboard, head: int, query: int) -> float:
    """How far the tile of a head is from the picture under the scores of a query, in levels."""
    return away(page.named_tile(f"head {head}", 16)[..., :3].astype(float), head, query)


def away(painted: np.ndarray, head: int, query: int) -> float:
    picture = PICTURES[0]
    shares = (picture - picture.min()) / (picture.max() - picture.min())
    under = 255 * (shares @ (0.299, 0.587, 0.114))[..., None]
    scores = LOOKS[0, ..., head]
    row = scores[query, 1:].reshape(PATCHES)
    low, high = scores[:, 1:].min(), scores[:, 1:].max()
    share = ((row - low) / (high - low)).repeat(4, 0).repeat(4, 1)
    share = share[..., None]
    expected = under + (255 * share - under) * OPAQUE * share
    return float(np.abs(painted - expected).max())


def test_a_softmax_shows_its_classes_and_its_small_values(page: Dashboard) -> None:
    """The largest first, by name and value; a log scale tells apart what is dark otherwise."""
    page.open(layer=SOFTMAX, window=GREY)
    values = LAYERS[SOFTMAX].astype(np.float16).astype(np.float64)
    order = np.argsort(-values[0])
    largest = page.root.get_by_role("group", name="Largest in this example").get_by_role("button")
    said = [text.rsplit(" ", 1) for text in largest.all_inner_texts()]
    assert [name for name, _ in said] == [NAMES[i] for i in order[:10]]
    numbers = [float(number) for _, number in said]
    assert numbers == pytest.approx(values[0, order[:10]], rel=5e-3, abs=5e-3 * values[0].max())
    largest.nth(1).click()
    expect(largest.nth(1)).to_have_attribute("aria-pressed", "true")
    title = f"Channel {order[1]}, {NAMES[order[1]]}"
    expect(page.root.locator(".inspector h2")).to_have_text(title)
    some = order[:40:5]
    dark = levels(page, some)
    assert (dark < 3).mean() > 0.7
    page.root.get_by_role("button", name="More", exact=True).click()
    page.root.get_by_role("checkbox", name="Log scale").check()
    page.settle()
    high = values.max()
    low = high * LEAST
    with np.errstate(divide="ignore"):
        shares = np.log(values[:, some] / low) / np.log(high / low)
    assert np.abs(levels(page, some) - 255 * np.clip(shares, 0, 1)).max() <= 2.5
    assert page.root.locator(".values .scope").inner_text().endswith(", log")
    page.until(lambda: "log" in page.page.url)
    assert page.axe() == []
    page.screenshot("softmax-log")


def levels(page: Dashboard, channels: np.ndarray) -> np.ndarray:
    """The grey levels of channels, `[examples, channels]`."""
    return np.stack([page.tile(int(c), 1)[:, 0, 0] for c in channels], axis=1).astype(float)
