"""The real `tensorboard` command, started for a log directory and ended by its pid.

`tensorboard_server(logdir)` is a context manager that yields a `Server` once it answers:

    with tensorboard_server(logdir, load_fast="true") as server:
        server.json("data/plugin/activations/tags")
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PLUGIN = "data/plugin/activations/"
ADDRESS = re.compile(r"TensorBoard \S+ at (http://\S+)")
# What TensorBoard says as it starts; up to 2.19 it warns of an import of its own.
GREETING = re.compile(
    r"\s*$|TensorFlow installation not found|TensorBoard \S+ at http|.*pkg_resources"
)
PATIENCE = 120.0  # seconds for what must come; a machine that does nothing else needs one or two
WITHOUT_TENSORFLOW = Path(__file__).with_name("without_tensorflow")


@dataclass(frozen=True)
class Answer:
    """One HTTP answer, errors included: status, headers (case-insensitive), body."""

    status: int
    headers: Any
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8")

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Server:
    """A running TensorBoard: `url` ends in a slash, `process` is the parent of the data server."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path
    opener: Any = field(
        default_factory=lambda: urllib.request.build_opener(urllib.request.ProxyHandler({}))
    )

    @property
    def stderr(self) -> str:
        """All that TensorBoard has written to its stderr (and stdout) so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    @property
    def complaints(self) -> list[str]:
        """The lines of stderr beyond those with which TensorBoard starts."""
        return [line for line in self.stderr.split("\n") if not GREETING.match(line)]

    def get(
        self,
        path: str,
        *,
        method: str = "GET",
        headers: dict[str, str] | None = None,
        data: bytes | None = None,
        **query: Any,
    ) -> Answer:
        """Asks for `path` (relative to the server's root); `query` is percent-encoded."""
        url = self.url + path
        if query:
            url += "?" + urllib.parse.urlencode(query)
        request = urllib.request.Request(url, data=data, headers=headers or {}, method=method)
        try:
            with self.opener.open(request, timeout=PATIENCE) as response:
                return Answer(response.status, response.headers, response.read())
        except urllib.error.HTTPError as e:
            with e:
                return Answer(e.code, e.headers, e.read())

    def json(self, path: str, **query: Any) -> Any:
        """The JSON at `path`; an error status fails the test with the server's sentence."""
        answer = self.get(path, **query)
        assert answer.status == 200, f"{path} {query}: {answer.status} {answer.text}"
        return answer.json()

    def plugin(self, route: str, **query: Any) -> Answer:
        """One of the plugin's own routes, such as `tags` or `tensor`."""
        return self.get(PLUGIN + route, **query)

    def wait_for(self, condition: Callable[[], Any], *, seconds: float = PATIENCE) -> Any:
        """Polls `condition` until its value is true, and returns that."""
        deadline = time.monotonic() + seconds
        while True:
            value = condition()
            if value:
                return value
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"not reached within {seconds} s; stderr:\n{self.stderr}")
            time.sleep(0.05)

    def wait_for_tags(self, *tags: str, run: str = ".") -> dict[str, Any]:
        """Waits until `/tags` lists the run with all of `tags`, and returns the whole answer.

        Of what was in the log by then every step is indexed, however slow the machine is: a request
        waits only half a second for that.
        """

        def listed() -> dict[str, Any] | None:
            index = self.json(PLUGIN + "tags")
            return index if run in index and set(tags) <= set(index[run]) else None

        self.wait_for(listed)
        for tag in tags:
            self.wait_for(lambda tag=tag: self._is_indexed(run, tag))
        return self.json(PLUGIN + "tags")

    def _is_indexed(self, run: str, tag: str) -> bool:
        answer = self.plugin("steps", run=run, tag=tag)
        return answer.status == 404 or bool(answer.json()["complete"])


@contextlib.contextmanager
def reserved_port() -> Iterator[int]:
    """A port of 127.0.0.1 that no other program gets while the block runs.

    For a program that cannot be told to take any, or that is to come back where it was: it binds
    with SO_REUSEPORT (`--reuse_port=true` of TensorBoard). Until it listens, nobody answers there.
    """
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@contextlib.contextmanager
def tensorboard_server(
    logdir: str | os.PathLike[str] | None,
    *,
    load_fast: str = "false",
    extra: Sequence[str] = (),
    path_prefix: str = "",
    cwd: str | os.PathLike[str] | None = None,
    prefix: Sequence[str] = (),
    python: str | os.PathLike[str] = sys.executable,
    tensorflow: bool = False,
) -> Iterator[Server]:
    """Runs `tensorboard` on 127.0.0.1 and a free port while the block runs.

    Args:
      logdir: for `--logdir`; None where `extra` names `--logdir_spec`.
      load_fast: "true" (Rust data server), "false" (Python loader) or "auto".
      extra: further arguments; `--reload_interval=1` is given unless it is among them.
      path_prefix: for `--path_prefix`; part of the yielded url.
      prefix: what is put before the command, such as `setpriv` with its options.
      python: the interpreter of the environment whose TensorBoard is started.
      tensorflow: whether TensorBoard finds TensorFlow, which it imports where it can: that takes
        4 s and 0.5 GB. False shows at the same time that the server does without.
    """
    command = [
        *prefix,
        *_command(python),
        "--host=127.0.0.1",
        "--port=0",
        f"--load_fast={load_fast}",
    ]
    if logdir is not None:
        command.append(f"--logdir={os.fspath(logdir)}")
    if not any(argument.startswith("--reload_interval") for argument in extra):
        command.append("--reload_interval=1")
    if path_prefix:
        command.append(f"--path_prefix={path_prefix}")
    with tempfile.TemporaryDirectory(prefix="tba-server-") as scratch:
        log = Path(scratch, "stderr.txt")
        with log.open("wb") as out:
            process = subprocess.Popen(
                [*command, *extra],
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                env=None if tensorflow else without_tensorflow(),
            )
        try:
            server = Server(_address(process, log) + path_prefix.strip("/"), process, log)
            server.url = server.url.rstrip("/") + "/"
            server.wait_for(lambda: _answers(server), seconds=PATIENCE)
            yield server
        finally:
            _end(process)


def without_tensorflow() -> dict[str, str]:
    """Our environment, with TensorFlow as if it were not installed."""
    before = os.environ.get("PYTHONPATH")
    paths = [str(WITHOUT_TENSORFLOW), *([before] if before else [])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def _command(python: str | os.PathLike[str]) -> list[str]:
    """The `tensorboard` of the interpreter's environment, else the module it starts."""
    script = Path(python).with_name("tensorboard")
    return [str(script)] if script.exists() else [os.fspath(python), "-m", "tensorboard.main"]


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    """The address that TensorBoard prints, with a slash at its end."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = ADDRESS.search(log.read_text(encoding="utf-8", errors="replace"))
        if found:
            root = urllib.parse.urlsplit(found[1])
            return f"{root.scheme}://{root.netloc}/"
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise AssertionError(f"TensorBoard did not start:\n{log.read_text(errors='replace')}")


def _answers(server: Server) -> bool:
    try:
        return server.get("data/environment").status == 200
    except (urllib.error.URLError, ConnectionError):
        return False


def _end(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM, then SIGKILL; the data server ends with its parent's stdin."""
    process.terminate()
    try:
        process.wait(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(timeout=PATIENCE)
