"""The tab below a path, behind nginx, and with names that would be markup."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from logs import event, layer, write_run
from playwright.sync_api import Browser, expect
from servers import Server, reserved_port, tensorboard_server

from browser.conftest import new_dashboard
from browser.dashboard import is_ours
from tb_activations.eventfile.writer import EventWriter

NGINX = os.environ.get("TBA_NGINX") or shutil.which("nginx")
CONF = """
daemon off;
master_process off;
pid {where}/nginx.pid;
error_log {where}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {where}/body; proxy_temp_path {where}/proxy;
  fastcgi_temp_path {where}/fastcgi; uwsgi_temp_path {where}/uwsgi; scgi_temp_path {where}/scgi;
  server {{
    listen 127.0.0.1:{port} reuseport;
    location /ml/boards/ {{ proxy_pass {upstream}; }}
  }}
}}
"""
HOSTILE = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"


@pytest.fixture(scope="module")
def logdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("logs")
    write_run(root / "run", {"conv": {step: layer((2, 8, 8, 6), step) for step in range(3)}})
    return root


@contextlib.contextmanager
def nginx(upstream: str, where: Path) -> Iterator[str]:
    """nginx on loopback that hands /ml/boards/ to `upstream`; yields the address."""
    with reserved_port() as port:
        conf = where / "nginx.conf"
        conf.write_text(CONF.format(where=where, port=port, upstream=upstream))
        command = [NGINX, "-p", str(where), "-e", str(where / "error.log"), "-c", str(conf)]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        try:
            until_it_listens(process, port)
            yield f"http://127.0.0.1:{port}/ml/boards/"
        finally:
            process.terminate()
            process.wait()


def until_it_listens(process: subprocess.Popen, port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise AssertionError(f"nginx did not start: {process.stderr and process.stderr.read()}")


def works(browser: Browser, url: str) -> None:
    """The tab opens at `url`, shows tiles, asks only its own server, and has no complaint."""
    dashboard = new_dashboard(browser, url)
    ours: list[str] = []
    page = dashboard.page
    page.on("request", lambda r: ours.append(r.url) if is_ours(r, page) else None)
    dashboard.open(layer="conv")
    assert dashboard.shown() == list(range(6))
    assert dashboard.problems == []
    assert [u for u in ours if "/data/plugin/activations/tensor" in u]
    for asked in map(urlsplit, ours):
        if asked.scheme not in ("data", "blob", "about"):
            assert asked.netloc == urlsplit(url).netloc, asked
            assert asked.path.startswith(urlsplit(url).path), asked
    dashboard.page.context.close()


def ready(server: Server, run: str = "run") -> Server:
    server.wait_for_tags("conv", run=run)
    return server


def test_below_a_path_prefix(browser: Browser, logdir: Path) -> None:
    """With `--path_prefix` the tab works, and asks for nothing outside of it."""
    with tensorboard_server(logdir, path_prefix="/deep/er") as server:
        works(browser, ready(server).url)


def test_below_an_experiment(browser: Browser, logdir: Path) -> None:
    """Under `/experiment/<id>/` the tab works as at the root."""
    with tensorboard_server(logdir) as server:
        works(browser, ready(server).url + "experiment/defaultExperimentId/")


@pytest.mark.skipif(not NGINX, reason="no nginx (TBA_NGINX names one)")
@pytest.mark.parametrize("prefix", ["", "/tb"])
def test_behind_nginx(browser: Browser, logdir: Path, tmp_path: Path, prefix: str) -> None:
    """Behind a reverse proxy that moves TensorBoard to another path, the tab works."""
    with (
        tensorboard_server(logdir, path_prefix=prefix) as server,
        nginx(ready(server).url, tmp_path) as url,
    ):
        works(browser, url)


def test_markup_in_names_is_shown_as_text(browser: Browser, tmp_path: Path) -> None:
    """Tags, labels and descriptions that hold HTML or script are text and nothing else."""
    pictures = layer((2, 8, 8, 3))
    with EventWriter(tmp_path / "<b>run<i>", ".activations") as writer:
        writer.write(event(HOSTILE, 0, layer((2, 8, 8, 6)), order=0, description=HOSTILE))
        writer.write(event("in", 0, pictures, kind="input", labels=[HOSTILE, "</option>&lt;"]))
    with tensorboard_server(tmp_path) as server:
        server.wait_for_tags(HOSTILE, "in", run="<b>run<i>")
        dashboard = new_dashboard(browser, server.url)
        dashboard.open()
        assert dashboard.page.title() != "owned"
        frame = dashboard.frame
        assert frame.evaluate("document.title") != "owned"
        assert (
            frame.evaluate("document.querySelectorAll('img[src=x], script:not([type])').length")
            == 0
        )
        expect(dashboard.tree).to_contain_text("onerror")
        choice = dashboard.root.get_by_role("combobox", name="Example", exact=True)
        assert HOSTILE in choice.evaluate("s => s.selectedOptions[0].text")
        runs = dashboard.root.get_by_role("combobox", name="Run", exact=True)
        assert runs.evaluate("s => s.selectedOptions[0].text") == "<b>run<i>"
        assert dashboard.problems == []
        dashboard.page.context.close()
