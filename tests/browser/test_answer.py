"""What the classifier answers, beside the input; and the examples that fire a channel most."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

import answer_log
import numpy as np
import pytest
from answer_log import CLASSES, HEAD_STEPS, KEPT, PLACES, RIGHT, layers, pictures, probabilities
from PIL import Image
from playwright.sync_api import Browser, Locator, expect
from servers import Server, tensorboard_server

from browser.conftest import shared
from browser.dashboard import Dashboard

RUNS = ("plain", "two", "many", "fewer", "train")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with tensorboard_server(answer_log.write(tmp_path_factory.mktemp("answers"))) as server:
        for run in RUNS:
            server.wait_for_tags("input", run=run)
        server.wait_for_tags("head", run="train")
        yield server


@pytest.fixture
def page(browser: Browser, server: Server, _themes: dict, theme: str) -> Iterator[Dashboard]:
    yield from shared(browser, server, _themes, theme, "answers")


@pytest.fixture
def light(browser: Browser, server: Server, _themes: dict) -> Iterator[Dashboard]:
    yield from shared(browser, server, _themes, "light", "answers")


def card(page: Dashboard) -> Locator:
    return page.root.get_by_role("group", name="Answer", exact=True)


def bars(page: Dashboard) -> list[tuple[str, str]]:
    """Name and probability of each, as they are written."""
    texts = card(page).locator(".share").all_inner_texts()
    return [tuple(text.split("\n")) for text in texts]  # type: ignore[misc]


def share_text(share: float) -> str:
    if 0 < share < 5e-4 or 0.9995 < share < 1:
        return "<0.1 %" if share < 0.5 else ">99.9 %"
    return f"{100 * share:.1f} %"


def expected_bars(step: int, example: int) -> list[tuple[str, str]]:
    row = probabilities(step)[example]
    return [(CLASSES[i], share_text(row[i])) for i in np.argsort(-row)[:5]]


def wrong_at(step: int) -> list[int]:
    best = probabilities(step).argmax(axis=1)
    return [i for i in range(KEPT) if RIGHT[i] is not None and best[i] != RIGHT[i]]


def pixels(locator: Locator) -> np.ndarray:
    """What is on the screen, uint8 `[h, w, 3]`."""
    return np.asarray(Image.open(io.BytesIO(locator.screenshot())).convert("RGB"))


def colour(page: Dashboard, name: str) -> list[int]:
    """A token of the theme."""
    text = page.frame.evaluate(
        "name => { const i = document.createElement('i'); i.style.color = `var(${name})`;"
        "document.querySelector('.app').append(i); const { color } = getComputedStyle(i);"
        "i.remove(); return color }",
        name,
    )
    return [int(part) for part in re.findall(r"\d+", text)[:3]]


def test_the_card_says_what_is_answered_and_whether_it_is_right(page: Dashboard) -> None:
    """Five bars as long as the probabilities, the verdict, and one click to a wrong example."""
    page.open(run="train", layer="conv", channel=2)
    assert bars(page) == expected_bars(30, 0)
    expect(card(page)).to_contain_text("Right")
    expect(card(page)).to_contain_text("Softmax of the logits")
    row = card(page).locator(".share").first
    long, box = row.locator("i").bounding_box(), row.bounding_box()
    short = card(page).locator(".share").nth(1).locator("i").bounding_box()
    assert long and box and short
    assert long["x"] == short["x"], "the bar of the right class stands apart"
    assert long["height"] == pytest.approx(8, abs=0.1)
    room = box["width"] - 84 - 8 - row.locator("b").bounding_box()["width"]  # type: ignore[index]
    assert long["width"] == pytest.approx(probabilities(30)[0].max() * room, abs=1)
    assert short["width"] < 4
    middle = pixels(row)[int(box["height"] // 2)]
    assert colour(page, "--link") in middle.tolist()
    [wrong] = wrong_at(30)
    card(page).get_by_role("button", name="1 of 4 wrong").click()
    page.settle()
    share = probabilities(30)[wrong, RIGHT[wrong]]
    expect(card(page)).to_contain_text(f"Wrong: {CLASSES[RIGHT[wrong]]} has {share_text(share)}")
    assert bars(page) == expected_bars(30, wrong)
    thumbs = page.root.get_by_role("group", name="Examples", exact=True).get_by_role("button")
    names = thumbs.evaluate_all("all => all.map(one => one.ariaLabel)")
    assert [i for i, name in enumerate(names) if name.endswith(", wrong")] == [wrong]
    assert thumbs.nth(wrong).evaluate("one => getComputedStyle(one, '::after').content") == '"✗"'
    assert page.axe() == []
    page.screenshot(f"answer-{'dark' if page.frame.evaluate(DARK) else 'light'}")


DARK = "() => document.documentElement.classList.contains('dark')"


def test_over_the_steps_it_is_a_strip(page: Dashboard) -> None:
    """A cell a step as high as the right class is likely, hatched where wrong; a click moves."""
    page.open(run="train", layer="conv", channel=2)
    strip = card(page).get_by_role("slider", name="Answers over the steps")
    titles = strip.locator("i").evaluate_all("all => all.map(one => one.title)")
    for step, title in zip(HEAD_STEPS, titles, strict=True):
        row = probabilities(step)[0]
        verdict = "right" if row.argmax() == 0 else "wrong"
        assert title == f"Step {step}: {CLASSES[row.argmax()]} {share_text(row.max())}, {verdict}"
    look, link = pixels(strip), colour(page, "--link")
    third = look.shape[1] // 3
    assert look[10, third + third // 2].tolist() == link  # step 10: right
    bad = {tuple(pixel) for pixel in look[4:16, 4 : third - 4].reshape(-1, 3).tolist()}
    assert tuple(colour(page, "--nonfinite")) in bad and tuple(link) not in bad
    assert tuple(colour(page, "--well")) in bad
    strip.locator("i").first.click()
    page.settle()
    expect(page.root.locator(".when strong")).to_have_text("step 0")
    assert bars(page) == expected_bars(0, 0)
    expect(card(page).get_by_role("button", name=f"{len(wrong_at(0))} of 4 wrong")).to_be_visible()
    strip.press("ArrowRight")
    page.settle()
    expect(page.root.locator(".when strong")).to_have_text("step 10")
    page.slide("Step", 2)
    page.settle()
    expect(page.root.locator(".when strong")).to_have_text("step 20")
    expect(card(page)).to_contain_text("at step 10")
    assert bars(page) == expected_bars(10, 0)


def test_other_classifiers_and_none(light: Dashboard) -> None:
    """Several outputs are a choice; a sigmoid has two bars; a thousand classes numbers; what keeps
    not every class says so; a run that knows of none has no card; and in the next it is back.
    """
    light.open(run="two", layer="animal")
    table = answer_log.softmax(3).astype(np.float16)
    order = np.argsort(-table[0].astype(float))
    assert [name for name, _ in bars(light)] == [CLASSES[i] for i in order]
    light.choose("Output", "alive")
    light.settle()
    assert bars(light) == [("class 1", "75.0 %"), ("class 0", "25.0 %")]
    expect(card(light)).not_to_contain_text("wrong")
    light.choose("Run", "many")
    light.settle()
    best = answer_log.softmax(1000)[0].argmax()
    assert len(bars(light)) == 5 and bars(light)[0][0] == f"class {best}"
    expect(card(light)).not_to_contain_text("Wrong")
    light.choose("Run", "fewer")
    light.settle()
    expect(card(light)).to_contain_text("No answer: only 4 of the 10 classes are stored")
    light.choose("Run", "plain")
    light.settle()
    expect(card(light)).to_have_count(0)
    light.choose("Run", "train")
    light.settle()
    light.root.get_by_role("button", name="Compare", exact=True).click()
    light.settle()
    assert bars(light) == expected_bars(30, 0)


@pytest.mark.parametrize("layer", ["conv", "sequence", "volume", "dense"])
def test_the_examples_that_fire_the_channel_most(light: Dashboard, layer: str) -> None:
    """The four with the largest values, the largest first; a click goes to the example and marks
    the place; what is no number is left aside and said.
    """
    light.open(run="train", layer=layer, channel=1)
    planes = layers(30)[layer][:KEPT].astype(np.float16).astype(float)[..., 1]
    flat = planes.reshape(KEPT, -1)
    order = np.argsort(-flat.max(axis=1), kind="stable")[:4]
    group = light.root.get_by_role("group", name="Examples that fire it most")
    buttons = group.get_by_role("button")
    names = buttons.evaluate_all("all => all.map(one => one.ariaLabel)")
    assert [int(name.split()[1].rstrip(":")) for name in names] == order.tolist()
    for name, i in zip(names, order, strict=True):
        value = float(name.split(": ")[1].split()[0])
        assert value == pytest.approx(flat[i].max(), abs=0.01)
    assert group.bounding_box()["height"] == pytest.approx(44, abs=1)  # type: ignore[index]
    buttons.nth(1).click()
    light.settle()
    chosen = light.root.get_by_role("combobox", name="Example", exact=True)
    expect(chosen).to_have_value(str(order[1]))
    sides = () if layer == "dense" else planes.shape[1:]
    place = np.unravel_index(planes[order[1]].argmax(), sides) if sides else ()
    if len(place) > 1:
        x, y = place[-1], place[-2]
        assert f" at x {x}, y {y}" in names[1]
        value = light.root.locator(".inspector .value").inner_text()
        assert float(value) == pytest.approx(flat[order[1]].max(), abs=0.01)
    if layer == "volume":
        slider = light.root.get_by_role("slider", name="Depth")
        expect(slider).to_have_value(str(place[0]))


def test_a_crop_is_what_the_place_sees(page: Dashboard) -> None:
    """The receptive field of the largest value, as the input has it there; NaN is left aside."""
    page.open(run="train", layer="conv", channel=2)
    group = page.root.get_by_role("group", name="Examples that fire it most")
    names = group.get_by_role("button").evaluate_all("all => all.map(one => one.ariaLabel)")
    assert names[0] == "Example 1: 5.30 at x 0, y 0; 1 NaN or infinite are left aside"
    assert group.get_by_role("button").first.inner_text() == "5.30*"
    order = [1, 3, 2, 0]
    assert [int(name.split()[1].rstrip(":")) for name in names] == order
    for at, example in enumerate(order):
        y, x = PLACES[example]
        spans = [field_of(y, 16), field_of(x, 20)]
        side = max(5, *(stop - start for start, stop in spans))
        starts = [
            max(0, min((start + stop) / 2 - side / 2, of - side))
            for (start, stop), of in zip(spans, (16, 20), strict=True)
        ]
        crop = pixels(group.locator(".crop").nth(at))
        whole = pictures()[example].astype(np.float16).astype(float)
        grey = 255 * (whole - whole.min()) / (whole.max() - whole.min())
        steps = (np.arange(32) + 0.5) / 32 * side
        rows, columns = (start + steps for start in starts)
        clear = [abs(places % 1 - 0.5) < 0.3 for places in (rows, columns)]  # of edges between
        seen = crop[np.ix_(*clear)].astype(float)
        there = grey[np.ix_(rows[clear[0]].astype(int), columns[clear[1]].astype(int))]
        assert seen.size > 500 and np.abs(seen - there).max() <= 4, example


def field_of(position: int, side: int) -> tuple[int, int]:
    """What of an input's axis a position of `conv` sees."""
    start = -2 + 2 * position
    return max(0, start), min(side, start + 6)


