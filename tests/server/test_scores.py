"""Attributions over HTTP, under both loaders: `/tags`, `/steps`, `/scores`, `/overview`."""

from __future__ import annotations

from dataclasses import replace

import attribution_log
import numpy as np
import pytest
from attribution_log import STEPS, TAGS
from logs import event
from server.test_reader import VIEWER, python_provider
from servers import tensorboard_server

from tb_activations.eventfile.event import activation_event
from tb_activations.eventfile.writer import EventWriter
from tb_activations.record.checks import CHECK_TAG, Check, check_blobs
from tb_activations.record.metadata import summary_metadata
from tb_activations.record.scores import MEMBERS
from tb_activations.server.lookup import Lookup
from tb_activations.server.reader import Reader, TooMuch
from tb_activations.sources.logdirs import LogDirs
from tb_activations.sources.provider import ProviderSource
from tb_activations.sources.series import Where
from tb_activations.sources.timeline.timelines import Timelines
from tb_activations.sources.warn import WarnOnce

ROUTE = "data/plugin/activations/"
DAMAGED = "attribution/grad_cam"


@pytest.fixture(scope="module")
def logged(tmp_path_factory):
    root = tmp_path_factory.mktemp("attributions")
    return root, attribution_log.write(root / "train")


@pytest.fixture(scope="module", params=["false", "true"])
def server(logged, request):
    with tensorboard_server(logged[0], load_fast=request.param) as server:
        server.wait_for_tags(*TAGS, "conv2", run="train")
        where = {"run": "train", "tag": "attribution/gradient_x_input"}
        server.wait_for(lambda: len(server.json(ROUTE + "steps", **where)["steps"]) == len(STEPS))
        yield server


def test_tags_say_what_is_explained(server):
    """Kind, method, layer and the tag of what is explained, in the order inputs, maps, layers."""
    index = server.json(ROUTE + "tags")["train"]
    for tag, one in TAGS.items():
        assert index[tag]["kind"] == "attribution"
        expected = {"method": one.method, "of": one.of, "layer": one.layer}
        assert index[tag]["attribution"] == expected
    assert "attribution" not in index["conv1"]
    orders = [index[tag]["order"] for tag in ("input", *TAGS, "conv1", "conv2")]
    assert orders == list(range(8))


@pytest.mark.parametrize("tag", TAGS)
def test_steps_say_how(server, tag):
    """The header's object, in both forms, and values as of any other tag."""
    one = TAGS[tag]
    where = {"run": "train", "tag": tag}
    entries = server.json(ROUTE + "steps", **where)["steps"]
    packed = server.json(ROUTE + "steps", form="packed", **where)["kinds"]
    expected = {
        **one.fields(),
        "targets": one.targets and [list(row) for row in one.targets],
        "target_names": one.target_names and [list(row) for row in one.target_names],
        "grid": one.grid and list(one.grid),
    }
    for entry in (*entries, *packed):
        assert entry["attribution"] == expected
    answer = server.plugin("tensor", step=STEPS[-1], **where)
    values = np.frombuffer(answer.body, "<f2").astype("f8") * entries[-1]["scale"]
    expected = np.moveaxis(attribution_log.maps(one, STEPS[-1]), -1, 1)
    bound = np.abs(expected).max() * 2.0**-39
    np.testing.assert_allclose(values.reshape(expected.shape), expected, rtol=2**-11, atol=bound)


@pytest.mark.parametrize("tag", TAGS)
def test_scores_of_every_step(server, logged, tag):
    """Each member as it was logged, or null where the method has none."""
    found = server.json(ROUTE + "scores", run="train", tag=tag)
    assert found["step"] == list(STEPS)
    for name in (*MEMBERS, "targets"):
        tables = [getattr(one, name) for one in logged[1].scores[tag].values()]
        assert found[name] == (None if tables[0] is None else [t.tolist() for t in tables])


def test_scores_of_some_steps(server):
    """By positions, and evenly chosen."""
    where = {"run": "train", "tag": "attribution/gradients"}
    every = server.json(ROUTE + "scores", **where)
    one = server.json(ROUTE + "scores", steps="1:2", **where)
    assert (one["step"], one["scores"]) == ([10], every["scores"][1:2])
    assert server.json(ROUTE + "scores", rows=2, **where)["step"] == [0, 20]


