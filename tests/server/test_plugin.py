"""Whole-server tests: real event files, the real TensorBoard under both loaders, every route."""

from __future__ import annotations

import http.client
import urllib.parse

import numpy as np
import pytest
from logs import event, layer, write_run
from servers import PATIENCE, tensorboard_server
from tensorboard.compat.proto import event_pb2

from tb_activations.eventfile.event import activation_event
from tb_activations.eventfile.writer import EventWriter
from tb_activations.record import metadata

LOADERS = ["false", "true"]
CONV = {step: layer((6, 5, 7, 3), step) * 10**step for step in range(4)}
DENSE = {step: layer((6, 10), 100 + step) for step in (1, 3)}


@pytest.fixture(scope="module")
def logdir(tmp_path_factory):
    """Two runs: `train` with an image and a dense layer, `train/x` with awkward names."""
    root = tmp_path_factory.mktemp("logs")
    write_run(root / "train", {"conv": CONV, "dense": DENSE}, labels=list("abcdef"))
    awkward = {"<b>&x=1": {0: layer((2, 3))}, "日本/ 1": {0: layer((2, 3))}}
    write_run(root / "train" / "<i>x & y", awkward, max_channels=2)
    return root


@pytest.fixture(scope="module", params=LOADERS)
def server(logdir, request):
    with tensorboard_server(logdir, load_fast=request.param) as server:
        server.wait_for_tags("conv", "dense", run="train")
        server.wait_for_tags("日本/ 1", run="train/<i>x & y")
        server.wait_for(lambda: len(steps(server, tag="conv")) == 4)
        server.wait_for(lambda: len(steps(server, tag="dense")) == 2)
        yield server


def steps(server, run="train", tag="conv"):
    return server.json("data/plugin/activations/steps", run=run, tag=tag)["steps"]


def read(answer, step):
    """As the documentation says to read values."""
    shape = [int(side) for side in answer.headers["X-Shape"].split(",")]
    dtype = {"float16": "<f2", "float32": "<f4"}[step["dtype"]]
    return np.frombuffer(answer.body, dtype).astype("f8").reshape(shape) * step["scale"]


def test_tags(server):
    """`/tags` lists every run and tag with kind, order, description and its last wall time."""
    index = server.json("data/plugin/activations/tags")
    assert list(index) == ["train", "train/<i>x & y"]
    last = {tag: steps(server, tag=tag)[-1]["wall_time"] for tag in ("conv", "dense")}
    assert index["train"] == {
        "conv": {"description": "", "kind": "activation", "order": 0, "wall_time": last["conv"]},
        "dense": {"description": "", "kind": "activation", "order": 1, "wall_time": last["dense"]},
    }
    assert list(index["train/<i>x & y"]) == ["<b>&x=1", "日本/ 1"]


def test_steps(server):
    """`/steps` describes each record, ascending."""
    answer = server.json("data/plugin/activations/steps", run="train", tag="conv")
    assert answer["complete"] is True
    assert answer["stats"] == ["min", "max", "mean", "std", "zeros", "nonfinite"]
    assert [s["step"] for s in answer["steps"]] == [0, 1, 2, 3]
    last = answer["steps"][3]
    assert last["wall_time"] > 1e9
    assert last["shape"] == [4, 5, 7, 3]
    assert (last["batch"], last["channels"], last["channel_ids"]) == (6, 3, None)
    assert last["examples"] == [0, 1, 2, 3]
    assert last["labels"] == ["a", "b", "c", "d"]
    assert last["dtype"] == "float16"
    assert last["omitted"] is None
    [kept] = steps(server, "train/<i>x & y", "日本/ 1")
    assert kept["channel_ids"] == [0, 2]
    assert kept["channels"] == 3


@pytest.mark.parametrize("tag, logged", [("conv", CONV), ("dense", DENSE)])
def test_tensor(server, tag, logged):
    """`/tensor` serves the logged values, `[examples, channels, …spatial]`."""
    for step in steps(server, tag=tag):
        answer = server.plugin("tensor", run="train", tag=tag, step=step["step"])
        assert answer.headers["Content-Type"] == "application/octet-stream"
        expected = np.moveaxis(logged[step["step"]][:4], -1, 1).astype("f8")
        np.testing.assert_allclose(read(answer, step), expected, rtol=2**-11)


