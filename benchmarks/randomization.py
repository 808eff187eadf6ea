"""The sanity figures of docs/attribution.md: which methods see what a network has learnt.

python -m benchmarks.randomization [--write]

A small network learns scikit-learn's digits; every method's maps are checked with weights made
random, and by deletion and insertion. Seeds are fixed: on one machine the figures are the same.
"""

from __future__ import annotations

import argparse
import warnings
from typing import Any

import numpy as np

from benchmarks import harness

PAGE = harness.ROOT / "docs" / "attribution.md"
BEGIN, END = "<!-- randomization -->\n", "<!-- /randomization -->"
EXAMPLES, TRIALS, STEPS, ORDERS = 16, 3, 16, 3
EPOCHS = 12
NAMES = {
    "lrp:2": "`lrp`, `gamma=inf`, `dense=True` (z⁺)",
    "guided_smooth_grad:2": "guided backpropagation",
}


def methods() -> list[Any]:
    import tb_activations as tba
    from tb_activations.training.attribution.methods import METHODS

    return [
        *METHODS,
        tba.AttributionMethod("lrp", gamma=float("inf"), dense=True),
        tba.AttributionMethod("guided_smooth_grad", samples=1, noise=0),
    ]


def trained() -> tuple[Any, np.ndarray, float]:
    """The network, digits that it has not learnt from, and its accuracy on those."""
    import keras
    from keras import layers
    from sklearn.datasets import load_digits

    keras.utils.set_random_seed(1)
    digits = load_digits()
    x = np.kron(digits.images / 16, np.ones((1, 2, 2)))[..., None].astype("float32")
    model = keras.Sequential(
        [
            keras.Input((16, 16, 1)),
            layers.Conv2D(8, 3, padding="same", activation="relu", name="conv1"),
            layers.MaxPooling2D(),
            layers.Conv2D(16, 3, padding="same", activation="relu", name="conv2"),
            layers.Flatten(),
            layers.Dense(32, activation="relu", name="dense"),
            layers.Dense(10, activation="softmax", name="out"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x[:1400], digits.target[:1400], epochs=EPOCHS, verbose=0)
    accuracy = model.evaluate(x[1400:], digits.target[1400:], verbose=0)[1]
    return model, x[1400 : 1400 + EXAMPLES], float(accuracy)


def table() -> str:
    """Markdown: the check's table, and for each method its areas."""
    import tb_activations as tba

    model, x, accuracy = trained()
    found = tba.randomization_check(model, x, methods(), trials=TRIALS)
    head, rule, *rows = found.to_markdown().splitlines()
    lines = [f"{head} deletion | insertion |", f"{rule} --- | --- |"]
    random: list[Any] = []
    for (name, one), row in zip(found.methods.items(), rows, strict=True):
        maps = tba.attribute(model, x, method=one.method)
        curves = tba.deletion_insertion(model, x, maps, steps=STEPS, orders=ORDERS, batch_size=256)
        random.append(curves)
        shown = row.replace(f"`{name}`", NAMES.get(name, f"`{name}`"))
        areas = curves.deletion_area.mean(), curves.insertion_area.mean()
        lines.append(f"{shown} {areas[0]:.2f} | {areas[1]:.2f} |")
    deletion = np.mean([one.random_deletion_area for one in random])
    insertion = np.mean([one.random_insertion_area for one in random])
    blank = " | ".join("" for _ in range(head.count("|") - 2))
    lines.append(f"| a random order |{blank} | {deletion:.2f} | {insertion:.2f} |")
    said = (
        f"{EXAMPLES} digits of scikit-learn, a network of two convolutions and two dense layers "
        f"({100 * accuracy:.0f} % of the digits that it has not seen), {TRIALS} trials. At each "
        "stage `signed/absolute`: the mean rank correlation with the maps of the weights as they "
        "are, those of all layers named so far being permuted."
    )
    return "\n".join([said, "", *lines, ""])


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.randomization", description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"into {PAGE.name}, between its marks")
    options = parser.parse_args()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = table()
    print(found)
    if options.write:
        text = PAGE.read_text(encoding="utf-8")
        before, rest = text.split(BEGIN)
        PAGE.write_text(before + BEGIN + found + END + rest.split(END)[1], encoding="utf-8")


if __name__ == "__main__":
    main()
