"""Pages as PNG: written and read by the record's own code, by ISA-L and by zlib."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image
from servers import PATIENCE

from tb_activations.record import RecordError, deflate, pages, png
from tb_activations.record.packing import Packing, packing_for

RANDOM = np.random.default_rng(3)
PLANES = np.maximum(RANDOM.normal(size=(6, 5000)), 0)


def rows(filters: list[int], width: int = 700) -> np.ndarray:
    """Rows of random bytes, each after its filter."""
    out = RANDOM.integers(0, 256, (len(filters), 1 + width)).astype(np.uint8)
    out[:, 0] = filters
    return out


def pillow(page: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(page)))


@pytest.fixture(params=["isal", "zlib"])
def deflater(request, monkeypatch):
    """ISA-L, and the zlib that takes its place where it is not installed."""
    if request.param == "zlib":
        monkeypatch.setattr(deflate, "isal_zlib", None)
    elif deflate.isal_zlib is None:
        pytest.skip("isal is not installed here")


@pytest.mark.parametrize("filters", [[0], [1], [0, 1, 0, 1, 1], [2, 3, 4, 0, 1], [4]])
def test_every_filter_is_read_as_pillow_reads_it(deflater, filters):
    """A PNG of each of the five filters gives the bytes that another reader finds."""
    page = png.write(rows(filters), 1)
    assert np.array_equal(png.read(page, len(filters), 700), pillow(page))


def test_what_records_and_graphs_write_needs_no_pillow(monkeypatch):
    """Filters 0 and 1 are undone without it."""
    monkeypatch.setattr(png.PngImagePlugin, "PngImageFile", None)
    for filters in ([0], [1], [1, 0]):
        png.read(png.write(rows(filters), 1), len(filters), 700)
    with pytest.raises(RecordError, match="cannot be read"):
        png.read(png.write(rows([2]), 1), 1, 700)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("compression", [1, 2, 9])
def test_pages_come_back_whatever_wrote_them(monkeypatch, dtype, compression):
    """ISA-L reads what zlib wrote and the reverse, bit for bit; so does Pillow."""
    planes = PLANES.astype(dtype)
    written = [pages.encode_png(planes, compression)]
    if deflate.isal_zlib is not None:
        monkeypatch.setattr(deflate, "isal_zlib", None)
        written.append(pages.encode_png(planes, compression))
        assert np.array_equal(pages.decode_page(written[0], "png", dtype, 6, 5000), planes)
        monkeypatch.undo()
    for page in written:
        assert np.array_equal(pages.decode_page(page, "png", dtype, 6, 5000), planes)
        split = pillow(page).ravel().reshape(-1, planes.size)
        assert np.array_equal(split[0], planes.ravel().view(np.uint8)[:: planes.itemsize])


def test_a_long_page_is_folded_and_its_end_padded():
    """Rows of more than 2^19 bytes are several, of one width."""
    planes = RANDOM.normal(size=(1, 300_001)).astype(np.float32)
    page = pages.encode_png(planes, 1)
    height, width = pages.fold_of(planes.nbytes)
    assert (height, width) == (3, 400_002) and pillow(page).shape == (height, width)
    assert np.array_equal(pages.decode_page(page, "png", "float32", 1, 300_001), planes)


def test_many_chunks_are_one_stream():
    """What stands in several IDAT, and chunks of other kinds between, change nothing."""
    filtered = rows([1])
    stream = zlib.compress(filtered.tobytes())
    whole = png.write(filtered, 1)
    front, end = whole[:33], whole[-12:]
    parts = [b"".join(png._chunk(b"IDAT", stream[i : i + 97])) for i in range(0, len(stream), 97)]
    page = b"".join([front, *png._chunk(b"tEXt", b"a\0b"), *parts, end])
    assert np.array_equal(png.read(page, 1, 700), png.read(whole, 1, 700))


def framed(stream: bytes, width: int) -> bytes:
    front = struct.pack(">IIBBBBB", width, 1, 8, 0, 0, 0, 0)
    chunks = [*png._chunk(b"IHDR", front), *png._chunk(b"IDAT", stream)]
    return b"".join([b"\x89PNG\r\n\x1a\n", *chunks, *png._chunk(b"IEND", b"")])


def test_no_more_is_inflated_than_the_header_says(deflater):
    """A page of a few kilobytes that inflates to 200 MB is refused, and takes no memory."""
    page = framed(zlib.compress(bytes(200_000_000), 9), 1000)
    tracemalloc.start()
    with pytest.raises(RecordError, match="more where the header says 1,001"):
        png.read(page, 1, 1000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000


def test_a_page_that_ends_early_is_refused(deflater):
    """Fewer bytes than the header says, a cut stream, a wrong checksum of what is in it."""
    stream = zlib.compress(bytes(range(200)) * 5 + b"x")
    assert png.read(framed(stream, 1000), 1, 1000) is not None
    for bad in (zlib.compress(bytes(500)), stream[:-3], stream[:40], stream[:-1] + b"\0", b""):
        with pytest.raises(RecordError):
            png.read(framed(bad, 1000), 1, 1000)


def test_damage_to_a_page_is_seen_or_harmless(deflater):
    """Every byte of a page can be flipped or its end cut off: RecordError, or the same values."""
    planes = PLANES[:1, :600].astype(np.float16)
    page = pages.encode_png(planes, 1)
    for at in range(len(page)):
        bad = bytearray(page)
        bad[at] ^= 1 + at % 255
        for damaged in (bytes(bad), page[:at]):
            try:
                found = pages.decode_page(damaged, "png", "float16", 1, 600)
            except RecordError:
                continue
            assert np.array_equal(found, planes)


def test_isal_is_what_deflates_where_it_is_declared():
    """On machines for which setup.py asks for it, level 1 is ISA-L's."""
    if deflate.isal_zlib is None:
        pytest.skip("isal is not installed here")
    data = PLANES.astype(np.float16).tobytes()
    halves = [data[:30_000], data[30_000:]]
    assert deflate.deflate(halves, 9) == zlib.compress(data, 9)
    assert deflate.deflate(halves, 1) != zlib.compress(data, 1)
    assert zlib.decompress(deflate.deflate(halves, 1)) == data