def test_tensor_slices(server):
    """`example` and `channels` cut stored positions out of the same values."""
    whole = read(server.plugin("tensor", run="train", tag="conv", step=2), steps(server)[2])
    slices = {
        "example=3": np.s_[3:4],
        "example=1:3": np.s_[1:3],
        "channels=1:3": np.s_[:, 1:3],
        "example=2&channels=0:1": np.s_[2:3, 0:1],
    }
    for query, wanted in slices.items():
        path = f"data/plugin/activations/tensor?run=train&tag=conv&step=2&{query}"
        part = read(server.get(path), steps(server)[2])
        np.testing.assert_array_equal(part, whole[wanted])


def test_stats(server):
    """`/stats` serves one table per position in `/steps`."""
    answer = server.plugin("stats", run="train", tag="conv")
    tables = np.frombuffer(answer.body, "<f4").reshape(4, 3, 6)
    expected = np.stack([CONV[s].reshape(-1, 3).max(0) for s in range(4)])
    np.testing.assert_array_equal(tables[:, :, 1], expected)
    part = server.plugin("stats", run="train", tag="conv", steps="1:3")
    assert part.body == answer.body[72:216]


def test_overview(server):
    """`/overview` holds a column per bucket of steps, and each tag at a step."""
    answer = server.json("data/plugin/activations/overview", run="train", columns=2, step=2)
    assert answer["complete"] is True
    assert answer["steps"] == {"first": 0, "last": 3, "count": 4}
    assert answer["columns"] == [[0, 1], [2, 3]]
    conv = answer["tags"]["conv"]
    assert (conv["kind"], conv["order"], conv["shape"]) == ("activation", 0, [4, 5, 7, 3])
    assert (conv["batch"], conv["channels"]) == (6, 3)
    assert conv["step"] == [1, 3]
    rms = [float(np.sqrt(np.mean(np.square(CONV[s], dtype="f8")))) for s in (1, 3)]
    np.testing.assert_allclose(conv["rms"], rms, rtol=1e-4)
    assert conv["dead"] == [0, 0]
    assert answer["tags"]["dense"]["step"] == [1, 3]
    assert answer["at"]["conv"]["step"] == 2
    assert answer["at"]["dense"]["step"] == 1
    assert answer["first_nonfinite"] is None
    assert answer["update"] is None  # of records that say no cost


def test_binary_can_be_revalidated(server):
    """A client that has the bytes is answered 304, one that asks for a range 206."""
    query = {"run": "train", "tag": "conv", "step": 1}
    first = server.plugin("tensor", **query)
    etag = first.headers["ETag"]
    assert "no-cache" in first.headers["Cache-Control"]
    again = server.plugin("tensor", headers={"If-None-Match": etag}, **query)
    assert (again.status, again.body) == (304, b"")
    other = server.plugin("tensor", headers={"If-None-Match": etag}, **{**query, "step": 2})
    assert other.status == 200
    part = server.plugin("tensor", headers={"Range": "bytes=2-5"}, **query)
    assert (part.status, part.body) == (206, first.body[2:6])
    assert server.plugin("tensor", headers={"Range": "bytes=9999999-"}, **query).status == 416


def test_head(server):
    """HEAD answers as GET does, without the body."""
    for route in ("tags", "steps?run=train&tag=conv", "tensor?run=train&tag=conv&step=1",
                  "stats?run=train&tag=conv", "overview?run=train", "index.js",
                  "steps?run=train&tag=conv&form=packed", "latest?run=train&tag=conv"):  # fmt: skip
        get, head = server.plugin(route), server.plugin(route, method="HEAD")
        assert (head.status, head.body) == (200, b"")
        assert head.headers["Content-Type"] == get.headers["Content-Type"]
        assert head.headers["Content-Length"] == get.headers["Content-Length"]


