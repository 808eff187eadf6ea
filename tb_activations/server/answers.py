"""What the reader found → HTTP: the JSON of each route, binary with an ETag, the bundle, errors.

The shapes of the JSON are in docs/http_api.md.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import werkzeug
import werkzeug.datastructures
from tensorboard import plugin_util
from tensorboard.backend import http_util

from tb_activations.names import SCRIPTS
from tb_activations.record.checks import Check
from tb_activations.record.header import Header
from tb_activations.record.run import RunFacts
from tb_activations.record.scores import MEMBERS, listed
from tb_activations.record.statistics import COLUMNS
from tb_activations.server.classifier import Answered
from tb_activations.server.found import Health, Step, Steps
from tb_activations.server.largest import Largest
from tb_activations.server.lookup import NotThere
from tb_activations.server.overview import Overview, Strip
from tb_activations.server.packed import Kind, Latest, Packed
from tb_activations.server.reader import Tensor
from tb_activations.server.scores import Scored
from tb_activations.sources.series import TagInfo

BUNDLE, MORE = (Path(__file__).parents[1] / "static" / script for script in SCRIPTS)
_BYTES = "application/octet-stream"
_YEAR = 365 * 24 * 3600
_REMEMBERED = 1000  # headers of /steps as JSON


def tags(
    request: werkzeug.Request, index: Mapping[str, Mapping[str, TagInfo]]
) -> werkzeug.Response:
    """`/tags`."""
    listed = {run: {tag: _tag(info) for tag, info in found.items()} for run, found in index.items()}
    return _json(request, json.dumps(listed))


def steps(request: werkzeug.Request, found: Steps) -> werkzeug.Response:
    """`/steps`."""
    head = {**_completeness(found), "stats": COLUMNS}
    entries = ",".join(_steps(found.entries))
    return _json(request, f'{json.dumps(head)[:-1]}, "steps": [{entries}]}}')


def packed(request: werkzeug.Request, found: Packed) -> werkzeug.Response:
    """`/steps?form=packed`."""
    of = found.columns
    answer = {
        **_completeness(found),
        "stats": COLUMNS,
        "count": found.count,
        "since": found.first,
        "step": _differences(of.steps.tolist()),
        "time": _differences(of.times.tolist()),
        "kind": _runs(of.numbers.tolist()),
        "kinds": [_kind(kind) for kind in of.kinds],
    }
    return _json(request, json.dumps(answer, separators=(",", ":")))


def latest(request: werkzeug.Request, found: Latest) -> werkzeug.Response:
    """`/latest`."""
    time = found.wall_time if math.isfinite(found.wall_time or 0) else None
    answer = {**asdict(found), "wall_time": time}
    return _json(request, json.dumps(answer, separators=(",", ":")))


def overview(request: werkzeug.Request, found: Health) -> werkzeug.Response:
    """`/overview`."""
    update = found.update and {"step": found.update[0], **asdict(found.update[1])}
    answer = {**_completeness(found), **_overview(found.overview), "update": update}
    return _json(request, json.dumps(answer, allow_nan=False, separators=(",", ":")))


def facts(
    request: werkzeug.Request, found: RunFacts, checks: Sequence[tuple[int, Check]]
) -> werkzeug.Response:
    """`/run`."""
    checked = [{"step": step, **asdict(check)} for step, check in checks]
    return _json(request, json.dumps({**asdict(found), "randomization": checked}))


def tensor(request: werkzeug.Request, found: Tensor) -> werkzeug.Response:
    """`/tensor`; its values are read only where the client has not got them."""
    shape = ",".join(str(side) for side in found.shape)
    etag = _digest(repr(found.identity).encode("utf-8"))
    return _binary(request, found.read, etag, {"X-Shape": shape})


def statistics(request: werkzeug.Request, tables: bytes) -> werkzeug.Response:
    """`/stats`."""
    return _binary(request, lambda: tables, _digest(tables), {})


def scores(request: werkzeug.Request, found: Scored) -> werkzeug.Response:
    """`/scores`."""
    answer: dict[str, Any] = {"step": found.steps}
    for name in (*MEMBERS, "targets"):
        tables = [one and listed(getattr(one, name)) for one in found.scores]
        answer[name] = tables if any(table is not None for table in tables) else None
    return _json(request, json.dumps(answer, allow_nan=False, separators=(",", ":")))


def answered(request: werkzeug.Request, found: Answered) -> werkzeug.Response:
    """`/answers`."""
    known = found.answers
    answer = {
        "form": found.classifier.form,
        "classes": found.classes,
        "omitted": found.omitted,
        "examples": found.examples,
        "right": found.right,
        "step": found.steps,
        "top": [one and one.top for one in known],
        "probabilities": [one and [_short(row) for row in one.probabilities] for one in known],
        "right_probabilities": [one and _short(one.right) for one in known],
    }
    return _json(request, json.dumps(answer, allow_nan=False, separators=(",", ":")))


def largest(request: werkzeug.Request, found: list[Largest], most: int | None) -> werkzeug.Response:
    """`/top`."""
    listed = [asdict(one) for one in found[:most]]
    answer = {"examples": len(found), "top": listed}
    return _json(request, json.dumps(answer, allow_nan=False, separators=(",", ":")))


def bundle(request: werkzeug.Request) -> werkzeug.Response:
    """The dashboard, revalidated at each load so that a new version shows at once."""
    code = BUNDLE.read_bytes()
    etag = _digest(code)
    if request.if_none_match.contains(etag):
        return _unchanged(etag, "text/javascript")
    response = http_util.Respond(request, code, "text/javascript")
    response.set_etag(etag)
    return response


def more(request: werkzeug.Request, version: str) -> werkzeug.Response:
    """The script that the dashboard fetches later, to the dashboard that it was built with alone.

    Its address changes with each build of either: a browser need not ask for it again.
    """
    asked = re.search(rf"{MORE.name}\?v=(\w+)".encode(), BUNDLE.read_bytes())
    current = asked and asked[1].decode("ascii")
    if version != current:
        raise NotThere(f"v is {version[:40]!r}; the dashboard is {current!r} now: reload the page")
    return http_util.Respond(request, MORE.read_bytes(), "text/javascript", expires=_YEAR)


def error(
    request: werkzeug.Request,
    code: int,
    sentence: str,
    headers: list[tuple[str, str]] | None = None,
) -> werkzeug.Response:
    return http_util.Respond(request, sentence, "text/plain", code=code, headers=headers)


def _tag(info: TagInfo) -> dict[str, Any]:
    said = {
        "description": plugin_util.markdown_to_safe_html(info.description),
        "kind": info.metadata.kind,
        "order": info.metadata.order,
        "wall_time": info.wall_time,
    }
    if info.metadata.attribution is not None:
        said["attribution"] = asdict(info.metadata.attribution)
    return said


def _completeness(found: Steps | Packed | Health) -> dict[str, Any]:
    return {"complete": found.complete, "sampled": found.sampled, "source": found.source}


def _steps(entries: Iterator[Step]) -> Iterator[str]:
    """Each step as JSON; what headers have in common is written once and remembered."""
    written: dict[tuple, str] = {}
    for entry in entries:
        key = (entry.header, entry.labels)
        if key not in written:
            if len(written) > _REMEMBERED:
                written.clear()
            written[key] = _header(entry.header, entry.labels)
        time = repr(entry.wall_time) if math.isfinite(entry.wall_time) else "null"
        yield f'{{"step": {entry.step}, "wall_time": {time}, {written[key]}}}'


def _short(numbers: Sequence[float | None] | None) -> list[float | None] | None:
    """Six digits of each; null what is not finite."""
    if numbers is None:
        return None
    finite = [one if one is not None and math.isfinite(one) else None for one in numbers]
    return [None if one is None else float(f"{one:.6g}") for one in finite]


def _differences(numbers: list[int]) -> list[int]:
    """Each less the one before it, the first less zero."""
    return [number - before for before, number in zip([0, *numbers], numbers, strict=False)]


def _runs(numbers: list[int]) -> list[int]:
    """Each number, and how often it stands there one after the other."""
    return [part for number, run in itertools.groupby(numbers) for part in (number, _length(run))]


def _length(run: Iterator[int]) -> int:
    return sum(1 for _ in run)


def _kind(kind: Kind) -> dict[str, Any]:
    fields = _fields(kind.header, kind.labels)
    if not kind.labelled:
        del fields["labels"]
    return fields


def _header(header: Header, labels: tuple[str, ...] | None) -> str:
    """The fields of one entry that its header and labels decide, without the braces."""
    return json.dumps(_fields(header, labels))[1:-1]


def _fields(header: Header, labels: tuple[str, ...] | None) -> dict[str, Any]:
    fields = {
        "shape": header.shape,
        "batch": header.batch,
        "channels": header.channels,
        "channel_ids": header.channel_ids,
        "examples": header.examples,
        "labels": labels,
        "dtype": header.dtype,
        "logged": header.source,
        "scale": header.scale,
        "omitted": header.omitted,
    }
    if header.attribution is not None:
        fields["attribution"] = header.attribution.fields()
    return fields


def _overview(found: Overview) -> dict[str, Any]:
    first = found.first_nonfinite
    return {
        "steps": None if found.steps is None else asdict(found.steps),
        "columns": found.columns,
        "tags": {tag: _strip(strip) for tag, strip in found.strips.items()},
        "at": {tag: asdict(state) for tag, state in found.at.items()},
        "first_nonfinite": None if first is None else asdict(first),
    }


def _strip(strip: Strip) -> dict[str, Any]:
    return {
        "kind": strip.metadata.kind,
        "order": strip.metadata.order,
        "shape": strip.header.shape,
        "batch": strip.header.batch,
        "channels": strip.header.channels,
        **strip.worst,
    }


def _json(request: werkzeug.Request, text: str) -> werkzeug.Response:
    return http_util.Respond(request, text, "application/json")


def _binary(
    request: werkzeug.Request, read: Callable[[], bytes], etag: str, headers: dict[str, str]
) -> werkzeug.Response:
    if request.if_none_match.contains(etag):
        return _unchanged(etag, _BYTES)
    response = werkzeug.Response(read(), mimetype=_BYTES, headers=headers)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, no-cache"
    response.set_etag(etag)
    return response.make_conditional(
        request, accept_ranges=True, complete_length=len(response.data)
    )


class _Unchanged(werkzeug.Response):
    """304; keeps its Content-Type, without which TensorBoard warns on stderr."""

    def get_wsgi_headers(self, environ: dict[str, Any]) -> werkzeug.datastructures.Headers:
        headers = super().get_wsgi_headers(environ)
        headers["Content-Type"] = self.headers["Content-Type"]
        return headers


def _unchanged(etag: str, kind: str) -> werkzeug.Response:
    response = _Unchanged(status=304, mimetype=kind)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, no-cache"
    response.set_etag(etag)
    return response


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()
