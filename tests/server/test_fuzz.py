"""Whatever is asked of the routes: no 500, no traceback, every error a sentence, no other file."""

from __future__ import annotations

import gzip
import http.client
import os
import re
import socket
import urllib.parse

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from logs import layer, write_run
from report import report
from servers import PATIENCE, tensorboard_server

from tb_activations import names
from tb_activations.server import answers

REQUESTS = 5000 if os.environ.get("TBA_SOAK") == "1" else 500  # for each loader
RUN, TAG = "a <b>&'\"", "conv/日本"
STATUSES = {200, 206, 304, 400, 404, 405, 416}
SCRIPTS = (answers.BUNDLE.read_bytes(), answers.MORE.read_bytes())
# Whatever TensorBoard says of requests that it, and not we, answers.
THEIRS = re.compile(
    r".* application\.py:\d+\] path .* not found, sending 404|.* code 4\d\d, message Bad ",
    re.DOTALL,
)


@pytest.fixture(scope="module", params=[("false", ""), ("true", "/deep/er")])
def server(tmp_path_factory, request):
    """Each loader, one of them below a path."""
    load_fast, prefix = request.param
    root = tmp_path_factory.mktemp("logs")
    write_run(root / RUN, {TAG: {s: layer((3, 4, 5, 6), s) for s in (0, 1, 7)}})
    with tensorboard_server(root, load_fast=load_fast, path_prefix=prefix) as server:
        server.wait_for_tags(TAG, run=RUN)
        yield server


ROUTES = ("tags", "steps", "tensor", "stats", "overview", "latest", *names.SCRIPTS, "nothing", "")


def version() -> str:
    """With which the dashboard asks for the script that it fetches later."""
    return SCRIPTS[0].split(b"more.js?v=")[1][:12].decode("ascii")


GOOD = {
    "run": [RUN],
    "tag": [TAG],
    "step": ["0", "7"],
    "example": ["0", "0:2"],
    "channels": ["0:6", "2:3"],
    "steps": ["0:3", "1:2"],
    "columns": ["1", "1000"],
    "form": ["packed"],
    "since": ["0", "3"],
    "most": ["0", "2"],
    "rows": ["1", "1000"],
    "v": [version(), "0"],
}
numbers = st.one_of(
    st.integers().map(str),
    st.integers(-(2**70), 2**70).map(str),
    st.floats().map(str),
    st.sampled_from(["1e3", "0x10", "1_0", "٣", "+1", " 1", "-0", "00", "NaN", "1:2:3", ":", "a:"]),
)
spans = st.tuples(st.integers(-3, 2**64), st.integers(-3, 2**64)).map("{0[0]}:{0[1]}".format)
noise = st.one_of(numbers, spans, st.text(max_size=30), st.just("../../../etc/passwd"))
raw = st.sampled_from(["%00", "%ff%fe", "%", "%zz", "%2e%2e%2f", "%F0%9F%92%A9", "+", ";", "=="])


@st.composite
def targets(draw):
    """A path and query: mostly right, with something wrong, missing or given twice."""
    query = []
    for name, values in GOOD.items():
        kind = draw(st.sampled_from(["good"] * 8 + ["none", "none", "noise", "raw", "twice"]))
        if kind in ("good", "twice"):
            query.append((name, urllib.parse.quote(draw(st.sampled_from(values)))))
        if kind in ("noise", "twice"):
            query.append((name, urllib.parse.quote(draw(noise))))
        if kind == "raw":
            query.append((name, draw(raw)))
    joined = "&".join(f"{name}={value}" for name, value in draw(st.permutations(query)))
    path = draw(st.sampled_from(ROUTES)) + draw(st.sampled_from([""] * 9 + ["/", "/..", "/%00"]))
    return f"{path}?{joined}" if joined else path


