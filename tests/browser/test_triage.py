"""Which channels are shown, in which order, and that the order holds."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from browser import scenes, zoo
from browser.dashboard import Dashboard

CONV1 = "encoder/conv1"


def statistic(
    name: str, step: int = 70, layer: str = CONV1, examples: slice = slice(1)
) -> np.ndarray:
    """A statistic of every channel over the first example, or over others."""
    rows = scenes.layers(step)[layer][examples].astype(np.float64)
    rows = rows.reshape(-1, rows.shape[-1])
    return {
        "max": rows.max(axis=0),
        "mean": rows.mean(axis=0),
        "std": rows.std(axis=0),
        "zeros": (rows == 0).mean(axis=0),
    }[name]


def descending(values: np.ndarray) -> list[int]:
    return [int(i) for i in np.argsort(-values, kind="stable")]


def test_sorts_by_statistics_of_the_example_or_of_all(dashboard: Dashboard) -> None:
    """Largest first, ties by index; each choice names what it is of."""
    dashboard.open(layer=CONV1)
    choice = dashboard.root.get_by_role("combobox", name="Sort by", exact=True)
    for key in ("max", "mean", "std", "zeros"):
        dashboard.choose("Sort by", key)
        assert dashboard.shown() == descending(statistic(key)), key
        dashboard.choose("Sort by", f"{key}-all")
        assert dashboard.shown() == descending(statistic(key, examples=slice(4))), key
    texts = choice.evaluate("s => [...s.options].map(o => o.text)")
    assert texts[1:3] == ["Max, this example", "Mean, this example"]
    assert texts[5:7] == ["Max, all 4", "Mean, all 4"]


def test_the_largest_classes_of_an_example_come_first(zoo_page: Dashboard) -> None:
    """Logits of 300 classes: the first columns are the largest of the example that is shown."""
    for example in (0, 2):
        zoo_page.open(run="main", layer="logits", example=example)
        values = zoo.values("main", "logits", 40)[example]
        assert zoo_page.shown()[:5] == descending(values)[:5]


def test_sorts_by_change_since_the_previous_step(dashboard: Dashboard) -> None:
    """RMS difference of the shown example from the step before."""
    dashboard.open(layer=CONV1)
    dashboard.choose("Sort by", "change")
    dashboard.settle()
    now, before = (scenes.layers(s)[CONV1][0].astype(np.float64) for s in (70, 60))
    change = np.sqrt(((now - before) ** 2).mean(axis=(0, 1)))
    assert dashboard.shown() == descending(change)


def test_a_sort_by_pixel_asks_for_one(dashboard: Dashboard) -> None:
    """With nothing marked the sort by pixel says what it waits for, until a click marks one."""
    dashboard.open(layer=CONV1, sort="pixel")
    hint = dashboard.root.get_by_text("Click a pixel to sort by it")
    expect(hint).to_be_visible()
    dashboard.cell(2).click()
    expect(hint).to_have_count(0)


@pytest.mark.parametrize("pixel", ["0,0", "7,0"])
def test_a_mark_stands_in_its_tile_and_whole(dashboard: Dashboard, pixel: str) -> None:
    """At any place of a plane the mark has its four sides, and none stands beyond the last tile."""
    dashboard.open(layer="head/conv3", size=16, pixel=pixel, search="1")
    box = dashboard.cell(1).bounding_box()
    assert box is not None
    width, room = box["width"], 4
    clip = {"x": box["x"] - room, "y": box["y"] - room, "width": 60, "height": 16 + room}
    image = Image.open(io.BytesIO(dashboard.page.screenshot(clip=clip))).convert("RGB")
    pixels = np.asarray(image).astype(int)
    well = pixels[0, -1]
    beyond = pixels[:, int(room + width + room) :]
    assert (beyond == well).all(), "a mark stands beyond the last tile"
    white = (pixels == 255).all(axis=2)
    rows, columns = white.any(axis=1).nonzero()[0], white.any(axis=0).nonzero()[0]
    assert (np.ptp(rows), np.ptp(columns)) == (4, 4), "the mark is cut off"


def test_sorts_by_the_value_at_the_marked_pixel(dashboard: Dashboard) -> None:
    """A click marks a pixel; its values order the tiles."""
    dashboard.open(layer=CONV1)
    box = dashboard.cell(0).bounding_box()
    assert box is not None
    zoom = box["width"] / 28
    dashboard.cell(0).click(position={"x": 9.5 * zoom, "y": 5.5 * zoom})
    dashboard.choose("Sort by", "pixel")
    assert dashboard.shown() == descending(scenes.layers(70)[CONV1][0, 5, 9])


def test_shows_what_is_dead_constant_or_not_finite(themed: Dashboard) -> None:
    """Each choice carries its count and leaves the channels it names."""
    themed.open(layer=CONV1)
    show = themed.root.get_by_role("combobox", name="Show", exact=True)
    texts = show.evaluate("s => [...s.options].map(o => o.text)")
    assert texts == ["All 12", "Active 10", "Dead 1", "Constant 1", "Non-finite 0"]
    themed.choose("Show", "dead")
    assert themed.shown() == [5]
    themed.choose("Show", "constant")
    assert themed.shown() == [7]
    themed.choose("Show", "nonfinite")
    expect(themed.root.get_by_text("No channel is non-finite at this step")).to_be_visible()
    themed.root.get_by_role("button", name="Show all").click()
    assert themed.shown() == list(range(12))


def test_dead_is_said_with_its_evidence_and_silent_is_another_mark(dashboard: Dashboard) -> None:
    """Dead holds for the whole batch; silent only for the example shown."""
    dashboard.open(layer=CONV1)
    caption = {c: dashboard.caption(c) for c in (5, 7, 9, 0)}
    assert caption == {5: "5 dead", 7: "7 const", 9: "9 silent", 0: "0"}
    expect(dashboard.cell(5)).to_have_attribute("title", "channel 5: zero in all 4 examples")
    expect(dashboard.cell(5)).to_have_accessible_description("dead: zero in all 4 examples")
    dashboard.root.get_by_role("combobox", name="Example", exact=True).select_option("1")
    dashboard.wait_idle()
    assert dashboard.caption(9) == "9"


def test_search_takes_numbers_and_ranges(dashboard: Dashboard) -> None:
    """As "1, 4-6"; a wrong one says what is wrong and leaves everything."""
    dashboard.open(layer=CONV1)
    field = dashboard.root.get_by_label("Channels to show", exact=True)
    field.fill("1, 4-6")
    dashboard.settle()
    assert dashboard.shown() == [1, 4, 5, 6]
    field.fill("99")
    expect(dashboard.root.get_by_text("no channel 99; the layer has 0 to 11")).to_be_visible()
    field.fill("")


def test_the_order_holds_until_sorted_again(dashboard: Dashboard) -> None:
    """Another step does not move a tile; Re-sort appears, and sorts by what is shown."""
    dashboard.open(layer=CONV1)
    dashboard.choose("Sort by", "mean")
    before = dashboard.shown()
    assert before == descending(statistic("mean"))
    again = dashboard.root.get_by_role("button", name="Re-sort", exact=True)
    expect(again).to_have_count(0)
    dashboard.slide("Step", 0)
    dashboard.wait_idle()
    assert descending(statistic("mean", 0)) != before
    assert dashboard.shown() == before
    again.click()
    assert dashboard.shown() == descending(statistic("mean", 0))
    expect(again).to_have_count(0)


def test_many_channels_begin_with_the_strongest(dashboard: Dashboard) -> None:
    """Beyond 256 channels the default order is by max, and the grid is virtual."""
    dashboard.open(layer="head/conv3")
    order = descending(statistic("max", layer="head/conv3"))
    shown = dashboard.shown()
    assert shown == order[: len(shown)]
    assert len(shown) < 300
    dashboard.grid.evaluate("g => { g.scrollTop = g.scrollHeight }")
    dashboard.settle()
    assert dashboard.shown()[-1] == order[-1]


def test_arrows_move_through_the_tiles(themed: Dashboard) -> None:
    """Focus moves with the arrows, selects, and brings its row into sight; Tab enters once."""
    themed.open(layer="head/conv3")
    first = themed.shown()[0]
    themed.cell(first).focus()
    columns = int(themed.grid.get_attribute("aria-colcount") or 0)
    order = descending(statistic("max", layer="head/conv3"))
    themed.page.keyboard.press("ArrowRight")
    expect(themed.cell(order[1])).to_be_focused()
    themed.page.keyboard.press("ArrowDown")
    expect(themed.cell(order[1 + columns])).to_be_focused()
    expect(themed.cell(order[1 + columns])).to_have_attribute("aria-selected", "true")
    themed.page.keyboard.press("Control+End")
    expect(themed.cell(order[-1])).to_be_focused()
    tabbable = themed.grid.locator("[role=gridcell][tabindex='0']")
    assert tabbable.count() == 1
    themed.page.keyboard.press("Shift+ArrowRight")
    assert themed.status.startswith(f"channel {order[-1]}, x 1, y 0: ")
    expect(themed.root.get_by_role("status")).to_have_attribute("aria-live", "polite")
