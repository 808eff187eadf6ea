"""A small client of WebDriver BiDi: one headless Firefox, one page, what was said on its console.

Commands and results are those of https://w3c.github.io/webdriver-bidi/, as JSON over a WebSocket.
"""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import websocket

PATIENCE = 60.0  # seconds for what must come
LISTENING = re.compile(r"WebDriver BiDi listening on (ws://\S+)")
# Nothing leaves the machine, and nothing but the page is shown.
PREFERENCES = {
    "app.update.disabledForTesting": True,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "network.proxy.type": 0,
    "remote.active-protocols": 1,
    "toolkit.telemetry.enabled": False,
}


class Refused(AssertionError):
    """Firefox answered a command with an error, which it names."""


class Firefox:
    """A session: `send` gives a command's result; events that came meanwhile are in `events`."""

    def __init__(self, url: str) -> None:
        self._socket = websocket.create_connection(
            f"{url}/session", timeout=PATIENCE, suppress_origin=True
        )
        self._numbers = itertools.count(1)
        self.events: list[dict[str, Any]] = []
        self.send("session.new", capabilities={})
        self.send("session.subscribe", events=["log.entryAdded", "network.responseCompleted"])

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            message = json.loads(self._socket.recv())
            if message.get("id") != number:
                self.events.append(message)
            elif message["type"] == "error":
                raise Refused(f"{method}: {message['error']}: {message['message']}")
            else:
                return message["result"]

    def contexts(self) -> list[dict[str, Any]]:
        """Every document there is, the frames after the page that holds them."""
        found, waiting = [], self.send("browsingContext.getTree")["contexts"]
        while waiting:
            context = waiting.pop(0)
            found.append(context)
            waiting += context.get("children") or []
        return found

    def close(self) -> None:
        with contextlib.suppress(Refused, OSError, websocket.WebSocketException):
            self.send("browser.close")
        self._socket.close()


@contextlib.contextmanager
def firefox(binary: str) -> Iterator[Firefox]:
    """A headless Firefox with an empty profile, ended when the block is."""
    with tempfile.TemporaryDirectory(prefix="tba-firefox-") as directory:
        profile, log = Path(directory, "profile"), Path(directory, "log")
        profile.mkdir()
        lines = [f"user_pref({json.dumps(k)}, {json.dumps(v)});" for k, v in PREFERENCES.items()]
        (profile / "user.js").write_text("\n".join(lines), encoding="utf-8")
        command = [binary, "--headless", "--no-remote", "--profile", str(profile)]
        command += ["--remote-debugging-port", "0", "about:blank"]
        environment = {**os.environ, "HOME": directory, "MOZ_DISABLE_AUTO_SAFE_MODE": "1"}
        with log.open("wb") as out:
            process = subprocess.Popen(command, stdout=out, stderr=out, env=environment)
        try:
            session = Firefox(_address(log, process))
            yield session
            session.close()
        finally:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(PATIENCE)
            if process.poll() is None:
                process.kill()
                process.wait()


