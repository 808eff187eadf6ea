"""The routes of the Activations tab; knows no NumPy.

GET and HEAD, relative to `data/plugin/activations/`: see docs/http_api.md. A route parses, asks the
reader, answers. Errors are text/plain: a sentence that names the parameter and what is there.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import werkzeug
import werkzeug.datastructures
from tensorboard import plugin_util
from tensorboard.backend import http_util
from tensorboard.plugins import base_plugin
from werkzeug.exceptions import HTTPException

from tb_activations.names import PLUGIN_NAME
from tb_activations.record.header import Header
from tb_activations.record.statistics import COLUMNS
from tb_activations.server.reader import NotThere, Reader, Span, Step, TooMuch
from tb_activations.sources.series import Unavailable, Viewer

BUNDLE = Path(__file__).parents[1] / "static" / "index.js"
METHODS = ("GET", "HEAD")
INTEGER = re.compile(r"-?[0-9]{1,19}", re.ASCII)
POSITION = re.compile(r"[0-9]{1,18}", re.ASCII)
SPAN = re.compile(r"([0-9]{1,18}):([0-9]{1,18})", re.ASCII)
DEFAULT_COLUMNS = 100
MAX_COLUMNS = 1000

Answer = Callable[[werkzeug.Request], werkzeug.Response]


class BadParameter(ValueError):
    """A parameter that is missing, repeated or malformed."""


class ActivationsPlugin(base_plugin.TBPlugin):
    """Serves the dashboard and what it shows."""

    plugin_name = PLUGIN_NAME

    def __init__(self, context: base_plugin.TBContext, reader: Reader) -> None:
        super().__init__(context)
        self._reader = reader

    def get_plugin_apps(self) -> dict[str, Callable]:
        routes: dict[str, Answer] = {
            "/index.js": _bundle,
            "/tags": self._tags,
            "/steps": self._steps,
            "/tensor": self._tensor,
            "/stats": self._stats,
            "/overview": self._overview,
        }
        return {route: _app(answer) for route, answer in routes.items()}

    def is_active(self) -> bool:
        return False  # TensorBoard asks its data provider for us

    def frontend_metadata(self) -> base_plugin.FrontendMetadata:
        return base_plugin.FrontendMetadata(es_module_path="/index.js", tab_name="Activations")

    def _tags(self, request: werkzeug.Request) -> werkzeug.Response:
        index = {
            run: {
                tag: {
                    "description": plugin_util.markdown_to_safe_html(info.description),
                    "kind": info.metadata.kind,
                    "order": info.metadata.order,
                    "wall_time": info.wall_time,
                }
                for tag, info in tags.items()
            }
            for run, tags in self._reader.tags(_viewer(request)).items()
        }
        return _json(request, json.dumps(index))

    def _steps(self, request: werkzeug.Request) -> werkzeug.Response:
        steps = self._reader.steps(_viewer(request), _text(request, "run"), _text(request, "tag"))
        head = {"complete": steps.complete, "sampled": steps.sampled, "stats": COLUMNS}
        entries = ",".join(_steps_json(steps.entries))
        return _json(request, f'{json.dumps(head)[:-1]}, "steps": [{entries}]}}')

    def _tensor(self, request: werkzeug.Request) -> werkzeug.Response:
        tensor = self._reader.tensor(
            _viewer(request),
            _text(request, "run"),
            _text(request, "tag"),
            _integer(request, "step"),
            examples=_span(request, "example", single=True),
            channels=_span(request, "channels"),
        )
        shape = ",".join(str(side) for side in tensor.shape)
        return _binary(request, tensor.read, tensor.identity, {"X-Shape": shape})

    def _stats(self, request: werkzeug.Request) -> werkzeug.Response:
        body = self._reader.statistics(
            _viewer(request),
            _text(request, "run"),
            _text(request, "tag"),
            _span(request, "steps"),
        )
        return _binary(request, lambda: body, body, {})

    def _overview(self, request: werkzeug.Request) -> werkzeug.Response:
        columns = _integer(request, "columns", default=DEFAULT_COLUMNS)
        if not 1 <= columns <= MAX_COLUMNS:
            raise BadParameter(f"columns is {columns}; it must be from 1 to {MAX_COLUMNS}")
        step = _integer(request, "step") if "step" in request.args else None
        answer = self._reader.overview(
            _viewer(request), _text(request, "run"), columns=columns, step=step
        )
        return _json(request, json.dumps(answer, allow_nan=False, separators=(",", ":")))


def _app(answer: Answer) -> Callable:
    """The WSGI application of one route: its answer, or the sentence of what is wrong."""

    def app(environ: dict[str, Any], start_response: Callable) -> Iterable[bytes]:
        request = werkzeug.Request(environ)
        return _answer(request, answer)(environ, start_response)

    return app


def _answer(request: werkzeug.Request, answer: Answer) -> werkzeug.Response:
    if request.method not in METHODS:
        sentence = f"method {request.method[:20]!r}; this route answers GET and HEAD"
        return _error(request, 405, sentence, [("Allow", ", ".join(METHODS))])
    try:
        return answer(request)
    except (BadParameter, TooMuch) as e:
        return _error(request, 400, str(e))
    except NotThere as e:
        return _error(request, 404, str(e))
    except Unavailable as e:
        return _error(request, 503, str(e))
    except HTTPException as e:
        return _error(request, e.code or 400, e.description or e.name)


def _error(
    request: werkzeug.Request,
    code: int,
    sentence: str,
    headers: list[tuple[str, str]] | None = None,
) -> werkzeug.Response:
    return http_util.Respond(request, sentence, "text/plain", code=code, headers=headers)


def _viewer(request: werkzeug.Request) -> Viewer:
    return Viewer(plugin_util.context(request.environ), plugin_util.experiment_id(request.environ))


def _only(request: werkzeug.Request, name: str) -> str | None:
    values = request.args.getlist(name)
    if len(values) > 1:
        raise BadParameter(f"{name} is given {len(values)} times; it must be given once")
    return values[0] if values else None


def _text(request: werkzeug.Request, name: str) -> str:
    value = _only(request, name)
    if value is None or value == "":
        raise BadParameter(f"{name} is missing; the request must name a {name}")
    return value


def _integer(request: werkzeug.Request, name: str, default: int | None = None) -> int:
    value = _only(request, name)
    if value is None and default is not None:
        return default
    if value is None:
        raise BadParameter(f"{name} is missing; it must be an integer")
    if not INTEGER.fullmatch(value) or not -(2**63) <= int(value) < 2**63:
        raise BadParameter(f"{name} is {value[:40]!r}; it must be an integer of at most 64 bits")
    return int(value)


def _span(request: werkzeug.Request, name: str, *, single: bool = False) -> Span | None:
    """`a:b`, or `i` for i:i+1 where `single`; None where it is absent."""
    value = _only(request, name)
    if value is None:
        return None
    if single and POSITION.fullmatch(value):
        return int(value), int(value) + 1
    found = SPAN.fullmatch(value)
    if not found or int(found[1]) >= int(found[2]):
        form = "a position i or a range a:b" if single else "a range a:b"
        raise BadParameter(f"{name} is {value[:40]!r}; it must be {form} with 0 <= a < b")
    return int(found[1]), int(found[2])


def _steps_json(entries: Iterator[Step]) -> Iterator[str]:
    """Each step as JSON; what headers have in common is written once and remembered."""
    written: dict[tuple, str] = {}
    for entry in entries:
        key = (entry.header, entry.labels)
        if key not in written:
            if len(written) > 1000:
                written.clear()
            written[key] = _header_json(entry.header, entry.labels)
        time = repr(entry.wall_time) if math.isfinite(entry.wall_time) else "null"
        yield f'{{"step": {entry.step}, "wall_time": {time}, {written[key]}}}'


def _header_json(header: Header, labels: tuple[str, ...] | None) -> str:
    """The fields of one entry that its header and labels decide, without the braces."""
    fields = {
        "shape": header.shape,
        "batch": header.batch,
        "channels": header.channels,
        "channel_ids": header.channel_ids,
        "examples": header.examples,
        "labels": labels,
        "dtype": header.dtype,
        "scale": header.scale,
        "omitted": header.omitted,
    }
    return json.dumps(fields)[1:-1]


def _json(request: werkzeug.Request, text: str) -> werkzeug.Response:
    return http_util.Respond(request, text, "application/json")


class _Unchanged(werkzeug.Response):
    """304; keeps its Content-Type, without which TensorBoard warns on stderr."""

    def get_wsgi_headers(self, environ: dict[str, Any]) -> werkzeug.datastructures.Headers:
        headers = super().get_wsgi_headers(environ)
        headers["Content-Type"] = self.headers["Content-Type"]
        return headers


def _binary(
    request: werkzeug.Request,
    read: Callable[[], bytes],
    identity: object,
    headers: dict[str, str],
) -> werkzeug.Response:
    """Bytes with an ETag of what `identity` names; read only where the client has not got them."""
    etag = _digest(identity if isinstance(identity, bytes) else repr(identity).encode("utf-8"))
    kind = "application/octet-stream"
    if request.if_none_match.contains(etag):
        return _unchanged(etag, kind)
    response = werkzeug.Response(read(), mimetype=kind, headers=headers)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, no-cache"
    response.set_etag(etag)
    return response.make_conditional(
        request, accept_ranges=True, complete_length=len(response.data)
    )


def _bundle(request: werkzeug.Request) -> werkzeug.Response:
    """The dashboard, revalidated at each load so that a new version shows at once."""
    code = BUNDLE.read_bytes()
    etag = _digest(code)
    if request.if_none_match.contains(etag):
        return _unchanged(etag, "text/javascript")
    response = http_util.Respond(request, code, "text/javascript")
    response.set_etag(etag)
    return response


def _unchanged(etag: str, kind: str) -> werkzeug.Response:
    response = _Unchanged(status=304, mimetype=kind)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, no-cache"
    response.set_etag(etag)
    return response


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()
