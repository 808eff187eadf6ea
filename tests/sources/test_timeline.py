"""Tests of the index over event files: what is visible, what damage costs, what growth brings."""

from __future__ import annotations

import os
import random
import shutil
import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from logs import event, layer, write_run
from servers import PATIENCE
from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, types_pb2

from tb_activations import record
from tb_activations.eventfile.event import activation_event
from tb_activations.eventfile.frame import frame, masked_crc32c
from tb_activations.eventfile.walk import find_length
from tb_activations.eventfile.wire import (
    blobs_of_tensor,
    head_of_event,
    metadata_of_value,
    values_of_event,
)
from tb_activations.eventfile.writer import EventWriter
from tb_activations.record import Blob, metadata
from tb_activations.record.summary import blobs_tensor
from tb_activations.sources.logdirs import LogDirs
from tb_activations.sources.series import Gone
from tb_activations.sources.timeline.blobs import WHOLE, BlobCache
from tb_activations.sources.timeline.rows import ROW, Part, merge
from tb_activations.sources.timeline.timeline import RunTimeline
from tb_activations.sources.timeline.timelines import Timelines
from tb_activations.sources.warn import WarnOnce

SOAK = os.environ.get("TBA_SOAK") == "1"


class Said(WarnOnce):
    """Keeps what is warned about."""

    def __init__(self):
        super().__init__()
        self.messages = []

    def __call__(self, subject, message, *values):
        said = super().__call__(subject, message, *values)
        if said:
            self.messages.append(message % values)
        return said


def timeline(directory, warn=None):
    found = RunTimeline(str(directory), BlobCache(), warn or Said())
    found.refresh()
    return found


def steps(timeline, tag="conv"):
    series = timeline.series(tag)
    return [] if series is None else series.steps.tolist()


def values(timeline, step, tag="conv"):
    """The stored values of a step, decoded, channels last."""
    series = timeline.series(tag)
    found = series.record(series.steps.tolist().index(step))
    stored = record.read_values(found)
    return np.moveaxis(record.restore(stored, found.header.exponent), 1, -1)


def write(directory, steps, *, tag="conv", wall_time=1e9, shape=(2, 4, 5, 3)):
    """One file with these steps of one tag, a second apart from `wall_time` on."""
    with EventWriter(directory) as writer:
        for i, step in enumerate(steps):
            writer.write(event(tag, step, layer(shape, step), wall_time=wall_time + i))
    return writer.path


def test_every_step_is_indexed(tmp_path):
    """All steps of all tags are there, with their values, statistics and summaries."""
    layers = {
        "conv": {step: layer((6, 8, 9, 5), step) for step in range(40)},
        "dense": {step: layer((6, 70), step) for step in range(0, 40, 3)},
    }
    write_run(tmp_path, layers, precision="float32", labels=list("abcdef"))
    index = timeline(tmp_path)
    for tag, arrays in layers.items():
        assert steps(index, tag) == list(arrays)
        series = index.series(tag)
        for i, (step, array) in enumerate(arrays.items()):
            np.testing.assert_array_equal(values(index, step, tag), array[:4])
            assert series.header(i).batch == 6
            assert series.labels(i) == ("a", "b", "c", "d")
            expected = record.ChannelStatistics.of(array)
            assert series.summaries()[i].tolist() == pytest.approx(
                (expected.summary().rms, expected.summary().largest, 0, 0, 0)
            )
            blob = series.record(i).blobs([Blob.STATISTICS])[0]
            found = record.parse_statistics(blob, series.header(i))
            np.testing.assert_array_equal(found, expected.table())
    assert index.complete and not index.series("conv").sampled