methods = st.sampled_from(["GET"] * 12 + ["HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "X"])
headers = st.sampled_from(
    [{}] * 6
    + [
        {"Range": "bytes=0-3"},
        {"Range": "bytes=99999999-"},
        {"Range": "pages=1"},
        {"If-None-Match": "*"},
        {"If-None-Match": 'W/"x", "y'},
        {"If-Modified-Since": "yesterday"},
        {"Accept-Encoding": "gzip, br;q=nonsense"},
        {"Accept-Encoding": "identity"},
        {"Cookie": "a=\xff"},
        {"Content-Length": "abc"},
    ]
)


def ask(server, method, target, more):
    """Sends the target byte for byte, which HTTP libraries would refuse or mend."""
    where = urllib.parse.urlsplit(server.url)
    with socket.create_connection((where.hostname, where.port), timeout=PATIENCE) as connection:
        path = f"{where.path}data/plugin/activations/{target}"
        lines = [f"{method} {path} HTTP/1.1", f"Host: {where.netloc}"]
        lines += [f"{name}: {value}" for name, value in more.items()]
        connection.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
        answer = http.client.HTTPResponse(connection, method=method)
        answer.begin()
        return answer.status, answer.headers, answer.read()


def test_no_request_gets_more_than_a_sentence(server):
    """Every answer is of a known status, and every error a line of plain text."""
    seen = set()

    @settings(
        max_examples=REQUESTS,
        deadline=None,
        database=None,
        derandomize=os.environ.get("TBA_SOAK") != "1",
        suppress_health_check=list(HealthCheck),
    )
    @given(methods, targets(), headers)
    def check(method, target, more):
        status, answered, body = ask(server, method, target, more)
        seen.add(status)
        assert status in STATUSES, (status, body[:300])
        assert answered["X-Content-Type-Options"] == "nosniff"
        assert answered["Content-Type"]
        if answered["Content-Encoding"] == "gzip" and body:
            body = gzip.decompress(body)
        if answered["Content-Type"].startswith("text/javascript") and body:
            assert status == 200 and body in SCRIPTS
        if status >= 400 and method != "HEAD":
            assert answered["Content-Type"].startswith("text/plain")
            sentence = body.decode("utf-8")
            assert 0 < len(sentence) < 5000
            assert "\n" not in sentence and "Traceback" not in sentence

    check()
    report("HTTP fuzzing", f"{REQUESTS} requests, answered {sorted(seen)}; no 500, no traceback")
    assert {200, 400, 404, 405} <= seen
    assert server.plugin("tensor", run=RUN, tag=TAG, step=7).status == 200
    assert [line for line in server.complaints if not THEIRS.match(line)] == []


UP = "/".join([".."] * 12)
ELSEWHERE = [
    "../index.js",
    "static/index.js",
    "static/../index.js",
    "index.js/../plugin.py",
    "index.js/../../plugin.py",
    "../plugin.py",
    "..%2fplugin.py",
    "..%252fplugin.py",
    "%2e%2e/plugin.py",
    "%2e%2e%2f%2e%2e%2fplugin.py",
    "..\\plugin.py",
    "..%5cplugin.py",
    "%c0%ae%c0%ae/plugin.py",
    "plugin.py",
    "index.js%00",
    "index.js%00.py",
    "%00index.js",
    "index.js%",
    "index.js%zz",
    "index.js//",
    "//index.js",
    "index.js%0d%0aX-Injected:%201",
    "\xff",
    f"{UP}/etc/passwd",
    f"index.js/{UP}/etc/passwd",
    UP.replace("/", "%2f") + "%2fetc%2fpasswd",
    UP.replace("..", "%2e%2e") + "/etc/passwd",
    "/etc/passwd",
    "file:///etc/passwd",
]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", ELSEWHERE)
def test_the_static_route_serves_the_bundle_alone(server, path, method):
    """Paths that climb, percent-encoded or not, with NUL or broken bytes, lead nowhere."""
    status, answered, body = ask(server, method, path, {})
    assert status == 404
    assert answered["Content-Type"].startswith("text/plain")
    assert answered["X-Injected"] is None
    assert body in (b"Not found", b"")


def test_the_bundle_is_what_the_static_route_serves(server):
    """Whole, and however its name is written."""
    for path in ("index.js", "%69ndex.js", "index.js/", "index.js?/../plugin.py"):
        status, _, body = ask(server, "GET", path, {})
        assert (status, body) == (200, SCRIPTS[0])


def test_the_later_script_is_served_with_its_version_alone(server):
    """Whole and to be kept to the dashboard that it was built with; to another it is not there."""
    for method, wanted in (("GET", SCRIPTS[1]), ("HEAD", b"")):
        status, answered, body = ask(server, method, f"more.js?v={version()}&try=2", {})
        assert (status, body) == (200, wanted)
        assert answered["Content-Type"].startswith("text/javascript")
        assert answered["Cache-Control"] == "private, max-age=31536000"
        assert answered["X-Content-Type-Options"] == "nosniff"
    for of_another in ("0" * 12, version()[:-1], f"{version()}0", ".*", "%22", ""):
        status, answered, body = ask(server, "GET", f"more.js?v={of_another}", {})
        assert status == (404 if of_another else 400)
        assert "no-cache" in answered["Cache-Control"]
        assert b"reload the page" in body or b"v is missing" in body
