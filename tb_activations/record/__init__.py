"""The record of one layer at one step, as blobs."""

from tb_activations.record.encoder import (
    COLUMNS,
    MAX_RECORD_BYTES,
    ChannelStatistics,
    Header,
    LayerSummary,
    RecordError,
    decode,
    encode,
    encode_kept,
    page_range,
    parse_header,
    parse_labels,
    parse_statistics,
    parse_summary,
    restore,
)

__all__ = [
    "COLUMNS",
    "MAX_RECORD_BYTES",
    "ChannelStatistics",
    "Header",
    "LayerSummary",
    "RecordError",
    "decode",
    "encode",
    "encode_kept",
    "page_range",
    "parse_header",
    "parse_labels",
    "parse_statistics",
    "parse_summary",
    "restore",
]
