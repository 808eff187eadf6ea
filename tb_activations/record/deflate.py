"""Bytes ↔ a zlib stream, by ISA-L where it is installed, else by zlib; either reads the other's.

On one core, for a million float16 values of a ReLU layer: ISA-L deflates in 3 ms where zlib's
level 1 takes 18, and inflates in 4 where zlib takes 9. Both release Python's lock while they work,
so that pages are worked on at the same time (`at_once`).
"""

from __future__ import annotations

import contextlib
import functools
import os
import struct
import threading
import zlib
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from tb_activations.record.errors import RecordError

isal_zlib: Any = None
with contextlib.suppress(ImportError):  # no wheel for this Python or machine
    from isal import isal_zlib

_THREADS = 4
_ZLIB_FRONT = b"\x78\x01"  # deflated, a window of 32 KiB, the lowest level
_lock = threading.Lock()
_pool: ThreadPoolExecutor | None = None


def deflate(parts: Sequence[Any], level: int, by_zlib: Collection[int] = ()) -> bytes:
    """A zlib stream of buffers, one after the other; level 1 by ISA-L, where it is, 2 to 9 by zlib.

    ISA-L begins a block of codes with each part, so that parts of other bytes take other codes: 2
    to 5 % less for the byte planes of a layer.

    Args:
      by_zlib: numbers of the parts that zlib deflates at level 1 too: it finds repetitions of three
        bytes, where ISA-L's have four, and takes seven times as long.
    """
    if isal_zlib is None or level != 1:
        return zlib.compress(parts[0] if len(parts) == 1 else b"".join(parts), level)
    compressor = _isal(15 if not by_zlib else -15)
    out, last = [b"" if not by_zlib else _ZLIB_FRONT], len(parts) - 1
    for i, part in enumerate(parts):
        one: Any = zlib.compressobj(1, zlib.DEFLATED, -15) if i in by_zlib else compressor
        if i - 1 in by_zlib and i not in by_zlib:
            one = compressor = _isal(-15)  # whose distances do not reach over what zlib deflated
        out.append(one.compress(part))
        out.append(one.flush(zlib.Z_FINISH if i == last else zlib.Z_SYNC_FLUSH))
    if by_zlib:
        out.append(struct.pack(">I", functools.reduce(_adler32, parts, 1)))
    return b"".join(out)


def _isal(window: int) -> Any:
    """ISA-L's level 2 and small buffers: as fast as its level 1, and 1 % smaller."""
    return isal_zlib.compressobj(2, isal_zlib.DEFLATED, window, 2)


def _adler32(value: int, part: Any) -> int:
    return isal_zlib.adler32(part, value)


def size_of(parts: Sequence[Any], by_zlib: bool = False) -> int:
    """Bytes that `parts` take at level 1."""
    return len(deflate(parts, 1, range(len(parts)) if by_zlib else ()))


def inflate(stream: bytes, size: int) -> bytes:
    """The `size` bytes in a zlib stream; never more memory than they take is asked for.

    Raises:
      RecordError: the stream is damaged, or holds another number of bytes.
    """
    library: Any = isal_zlib or zlib
    decompressor = library.decompressobj()
    try:
        data = decompressor.decompress(stream, size + 1)
    except library.error as e:
        raise RecordError(f"a page cannot be inflated: {e}") from e
    if len(data) != size or not decompressor.eof:
        found = "more" if len(data) > size else f"{len(data):,}, or a stream that ends early"
        raise RecordError(f"a page of {found} where the header says {size:,} bytes")
    return data


def crc32(data: Any, value: int = 0) -> int:
    """The CRC of PNG."""
    return (isal_zlib or zlib).crc32(data, value)


def at_once(work: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
    """`work` of each, on several threads where there are several items and cores.

    What one raises is raised.
    """
    pool = _threads() if len(items) > 1 else None
    if pool is None:
        return [work(item) for item in items]
    first, *rest = items
    futures: list[Future[Any]] = []
    try:
        futures.extend(pool.submit(work, item) for item in rest)
    except RuntimeError:  # the interpreter ends, and starts no thread any more
        done = len(futures)
        late = [work(item) for item in rest[done:]]
    else:
        late = []
    return [work(first), *(future.result() for future in futures), *late]


def _threads() -> ThreadPoolExecutor | None:
    """One pool for all, made when it is first of use; None on one core."""
    global _pool
    count = min(_cores(), _THREADS) - 1
    if count < 1:
        return None
    with _lock:
        if _pool is None:
            _pool = ThreadPoolExecutor(count, thread_name_prefix="activations-pages")
        return _pool


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _forked() -> None:
    """The threads stay behind in the process that forked."""
    global _pool, _lock
    _pool, _lock = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