def test_a_narrow_page_has_answer_pictures_and_strips_a_press_away(light: Dashboard) -> None:
    """Under 1000 px: what the left column has elsewhere, and tiles below it."""
    light.page.set_viewport_size({"width": 900, "height": 800})
    light.open(run="train", layer="conv", channel=2)
    expect(card(light)).to_have_count(0)
    fold = light.root.get_by_role("button", name="Input and layers", exact=True)
    fold.click()
    light.settle()
    assert bars(light) == expected_bars(30, 0)
    thumbs = light.root.get_by_role("group", name="Examples", exact=True).get_by_role("button")
    expect(thumbs).to_have_count(KEPT)
    assert light.layer("head").locator(".strip canvas").bounding_box()
    tile, folded = light.cell(0).bounding_box(), light.root.locator(".unfolded").bounding_box()
    assert tile and folded and tile["y"] >= folded["y"] + folded["height"]
    assert tile["y"] + tile["height"] <= 800 - 28
    assert light.frame.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    thumbs.nth(1).click()
    light.select_layer("dense")
    light.settle()
    assert bars(light) == expected_bars(30, 1)
    assert light.axe() == []
    light.screenshot("narrow-unfolded")
    fold.click()
    expect(card(light)).to_have_count(0)
    expect(light.root.get_by_role("combobox", name="Example", exact=True)).to_be_visible()