WITHOUT_PREAD = """
import sys
from concurrent.futures import ThreadPoolExecutor
import without_pread
import numpy as np
from tb_activations.record import read_values
from tb_activations.sources.timeline.blobs import WHOLE, BlobCache
from tb_activations.sources.timeline.timeline import RunTimeline
from tb_activations.sources.warn import WarnOnce

found = RunTimeline(sys.argv[1], BlobCache(limit=1), WarnOnce())
assert found.refresh()
series = found.series("conv")
assert found.dropped == 0 and list(series.steps) == list(range(40)), series.steps
with ThreadPoolExecutor(8) as pool:
    for _ in range(3):
        for i, values in enumerate(pool.map(lambda i: read_values(series.record(i)), range(40))):
            assert (values == i).all(), i
"""


def test_the_index_works_where_the_system_has_no_pread(tmp_path):
    """Small records, ones over WHOLE, and many readers at once: every value is the right one."""
    sizes = [(2, 3), (2, 80, 80, 8), (2, 300, 300, 8)]
    with EventWriter(tmp_path) as writer:
        for step in range(40):
            values = np.full(sizes[step % 3 if step < 9 else step % 2], step, np.float32)
            writer.write(event("conv", step, values, precision="float32", compression=0))
    assert writer.path.stat().st_size > 3 * WHOLE
    paths = [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    subprocess.run(
        [sys.executable, "-c", WITHOUT_PREAD, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        check=True,
    )


def test_only_new_bytes_are_read(tmp_path, monkeypatch):
    """A refresh after growth reads what is new, and nothing where nothing is."""
    path = write(tmp_path, range(300))
    index = timeline(tmp_path)
    read = []
    pread = os.pread
    monkeypatch.setattr(os, "pread", lambda fd, n, at: read.append((n, at)) or pread(fd, n, at))
    index.refresh()
    assert read == []
    size = path.stat().st_size
    with open(path, "ab") as file:
        file.write(frame(event("conv", 300, layer((2, 3)))))
    index.refresh()
    assert steps(index) == list(range(301))
    assert read and all(at >= size or n <= 64 for n, at in read)


def test_a_torn_record_is_picked_up_when_it_is_whole(tmp_path):
    """Whatever part of a record has been written, it appears when the rest has."""
    path = write(tmp_path, range(3))
    whole = frame(event("conv", 3, layer((2, 4, 5, 3))))
    index = timeline(tmp_path)
    done = 0
    for cut in (1, 7, 12, 13, 40, len(whole) - 5, len(whole) - 1):
        with open(path, "ab") as file:
            file.write(whole[done:cut])
        done = cut
        index.refresh()
        assert steps(index) == [0, 1, 2]
    with open(path, "ab") as file:
        file.write(whole[done:])
    index.refresh()
    assert steps(index) == [0, 1, 2, 3]
    assert index.dropped == 0


def test_records_appended_behind_a_torn_one_are_found(tmp_path):
    """A writer that goes on in a file with a torn record loses that record and no other."""
    for whole_file in (False, True):
        directory = tmp_path / str(whole_file)
        path = write(directory, range(3))
        index = timeline(directory) if not whole_file else None
        torn = frame(event("conv", 3, layer((2, 40, 50, 3))))
        more = [frame(event("conv", step, layer((2, 3)))) for step in (4, 5, 6)]
        with open(path, "ab") as file:
            file.write(torn[:-100] + b"".join(more))
        index = index or timeline(directory)
        index.refresh()
        with open(path, "ab") as file:
            file.write(frame(event("conv", 7, layer((2, 3)))))
        index.refresh()
        assert steps(index) == [0, 1, 2, 4, 5, 6, 7]


def test_files_come_in_the_order_of_their_names(tmp_path):
    """A later file hides what it wrote anew of an earlier one; within a file the same holds."""
    first = write(tmp_path, [0, 1, 2, 3, 4, 5], wall_time=100)
    index = timeline(tmp_path)
    assert steps(index) == [0, 1, 2, 3, 4, 5]
    second = write(tmp_path, [3, 4, 5, 6, 4, 5], wall_time=200)
    assert first.name < second.name
    index.refresh()
    assert steps(index) == [0, 1, 2, 3, 4, 5]
    assert index.series("conv").wall_times.tolist() == [100, 101, 102, 200, 204, 205]
    assert steps(timeline(tmp_path)) == [0, 1, 2, 3, 4, 5]


def test_two_writers_at_once_are_merged_by_step(tmp_path):
    """Where two files interleave in time no step is hidden, the later wall time wins."""
    write(tmp_path, range(0, 10), wall_time=100)
    write(tmp_path, range(5, 12), wall_time=103.5)
    warn = Said()
    index = timeline(tmp_path, warn)
    assert steps(index) == list(range(12))
    # Step 5 was written at 105 by the first and 103.5 by the second; 9 at 109 and 107.5.
    times = index.series("conv").wall_times.tolist()
    assert times[5] == 105 and times[9] == 109 and times[10] == 108.5
    index.refresh()
    assert steps(index) == list(range(12))
    assert sum("two writers" in message for message in warn.messages) == 1


def test_a_snapshot_stays_as_it_was(tmp_path):
    """A series that is held keeps its records while others are added and hidden."""
    path = write(tmp_path, range(10))
    index = timeline(tmp_path)
    before = index.series("conv")
    with open(path, "ab") as file:
        for step in (4, 5):
            file.write(frame(event("conv", step, layer((2, 3)))))
    index.refresh()
    assert steps(index) == [0, 1, 2, 3, 4, 5]
    assert before.steps.tolist() == list(range(10))
    assert before.record(9).blobs([Blob.HEADER])


@pytest.mark.parametrize("longer", [False, True])
def test_a_replaced_file_is_noticed(tmp_path, longer):
    """A file that was truncated, or written anew under its name, is indexed anew."""
    path = write(tmp_path, range(10))
    index = timeline(tmp_path)
    held = index.series("conv")
    other = tmp_path / "other"
    new = write(other, range(50, 80 if longer else 53))
    data = new.read_bytes()
    shutil.rmtree(other)
    path.write_bytes(data)  # the same inode
    with pytest.raises(Gone):
        held.record(9).blobs([Blob.FIRST_PAGE])
    index.refresh()
    assert steps(index)[0] == 50
    os.replace(write(other, [7]), path)  # another inode
    shutil.rmtree(other)
    index.refresh()
    assert steps(index) == [7]
    path.unlink()
    index.refresh()
    assert steps(index) == []
    assert not index.has_files


def test_a_damaged_record_is_dropped_once(tmp_path):
    """A record whose data fails its checksum is dropped, counted and said once."""
    path = write(tmp_path, range(5), shape=(2, 80, 80, 8))
    data = bytearray(path.read_bytes())
    frames = offsets(data)
    data[frames[3] + 5000] ^= 1  # of step 2
    path.write_bytes(data)
    warn = Said()
    index = timeline(tmp_path, warn)
    assert steps(index) == [0, 1, 2, 3, 4]
    held = index.series("conv")
    for _ in range(2):
        with pytest.raises(record.RecordError, match="damaged"):
            held.record(2).blobs([Blob.FIRST_PAGE])
    assert steps(index) == [0, 1, 3, 4]
    assert index.dropped == 1
    assert len(warn.messages) == 1
    assert "step 2 of tag 'conv'" in warn.messages[0]


def test_a_damaged_step_hides_nothing(tmp_path):
    """A record is checked before it may hide others: a flipped step costs that record alone."""
    for flip in (0x10, 0x40):  # 20 → 4, and 20 → 84
        directory = tmp_path / str(flip)
        path = write(directory, range(30), shape=(2, 80, 80, 8))
        data = bytearray(path.read_bytes())
        start = offsets(data)[21] + 12
        assert data[start + 9 : start + 11] == b"\x10\x14"
        data[start + 10] ^= flip
        path.write_bytes(data)
        index = timeline(directory)
        assert steps(index) == [step for step in range(30) if step != 20]


def test_damage_anywhere_costs_the_records_it_hits(tmp_path):
    """Byte flips at random places, lengths included: every undamaged record is still served."""
    write(tmp_path / "small", range(40), shape=(2, 3, 3, 2))
    write(tmp_path / "large", range(12), shape=(2, 80, 80, 8))
    rng = random.Random(1)
    for trial in range(400 if SOAK else 40):
        source = tmp_path / ("large" if trial % 4 == 0 else "small")
        [path] = source.iterdir()
        data = bytearray(path.read_bytes())
        frames = offsets(data)
        hit = set()
        for _ in range(rng.choice((1, 2, 5))):
            frame = rng.randrange(len(frames))
            end = frames[frame + 1] if frame + 1 < len(frames) else len(data)
            reach = rng.choice((12, 120, end - frames[frame]))
            at = frames[frame] + rng.randrange(min(reach, end - frames[frame]))
            data[at] ^= rng.randrange(1, 256)
            hit.add(frame)
        damaged = tmp_path / "damaged"
        damaged.mkdir(exist_ok=True)
        (damaged / path.name).write_bytes(data)
        index = timeline(damaged)
        # Frame 0 is the file's version, frame i + 1 is step i.
        for step in range(len(frames) - 1):
            if step + 1 not in hit:
                assert np.isfinite(values(index, step)).all(), (trial, step, hit)
        for step in steps(index):
            if step + 1 in hit or step >= len(frames):
                with pytest.raises((record.RecordError, Gone)):
                    values(index, step)
        shutil.rmtree(damaged)


def offsets(data):
    """Where each frame of an undamaged file begins."""
    found, at = [], 0
    while at < len(data):
        found.append(at)
        at += 16 + struct.unpack_from("<Q", data, at)[0]
    return found


def test_a_file_of_zeros_or_noise_is_survived(tmp_path):
    """What is no event file is scanned to its end, and what is appended to it is found."""
    for name, data in (("zeros", bytes(1 << 20)), ("noise", random.Random(0).randbytes(1 << 20))):
        path = tmp_path / name / "events.out.tfevents.1"
        path.parent.mkdir()
        path.write_bytes(data)
        index = timeline(path.parent)
        assert index.complete and index.records == 0
        with open(path, "ab") as file:
            file.write(frame(event("conv", 3, layer((2, 3)))))
        index.refresh()
        assert steps(index) == [3]


@pytest.mark.parametrize("damage", [b"", b"\0" * 4, b"\xff" * 100])
def test_empty_and_tiny_files_are_waited_for(tmp_path, damage):
    """A file with nothing in it yet, or with rubbish, is no error."""
    path = tmp_path / "events.out.tfevents.1"
    path.write_bytes(damage)
    assert timeline(tmp_path).complete


def test_an_enormous_length_is_waited_for(tmp_path):
    """A frame that claims more than the file holds keeps nothing else from being read."""
    path = write(tmp_path, range(3))
    head = struct.pack("<Q", 1 << 40)
    with open(path, "ab") as file:
        file.write(head + struct.pack("<I", masked_crc32c(head)) + b"x" * 100)
    index = timeline(tmp_path)
    assert steps(index) == [0, 1, 2]
    write(tmp_path, range(3, 5), wall_time=2e9)
    index.refresh()
    assert steps(index) == [0, 1, 2, 3, 4]


def test_records_of_other_plugins_are_hopped_over(tmp_path):
    """Scalars, graphs and old-style summaries in the same file are no concern of the index."""
    scalar = summary_pb2.SummaryMetadata(data_class=summary_pb2.DATA_CLASS_SCALAR)
    scalar.plugin_data.plugin_name = "scalars"
    one = tensor_pb2.TensorProto(dtype=types_pb2.DT_FLOAT, float_val=[1.0])
    with EventWriter(tmp_path) as writer:
        for step in range(5):
            value = summary_pb2.Summary.Value(tag="loss", metadata=scalar, tensor=one)
            old = summary_pb2.Summary.Value(tag="old", simple_value=1.0)
            for summary in (value, old):
                body = summary_pb2.Summary(value=[summary])
                writer.write(event_pb2.Event(step=step, summary=body))
            writer.write(event_pb2.Event(step=step, graph_def=b"x" * 100))
            writer.write(event("conv", step, layer((2, 3)), wall_time=step))
    index = timeline(tmp_path)
    assert steps(index) == [0, 1, 2, 3, 4]
    assert index.series("loss") is None
    assert index.dropped == 0


def test_several_records_in_one_event_are_found(tmp_path):
    """An event may hold the values of several tags, of other plugins among them."""
    with EventWriter(tmp_path) as writer:
        for step in range(3):
            merged = event_pb2.Event(step=step, wall_time=1e9 + step)
            merged.summary.value.add(tag="x", simple_value=1.0)
            for i, tag in enumerate(("conv", "dense")):
                one = event_pb2.Event.FromString(event(tag, step, layer((2, 4, 4, 3 + i), step)))
                merged.summary.value.append(one.summary.value[0])
            writer.write(merged)
    index = timeline(tmp_path)
    for i, tag in enumerate(("conv", "dense")):
        assert steps(index, tag) == [0, 1, 2]
        np.testing.assert_allclose(values(index, 2, tag), layer((2, 4, 4, 3 + i), 2), rtol=2**-11)


def test_long_headers_and_many_shapes(tmp_path):
    """Thousands of channel ids, and another shape at every step, are indexed and described."""
    rng = np.random.default_rng(0)
    with EventWriter(tmp_path) as writer:
        for step in range(20):
            array = rng.normal(size=(2, 4000 + step)).astype(np.float32)
            writer.write(event("conv", step, array, max_channels=3000))
    index = timeline(tmp_path)
    series = index.series("conv")
    assert [series.header(i).channels for i in range(20)] == [4000 + i for i in range(20)]
    assert len(series.header(7).channel_ids) == 3000


def test_headers_beyond_the_table_are_read_from_the_file(tmp_path, monkeypatch):
    """Where too many headers differ to be kept, a record's own is read on demand."""
    monkeypatch.setattr("tb_activations.sources.timeline.rows.MAX_INTERNED_BYTES", 1000)
    with EventWriter(tmp_path) as writer:
        for step in range(20):
            writer.write(event("conv", step, layer((2, 10 + step)), labels=[f"{step}", "b"]))
    index = timeline(tmp_path)
    series = index.series("conv")
    assert [series.header(i).channels for i in range(20)] == [10 + i for i in range(20)]
    assert [series.labels(i) for i in range(20)] == [(f"{i}", "b") for i in range(20)]
    assert values(index, 19).shape == (2, 29)


def test_a_bomb_in_a_page_is_refused(tmp_path):
    """A page that would inflate to more than the header says is refused before it does."""
    blobs = record.encode(layer((2, 64, 64, 4)))
    small = record.encode(np.zeros((1, 1024, 1024, 4), np.float32))
    with EventWriter(tmp_path) as writer:
        of_tag = metadata.summary_metadata()
        writer.write(activation_event("conv", [*blobs[:4], small[4]], 0, 1.0, of_tag))
    with pytest.raises(record.RecordError, match="the header says"):
        values(timeline(tmp_path), 0)


def test_a_directory_that_goes_and_comes_back(tmp_path):
    """A run's directory may be deleted while it is served, and made again."""
    run = tmp_path / "run"
    write(run, range(3))
    index = timeline(run)
    held = index.series("conv")
    shutil.rmtree(run)
    with pytest.raises(Gone):
        held.record(0).blobs([Blob.FIRST_PAGE])
    assert index.refresh() and steps(index) == []
    write(run, range(7))
    index.refresh()
    assert steps(index) == list(range(7))


def test_an_unreadable_file_is_said_once(tmp_path, monkeypatch):
    """A file that cannot be opened is said once; the others are served."""
    write(tmp_path, range(3))
    (tmp_path / "events.out.tfevents.0").mkdir()
    warn = Said()
    index = timeline(tmp_path, warn)
    index.refresh()
    assert steps(index) == [0, 1, 2]
    assert len(warn.messages) == 1


numbers = st.integers(-(2**63), 2**63 - 1)


@settings(max_examples=1000 if SOAK else 60, deadline=None)
@given(
    step=numbers,
    wall_time=st.floats(allow_nan=False),
    tags=st.lists(st.text(max_size=20), min_size=0, max_size=3),
    blobs=st.lists(st.binary(max_size=300), max_size=6),
    description=st.text(max_size=300),
)
def test_the_walk_agrees_with_protobuf(step, wall_time, tags, blobs, description):
    """Any event is walked to what protobuf parses out of it; the quick path agrees where it can."""
    made = event_pb2.Event(step=step, wall_time=wall_time)
    for tag in tags:
        made.summary.value.add(
            tag=tag,
            tensor=blobs_tensor(blobs),
            metadata=metadata.summary_metadata(description=description),
        )
    data = made.SerializeToString()
    padded = b"#" * 5 + data

    def read(offset, size):
        return padded[offset : offset + size]

    assert values_of_event(read, 5, len(data))[:2] == (wall_time, step)
    values = values_of_event(read, 5, len(data))[2]
    assert [value.tag.decode() for value in values] == tags
    for value, logged in zip(values, made.summary.value, strict=True):
        spans = blobs_of_tensor(read, value.tensor, value.tensor_end, len(blobs) + 1)
        assert [padded[a:b] for a, b in spans] == blobs
        assert metadata_of_value(read, value) == logged.metadata.SerializeToString()
    if len(tags) == 1 and wall_time and tags[0]:
        head = head_of_event(padded + b"\0" * 16, 5, len(data))
        assert (head.wall_time, head.step, head.tag.decode()) == (wall_time, step, tags[0])
        assert (head.tensor, head.tensor_end) == (values[0].tensor, values[0].tensor_end)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(st.integers(0, 9), max_size=8), min_size=1, max_size=4))
