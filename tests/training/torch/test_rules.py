"""LRP and guided backpropagation of an `nn.Module`: references, closed forms, what is met where."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import torch_zoo
from lrp_rules import RULES
from torch import nn
from torch_nets import Net

import tb_activations as tba
from tb_activations.training.torch.favoured import Favoured
from tb_activations.training.torch.linear import linear_of
from tb_activations.training.torch.shared_out import OfTerms

REFERENCES = Path(__file__).parents[2] / "references"
FLAT = np.load(REFERENCES / "flat.npz")
RESIDUAL = np.load(REFERENCES / "residual.npz")
ZENNIT = {
    "lrp_eps": {"gamma": 0},
    "lrp_gamma_conv": {},
    "lrp_gamma_all": {"dense": True},
    "lrp_gamma_conv_box": {"bounds": (0, 1)},
}


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(5)


def lrp(model, x, target=1, **options):
    return tba.attribute(model.eval(), x, target, method="lrp", **options)


def guided(model, x, target=1, **options):
    options = {"samples": 1, "noise": 0, **options}
    return tba.attribute(model.eval(), x, target, method="guided_smooth_grad", **options)


def furthest(ours, theirs):
    """The largest difference, as a share of the largest value."""
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    return np.abs(ours - theirs).max() / np.abs(theirs).max()


def filled(layer: nn.Module, *arrays: np.ndarray) -> nn.Module:
    """A layer with Keras' weights: kernels `[…, in, out]`, moving averages last."""
    names = ["weight", "bias", "running_mean", "running_var"]
    with torch.no_grad():
        for name, array in zip(names, arrays, strict=False):
            if name == "weight" and array.ndim > 1:
                array = np.moveaxis(array, (-1, -2), (0, 1))
            getattr(layer, name).copy_(torch.as_tensor(array))
    return layer


def flat(relu=lambda x: F.relu(x)) -> nn.Module:
    """The network of `flat.npz`; the axes are Keras', so that its dense layer fits."""
    w = [FLAT[f"weights.{i:02d}"] for i in range(8)]

    def run(s, x):
        x = F.max_pool2d(relu(s.conv1(x.permute(0, 3, 1, 2))), 2)
        x = relu(s.conv2(x)).permute(0, 2, 3, 1).flatten(1)
        return s.out(relu(s.dense1(x))).softmax(-1)

    return Net(
        run,
        conv1=filled(nn.Conv2d(3, 8, 3, padding=1), *w[:2]),
        conv2=filled(nn.Conv2d(8, 16, 3, padding=1), *w[2:4]),
        dense1=filled(nn.Linear(w[4].shape[0], 32), *w[4:6]),
        out=filled(nn.Linear(32, 10), *w[6:]),
    )


def residual() -> nn.Module:
    w = [RESIDUAL[f"weights.{i:02d}"] for i in range(13)]

    def run(s, x):
        x = F.relu(s.bn1(s.conv1(x.permute(0, 3, 1, 2))), inplace=True)
        y = s.bn2(s.conv2(x))
        y += x
        return s.out(F.adaptive_avg_pool2d(s.relu(y), 1).flatten(1))

    return Net(
        run,
        conv1=filled(nn.Conv2d(3, 8, 3, padding=1, bias=False), w[0]),
        bn1=filled(nn.BatchNorm2d(8, eps=1e-3), *w[1:5]),
        conv2=filled(nn.Conv2d(8, 8, 3, padding=1), *w[5:7]),
        bn2=filled(nn.BatchNorm2d(8, eps=1e-3), *w[7:11]),
        relu=nn.ReLU(inplace=True),
        out=filled(nn.Linear(8, 10), *w[11:]),
    )


@pytest.mark.parametrize("name", ZENNIT)
def test_zennit_shares_out_the_same_relevance(name):
    """ε, γ in convolutions, γ everywhere and the box rule, whose bounds follow a permutation."""
    found = lrp(flat(), FLAT["x"], FLAT["y"], **ZENNIT[name])
    assert furthest(found, FLAT[f"zennit.{name}"]) <= 1e-5


@pytest.mark.parametrize("name", ZENNIT)
def test_zennit_shares_out_the_same_over_normalised_layers(name):
    """With in-place activations and an in-place addition; BatchNorm is folded."""
    found = lrp(residual(), RESIDUAL["x"], RESIDUAL["y"], **ZENNIT[name])
    assert furthest(found, RESIDUAL[f"zennit.{name}"]) <= 1e-4


