"""Axes of examples and of channels: a table of what is true of models that mix layouts."""

from __future__ import annotations

import fnmatch
import importlib
from functools import partial

import numpy as np
import pytest
import torch
import torch_kinds
import torch_zoo
from torch import nn
from torch_nets import Net, records

import tb_activations as tba
from tb_activations.training.batch import first_batch
from tb_activations.training.torch.data import arranged
from tb_activations.training.torch.forward import taken
from tb_activations.training.torch.survey import How, Survey, formats, surveyed

needs = partial(pytest.mark.skipif, bool(torch_zoo.missing()), reason="needs timm, torchvision")


def survey(model: nn.Module, x: object, **how: object) -> Survey:
    torch.manual_seed(0)
    batch = first_batch(x, arranged=partial(arranged, taken(model)))
    return surveyed(model, batch, None, How(**how))


def swin():
    make = torch_zoo.torchvision().models.SwinTransformer
    return make([4, 4], 24, [2, 2], [2, 4], [4, 4], num_classes=5), torch.randn(3, 3, 32, 32)


def convnext():
    torch_zoo.torchvision()
    of = importlib.import_module("torchvision.models.convnext")
    blocks = [of.CNBlockConfig(8, 16, 1), of.CNBlockConfig(16, None, 1)]
    return of.ConvNeXt(blocks, num_classes=5), torch.randn(3, 3, 32, 32)


def maxvit():
    torch_zoo.torchvision()
    of = importlib.import_module("torchvision.models.maxvit")
    model = of.MaxVit((32, 32), 8, 4, [8, 16], [1, 1], 4, 0.0, num_classes=5)
    return model, torch.randn(3, 3, 32, 32)


def edgenext():
    torch_zoo.torchvision()
    make = importlib.import_module("timm").models.EdgeNeXt
    sizes = {"depths": (1, 1, 1, 1), "dims": (8, 16, 24, 32), "heads": (2, 2, 2, 2)}
    return make(**sizes, d2_scales=(2, 2, 3, 4), num_classes=5), torch.randn(3, 3, 64, 64)


def segformer():
    torch_zoo.torchvision()
    hf = importlib.import_module("transformers")
    sizes = {"hidden_sizes": [8, 16], "patch_sizes": [7, 3], "strides": [4, 2]}
    ratios = {"sr_ratios": [2, 1], "mlp_ratios": [2, 2], "num_attention_heads": [1, 2]}
    config = hf.SegformerConfig(num_encoder_blocks=2, depths=[1, 1], **sizes, **ratios)
    return hf.SegformerModel(config), torch.randn(3, 3, 32, 32)


# Of entries of three axes and more: glob → whether the channels stand first; the last that fits.
TRUTH = {
    "swin": (swin, {"*": False, "features/0/0": True, "avgpool": True, "*softmax()": True,
                    "*attention_scores": True}),
    "convnext": (convnext, {"*": True, "*/block/[2345]": False}),
    "maxvit": (maxvit, {"*": True, "*/layers/*_attention/*": False, "*attention_scores": True,
                        "*/departition_op": True,
                        "*softmax()": True}),
    "edgenext": (edgenext, {"*": True, "*/norm": False, "*/mlp/*": False, "*/xca/*": False,
                            "*/norm_xca": False, "*/softmax()": True, "head/norm": True}),
    "segformer": (segformer, {"*": False, "*/proj": True, "*/sequence_reduction": True,
                              "*/dwconv": True, "*attention_scores": True,
                              "stages/[01]": True}),
    "wav2vec2": (torch_zoo.ZOO["transformers Wav2Vec2"],
                 {"*": False, "*/conv_layers/*": True, "*/pos_conv_embed/*": True,
                  "*/attention_scores": True}),
}  # fmt: skip


@needs()
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", TRUTH)
def test_channels_are_where_the_model_has_them(name):
    make, truth = TRUTH[name]
    found = survey(*make())
    wrong = []
    for entry, shape in found.found:
        fits = [first for glob, first in truth.items() if fnmatch.fnmatchcase(entry.name, glob)]
        if len(shape) > 2 and entry.channels_first is not fits[-1]:
            wrong.append((entry.name, shape, entry.channels_first))
    assert wrong == []
    assert len({entry.channels_first for entry, shape in found.found if len(shape) > 2}) == 2


@pytest.mark.parametrize(
    ("kind", "name", "batch", "shape"),
    [
        ("TransformerEncoder, time first", "e/layers/0/norm1", 1, (3, 5, 16)),
        ("TransformerEncoder, time first", "e/layers/0/self_attn/attention_scores", 0,
         (3, 4, 5, 5)),
        ("GRU, time first", "g.0", 1, (3, 5, 6)),
        ("GRU, time first", "g.1", 1, (3, 1, 6)),
        ("LSTM with states", "0.0", 0, (3, 5, 6)),
        ("LSTM with states", "0.1.1", 1, (3, 1, 6)),
        ("nn.Transformer", "decoder/norm", 0, (3, 4, 16)),
        ("windows in the batch", "inner", 0, (3, 2, 3, 8)),
    ],
)  # fmt: skip
def test_examples_are_on_the_axis_that_grew(kind, name, batch, shape):
    found = survey(*torch_kinds.SMALL[kind]())
    shapes = {entry.name: shape for entry, shape in found.found}
    assert (found.layouts[name].batch, shapes[name]) == (batch, shape)
    assert not dict((entry.name, entry.channels_first) for entry, _ in found.found)[name] or (
        "scores" in name
    )