def test_hiding_is_as_one_long_file(files):
    """Files without overlap in time show what one file of all their records would."""
    visible: list[tuple[int, float]] = []
    parts, clock = [], 0.0
    for logged in files:
        rows: list[tuple[int, float]] = []
        for step in logged:
            clock += 1
            visible = [*(v for v in visible if v[0] < step), (step, clock)]
            rows = [*(v for v in rows if v[0] < step), (step, clock)]
        if rows:
            parts.append((np.array([r[0] for r in rows]), np.array([r[1] for r in rows])))
    if parts:
        which, rows_of, interleaved = merge(parts)
        places = list(zip(which, rows_of, strict=True))
        assert [(parts[w][0][r], parts[w][1][r]) for w, r in places] == visible
        assert not interleaved


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 1500)), max_size=6))
def test_rows_are_kept_in_blocks_as_in_a_list(turns):
    """Adding runs of steps, some of which hide earlier ones, keeps what a plain list would."""
    part, expected, offset = Part(), [], 0
    for first, count in turns:
        for step in range(first, first + count):
            offset += 1
            row = np.zeros(1, ROW)
            row["step"], row["offset"] = step, offset
            part.add(step, row.tobytes())
            if expected and step <= expected[-1][0]:
                expected = [e for e in expected if e[0] < step]
            expected.append((step, offset))
        held, before = part.rows, list(part.rows.column("offset"))
        part.publish()
        assert list(part.rows.column("offset")) == [o for _, o in expected]
        assert list(held.column("offset")) == before
    if expected:
        assert part.drop(expected[0][1])
        assert not part.drop(expected[0][1])
        assert len(part.rows) == len(expected) - 1
    size = sum(block.nbytes for block in part.rows.blocks)
    assert size <= 96 * max(16, len(part.rows))