BAD = [
    ("steps", 400, "run"),
    ("steps?run=train", 400, "tag"),
    ("steps?run=&tag=conv", 400, "run"),
    ("steps?run=train&run=train&tag=conv", 400, "run"),
    ("steps?run=nope&tag=conv", 404, "'train'"),
    ("steps?run=train&tag=conv9", 404, "'conv', 'dense'"),
    ("steps?run=..%2Ftrain&tag=conv", 404, "run"),
    ("steps?run=train%00&tag=conv", 404, "run"),
    ("tensor?run=train&tag=conv", 400, "step"),
    ("tensor?run=train&tag=conv&step=", 400, "step"),
    ("tensor?run=train&tag=conv&step=1.0", 400, "step"),
    ("tensor?run=train&tag=conv&step=%D9%A1", 400, "step"),
    ("tensor?run=train&tag=conv&step=9999999999999999999", 400, "step"),
    ("tensor?run=train&tag=conv&step=7", 404, "step 7"),
    ("tensor?run=train&tag=conv&step=-1", 404, "0, 1, 2, 3"),
    ("tensor?run=train&tag=conv&step=1&example=4", 404, "0:4"),
    ("tensor?run=train&tag=conv&step=1&example=-1", 400, "example"),
    ("tensor?run=train&tag=conv&step=1&example=", 400, "example"),
    ("tensor?run=train&tag=conv&step=1&example=2:2", 400, "example"),
    ("tensor?run=train&tag=conv&step=1&example=1:2:3", 400, "example"),
    ("tensor?run=train&tag=conv&step=1&channels=1", 400, "channels"),
    ("tensor?run=train&tag=conv&step=1&channels=0:4", 404, "0:3"),
    ("tensor?run=train&tag=conv&step=1&channels=0:99999999999999999999", 400, "channels"),
    ("stats?run=train", 400, "tag"),
    ("stats?run=train&tag=conv&steps=2", 400, "steps"),
    ("stats?run=train&tag=conv&steps=0:5", 404, "0:4"),
    ("stats?run=train&tag=conv&rows=0", 400, "rows"),
    ("stats?run=train&tag=conv&rows=1001", 400, "rows"),
    ("steps?run=train&tag=conv&form=short", 400, "form"),
    ("steps?run=train&tag=conv&form=packed&since=-1", 400, "since"),
    ("steps?run=train&tag=conv&form=packed&since=5", 404, "4 steps"),
    ("latest?run=train", 400, "tag"),
    ("latest?run=train&tag=conv9", 404, "'conv', 'dense'"),
    ("overview", 400, "run"),
    ("overview?run=nope", 404, "nope"),
    ("overview?run=train&columns=0", 400, "columns"),
    ("overview?run=train&columns=1001", 400, "columns"),
    ("overview?run=train&columns=x", 400, "columns"),
    ("overview?run=train&step=x", 400, "step"),
]


@pytest.mark.parametrize("query, status, names", BAD)
def test_errors_name_the_parameter(server, query, status, names):
    """A missing, malformed or out-of-range parameter gets a sentence that names it."""
    answer = server.plugin(query)
    assert (answer.status, names in answer.text) == (status, True), answer.text
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_other_methods_are_refused(server, method):
    """Only GET and HEAD are answered."""
    answer = server.plugin("tags", method=method, data=b"x=1" if method == "POST" else None)
    assert answer.status == 405
    assert answer.headers["Allow"] == "GET, HEAD"


@pytest.mark.parametrize("path", ["../loader.py", "%2e%2e/loader.py", "index.js/../x", "nothing"])
def test_no_other_file_is_served(server, path):
    """Nothing but the bundle comes from the package's directory."""
    where = urllib.parse.urlsplit(server.url)
    connection = http.client.HTTPConnection(where.netloc, timeout=PATIENCE)
    connection.request("GET", f"/data/plugin/activations/static/{path}")
    assert connection.getresponse().status == 404
    connection.close()