def test_captum_shares_out_the_same_relevance():
    found = lrp(flat(), FLAT["x"], FLAT["y"], gamma=0, epsilon=1e-9)
    assert furthest(found, FLAT["captum.lrp_eps"]) <= 1e-5


RELUS = {
    "functional": lambda x: F.relu(x),
    "functional, in place": lambda x: F.relu(x, inplace=True),
    "module, in place": nn.ReLU(inplace=True),
    "method, in place": lambda x: x.relu_(),
    "overwritten, its result dropped": lambda x: (torch.relu_(x), x)[1],
    "a view of it overwritten": lambda x: (x[:].relu_(), x)[1],
    "clamp": lambda x: x.clamp(min=0),
}


@pytest.mark.parametrize("relu", RELUS)
def test_guided_backpropagation_is_captums_however_the_relu_is_written(relu):
    found = guided(flat(RELUS[relu]), FLAT["x"], FLAT["y"])
    theirs = FLAT["captum.guided_backprop"]
    assert furthest(np.asarray(found).reshape(theirs.shape), theirs) <= 1e-5


def test_hooks_miss_a_functional_relu():
    """Guided backpropagation by hooks, as captum does it, is then the plain gradient."""
    model, x = flat().eval(), torch.as_tensor(FLAT["x"]).requires_grad_()
    met = [one.register_full_backward_hook(lambda _, given, __: (F.relu(given[0]),))
           for one in model.modules() if isinstance(one, nn.ReLU)]  # fmt: skip
    model(x).gather(1, torch.as_tensor(FLAT["y"]).long()[:, None]).sum().backward()
    plain = tba.attribute(model, FLAT["x"], FLAT["y"], method="gradients", output="probability")
    assert not met and furthest(x.grad, plain) < 1e-5
    assert furthest(guided(model, FLAT["x"], FLAT["y"], output="probability"), plain) > 0.1


def bias_free() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(2, 5, 3, padding=1, bias=False), nn.ReLU(inplace=True), nn.MaxPool2d(2),
        nn.Conv2d(5, 6, 3, bias=False), nn.ReLU(), nn.Flatten(),
        nn.Linear(36, 7, bias=False), nn.ReLU(), nn.Linear(7, 3, bias=False), nn.Softmax(-1),
    )  # fmt: skip


