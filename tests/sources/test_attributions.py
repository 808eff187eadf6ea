"""Records of attributions in the index: what is the same at every step is kept once."""

from __future__ import annotations

import attribution_log
import numpy as np
from attribution_log import TAGS

from tb_activations.eventfile.event import activation_event
from tb_activations.eventfile.writer import EventWriter
from tb_activations.record.scores import Scores, read_scores
from tb_activations.sources.timeline.blobs import BlobCache
from tb_activations.sources.timeline.timeline import RunTimeline
from tb_activations.sources.warn import WarnOnce

RECORDS = 100_000
TAG = "attribution/gradients"


def write_long(directory):
    """RECORDS records of one tag, each with scores and an exponent of its own turn."""
    made = [attribution_log.blobs(TAG, step)[:-1] for step in range(8)]
    about = attribution_log.about(TAG, 1)
    with EventWriter(directory, ".activations") as writer:
        for step in range(RECORDS):
            scores = f'{{"scores": [[{step}], [1.5], [2.5], [-{step}.25]]}}'.encode()
            writer.write(activation_event(TAG, [*made[step % 8], scores], step, 1e9 + step, about))


def test_the_index_of_many_attributions_stays_small(tmp_path):
    """At most 96 bytes a record, header and all, though each has scores of its own."""
    write_long(tmp_path)
    timeline = RunTimeline(str(tmp_path), BlobCache(), WarnOnce())
    assert timeline.refresh() and timeline.records == RECORDS
    index = timeline._index
    rows = sum(block.nbytes for block in index.tags[TAG.encode()].parts.popitem()[1].rows.blocks)
    shared = index._headers._bytes + index._labels._bytes
    assert (rows + shared) / RECORDS <= 96
    assert len(index._headers.values) == 1


def test_each_step_has_its_own_scores(tmp_path):
    """Maps and scores are read from any step, of every kind of tag."""
    logged = attribution_log.write(tmp_path)
    timeline = RunTimeline(str(tmp_path), BlobCache(), WarnOnce())
    timeline.refresh()
    assert set(TAGS) < set(timeline.tags())
    for tag, by_step in logged.scores.items():
        series = timeline.series(tag)
        assert series.steps.tolist() == list(attribution_log.STEPS)
        for i, (step, expected) in enumerate(by_step.items()):
            found: Scores = read_scores(series.record(i))
            np.testing.assert_array_equal(found.scores, expected.scores)
            assert series.header(i).attribution == TAGS[tag], step
