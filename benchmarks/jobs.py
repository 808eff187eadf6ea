"""Five jobs on real networks' layers: what a person clicks, and how long it takes to stand there.

The logs are those of `job_logs`. Each job has an answer that is checked, so that no click is left
out; a click is a press of the pointer or a choice in a list that it opened, a key is a key. Seconds
are from the first of them (for the first job from the opening of the page) until the answer stands.
"""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from browser.dashboard import Dashboard
from playwright.sync_api import Browser, Locator, expect
from servers import PLUGIN, Server, tensorboard_server

from benchmarks import job_logs
from benchmarks.dashboard import chromium
from benchmarks.harness import Section, Target
from benchmarks.job_logs import Network

PATIENCE_MS = 60_000
# More would have been too many: the table of the dashboard's design.
LIMITS = {"changed": 1, "broken": 5, "compared": 5, "shown": 1, "found": 5}
SECONDS = 10
QUESTIONS = {
    "changed": "how did a layer change from the first step to the last",
    "broken": "what is broken: NaN, dead, exploding, the input",
    "compared": "this step beside the first, another example, another run",
    "shown": "show it to someone: a link to just this",
    "found": "the worst layer of all and its strongest channel, enlarged",
}


@dataclass
class Hand:
    """Counts what a person does on a page, and how long it takes."""

    page: Dashboard
    clicks: int = 0
    keys: int = 0
    start: float = field(default_factory=time.perf_counter)

    def click(self, target: Locator) -> None:
        self.clicks += 1
        target.click()

    def choose(self, name: str, value: str) -> None:
        """One click opens a select, another one picks."""
        self.clicks += 2
        self.page.root.get_by_role("combobox", name=name, exact=True).select_option(value)

    def button(self, name: str) -> Locator:
        return self.page.root.get_by_role("button", name=name, exact=True)

    def stands(self) -> Done:
        """The tiles are those of what was asked for, painted."""
        self.page.root.locator("[role=grid][aria-busy=false]").wait_for()
        self.page.frame.wait_for_function(
            "() => [...document.querySelectorAll('[role=grid] canvas')].some(c => c.width > 1)"
        )
        return Done(self.clicks, self.keys, time.perf_counter() - self.start)


@dataclass(frozen=True)
class Done:
    """What one job took."""

    clicks: int
    keys: int
    seconds: float

    def __str__(self) -> str:
        keys = f" and {self.keys} keys" if self.keys else ""
        plural = "" if self.clicks == 1 else "s"
        return f"{self.clicks} click{plural}{keys}, {self.seconds:.1f} s"


Job = Callable[[Hand, Network], Done]


def heading(hand: Hand, tag: str) -> None:
    expect(hand.page.root.locator(".layerbar h1")).to_have_text(tag, timeout=PATIENCE_MS)


def changed(hand: Hand, network: Network) -> Done:
    """Compare puts the first step beside the last."""
    hand.click(hand.button("Compare"))
    last = network.steps[-1]
    text = hand.page.root.get_by_text(
        re.compile(rf"(left|above) step {last}, (right|below) step 0")
    )
    expect(text).to_be_visible(timeout=PATIENCE_MS)
    return hand.stands()


def broken(hand: Hand, network: Network) -> Done:
    """The sentence names all of it and leads there; of many runs the list says which."""
    planted, root = network.planted, hand.page.root
    open_broken_run(hand, network)
    health = root.locator(".health")
    # The tab opens on what is not finite; from run to run the layer stays.
    if len(planted.runs) > 1:
        hand.click(health.get_by_role("button", name=planted.broken, exact=True))
    heading(hand, planted.broken)
    hand.click(health.get_by_role("button", name="channels dead"))
    heading(hand, planted.dead)
    expect(health).to_contain_text(f"{planted.exploding} grew")
    hand.click(health.get_by_role("button", name=planted.exploding, exact=True))
    heading(hand, planted.exploding)
    expect(root.locator(".inputbox .facts")).to_contain_text(re.compile(r"0 … (0\.9|1)"))
    return hand.stands()


def open_broken_run(hand: Hand, network: Network) -> None:
    """Of many runs the list says which is broken."""
    planted, root = network.planted, hand.page.root
    if len(planted.runs) == 1:
        return
    hand.click(root.locator(".runs > button"))
    option = root.get_by_role("option").filter(has_text="not finite")
    expect(option).to_have_count(1, timeout=PATIENCE_MS)
    hand.click(option)
    expect(root.locator(".runs > button")).to_have_attribute("title", planted.run)


