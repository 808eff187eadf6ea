"""`/run`, `/answers` and `/top` under both loaders: names, a classifier's answers, what fires."""

from __future__ import annotations

import answer_log
import numpy as np
import pytest
from answer_log import CLASSES, HEAD_STEPS, KEPT, RIGHT, layers, probabilities, softmax
from server.test_reader import VIEWER, python_provider
from servers import tensorboard_server

from tb_activations.server import classifier
from tb_activations.server.lookup import Lookup
from tb_activations.server.reader import Reader
from tb_activations.sources.provider import ProviderSource
from tb_activations.sources.series import Where

ROUTE = "data/plugin/activations/"
HEAD = {"run": "train", "tag": "head"}


@pytest.fixture(scope="module")
def logdir(tmp_path_factory):
    return answer_log.write(tmp_path_factory.mktemp("answers"))


@pytest.fixture(scope="module", params=["false", "true"])
def server(logdir, request):
    with tensorboard_server(logdir, load_fast=request.param) as server:
        for run in ("plain", "two", "many", "fewer", "train"):
            server.wait_for_tags("input", run=run)
        server.wait_for_tags("head", run="train")
        server.wait_for(lambda: len(server.json(ROUTE + "steps", **HEAD)["steps"]) == 3)
        yield server


def test_the_run_says_what_its_classes_are_called(server):
    """Names, classifiers with the right classes, and null or nothing where none were logged."""
    found = server.json(ROUTE + "run", run="train")
    assert found["class_names"] == list(CLASSES)
    head = {"tag": "head", "form": "logits", "classes": list(RIGHT)}
    assert found["classifiers"] == [head]
    plain = server.json(ROUTE + "run", run="plain")
    assert (plain["class_names"], plain["classifiers"]) == (None, [])
    two = server.json(ROUTE + "run", run="two")["classifiers"]
    assert [one["tag"] for one in two] == ["animal", "alive"]


def test_what_was_answered_at_every_step(server):
    """The five likeliest classes of each example that the head kept, as a softmax makes them."""
    found = server.json(ROUTE + "answers", **HEAD)
    assert found["step"] == list(HEAD_STEPS)
    assert (found["form"], found["classes"]) == ("logits", 10)
    assert found["examples"] == list(range(KEPT)) and found["right"] == list(RIGHT[:KEPT])
    for step, top, shares, right in zip(
        found["step"], found["top"], found["probabilities"], found["right_probabilities"],
        strict=True,
    ):  # fmt: skip
        table = probabilities(step)
        order = np.argsort(-table, axis=1)[:, :5]
        assert top == order.tolist()
        np.testing.assert_allclose(shares, np.take_along_axis(table, order, 1), rtol=1e-3)
        for i, share in enumerate(right):
            assert (
                share is None
                if RIGHT[i] is None
                else share == pytest.approx(table[i, RIGHT[i]], rel=1e-2)
            )


def test_some_steps_and_the_one_that_is_looked_at(server):
    """`rows` of them, and the last one not after `step`, which need not be logged itself."""
    assert server.json(ROUTE + "answers", rows=2, **HEAD)["step"] == [0, 30]
    assert server.json(ROUTE + "answers", rows=1, step=25, **HEAD)["step"] == [0, 10]
    assert server.json(ROUTE + "answers", rows=2, step=-3, **HEAD)["step"] == [0, 30]


def test_fewer_classes_and_more_of_them(server):
    """Three have three entries; a sigmoid of one is of two; logarithms become shares."""
    three = server.json(ROUTE + "answers", run="two", tag="animal")
    assert three["top"] == [np.argsort(-softmax(3)[:4], axis=1).tolist()]
    one = server.json(ROUTE + "answers", run="two", tag="alive")
    assert (one["classes"], one["top"][0][0]) == (2, [1, 0])
    assert one["probabilities"][0][0] == [0.75, 0.25]
    assert one["right"] == [None] * 4
    many = server.json(ROUTE + "answers", run="many", tag="scores")
    table = np.exp(np.log(softmax(1000)[:4]).astype(np.float16).astype(np.float64))
    order = np.argsort(-table, axis=1, kind="stable")[:, :5]
    assert many["top"][0] == order.tolist()
    largest = np.take_along_axis(table, order, 1)
    np.testing.assert_allclose(many["probabilities"][0], largest, rtol=1e-2)


