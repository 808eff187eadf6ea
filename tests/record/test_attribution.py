"""The record of an attribution: what it explains and what its maps add up to, written and read."""

from __future__ import annotations

import json
from dataclasses import replace

import attribution_log
import numpy as np
import pytest
from attribution_log import TAGS

from tb_activations import record
from tb_activations.record.attribution import Baseline
from tb_activations.record.encoder import keep
from tb_activations.record.metadata import TagAttribution, parse_metadata
from tb_activations.record.scores import (
    MEMBERS,
    Scores,
    attribution_blobs,
    parse_scores,
    read_scores,
)

OPTIONS = record.Options()


@pytest.mark.parametrize("tag", TAGS)
def test_what_was_explained_comes_back(tag):
    """Values within float16's promise, the header's object and every score to the bit."""
    whole = record.WholeRecord(attribution_log.blobs(tag, 10))
    values = attribution_log.maps(TAGS[tag], 10)
    served = record.restore(record.read_values(whole), whole.header.exponent)
    np.testing.assert_allclose(served, np.moveaxis(values, -1, 1), rtol=2**-11,
                               atol=np.abs(values).max() * 2.0**-39)  # fmt: skip
    assert whole.header.attribution == TAGS[tag]
    expected, found = attribution_log.scores(TAGS[tag], values, 10), read_scores(whole)
    for name in (*MEMBERS, "targets"):
        one, other = getattr(expected, name), getattr(found, name)
        assert (one is None) == (other is None), name
        if one is not None:
            np.testing.assert_array_equal(one, other)


def test_the_header_stays_the_same_from_step_to_step():
    """But for the exponent, which the index keeps apart: what changes is in the last blob."""
    for tag in TAGS:
        headers = [json.loads(attribution_log.blobs(tag, step)[0]) for step in (0, 10)]
        assert {**headers[0], "exponent": 0} == {**headers[1], "exponent": 0}


def test_records_of_layers_say_nothing_of_attributions():
    """Their bytes are what they were before there was this kind."""
    assert b"attribution" not in record.encode(np.ones((1, 2), np.float32))[0]


def test_scores_that_are_not_finite_are_null_and_read_as_nan():
    """A network that has diverged is logged, too."""
    kept = replace(
        keep(np.ones((2, 3, 1), np.float32), OPTIONS), explanation=TAGS["attribution/gradients"]
    )
    kept = replace(kept, explanation=replace(kept.explanation, targets=None, target_names=None))
    blobs = attribution_blobs(kept, Scores(np.array([[np.nan], [np.inf]])), None, OPTIONS)
    assert json.loads(blobs[-1])["scores"] == [[None], [None]]
    assert np.isnan(read_scores(record.WholeRecord(blobs)).scores).all()


def test_the_metadata_names_what_a_tag_explains():
    """As TensorBoard lists it, before any record is read; other content is passed over."""
    content = attribution_log.about("attribution/grad_cam", 3).plugin_data.content
    found = parse_metadata(content)
    assert (found.kind, found.order) == ("attribution", 3)
    assert found.attribution == TagAttribution("grad_cam", "conv2", "conv2")
    for wrong in (7, {"method": 1}, {"method": "a", "of": "b" * 2000}):
        fields = {"version": 1, "kind": "attribution", "attribution": wrong}
        assert parse_metadata(json.dumps(fields).encode()).attribution is None


HEADER = json.loads(attribution_log.blobs("attribution/integrated_gradients", 0)[0])


@pytest.mark.parametrize(
    "fields",
    [
        {"attribution": 7},
        {"method": None},
        {"of": 3},
        {"parts": 0},
        {"parts": 5},
        {"parts": True},
        {"parameters": []},
        {"parameters": {"a": {}}},
        {"output": "picture"},
        {"reduce": "mean"},
        {"targets": [[1, 2]]},
        {"targets": [[1, -2]] * 4},
        {"target_names": [[1, 2]] * 4},
        {"baseline": {"kind": "noise"}},
        {"baseline": {"kind": "number", "value": "x"}},
        {"grid": [1, 2, 3, 4]},
        {"grid": "x"},
        {"layer": "x" * 2000},
    ],
)
def test_an_impossible_attribution_is_refused(fields):
    """By a sentence that names the field."""
    whole = {**HEADER, "attribution": {**HEADER["attribution"], **fields}}
    if "attribution" in fields:
        whole["attribution"] = fields["attribution"]
    with pytest.raises(record.RecordError, match=next(iter(fields))):
        record.parse_header(json.dumps(whole).encode())


def test_fields_that_are_not_known_are_ignored():
    """So that a later version can add some."""
    more = {**HEADER, "attribution": {**HEADER["attribution"], "later": [1]}}
    found = record.parse_header(json.dumps(more).encode()).attribution
    assert found == TAGS["attribution/integrated_gradients"]
    assert found.baseline == Baseline("number", 0.0)


@pytest.mark.parametrize(
    "blob",
    [
        b"",
        b"[]",
        b"\xff",
        b'{"scores": null}',
        b'{"scores": [[1, 2]]}',
        b'{"scores": [["a", "b"], [1, 2], [1, 2], [1, 2]]}',
        b'{"scores": [[1, 2], [1, 2], [1, 2], [1, 2]], "targets": [[1, 2.5]]}',
        b"[" * 100_000,
    ],
)
def test_scores_that_cannot_be_are_refused(blob):
    """With a RecordError, whatever is there."""
    header = record.parse_header(json.dumps(HEADER).encode())
    with pytest.raises(record.RecordError):
        parse_scores(blob, header)


def test_scores_of_another_shape_are_not_written():
    """The error names them."""
    kept = replace(
        keep(np.ones((4, 3, 2), np.float32), OPTIONS), explanation=TAGS["attribution/gradients"]
    )
    with pytest.raises(ValueError, match=r"scores are \[4, 1\]; they must be \[4, 2\]"):
        attribution_blobs(kept, Scores(np.zeros((4, 1))), None, OPTIONS)
    with pytest.raises(ValueError, match="needs an explanation"):
        attribution_blobs(replace(kept, explanation=None), Scores(np.zeros((4, 2))), None, OPTIONS)
