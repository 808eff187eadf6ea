"""What the callback takes up to its first record, kind by kind of model → docs/model_kinds.md.

python -m benchmarks.model_kinds [FAMILY ...]

Every family of keras.applications, a process each, and all kinds of tests/model_zoo.py. With
names, only these families are measured, and their rows replaced. The table of entries above it is
written by a test.
"""

from __future__ import annotations

import sys
from typing import Any

from benchmarks import first_step, harness

PAGE = harness.ROOT / "docs" / "model_kinds.md"
HEADING = "## What the first record takes"
FAMILIES = {  # module of keras.applications: (one of its networks, the side of its images)
    "convnext": ("ConvNeXtTiny", 32),
    "densenet": ("DenseNet121", 32),
    "efficientnet": ("EfficientNetB0", 32),
    "efficientnet_v2": ("EfficientNetV2B0", 32),
    "inception_resnet_v2": ("InceptionResNetV2", 75),
    "inception_v3": ("InceptionV3", 75),
    "mobilenet": ("MobileNet", 32),
    "mobilenet_v2": ("MobileNetV2", 32),
    "mobilenet_v3": ("MobileNetV3Small", 32),
    "nasnet": ("NASNetMobile", 32),
    "resnet": ("ResNet50", 32),
    "resnet_v2": ("ResNet50V2", 32),
    "vgg16": ("VGG16", 32),
    "vgg19": ("VGG19", 32),
    "xception": ("Xception", 71),
}
COLUMNS = ["model", "layers", "unit, CPU", "planning, CPU", "extra wall", "to disk, CPU"]
TEXT = (
    "The unit is tracing plus first run of the model's own graph on one slice; the last three "
    "columns are multiples of it, measured in one process: planning, what the callback adds to the "
    "wall time up to the end of the first batch, CPU until the first record is on disk. Families "
    f"of `keras.applications` with {first_step.SLICE} examples. Kinds whose unit is a small part "
    "of a second pay what every callback pays once: a thread, a file, a graph. Written by "
    "`python -m benchmarks.model_kinds`."
)


def zoo() -> dict[str, dict[str, float]]:
    """`first_step.measured` of every kind of tests/model_zoo.py."""
    import keras

    sys.path.insert(0, str(harness.ROOT / "tests"))
    import model_zoo

    found = {}
    for title, make in model_zoo.KINDS.items():
        keras.utils.set_random_seed(1)
        model, x, _ = make()
        found[title] = first_step.measured(model, x)
    return found


def row(title: str, measured: dict[str, Any]) -> str:
    ratios = first_step.ratios(measured)
    figures = [f"{ratios[key]:.2f}" for key in first_step.LIMITS]
    unit = f"{measured['unit']:.2f} s"
    return "| " + " | ".join([title, f"{measured['layers']:.0f}", unit, *figures]) + " |"


def main(names: list[str]) -> None:
    unknown = sorted(set(names) - set(FAMILIES))
    if unknown:
        raise SystemExit(f"no family {unknown[0]!r}; there are {', '.join(FAMILIES)}")
    rows = held()
    for family in names or FAMILIES:
        network, side = FAMILIES[family]
        measured = harness.in_process("benchmarks.first_step", "one", name=network, side=side)
        title = f"`{family}`: {network}, {side}²"
        rows[title] = row(title, measured)
        print(rows[title], flush=True)
        write(rows)
    if not names:
        for title, measured in harness.in_process("benchmarks.model_kinds", "zoo").items():
            rows[title] = row(title, measured)
        write(rows)


def held() -> dict[str, str]:
    """The rows that the page holds, by their first cell."""
    _, _, rest = PAGE.read_text(encoding="utf-8").partition(HEADING)
    lines = [line for line in rest.splitlines() if line.startswith("| ")][2:]
    return {line.split(" | ")[0].removeprefix("| "): line for line in lines}


def write(rows: dict[str, str]) -> None:
    table = PAGE.read_text(encoding="utf-8").partition(HEADING)[0].rstrip()
    head = ["| " + " | ".join(line) + " |" for line in (COLUMNS, ["---"] * len(COLUMNS))]
    where = f"{harness.machine()}."
    parts = [table, HEADING, f"{TEXT} {where}", "\n".join([*head, *rows.values()])]
    PAGE.write_text("\n\n".join(parts) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
