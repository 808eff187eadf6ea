"""What a module returns, whatever shape it has then: its classes stand in the run's record."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch_nets import Net, facts

import tb_activations as tba

X, Y = torch.rand(6, 4, generator=torch.Generator().manual_seed(1)), torch.arange(6) % 3
QUIET = {"verbose": 0, "receptive_fields": False}


def classifiers(log_dir, model, y=Y, **options):
    data = X if y is None else (X, y)
    with tba.ActivationsLogger(log_dir, model, data, **QUIET, **options) as logger:
        logger.step()
    return [(one.tag, one.form, one.classes) for one in facts(log_dir).classifiers]


RIGHT = (0, 1, 2, 0, 1, 2)


@pytest.mark.parametrize(
    ("model", "options", "expected"),
    [
        (nn.Sequential(nn.Linear(4, 3), nn.Softmax(-1)), {}, ("1", "softmax", RIGHT)),
        (Net(lambda s, x: s.a(x).log_softmax(1), a=nn.Linear(4, 3)), {},
         ("log_softmax()", "log_softmax", RIGHT)),
        (Net(lambda s, x: s.a(x).softmax(1), a=nn.Linear(4, 3)), {"layers": "a"},
         ("a", "logits", RIGHT)),
        (Net(lambda s, x: s.a(x).double(), a=nn.Linear(4, 3)), {}, ("a", "logits", RIGHT)),
        (Net(lambda s, x: (s.a(x), s.b(x)), a=nn.Linear(4, 3), b=nn.Linear(4, 8)),
         {"class_names": list("abc")}, ("a", "logits", None)),
        (Net(lambda s, x: s.a(x[:, :, None, None]).flatten(1), a=nn.Conv2d(4, 3, 1)), {},
         ("a", "logits", RIGHT)),
        (Net(lambda s, x: torch.sigmoid(s.a(x)).squeeze(1), a=nn.Linear(4, 1)),
         {"y": Y % 2}, ("sigmoid()", "sigmoid", (0, 1, 0, 0, 1, 0))),
    ],
    ids=["layer", "function", "asked for alone", "cast", "tuple", "convolution", "squeezed"],
)  # fmt: skip
def test_the_output_is_found_by_its_values(tmp_path, model, options, expected):
    assert classifiers(tmp_path, model, **options) == [expected]


def test_what_is_no_classifier_has_no_record(tmp_path):
    """An embedding, however labelled; a row of numbers without labels."""
    for i, (model, y) in enumerate([(nn.Linear(4, 64), Y), (nn.Linear(4, 3), None)]):
        with pytest.raises(AssertionError, match="no record of the run"):
            classifiers(tmp_path / str(i), model, y)


def test_names_of_another_length_are_refused_where_classes_are_certain(tmp_path):
    model = nn.Sequential(nn.Linear(4, 3), nn.Softmax(-1))
    with pytest.raises(ValueError, match=r"^class_names names 4 \('a', 'b', 'c', …\)"):
        classifiers(tmp_path, model, class_names=list("abcd"))