@pytest.mark.parametrize("rule", RULES)
def test_without_biases_the_score_is_shared_out_whole(rule):
    """The sum of the relevance is the score, at the inputs and at every layer."""
    model, x = bias_free(), torch.rand(3, 2, 8, 10)
    for layer in (None, "0", "6"):
        found = lrp(model, x, layer=layer, **RULES[rule])
        sums = np.asarray(found, np.float64).reshape(3, -1).sum(axis=1)
        np.testing.assert_allclose(sums, found.score, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(found.gap, found.score - sums, atol=1e-5)


def test_for_a_small_epsilon_it_is_gradient_x_input():
    product = tba.attribute(flat(), FLAT["x"], FLAT["y"], method="gradient_x_input")
    assert furthest(lrp(flat(), FLAT["x"], FLAT["y"], epsilon=0, gamma=0), product) < 1e-5


def test_of_z_plus_nothing_is_negative():
    """Where inputs and the score are positive, each value's relevance is, too."""
    model, x = bias_free(), torch.rand(4, 2, 8, 10)
    found = lrp(model, x, None, **RULES["z+"])
    good = found.score > 0
    assert good.any() and (np.asarray(found)[good] >= 0).all()
    assert (np.asarray(lrp(model, x, None, gamma=0))[good] < 0).any()


def test_of_positive_weights_guided_backpropagation_is_the_gradient():
    """No negative gradient reaches a ReLU, in place or not, or a ReLU6."""
    model, x = bias_free(), torch.randn(3, 2, 8, 10)
    model[4] = nn.ReLU6(inplace=True)
    with torch.no_grad():
        for one in model.parameters():
            one.abs_()
    plain = tba.attribute(model, x, 1, method="gradients")
    np.testing.assert_allclose(np.asarray(guided(model, x)), np.asarray(plain), atol=1e-7)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("kind", ["conv", "transposed", "dense"])
def test_batch_normalisation_is_folded(rule, kind):
    """Maps are those of one layer with the merged weights; scales have either sign."""
    layer, norm, shape = {
        "conv": (lambda: nn.Conv2d(2, 6, 3), nn.BatchNorm2d, (3, 2, 7, 6)),
        "transposed": (lambda: nn.ConvTranspose2d(2, 6, 3), nn.BatchNorm2d, (3, 2, 7, 6)),
        "dense": (lambda: nn.Linear(5, 6), nn.BatchNorm1d, (3, 5)),
    }[kind]
    one, other, norm = layer(), layer(), norm(6)
    with torch.no_grad():
        for value in (norm.weight, norm.bias, norm.running_mean):
            value.normal_()
        norm.running_var.uniform_(0.1, 2)
        scale = norm.weight / (norm.running_var + norm.eps).sqrt()
        sides = {"conv": (-1, 1, 1, 1), "transposed": (1, -1, 1, 1), "dense": (-1, 1)}[kind]
        other.weight.copy_(one.weight * scale.reshape(sides))
        other.bias.copy_((one.bias - norm.running_mean) * scale + norm.bias)
    head = [nn.ReLU(inplace=True), nn.Flatten(), nn.LazyLinear(3)]
    x = torch.rand(shape)
    found, wanted = nn.Sequential(one, norm, *head), nn.Sequential(other, *head)
    wanted(x)
    assert furthest(lrp(found, x, **RULES[rule]), lrp(wanted, x, **RULES[rule])) < 1e-4


class Block(nn.Module):
    """A block of a transformer without biases, its attention as asked."""

    def __init__(self, attention: str) -> None:
        super().__init__()
        self.attention = attention
        self.heads = nn.MultiheadAttention(8, 2, bias=False, batch_first=True)
        self.norms = nn.ModuleList(nn.LayerNorm(8, bias=False) for _ in range(2))
        self.up, self.down = nn.Linear(8, 12, bias=False), nn.Linear(12, 8, bias=False)

    def attended(self, x: torch.Tensor) -> torch.Tensor:
        if self.attention in ("module", "module, weights"):
            return self.heads(x, x, x, need_weights=self.attention != "module")[0]
        q, k, v = F.linear(x, self.heads.in_proj_weight).chunk(3, -1)
        if self.attention == "fused":
            out = F.scaled_dot_product_attention(q[:, None], k[:, None], v[:, None])[:, 0]
        elif self.attention == "einsum":
            scores = F.dropout(torch.einsum("nqc,nkc->nqk", q, k).softmax(-1), 0.1, self.training)
            out = torch.einsum("nqk,nkc->nqc", scores, v)
        else:
            out = (F.softmax(q @ k.transpose(1, 2), -1, dtype=torch.float32).to(v.dtype)) @ v
        return self.heads.out_proj(out)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.attended(self.norms[0](x))
        y = self.down(F.gelu(self.up(self.norms[1](x))))
        y += x
        return y


@pytest.mark.parametrize("attention", ["module", "module, weights", "fused", "einsum", "by hand"])
def test_attention_and_deviations_are_held(attention):
    """A transformer without biases shares the score out whole; the plain product does not."""
    head = Net(lambda s, x: s.out(x.mean(1)), out=nn.Linear(8, 3, bias=False))
    model, x = nn.Sequential(Block(attention), Block(attention), head), torch.randn(3, 5, 8)
    found = lrp(model, x, gamma=0)
    assert np.abs(found.gap).max() < 1e-3 * np.abs(found.score).max()
    product = tba.attribute(model, x, 1, method="gradient_x_input")
    assert np.abs(product.gap).max() > 1e-2 * np.abs(found.score).max()


def test_what_asks_for_a_mode_in_another_way_runs_as_it_is_and_it_is_said(monkeypatch):
    """Where a release of torch writes attention otherwise, nothing hangs, and nothing is hidden."""
    monkeypatch.setattr("tb_activations.training.torch.private._ASKS", ())
    head = Net(lambda s, x: s.out(x.mean(1)), out=nn.Linear(8, 3, bias=False))
    model, x = nn.Sequential(Block("module"), head), torch.randn(3, 5, 8)
    with pytest.warns(UserWarning, match="no rule holds inside `multi_head_attention_forward`"):
        found = lrp(model, x, gamma=0)
    with torch.no_grad():
        np.testing.assert_array_equal(found.score, model(x)[:, 1])
    assert np.isfinite(found.values).all()


def _rms(s, x):
    return s.a(x) * torch.rsqrt(s.a(x).pow(2).mean(-1, keepdim=True) + 1e-5) * s.scale


def _over(s, x):
    x = s.a(x)
    x -= x.mean(-1, keepdim=True)
    x /= (x.var(-1, keepdim=True) + 1e-5).sqrt()
    return x


SHARING = {
    "root mean square by hand": _rms,
    "deviation by hand, in place": _over,
    "GroupNorm": lambda s, x: F.group_norm(s.a(x), 2),
    "InstanceNorm": lambda s, x: F.instance_norm(s.a(x)[:, None]).flatten(1),
    "RMSNorm": lambda s, x: F.rms_norm(s.a(x), (6,)),
    "normalize": lambda s, x: F.normalize(s.a(x)),
    "gate": lambda s, x: s.a(x) * s.b(x).sigmoid(),
    "gate, in place": lambda s, x: s.a(x).mul_(s.b(x).sigmoid()),
    "Swish by hand": lambda s, x: (lambda z: z * z.sigmoid())(s.a(x)),
    "glu": lambda s, x: F.glu(s.a(x)).repeat(1, 2),
    "square": lambda s, x: s.a(x) ** 2 + s.b(x) * s.b(x),
    "silu in place": lambda s, x: F.silu(s.a(x), inplace=True),
    "leaky, hard, soft": lambda s, x: F.leaky_relu(F.hardswish(s.a(x))) + F.softsign(s.b(x)),
    "ReLU6": lambda s, x: F.relu6(s.a(x) * 9) + F.hardtanh(s.b(x) * 9),
    "concatenated, permuted": lambda s, x: torch.cat([s.a(x)[:, :3], s.b(x)[:, 3:]], 1),
    "product of weights by hand": lambda s, x: torch.addmm(0 * x[:1, :1], x, s.a.weight.T),
    "a weight": lambda s, x: s.a(x) * s.scale + s.scale * s.b(x),
}


@pytest.mark.parametrize("kind", SHARING)
def test_functions_pass_on_all_of_the_relevance(kind):
    """Activations, gates, norms: what is multiplied shares, what is divided by is held."""
    model = nn.Sequential(
        Net(SHARING[kind], a=nn.Linear(5, 6, bias=False), b=nn.Linear(5, 6, bias=False),
            scale=nn.Parameter(torch.rand(6) + 0.5)),
        nn.Linear(6, 3, bias=False),
    )  # fmt: skip
    x = torch.randn(4, 5)
    found = lrp(model, x, epsilon=1e-9)
    with torch.no_grad():
        np.testing.assert_allclose(found.score, model(x)[:, 1], rtol=1e-5, atol=1e-6)
    assert np.abs(found.gap).max() < 1e-3 * np.abs(found.score).max()


def test_an_activation_module_of_ones_own_passes_relevance_on():
    """By its name, whatever it is made of: GELU as transformers writes it."""

    class NewGELUActivation(nn.Module):
        def forward(self, x):
            return 0.5 * x * (1 + torch.tanh(0.79788 * (x + 0.044715 * torch.pow(x, 3.0))))

    def net(activation):
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(5, 6), activation, nn.Linear(6, 3))

    x = torch.randn(4, 5)
    wanted = lrp(net(nn.GELU("tanh")), x)
    assert furthest(lrp(net(NewGELUActivation()), x), wanted) < 1e-4


