"""The record of one layer at one step, as blobs: written, read, refused; see `docs/format.md`."""

from tb_activations.record.attribution import Explanation
from tb_activations.record.decoder import (
    Blob,
    decode,
    page_range,
    parse_labels,
    parse_statistics,
    parse_summary,
)
from tb_activations.record.encoder import encode
from tb_activations.record.errors import RecordError
from tb_activations.record.header import MAX_RECORD_BYTES, Header, parse_header
from tb_activations.record.options import Options
from tb_activations.record.scores import Scores, read_scores
from tb_activations.record.statistics import COLUMNS, ChannelStatistics, LayerSummary
from tb_activations.record.storage import restore
from tb_activations.record.values import WholeRecord, read_values

__all__ = [
    "COLUMNS",
    "MAX_RECORD_BYTES",
    "Blob",
    "ChannelStatistics",
    "Explanation",
    "Header",
    "LayerSummary",
    "Options",
    "RecordError",
    "Scores",
    "WholeRecord",
    "decode",
    "encode",
    "page_range",
    "parse_header",
    "parse_labels",
    "parse_statistics",
    "parse_summary",
    "read_scores",
    "read_values",
    "restore",
]
