"""What is constant for a tag: the plugin's name, the format's version, the summary metadata.

`SummaryMetadata.plugin_data.content` is UTF-8 JSON
`{"version": 1, "kind": "activation" | "input" | "attribution" | "run", "order": int | null}`, and
`"attribution"` with what a tag of that kind explains. TensorBoard keeps only the first metadata of
a tag, so whatever can change from step to step lives in the record instead. Kind "run" is of the
one tag that holds what is constant for a run, see `run`.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from tensorboard.compat.proto import summary_pb2

from tb_activations.names import PLUGIN_NAME

VERSION = 1
LAYERS = ("activation", "input")  # the kinds of layers and their inputs
SHOWN = (*LAYERS, "attribution")
KINDS = (*SHOWN, "run")
_MAX_NAME = 1000


@dataclass(frozen=True)
class TagAttribution:
    """What a tag of kind "attribution" explains: how, the tag of what, and the layer, if any."""

    method: str
    of: str
    layer: str | None = None


@dataclass(frozen=True)
class TagMetadata:
    """kind: one of KINDS; order: the layer's place in the model, or None; what it explains."""

    kind: str = "activation"
    order: int | None = None
    attribution: TagAttribution | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind is {self.kind!r}; it must be one of {', '.join(KINDS)}")
        if self.order is not None and (
            isinstance(self.order, bool) or not isinstance(self.order, int)
        ):
            raise TypeError(f"order is {self.order!r}; it must be an int or None")


def summary_metadata(
    kind: str = "activation",
    order: int | None = None,
    description: str | None = None,
    attribution: TagAttribution | None = None,
) -> summary_pb2.SummaryMetadata:
    """The `SummaryMetadata` of a tag, as TensorBoard's own (NumPy-side) protobuf.

    Raises:
      ValueError: `kind` is not one of KINDS.
      TypeError: `order` is neither an int nor None.
    """
    tag = TagMetadata(kind, order)
    fields = {"version": VERSION, "kind": tag.kind, "order": tag.order}
    if attribution is not None:
        fields["attribution"] = asdict(attribution)
    content = json.dumps(fields)
    return summary_pb2.SummaryMetadata(
        summary_description=description or "",
        plugin_data=summary_pb2.SummaryMetadata.PluginData(
            plugin_name=PLUGIN_NAME, content=content.encode("utf-8")
        ),
        data_class=summary_pb2.DATA_CLASS_BLOB_SEQUENCE,
    )


def check_kind(kind: str) -> None:
    """Refuses what a layer's tag cannot be. Raises ValueError."""
    if kind not in LAYERS:
        raise ValueError(f"kind is {kind!r}; it must be 'activation' or 'input'")


def parse_metadata(content: bytes) -> TagMetadata:
    """The tag's metadata from `plugin_data.content`.

    Raises:
      ValueError: the content is not this plugin's JSON, or its version is not 1.
    """
    try:
        fields = json.loads(content.decode("utf-8"))
        version = fields["version"]
    except (UnicodeDecodeError, ValueError, KeyError, TypeError) as e:
        raise ValueError(f"not the metadata of an activations tag: {content[:80]!r}") from e
    if version != VERSION:
        raise ValueError(f"metadata of version {version!r}; this tb_activations reads {VERSION}")
    try:
        return TagMetadata(
            fields.get("kind", "activation"),
            fields.get("order"),
            _attribution(fields.get("attribution")),
        )
    except TypeError as e:
        raise ValueError(str(e)) from e


def _attribution(fields: Any) -> TagAttribution | None:
    """None where it is not said, or is no such thing: the records say it, too."""
    if not isinstance(fields, dict):
        return None
    words = [fields.get("method"), fields.get("of"), fields.get("layer") or ""]
    if not all(isinstance(word, str) and len(word) <= _MAX_NAME for word in words):
        return None
    method, of, layer = map(str, words)
    return TagAttribution(method, of, layer or None)