NETWORKS = {
    "resnet18": lambda m: m.resnet18(),
    "mobilenet_v2": lambda m: m.mobilenet_v2(width_mult=0.35),
    "vit": lambda m: m.VisionTransformer(image_size=32, patch_size=8, num_layers=2, num_heads=2,
                                         hidden_dim=16, mlp_dim=32, num_classes=5),
}  # fmt: skip


@pytest.mark.skipif("torchvision" in torch_zoo.missing(), reason="torchvision is not here")
@pytest.mark.parametrize("network", NETWORKS)
def test_networks_of_torchvision_share_out_the_whole_score(network):
    """With γ, where nothing is added that does not come from the picture."""
    model = NETWORKS[network](torch_zoo.torchvision().models)
    with torch.no_grad():
        for name, one in model.named_parameters():
            if name.endswith("bias") or "pos_embedding" in name:
                one.zero_()
        for one in model.modules():
            if isinstance(one, nn.BatchNorm2d):
                one.weight.uniform_(0.5, 2)
        if network == "vit":
            model.heads.head.weight.normal_()
    found = lrp(model, torch.randn(2, 3, 32, 32), None, epsilon=0)
    assert np.abs(found.gap).max() < 1e-3 * np.abs(found.score).max()
    assert (np.abs(np.asarray(found)).reshape(2, -1).max(1) > 0).all()