def test_byte_planes_take_less_room_apart():
    """A page of isal's, whose planes have codes of their own, takes less than zlib's level 1."""
    if deflate.isal_zlib is None:
        pytest.skip("isal is not installed here")
    planes = np.maximum(RANDOM.normal(size=(16, 8192)), 0).astype(np.float16)
    split = planes.reshape(-1).view(np.uint8).reshape(-1, 2).T
    assert len(pages.encode_png(planes, 1)) < 0.99 * len(zlib.compress(split.tobytes(), 1))


def narrow_channels() -> np.ndarray:
    """Channels of a strength of their own, each within a few binades: 32 planes of 64×64."""
    strong = 10.0 ** RANDOM.uniform(-2, 0, (32, 1))
    return (strong + 0.05 * strong * RANDOM.normal(size=(32, 4096))).astype(np.float32)


def short_repetitions() -> np.ndarray:
    """float32 whose third bytes repeat themselves by threes, as small channels' may."""
    words = RANDOM.integers(0, 256, (400, 3)).astype(np.uint32)
    third = words[RANDOM.integers(0, len(words), 43_648)].reshape(-1)[:130_944]
    rest = RANDOM.integers(0, 1 << 16, len(third)).astype(np.uint32)
    return (third << 16 | rest | 63 << 24).view(np.float32).reshape(-1, 64)


@pytest.mark.parametrize(
    ("values", "packing"),
    [(narrow_channels, Packing(piece=4096)), (short_repetitions, Packing(by_zlib=True))],
)
def test_a_sample_tells_how_float32_takes_least(values, packing):
    """Codes for each channel, or zlib for one plane, where they take less; all zlibs read it."""
    if deflate.isal_zlib is None:
        pytest.skip("isal is not installed here")
    planes = values()
    assert packing_for(planes, 1) == packing
    split = planes.reshape(-1).view(np.uint8).reshape(-1, 4).T
    found, plain = pages.encode_png(planes, 1, packing), pages.encode_png(planes, 1)
    assert len(found) < min(0.99 * len(plain), len(zlib.compress(split.tobytes(), 1)))
    back = pages.decode_page(found, "png", "float32", *planes.shape)
    assert back.tobytes() == planes.tobytes()
    assert np.array_equal(pillow(found).reshape(split.shape), split)


def test_many_values_with_zeros_may_be_zlibs():
    """Where zlib shortens the third bytes of a large sparse layer, it does; small ones are not
    asked, whose sample would take as long as their pages."""
    if deflate.isal_zlib is None:
        pytest.skip("isal is not installed here")
    chosen = np.tile(short_repetitions().reshape(-1), 3)
    chosen[np.repeat(RANDOM.random(len(chosen) // 3) < 0.45, 3)] = 0
    planes = chosen[: 1 << 18].reshape(64, 4096)
    assert packing_for(planes, 1) == Packing(by_zlib=True)
    assert packing_for(planes[:16], 1) == Packing()
    found = sum(map(len, pages.encode_pages(planes, "png", 1)))
    plain = sum(len(pages.encode_png(half, 1)) for half in (planes[:32], planes[32:]))
    assert found < 0.95 * plain


@pytest.mark.parametrize("by_zlib", [[0], [1], [0, 2], [3], [0, 1, 2, 3]])
def test_parts_of_a_stream_may_be_zlibs(by_zlib):
    """Parts that zlib and ISA-L deflate in turns are one stream, its checksum included."""
    parts = [PLANES[i].astype(dtype).tobytes() for i, dtype in enumerate(("f2", "f4", "f4", "f2"))]
    assert zlib.decompress(deflate.deflate(parts, 1, by_zlib)) == b"".join(parts)


def test_work_at_once_keeps_its_order_and_its_errors():
    """Results stand as their items did; what one raises is raised."""
    assert deflate.at_once(lambda i: i * i, range(50)) == [i * i for i in range(50)]
    with pytest.raises(ZeroDivisionError):
        deflate.at_once(lambda i: 1 // i, [3, 2, 1, 0])


AT_EXIT = """
import atexit
import numpy as np
from tb_activations.record import pages
planes = np.ones((64, 8192), np.float32)
pages.encode_pages(planes, "png", 1)
atexit.register(lambda: print(len(pages.encode_pages(planes, "png", 1)), "pages"))
"""


def test_pages_are_written_while_the_interpreter_ends():
    """Where no thread can be started any more, one writes them all."""
    done = subprocess.run([sys.executable, "-c", AT_EXIT], capture_output=True, text=True)
    assert done.stdout == "4 pages\n" and not done.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_has_threads_of_its_own():
    """A worker forked after pages were written at once writes pages, and does not wait forever."""
    code = (
        "import os, sys, numpy as np\n"
        "from tb_activations.record import pages\n"
        "write = lambda: pages.encode_pages(np.ones((64, 8192), np.float32), 'png', 1)\n"
        "write()\n"
        "child = os.fork()\n"
        "os._exit(len(write())) if not child else None\n"
        "sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    assert (
        subprocess.run([sys.executable, "-W", "ignore", "-c", code], timeout=PATIENCE).returncode
        == 4
    )
