"""What is said of maps of an `nn.Module` is so: SmoothGrad's error, curves, what LRP keeps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch_nets import Block, Net, images

import tb_activations as tba

FLAT = np.load(Path(__file__).parents[2] / "references" / "flat.npz")
SAMPLES, NOISE = 64, 0.15


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(5)


def flat() -> nn.Module:
    """Two convolutions and two dense layers, trained; over pictures `[n, 3, 16, 16]`."""
    w = [torch.as_tensor(FLAT[f"weights.{i:02d}"]) for i in range(8)]

    def run(_, x):
        x = F.max_pool2d(F.relu(F.conv2d(x, w[0].permute(3, 2, 0, 1), w[1], padding=1)), 2)
        x = F.relu(F.conv2d(x, w[2].permute(3, 2, 0, 1), w[3], padding=1))
        x = x.permute(0, 2, 3, 1).flatten(1)
        return F.relu(x @ w[4] + w[5]) @ w[6] + w[7]

    return Net(run).eval()


def captums(model: nn.Module, x: torch.Tensor, target: int, noise: float) -> np.ndarray:
    """The mean of as many samples; `noise` is a share of an example's range, as it is for us."""
    pytest.importorskip("captum", reason="captum is not installed")
    pytest.importorskip("matplotlib", reason="matplotlib, which captum.attr imports, is not there")
    attr = pytest.importorskip("captum.attr")
    tunnel = attr.NoiseTunnel(attr.Saliency(model))
    maps = [
        tunnel.attribute(
            one[None], nt_type="smoothgrad", nt_samples=SAMPLES,
            stdevs=noise * float(one.max() - one.min()), target=target, abs=False,
        )
        for one in x
    ]  # fmt: skip
    return torch.cat(maps).detach().numpy()


def errors_apart(ours: np.ndarray, theirs: np.ndarray, error: np.ndarray) -> float:
    """How many standard errors of their difference two means of as many samples lie apart."""
    return float(np.sqrt(np.mean((ours - theirs) ** 2) / np.mean(2 * error**2)))


def test_smooth_grad_is_captums_within_three_standard_errors():
    """Of noise of the same size; maps or noise of another scale are further away."""
    model = flat()
    x = 3 * torch.as_tensor(FLAT["x"][:4]).permute(0, 3, 1, 2).contiguous()
    theirs = captums(model, x, 1, NOISE)
    found = tba.attribute(model, x, 1, method="smooth_grad", samples=SAMPLES, noise=NOISE)
    ours, error = np.asarray(found), found.standard_error
    assert 0.5 < errors_apart(ours, theirs, error) < 3
    for wrong in (2 * ours, ours / 2, -ours):
        assert errors_apart(wrong, theirs, error) > 3
    other = tba.attribute(model, x, 1, method="smooth_grad", samples=SAMPLES, noise=3 * NOISE)
    assert errors_apart(np.asarray(other), theirs, error) > 3


def weighted(*weights: float, bias: float = 0.5) -> nn.Module:
    """One output: the sum of the values by these weights."""
    model = nn.Linear(len(weights), 1)
    with torch.no_grad():
        model.weight.copy_(torch.tensor([weights]))
        model.bias.fill_(bias)
    return model


def test_a_linear_modules_curves_are_sums_by_hand():
    """Hidden in the order of w · x, each value takes its own share of the score away."""
    model, x = weighted(3, -1, 2, 0), torch.tensor([[1.0, 2, 4, 5]])  # w · x: 3, −2, 8, 0
    terms = tba.attribute(model, x, 0, method="gradient_x_input")
    found = tba.deletion_insertion(model, x, terms, steps=4, orders=50)
    assert np.allclose(found.deletion, [[9.5, 1.5, -1.5, -1.5, 0.5]])
    assert np.allclose(found.insertion, [[0.5, 8.5, 11.5, 11.5, 9.5]])
    assert np.allclose(found.deletion_area, [(9.5 / 2 + 1.5 - 1.5 - 1.5 + 0.5 / 2) / 4])
    assert (found.random_deletion_area >= found.deletion_area - 1e-6).all()
    assert (found.random_insertion_area <= found.insertion_area + 1e-6).all()


def test_a_position_goes_with_all_channels_before_it():
    """Of `[n, c, h, w]` that is not square: as many steps as positions, sums of squares by hand."""
    model = Net(lambda _, x: (x * x).flatten(1).sum(1, keepdim=True))
    x = torch.randn(2, 3, 4, 5)
    order = (x * x).numpy()
    found = tba.deletion_insertion(model, x, order, 0, baseline=0, steps=20, orders=1)
    each = -np.sort(-order.sum(1).reshape(2, -1), axis=1)
    expected = each.sum(1, keepdims=True) - np.pad(np.cumsum(each, 1), ((0, 0), (1, 0)))
    assert np.allclose(found.deletion, expected, atol=1e-4)


def test_curves_of_a_trained_module_beat_random_orders_and_leave_it_alone():
    """By relevance; a coarse map over the input, a layer's at the layer; in place or not."""
    model = flat()
    x = torch.as_tensor(FLAT["x"][:4]).permute(0, 3, 1, 2)
    maps = tba.attribute(model, x, method="lrp")
    found = tba.deletion_insertion(model, x, maps, output="logit", steps=8, orders=3, baseline=0)
    assert found.deletion_area.mean() < found.random_deletion_area.mean()
    assert found.insertion_area.mean() > found.random_insertion_area.mean()
    within = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Flatten(),
                           nn.Linear(36, 3), nn.Softmax(-1)).train()  # fmt: skip
    before = {name: one.clone() for name, one in within.state_dict().items()}
    cam = tba.attribute(within, images(2), 1, method="grad_cam", layer="2")
    over = tba.deletion_insertion(within, images(2), cam, steps=4, orders=1)
    inner = tba.attribute(within, images(2), 1, method="gradients", layer="0")
    at_layer = tba.deletion_insertion(within, images(2), inner, baseline=0, steps=4, orders=1)
    assert over.output == "probability" and over.deletion.shape == (2, 5)
    assert np.allclose(over.deletion[:, 0], cam.probability, atol=1e-6)
    assert np.allclose(at_layer.deletion[:, 0], over.deletion[:, 0], atol=1e-6)
    assert not np.allclose(at_layer.deletion[:, -1], over.deletion[:, -1], atol=1e-5)
    assert all(torch.equal(one, before[name]) for name, one in within.state_dict().items())
    assert within.training and all(one.grad is None for one in within.parameters())


def test_relevance_keeps_little_more_than_gradients_for_the_way_back():
    """What a function was given and what it returned; not its contributions of each sign."""
    model = nn.Sequential(nn.Conv2d(3, 8, 3), *(Block(8) for _ in range(4)), nn.Flatten(),
                          nn.Linear(8 * 36, 3)).eval()  # fmt: skip

    def kept(method: str) -> int:
        """Bytes, when the score is there and the way back has not begun."""
        held: dict[int, int] = {}
        totals: list[int] = []

        def pack(tensor: torch.Tensor) -> torch.Tensor:
            storage = tensor.untyped_storage()
            held[storage.data_ptr()] = storage.nbytes()
            return tensor

        def score(outputs: torch.Tensor) -> torch.Tensor:
            totals.append(sum(held.values()))
            return outputs[:, 1]

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            tba.attribute(model, images(4), score, method=method)
            held.clear()
            tba.attribute(model, images(4), score, method=method)
        return totals[-1]

    assert kept("gradients") < kept("lrp") < 2 * kept("gradients")