@pytest.mark.parametrize(
    ("query", "status", "sentence"),
    [
        ({"tag": "conv1"}, 404, "kind 'activation'"),
        ({"tag": "nothing"}, 404, "no tag 'nothing'"),
        ({"tag": "attribution/gradients", "steps": "2:9"}, 404, "steps 2:9"),
        ({"tag": "attribution/gradients", "steps": "x"}, 400, "steps"),
        ({}, 400, "tag"),
    ],
)
def test_errors_say_what_there_is(server, query, status, sentence):
    """A tag of another kind, one that is not there, positions beyond the end."""
    answer = server.plugin("scores", run="train", **query)
    assert answer.status == status
    assert sentence in answer.text


def test_a_broken_map_is_no_layer_that_broke(server):
    """The overview shows attributions, and looks for what is not finite among layers alone."""
    found = server.json(ROUTE + "overview", run="train")
    assert found["tags"]["attribution/gradients"]["kind"] == "attribution"
    assert found["first_nonfinite"] is None


@pytest.fixture
def reader(tmp_path):
    """Of a run whose second record of four has scores that cannot be read."""
    made = attribution_log.blobs(DAMAGED, 0)
    with EventWriter(tmp_path / "train", ".activations") as writer:
        for step in range(4):
            blobs = [*made[:-1], b"{}"] if step == 1 else made
            about = attribution_log.about(DAMAGED, 1)
            writer.write(activation_event(DAMAGED, blobs, step, 1e9 + step, about))
    with python_provider(tmp_path, 1000) as provider:
        timelines = Timelines(LogDirs(((str(tmp_path), None),)), WarnOnce())
        yield Reader(Lookup(ProviderSource(provider, 1000), timelines))


def test_damaged_scores_are_null(reader):
    """Of that step alone."""
    found = reader.scores(VIEWER, Where("train", DAMAGED), None)
    assert found.steps == [0, 1, 2, 3]
    assert [one is None for one in found.scores] == [False, True, False, False]


def test_run_tells_the_last_check_of_each_method(tmp_path):
    """With its step; a damaged one is left out, and neither is among the tags."""
    told = Check("grad_cam", "passes", 0.125, 0.5, {"relu": False}, "conv2", "permuted",
                 (("out", "dense"), ("conv2",)), (0.5, None), (0.75, None))  # fmt: skip
    later = replace(told, verdict="fails", likeness=None)
    damaged = [*check_blobs(told)[:-1], b'{"method": 1, "verdict": "maybe"}']
    names = [CHECK_TAG + name for name in ("grad_cam", "lrp")]
    with EventWriter(tmp_path / "train", ".activations") as writer:
        writer.write(event("conv", 1, np.ones((2, 3), np.float32)))
        for tag, step, blobs in (
            (names[0], 1, check_blobs(told)),
            (names[0], 4, check_blobs(later)),
            (names[1], 4, damaged),
        ):
            writer.write(activation_event(tag, blobs, step, 1e9, summary_metadata("run", 0)))
    with python_provider(tmp_path, 1000) as provider:
        timelines = Timelines(LogDirs(((str(tmp_path), None),)), WarnOnce())
        reader = Reader(Lookup(ProviderSource(provider, 1000), timelines))
        assert reader.checks(VIEWER, "train") == [(4, later)]
        assert list(reader.tags(VIEWER)["train"]) == ["conv"]


def test_more_steps_than_one_answer_holds_are_refused(reader, monkeypatch):
    """With the number that is sent, and how to ask for fewer."""
    monkeypatch.setattr("tb_activations.server.reader.MAX_STEPS", 3)
    with pytest.raises(TooMuch, match=r"4 steps; at most 3 are sent: ask for fewer with 'steps'"):
        reader.scores(VIEWER, Where("train", DAMAGED), None)
    assert len(reader.scores(VIEWER, Where("train", DAMAGED), None, rows=3).steps) == 3
