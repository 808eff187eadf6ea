"""`capture` of an `nn.Module`: names, choices, errors; and values that hooks cannot have."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch_nets import Net, Residual, images

import tb_activations as tba


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def hooked(model: nn.Module, x: torch.Tensor) -> dict[str, torch.Tensor]:
    """What a capture by forward hooks has, as tutorials write it: references."""
    found: dict[str, torch.Tensor] = {}
    handles = [
        module.register_forward_hook(lambda _, __, out, name=name: found.__setitem__(name, out))
        for name, module in model.named_modules()
    ]
    with torch.no_grad():
        model.eval()(x)
    for handle in handles:
        handle.remove()
    return found


def test_names_are_paths_in_order_of_execution_and_shapes_those_of_the_modules():
    values = tba.capture(Residual(), images())
    assert list(values)[:4] == ["stem", "layer/0/conv1", "layer/0/bn", "layer/0/relu"]
    assert list(values)[-1] == "fc"
    assert values["layer/1/conv2"].shape == (4, 8, 6, 6)
    assert values["encoder/layers/0/self_attn/attention_scores"].shape == (4, 2, 36, 36)
    assert values["encoder/layers/0/linear1"].shape == (4, 36, 16)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("stem", ["stem"]),
        ("layer/0/conv1", ["layer/0/conv1"]),
        ("layer.0.conv1", ["layer/0/conv1"]),
        ("0.conv1", ["layer/0/conv1"]),
        ("layer.*.conv1", ["layer/0/conv1", "layer/1/conv1"]),
        ("layer/*/bn", ["layer/0/bn", "layer/1/bn"]),
        (nn.BatchNorm2d, ["layer/0/bn", "layer/1/bn"]),
        (lambda module: isinstance(module, nn.Linear) and module.out_features == 5, ["fc"]),
        ("relu()", ["layer/0/relu()", "layer/1/relu()", "encoder/layers/0/relu()"]),
        ("layer/*/add()", ["layer/0/add()", "layer/1/add()"]),
    ],
)
def test_layers_are_chosen_by_name_dots_glob_class_predicate_and_function(asked, found):
    assert list(tba.capture(Residual(), images(), asked)) == found


def test_a_module_object_is_chosen_compiled_or_not():
    model = Residual()
    assert list(tba.capture(model, images(), [model.layer[0].bn])) == ["layer/0/bn"]
    compiled = torch.compile(model, backend="eager")
    assert list(tba.capture(compiled, images(), [compiled])) == ["Residual"]


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ("conv9", "no layer 'conv9'; did you mean 'layer/1/conv2'"),
        ("out_proj", "layer 'out_proj' is in the model but does not run in a forward pass"),
        (nn.LSTM, "no layer of class LSTM"),
    ],
)
def test_what_is_not_there_is_refused_with_what_is(asked, sentence):
    with pytest.raises(ValueError, match=sentence.replace("(", r"\(")):
        tba.capture(Residual(), images(), asked)


def test_data_that_does_not_fit_is_described_without_its_values():
    with pytest.raises(ValueError, match=r"cannot be called on x, float32 \[4, 5, 8, 8\]: Given"):
        tba.capture(Residual(), torch.zeros(4, 5, 8, 8))


@pytest.mark.parametrize("model", [None, 3, object(), nn.Linear])
def test_what_is_no_module_is_refused(model):
    with pytest.raises(TypeError, match="model is a"):
        tba.capture(model, images())


def test_lazy_modules_and_weights_without_values_are_refused_with_a_remedy():
    lazy = nn.Sequential(nn.LazyLinear(3))
    state = torch.get_rng_state()
    with pytest.raises(ValueError, match="run one batch through it first"):
        tba.capture(lazy, torch.zeros(2, 4))
    assert torch.equal(state, torch.get_rng_state())
    lazy(torch.zeros(2, 4))
    assert list(tba.capture(lazy, torch.zeros(2, 4))) == ["0"]
    with pytest.raises(ValueError, match=r"'weight' on the meta device"):
        tba.capture(nn.Linear(4, 3, device="meta"), torch.zeros(2, 4))


def test_a_module_is_seen_before_an_in_place_one_overwrites_it():
    """Hooks that keep what a convolution returns have the ReLU's values in its place."""
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True))
    true = model[0](images()).detach().numpy()
    assert true.min() < 0
    assert hooked(model, images())["0"].min() == 0
    values = tba.capture(model, images())
    np.testing.assert_array_equal(values["0"], true)
    np.testing.assert_array_equal(values["1"], np.maximum(true, 0))


