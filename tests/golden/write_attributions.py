"""Writes the golden log of attributions: `PYTHONPATH=.:tests python …/write_attributions.py DIR`.

Not to be run over what lies here: `attributions-1` is what the first commit that has the kind wrote
once, and every later version reads it to the same values (`test_attributions.py`).
"""

from __future__ import annotations

import sys

import attribution_log

if __name__ == "__main__":
    attribution_log.write(sys.argv[1])
