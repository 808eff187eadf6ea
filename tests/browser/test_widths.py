"""A layer whose width changes over the steps: every step has the statistics of its own channels."""

from __future__ import annotations

import numpy as np
import pytest

from browser import zoo
from browser.dashboard import Dashboard

WIDTHS = (4, 4, 8, 16, 4)


def table(step: int, tag: str = "widths") -> dict[str, np.ndarray]:
    """Statistics of every channel at a step, from what was logged."""
    values = zoo.values("main", tag, step).astype(np.float64)
    rows = values.reshape(-1, values.shape[-1])
    return {
        "min": rows.min(axis=0),
        "max": rows.max(axis=0),
        "mean": rows.mean(axis=0),
        "std": rows.std(axis=0),
        "zeros": (rows == 0).mean(axis=0),
    }


def statistics(dashboard: Dashboard) -> dict[str, float]:
    """The inspector's numbers."""
    rows = dashboard.root.locator(".statistics button").all_inner_texts()
    return {name: float(value.rstrip(" %")) for name, value in (row.split("\n") for row in rows)}


@pytest.mark.parametrize("at", range(5))
def test_each_step_has_its_own_statistics(zoo_page: Dashboard, at: int) -> None:
    """A step of 4, 8 or 16 channels shows the numbers of its own channels, wherever it stands."""
    step = zoo.STEPS[at]
    zoo_page.open(run="main", layer="widths", step=step, channel=3)
    zoo_page.wait_idle()
    assert zoo_page.shown() == list(range(WIDTHS[at]))
    shown = statistics(zoo_page)
    for name, column in table(step).items():
        assert shown[name] == pytest.approx(column[3], rel=2e-3, abs=5e-3), name


def test_sort_dead_and_chart_read_the_same_table(zoo_page: Dashboard) -> None:
    """Order and counts are those of the step, and a channel's course has the steps that have it."""
    zoo_page.open(run="main", layer="widths", step=30, channel=9)
    for key in ("max", "std", "mean"):
        zoo_page.choose("Sort by", f"{key}-all")
        assert zoo_page.shown() == np.argsort(-table(30)[key], kind="stable").tolist()
    texts = zoo_page.root.get_by_role("combobox", name="Show", exact=True)
    shown = texts.evaluate("s => [...s.options].map(o => o.text)")
    assert shown == ["All 16", "Active 16", "Dead 0", "Constant 0", "Non-finite 0"]
    chart = zoo_page.root.locator(".chart figcaption")
    assert chart.inner_text().split("\n")[0].startswith("max, 1 step")


def test_the_window_locked_over_steps_spans_a_channel_at_all_its_steps(
    zoo_page: Dashboard,
) -> None:
    """Channel 3 is there at every step, channel 9 at one alone."""
    lock = '{"limits":"minmax","lockSteps":true}'
    for channel, steps in ((3, zoo.STEPS), (9, (30,))):
        zoo_page.open(run="main", layer="widths", step=30, channel=channel, window=lock)
        ends = [zoo_page.root.get_by_label(name, exact=True) for name in ("Minimum", "Maximum")]
        shown = [float(end.input_value()) for end in ends]
        low = min(table(step)["min"][channel] for step in steps)
        high = max(table(step)["max"][channel] for step in steps)
        assert shown == pytest.approx([low, high], rel=2e-3, abs=2e-2)