def test_gates_are_refused_with_what_works():
    """An LSTM has no rule: the sentence names it and gradient × input, which works."""
    net = {"rnn": nn.LSTM(3, 5, batch_first=True), "out": nn.Linear(5, 2)}
    model, x = Net(lambda s, x: s.out(s.rnn(x)[0][:, -1]), **net), torch.randn(2, 4, 3)
    with pytest.raises(ValueError, match=r"^lrp .*LSTM 'rnn': method='gradient_x_input' works"):
        lrp(model, x)
    assert np.asarray(tba.attribute(model, x, 1, method="gradient_x_input")).any()


def test_a_model_without_a_relu_is_refused_and_others_are_said():
    """The sentence names SmoothGrad, and that works; beside a ReLU a GELU is named."""
    model, x = nn.Sequential(nn.Linear(5, 4), nn.GELU(), nn.Linear(4, 3)), torch.randn(2, 5)
    with pytest.raises(ValueError, match=r"none was met.*method='smooth_grad' works here"):
        guided(model, x)
    assert np.asarray(tba.attribute(model, x, 1, method="smooth_grad", samples=2)).any()
    with pytest.warns(UserWarning, match="changes ReLUs alone: the model's gelu passes its own"):
        guided(nn.Sequential(model, nn.ReLU()), x)


def test_bounds_that_no_layer_can_use_are_said():
    model = nn.Sequential(nn.BatchNorm2d(2), *bias_free())
    with pytest.warns(UserWarning, match="bounds were of no use"):
        found = lrp(model, torch.rand(2, 2, 8, 10), bounds=(0, 1))
    assert len(found.remarks) == 1


def test_rules_are_followed_at_layers_a_function_reads():
    """A target that reads layers changes nothing of what is folded."""
    model, x = (
        nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU()),
        torch.rand(2, 2, 6, 6),
    )
    plain = tba.attribute(model.eval(), x, lambda out: out[:, 1].mean((1, 2)), method="lrp")
    found = tba.attribute(model, x, lambda _, layers: layers["2"][:, 1].mean((1, 2)), method="lrp")
    assert furthest(found, plain) < 1e-6


def _checkpointed(model: nn.Module) -> nn.Module:
    def run(s, x):
        return s.tail(torch.utils.checkpoint.checkpoint(s.body, x, use_reentrant=False))

    return Net(run, body=model[:5], tail=model[5:])


AROUND = {
    "checkpointed": _checkpointed,
    "compiled": lambda m: torch.compile(m, backend="eager"),
    "frozen": lambda m: m.requires_grad_(False),
    "float64": lambda m: m.double(),
    "DataParallel": nn.DataParallel,
    "training": lambda m: m.train(),
}


@pytest.mark.parametrize("around", AROUND)
def test_maps_are_the_same_whatever_stands_around_the_model(around):
    """Inside a compiled or checkpointed module, too, and in the caller's inference mode."""
    model, x = bias_free(), torch.rand(3, 2, 8, 10)
    wanted = [np.asarray(one(model, x)) for one in (lrp, guided)]
    inside = AROUND[around](model)
    with torch.inference_mode():
        found = [
            tba.attribute(inside, x, 1, method="lrp"),
            tba.attribute(inside, x, 1, method="guided_smooth_grad", samples=1, noise=0),
        ]
    for one, other in zip(found, wanted, strict=True):
        assert furthest(one, other) < 1e-5


