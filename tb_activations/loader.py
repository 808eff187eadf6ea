"""The entry point that TensorBoard imports at every start.

Nothing heavy is imported here: an error in this module would stop TensorBoard for everyone.
"""

from __future__ import annotations

from typing import Any

from tensorboard.plugins import base_plugin


class ActivationsLoader(base_plugin.TBLoader):
    """Makes the plugin."""

    def load(self, context: base_plugin.TBContext) -> Any:
        """The plugin, or None where TensorBoard has no data provider to read through."""
        if context.data_provider is None:
            return None
        from tb_activations.plugin import ActivationsPlugin
        from tb_activations.provider import KEEPS, ProviderSource
        from tb_activations.reader import Reader

        keeps = (context.sampling_hints or {}).get(ActivationsPlugin.plugin_name, KEEPS)
        source = ProviderSource(context.data_provider, keeps)
        return ActivationsPlugin(context, Reader(source))
