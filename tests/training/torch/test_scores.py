"""Attention scores are those of an attention that shows them: masks, causality, groups, scale."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch_nets import Net, records

import tb_activations as tba

N, HEADS, L, S, D = 3, 4, 5, 6, 8


def random(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


def eager(q, k, mask=None, causal=False, scale=None):
    """Attention scores as the documentation of torch computes them."""
    bias = torch.zeros(q.shape[-2], k.shape[-2])
    if causal:
        bias.masked_fill_(torch.ones_like(bias, dtype=torch.bool).tril().logical_not(), -math.inf)
    if mask is not None and mask.dtype == torch.bool:
        bias = torch.zeros(mask.shape).masked_fill_(~mask, -math.inf)
    elif mask is not None:
        bias = mask + bias
    scale = 1 / math.sqrt(q.shape[-1]) if scale is None else scale
    return torch.softmax(q @ k.mT * scale + bias, -1)


BOOL = torch.arange(S) < torch.tensor([[2], [3], [S]])
CASES = {
    "plain": {},
    "causal": {"is_causal": True},
    "mask of booleans": {"attn_mask": BOOL[:, None, None, :].expand(N, 1, L, S)},
    "mask that is added": {"attn_mask": random(L, S)},
    "scale": {"scale": 0.3},
}


@pytest.mark.parametrize("case", CASES)
def test_scores_are_those_of_eager_attention(case):
    options = CASES[case]
    run = lambda s, x, k: F.scaled_dot_product_attention(s.q(x), k, k, **options)  # noqa: E731
    model = Net(run, q=nn.Linear(D, D))
    x, k = random(N, HEADS, L, D), random(N, HEADS, S, D)
    values = tba.capture(model, (x, k), forward=lambda m, given: m(*given))
    q = model.q(x).detach()
    renamed = {"attn_mask": "mask", "is_causal": "causal"}
    expected = eager(q, k, **{renamed.get(name, name): one for name, one in options.items()})
    assert list(values) == ["q", "attention_scores", "Net"]
    np.testing.assert_allclose(values["attention_scores"], expected, atol=1e-6)
    np.testing.assert_allclose(values["attention_scores"] @ k.numpy(), values["Net"], atol=2e-6)


def test_groups_of_queries_share_a_key():
    model = Net(
        lambda s, x, k: F.scaled_dot_product_attention(s.q(x), k, k, enable_gqa=True),
        q=nn.Linear(D, D),
    )
    x, k = random(N, HEADS, L, D), random(N, 2, S, D)
    scores = tba.capture(model, (x, k), forward=lambda m, given: m(*given))["attention_scores"]
    expected = eager(model.q(x).detach(), k.repeat_interleave(2, 1))
    np.testing.assert_allclose(scores, expected, atol=1e-6)


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("needed", [True, False])
def test_scores_of_multihead_attention_are_each_heads_weights(first, needed, request):
    """It returns none, or their mean over heads, to who asks; hooks see no more than that."""
    attention = nn.MultiheadAttention(16, HEADS, batch_first=first).eval()
    model = Net(lambda s, x: s.a(x, x, x, need_weights=needed), a=attention)
    x = random(N, L, 16) if first else random(L, N, 16)
    torch.backends.mha.set_fastpath_enabled(False)
    request.addfinalizer(lambda: torch.backends.mha.set_fastpath_enabled(True))
    with torch.no_grad():
        _, mean = attention(x, x, x)
        _, weights = attention(x, x, x, average_attn_weights=False)
        plain = model(x)[0]
    values = tba.capture(model, x)
    np.testing.assert_allclose(values["a/attention_scores"], weights, atol=1e-6)
    np.testing.assert_array_equal(values["a.0" if needed else "a"], plain.numpy())
    if needed:
        np.testing.assert_array_equal(values["a.1"], mean.numpy())


def test_cross_attention_has_a_side_of_queries_and_one_of_keys():
    layer = nn.TransformerDecoderLayer(16, HEADS, 32, batch_first=True)
    values = tba.capture(layer, (random(N, L, 16), random(N, S, 16)))
    assert values["multihead_attn/attention_scores"].shape == (N, HEADS, L, S)
    assert values["self_attn/attention_scores"].shape == (N, HEADS, L, L)


def test_rows_that_attend_to_nothing_are_zeros_as_the_kernel_has_them():
    mask = torch.ones(L, L, dtype=torch.bool)
    mask[2] = False
    model = Net(lambda s, x: F.scaled_dot_product_attention(s.q(x), x, x, mask), q=nn.Linear(D, D))
    values = tba.capture(model, random(N, HEADS, L, D))
    assert not values["attention_scores"][:, :, 2].any()


def test_scores_of_a_nan_are_nan():
    x = random(N, HEADS, L, D)
    x[1, 2, 3] = math.nan
    for mask in (None, torch.ones(L, L, dtype=torch.bool)):
        model = Net(lambda s, x, m=mask: F.scaled_dot_product_attention(x, x, x, m))
        scores = tba.capture(model, x)["attention_scores"]
        assert np.isnan(scores[1, 2]).all(axis=-1)[3]
        assert np.isfinite(scores[0]).all()


def test_scores_have_the_dtype_of_the_query_whatever_autocast_has_made_of_the_key():
    """Under autocast a rotation may have left the queries in float32; the kernel casts them all."""
    run = lambda s, x: F.scaled_dot_product_attention(x, s.k(x), x, torch.zeros(L, L))  # noqa: E731
    model, x = Net(run, k=nn.Linear(8, 8)), random(2, HEADS, L, 8)
    expected = tba.capture(model, x)["attention_scores"]
    with torch.autocast("cpu", torch.bfloat16):
        found = tba.capture(model, x)["attention_scores"]
    assert found.dtype == expected.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-2)


def test_many_scores_are_computed_an_example_at_a_time(tmp_path, monkeypatch):
    from tb_activations.training.torch import passes

    model, x = nn.TransformerEncoderLayer(16, HEADS, 32, batch_first=True), random(6, L, 16)
    options = {"verbose": 0, "precision": "float32", "update_freq": 1, "max_outputs": 2}
    with tba.ActivationsLogger(tmp_path, model, x, **options) as logger:
        logger.step()
        monkeypatch.setattr(passes, "_AT_ONCE", 1)
        logger.step()
    found, tag = records(tmp_path), "self_attn/attention_scores"
    whole, single = found[tag, 1], found[tag, 2]
    np.testing.assert_allclose(whole.values, single.values, atol=1e-7)
    np.testing.assert_allclose(whole.table, single.table, atol=1e-6)
    expected = np.moveaxis(tba.capture(model, x, "attention_scores")[tag], 1, -1)
    np.testing.assert_allclose(whole.values, expected[:2], atol=1e-7)
    assert whole.header.batch == single.header.batch == 6