@pytest.mark.parametrize("cast", ["bfloat16", "autocast"])
def test_mixed_precision_is_near(cast):
    model, x = bias_free(), torch.rand(3, 2, 8, 10)
    wanted = [np.asarray(one(model, x)) for one in (lrp, guided)]
    if cast == "bfloat16":
        found = [one(model.bfloat16(), x) for one in (lrp, guided)]
    else:
        with torch.autocast("cpu", torch.bfloat16):
            found = [one(model, x) for one in (lrp, guided)]
    for one, other in zip(found, wanted, strict=True):
        assert np.corrcoef(np.asarray(one).ravel(), other.ravel())[0, 1] > 0.95


def test_nothing_moves_and_nothing_stays_changed():
    """Weights, buffers, flags, gradients, random numbers; a plain gradient beside and after."""
    model, x = residual().train(), RESIDUAL["x"]
    model.conv1.weight.grad = torch.ones_like(model.conv1.weight)
    model.bn1.eval()
    before = {name: one.clone() for name, one in model.state_dict().items()}
    seed, call = torch.get_rng_state(), nn.Module.__call__
    flags = [one.training for one in model.modules()]
    plain = tba.attribute(model, x, 1, method="gradients")
    for method, options in (("lrp", {"bounds": (0, 1)}), ("guided_smooth_grad", {"samples": 2})):
        found = tba.attribute(model, x, 1, method=method, **options)
        np.testing.assert_allclose(found.score, plain.score, rtol=1e-5)
    for name, one in model.state_dict().items():
        assert torch.equal(one, before[name])
    assert torch.equal(torch.get_rng_state(), seed)
    assert [one.training for one in model.modules()] == flags
    assert all(one.requires_grad for one in model.parameters())
    assert (model.conv1.weight.grad == 1).all() and model.out.weight.grad is None
    assert nn.Module.__call__ is call
    np.testing.assert_array_equal(tba.attribute(model, x, 1, method="gradients"), plain)


def shared_by_cases(linear, folded, gamma, epsilon):
    """The rule of γ as it is written down: what has the sign of the output counts more."""

    def shared(x, z):
        call = linear.of(x, z)
        scale, bias = folded or (torch.ones(()), linear.bias)
        plain, above = call.without_bias, call.above()
        whole = scale * plain + (0 if bias is None else bias)
        positive = whole.detach() >= 0
        own = scale * torch.where(positive == (scale > 0), above, plain - above)
        if bias is not None:
            own = own + torch.where(positive, bias.clamp(min=0), bias.clamp(max=0))
        if not gamma:
            return whole, whole
        return (own if gamma == float("inf") else whole + gamma * own), whole

    return OfTerms(shared, epsilon)


@pytest.mark.parametrize("gamma", [0.0, 0.25, 3.0, float("inf")])
@pytest.mark.parametrize("signs", ["positive", "both"])
@pytest.mark.parametrize("kind", ["bias", "no bias", "folded"])
def test_the_rule_of_gamma_is_what_is_written_down(kind, signs, gamma):
    """For inputs, outputs and scales of either sign, and units that nothing is added to."""
    layer = nn.Conv2d(3, 5, 3, bias=kind == "bias", dtype=torch.float64)
    x = torch.randn(2, 3, 6, 6, dtype=torch.float64)
    x = x.clamp(min=0) if signs == "positive" else x
    x[0] = 0
    x.requires_grad_()
    with torch.no_grad():
        layer.weight[0] = 0
    arguments = (x, *(one if one is None else one.detach() for one in (layer.weight, layer.bias)))
    z = F.conv2d(*arguments)
    linear = linear_of("conv2d", F.conv2d, arguments, {}, z)
    folded = None
    if kind == "folded":
        folded = tuple(torch.randn(1, 5, 1, 1, dtype=torch.float64) for _ in range(2))
    grad, given = torch.randn_like(z), (x.detach(), z.detach())
    found = Favoured(linear, folded, gamma, 1e-6)(grad, given, (True, True))
    wanted = shared_by_cases(linear, folded, gamma, 1e-6)(grad, given, (True, True))

    def relevance(slopes):
        """x · slope, with what flows on through the function itself."""
        at_x, at_z = (torch.zeros(()) if one is None else one for one in slopes)
        through = torch.autograd.grad(z, x, at_z.expand_as(z), retain_graph=True)[0]
        return x * (at_x + through)

    torch.testing.assert_close(relevance(found), relevance(wanted), rtol=1e-9, atol=1e-9)
