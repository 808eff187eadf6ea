"""What the browser tests look through: whose fault a problem is, and what is waited for."""

from __future__ import annotations

import pytest

from browser.dashboard import Dashboard

ASK = "(path) => fetch(path).then((answer) => answer.text(), () => null)"


@pytest.mark.parametrize("path", ["plugin/activations/nothing", "/fonts/nothing.woff2"])
def test_what_our_tab_asks_for_in_vain_is_a_problem(dashboard: Dashboard, path: str) -> None:
    """Among our own routes or anywhere else, a failed request of ours is told."""
    page = dashboard.open()
    page.frame.evaluate(ASK, path)
    page.until(lambda: page.problems)
    assert path.split("/")[-1] in page.problems.pop(0)


def test_what_tensorboard_asks_for_in_vain_is_none(dashboard: Dashboard) -> None:
    """Its page's failed requests are its own, but for those of our routes; errors always count."""
    page = dashboard.open()
    page.page.evaluate(ASK, "font-roboto/nothing.woff2")
    page.page.evaluate(ASK, "data/plugin/activations/nothing")
    page.until(lambda: page.problems)
    page.frame.evaluate("() => console.error('mine')")
    page.frame.evaluate("() => setTimeout(() => { throw new Error('uncaught') })")
    page.until(lambda: len(page.problems) >= 3)
    found = page.problems[:]
    page.problems.clear()
    assert "data/plugin/activations/nothing" in found[0]
    assert "mine" in found[1] and "uncaught" in found[2]
    assert not [problem for problem in found if "woff2" in problem]


def test_settled_means_that_the_page_stopped_changing(dashboard: Dashboard) -> None:
    """What a timer or an answer still changes is waited for, however slowly it comes."""
    page = dashboard.open()
    page.frame.evaluate(
        "() => { const node = document.body.appendChild(document.createElement('p'));"
        " let count = 0; const timer = setInterval(() => { node.textContent = ++count;"
        " if (count === 12) clearInterval(timer); }, 40); window.counting = node; }"
    )
    page.settle()
    assert page.frame.evaluate("window.counting.textContent") == "12"
