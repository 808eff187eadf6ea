"""What the callback takes up to its first record, kind by kind of model → docs/model_kinds.md.

python -m benchmarks.model_kinds [NAME ...]

Every family of keras.applications, a process each; `guides`, the kinds of tests/guide_zoo.py;
`kinds`, those of tests/model_zoo.py; `keras-hub`, those of tests/hub_zoo.py, where it is installed.
With names, only these are measured, and their rows replaced. The tables of entries above it are
written by tests.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from typing import Any

from benchmarks import first_step, harness

sys.path.insert(0, str(harness.ROOT / "tests"))

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


def kinds() -> dict[str, dict[str, float]]:
    """`first_step.measured` of every kind of tests/model_zoo.py."""
    import model_zoo

    return _measured({title: make()[:2] for title, make in _seeded(model_zoo.KINDS)})


def guides() -> dict[str, dict[str, float]]:
    """Of every kind of tests/guide_zoo.py that has a graph of its own, all layers."""
    import guide_zoo

    made = {title: make() for title, make in _seeded(guide_zoo.KINDS)}
    graphs = {title: made[title] for title in made if title not in guide_zoo.NO_GRAPH}
    return _measured({title: (one.shown, one.data) for title, one in graphs.items()})


def keras_hub() -> dict[str, dict[str, float]]:
    """Of every model of tests/hub_zoo.py."""
    import hub_zoo

    return _measured({title: make() for title, make in _seeded(hub_zoo.KINDS)})


ZOOS = {"guides": guides, "kinds": kinds, "keras-hub": keras_hub}


def _seeded(made: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    import keras

    for title, make in made.items():
        keras.utils.set_random_seed(1)
        yield title, make


def _measured(made: dict[str, tuple[Any, Any]]) -> dict[str, dict[str, float]]:
    found = {}
    for title, (model, x) in made.items():
        if hasattr(model, "preprocessor"):
            model.preprocessor = None  # x is what the network takes
        found[title] = first_step.measured(model, x)
    return found


def row(title: str, measured: dict[str, Any]) -> str:
    ratios = first_step.ratios(measured)
    figures = [f"{ratios[key]:.2f}" for key in first_step.LIMITS]
    unit = f"{measured['unit']:.2f} s"
    return "| " + " | ".join([title, f"{measured['layers']:.0f}", unit, *figures]) + " |"


def main(names: list[str]) -> None:
    known = [*FAMILIES, *ZOOS]
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise SystemExit(f"nothing called {unknown[0]!r}; there are {', '.join(known)}")
    rows = held()
    for name in names or known:
        if name == "keras-hub" and not names and not importlib.util.find_spec("keras_hub"):
            continue
        for title, measured in _of(name).items():
            rows[title] = row(title, measured)
            print(rows[title], flush=True)
        write(rows)


def _of(name: str) -> dict[str, dict[str, float]]:
    """Title → what is measured, in a process of its own."""
    if name in ZOOS:
        function = ZOOS[name].__name__
        return harness.in_process("benchmarks.model_kinds", function)
    network, side = FAMILIES[name]
    measured = harness.in_process("benchmarks.first_step", "one", name=network, side=side)
    return {f"`{name}`: {network}, {side}²": measured}


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
