"""The log of attributions that was written once is read to the same values by every version."""

from __future__ import annotations

import json

import numpy as np
import pytest
from golden import digests

from tb_activations import record
from tb_activations.record.scores import MEMBERS, listed, read_scores

LOG = digests.HERE / "attributions-1"
EXPECTED = json.loads((digests.HERE / "attributions-1.json").read_text(encoding="utf-8"))
LOGGED = digests.records(LOG)


def facts(blobs: list[bytes]) -> dict:
    """What the digests of every record say, and every score."""
    pages = len(record.parse_header(blobs[0]).pages)
    found = digests.facts(blobs[: 4 + pages])
    if "attribution" in found["header"]:
        scores = read_scores(record.WholeRecord(blobs))
        assert scores.errors is None  # a member that came later
        names = [name for name in (*MEMBERS, "targets") if name != "errors"]
        found["scores"] = {name: listed(getattr(scores, name)) for name in names}
    return json.loads(json.dumps(found))


def test_every_tag_is_there():
    """Each that was written, at each of its steps."""
    assert {tag: sorted(steps) for tag, steps in LOGGED.items()} == {
        tag: sorted(steps) for tag, steps in EXPECTED.items()
    }


@pytest.mark.parametrize("tag", EXPECTED)
def test_a_tag_is_read_to_the_same(tag):
    """Header, what it explains, values, statistics, labels and scores."""
    for step, expected in EXPECTED[tag].items():
        assert facts(LOGGED[tag][step]) == expected
        if "scores" in expected:
            header = record.parse_header(LOGGED[tag][step][0])
            assert np.shape(expected["scores"]["scores"])[0] == header.shape[0]
