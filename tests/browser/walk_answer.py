"""What the walk expects of the classifier's answer, and of the examples that fire a channel."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from browser import zoo
from browser.walk_model import RGB, Walk, record_at
from tb_activations.server.classifier import probabilities

LARGEST = re.compile(r"Example (\d+): (\S+?)( at [^;]*)?(; (\d+) NaN or infinite are left aside)?")


def check_answer(walk: Walk, bars: list[str], said: str) -> None:
    """The likeliest classes of the shown example, at the last step that the classifier has."""
    known = zoo.KNOWN.get(walk.run)
    if known is None or walk.pool_in(walk.record):  # the mean of all has no answer of one example
        assert bars == []
        return
    [one] = known.classifiers
    # While the last step is followed the run's last answer.
    there = record_at(walk.run, one.tag, None if walk.step is None else walk.record.step)
    table = probabilities(there.stored, one.form)
    row = table[walk.shown_example]
    order = np.argsort(-row, kind="stable")[:5]
    names = known.class_names or [f"class {i}" for i in range(len(row))]
    assert [text.split("\n")[0] for text in bars] == [names[i] for i in order]
    for text, share in zip(bars, row[order], strict=True):
        written = text.split("\n")[1]
        if written[0] in "<>":
            assert share < 5e-4 or share > 0.9995
        else:
            assert abs(float(written.split()[0]) - 100 * share) < max(0.6 * share, 0.06)
    wrong = [
        zoo.RIGHT[i] is not None and table[i].argmax() != zoo.RIGHT[i]
        for i in range(len(walk.record.stored))
    ]
    judged = sum(zoo.RIGHT[i] is not None for i in range(len(wrong)))
    assert f"{sum(wrong)} of {judged} wrong" in said
    right = zoo.RIGHT[walk.shown_example]
    assert ("Wrong: " in said) == wrong[walk.shown_example]
    assert ("Right" in said) == (right is not None and not wrong[walk.shown_example])


def check_firing(walk: Walk, position: int, listed: list[dict[str, Any]], unfired: str) -> None:
    """The four examples with the largest finite value of the channel, and which one is shown."""
    if position == RGB or walk.layer in zoo.EXPLAINED:
        assert listed == []
        assert unfired == ""
        return
    flat = walk.record.stored[..., position].reshape(len(walk.record.stored), -1)
    finite = np.where(np.isfinite(flat), flat, -np.inf).max(axis=1)
    order = np.argsort(-finite, kind="stable")[:4]
    if (finite == 0).all() and np.isfinite(flat).all():
        dead = walk.record.table[walk.record.ids[position], 4] == 1
        assert unfired == ("Never fired" if dead else "Fired by no stored example")
        assert listed == []
        return
    assert unfired == ""
    assert [one["pressed"] for one in listed] == [bool(i == walk.shown_example) for i in order]
    for one, i in zip(listed, order, strict=True):
        found = LARGEST.fullmatch(one["name"])
        assert found and int(found[1]) == i, one
        bad = int(np.count_nonzero(~np.isfinite(flat[i])))
        assert int(found[5] or 0) == bad
        if finite[i] == -np.inf:
            assert found[2] == "NaN"
            continue
        reach = max(abs(finite[k]) for k in order if finite[k] > -np.inf)
        assert abs(float(found[2].replace("−", "-")) - finite[i]) <= 0.006 * reach, one
