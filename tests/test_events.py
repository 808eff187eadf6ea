"""Event files as TensorBoard reads them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from logs import event
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

from tb_activations import record
from tb_activations.eventfile import writer as events
from tb_activations.record import metadata


def test_tensorboard_reads_what_is_appended(tmp_path: Path) -> None:
    """Steps, tags, metadata and blobs come back, checksums and file version accepted."""
    array = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    with events.EventWriter(tmp_path / "new" / "run") as writer:
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
    with events.EventWriter(tmp_path) as writer:
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
        monkeypatch.setattr(events.time, "time_ns", lambda now=moment: now)
        monkeypatch.setattr(events.os, "getpid", lambda number=process: number)
        names.append(events.event_file_name(".activations"))
    assert names == sorted(names)


def test_the_checksum_is_the_one_of_tfrecord() -> None:
    """CRC-32C of the nine digits is e3069283, masked as TFRecord masks it."""
    crc = 0xE3069283
    masked = (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF
    assert events.masked_crc32c(b"123456789") == masked
