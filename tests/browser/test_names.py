"""Names of layers: grouped by their stem, cut in the middle; the divider that gives them room."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from logs import write_run
from playwright.sync_api import Browser, expect
from servers import Server, tensorboard_server

from browser.conftest import new_dashboard, shared
from browser.dashboard import Dashboard

# What can be read of each row without hovering, whether its end is in sight, and its group's name.
READ_ROWS = """
() => [...document.querySelectorAll("[role=treeitem]")].map((row) => {
  const box = row.querySelector(".name").getBoundingClientRect();
  const head = row.querySelector(".head");
  const limit = head.getBoundingClientRect().right + 0.5;
  const range = document.createRange();
  let seen = "";
  const walk = document.createTreeWalker(head, NodeFilter.SHOW_TEXT);
  for (let text = walk.nextNode(); text; text = walk.nextNode()) {
    for (let i = 0; i < text.length; i++) {
      range.setStart(text, i);
      range.setEnd(text, i + 1);
      if (range.getBoundingClientRect().right <= limit) seen += text.data[i];
    }
  }
  // The ellipsis takes the place of what would not fit, and of a letter or two more.
  const cut = seen.length < head.textContent.length;
  const end = row.querySelector(".end");
  return {
    title: row.title,
    group: row.hasAttribute("aria-expanded"),
    level: Number(row.getAttribute("aria-level")),
    text: (cut ? seen.slice(0, -2) + "…" : seen) + end.textContent,
    whole: head.textContent + end.textContent,
    inside: end.getBoundingClientRect().right <= box.right + 0.5,
    badge: row.querySelector(".badge").scrollWidth <= row.querySelector(".badge").clientWidth,
  };
})
"""


def resnet50() -> list[str]:
    """Keras's own names of ResNet50, in model order."""
    names = ["input_layer", "conv1_pad", "conv1_conv", "conv1_bn", "conv1_relu"]
    names += ["pool1_pad", "pool1_pool"]
    body = ["1_conv", "1_bn", "1_relu", "2_conv", "2_bn", "2_relu"]
    for stage, blocks in enumerate((3, 4, 6, 3), start=2):
        for block in range(1, blocks + 1):
            rest = ["0_conv", "3_conv", "0_bn", "3_bn"] if block == 1 else ["3_conv", "3_bn"]
            parts = [*body, *rest, "add", "out"]
            names += [f"conv{stage}_block{block}_{part}" for part in parts]
    return [*names, "avg_pool", "predictions"]


