"""Records through TensorBoard's data provider: which runs and tags there are, and sampled steps.

The provider answers a tag with blob references, one round trip each (44 ms under the Rust server),
so headers are fetched in parallel and remembered, and a request reads them for a bounded time:
`complete` is false while some are still unread, or while TensorBoard may still be reading the log.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from tensorboard import errors
from tensorboard.data import provider as tb_provider

from tb_activations.names import PLUGIN_NAME
from tb_activations.record.decoder import Blob, parse_labels, parse_summary
from tb_activations.record.errors import RecordError
from tb_activations.record.header import parse_header
from tb_activations.record.metadata import parse_metadata
from tb_activations.sources.lru import Lru
from tb_activations.sources.provider_series import Known, ProviderSeries
from tb_activations.sources.series import Gone, TagInfo, Unavailable, Viewer, Where
from tb_activations.sources.warn import WarnOnce, logger

KEEPS = 10  # blob sequences per tag, where the user sets nothing
ALL = 1_000_000  # `downsample` 0 means nothing, not all
SECONDS = 2.0
SETTLES = 5.0  # seconds, as long as TensorBoard waits between two looks by default
MAX_REMEMBERED = 20_000
PARALLEL = 8

T = TypeVar("T")


class ProviderSource:
    """Reads activations through a `DataProvider`, whichever it is.

    Args:
      provider: TensorBoard's.
      keeps: how many steps of a tag it keeps; 0 for all.
      tags_of: the tags of a run as another source knows them, for where the provider cannot list
        them at once.
    """

    def __init__(
        self,
        provider: Any,
        keeps: int = KEEPS,
        warn: WarnOnce | None = None,
        tags_of: Callable[[str], list[str]] | None = None,
    ) -> None:
        self._provider = provider
        self._keeps = keeps
        self._tags_of = tags_of or (lambda run: [])
        self._warn = warn or WarnOnce()
        self._remembered: Lru[tuple, Known] = Lru(MAX_REMEMBERED)
        self._seen: Lru[tuple, tuple[tuple, float]] = Lru(MAX_REMEMBERED)
        self._pool = ThreadPoolExecutor(PARALLEL, thread_name_prefix="activations-blob")

    def tags(
        self, viewer: Viewer, run: str | None = None, tag: str | None = None
    ) -> dict[str, dict[str, TagInfo]]:
        """The tags of every run that has any (of one run or tag, where given), both sorted."""
        listing = self._list(viewer, run, tag)
        found: dict[str, dict[str, TagInfo]] = {}
        for name in sorted(listing):
            tags = dict(self._readable(name, listing[name]))
            if tags:
                found[name] = tags
        return found

    def series(self, viewer: Viewer, where: Where) -> ProviderSeries:
        """The steps of one tag. Raises Gone where the provider does not have it."""
        kept = self._call(
            self._provider.read_blob_sequences,
            viewer.context,
            experiment_id=viewer.experiment,
            plugin_name=PLUGIN_NAME,
            downsample=ALL,
            run_tag_filter=tb_provider.RunTagFilter(runs=[where.run], tags=[where.tag]),
        )
        found = kept.get(where.run, {}).get(where.tag, ())
        data = sorted(found, key=lambda datum: datum.step)
        known = self._known(viewer, where, data)
        good = [(d, k) for d, k in zip(data, known, strict=True) if k and k.header]
        sampled = 0 < self._keeps <= len(data)
        settled = self._settled(viewer, where, data)
        return ProviderSeries(
            complete=None not in known and (sampled or settled),
            sampled=sampled,
            data=[d for d, _ in good],
            known=[k for _, k in good if k],
            fetch=lambda keys: self._fetch(viewer, keys),
        )

    def _settled(self, viewer: Viewer, where: Where, data: Sequence[Any]) -> bool:
        """Whether the same steps were there at a look SETTLES seconds ago.

        TensorBoard does not say whether it is still reading a log; until it is through, what it
        lists looks like all there is.
        """
        now, key = time.monotonic(), (viewer.experiment, where)
        found = [(datum.step, datum.wall_time) for datum in data[-1:]]
        seen = self._seen.get(key)
        if seen is None or seen[0] != (len(data), found):
            self._seen.put(key, ((len(data), found), now))
            return False
        return now - seen[1] >= SETTLES

    def _list(self, viewer: Viewer, run: str | None, tag: str | None) -> Mapping[str, Any]:
        try:
            return self._list_runs(viewer, None if run is None else [run], tag)
        except KeyError:
            # A tag that has metadata and no tensor breaks the listing of all: go run by run.
            return self._list_each(viewer, run, tag)

    def _list_runs(
        self, viewer: Viewer, runs: list[str] | None, tag: str | None
    ) -> Mapping[str, Any]:
        return self._call(
            self._provider.list_blob_sequences,
            viewer.context,
            experiment_id=viewer.experiment,
            plugin_name=PLUGIN_NAME,
            run_tag_filter=tb_provider.RunTagFilter(runs=runs, tags=None if tag is None else [tag]),
        )

    def _list_each(self, viewer: Viewer, run: str | None, tag: str | None) -> Mapping[str, Any]:
        runs = self._call(self._provider.list_runs, viewer.context, experiment_id=viewer.experiment)
        listing: dict[str, Any] = {}
        for name in [r.run_name for r in runs if run in (None, r.run_name)]:
            with contextlib.suppress(KeyError):
                listing.update(self._list_runs(viewer, [name], tag))
                continue
            self._warn(("list", name), "run %r has a tag without values, which is skipped", name)
            listing[name] = self._list_tags(viewer, name, tag)
        return listing

    def _list_tags(self, viewer: Viewer, run: str, tag: str | None) -> Mapping[str, Any]:
        """The tags of a run that can be listed one by one."""
        listing: dict[str, Any] = {}
        for name in self._tags_of(run) if tag is None else [tag]:
            with contextlib.suppress(KeyError):
                listing.update(self._list_runs(viewer, [run], name).get(run, {}))
        return listing

    def _readable(self, run: str, tags: Mapping[str, Any]) -> Iterator[tuple[str, TagInfo]]:
        for tag in sorted(tags):
            try:
                metadata = parse_metadata(tags[tag].plugin_content)
            except ValueError as e:
                self._warn(("tag", run, tag), "tag %r of run %r is skipped: %s", tag, run, e)
                continue
            yield tag, TagInfo(metadata, tags[tag].description, _finite(tags[tag].max_wall_time))

    def _known(self, viewer: Viewer, where: Where, data: Sequence[Any]) -> list[Known | None]:
        """What is known of each record; None where there was no time to read it."""
        keys = [(viewer.experiment, where, datum.step, datum.wall_time) for datum in data]
        deadline = time.monotonic() + SECONDS
        for first in range(0, len(data), PARALLEL):
            unread = [
                i
                for i in range(first, min(first + PARALLEL, len(data)))
                if self._remembered.get(keys[i]) is None
            ]
            if unread and time.monotonic() > deadline:
                break
            read = self._pool.map(lambda i: self._read(viewer, where, data[i]), unread)
            for i, known in zip(unread, read, strict=True):
                if known is not None:
                    self._remembered.put(keys[i], known)
        return [self._remembered.get(key) for key in keys]

    def _read(self, viewer: Viewer, where: Where, datum: Any) -> Known | None:
        """Header, summary and labels of one record; None where it has just gone."""
        if len(datum.values) < Blob.FIRST_PAGE:
            self._skip(where, datum.step, f"it has {len(datum.values)} blobs, not 4 or more")
            return Known(None, None, None)
        try:
            header, summary, labels = (
                self._blob(viewer, datum.values[i].blob_key)
                for i in (Blob.HEADER, Blob.SUMMARY, Blob.LABELS)
            )
            parsed = parse_header(header)
            return Known(parsed, parse_summary(summary), parse_labels(labels, parsed))
        except RecordError as e:
            self._skip(where, datum.step, str(e))
            return Known(None, None, None)
        except Gone:
            return None

    def _skip(self, where: Where, step: int, reason: str) -> None:
        self._warn(("record", where, step), "step %d of %s, is skipped: %s", step, where, reason)

    def _fetch(self, viewer: Viewer, keys: Sequence[str]) -> list[bytes]:
        return list(self._pool.map(lambda key: self._blob(viewer, key), keys))

    def _blob(self, viewer: Viewer, key: str) -> bytes:
        try:
            blob = self._call(self._provider.read_blob, viewer.context, blob_key=key)
        except (KeyError, IndexError, errors.NotFoundError) as e:
            raise Gone("the data provider no longer keeps this step") from e
        return blob if isinstance(blob, bytes) else str(blob).encode("utf-8")

    def _call(self, method: Callable[..., T], *args: Any, **options: Any) -> T:
        """Calls the provider; what is not an answer of its contract becomes Unavailable."""
        try:
            return method(*args, **options)
        except (errors.PublicError, KeyError, IndexError):
            raise
        except Exception as e:
            logger.warning("TensorBoard's data provider failed: %s", e)
            raise Unavailable(f"TensorBoard's data provider failed: {type(e).__name__}") from e


def _finite(number: float | None) -> float | None:
    return number if number is not None and math.isfinite(number) else None
