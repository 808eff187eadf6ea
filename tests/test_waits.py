"""The tests themselves: none waits by the clock, and those that wait are known."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import durations
import pytest
import waits

TESTS = Path(__file__).parent
ROOT = TESTS.parent
SOURCES = sorted(TESTS.rglob("*.py"))
PAUSE = TESTS / "browser" / "dashboard.py"  # its `pause` is the one place
LIMITS = ("timeout", "seconds")  # keywords that limit a wait


def calls(path: Path) -> Iterator[ast.Call]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def name_of(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def is_number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float)


def test_no_browser_test_waits_for_a_time():
    """`wait_for_timeout` stands in one helper; what comes is waited for by `until` and `settle`."""
    found = [
        f"{path.relative_to(TESTS)}:{call.lineno}"
        for path in SOURCES
        for call in calls(path)
        if name_of(call) == "wait_for_timeout"
    ]
    assert len(found) == 1 and found[0].startswith(str(PAUSE.relative_to(TESTS))), found


def test_no_test_limits_a_wait_by_a_number_of_its_own():
    """A limit is a PATIENCE, longer than any machine needs: it ends a test that hangs, no more."""
    found = [
        f"{path.relative_to(TESTS)}:{call.lineno}"
        for path in SOURCES
        for call in calls(path)
        if any(key.arg in LIMITS and is_number(key.value) for key in call.keywords)
        or (name_of(call) in ("wait", "communicate") and any(map(is_number, call.args)))
    ]
    assert found == []


def polls():
    """A helper that waits."""
    import time

    time.sleep(0)


class Helper:
    def method(self):
        polls()


def test_a_wait_is_found_through_helpers_methods_and_inner_functions():
    """A test waits where anything of ours that it calls does, and only then."""

    def through_a_method():
        Helper().method()

    def inside():
        def inner(process):
            process.communicate(timeout=durations)

        return inner

    def plain():
        return re.compile("sleep"), sorted("wait")

    assert waits._waits(through_a_method, set())
    assert waits._waits(inside, set())
    assert not waits._waits(plain, set())


@pytest.mark.parametrize("folder", durations.BUDGET)
def test_the_budget_of_each_folder_is_in_contributing(folder):
    """The seconds that CI prints are compared with those of the table that people read."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert re.search(rf"\| `{folder}` .*\| {durations.BUDGET[folder]} \|", text)