@pytest.fixture(scope="module")
def resnet(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A log with the names of a ResNet50; one layer is not finite, one dead in part."""
    rng = np.random.default_rng(0)
    layers = {
        name: {s: rng.normal(size=(1, 2, 2, 4)).astype(np.float32) for s in range(4)}
        for name in resnet50()
    }
    layers["conv3_block2_2_relu"][3][..., 1] = np.inf
    layers["conv4_block5_1_relu"][3][..., :1] = 0
    directory: Path = tmp_path_factory.mktemp("resnet")
    write_run(directory, layers)
    with tensorboard_server(directory) as server:
        server.wait_for_tags(*layers)
        yield server


@pytest.fixture
def names_page(
    browser: Browser, resnet: Server, module_pages: dict[str, Dashboard], theme: str
) -> Iterator[Dashboard]:
    """The page of each theme on that log."""
    yield from shared(browser, resnet, module_pages, theme)


def rows(page: Dashboard) -> list[dict]:
    return page.frame.evaluate(READ_ROWS)


@pytest.mark.parametrize(
    ("theme", "width"), [("light", 1000), ("light", 1400), ("dark", 1400), ("light", 1800)]
)
def test_every_layer_of_a_resnet50_is_told_from_its_neighbours(
    names_page: Dashboard, theme: str, width: int
) -> None:
    """Without hovering: group and visible letters name each of 177 layers, ends never cut."""
    page = names_page
    page.page.set_viewport_size({"width": width, "height": 900})
    page.open()
    found = rows(page)
    groups, read = "", []
    for row in found:
        assert row["inside"], row
        assert row["badge"], row
        assert row["whole"].endswith(row["text"].split("…")[-1])
        groups = row["text"] if row["group"] else groups if row["level"] > 1 else ""
        if not row["group"]:
            read.append((groups, row["text"]))
    assert [row["title"] for row in found if not row["group"]] == resnet50()
    assert len(set(read)) == 177
    assert ("conv5_block2", "1_relu") in read
    page.screenshot(f"names-{theme}-{width}")
    assert page.axe() == []
    page.root.get_by_label("Search layers").fill("block")
    flat = [row["text"] for row in rows(page)]
    assert len(flat) == len(set(flat)) == 168
    page.screenshot(f"names-search-{theme}-{width}")


@pytest.mark.parametrize("theme", ["light"])
def test_a_search_shows_what_it_found_in_bold(names_page: Dashboard) -> None:
    """The letters that were searched for, in each name, and no others."""
    page = names_page.open()
    page.root.get_by_label("Search layers").fill("BLOCK6_1")
    bold = page.tree.get_by_role("treeitem").evaluate_all(
        "rows => rows.map(row => [...row.querySelectorAll('b')].map(b => b.innerText).join(''))"
    )
    assert bold == ["block6_1"] * 3
    weight = page.tree.locator("b").first.evaluate("b => getComputedStyle(b).fontWeight")
    assert int(weight) >= 600


@pytest.mark.parametrize("theme", ["light"])
def test_infinities_are_not_called_nan(names_page: Dashboard) -> None:
    """The badge says what is known of the batch; the tile, whose values are here, says `Inf`."""
    page = names_page.open(layer="conv3_block2_2_relu")
    badge = page.layer("conv3_block2_2_relu").locator(".badge")
    expect(badge).to_have_text("1 non-finite")
    expect(badge).to_have_attribute("title", "1 of 4 channels hold non-finite values")
    expect(page.root.locator(".caption.nonfinite")).to_have_text("1 4 Inf")
    assert page.root.get_by_role("list", name="Marks").inner_text().strip() == "+Inf"


def test_a_row_chooses_the_layer_and_its_strip_then_the_step(themed: Dashboard) -> None:
    """A click anywhere on a row leaves the step and Follow; on the chosen row's strip it moves."""
    themed.open(layer="encoder/conv1")
    step = themed.root.locator(".when strong")
    follow = themed.root.get_by_role("button", name="Follow", exact=True)
    row = themed.layer("encoder/conv2")
    strip = row.locator(".strip")
    for target in (row, strip):
        themed.select_layer("encoder/conv1")
        target.click()
        themed.wait_idle()
        expect(row).to_have_attribute("aria-selected", "true")
        expect(step).to_have_text("step 70")
        expect(follow).to_have_attribute("aria-pressed", "true")
    strip.click(position={"x": 88 * 3.5 / 8, "y": 7})
    expect(step).to_have_text("step 30")
    expect(follow).to_have_attribute("aria-pressed", "false")


def left_width(page: Dashboard) -> float:
    return page.root.locator(".left").evaluate("e => e.getBoundingClientRect().width")


@pytest.mark.parametrize(("window", "column"), [(1200, 256), (1400, 320), (1800, 400)])
def test_the_left_column_grows_with_the_window(
    dashboard: Dashboard, window: int, column: int
) -> None:
    """256 pixels, 320 from 1400 on, 400 from 1800 on, where nobody chose a width."""
    dashboard.page.set_viewport_size({"width": window, "height": 900})
    dashboard.open()
    assert left_width(dashboard) == column


def test_the_divider_is_dragged_and_its_place_is_kept(themed: Dashboard, theme: str) -> None:
    """By pointer and by keys, within its ends; kept over visits; a double click forgets it."""
    page = themed.open()
    divider = page.root.get_by_role("separator", name="Width of the left column")
    expect(divider).to_have_attribute("aria-valuenow", "320")
    box = divider.bounding_box()
    assert box
    page.page.mouse.move(box["x"] + 4, 300)
    page.page.mouse.down()
    page.page.mouse.move(box["x"] + 100, 320, steps=4)
    page.screenshot(f"divider-{theme}")
    page.page.mouse.up()
    dragged = left_width(page)
    assert abs(dragged - 416) <= 6
    page.open()
    assert left_width(page) == dragged
    divider.focus()
    page.page.keyboard.press("ArrowLeft")
    assert left_width(page) == dragged - 16
    page.page.keyboard.press("Home")
    expect(divider).to_have_attribute("aria-valuenow", "200")
    page.page.keyboard.press("End")
    assert left_width(page) == 640
    assert page.axe() == []
    divider.dblclick()
    assert left_width(page) == 320
    page.open()
    assert left_width(page) == 320


def test_a_page_that_may_keep_nothing_still_has_its_divider(
    browser: Browser, scene_server: Server
) -> None:
    """Where the browser refuses storage the width holds as long as the page."""
    page = new_dashboard(browser, scene_server.url)
    page.page.add_init_script(
        "if (window !== window.top) Object.defineProperty(window, 'localStorage',"
        " { get() { throw new Error('no') } })"
    )
    page.load()
    page.root.get_by_role("treeitem").first.wait_for()
    divider = page.root.get_by_role("separator", name="Width of the left column")
    divider.focus()
    page.page.keyboard.press("ArrowRight")
    assert left_width(page) == 336
    page.page.context.close()
