"""Still pictures: every channel visible, scaled as asked, what is not finite marked."""

from __future__ import annotations

import io
import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import tb_activations as tba
from tb_activations.export import grid as still


def real(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


@pytest.mark.parametrize("shape", [(2, 5), (2, 9, 5), (2, 6, 7, 5), (2, 3, 6, 7, 5), (5,)])
def test_every_rank_has_a_picture(shape):
    picture = tba.grid(real(*shape))
    assert picture.dtype == np.uint8 and picture.ndim == 3 and picture.shape[2] == 3


def test_each_channel_has_its_own_tile_and_range():
    array = np.abs(real(1, 8, 8, 4)) * np.array([1, 1000, 1e-6, 1e30], "float32")
    picture = tba.grid(array, columns=4, gap=0)
    assert picture.shape == (8, 32, 3)
    for i in range(4):
        tile = picture[:, 8 * i : 8 * i + 8].reshape(-1, 3)
        assert len(np.unique(tile, axis=0)) > 30


def test_scaled_together_a_small_channel_is_dark():
    array = np.abs(real(1, 8, 8, 2)) * np.array([1, 1000], "float32")
    picture = tba.grid(array, scale="all", columns=2, gap=0)
    assert len(np.unique(picture[:, :8].reshape(-1, 3), axis=0)) == 1


@pytest.mark.parametrize("side", [7, 8, 9])
def test_planes_of_one_value_are_not_taken_for_units_of_a_dense_layer(side):
    """Channels of one value each have a range of their own, whatever the size of their planes."""
    array = np.broadcast_to(np.array([0.0, 1.0, 2.0], "float32"), (1, side, side, 3))
    tiles = np.split(tba.grid(array, columns=3, gap=0), 3, axis=1)
    assert len({tuple(tile[0, 0]) for tile in tiles}) == 1
    units = np.split(tba.grid(array[:, 0, 0], columns=3, gap=0), 3, axis=1)
    assert len({tuple(tile[0, 0]) for tile in units}) == 3


def test_nan_and_infinities_are_marked_and_do_not_hide_the_rest():
    array = np.abs(real(1, 8, 8, 1))
    array[0, 0, :3, 0] = [np.nan, np.inf, -np.inf]
    picture = tba.grid(array, gap=0)
    marks = [still.NAN_COLOUR, still.POSITIVE_COLOUR, still.NEGATIVE_COLOUR]
    assert [tuple(picture[0, i]) for i in range(3)] == marks
    assert len(np.unique(picture[1:].reshape(-1, 3), axis=0)) > 30


@pytest.mark.parametrize("value", [np.nan, 0.0, 3.0])
def test_channels_without_a_range_are_drawn(value):
    assert tba.grid(np.full((1, 4, 4, 2), value, "float32")).shape[2] == 3


def test_the_whole_range_of_doubles_does_not_overflow():
    array = np.array([-1.7e308, 0, 1.7e308]).reshape(1, 1, 3, 1)
    picture = tba.grid(array, gap=0, zoom=1)
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) == 3


def test_channels_first_is_the_same_picture():
    array = real(2, 6, 7, 5)
    first = np.moveaxis(array, -1, 1)
    assert np.array_equal(tba.grid(array), tba.grid(first, data_format="channels_first"))


def test_all_examples_zoom_and_captions_enlarge_the_picture():
    array = real(3, 4, 4, 2)
    one = tba.grid(array, columns=2, gap=0)
    assert one.shape == (4, 8, 3)
    assert tba.grid(array, example=None, columns=2, gap=0).shape == (12, 8, 3)
    assert tba.grid(array, columns=2, gap=0, zoom=3).shape == (12, 24, 3)
    assert tba.grid(array, columns=2, gap=0, captions=True).shape[0] > 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scale": "layer"}, "scale is 'layer'"),
        ({"example": 2}, "example is 2; the array holds 2"),
        ({"colormap": "jet"}, "colormap is 'jet'"),
        ({"columns": 0}, "columns is 0"),
        ({"columns": 1.5}, "columns is 1.5; it must be an integer"),
        ({"zoom": 0}, "zoom is 0"),
        ({"zoom": 1.5}, "zoom is 1.5; it must be an integer"),
        ({"gap": -1}, "gap is -1"),
        ({"example": "1"}, "example is '1'"),
        ({"data_format": "NCHW"}, "data_format is 'NCHW'"),
        ({"zoom": 9000}, "pixels"),
    ],
)
def test_bad_options_name_the_value(options, message):
    with pytest.raises(ValueError, match=message):
        tba.grid(real(2, 4, 4, 3), **options)


