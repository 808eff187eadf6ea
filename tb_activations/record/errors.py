"""The one error of what is read."""

from __future__ import annotations


class RecordError(ValueError):
    """What was read is not an intact activations record of a known version."""