def compared(hand: Hand, network: Network) -> Done:
    """First the first step, then another example; another run where there is one."""
    root = hand.page.root
    hand.click(hand.button("Compare"))
    expect(root.get_by_text(re.compile("(right|below) step 0"))).to_be_visible(timeout=PATIENCE_MS)
    hand.choose("Compare with", "example:1")
    expect(root.get_by_text(re.compile("(right|below) example 1"))).to_be_visible(
        timeout=PATIENCE_MS
    )
    if len(network.planted.runs) > 1:
        hand.choose("Compare with", f"run:{network.planted.runs[0]}")
        name = re.compile("(right|below) run " + re.escape(network.planted.runs[0]))
        expect(root.get_by_text(name)).to_be_visible(timeout=PATIENCE_MS)
    return hand.stands()


def shown(hand: Hand, network: Network) -> Done:
    """One press copies the link, which holds the step."""
    hand.click(hand.button("Copy link"))
    said = hand.page.root.locator("[aria-live=polite]").filter(has_text="opied")
    expect(said.first).to_be_visible(timeout=PATIENCE_MS)
    return hand.stands()


def found(hand: Hand, network: Network) -> Done:
    """The sentence leads to the layer with the most dead channels; sorted, the first is chosen."""
    root, tag = hand.page.root, network.planted.dead
    open_broken_run(hand, network)
    hand.click(root.locator(".health").get_by_role("button", name=tag, exact=True))
    heading(hand, tag)
    if network.layers[tag][-1] <= 256:
        hand.choose("Sort by", "max")
    strongest = root.get_by_role("gridcell").first
    expect(strongest).to_have_attribute("aria-selected", "true", timeout=PATIENCE_MS)
    return hand.stands()


JOBS: dict[str, Job] = {
    "changed": changed,
    "broken": broken,
    "compared": compared,
    "shown": shown,
    "found": found,
}


def sections(full: bool) -> list[Section]:
    """The table of clicks and seconds: a job a row, a log a column."""
    del full
    rows: list[list[str]] = [[f"**{QUESTIONS[job]}**"] for job in JOBS]
    worst = {job: Done(0, 0, 0) for job in JOBS}
    first: list[str] = ["the tab is opened: the first tiles"]
    header = ["job"]
    with tempfile.TemporaryDirectory(prefix="tba-jobs-") as directory, chromium() as browser:
        for name, networks in job_logs.write_all(Path(directory)).items():
            header.append(title(name, networks))
            with tensorboard_server(Path(directory, name), load_fast="true") as server:
                server.wait_for(lambda: server.json(f"{PLUGIN}tags"))
                opening, done = on(browser, server, networks)
            first.append(f"{opening:.1f} s")
            for row, (job, took) in zip(rows, done.items(), strict=True):
                row.append(str(took))
                most = max(worst[job].clicks, took.clicks), max(worst[job].seconds, took.seconds)
                worst[job] = Done(most[0], 0, most[1])
    return [Section(*TITLE, header, [first, *rows], targets(worst))]


TITLE = (
    "Five jobs",
    "What a person does on logs with the layers and shapes of real networks, and how long it takes "
    "until the answer stands on the screen. Each answer is checked. A choice in a list is two "
    "clicks; of forty runs one is broken, and finding it is in its column's clicks.",
)


def title(name: str, networks: list[Network]) -> str:
    [network, *others] = networks
    layers = f"{len(network.layers) + 1} layers"
    return f"{name}, {layers}" + (" each" if others else "")


def on(browser: Browser, server: Server, networks: list[Network]) -> tuple[float, dict[str, Done]]:
    """Seconds to the first tiles, and what each job took on a page of its own."""
    network, done = networks[-1], {}
    opening = 0.0
    for name, job in JOBS.items():
        context = browser.new_context(viewport={"width": 1400, "height": 900})
        context.set_default_timeout(PATIENCE_MS)
        page = Dashboard(context.new_page(), server.url)
        hand = Hand(page)
        page.load()
        page.grid.get_by_role("gridcell").first.wait_for()
        opening = opening or hand.stands().seconds
        page.settle()
        hand.start = time.perf_counter()
        done[name] = job(hand, network)
        assert page.problems == [], page.problems
        context.close()
    return opening, done


def targets(worst: dict[str, Done]) -> list[Target]:
    clicks = [
        Target(f"clicks, {QUESTIONS[job].split(':')[0]}", done.clicks, LIMITS[job],
               floor="0, where it is there when the tab opens")
        for job, done in worst.items()
    ]  # fmt: skip
    slowest = max(done.seconds for done in worst.values())
    return [*clicks, Target("the slowest of all jobs", slowest, SECONDS, " s", floor="the clicks")]
