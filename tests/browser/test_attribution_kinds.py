"""Attributions of what is no single picture: signals, volumes, vectors, several inputs, none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from logs import event
from playwright.sync_api import Browser, expect
from servers import Server, tensorboard_server

from browser.conftest import shared
from browser.dashboard import Dashboard
from browser.test_any_rank import column
from browser.test_attributions import READ, bound_of, coloured, maps_of
from tb_activations.eventfile.event import activation_event
from tb_activations.eventfile.writer import EventWriter
from tb_activations.record import Options
from tb_activations.record.attribution import Explanation
from tb_activations.record.encoder import keep
from tb_activations.record.metadata import TagAttribution, summary_metadata
from tb_activations.record.scores import Scores, attribution_blobs

EXAMPLES = 3
CLASSES = ((4,), (5,), (6,))
START = 1_700_000_000.0


@dataclass(frozen=True)
class Kind:
    """inputs: shapes by tag. shape: of the map, `[…, c]`."""

    inputs: dict[str, tuple[int, ...]]
    shape: tuple[int, ...]
    explanation: Explanation


_ONE = Explanation("gradients", "input", input="input", targets=CLASSES)
_CAM = Explanation("grad_cam", "conv", layer="conv", input="input", grid=(8, 8), targets=CLASSES)
KINDS = {
    "signal": Kind({"input": (24, 1)}, (24, 1), replace(_ONE, input=None)),
    "volume": Kind({"input": (4, 8, 8, 1)}, (4, 8, 8, 1), replace(_ONE, grid=(4, 8, 8))),
    "vector": Kind({"input": (10,)}, (10,), replace(_ONE, input=None, parts=10, reduce=None)),
    "several": Kind(
        {"input.a": (8, 8, 1), "input.b": (6, 12, 1)},
        (6, 12, 1),
        replace(_ONE, of="input.b", input="input.b", grid=(6, 12)),
    ),
    "bare": Kind({}, (4, 4, 1), _CAM),
    "scored": Kind({"input": (8, 8, 1)}, (8, 8, 1), replace(_ONE, targets=None, grid=(8, 8))),
}


def values(run: str, tag: str) -> np.ndarray:
    shape = KINDS[run].inputs.get(tag, KINDS[run].shape)
    rng = np.random.default_rng(len(run) + len(tag))
    return rng.normal(size=(EXAMPLES, *shape)).astype(np.float32)


def tag_of(run: str) -> str:
    one = KINDS[run].explanation
    return f"attribution/{one.method}" + ("/input.b" if run == "several" else "")


def write(root: Path) -> None:
    for run, kind in KINDS.items():
        one, tag = kind.explanation, tag_of(run)
        about = summary_metadata("attribution", 9, None,
                                 TagAttribution(one.method, one.of, one.layer))  # fmt: skip
        with EventWriter(root / run, ".activations") as writer:
            for order, name in enumerate(kind.inputs):
                array = values(run, name)
                writer.write(event(name, 0, array, kind="input", order=order, wall_time=START))
            kept = replace(keep(values(run, tag), Options()), explanation=one)
            scores = Scores(np.arange(float(EXAMPLES))[:, None])
            for step in (0, 5):
                blobs = attribution_blobs(kept, scores, None, Options())
                writer.write(activation_event(tag, blobs, step, START + step, about))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    root = tmp_path_factory.mktemp("kinds")
    write(root)
    with tensorboard_server(root) as server:
        for run in KINDS:
            server.wait_for_tags(tag_of(run), run=run)
        yield server


@pytest.fixture
def page(browser: Browser, server: Server, _themes: dict) -> Iterator[Dashboard]:
    yield from shared(browser, server, _themes, "light", "kinds")


def stored(run: str) -> np.ndarray:
    return values(run, tag_of(run)).astype(np.float16).astype(np.float64)


def tile(page: Dashboard, name: str, height: int, width: int) -> np.ndarray:
    """Colours of a map, `[height, width, 3]`."""
    page.drawn()
    answer = page.frame.evaluate(READ, [name, width, height, 0, 1])
    return np.array(answer, float).reshape(height, width, 4)[..., :3]


def assert_map(page: Dashboard, name: str, plane: np.ndarray, bound: float) -> None:
    assert np.abs(tile(page, name, *plane.shape) - coloured(plane, bound)).max() <= 4


def show(page: Dashboard, run: str, **keys: object) -> None:
    page.open(run=run, layer=tag_of(run), **keys)


def test_a_volume_has_its_slice_and_lies_over_that_of_its_input(page: Dashboard) -> None:
    """The middle one first; the bound is of the whole example."""
    show(page, "volume", depth=1)
    found = stored("volume")[2, ..., 0]
    assert_map(page, "example 2, class 6", found[1], bound_of(found))
    page.slide("Depth", 3)
    assert_map(page, "example 2, class 6", found[3], bound_of(found))
    page.root.get_by_role("button", name="Over input", exact=True).click()
    page.slide("Opacity", 0)
    picture = values("volume", "input").astype(np.float16).astype(np.float64)[2, 3, ..., 0]
    grey = (picture - picture.min()) / (picture.max() - picture.min()) * 255
    found_grey = tile(page, "example 2, class 6", 8, 8)[..., 0]
    assert np.abs(found_grey - grey).max() <= 2


def test_a_map_stands_beside_the_input_that_it_explains(page: Dashboard) -> None:
    """Not beside the first of several."""
    show(page, "several")
    found = stored("several")[1, ..., 0]
    assert_map(page, "example 1, class 5", found, bound_of(found))
    expect(page.root.locator(".facts span").last).to_have_text("6×12")
    assert page.root.locator(".mapinput canvas").first.evaluate("c => [c.width, c.height]") == [
        12,
        6,
    ]


def test_without_an_input_there_are_the_maps_alone(page: Dashboard) -> None:
    """Enlarged to what they cover; nothing can be laid over."""
    show(page, "bare", maps='{"smooth":false}')
    found = stored("bare")[0, ..., 0]
    assert_map(page, "example 0, class 4", np.kron(found, np.ones((2, 2))), bound_of(found))
    expect(page.root.locator(".mapinput")).to_have_count(0)
    expect(page.root.get_by_role("button", name="Over input", exact=True)).to_be_disabled()
    assert maps_of(page).get_by_role("gridcell").count() == EXAMPLES


def test_a_map_of_a_signal_is_a_row_about_zero(page: Dashboard) -> None:
    """Time runs across, whatever colours were chosen for layers."""
    show(page, "signal", example=1, window='{"colormap":"viridis"}')
    shown = stored("signal")[1]
    row = page.tile(0, 10**6)[2].astype(float)[:, :3]
    found = row[2 :: len(row) // len(shown)][: len(shown)]
    assert np.abs(found - coloured(shown[:, 0], bound_of(shown))).max() <= 4


def test_what_has_no_rows_and_columns_is_a_matrix_about_zero(page: Dashboard) -> None:
    """Whatever colours were chosen for layers."""
    show(page, "vector", example=1, window='{"colormap":"viridis"}')
    shown = stored("vector")
    for channel in range(shown.shape[1]):
        wanted = coloured(shown[:, channel], bound_of(shown))
        assert np.abs(column_colours(page, channel, len(shown)) - wanted).max() <= 4


def column_colours(page: Dashboard, channel: int, rows: int) -> np.ndarray:
    """`[rows, 3]` of one column of the matrix."""
    assert len(column(page, channel)) == rows
    band = page.cell(channel).locator("xpath=..").locator("canvas.cells")
    width, height, data = band.evaluate(
        "c => [c.width, c.height,"
        " [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]]"
    )
    return np.array(data, float).reshape(height, width, 4)[:rows, channel, :3]


def test_a_target_that_a_function_scores_has_a_place_for_a_name(page: Dashboard) -> None:
    """It is called by its place, and its score is there."""
    show(page, "scored")
    cell = maps_of(page).get_by_role("gridcell", name="example 2, target 0", exact=True)
    expect(cell).to_have_attribute("aria-description", "score 2.00")
