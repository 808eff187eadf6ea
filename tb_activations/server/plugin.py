"""The routes of the Activations tab; knows no NumPy.

GET and HEAD, relative to `data/plugin/activations/`: see docs/http_api.md. A route parses, asks the
reader, answers. Errors are text/plain: a sentence that names the parameter and what is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import werkzeug
from tensorboard import plugin_util
from tensorboard.plugins import base_plugin
from werkzeug.exceptions import HTTPException

from tb_activations.names import PLUGIN_NAME
from tb_activations.server import answers, parameters
from tb_activations.server.lookup import NotThere
from tb_activations.server.parameters import BadParameter
from tb_activations.server.reader import Reader, TooMuch
from tb_activations.sources.series import Unavailable, Viewer

METHODS = ("GET", "HEAD")

Answer = Callable[[werkzeug.Request], werkzeug.Response]


class ActivationsPlugin(base_plugin.TBPlugin):
    """Serves the dashboard and what it shows."""

    plugin_name = PLUGIN_NAME

    def __init__(self, context: base_plugin.TBContext, reader: Reader) -> None:
        super().__init__(context)
        self._reader = reader

    def get_plugin_apps(self) -> dict[str, Callable]:
        routes: dict[str, Answer] = {
            "/index.js": answers.bundle,
            "/more.js": self._more,
            "/tags": self._tags,
            "/steps": self._steps,
            "/latest": self._latest,
            "/tensor": self._tensor,
            "/stats": self._stats,
            "/scores": self._scores,
            "/answers": self._answers,
            "/top": self._top,
            "/overview": self._overview,
            "/run": self._run,
        }
        return {route: _app(answer) for route, answer in routes.items()}

    def is_active(self) -> bool:
        return False  # TensorBoard asks its data provider for us

    def frontend_metadata(self) -> base_plugin.FrontendMetadata:
        return base_plugin.FrontendMetadata(es_module_path="/index.js", tab_name="Activations")

    def _more(self, request: werkzeug.Request) -> werkzeug.Response:
        return answers.more(request, parameters.text(request, "v"))

    def _tags(self, request: werkzeug.Request) -> werkzeug.Response:
        return answers.tags(request, self._reader.tags(_viewer(request)))

    def _steps(self, request: werkzeug.Request) -> werkzeug.Response:
        where = parameters.where(request)
        if parameters.is_packed(request):
            since, most = parameters.since(request), parameters.most(request)
            return answers.packed(
                request, self._reader.packed(_viewer(request), where, since, most)
            )
        return answers.steps(request, self._reader.steps(_viewer(request), where))

    def _latest(self, request: werkzeug.Request) -> werkzeug.Response:
        found = self._reader.latest(_viewer(request), parameters.where(request))
        return answers.latest(request, found)

    def _tensor(self, request: werkzeug.Request) -> werkzeug.Response:
        found = self._reader.tensor(
            _viewer(request),
            parameters.where(request),
            parameters.integer(request, "step"),
            examples=parameters.span(request, "example", single=True),
            channels=parameters.span(request, "channels"),
        )
        return answers.tensor(request, found)

    def _stats(self, request: werkzeug.Request) -> werkzeug.Response:
        found = self._reader.statistics(
            _viewer(request),
            parameters.where(request),
            parameters.span(request, "steps"),
            rows=parameters.rows(request),
        )
        return answers.statistics(request, found)

    def _scores(self, request: werkzeug.Request) -> werkzeug.Response:
        found = self._reader.scores(
            _viewer(request),
            parameters.where(request),
            parameters.span(request, "steps"),
            rows=parameters.rows(request),
        )
        return answers.scores(request, found)

    def _answers(self, request: werkzeug.Request) -> werkzeug.Response:
        found = self._reader.answers(
            _viewer(request),
            parameters.where(request),
            rows=parameters.rows(request) or parameters.DEFAULT_ROWS,
            step=parameters.integer_or_none(request, "step"),
        )
        return answers.answered(request, found)

    def _top(self, request: werkzeug.Request) -> werkzeug.Response:
        where, step = parameters.where(request), parameters.integer(request, "step")
        channel = parameters.position(request, "channel")
        found = self._reader.largest(_viewer(request), where, step, channel)
        return answers.largest(request, found, parameters.most(request))

    def _overview(self, request: werkzeug.Request) -> werkzeug.Response:
        columns = parameters.columns(request)
        step = parameters.integer_or_none(request, "step")
        run = parameters.text(request, "run")
        found = self._reader.overview(_viewer(request), run, columns=columns, step=step)
        return answers.overview(request, found)

    def _run(self, request: werkzeug.Request) -> werkzeug.Response:
        run = parameters.text(request, "run")
        viewer = _viewer(request)
        facts = self._reader.facts(viewer, run)
        return answers.facts(request, facts, self._reader.checks(viewer, run))


def _app(answer: Answer) -> Callable:
    """The WSGI application of one route: its answer, or the sentence of what is wrong."""

    def app(environ: dict[str, Any], start_response: Callable) -> Iterable[bytes]:
        request = werkzeug.Request(environ)
        return _answer(request, answer)(environ, start_response)

    return app


def _answer(request: werkzeug.Request, answer: Answer) -> werkzeug.Response:
    if request.method not in METHODS:
        sentence = f"method {request.method[:20]!r}; this route answers GET and HEAD"
        return answers.error(request, 405, sentence, [("Allow", ", ".join(METHODS))])
    try:
        return answer(request)
    except (BadParameter, TooMuch) as e:
        return answers.error(request, 400, str(e))
    except NotThere as e:
        return answers.error(request, 404, str(e))
    except Unavailable as e:
        return answers.error(request, 503, str(e))
    except HTTPException as e:
        return answers.error(request, e.code or 400, e.description or e.name)


def _viewer(request: werkzeug.Request) -> Viewer:
    return Viewer(plugin_util.context(request.environ), plugin_util.experiment_id(request.environ))