def test_the_next_length_is_found_among_zeros():
    """The scan for a frame finds it at any place, in zeros or noise."""
    framed = frame(b"x" * 100)
    for noise in (bytes(1000), random.Random(0).randbytes(1000)):
        for at in (0, 1, 511, 984):
            window = (noise[:at] + framed)[:1000]
            assert find_length(window, 10_000) == at
    assert find_length(bytes(1000), 10_000) is None
    assert find_length(b"", 10) is None


def test_runs_are_found_where_tensorboard_names_them(tmp_path):
    """`--logdir` and `--logdir_spec` lead to the directories that TensorBoard means."""
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "c:d").mkdir()
    root = str(tmp_path)

    def of(**flags):
        return LogDirs.of_flags(type("Flags", (), flags)())

    plain = of(logdir=root)
    assert os.path.samefile(plain.directory("."), root)
    assert os.path.samefile(plain.directory("a/b"), tmp_path / "a" / "b")
    for outside in ("..", "a/../..", "/etc", "", "a\0", "nothing"):
        assert plain.directory(outside) is None
    spec = of(logdir_spec=f"x:{root}/a,{root}/c:d,y/z:{root}")
    assert os.path.samefile(spec.directory("x/b"), tmp_path / "a" / "b")
    assert os.path.samefile(spec.directory("x/."), tmp_path / "a")
    assert os.path.samefile(spec.directory("."), tmp_path / "c:d")
    assert os.path.samefile(spec.directory("y/z/a/b"), tmp_path / "a" / "b")
    assert of(logdir="gs://bucket/logs") is None
    assert of(logdir_spec="s3://bucket,b:gs://bucket") is None
    assert of(logdir=root, grpc_data_provider="localhost:1") is None
    assert of(logdir="") is None
    assert plain.readable and not of(logdir=f"{root}/nothing").readable


