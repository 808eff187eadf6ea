"""The routes of the Activations tab; knows no NumPy.

GET and HEAD, relative to `data/plugin/activations/`: see docs/http_api.md.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import werkzeug
from tensorboard.backend import http_util
from tensorboard.plugins import base_plugin

from tb_activations import metadata

BUNDLE = Path(__file__).parent / "static" / "index.js"


class ActivationsPlugin(base_plugin.TBPlugin):
    """Serves the dashboard and what it shows."""

    plugin_name = metadata.PLUGIN_NAME

    def __init__(self, context: base_plugin.TBContext) -> None:
        self._provider = context.data_provider

    def get_plugin_apps(self) -> dict[str, Callable]:
        return {"/index.js": self._serve_bundle}

    def is_active(self) -> bool:
        return False  # TensorBoard asks its data provider for us

    def frontend_metadata(self) -> base_plugin.FrontendMetadata:
        return base_plugin.FrontendMetadata(es_module_path="/index.js", tab_name="Activations")

    @werkzeug.Request.application  # type: ignore[arg-type]
    def _serve_bundle(self, request: werkzeug.Request) -> werkzeug.Response:
        return http_util.Respond(request, BUNDLE.read_bytes(), "text/javascript")
