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

        return ActivationsPlugin(context)
