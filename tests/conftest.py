"""Fixtures shared by all tests; `servers.py` beside this starts the real TensorBoard."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import durations
import pytest
import waits
from hypothesis import HealthCheck, settings
from servers import Server
from servers import tensorboard_server as start

# A shell starts what it puts into the background with Ctrl-C ignored, which every process of the
# tests would inherit.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# On a busy machine the threads of PyTorch's loops else spend more time waiting than computing.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# How long an example takes, or how long it takes to make some, says how busy the machine is.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")

# Servers of the tests are on this machine, whatever proxy it has for others.
for name in ("no_proxy", "NO_PROXY"):
    os.environ[name] = ",".join(filter(None, [os.environ.get(name), "localhost,127.0.0.1"]))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--share", metavar="N/M", help="every M-th file, from the N-th on")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Marks the tests of the browser and those that wait; leaves what `--share` asks for."""
    if share := config.getoption("--share"):
        number, of = map(int, share.split("/"))
        files = list(dict.fromkeys(item.path for item in items))
        here = set(files[number - 1 :: of])
        config.hook.pytest_deselected(items=[item for item in items if item.path not in here])
        items[:] = [item for item in items if item.path in here]
    for item in items:
        if "browser" in item.path.parent.parts:
            item.add_marker("browser")
        elif isinstance(item, pytest.Function) and waits.waits(item):
            item.add_marker("waits")


def pytest_collection_finish() -> None:
    """What was imported stays: Keras, which collects garbage often, need not look at it."""
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Where the seconds went."""
    found = [each for those in terminalreporter.stats.values() for each in those]
    reports = [each for each in found if isinstance(each, pytest.TestReport)]
    if len(reports) > 1:
        terminalreporter.section("seconds by folder")
        terminalreporter.write_line("\n".join(durations.table(reports)))


@pytest.fixture
def tensorboard_server() -> Iterator[Callable[..., Server]]:
    """A function that starts TensorBoard (see `servers.py`) and ends it after the test."""
    with contextlib.ExitStack() as stack:

        def run(logdir: Any, **options: Any) -> Server:
            return stack.enter_context(start(logdir, **options))

        yield run