def test_what_does_not_hold_every_class_says_so(server):
    found = server.json(ROUTE + "answers", run="fewer", tag="head")
    assert found["omitted"].startswith("only 4 of the 10 classes are stored; a larger max_channels")
    assert found["step"] == found["top"] == []
    assert server.json(ROUTE + "answers", **HEAD)["omitted"] is None


@pytest.mark.parametrize("tag", ["conv", "sequence", "volume", "dense"])
def test_the_examples_that_fire_a_channel_most(server, tag):
    """The largest finite value of each, its place on the layer's axes, the largest first."""
    values = layers(30)[tag][:KEPT].astype(np.float16).astype(np.float64)
    for channel in (0, values.shape[-1] - 2):
        query = {"run": "train", "tag": tag, "step": 30, "channel": channel}
        found = server.json(ROUTE + "top", **query)
        planes = values[..., channel]
        flat = planes.reshape(KEPT, -1)
        order = np.argsort(-np.nanmax(flat, axis=1), kind="stable")
        assert found["examples"] == KEPT
        assert [one["position"] for one in found["top"]] == order.tolist()
        for one in found["top"]:
            plane = planes[one["position"]]
            assert one["place"] == list(np.unravel_index(np.nanargmax(plane), plane.shape))
            assert one["value"] == pytest.approx(np.nanmax(plane), rel=1e-3)
            assert one["nonfinite"] == np.count_nonzero(~np.isfinite(plane))
        assert server.json(ROUTE + "top", most=2, **query)["top"] == found["top"][:2]


@pytest.mark.parametrize(
    ("query", "status", "sentence"),
    [
        ("answers?run=train&tag=conv", 404, "is no classifier's output; there is 'head'"),
        ("answers?run=plain&tag=head", 404, "is no classifier's output; there is none"),
        ("answers?run=train&tag=head&rows=0", 400, "rows is 0; it must be from 1 to 1000"),
        ("top?run=train&tag=conv&step=30", 400, "channel is missing; it must be a number"),
        ("top?run=train&tag=conv&step=30&channel=4", 404, "channels 4:5 is not in step 30"),
        ("top?run=train&tag=head&step=20&channel=0", 404, "no step 20 of tag 'head'"),
        ("top?run=train&tag=conv&channel=0", 400, "step is missing"),
    ],
)  # fmt: skip
def test_errors_say_what_there_is(server, query, status, sentence):
    answer = server.get(ROUTE + query)
    assert (answer.status, sentence in answer.body.decode()) == (status, True), answer.body


def test_both_sources_answer_alike(logdir, server):
    """What is read through TensorBoard's data provider says what the event files say."""
    with python_provider(logdir, 0) as tensorboards:
        reader = Reader(Lookup(ProviderSource(tensorboards, 0)))
        found = reader.answers(VIEWER, Where("train", "head"), rows=100, step=None)
        assert found.steps == list(HEAD_STEPS)
        assert [one.top for one in found.answers] == server.json(ROUTE + "answers", **HEAD)["top"]
        top = reader.largest(VIEWER, Where("train", "conv"), 10, 2)
        assert [one.position for one in top] == [1, 3, 2, 0, 4]
        assert top[0].place == answer_log.PLACES[1] and top[0].nonfinite == 1


def test_what_makes_no_probability_is_said_to_be_none():
    """NaN goes last and is no share; infinities make none; large logits do not overflow."""
    values = np.array([[1e4, 0.0, -1e4], [np.nan, 1.0, 2.0], [np.inf, 0.0, 1.0]])
    table = classifier.probabilities(values, "logits")
    assert table[0].tolist() == [1, 0, 0]
    assert np.isnan(table[1]).all() and np.isnan(table[2, 0])
    row = classifier.probabilities(np.array([[np.nan, 0.25, 0.75]]), "softmax")[0]
    assert classifier._likeliest(row) == [2, 1, 0]
    [pair] = classifier.probabilities(np.array([[0.0]]), "sigmoid_logits")
    assert pair.tolist() == [0.5, 0.5]