def test_local_runs_are_found_beside_remote_directories(tmp_path):
    """A remote directory changes nothing for local runs, but for those that it could name too."""
    (tmp_path / "a").mkdir()
    root = str(tmp_path)

    def of(spec):
        return LogDirs.of_flags(type("Flags", (), {"logdir_spec": spec})())

    beside = of(f"s3://bucket/x,here:{root},there:gs://bucket/y")
    assert os.path.samefile(beside.directory("here/a"), tmp_path / "a")
    assert not beside.contested("here/a") and not beside.readable
    assert beside.directory("there/a") is None and beside.contested("there/a")
    # TensorBoard lets a later directory replace an earlier one.
    assert of(f"{root},s3://bucket").contested("a")
    assert not of(f"s3://bucket,{root}").contested("a")
    assert of(f"g:{root},g:s3://bucket").contested("g/a")
    assert not of(f"g:{root},g/deeper:s3://bucket").contested("g/a")


def wait_for_steps(timelines, expected):
    """Asks until the run's steps are these: a request waits but half a second for the index."""
    deadline = time.monotonic() + PATIENCE
    while steps(timelines.run("run")) != expected:
        assert time.monotonic() < deadline
        time.sleep(Timelines.FRESH)


def test_a_run_is_filled_in_the_background(tmp_path):
    """A first request waits for the index; later ones are answered from it, refreshed."""
    path = write(tmp_path / "run", range(5))
    timelines = Timelines(LogDirs(((str(tmp_path), None),)), Said())
    wait_for_steps(timelines, [0, 1, 2, 3, 4])
    with open(path, "ab") as file:
        file.write(frame(event("conv", 5, layer((2, 3)))))
    wait_for_steps(timelines, [0, 1, 2, 3, 4, 5])
    assert timelines.run("other") is None
    (tmp_path / "empty").mkdir()
    assert timelines.run("empty") is None