def test_additions_in_place_and_views_do_not_change_what_was_seen():
    model = Net(lambda s, x: s.a(x).add_(1).view(-1).mul_(2).view(4, 3), a=nn.Linear(5, 3))
    x = torch.randn(4, 5)
    values = tba.capture(model, x)
    np.testing.assert_array_equal(values["a"], model.a(x).detach().numpy())
    np.testing.assert_array_equal(values["Net"], model(x).detach().numpy())


def test_functional_activations_have_entries_and_can_be_dead():
    """Hooks see a convolution alone in `F.relu(conv(x))`."""
    model = Net(lambda s, x: F.relu(s.conv(x) - 100), conv=nn.Conv2d(3, 4, 3))
    assert set(hooked(model, images())) == {"", "conv"}
    values = tba.capture(model, images())
    assert list(values) == ["conv", "relu()"]
    assert not values["relu()"].any()
    assert list(tba.capture(model, images(), functions=False)) == ["conv", "Net"]


def test_the_encoder_shows_every_module_though_it_has_a_fast_path():
    """In evaluation the fast path calls no module: hooks on `nn.Module` see three of them."""
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    model, x = nn.TransformerEncoder(layer, 2).eval(), torch.randn(2, 5, 8)
    seen: list[nn.Module] = []
    handle = nn.modules.module.register_module_forward_hook(lambda m, *_: seen.append(m))
    with torch.no_grad():
        model(x)
    handle.remove()
    assert len(seen) < 5
    values = tba.capture(model, x)
    inner = ["self_attn/attention_scores", "self_attn", "norm1", "linear1", "relu()", "linear2"]
    for i in range(2):
        assert [f"layers/{i}/{name}" in values for name in inner] == [True] * 6
    assert torch.backends.mha.get_fastpath_enabled()
    padding = torch.tensor([[False] * 5, [False] * 3 + [True] * 2])
    masked = tba.capture(model, x, forward=lambda m, x: m(x, src_key_padding_mask=padding))
    assert list(masked) == list(values)
    assert not masked["layers/0/self_attn/attention_scores"][1, :, :, 3:].any()


def test_a_call_of_forward_goes_unseen_and_its_inner_modules_do_not():
    model = Net(lambda s, x: s.a.forward(x), a=nn.Sequential(nn.Linear(4, 3), nn.Tanh()))
    assert list(tba.capture(model, torch.randn(2, 4))) == ["a/0", "a/1"]


def test_what_only_copies_an_entry_is_not_shown_again():
    """A cast, a clone or a contiguous copy, of the model's own output as Accelerate makes it."""
    inner = nn.Linear(5, 3)

    def cast(self, x):
        return self.a(x).clone().double().contiguous().float()

    assert list(tba.capture(Net(cast, a=inner), torch.rand(4, 5))) == ["a"]
    written = Net(lambda self, x: self.a(x).clone().add_(1), a=inner)
    assert list(tba.capture(written, torch.rand(4, 5))) == ["a", "Net"]


def test_in_place_results_are_seen_in_inference_mode_too():
    model = nn.Sequential(nn.ReLU(inplace=True), nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True))
    expected = tba.capture(model, images())
    with torch.inference_mode():
        found = tba.capture(model, images())
        assert torch.is_inference_mode_enabled()
    assert list(found) == list(expected) == ["0", "1", "2"]
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values)
