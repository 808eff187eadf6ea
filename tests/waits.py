"""Which tests wait for something: told from their code, so that no list of them goes stale.

A test waits where it, a fixture that it uses, or a function of ours that one of these calls names
one of `NAMES`: it sleeps, polls, sets a time limit, or goes on beside a thread or a process. Such a
test may pass on a quick machine and fail on a slow one, so `scripts/anywhere.sh` runs it oftener;
pytest chooses them by `-m waits`. Browser tests wait in every line, and are chosen by `-m browser`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import pytest

TESTS = Path(__file__).parent
NAMES = {
    "sleep", "monotonic", "perf_counter", "timeout", "deadline", "Timer", "Thread", "Popen",
    "wait", "wait_for", "communicate", "killpg", "terminate", "create_connection",
}  # fmt: skip


def waits(item: pytest.Function) -> bool:
    """Whether the test, or anything of ours that it uses, waits."""
    fixtures = item._fixtureinfo.name2fixturedefs.values()
    functions = [item.function, *(each.func for definitions in fixtures for each in definitions)]
    seen: set[CodeType] = set()
    return any(_waits(function, seen) for function in functions)


def _waits(function: Callable[..., Any], seen: set[CodeType]) -> bool:
    function = inspect.unwrap(function)
    if not isinstance(function, FunctionType) or function.__code__ in seen or not _ours(function):
        return False
    seen.add(function.__code__)
    names = set(_names(function.__code__))
    if names & NAMES:
        return True
    used = (function.__globals__.get(name) for name in names)
    return any(_waits(each, seen) for found in used for each in _functions(found))


def _ours(function: FunctionType) -> bool:
    return TESTS in Path(function.__code__.co_filename).parents


def _names(code: CodeType) -> Iterator[str]:
    """Names and keywords that the code uses, functions inside it included."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
        elif isinstance(constant, tuple):
            yield from (each for each in constant if isinstance(each, str))


def _functions(found: Any) -> list[Callable[..., Any]]:
    """A function itself, the methods of a class."""
    if inspect.isclass(found):
        return [each for each in vars(found).values() if callable(each)]
    return [found] if callable(found) else []