def _address(log: Path, process: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        if found := LISTENING.search(log.read_text(encoding="utf-8", errors="replace")):
            return found[1]
        time.sleep(0.1)
    raise AssertionError(f"Firefox does not listen:\n{log.read_text(errors='replace')}")


class Page:
    """The tab on TensorBoard's page: what a person does in it, and what it shows then."""

    def __init__(self, session: Firefox, url: str) -> None:
        self.session = session
        self.url = url
        self.top: str = session.contexts()[0]["context"]

    def resize(self, width: int, height: int) -> None:
        size = {"width": width, "height": height}
        self.session.send("browsingContext.setViewport", context=self.top, viewport=size)

    def open(self, address: str = "") -> None:
        """Opens an address anew and waits for the tiles."""
        for url in ("about:blank", address or f"{self.url}#activations"):
            self.session.send("browsingContext.navigate", context=self.top, url=url,
                              wait="complete")  # fmt: skip
        self.until(lambda: self.ours is not None)
        self.until(lambda: self.js("document.querySelectorAll('[role=gridcell]').length"))
        self.settle()

    @property
    def ours(self) -> str | None:
        """Our frame."""
        found = [c["context"] for c in self.session.contexts() if "plugin_entry" in c["url"]]
        return found[0] if found else None

    def js(self, expression: str, top: bool = False) -> Any:
        """The value of an expression in our frame; promises are awaited."""
        context = self.top if top else self.ours
        if context is None:
            return None
        answer = self.session.send(
            "script.evaluate",
            expression=f"(async () => JSON.stringify((await ({expression})) ?? null))()",
            target={"context": context},
            awaitPromise=True,
        )
        assert answer["type"] == "success", f"{expression}: {answer['exceptionDetails']['text']}"
        return json.loads(answer["result"]["value"])

    def until(self, holds: Callable[[], Any]) -> Any:
        """Asks until the answer is true, and gives it."""
        deadline = time.monotonic() + PATIENCE
        while not (answer := holds()):
            assert time.monotonic() < deadline, f"still {answer!r}"
            time.sleep(0.05)
        return answer

    def settle(self) -> None:
        """Until nothing is fetched for the view and the page looks the same three times."""
        before, same = None, 0
        while same < 3:
            look = self.until(lambda: self.js(_LOOK))
            same = same + 1 if look == before and 'aria-busy="true"' not in look else 0
            before = look
            time.sleep(0.06)

    def text(self, selector: str) -> str:
        return self.js(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''")

    def until_text(self, selector: str, wanted: str) -> None:
        """Waits until an element says something, and fails with what it says instead."""
        deadline = time.monotonic() + PATIENCE
        while wanted not in (found := self.text(selector)):
            assert time.monotonic() < deadline, f"{selector} says {found!r}, not {wanted!r}"
            time.sleep(0.05)

    def click(self, selector: str, text: str = "", *, x: int = 0, y: int = 0) -> None:
        """Presses the pointer in the middle of an element, or beside it by x and y."""
        place = self._place(selector, text)
        self._pointer(place["x"] + x, place["y"] + y, press=True)
        self.settle()

    def hover(self, selector: str, *, x: int, y: int) -> None:
        """Moves the pointer to a place within an element, from its left upper corner."""
        place = self._place(selector, "")
        self._pointer(place["left"] + x, place["top"] + y, press=False)
        self.settle()

    def keys(self, *keys: str) -> None:
        """Presses keys, one after the other, where the focus is."""
        actions = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        source = {"type": "key", "id": "keyboard", "actions": actions}
        self.session.send("input.performActions", context=self.ours, actions=[source])
        self.settle()

    def focus(self, selector: str) -> None:
        self.js(f"document.querySelector({json.dumps(selector)}).focus()")

    def _place(self, selector: str, text: str) -> dict[str, float]:
        return self.until(lambda: self.js(_PLACE % (json.dumps(selector), json.dumps(text))))

    def _pointer(self, x: float, y: float, *, press: bool) -> None:
        actions: list[dict[str, Any]] = [{"type": "pointerMove", "x": round(x), "y": round(y)}]
        if press:
            actions += [{"type": kind, "button": 0} for kind in ("pointerDown", "pointerUp")]
        source = {"type": "pointer", "id": "mouse", "actions": actions}
        self.session.send("input.performActions", context=self.ours, actions=[source])

    def screenshot(self, path: Path) -> None:
        answer = self.session.send("browsingContext.captureScreenshot", context=self.top)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(base64.b64decode(answer["data"]))

    def problems(self) -> list[str]:
        """Errors on the console and answers of ours that failed, since the last call."""
        self.session.contexts()  # what came until now
        found = [_problem(event) for event in self.session.events]
        self.session.events.clear()
        return [text for text in found if text]


def _problem(event: dict[str, Any]) -> str:
    params = event["params"]
    if event["method"] == "log.entryAdded":
        url = json.dumps(params.get("stackTrace") or "")
        ours = params.get("type") == "javascript" or "plugin" in url
        return f"{params['text']} ({url})" if params["level"] == "error" and ours else ""
    answer = params["response"]
    failed = answer["status"] >= 400 and "/plugin/activations/" in answer["url"]
    return f"{answer['status']} {answer['url']}" if failed else ""


# What the page looks like, short: its text, its fields, the pixels of its canvases.
_LOOK = """
new Promise((done) => requestAnimationFrame(() => setTimeout(() => {
  const fields = [...document.querySelectorAll("input, select")].map((field) => field.value);
  const canvases = [...document.querySelectorAll("canvas")].map((canvas) => {
    if (canvas.width * canvas.height === 0) return "";
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let sum = 0;
    for (const pixel of new Uint32Array(data.buffer)) sum = (31 * sum + pixel) | 0;
    return `${canvas.width}x${canvas.height}:${sum}`;
  });
  done([document.body.innerHTML, ...fields, ...canvases].join("\\n"));
})))
"""
# Where the first element is that a selector finds, whose text or name is the one that is asked for.
_PLACE = """
(() => {
  const wanted = %s, text = %s;
  const found = [...document.querySelectorAll(wanted)].find((element) =>
    !text || [element.innerText?.trim(), element.title, element.getAttribute("aria-label")]
      .includes(text));
  if (!found) return null;
  found.scrollIntoView({ block: "nearest" });
  const { left, top, width, height } = found.getBoundingClientRect();
  return width ? { left, top, x: left + width / 2, y: top + height / 2 } : null;
})()
"""
