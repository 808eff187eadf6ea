"""Firefox and TensorBoard on the scenes' log, each started once."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from browser import scenes
from servers import tensorboard_server

if TYPE_CHECKING:
    from firefox.bidi import Firefox, Page

BINARY = os.environ.get("TBA_FIREFOX") or shutil.which("firefox-esr") or shutil.which("firefox")


@pytest.fixture(scope="session")
def session() -> Iterator[Firefox]:
    if BINARY is None:
        pytest.skip("there is no Firefox: install firefox-esr, or name one in TBA_FIREFOX")
    pytest.importorskip("websocket", reason="the session `firefox` installs websocket-client")
    from firefox import bidi

    with bidi.firefox(BINARY) as found:
        yield found


@pytest.fixture(scope="session")
def tab(session: Firefox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    from firefox import bidi

    with tensorboard_server(scenes.write(tmp_path_factory.mktemp("scenes"))) as server:
        server.wait_for_tags("volume", "input", run="train")
        server.wait_for_tags("volume", "input", run="older")
        page = bidi.Page(session, server.url)
        page.resize(1400, 900)
        yield page


@pytest.fixture
def page(tab: Page) -> Iterator[Page]:
    """The tab opened anew; a journey that leaves an error on the console fails."""
    tab.problems()
    tab.open()
    yield tab
    assert tab.problems() == []