def test_what_is_no_number_is_refused():
    with pytest.raises(TypeError, match="complex64"):
        tba.grid(np.zeros((1, 2, 2, 1), "complex64"))


def test_a_picture_is_saved(tmp_path):
    """What is saved is what `grid` draws, and the folder is made."""
    array = real(1, 6, 7, 5)
    path = tmp_path / "not" / "there" / "layer.png"
    tba.save_grid(path, array, zoom=2)
    assert np.array_equal(np.asarray(Image.open(path)), tba.grid(array, zoom=2))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("layer", r"layer'; it must end in \.png"),
        ("layer.npy", r"layer\.npy'; it must end in \.png"),
        ("layer.psd", r"layer\.psd'; it must end in"),  # Pillow reads it alone
    ],
)
def test_an_ending_of_no_picture_is_said(tmp_path, name, message):
    """The sentence names the path and the endings, and nothing is made."""
    with pytest.raises(ValueError, match=message):
        tba.save_grid(tmp_path / "new" / name, real(1, 4, 4, 3))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", ["s3://bucket/layer.png", Path("gs://bucket/layer.png")])
def test_a_picture_is_not_saved_into_a_folder_named_after_a_scheme(tmp_path, monkeypatch, path):
    """Remote paths are refused by name, `Path`s of them too, which have lost a slash."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r"path is '(s3:/|gs:)/bucket/layer.png'; it must be"):
        tba.save_grid(path, real(1, 4, 4, 3))
    assert list(tmp_path.iterdir()) == []


def test_a_dict_of_layers_is_said_to_be_one():
    """What `capture` returns, whole, is refused with its names."""
    captured = {"conv1": real(1, 4, 4, 3), "dense": real(1, 5)}
    with pytest.raises(TypeError, match=r"dict of 'conv1', 'dense'.*grid\(values\['conv1'\]\)"):
        tba.grid(captured)
    with pytest.raises(TypeError, match="dict of nothing"):
        tba.grid({})


def test_a_notebook_shows_the_picture():
    """`_repr_png_` is the picture, bit for bit, of a part too, and None of what is none."""
    picture = tba.grid(real(2, 4, 4, 3))
    assert type(picture).__mro__[1] is np.ndarray and picture.dtype == np.uint8
    for shown in (picture, picture[:5, 2:9]):
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(shown._repr_png_()))), shown)
    assert picture[0]._repr_png_() is None and picture[..., 0]._repr_png_() is None
    assert picture[:0]._repr_png_() is None


def test_what_is_computed_from_a_picture_is_plain():
    """Arithmetic and reductions give what they give for any array; pickling keeps the picture."""
    picture = tba.grid(real(2, 4, 4, 3))
    plain = np.asarray(picture)
    assert type(plain) is np.ndarray
    assert type(picture / 2) is np.ndarray and type(picture == 0) is np.ndarray
    assert type(picture.max()) is np.uint8 and type(picture.mean(axis=0)) is np.ndarray
    assert type(np.stack([picture, picture])) is np.ndarray
    again = pickle.loads(pickle.dumps(picture))
    assert np.array_equal(again, plain) and again._repr_png_() == picture._repr_png_()


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
def test_a_tensor_of_torch_that_trains_is_drawn(dtype):
    """A tensor that takes part in gradients, of a dtype that NumPy lacks too, needs no call."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed here")
    array = np.round(real(1, 4, 4, 3) * 4)
    tensor = torch.tensor(array, requires_grad=True).to(getattr(torch, dtype))
    assert np.array_equal(tba.grid(tensor), tba.grid(array))
    assert np.array_equal(tba.grid(tensor, captions=True), tba.grid(array, captions=True))
