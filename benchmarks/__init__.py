"""What tb_activations costs and gives, beside what people would use instead."""

import sys
from pathlib import Path

# The tests' helpers, by their bare names: a package called `tests` may be installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
