"""What is found and taken along in few clicks: what changed most, a step, a value, pins."""

from __future__ import annotations

import re

import numpy as np
from playwright.sync_api import expect

from browser import scenes, zoo
from browser.clicks import Clicks
from browser.dashboard import Dashboard

CONV1 = "encoder/conv1"
LIMITS = ("Minimum", "Maximum")


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


def test_the_channel_that_grew_most_since_the_first_step(dashboard: Dashboard) -> None:
    """Two clicks: by the RMS over all examples that each channel has gained."""
    dashboard.open(layer=CONV1)

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


def pasted(page: Dashboard) -> str:
    """What is on the clipboard."""
    return page.frame.evaluate("() => navigator.clipboard.readText()")


def test_a_step_is_typed(dashboard: Dashboard) -> None:
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

    # The button has the focus again: the whole way by keyboard.
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


def test_the_marked_value_is_copied(dashboard: Dashboard) -> None:
    """With its place, tab-separated; a difference says of which steps; selected text is copied."""
    dashboard.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    dashboard.open(layer=CONV1, example=1)
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
    step = scenes.layers(70)
    for keys, lines in (
        ({"layer": "dense", "pixel": "2,0", "channel": 4}, [("dense", 70, 2, 4, "", "")]),
        ({"layer": "tokens", "pixel": "7,0", "channel": 4}, [("tokens", 70, 0, 4, 7, "")]),
        ({"layer": "volume", "pixel": "8,1", "depth": 3, "channel": 2},
         [("volume", 70, 0, 2, 8, 1)]),
        ({"layer": "input", "pixel": "19,2", "channel": "rgb", "example": 3},
         [("input", 70, 3, c, 19, 2) for c in range(3)]),
    ):  # fmt: skip
        dashboard.open(**keys)
        dashboard.grid.get_by_role("gridcell").first.focus()
        dashboard.page.keyboard.press("Control+c")
        dashboard.until(lambda tag=keys["layer"]: pasted(dashboard).startswith(tag))
        copied = [line.split("\t") for line in pasted(dashboard).split("\n")]
        assert [line[:6] for line in copied] == [[str(part) for part in line] for line in lines]
        values = {
            "dense": [step["dense"][2, 4]],
            "tokens": [step["tokens"][0, 7, 4]],
            "volume": [step["volume"][0, 3, 1, 8, 2]],
            "input": scenes.pictures()[3, 2, 19],
        }[keys["layer"]]
        assert np.allclose([float(line[6]) for line in copied], values, atol=2e-3)
        assert [line[7:] for line in copied] == [["3"] if "depth" in keys else []] * len(lines)


def test_the_health_of_a_run_is_copied_in_words(dashboard: Dashboard) -> None:
    """Each layer with its problem, how many channels have it, and since which step."""
    dashboard.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    dashboard.open(step=70)
    dashboard.root.get_by_role("button", name="Copy health").click()
    expect(dashboard.root.get_by_text("Copied", exact=True)).to_be_visible()
    assert pasted(dashboard) == (
        "Run train, step 70: Channels not finite: head/broken (2 of 6, since step 60). "
        "Channels dead: encoder/conv1 (1 of 12, since step 0), head/conv3 (150 of 300, since "
        "step 0), dense (1 of 32, since step 0). "
        "Channels constant: encoder/conv1 (1 of 12, since step 0), dense (1 of 32, since step 0)."
    )


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
    themed.page.reload()
    themed.grid.get_by_role("gridcell").first.wait_for()
    themed.settle()
    assert themed.shown()[0] == 30
    themed.select_layer(CONV1)
    assert themed.shown() == [*pinned, *others]
    themed.page.keyboard.press("b")
    assert themed.shown()[0] == pinned[1], "the selected one, pinned first, is let go"


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
