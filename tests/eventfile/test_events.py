"""Event files as TensorBoard reads them."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from logs import event
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

from tb_activations import record
from tb_activations.eventfile import writer as writers
from tb_activations.eventfile.event import activation_event
from tb_activations.eventfile.frame import (
    FRAME_FOOTER_BYTES,
    FRAME_HEADER_BYTES,
    frame,
    holds,
    intact,
    length_at,
    masked_crc32c,
)
from tb_activations.eventfile.last_step import last_step
from tb_activations.eventfile.writer import EventWriter, event_file_name
from tb_activations.record import metadata


def test_tensorboard_reads_what_is_appended(tmp_path: Path) -> None:
    """Steps, tags, metadata and blobs come back, checksums and file version accepted."""
    array = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    with EventWriter(tmp_path / "new" / "run") as writer:
        for step in range(3):
            writer.write(event("layer", step, array + step, kind="input", order=7))
    version, *loaded = EventFileLoader(str(writer.path)).Load()
    assert version.file_version == "brain.Event:2"
    assert [e.step for e in loaded] == [0, 1, 2]
    value = loaded[1].summary.value[0]
    assert value.tag == "layer"
    assert metadata.parse_metadata(value.metadata.plugin_data.content) == metadata.TagMetadata(
        "input", 7
    )
    assert list(value.tensor.string_val) == record.encode(array + 1)


def test_an_event_that_does_not_fit_is_taken_back(tmp_path: Path) -> None:
    """After a failed write the file ends with the last whole event, and can be written again."""
    array = np.zeros((2, 3), np.float32)
    with EventWriter(tmp_path) as writer:
        writer.write(event("a", 0, array))
        raw = writer._file

        class Full:
            """The file, on a disk that holds ten more bytes."""

            def write(self, data: memoryview) -> int:
                raw.write(data[:10])
                raise OSError(28, "No space left on device")

            def __getattr__(self, name: str) -> object:
                return getattr(raw, name)

        writer._file = Full()  # type: ignore[assignment]
        with pytest.raises(OSError, match="No space"):
            writer.write(event("b", 1, array))
        writer._file = raw
        writer.write(event("c", 2, array))
    tags = [
        value.tag for e in EventFileLoader(str(writer.path)).Load() for value in e.summary.value
    ]
    assert tags == ["a", "c"]


def test_a_file_made_later_has_the_later_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Within one second too, and where the later process has a number that sorts before."""
    moments = [1795410693 * 10**9 + 5, 1795410693 * 10**9 + 400_000_000, 1795410694 * 10**9]
    names = []
    for moment, process in zip(moments, (8581, 10403, 999), strict=True):
        monkeypatch.setattr(writers.time, "time_ns", lambda now=moment: now)
        monkeypatch.setattr(writers.os, "getpid", lambda number=process: number)
        names.append(event_file_name(".activations"))
    assert names == sorted(names)


def test_the_checksum_is_the_one_of_tfrecord() -> None:
    """CRC-32C of the nine digits is e3069283, masked as TFRecord masks it."""
    crc = 0xE3069283
    expected = (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF
    assert masked_crc32c(b"123456789") == expected


def test_a_frame_tells_its_length_and_its_damage(tmp_path: Path) -> None:
    """Length and data are checked each by its own checksum, in memory as on the disk."""
    framed = frame(b"some data")
    assert length_at(b"xx" + framed, 2) == 9
    assert length_at(bytes([framed[0] ^ 1]) + framed[1:]) is None
    assert holds(framed[FRAME_HEADER_BYTES:-FRAME_FOOTER_BYTES], framed[-FRAME_FOOTER_BYTES:])
    assert not holds(b"some date", framed[-FRAME_FOOTER_BYTES:])
    for damage, expected in ((0, True), (1, False)):
        whole = bytearray(framed)
        whole[FRAME_HEADER_BYTES + 3] ^= damage
        (tmp_path / "file").write_bytes(whole)
        with open(tmp_path / "file", "rb") as file:
            assert intact(file.fileno(), 0, 9) is expected


def test_the_last_step_is_the_largest_of_our_own_records(tmp_path: Path) -> None:
    """Of all files; events of other plugins do not count, whatever they hold."""
    array = np.zeros((2, 3), np.float32)
    foreign = metadata.summary_metadata()
    foreign.plugin_data.plugin_name = "scalars"
    assert last_step(tmp_path / "missing") is None
    with EventWriter(tmp_path) as writer:
        assert last_step(tmp_path) is None
        writer.write(activation_event("foreign", [b'{"channel_ids":null}'], 90, 1e9, foreign))
        assert last_step(tmp_path) is None
        for step in (3, 7, 5):
            writer.write(event("layer", step, array))
    with EventWriter(tmp_path, ".later") as writer:
        writer.write(event("layer", 4, array))
        writer.write(event("t" * 5000, 6, array))
    assert last_step(tmp_path) == 7
    writer.path.unlink()
    (tmp_path / "tfevents.folder").mkdir()
    assert last_step(str(tmp_path)) == 7


def test_the_last_step_passes_over_damage(tmp_path: Path) -> None:
    """A record behind a damaged length counts, one that is torn at the end does not."""
    array = np.zeros((2, 3), np.float32)
    with EventWriter(tmp_path) as writer:
        for step in range(4):
            writer.write(event("layer", step, array))
    whole = writer.path.read_bytes()
    writer.path.write_bytes(whole[:-1])
    assert last_step(tmp_path) == 2
    damaged = bytearray(whole)
    starts, at = [], 0
    while at < len(whole):
        starts.append(at)
        at += FRAME_HEADER_BYTES + (length_at(whole, at) or 0) + FRAME_FOOTER_BYTES
    damaged[starts[2]] ^= 0xFF
    writer.path.write_bytes(damaged)
    assert last_step(tmp_path) == 3


def test_the_last_step_is_found_where_the_system_has_no_pread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Training runs on Windows too, which can only seek and read."""
    monkeypatch.delattr(os, "pread")
    with EventWriter(tmp_path) as writer:
        for step in range(5):
            writer.write(event("layer", step, np.zeros((2, 100, 100, 3), np.float32)))
    assert last_step(tmp_path) == 4


@pytest.mark.parametrize(
    "log_dir", ["nosuchstore://bucket/run", Path("gs://bucket/run"), "s3:///x"]
)
def test_a_remote_directory_is_refused_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log_dir: str | Path
) -> None:
    """No local folder is named after a scheme, of a `Path` either, which has lost a slash."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r"log_dir is '.*:/.*'; it must be a path on this machine"):
        EventWriter(log_dir)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("log_dir", ["a:b", "c/d://e", "10:30", "x:"])
def test_a_colon_in_a_name_makes_no_directory_remote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log_dir: str
) -> None:
    """Times and groups of runs have colons."""
    monkeypatch.chdir(tmp_path)
    with EventWriter(log_dir) as writer:
        assert writer.path.is_file()
