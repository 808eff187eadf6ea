"""Our maps and captum's on the same weights: `references/README.md` says what the file holds."""

from __future__ import annotations

import attribution_nets
import numpy as np
import pytest

import tb_activations as tba

REFERENCES = np.load(attribution_nets.REFERENCES)
CAPTUM = {
    "saliency": ("gradients", {}),
    "gradient_x_input": ("gradient_x_input", {}),
    "integrated_gradients_gl50": ("integrated_gradients", {"steps": 50}),
    "integrated_gradients_mid50": ("integrated_gradients", {"steps": 50, "rule": "midpoint"}),
    "grad_cam_conv2": ("grad_cam", {"layer": "conv2"}),
    "guided_backprop": ("guided_smooth_grad", {"samples": 1, "noise": 0}),
    "occlusion_4_4": ("occlusion", {"patch": 4, "stride": 4, "baseline": 0}),
    "occlusion_4_2": ("occlusion", {"patch": 4, "stride": 2, "baseline": 0}),
}
ZENNIT = {
    "lrp_eps": {"gamma": 0},
    "lrp_gamma_conv": {},
    "lrp_gamma_all": {"dense": True},
    "lrp_gamma_conv_box": {"bounds": (0, 1)},
}


@pytest.fixture(scope="module")
def flat():
    model = attribution_nets.flat()
    model.set_weights([REFERENCES[f"weights.{i:02d}"] for i in range(len(model.weights))])
    return model


def furthest(ours, theirs):
    """The largest difference, as a share of the largest value."""
    return np.abs(ours - theirs).max() / np.abs(theirs).max()


@pytest.mark.parametrize("name", CAPTUM)
def test_captum_computes_the_same_map(flat, name):
    """Ours and captum's differ by at most 1e-5 of the largest value."""
    method, options = CAPTUM[name]
    found = tba.attribute(flat, REFERENCES["x"], REFERENCES["y"], method=method, **options)
    theirs = REFERENCES[f"captum.{name}"]
    assert furthest(np.asarray(found).reshape(theirs.shape), theirs) <= 1e-5


@pytest.mark.parametrize("name", ZENNIT)
def test_zennit_shares_out_the_same_relevance(flat, name):
    """ε, γ in convolutions, γ everywhere and the box rule: within 1e-5 of the largest value."""
    found = tba.attribute(flat, REFERENCES["x"], REFERENCES["y"], method="lrp", **ZENNIT[name])
    assert furthest(np.asarray(found), REFERENCES[f"zennit.{name}"]) <= 1e-5


@pytest.mark.parametrize("name", ZENNIT)
def test_zennit_shares_out_the_same_over_normalised_layers(name):
    """With BatchNormalization merged into the weights, and an addition: within 1e-4."""
    known = np.load(attribution_nets.REFERENCES.with_name("residual.npz"))
    model = attribution_nets.residual()
    model.set_weights([known[f"weights.{i:02d}"] for i in range(len(model.weights))])
    found = tba.attribute(model, known["x"], known["y"], method="lrp", **ZENNIT[name])
    assert furthest(np.asarray(found), known[f"zennit.{name}"]) <= 1e-4


def test_captum_shares_out_the_same_relevance(flat):
    """Its ε rule, whose ε is 1e-9."""
    found = tba.attribute(
        flat, REFERENCES["x"], REFERENCES["y"], method="lrp", gamma=0, epsilon=1e-9
    )
    assert furthest(np.asarray(found), REFERENCES["captum.lrp_eps"]) <= 1e-5


def test_the_score_is_the_logit_of_the_reference(flat):
    """The score of a fused softmax is the logit that the reference network gives."""
    x, y = REFERENCES["x"], REFERENCES["y"]
    found = tba.attribute(flat, x, y, method="gradients")
    logits = REFERENCES["logits"]
    assert furthest(found.score, logits[np.arange(len(y)), y]) <= 1e-5
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
    assert np.abs(found.probability - probabilities[np.arange(len(y)), y]).max() <= 1e-5


def test_the_gap_of_a_trained_network_is_small(flat):
    """32 steps leave at most 2 % of the difference between the example and the baseline."""
    found = tba.attribute(flat, REFERENCES["x"], REFERENCES["y"])
    assert np.abs(found.gap / (found.score - found.baseline_score)).max() <= 0.02


def test_steps_are_doubled_until_the_gap_is_small(flat):
    """With a tolerance the steps double until every gap is within it."""
    few = tba.attribute(flat, REFERENCES["x"], REFERENCES["y"], steps=2)
    more = tba.attribute(flat, REFERENCES["x"], REFERENCES["y"], steps=2, tolerance=0.01)
    share = [np.abs(one.gap / (one.score - one.baseline_score)).max() for one in (few, more)]
    assert share[1] <= 0.01 < share[0]
