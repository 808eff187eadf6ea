"""Logs that were written once are read to the same values by every later version."""

from __future__ import annotations

import json

import numpy as np
import pytest
from golden import digests, write
from servers import tensorboard_server

from tb_activations import record

EXPECTED = json.loads((digests.HERE / "format-1.json").read_text(encoding="utf-8"))
NAMES = [str(log.relative_to(digests.HERE)) for log in digests.LOGS]


def test_no_log_has_gone():
    """Each log whose digests are kept is there, and each that is there has its digests."""
    assert sorted(EXPECTED) == NAMES


@pytest.mark.parametrize("name", EXPECTED)
def test_a_golden_log_is_read_to_the_same_digests(name):
    """Header, labels, five numbers, statistics and values, or the sentence that refuses them."""
    found = digests.read(digests.HERE / name)
    assert {tag: sorted(steps) for tag, steps in found.items()} == {
        tag: sorted(steps) for tag, steps in EXPECTED[name].items()
    }
    for tag, steps in found.items():
        for step, facts in steps.items():
            assert facts == EXPECTED[name][tag][step], (tag, step)


def test_the_digests_are_of_what_was_logged():
    """What is read of the newest log agrees with the arrays that it was written from."""
    pytest.importorskip("ml_dtypes", reason="bfloat16 comes with TensorFlow or JAX")
    logged = digests.records(digests.HERE / "format-1" / "row")
    for tag, (array, options) in write.layers().items():
        header = record.parse_header(logged[tag]["5"][0])
        expected = array.astype(np.float64)
        if options.get("data_format") == "channels_first":
            expected = np.moveaxis(expected, 1, -1)
        ids = slice(None) if header.channel_ids is None else list(header.channel_ids)
        expected = np.moveaxis(expected[list(header.examples)][..., ids], -1, 1)
        largest = np.abs(expected[np.isfinite(expected)]).max(initial=0)
        found = digests.values_of(logged[tag]["5"])
        np.testing.assert_allclose(found, expected, rtol=2**-11, atol=largest * 2.0**-39)
        assert header.source == array.dtype.name
        assert header.batch == len(array)
        if header.dtype == "float32" and array.dtype == np.float32:
            np.testing.assert_array_equal(found, expected)


def test_every_kind_of_record_is_among_them():
    """Each rank, storage, codec, and whatever else a header can say."""
    headers = [
        facts["header"]
        for log in EXPECTED.values()
        for steps in log.values()
        for facts in steps.values()
    ]
    assert {len(header["shape"]) for header in headers} == {2, 3, 4, 5}
    assert {header["dtype"] for header in headers} == {"float16", "float32"}
    assert {header["codec"] for header in headers} == {"png", "tensor"}
    assert {header.get("statistics") for header in headers} == {None, "png", "tensor"}
    assert {header["omitted"] for header in headers} == {None, "size"}
    sources = {"float16", "bfloat16", "float32", "float64", "int16", "int64", "uint8", "bool"}
    assert {header["source"] for header in headers} == sources
    assert any(header["channel_ids"] for header in headers)
    assert any(len(header["pages"]) > 1 for header in headers)


def test_tensorboard_serves_the_golden_logs():
    """What the routes answer for them is what the record's functions read."""
    with tensorboard_server(digests.HERE / "format-1") as server:
        for name, tags in EXPECTED.items():
            run = name.split("/")[1]
            index = server.wait_for_tags(*tags, run=run)[run]
            assert index["input"]["kind"] == "input"
            assert (index["dense"]["order"], "units" in index["dense"]["description"]) == (0, True)
            for tag, steps in tags.items():
                where = {"run": run, "tag": tag}
                listed = server.json("data/plugin/activations/steps", **where)["steps"]
                assert [str(entry["step"]) for entry in listed] == sorted(steps)
                for position, entry in enumerate(listed):
                    check_answers(server, where, position, entry, steps[str(entry["step"])])


def check_answers(server, where, position, entry, expected):
    """One step of a tag: its labels, values and statistics."""
    assert entry["labels"] == expected["labels"]
    answer = server.plugin("tensor", step=entry["step"], **where)
    if expected["values"].startswith("refused: "):
        assert answer.status == 404
        assert expected["values"].removeprefix("refused: ").split(": ")[-1] in answer.text
    else:
        stored = np.frombuffer(answer.body, "<f2" if entry["dtype"] == "float16" else "<f4")
        assert digests.digest(stored.astype("f8") * entry["scale"], "<f8") == expected["values"]
    table = server.plugin("stats", steps=f"{position}:{position + 1}", **where)
    if expected["statistics"].startswith("refused: "):
        assert table.status == 404
    else:
        found = np.frombuffer(table.body, "<f4")
        assert digests.digest(found, "<f4") == expected["statistics"]