def test_bundle(server):
    """The dashboard's module is served as JavaScript, and TensorBoard lists the tab."""
    answer = server.plugin("index.js")
    assert answer.headers["Content-Type"].startswith("text/javascript")
    again = server.plugin("index.js", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status == 304
    listing = server.json("data/plugins_listing")["activations"]
    assert (listing["enabled"], listing["tab_name"]) == (True, "Activations")


TENSOR = "tensor?run=train&tag=conv&step=1"
ANSWERS = [
    *[(200, route, "GET", {}) for route in (
        "tags", "steps?run=train&tag=conv", TENSOR, "stats?run=train&tag=conv",
        "overview?run=train", "index.js")],
    (206, TENSOR, "GET", {"Range": "bytes=2-5"}),
    (206, "stats?run=train&tag=conv", "GET", {"Range": "bytes=2-5"}),
    (416, TENSOR, "GET", {"Range": "bytes=9999999-"}),
    *[(status, route, method, {})
      for route in ("tags", "steps", "tensor", "stats", "overview", "index.js")
      for status, method in [(405, "POST"), (405, "X")]],
    *[(400, route, "GET", {}) for route in ("steps", "tensor", "stats", "overview")],
    *[(404, f"{route}?run=nope&tag=x&step=0", "GET", {})
      for route in ("steps", "tensor", "stats", "overview")],
]  # fmt: skip


@pytest.mark.parametrize("status, path, method, headers", ANSWERS)
def test_every_answer_has_the_headers_that_tensorboard_asks_for(
    server, status, path, method, headers
):
    """A type, nosniff and one Cache-Control that lets nobody show what is old; no script in it."""
    answer = server.plugin(path, method=method, headers=headers)
    assert answer.status == status
    assert answer.headers.get_all("X-Content-Type-Options") == ["nosniff"]
    [kind] = answer.headers.get_all("Content-Type")
    assert not kind.startswith("text/html")
    [cache] = answer.headers.get_all("Cache-Control")
    assert "no-cache" in cache and "public" not in cache and "max-age" not in cache
    if status in (200, 206) and "tensor" in path:
        again = {**headers, "If-None-Match": answer.headers["ETag"]}
        unchanged = server.plugin(path, headers=again)
        assert (unchanged.status, unchanged.body) == (304, b"")
        assert unchanged.headers.get_all("X-Content-Type-Options") == ["nosniff"]
        assert unchanged.headers.get_all("Content-Type") == [kind]
        assert unchanged.headers.get_all("Cache-Control") == [cache]


def test_no_warnings_on_stderr(server):
    """After all of this module's requests, stderr holds TensorBoard's own greeting alone."""
    lost = "/data/plugin/activations/static"  # asked for by test_no_other_file_is_served
    assert [line for line in server.complaints if lost not in line] == []


@pytest.mark.parametrize("load_fast", LOADERS)
def test_damaged_records_are_skipped(tmp_path, tensorboard_server, load_fast):
    """Records of unknown versions and foreign shapes are skipped with one warning each."""
    good = {step: layer((2, 4, 4, 3), step) for step in range(3)}
    with EventWriter(tmp_path) as writer:
        for step, array in good.items():
            writer.write(event("conv", step, array))
        writer.write(_event("conv", 3, [b'{"version": 9}', b"", b"", b""]))
        writer.write(_event("conv", 4, [b"\xff\x00", b"x"]))
        writer.write(_event("conv", 5, []))
        writer.write(_event("bad", 0, [b"not a header"] * 5))
        writer.write(_event("future", 0, [b"{}"] * 5, content=b'{"version": 2}'))
        writer.write(event("conv", 6, good[2]))
        hollow = event_pb2.Event(step=1, wall_time=1e9)
        hollow.summary.value.add(tag="hollow", metadata=metadata.summary_metadata())
        writer.write(hollow)
    server = tensorboard_server(tmp_path, load_fast=load_fast)
    index = server.wait_for_tags("conv")
    assert not {"future", "hollow"} & set(index["."])
    server.wait_for(lambda: [s["step"] for s in steps(server, ".", "conv")] == [0, 1, 2, 6])
    assert steps(server, ".", "bad") == []
    server.wait_for(lambda: "tag without values" in server.stderr or load_fast == "true")
    assert server.plugin("tensor", run=".", tag="conv", step=3).status == 404
    assert server.plugin("steps", run=".", tag="future").status == 404
    assert server.plugin("overview", run=".").status == 200
    assert server.get("data/plugin/scalars/tags").status == 200
    assert server.plugin("steps", run=".", tag="hollow").status == 404
    assert "Traceback" not in server.stderr
    assert server.stderr.count("step 3 of tag 'conv'") == 1
    assert server.stderr.count("tag 'future'") == 1


@pytest.mark.parametrize("load_fast", LOADERS)
def test_a_path_prefix_and_an_experiment_change_nothing(tmp_path, tensorboard_server, load_fast):
    """Routes answer below `--path_prefix` and `/experiment/<id>/`."""
    write_run(tmp_path, {"conv": CONV})
    server = tensorboard_server(tmp_path, load_fast=load_fast, path_prefix="/tb")
    server.wait_for_tags("conv")
    server.url += "experiment/defaultExperimentId/"
    assert server.plugin("steps", run=".", tag="conv").status == 200


def _event(tag, step, blobs, content=None):
    of_tag = metadata.summary_metadata()
    if content is not None:
        of_tag.plugin_data.content = content
    return activation_event(tag, blobs, step, 1e9 + step, of_tag)
