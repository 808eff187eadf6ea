"""What is found and taken along in few clicks: what changed most, a step, a value, pins."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from browser import scenes, zoo
from browser.clicks import Clicks
from browser.dashboard import Dashboard

CONV1 = "encoder/conv1"
LIMITS = ("Minimum", "Maximum")


def descending(values: np.ndarray) -> list[int]:
    return [int(i) for i in np.argsort(-values, kind="stable")]


def rms(step: int, layer: str) -> float:
    """Of all values of a layer, NaN where one is not finite."""
    return float(np.sqrt((scenes.layers(step)[layer].astype(np.float64) ** 2).mean()))


def change(before: int, step: int, layer: str) -> float:
    """The ratio of the RMS, up or down alike."""
    ratio = rms(step, layer) / rms(before, layer)
    return max(ratio, 1 / ratio)


def rows(page: Dashboard) -> list[tuple[str, str]]:
    """Layers of the tree from above, and what their badges say."""
    page.drawn()
    found = page.tree.get_by_role("treeitem").evaluate_all(
        "rows => rows.map(r => [r.title, r.querySelector('.badge').innerText])"
    )
    return [tuple(row) for row in found]


def test_the_layer_that_changed_most_since_the_last_step(themed: Dashboard, theme: str) -> None:
    """It is named with its ratio and one click away; as an order each layer shows its own."""
    themed.open(layer="dense", step=50)
    layers = scenes.layers(50)
    by_change = sorted(layers, key=lambda tag: -change(40, 50, tag))
    [most, *_] = by_change
    clicks = Clicks()
    health = themed.root.locator(".health")
    said = health.get_by_text(f"since step 40 (RMS ×{change(40, 50, most):.2f})")
    expect(said).to_be_visible()
    clicks(health.get_by_role("button", name=f"{most} changed most", exact=True))
    expect(themed.root.locator(".layerbar h1")).to_have_text(most)
    assert clicks.count <= 1

    themed.choose("Order of layers", "change")
    shown = rows(themed)
    assert [tag for tag, _ in shown] == [*by_change, "input"]
    for tag, text in shown[:-1]:
        assert text[0] == ("×" if rms(50, tag) >= rms(40, tag) else "÷")
        assert abs(float(text[1:]) - change(40, 50, tag)) < 0.006, tag
    title = themed.layer(most).locator(".badge").get_attribute("title")
    assert re.match(rf"×.*: RMS {rms(40, most):.3f} at step 40, {rms(50, most):.3f} at", title)
    themed.page.wait_for_url("**order=change**")
    assert themed.axe() == []
    themed.screenshot(f"changed-{theme}")

    # At the first step nothing has changed yet, and nothing is said to have.
    themed.slide("Step", 0)
    expect(health).not_to_contain_text("changed most")
    assert {text for _, text in rows(themed)} == {"–"}


def pasted(page: Dashboard) -> str:
    """What is on the clipboard."""
    return page.frame.evaluate("() => navigator.clipboard.readText()")


def the_channel_that_grew_most(dashboard: Dashboard) -> None:
    """Two clicks: by the RMS over all examples that each channel gained since the first step."""
    dashboard.root.get_by_role("button", name="Follow", exact=True).click()

    def strength(step: int) -> np.ndarray:
        return np.sqrt((scenes.layers(step)[CONV1].astype(np.float64) ** 2).mean(axis=(0, 1, 2)))

    growth = strength(70) - strength(0)
    clicks = Clicks()
    clicks.choose(dashboard.root.get_by_role("combobox", name="Sort by", exact=True), "growth")
    dashboard.settle()
    assert dashboard.shown()[0] == int(np.argmax(growth))
    # Channels that gained nothing gain the error of a float32.
    gained = [c for c in dashboard.shown() if abs(growth[c]) > 1e-4]
    assert gained == sorted(gained, key=lambda c: -growth[c])
    assert clicks.count <= 2


def test_a_step_is_typed_and_what_grew_is_sorted_first(dashboard: Dashboard) -> None:
    """A click (or g) makes it a field; of a step that was not logged the nearest is shown."""
    dashboard.open(layer=CONV1)
    root, step = dashboard.root, dashboard.root.locator(".when strong")
    field = root.get_by_role("textbox", name="Step to show")
    clicks = Clicks()
    clicks(root.get_by_role("button", name="step 70", exact=True))
    field.fill("20")
    field.press("Enter")
    expect(step).to_have_text("step 20")
    expect(root.get_by_role("alert")).to_have_count(0)
    assert clicks.count <= 2
    dashboard.page.wait_for_url("**step=20**")

    # The button has the focus again, with all of its ring: the whole way by keyboard.
    ring = root.get_by_role("button", name="step 20", exact=True).evaluate("""(e) => {
      const [own, box] = [e.getBoundingClientRect(), e.parentElement.getBoundingClientRect()];
      const { outlineOffset, outlineWidth } = getComputedStyle(e);
      const reach = parseFloat(outlineOffset) + parseFloat(outlineWidth);
      return [own.left - reach - box.left, own.top - reach - box.top, e === document.activeElement];
    }""")
    assert ring == [0, 0, True]
    dashboard.page.keyboard.press("g")
    assert field.evaluate("f => f.value.slice(f.selectionStart, f.selectionEnd)") == "20"
    field.press("Escape")
    dashboard.page.keyboard.press("g")
    field.fill("soon")
    field.press("Enter")
    expect(field).to_have_attribute("aria-invalid", "true")
    field.fill("46")
    field.press("Enter")
    expect(step).to_have_text("step 50")
    expect(root.get_by_role("alert")).to_have_text(
        "Step 46 was not logged; the nearest, 50, is shown."
    )
    assert dashboard.axe() == []
    dashboard.page.keyboard.press(",")
    expect(root.get_by_role("alert")).to_have_count(0)
    the_channel_that_grew_most(dashboard)


def the_health_is_copied(dashboard: Dashboard) -> None:
    """Each layer with its problem, how many channels have it, and since which step."""
    dashboard.root.get_by_role("button", name="Copy health").click()
    expect(dashboard.root.get_by_text("Copied", exact=True)).to_be_visible()
    assert pasted(dashboard) == (
        "Run train, step 70: Channels not finite: head/broken (2 of 6, since step 60). "
        "Channels dead: encoder/conv1 (1 of 12, since step 0), head/conv3 (150 of 300, since "
        "step 0), dense (1 of 32, since step 0). "
        "Channels constant: encoder/conv1 (1 of 12, since step 0), dense (1 of 32, since step 0)."
    )


def test_the_marked_value_and_the_health_are_copied(dashboard: Dashboard) -> None:
    """With its place, tab-separated; of a difference both steps; selected text as ever; health."""
    dashboard.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    dashboard.open(layer=CONV1, example=1)
    the_health_is_copied(dashboard)
    keyboard, clicks = dashboard.page.keyboard, Clicks()
    box = dashboard.cell(3).bounding_box()
    assert box is not None
    zoom = box["width"] / 28
    clicks.count += 1
    dashboard.cell(3).click(position={"x": 20.5 * zoom, "y": 4.5 * zoom})
    keyboard.press("Control+c")
    dashboard.until(lambda: dashboard.root.get_by_text("Copied: ").count())
    assert clicks.count <= 2
    *place, value = pasted(dashboard).split("\t")
    assert place == [CONV1, "70", "1", "3", "20", "4"]
    now, then = (scenes.layers(s)[CONV1][1, 4, 20, 3] for s in (70, 0))
    assert abs(float(value) - now) < 2e-3
    # As it is stored, in full: a multiple of the power of two that half precision steps by.
    assert float(np.float16(float(value) * 2**13)) / 2**13 == float(value)

    keyboard.press("Shift+ArrowRight")
    keyboard.press("Control+c")
    dashboard.until(lambda: pasted(dashboard).split("\t")[4] == "21")
    dashboard.root.get_by_role("button", name="Compare", exact=True).click()
    dashboard.choose("Compare as", "difference")
    dashboard.cell(3).click(position={"x": 20.5 * zoom, "y": 4.5 * zoom})
    keyboard.press("Control+c")
    dashboard.until(lambda: "minus" in pasted(dashboard))
    line = pasted(dashboard).split("\t")
    assert line[1] == "70 minus step 0"
    assert abs(float(line[6]) - (float(now) - float(then))) < 4e-3

    title = dashboard.root.locator(".layerbar h1")
    title.evaluate("h => getSelection().selectAllChildren(h)")
    keyboard.press("Control+c")
    dashboard.until(lambda: pasted(dashboard) == CONV1)
    title.evaluate("() => getSelection().removeAllRanges()")


def test_of_a_matrix_a_volume_and_a_colour_what_they_have_is_copied(dashboard: Dashboard) -> None:
    """Examples for x and y of a dense layer, no y of a sequence, z of a volume, a line a colour."""
    dashboard.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    dashboard.open(layer="dense", pixel="2,0", channel=2, depth=3)
    step = scenes.layers(70)
    kinds = {
        "dense": ([(2, 2, "", "")], [step["dense"][2, 2]]),
        "tokens": ([(0, 2, 2, "")], [step["tokens"][0, 2, 2]]),
        "volume": ([(0, 2, 2, 0)], [step["volume"][0, 3, 0, 2, 2]]),
        "input": ([(0, c, 2, 0) for c in range(3)], scenes.pictures()[0, 0, 2]),
    }
    for tag, (places, values) in kinds.items():
        dashboard.select_layer(tag)
        dashboard.page.keyboard.press("Control+c")
        dashboard.until(lambda tag=tag: pasted(dashboard).startswith(tag))
        lines = [line.split("\t") for line in pasted(dashboard).split("\n")]
        assert [line[:6] for line in lines] == [[tag, "70", *map(str, place)] for place in places]
        assert np.allclose([float(line[6]) for line in lines], values, atol=2e-3)
        assert [line[7:] for line in lines] == [["3"] if tag == "volume" else []] * len(lines)


def test_pinned_channels_stand_first(themed: Dashboard, theme: str) -> None:
    """By b or the caption, whatever the sort; each layer has its own; they are in the link."""
    themed.open(layer=CONV1, sort="max")
    by_max = themed.shown()
    pinned = [by_max[7], by_max[4]]
    themed.cell(pinned[0]).click()
    themed.page.keyboard.press("b")
    box = themed.cell(pinned[1]).bounding_box()
    assert box is not None
    themed.page.mouse.click(box["x"] + 8, box["y"] + box["height"] - 8)
    others = [channel for channel in by_max if channel not in pinned]
    assert themed.shown() == [*pinned, *others]
    assert themed.caption(pinned[0]).startswith(f"◆ {pinned[0]}")
    assert "pinned" in (themed.cell(pinned[1]).get_attribute("aria-description") or "")
    # Tile and caption are of the same channel.
    values = scenes.layers(70)[CONV1][0, ..., pinned[0]]
    shown = themed.tile(pinned[0], 28)[..., 1].astype(float)
    assert np.corrcoef(shown.ravel(), values.ravel())[0, 1] > 0.95
    assert themed.axe() == []
    themed.screenshot(f"pinned-{theme}")

    # A filter leaves out what it leaves out; another layer has pins of its own.
    themed.choose("Show", "dead")
    assert themed.shown() == [5]
    themed.choose("Show", "all")
    themed.select_layer("dense")
    assert themed.shown()[0] == max(range(32), key=lambda c: scenes.layers(70)["dense"][0, c])
    themed.cell(30).click()
    themed.page.keyboard.press("b")
    assert themed.shown()[0] == 30
    expect(themed.cell(30)).to_be_focused()
    themed.screenshot(f"pinned-matrix-{theme}")
    themed.page.wait_for_url("**pins=**dense**")
    if theme == "dark":
        return
    themed.page.reload()
    themed.grid.get_by_role("gridcell").first.wait_for()
    themed.settle()
    assert themed.shown()[0] == 30
    themed.select_layer(CONV1)
    assert themed.shown() == [*pinned, *others]
    themed.page.keyboard.press("b")
    assert themed.shown()[0] == pinned[1], "the selected one, pinned first, is let go"


@pytest.mark.parametrize("theme", ["light"])
def test_whole_numbers_are_written_as_whole_numbers(zoo_page: Dashboard) -> None:
    """Of a layer of integers: tiles, status line, statistics and limits have no decimals."""
    zoo_page.open(run="main", layer="counts", channel=1, pixel="3,2")
    values = zoo.values("main", "counts", 40)
    zoo_page.cell(1).hover(position={"x": 2, "y": 2})
    assert zoo_page.status == f"channel 1, x 0, y 0: {int(values[0, 0, 0, 1])}"
    assert zoo_page.caption(2) == str(int(values[0, 0, 0, 2]))
    zoo_page.page.mouse.move(0, 0)
    root = zoo_page.root
    expect(root.locator(".inspector .value")).to_have_text(str(int(values[0, 2, 3, 1])))
    numbers = root.locator(".statistics button b").all_inner_texts()
    assert numbers[:2] == [str(int(values[..., 1].min())), str(int(values[..., 1].max()))]
    assert "." in numbers[2], "a mean is no whole number"
    root.get_by_role("button", name="Min–max", exact=True).click()
    zoo_page.drawn()
    limits = [root.get_by_role("textbox", name=name).input_value() for name in LIMITS]
    assert limits == [str(int(values[0, ..., 1].min())), str(int(values[0, ..., 1].max()))]
    zoo_page.select_layer("narrow")
    zoo_page.cell(1).hover(position={"x": 2, "y": 2})
    assert re.search(r": \d+\.\d+$", zoo_page.status)


def test_chips_leave_layers_by_kind_and_problem(themed: Dashboard, theme: str) -> None:
    """Each says how many it leaves, beside the search; what is left out is counted."""
    themed.open(step=70)
    chips = themed.root.get_by_role("group", name="Layers listed")

    def said() -> list[str]:
        themed.drawn()
        return chips.get_by_role("button").all_inner_texts()

    everything = ["layers 7", "inputs 1", "non-finite 1", "dead 3", "const 2"]
    assert said() == everything
    chips.get_by_role("button", name="dead 3", exact=True).click()
    listed = ["encoder/conv1", "head/conv3", "dense"]
    assert [tag for tag, _ in rows(themed)] == listed
    # Problems add to each other, kinds narrow them; so does the search.
    chips.get_by_role("button", name="non-finite 1", exact=True).click()
    assert [tag for tag, _ in rows(themed)] == [*listed[:2], "head/broken", "dense"]
    themed.root.get_by_role("searchbox", name="Search layers").fill("head")
    assert [tag for tag, _ in rows(themed)] == ["head/conv3", "head/broken"]
    assert said() == [
        *["layers 2", "inputs 0", "non-finite 1", "dead 1", "const 0"],
        "2 of 8: show all",
    ]
    themed.page.wait_for_url("**only=dead%2Cnonfinite**")
    assert themed.axe() == []
    themed.screenshot(f"chips-{theme}")
    # At another step another number of layers has it: of the broken one not yet.
    themed.slide("Step", 5)
    assert [tag for tag, _ in rows(themed)] == ["head/conv3"]
    assert said()[2] == "non-finite 0"
    chips.get_by_role("button", name="inputs 0", exact=True).click()
    expect(themed.root.locator(".layers")).to_contain_text("No layer is left")
    chips.get_by_role("button", name="show all").click()
    assert len(rows(themed)) == 10, "the tree again, its two groups among the layers"


def test_alt_and_the_wheel_turn_slices(dashboard: Dashboard) -> None:
    """A notch is a slice, to either end; without Alt, and over other layers, the wheel scrolls."""
    dashboard.open(layer="volume", size=512)
    depth = dashboard.root.get_by_role("slider", name="Depth")
    turn = dashboard.page.mouse.wheel
    dashboard.cell(0).hover(position={"x": 40, "y": 40})
    expect(depth).to_have_value("2")
    dashboard.page.keyboard.down("Alt")
    turn(0, 120)
    expect(depth).to_have_value("3")
    for _ in range(3):
        turn(0, 120)
    expect(depth).to_have_value("4")
    turn(0, -120)
    expect(depth).to_have_value("3")
    # Small moves of a trackpad add up.
    for _ in range(4):
        turn(0, -10)
    expect(depth).to_have_value("2")
    assert dashboard.grid.evaluate("g => g.scrollTop") == 0
    dashboard.page.keyboard.up("Alt")
    turn(0, 120)
    dashboard.until(lambda: dashboard.grid.evaluate("g => g.scrollTop") > 0)
    expect(depth).to_have_value("2")


def quantiles(values: np.ndarray) -> np.ndarray:
    return np.quantile(values[np.isfinite(values)], [0.05, 0.25, 0.5, 0.75, 0.95])


def test_the_distribution_over_steps(themed: Dashboard, theme: str) -> None:
    """Median, middle half and 5 to 95 % of what the film shows; its points lead to their steps."""
    themed.open(layer=CONV1, channel=3, step=50)
    root = themed.root
    root.locator(".chart").get_by_role("button", name="quantiles").click()
    caption = root.locator(".chart figcaption")
    expect(caption).to_contain_text("quantiles, 8 steps")
    spread = {s: quantiles(scenes.layers(s)[CONV1][0, ..., 3]) for s in scenes.STEPS}
    numbers = caption.inner_text().split("step 50: ")[1].split(" · ")
    assert np.allclose([float(n) for n in numbers], spread[50][[0, 2, 4]], atol=6e-3)
    lo = min(q[0] for q in spread.values())
    hi = max(q[4] for q in spread.values())
    points = root.locator(".chart circle").evaluate_all(
        "all => all.map(c => +c.getAttribute('cy'))"
    )
    medians = [38 - (q[2] - lo) / (hi - lo) * 32 for q in spread.values()]
    assert np.allclose(points, medians, atol=0.3)
    # The band is seen under the line, and the line over it.
    bands = root.locator(".chart .band")
    assert bands.count() == 2
    tops = bands.evaluate_all("all => all.map(b => { const { y, height } = b.getBBox();"
                              " return [y, y + height]; })")  # fmt: skip
    for (top, bottom), (low, high) in zip(tops, ((0, 4), (1, 3)), strict=True):
        ends = [
            38 - (v - lo) / (hi - lo) * 32
            for v in (max(q[high] for q in spread.values()), min(q[low] for q in spread.values()))
        ]
        assert np.allclose([top, bottom], ends, atol=0.3)
    themed.page.wait_for_url("**chart=quantiles**")
    assert themed.axe() == []
    themed.screenshot(f"quantiles-{theme}")
    # Of a difference there is none to choose.
    choice = root.locator(".chart").get_by_role("button", name="quantiles")
    themed.open(layer=CONV1, channel=3, compare="first", mode="difference")
    expect(root.locator(".chart")).to_be_visible()
    expect(choice).to_have_count(0)
    themed.open(layer=CONV1, channel=3, step=50, chart="quantiles")
    # NaN is left out of its own step alone.
    themed.select_layer("head/broken")
    themed.root.get_by_role("button", name="Last", exact=True).click()
    themed.settle()
    expect(caption).to_contain_text("quantiles, 8 steps")
    assert root.locator(".chart circle").count() == 8


def test_one_channel_over_all_runs(dashboard: Dashboard) -> None:
    """A row of the film for each run that has it, under one window; which runs is said."""
    dashboard.open(layer=CONV1, channel=3)
    dashboard.root.get_by_role("button", name="Compare", exact=True).click()
    dashboard.choose("Compare with", "runs")
    root = dashboard.root
    said = "Films of 2 of 2 runs, in the inspector: newest first after this one"
    expect(root.locator(".row.compare")).to_contain_text(said)
    film = root.get_by_role("group", name="Film of older")
    expect(film.get_by_role("button")).to_have_count(2)
    dashboard.settle()
    frames = root.get_by_role("group", name="Film of train").get_by_role("button")
    assert frames.count() == 5
    lo, hi = 0.0, scenes.layers(70)[CONV1][0, ..., 3].max()
    read = "b => { const c = b.querySelector('canvas'); const d = c.getContext('2d').getImageData("
    read += "0, 0, c.width, c.height).data; return [c.width, Array.from(d)]; }"
    for step in (0, 20):
        button = film.get_by_role("button", name=f"Step {step}", exact=True)
        width, pixels = button.evaluate(read)
        shown = np.array(pixels, float).reshape(-1, width, 4)[..., 1].ravel()
        values = scenes.layers(step)[CONV1][0, ..., 3].ravel()
        assert np.corrcoef(shown, np.clip(values, lo, hi))[0, 1] > 0.95
    # One tile a channel: nothing stands beside.
    assert dashboard.grid.get_attribute("data-parts") == "1"
    assert dashboard.axe() == []
    dashboard.screenshot("runs")
    film.get_by_role("button", name="Step 20", exact=True).click()
    expect(root.locator(".when strong")).to_have_text("step 20")
    expect(root.get_by_role("combobox", name="Run", exact=True)).to_have_value("older")
    expect(root.get_by_role("group", name="Film of train")).to_be_visible()
    # Another layer, which one run alone has nothing of by another channel: its rows are its own.
    dashboard.select_layer("dense")
    expect(root.locator(".row.compare")).to_contain_text("Films of 2 of 2 runs")
    dashboard.choose("Compare with", "first")
    expect(root.get_by_role("group", name="Film of train")).to_have_count(0)
    expect(root.get_by_role("group", name="Film", exact=True)).to_be_visible()


def test_all_examples_as_one(dashboard: Dashboard) -> None:
    """Tiles, input, film, comparison and file are of the mean or the largest of all examples."""
    dashboard.open(layer=CONV1, channel=4, window='{"limits":"minmax","colormap":"grey"}')
    pool, fold = "mean", np.mean
    root = dashboard.root
    choice = root.get_by_role("combobox", name="Example", exact=True)
    texts = choice.evaluate("s => [...s.options].map(o => o.text)")
    assert texts[-2:] == ["Mean of 4 stored", "Largest of 4 stored"]

    def grey(values: np.ndarray, lo: float, hi: float) -> np.ndarray:
        return np.clip((values - lo) / (hi - lo), 0, 1) * 255

    dashboard.choose("Example", "largest")
    dashboard.settle()
    largest = scenes.layers(70)[CONV1][..., 4].max(axis=0)
    shown = dashboard.tile(4, 28)[..., 0].astype(float)
    assert np.abs(shown - grey(largest, largest.min(), largest.max())).max() <= 2
    dashboard.choose("Example", pool)
    dashboard.settle()
    now, then = (fold(scenes.layers(s)[CONV1][..., 4], axis=0) for s in (70, 0))
    shown = dashboard.tile(4, 28)[..., 0].astype(float)
    assert np.abs(shown - grey(now, now.min(), now.max())).max() <= 2
    lo, hi = fold(scenes.pictures(), axis=0).min(), fold(scenes.pictures(), axis=0).max()
    facts = root.locator(".inputbox .facts").inner_text()
    ends = [float(number) for number in re.findall(r"([\d.]+) … ([\d.]+)", facts)[0]]
    assert np.allclose(ends, [lo, hi], atol=2e-3)
    read = "c => [c.width, [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]]"
    width, pixels = root.get_by_role("img", name="Input", exact=True).evaluate(read)
    picture = np.array(pixels, float).reshape(-1, width, 4)[..., :3]
    assert np.abs(picture - grey(fold(scenes.pictures(), axis=0), lo, hi)).max() <= 2
    first = root.get_by_role("group", name="Film").get_by_role("button").first.locator("canvas")
    width, pixels = first.evaluate(read)
    frame = np.array(pixels, float).reshape(-1, width, 4)[..., 0]
    assert np.abs(frame - grey(then, now.min(), now.max())).max() <= 2
    expect(root.locator(".inspector .state")).to_have_text("")
    dashboard.page.wait_for_url(f"**pool={pool}**")

    root.get_by_role("button", name="Compare", exact=True).click()
    dashboard.settle()
    both = min(now.min(), then.min()), max(now.max(), then.max())
    sides = dashboard.tile(4, 56)[..., 0].astype(float)
    assert np.abs(sides - np.hstack([grey(now, *both), grey(then, *both)])).max() <= 2
    # The silent one of example 0 is none of all four; a sort is of what is shown.
    dashboard.choose("Sort by", "max")
    strongest = fold(scenes.layers(70)[CONV1], axis=0).max(axis=(0, 1))
    assert dashboard.shown() == descending(strongest)
    with dashboard.page.expect_download() as download:
        root.get_by_role("button", name="Export", exact=True).click()
        root.get_by_role("button", name="Save PNG").click()
    assert download.value.suggested_filename == f"encoder-conv1_step70_{pool}.png"
    dashboard.page.keyboard.press("Escape")

    dashboard.select_layer("dense")
    expect(choice).to_have_value("0")
    dashboard.select_layer("encoder/conv2")
    expect(choice).to_have_value(pool)
    # An example chosen is that example again, here and by its picture.
    root.get_by_role("button", name="example 2, “ship”").click()
    dashboard.wait_idle()
    expect(choice).to_have_value("2")
    assert "pool" not in dashboard.page.url or dashboard.until(
        lambda: "pool=" not in dashboard.page.url
    )
