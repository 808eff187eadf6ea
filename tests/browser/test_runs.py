"""Many runs: a list that filters, newest first, and says which of them are broken."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from logs import event
from playwright.sync_api import Browser, expect
from servers import Server, tensorboard_server

from browser.conftest import shared
from browser.dashboard import Dashboard
from tb_activations.eventfile.writer import EventWriter

RUNS = [f"sweep/lr={lr},width={w},seed={s}" for lr in (0.1, 0.01) for w in (16, 32, 64)
        for s in range(4)]  # fmt: skip
BROKEN, DEAD, GROWN = RUNS[5], RUNS[11], RUNS[17]
START = 1_700_000_000.0


def values(run: str, step: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(step)
    layers = {tag: rng.normal(size=(1, 8, 8, 4)).astype(np.float32) for tag in ("a", "b", "c")}
    if run == BROKEN and step == 2:
        layers["b"][..., 1] = np.nan
    if run == DEAD:
        layers["c"][..., :3] = 0
    if run == GROWN:
        layers["a"] *= 30.0**step
    return layers


def growth() -> int:
    """How many times the RMS of what explodes has grown, to two digits."""
    first, last = (np.sqrt(np.mean(values(GROWN, step)["a"] ** 2)) for step in (0, 2))
    return int(float(f"{last / first:.2g}"))


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    directory = tmp_path_factory.mktemp("sweep")
    for at, run in enumerate(RUNS):
        with EventWriter(directory / run, ".activations") as writer:
            for step in range(3):
                for order, (tag, array) in enumerate(values(run, step).items()):
                    time = START + 100 * at + step
                    writer.write(event(tag, step, array, wall_time=time, order=order))
    with tensorboard_server(directory) as server:
        server.wait_for_tags("a", "c", run=RUNS[-1])
        server.wait_for_tags("a", "c", run=BROKEN)
        yield server


@pytest.fixture
def page(
    browser: Browser, sweep: Server, module_pages: dict[str, Dashboard], theme: str
) -> Iterator[Dashboard]:
    yield from shared(browser, sweep, module_pages, theme)


def test_the_broken_one_of_many_runs_is_two_clicks_away(page: Dashboard, theme: str) -> None:
    """Newest first, each name whole, what is wrong beside it; nothing is asked before it opens."""
    asked: list[str] = []
    page.page.on("request", lambda request: asked.append(request.url))
    page.open()
    button = page.root.get_by_role("button", name=f"Run {RUNS[-1]}", exact=True)
    assert len([url for url in asked if "/overview?" in url]) <= 2
    button.click()
    options = page.root.get_by_role("listbox", name="Runs").get_by_role("option")
    expect(options).to_have_count(len(RUNS))
    names = options.evaluate_all("all => all.map(option => option.title)")
    assert names == RUNS[::-1]
    of = lambda run: options.and_(page.root.get_by_title(run, exact=True))  # noqa: E731
    expect(of(BROKEN).locator(".badge")).to_have_text("not finite")
    expect(of(DEAD).locator(".badge")).to_have_text("75 % dead")
    expect(of(GROWN).locator(".badge")).to_have_text(f"grew {growth()}×")
    expect(of(RUNS[0]).locator(".badge")).to_have_text("")
    cut = options.evaluate_all(
        "all => all.filter(o => { const head = o.querySelector('.head');"
        " return head.scrollWidth > head.clientWidth; }).length"
    )
    assert cut == 0
    page.screenshot(f"runs-{theme}")
    assert page.axe() == []
    of(BROKEN).click()
    expect(page.root.locator(".health")).to_contain_text("Not finite in b.")
    expect(page.root.get_by_role("button", name=f"Run {BROKEN}", exact=True)).to_be_focused()
    page.settle()
    page.page.keyboard.press("Enter")
    page.page.keyboard.type("64 dead")
    expect(options).to_have_count(1)
    page.page.keyboard.press("Escape")
    expect(options).to_have_count(0)
    # No key comes between: on the button a space would close the list again.
    focused = page.root.get_by_role("button", name=f"Run {BROKEN}", exact=True).evaluate(
        "async button => { button.click(); for (let i = 0; i < 9; i++) await null;"
        " return document.activeElement.getAttribute('role'); }"
    )
    assert focused == "combobox"
    page.page.keyboard.type("width=16 seed=2")
    expect(options).to_have_count(2)
    page.page.keyboard.press("ArrowDown")
    page.page.keyboard.press("Enter")
    expect(page.root.get_by_role("button", name=f"Run {RUNS[2]}", exact=True)).to_be_focused()


@pytest.mark.parametrize("theme", ["light"])
def test_what_explodes_is_named(page: Dashboard) -> None:
    """The sentence names the layer that has grown out of all proportion, and leads to it."""
    page.open(run=GROWN, layer="c")
    health = page.root.locator(".health")
    expect(health).to_contain_text(f"a grew {growth()}-fold since step 0.")
    # What was filtered before does not hide what the link leads to.
    page.choose("Show", "dead")
    health.get_by_role("button", name="a", exact=True).click()
    expect(page.root.locator(".layerbar h1")).to_have_text("a")
    expect(page.root.get_by_role("combobox", name="Show", exact=True)).to_have_value("all")
    assert page.shown() == [0, 1, 2, 3]