def test_what_is_not_by_example_is_left_out_with_the_reason():
    table = nn.Parameter(torch.zeros(1, 5, 4))
    model = Net(lambda s, x: s.b(s.a(s.table)) + s.c(x), a=nn.Linear(4, 4), b=nn.Tanh(),
                c=nn.Linear(4, 4), table=table)  # fmt: skip
    reasons = {one.name: one.reason for one in survey(model, torch.randn(3, 5, 4)).left_out}
    assert reasons["a"] == "it returns (1, 5, 4) whatever the number of examples"
    experts = survey(*torch_kinds.SMALL["mixture of experts"]()).left_out
    assert [one.name for one in experts] == ["expert"]
    assert experts[0].reason.startswith("its rows do not go by examples")
    complex_ones = survey(*torch_kinds.SMALL["image of complex numbers"]()).left_out
    assert [(one.name, one.reason) for one in complex_ones] == [("f", "it is of dtype complex64")]


def test_a_similarity_of_examples_has_as_many_columns_as_there_are():
    model = Net(lambda s, x: s.out(s.a(x) @ s.a(x).T), a=nn.Linear(4, 4), out=nn.Tanh())
    shapes = {entry.name: shape for entry, shape in survey(model, torch.randn(7, 4)).found}
    assert shapes["out"] == (7, 7)


def test_a_model_of_one_size_of_batch_is_run_whole(tmp_path):
    model = Net(lambda s, x: s.a(x.view(40, 4)), a=nn.Linear(4, 3))
    with tba.ActivationsLogger(tmp_path, model, torch.randn(40, 4), verbose=0) as logger:
        logger.step()
    assert records(tmp_path)["a", 1].header.batch == 40


def test_slices_of_a_large_batch_are_put_together(tmp_path):
    model, x = nn.GRU(4, 6), torch.randn(5, 4).expand(70, 5, 4) * torch.rand(70, 1, 1)
    net = Net(lambda s, x: s.g(x.transpose(0, 1))[0], g=model)
    with tba.ActivationsLogger(tmp_path, net, x, verbose=0, precision="float32") as logger:
        logger.step()
    found = records(tmp_path)["g.0", 1]
    expected = tba.capture(net, x)["g.0"].transpose(1, 0, 2)
    assert found.header.batch == 70
    np.testing.assert_allclose(found.values, expected[:4], atol=1e-6)
    np.testing.assert_allclose(found.table[:, 2], expected.mean((0, 1)), atol=1e-5)


def test_what_the_user_says_of_the_layout_is_what_holds():
    model = nn.Sequential(nn.Linear(4, 5), nn.Tanh())
    first = {entry.name: entry.channels_first for entry, _ in survey(
        model, torch.randn(3, 6, 4), first=formats({"1": "channels_first"})).found}  # fmt: skip
    assert first == {"0": False, "1": True}
    both = survey(model, torch.randn(3, 6, 4), first=formats("channels_first")).found
    assert [entry.channels_first for entry, _ in both] == [True, True]


MOVES = {
    "permute": (lambda x: x.permute(0, 2, 3, 1), 3),
    "permute of a list": (lambda x: torch.permute(x, (0, 3, 1, 2)), 2),
    "transpose": (lambda x: x.transpose(1, -1), 3),
    "movedim": (lambda x: x.movedim(1, 2), 2),
    "flatten": (lambda x: x.flatten(2), 1),
    "flatten, then transposed": (lambda x: x.flatten(2).transpose(1, 2), 2),
    "added": (lambda x: x.permute(0, 2, 3, 1) + 1, 3),
    "concatenated": (lambda x: torch.cat([x.permute(0, 2, 3, 1)] * 2, -1), 3),
    "padded": (lambda x: nn.functional.pad(x.permute(0, 2, 3, 1), (0, 0, 1, 1)), 3),
    "mean over rows": (lambda x: x.permute(0, 2, 3, 1).mean(1), 2),
    "mean, sides kept": (lambda x: x.mean((2, 3), keepdim=True), 1),
    "indexed": (lambda x: x.permute(0, 2, 3, 1)[:, 0], 2),
    "indexed from the end": (lambda x: x[..., 0], 1),
    "with a new axis": (lambda x: x.unsqueeze(1), 2),
    "with None": (lambda x: x[:, None], 2),
    "halves": (lambda x: x.permute(0, 2, 3, 1).chunk(2, 1)[1], 3),
    "upsampled": (lambda x: nn.functional.interpolate(x, scale_factor=2), 1),
    "reshaped before": (lambda x: x.permute(0, 2, 3, 1).reshape(3, 2, 3, 5, 4), 4),
}


@pytest.mark.parametrize("move", MOVES)
def test_channels_are_followed_through_functions(move):
    """A module of one's own says nothing of its layout: what it was handed does."""
    function, axis = MOVES[move]

    class Own(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return function(x) * 2

    model = nn.Sequential(nn.Conv2d(3, 4, 1), Own())
    found = survey(model, torch.randn(3, 3, 6, 5))
    assert found.layouts["1"].channels == axis
