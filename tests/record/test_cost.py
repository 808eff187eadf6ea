"""What an update has cost: a blob after the pages, which nothing else of the record feels."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tb_activations import record
from tb_activations.record import Blob
from tb_activations.record.cost import UpdateCost, holds_cost, parse_cost, read_cost, with_cost

VALUES = np.random.default_rng(0).normal(size=(2, 40, 40, 8)).astype(np.float32)
PLAIN = record.encode(VALUES)
COSTS = [UpdateCost(0.42, 0.011, 2_300_000), UpdateCost(12.5, None, 0)]


@pytest.mark.parametrize("cost", COSTS)
def test_a_cost_is_read_as_it_was_written(cost):
    whole = record.WholeRecord(with_cost(PLAIN, cost))
    assert holds_cost(whole.header) and read_cost(whole) == cost
    assert not holds_cost(record.WholeRecord(PLAIN).header)


def test_readers_that_know_no_costs_read_the_same_record():
    """Header, statistics, labels and pages: the same, but for a field and a blob they pass over."""
    blobs = with_cost(PLAIN, COSTS[0])
    fields = json.loads(blobs[Blob.HEADER])
    assert fields.pop("after") == ["cost"]
    assert fields == json.loads(PLAIN[Blob.HEADER])
    assert blobs[1 : len(PLAIN)] == PLAIN[1:]
    found = record.read_values(record.WholeRecord(blobs))
    assert np.array_equal(found, record.read_values(record.WholeRecord(PLAIN)))


@pytest.mark.parametrize(
    "blob",
    [b"", b"[]", b"{}", b'{"seconds": -1, "share": null, "bytes": 1}', b"\xff",
     b'{"seconds": 1, "share": 2, "bytes": 1}', b'{"seconds": "1", "share": null, "bytes": 1}',
     b'{"seconds": 1e999, "share": null, "bytes": 1}', b'{"seconds": NaN, "bytes": 1}'],
)  # fmt: skip
def test_what_is_no_cost_is_refused(blob):
    with pytest.raises(record.RecordError):
        parse_cost(blob)


@pytest.mark.parametrize("after", ["cost", [1], [""] * 17, None])
def test_a_header_with_a_wrong_list_of_further_blobs_is_refused(after):
    fields = json.loads(PLAIN[Blob.HEADER]) | {"after": after}
    with pytest.raises(record.RecordError):
        record.parse_header(json.dumps(fields).encode())
