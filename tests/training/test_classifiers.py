"""Which outputs are said to answer with classes: what is certain, what names say, and none."""

from __future__ import annotations

import numpy as np
import pytest

from tb_activations.record.run import Classifier
from tb_activations.training.classifiers import Known, Loss, facts_of
from tb_activations.training.selection import Entry, Place, Returned

Y = np.array([0, 2, 1, 2])
NAMES = ("cat", "dog", "eel")


def entry(name="out", *returned, shape=(4, 3)):
    how = Returned(*returned) if returned else None
    return Entry(name, Place().inner(name), "", None, True, False, 0, returned=how), shape


def known(labels=Y, names=None, given=False):
    return Known(labels, 4, names, given)


def forms(found, known, loss=None):
    return [(one.tag, one.form) for one in facts_of(found, known, lambda _: loss).classifiers]


def test_a_softmax_is_certain_and_what_it_was_given_are_logits():
    """Whatever labels there are; not one over positions, nor what is not returned."""
    assert forms([entry("out", "", "softmax")], known(None)) == [("out", "softmax")]
    assert forms([entry("fc", "", "log_softmax", True)], known(None)) == [("fc", "logits")]
    assert forms([entry("out", "", "softmax", shape=(4, 7, 3))], known()) == []
    assert forms([entry("out")], known(names=NAMES)) == []
    pooled = entry("pool", "", "softmax", shape=(4, 3, 1, 1))
    assert forms([pooled], known(None)) == [("pool", "softmax")]


def test_a_sigmoid_of_one_is_of_two_classes_and_one_of_many_needs_more():
    """The pixels of an autoencoder are no classes; those that labels or names count are."""
    one = entry("out", "", "sigmoid", shape=(4, 1))
    assert forms([one], known(None)) == [("out", "sigmoid")]
    many = entry("out", "", "sigmoid", shape=(4, 784))
    assert forms([many], known()) == []
    assert forms([entry("out", "", "sigmoid")], known(None, NAMES)) == [("out", "sigmoid")]
    given = entry("fc", "", "sigmoid", True, shape=(4, 1))
    assert forms([given], known(None)) == [("fc", "sigmoid_logits")]


@pytest.mark.parametrize(
    ("width", "data", "loss", "form"),
    [
        (3, known(), None, "logits"),  # labels 0 to 2
        (64, known(), None, None),  # an embedding
        (3, known(None), None, None),
        (3, known(None, NAMES), None, "logits"),
        (4, known(names=NAMES), None, None),
        (64, known(), Loss("categorical", True), "logits"),
        (64, known(), Loss("categorical"), "softmax"),
        (3, known(), Loss("other"), None),
        (1, known(np.array([0, 1, 1, 0])), None, None),  # may be a regression
        (1, known(np.array([0, 1, 1, 0]), ("no", "yes")), None, "sigmoid_logits"),
        (1, known(), Loss("binary", True), "sigmoid_logits"),
    ],
)
def test_without_a_softmax_the_loss_the_names_or_the_labels_tell(width, data, loss, form):
    found = forms([entry("out", "", shape=(4, width))], data, loss)
    assert found == ([("out", form)] if form else [])


@pytest.mark.parametrize(
    ("labels", "names", "right"),
    [
        (Y, None, (0, 2, 1, 2)),
        (np.eye(3)[Y], None, (0, 2, 1, 2)),
        (np.array([-1, 2, 9, 0]), None, (None, 2, None, 0)),
        (["dog", "cat", "emu", "eel"], NAMES, (1, 0, None, 2)),
        (["1", "0", "1", "0"], ("1", "0", "x"), (0, 1, 0, 1)),
        (np.array([0.5, 1.5, 2.5, 0.1]), None, None),
        (np.ones((4, 3)), None, None),
        (None, NAMES, None),
    ],
)
def test_the_right_class_of_each_example(labels, names, right):
    """By number, by one-hot row, by name; none where a label is no class."""
    facts = facts_of([entry("out", "", "softmax")], known(labels, names))
    assert facts.classifiers == (Classifier("out", "softmax", right),)


def test_several_outputs_have_their_own_labels():
    """By the key of a dict or the place in a list."""
    found = [entry("a", ".x", "softmax"), entry("b", ".y", "softmax")]
    facts = facts_of(found, known({"x": Y, "y": Y[::-1]}))
    assert [one.classes for one in facts.classifiers] == [(0, 2, 1, 2), (2, 1, 2, 0)]
    found = [entry("a", ".0", "softmax"), entry("b", ".1", "softmax")]
    assert [one.classes for one in facts_of(found, known([Y, None])).classifiers][1] is None


def test_names_that_do_not_count_the_classes():
    """Given, they are refused where the classes are certain; found with the data, left aside."""
    out = [entry("out", "", "softmax", shape=(4, 4))]
    sentence = r"class_names names 3 \('cat', 'dog', 'eel'\); the model's output 'out' has 4 values"
    with pytest.raises(ValueError, match=sentence + ".*of 4, one for each class"):
        facts_of(out, known(names=NAMES, given=True))
    assert facts_of(out, known(names=NAMES)).class_names is None
    with pytest.raises(
        ValueError, match=r"has 1 value an example: .*two: of class 0 and of class 1"
    ):
        one = entry("out", "", "sigmoid", shape=(4, 1))
        facts_of([one], known(names=NAMES, given=True))
    embedding = [entry("out", "", shape=(4, 64))]
    assert facts_of(embedding, known(names=NAMES, given=True)).class_names == NAMES
