"""The entry point that TensorBoard imports at every start.

Nothing heavy is imported here: an error in this module would stop TensorBoard for everyone.
"""

from __future__ import annotations

from typing import Any

from tensorboard.plugins import base_plugin

from tb_activations.names import PLUGIN_NAME
from tb_activations.sources.logdirs import LogDirs

KEPT = 1  # steps a tag that TensorBoard keeps, where the timeline reads the rest


class ActivationsLoader(base_plugin.TBLoader):
    """Makes the plugin, and spares TensorBoard from keeping what the plugin reads by itself."""

    def fix_flags(self, flags: Any) -> None:
        """Lowers TensorBoard's retention of activations to one step a tag.

        Only where every log directory is local and can be read, so that no step is lost by it, and
        not where the user has set `--samples_per_plugin=activations=…`.

        Lets the Python loader look for news in every recent file of a run, as the Rust one does,
        unless the user has set `--reload_multifile`. It would go on to the newest file for good, so
        that a record in a file of its own ended the scalars of the writer beside it on the page.
        """
        if getattr(flags, "reload_multifile", False) is None:
            flags.reload_multifile = True
        logdirs = LogDirs.of_flags(flags)
        samples = getattr(flags, "samples_per_plugin", None)
        if isinstance(samples, dict) and logdirs and logdirs.readable:
            samples.setdefault(PLUGIN_NAME, KEPT)

    def load(self, context: base_plugin.TBContext) -> Any:
        """The plugin, or None where TensorBoard has no data provider to read through."""
        if context.data_provider is None:
            return None
        from tb_activations.server.lookup import Lookup
        from tb_activations.server.plugin import ActivationsPlugin
        from tb_activations.server.reader import Reader
        from tb_activations.sources.provider import KEEPS, ProviderSource
        from tb_activations.sources.timeline.timelines import Timelines
        from tb_activations.sources.warn import WarnOnce

        warn = WarnOnce()
        keeps = (context.sampling_hints or {}).get(PLUGIN_NAME, KEEPS)
        if getattr(context.flags, "grpc_data_provider", None):
            keeps = KEPT  # what is kept there is not for our flags to say: one step, it may be
        logdirs = LogDirs.of_flags(context.flags)
        timelines = Timelines(logdirs, warn) if logdirs else None
        tags_of = timelines.tags if timelines else None
        source = ProviderSource(context.data_provider, keeps, warn, tags_of)
        return ActivationsPlugin(context, Reader(Lookup(source, timelines)))
