"""`tba.attribute` of an `nn.Module`: gradients where they belong, in place or not; the logit."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import torch_kinds
from torch import nn
from torch_nets import Net, Residual, images, records, steps

import tb_activations as tba

LOGITS = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(144, 5))


def gradient(model: nn.Module, x: torch.Tensor, target: int) -> np.ndarray:
    x = x.clone().requires_grad_()
    model.eval()(x)[:, target].sum().backward()
    return x.grad.numpy()


def attributed(model, x, target=2, **options):
    return tba.attribute(model, x, target, **options)


def test_gradients_are_autograds_and_the_model_is_left_alone():
    model, x = LOGITS.train(), images()
    before = [one.grad for one in model.parameters()]
    found = attributed(model, x, method="gradients")
    expected = gradient(model, x, 2)
    np.testing.assert_allclose(found.values, expected, atol=1e-6)
    np.testing.assert_allclose(found.score, model(x)[:, 2].detach(), atol=1e-6)
    for one in model.parameters():
        one.grad = None
    model.train()
    attributed(model, x, method="gradients")
    assert all(one.grad is None for one in model.parameters()) or before == []
    assert all(module.training for module in model.modules())


def test_the_gradient_at_a_layer_is_of_what_it_returned_though_it_is_overwritten():
    """A hook's tensor is the ReLU's by then, and so is the gradient that is taken at it."""
    model, x = LOGITS, images()
    found = attributed(model, x, method="gradient_x_input", layer="0")
    out = model[0](x).detach().requires_grad_()
    model[3](torch.relu(out).flatten(1))[:, 2].sum().backward()
    np.testing.assert_allclose(found.values, (out * out.grad).detach(), atol=1e-6)
    assert (out.detach().numpy() < 0).any()
    assert not found.values[out.detach().numpy() < 0].any()


def test_a_functional_activation_is_a_layer_to_attribute_to():
    model = Net(lambda s, x: s.out(F.relu(s.a(x))), a=nn.Linear(6, 4), out=nn.Linear(4, 3))
    x = torch.randn(5, 6)
    found = attributed(model, x, 1, method="gradient_x_input", layer="relu()")
    expected = torch.relu(model.a(x)) * model.out.weight[1]
    np.testing.assert_allclose(found.values, expected.detach(), atol=1e-6)


@pytest.mark.parametrize("ending", ["softmax", "nn.Softmax", "log_softmax", "sigmoid"])
def test_the_score_is_the_logit_whatever_makes_probabilities_of_it(ending):
    ends = {
        "softmax": lambda x: F.softmax(x, -1),
        "nn.Softmax": nn.Softmax(-1),
        "log_softmax": lambda x: x.log_softmax(-1),
        "sigmoid": torch.sigmoid,
    }
    logits = nn.Linear(6, 3)
    model = Net(lambda s, x: ends[ending](s.a(x)), a=logits)
    x = torch.randn(4, 6)
    found = attributed(model, x, 1, method="gradients")
    np.testing.assert_allclose(found.score, logits(x)[:, 1].detach(), atol=1e-6)
    np.testing.assert_allclose(found.values, logits.weight[1].detach().expand(4, 6), atol=1e-6)
    made = model(x).detach()
    expected = made.exp() if ending == "log_softmax" else made
    np.testing.assert_allclose(found.probability, expected[:, 1], atol=1e-6)


def test_integrated_gradients_are_complete():
    torch.manual_seed(0)
    model, x = Residual(), images(2)
    found = attributed(model, x, 1, method="integrated_gradients", steps=32)
    total = found.values.reshape(2, -1).sum(1)
    np.testing.assert_allclose(total, found.score - found.baseline_score, atol=0.05)
    assert found.values.shape == x.shape


def test_grad_cam_is_of_the_last_map():
    found = attributed(LOGITS, images(), method="grad_cam")
    assert (found.layer, found.values.shape[:3]) == ("1", (4, 6, 6))


def test_tokens_are_explained_at_their_embedding():
    model = nn.Sequential(nn.Embedding(99, 8), nn.Flatten(), nn.Linear(96, 3))
    with pytest.warns(UserWarning, match="explained at the output of '0'"):
        found = attributed(model, torch_kinds.tokens(), 1, method="gradients")
    assert found.values.shape == (3, 12, 8)


def test_a_function_scores_outputs_and_layers():
    model, x = LOGITS, images()
    found = tba.attribute(
        model, x, lambda out, layers: layers["0"][:, 1].mean((1, 2)), method="gradients"
    )
    given = x.clone().requires_grad_()
    model[0](given)[:, 1].mean((1, 2)).sum().backward()
    np.testing.assert_allclose(found.values, given.grad, atol=1e-7)


def test_compiled_frozen_and_half_models_are_explained():
    x = images()
    plain = attributed(LOGITS, x, method="gradients").values
    compiled = attributed(torch.compile(LOGITS, backend="eager"), x, method="gradients")
    np.testing.assert_array_equal(compiled.values, plain)
    frozen = torch_kinds._seq(*LOGITS).requires_grad_(False)
    found = attributed(frozen, x, method="gradient_x_input", layer="0")
    assert found.values.any()
    frozen.requires_grad_(True)
    half = nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 3)).bfloat16()
    assert attributed(half, torch.randn(4, 6), method="gradients").values.dtype == np.float32


@pytest.mark.parametrize(
    ("layer", "sentence"),
    [
        ("conv9", "no layer 'conv9'"),
        ("[01]", "chooses 2 outputs: '0', '1'"),
    ],
)
def test_a_layer_that_is_not_one_is_refused(layer, sentence):
    with pytest.raises(ValueError, match=sentence):
        attributed(LOGITS, images(), method="gradients", layer=layer)


def test_what_is_no_model_is_refused():
    with pytest.raises(TypeError, match="model is a int"):
        attributed(3, images())


def test_attributions_are_logged_beside_activations(tmp_path):
    torch.manual_seed(0)
    model, x = Residual(), images(3)
    options = {"verbose": 0, "update_freq": 1, "receptive_fields": False, "precision": "float32"}
    logger = tba.ActivationsLogger(
        tmp_path, model, (x, torch.tensor([1, 0, 2])), class_names=list("abcde"),
        attributions=tba.AttributionMethod("gradients", target="label"), **options,
    )  # fmt: skip
    logger.step()
    logger.step()
    logger.close()
    found = records(tmp_path)
    tags = {tag for tag, _ in found if "gradients" in tag}
    assert len(tags) == 1
    tag = tags.pop()
    assert steps(tmp_path, tag) == [1, 2]
    expected = tba.attribute(model, x, np.array([1, 0, 2]), method="gradients").values
    values = found[tag, 2].values
    np.testing.assert_allclose(values[..., 0], expected.sum(1)[: len(values)], atol=1e-6)


@pytest.mark.parametrize(
    ("model", "x", "sentence"),
    [
        (nn.Conv2d(3, 4, 3), images(2), "the output [n, 4,"),
        (nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 3)), torch.rand(2, 4), "grad_cam needs a"),
    ],
)
def test_what_cannot_be_explained_is_not_said_to_be_the_data(tmp_path, model, x, sentence):
    logger = tba.ActivationsLogger(tmp_path, model, x, attributions="grad_cam", verbose=0)
    with pytest.raises(ValueError, match="^" + re.escape(sentence)):
        logger.step()


@pytest.mark.parametrize("around", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("method", ["gradients", "grad_cam", "integrated_gradients"])
def test_gradients_flow_where_the_caller_switched_them_off(around, method):
    model, x = LOGITS.eval(), images()
    expected = attributed(model, x, method=method)
    with around():
        found = attributed(model, x, method=method)
    assert np.abs(expected.values).max() > 0
    np.testing.assert_array_equal(found.values, expected.values)


def test_labels_beside_x_are_refused_with_the_target_that_reads_them():
    given = images(), torch.arange(len(images()))
    with pytest.raises(ValueError, match=r'\(x, y\) is taken for inputs unless target is "label"'):
        attributed(LOGITS, given, 2, method="gradients")
    assert attributed(LOGITS, given, "label", method="gradients").target.tolist() == [0, 1, 2, 3]


def test_the_function_that_a_refusal_writes_works():
    """For one output in a dict, as Hugging Face's models return it, and for one by itself."""
    body = nn.Linear(6, 3)
    for wrap in (lambda one: {"logits": one}, lambda one: one):
        model = Net(lambda s, x, wrap=wrap: wrap(s.a(x)), a=body)
        with pytest.raises(ValueError, match="not one row of classes") as refused:
            tba.attribute(model, torch.randn(2, 4, 6), 1, method="gradients")
        written = str(refused.value).split("`")[1]
        found = tba.attribute(model, torch.randn(2, 4, 6), eval(written), method="gradients")
        np.testing.assert_allclose(found.values[0, 0], body.weight[0].detach(), atol=1e-6)


def test_a_map_of_zeros_by_occlusion_says_why():
    model = Net(lambda s, x: s.a(x[:, :3]), a=nn.Linear(3, 2))
    with pytest.warns(UserWarning, match="no patch that was hidden at input changed the score"):
        found = tba.attribute(nn.Sequential(nn.ReLU(), model), -torch.ones(2, 6), 0,
                              method="occlusion", baseline=-1.0)  # fmt: skip
    assert not found.values.any()
