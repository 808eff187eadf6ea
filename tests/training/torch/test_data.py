"""Data as people have it: loaders, dicts by name, lists of images, labels, pictures of inputs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch_kinds
from torch import nn
from torch.utils.data import DataLoader, IterableDataset, TensorDataset
from torch_nets import Net, images, records

import tb_activations as tba
from tb_activations.training.shapes import DataError

QUIET = {"verbose": 0, "receptive_fields": False, "precision": "float32"}


def logged(log_dir, model, data, **options):
    with tba.ActivationsLogger(log_dir, model, data, **{**QUIET, **options}) as logger:
        logger.step()
    return {tag: found for (tag, _), found in records(log_dir).items()}


def convnet() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())


X, Y = images(6), torch.tensor([2, 0, 1, 2, 0, 1])


def loader(shuffle: bool = False) -> torch.utils.data.DataLoader:
    data = torch.utils.data.TensorDataset(X, Y)
    return torch.utils.data.DataLoader(data, 4, shuffle=shuffle)


@pytest.mark.parametrize(
    "data",
    [(X, Y), (X.numpy(), Y.numpy()), iter([[X]]), loader(), iter([(X, Y)]), ({"input": X}, Y),
     (X, Y.float())],
    ids=["pair", "arrays", "list yielded", "loader", "generator", "dict", "float labels"],
)  # fmt: skip
def test_every_form_of_data_shows_the_same_values(tmp_path, data):
    found = logged(tmp_path, convnet(), data)
    inputs = next(one for tag, one in found.items() if tag.startswith("input"))
    np.testing.assert_array_equal(inputs.values, np.moveaxis(X[:4].numpy(), 1, -1))
    assert inputs.labels in (("2", "0", "1", "2"), None)
    assert {"0", "1"} <= set(found)


def test_a_shuffled_loader_draws_from_no_ones_random_numbers(tmp_path):
    state = torch.get_rng_state()
    tba.ActivationsLogger(tmp_path, nn.Identity(), loader(shuffle=True), verbose=0)
    assert torch.equal(state, torch.get_rng_state())


def test_one_example_of_each_class_is_found_in_a_loader(tmp_path):
    found = logged(tmp_path, convnet(), loader(), examples="per class", class_names=list("xyz"))
    assert found["input"].labels == ("x", "y", "z")
    np.testing.assert_array_equal(found["input"].values[0], np.moveaxis(X[1].numpy(), 0, -1))


def test_a_dict_is_the_arguments_by_name_and_its_labels_are_labels(tmp_path):
    model, given = torch_kinds.SMALL["arguments by name"]()
    found = logged(tmp_path, model, given)
    assert set(found) == {"input.input_ids", "input.attention_mask", "embed", "out"}
    assert found["input.input_ids"].labels == ("0", "1", "2")


def test_labels_are_handed_over_where_the_model_needs_them(tmp_path):
    class Needy(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a = nn.Linear(4, 3)

        def forward(self, x=None, labels=None):
            return nn.functional.cross_entropy(self.a(x), labels), self.a(x)

    found = logged(tmp_path, Needy(), {"x": torch.randn(3, 4), "labels": torch.arange(3)})
    assert "a" in found


def test_images_of_several_sizes_are_a_list(tmp_path):
    class Detector(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)

        def forward(self, images: list[torch.Tensor]) -> list[torch.Tensor]:
            side = max(one.shape[-1] for one in images)
            pads = [side - one.shape[-1] for one in images]
            batch = [nn.functional.pad(x, (0, p, 0, p)) for x, p in zip(images, pads, strict=True)]
            return list(self.conv(torch.stack(batch)))

    found = logged(tmp_path, Detector(), [torch.randn(3, s, s) for s in (6, 8, 7)])
    assert found["conv"].values.shape[0] == found["conv"].header.batch == 3
    assert "input" not in found
    same = logged(tmp_path / "b", Detector(), (list(images(3)), [{"boxes": 1}] * 3))
    assert same["input"].values.shape == (3, 8, 8, 3)


def test_a_normalisation_is_undone_for_pictures_alone(tmp_path):
    mean, std = [0.1, 0.2, 0.3], [2.0, 3.0, 4.0]
    pictures = torch.rand(4, 3, 8, 8)
    pictures[0, :, 0, 0] = 0
    x = (pictures - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]
    model = convnet()
    found = logged(tmp_path, model, x, input_scale=(mean, std))
    expected = np.moveaxis(pictures.numpy(), 1, -1)
    np.testing.assert_allclose(found["input"].values, expected, atol=1e-6)
    assert not found["input"].values[0, 0, 0].any()  # black is 0
    np.testing.assert_allclose(
        found["0"].values, np.moveaxis(model[0](x).detach().numpy(), 1, -1), atol=1e-6
    )


@pytest.mark.parametrize(("x", "shape"), [(X, [6, 3, 8, 8]), (torch.rand(6, 3, 8), [6, 3, 8])])
def test_a_normalisation_of_no_input_is_said(tmp_path, x, shape):
    """The inputs are logged as they are, and a warning names the value and each of them."""
    said = rf"input_scale is \(\[0.5, 0.5\], \[2.0\]\).* fits none .*: input {shape}".replace(
        "[6", r"\[6"
    )
    with pytest.warns(UserWarning, match=said):
        found = logged(tmp_path, nn.Tanh(), x, input_scale=([0.5, 0.5], 2), max_outputs=6)
    np.testing.assert_array_equal(
        found["input"].values, x if x.ndim == 3 else x.permute(0, 2, 3, 1)
    )


def test_layouts_of_inputs_are_those_of_the_modules_that_take_them(tmp_path):
    sound = logged(tmp_path / "a", nn.Conv1d(2, 4, 3), torch.randn(3, 2, 9))
    assert sound["input"].values.shape == (3, 9, 2)
    words = logged(tmp_path / "b", nn.Linear(4, 2), torch.randn(3, 9, 4))
    assert words["input"].values.shape == (3, 9, 4)
    last = Net(lambda s, x: s.a(x.permute(0, 3, 1, 2)), a=nn.Conv2d(3, 4, 3))
    picture = logged(tmp_path / "c", last, torch.randn(3, 8, 9, 3))
    assert picture["input"].values.shape == (3, 8, 9, 3)
    said = logged(
        tmp_path / "d", last, torch.randn(3, 8, 9, 3), data_format={"input": "channels_first"}
    )
    assert said["input"].values.shape == (3, 9, 3, 8)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_inputs_are_cast_to_the_weights(tmp_path, dtype):
    found = logged(tmp_path, nn.Linear(4, 3).to(dtype), torch.randn(3, 4))
    assert found["Linear"].values.shape == (3, 3)
    assert found["Linear"].header.source == str(dtype).removeprefix("torch.")


def test_values_that_numpy_does_not_have_become_float32():
    for dtype in (torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2):
        model = Net(lambda s, x, dtype=dtype: s.b(s.a(x).to(dtype)), a=nn.Linear(4, 3),
                    b=Net(lambda s, x: x.clone()))  # fmt: skip
        x = torch.randn(3, 4)
        value = tba.capture(model, x, "b")["b"]
        np.testing.assert_array_equal(value, model(x).float().detach().numpy())
    quantised = Net(lambda s, x: s.b(torch.quantize_per_tensor(x, 0.1, 0, torch.qint8)),
                    b=Net(lambda s, x: x.clone()))  # fmt: skip
    value = tba.capture(quantised, torch.ones(2, 3), "b")["b"]
    np.testing.assert_allclose(value, 1.0, atol=1e-6)


def test_nan_and_infinity_stand_where_they_are(tmp_path):
    x = images(4)
    x[1, 0, 2, 3], x[2, 1, 0, 0] = torch.nan, torch.inf
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU(inplace=True), nn.MaxPool2d(2))
    found = logged(tmp_path, model, x)
    for name, value in tba.capture(model, x).items():
        np.testing.assert_array_equal(found[name].values, np.moveaxis(value, 1, -1))
        assert found[name].table[:, 5].sum() == np.sum(~np.isfinite(value))
    assert np.isnan(found["1"].values[1, 2, 3]).all()


@pytest.mark.parametrize("run", ["capture", "logger"])
def test_labels_beside_x_do_not_hide_what_is_wrong_with_it(tmp_path, run):
    model, given = nn.Conv2d(3, 4, 3), (torch.rand(4, 9, 9, 3), torch.arange(4))
    with pytest.raises(DataError, match=r"float32 \[4, 9, 9, 3\]: .* to have 3 channels"):
        if run == "capture":
            tba.capture(model, given)
        else:
            tba.ActivationsLogger(tmp_path, model, given).step()


class Examples(IterableDataset):
    def __init__(self, label):
        self.label = label

    def __iter__(self):
        yield from ((one, self.label) for one in images())


@pytest.mark.parametrize("label", [3, torch.tensor(3), np.float32(0.5)])
def test_a_stream_of_single_examples_is_refused_with_the_loader_to_pass(tmp_path, label):
    data, model = Examples(label), nn.Conv2d(3, 4, 3)
    with pytest.raises(DataError, match=r"single examples, .* the label .*DataLoader\(dataset"):
        tba.ActivationsLogger(tmp_path, model, data)
    assert tba.capture(model, DataLoader(data, batch_size=2))["Conv2d"].shape == (2, 4, 6, 6)


def test_a_data_set_of_single_examples_is_refused_with_the_loader_to_pass(tmp_path):
    examples = TensorDataset(images(), torch.arange(len(images())))
    with pytest.raises(DataError, match=r"x is a TensorDataset, which yields single examples"):
        tba.capture(nn.Conv2d(3, 4, 3), examples)
    with pytest.raises(DataError, match=r"data is a TensorDataset, .*DataLoader\(dataset"):
        tba.ActivationsLogger(tmp_path, nn.Conv2d(3, 4, 3), examples)

    with pytest.raises(DataError, match=r"x is a TensorDataset, .*DataLoader\(dataset"):
        tba.attribute(nn.Conv2d(3, 4, 3), examples)


class Words(nn.Module):
    def forward(self, ids, mask=None):
        return ids * 2.0


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"a": X, "b": X}, r"none of its keys, 'a', 'b', is an argument of forward, which takes "
                           "'ids', 'mask', so that the whole dict was passed"),
        ({"mask": X}, "'ids' is missing: forward takes 'ids', 'mask'$"),
    ],
)  # fmt: skip
def test_keys_that_forward_does_not_take_are_named_beside_those_that_it_does(
    tmp_path, given, sentence
):
    with pytest.raises(DataError, match=f"on x, a dict of .*{sentence}"):
        tba.capture(Words(), given)
    with pytest.raises(DataError, match=f"on x, a dict of .*{sentence}"):
        tba.attribute(Words(), given)
    with pytest.raises(DataError, match=f"on data, a dict of .*{sentence}"):
        tba.ActivationsLogger(tmp_path, Words(), given, verbose=0).step()


def test_texts_are_no_inputs_of_a_module_that_is_explained():
    with pytest.raises(DataError, match=r"x is str32 \[2\]; a torch.nn.Module takes numbers"):
        tba.attribute(nn.Linear(4, 3), ["a", "b"])


def test_what_is_no_data_is_told_of_loaders(tmp_path):
    with pytest.raises(DataError, match=r"data is None; accepted are .* a DataLoader"):
        tba.ActivationsLogger(tmp_path, nn.Conv2d(3, 4, 3), None)
