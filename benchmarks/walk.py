"""What the dashboard's page keeps: its heap over a walk at random, as the browser tests take it.

Thirty unlike layers, three runs, all modes; after each move everything that is shown is checked.
"""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

from browser import zoo
from browser.dashboard import Dashboard
from browser.test_walk import Walker, heap
from servers import tensorboard_server

from benchmarks.dashboard import chromium
from benchmarks.harness import Section, Target

MOVES, LONG_MOVES = 300, 1000
EVERY = 100
TEXT = (
    "The heap of the page's JavaScript after a forced collection, over moves at random through "
    "layers, runs, steps, examples, comparisons and windows; after each of them all that is shown "
    "was checked against the values that were logged."
)


def sections(full: bool) -> list[Section]:
    """The heap after every hundred moves."""
    moves, seed = LONG_MOVES if full else MOVES, random.SystemRandom().randrange(1 << 30)
    with tempfile.TemporaryDirectory(prefix="tba-walk-") as directory:
        zoo.write(Path(directory))
        with tensorboard_server(directory) as server, chromium() as browser:
            for run in zoo.RUNS:
                server.wait_for_tags(*zoo.tags_of(run), run=run)
            context = browser.new_context(
                viewport={"width": 1400, "height": 900}, reduced_motion="reduce"
            )
            context.set_default_timeout(60_000)
            found = heaps(Walker(Dashboard(context.new_page(), server.url), seed), moves)
    rows = [[f"{at}", f"{size / 2**20:.1f} MB"] for at, size in found.items()]
    ratio = found[MOVES] / found[EVERY]
    target = Target(
        f"heap at move {MOVES} ÷ at move {EVERY}", ratio, 1.2, floor="1, where nothing is kept"
    )
    return [Section("What the page keeps", TEXT, ["after move", "heap"], rows, [target])]


def heaps(walker: Walker, moves: int) -> dict[int, int]:
    """Bytes after every hundred moves."""
    walker.start()
    walker.check()
    session = walker.dashboard.page.context.new_cdp_session(walker.dashboard.page)
    found = {}
    for at in range(1, moves + 1):
        walker.move()
        walker.check()
        if at % EVERY == 0:
            found[at] = heap(session)
    return found
