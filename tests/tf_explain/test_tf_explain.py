"""Scripts written for tf-explain run with its name replaced, and log and draw true values."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

import tb_activations as tba
from tb_activations import record
from tb_activations.sources.timeline.blobs import BlobCache
from tb_activations.sources.timeline.timeline import RunTimeline
from tb_activations.sources.warn import WarnOnce
from tb_activations.tf_explain import callbacks, core, said

TENSORFLOW = keras.backend.backend() == "tensorflow"
needs_tensorflow = pytest.mark.skipif(not TENSORFLOW, reason="the scripts are TensorFlow's")

# The tutorial's first script, as it stands there.
TRAINING = """
import numpy as np
import tensorflow as tf

from tf_explain.callbacks.activations_visualization import ActivationsVisualizationCallback

(x_train, y_train), (x_test, y_test) = tf.keras.datasets.cifar10.load_data()
x_train, x_test = x_train / 255.0, x_test / 255.0

model = tf.keras.models.Sequential([
    tf.keras.layers.Conv2D(32, (3, 3), activation="relu", input_shape=(32, 32, 3)),
    tf.keras.layers.MaxPooling2D((2, 2)),
    tf.keras.layers.Conv2D(64, (3, 3), activation="relu", name="visualization_layer"),
    tf.keras.layers.MaxPooling2D((2, 2)),
    tf.keras.layers.Conv2D(128, (3, 3), activation="relu"),
    tf.keras.layers.Flatten(),
    tf.keras.layers.Dense(10, activation="softmax"),
])
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])

validation_class_zero = (np.array([
    el for el, label in zip(x_test, y_test) if label == 0
][0:5]), None)

callbacks = [
    ActivationsVisualizationCallback(
        validation_data=validation_class_zero,
        layers_name=["visualization_layer"],
        output_dir="./logs",
    ),
]
model.fit(x_train, y_train, batch_size=16, epochs=2, callbacks=callbacks, verbose=0)
"""

# And its second, with that model.
DRAWING = """
from tf_explain.core.activations import ExtractActivations

image_index = 250
data = (x_test[image_index:image_index + 1], None)
explainer = ExtractActivations()
grid = explainer.explain(data, model, layers_name=["visualization_layer"])
explainer.save(grid, ".", "act.png")
"""


def images(count, seed):
    """Pictures of ten kinds, uint8 `[count, 32, 32, 3]`, and their kinds `[count, 1]`."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 10
    x = rng.integers(0, 90, (count, 32, 32, 3), dtype=np.uint8)
    for i, label in enumerate(labels):
        x[i, 3 * label : 3 * label + 4, 8:24, label % 3] += 150
    return x, labels[:, None].astype(np.uint8)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """What both scripts left behind: their names, and the directory."""
    tf = pytest.importorskip("tensorflow")
    directory = tmp_path_factory.mktemp("tutorial")
    loaded = lambda: (images(48, 0), images(260, 1))  # noqa: E731
    names: dict = {}
    with pytest.MonkeyPatch.context() as patch, contextlib.chdir(directory):
        patch.setattr(tf.keras.datasets.cifar10, "load_data", loaded)
        for script in (TRAINING, DRAWING):
            exec(script.replace("tf_explain", "tb_activations.tf_explain"), names)
    return names, directory


def timeline(directory):
    found = RunTimeline(str(directory), BlobCache(), WarnOnce())
    found.refresh()
    return found


def values(series, position):
    """True values, channels last."""
    one = series.record(position)
    return np.moveaxis(record.restore(record.read_values(one), one.header.exponent), 1, -1)


@needs_tensorflow
def test_the_tutorials_training_logs_true_values(run):
    """Of the layer that is named, at each epoch, below the directory that is named."""
    names, directory = run
    (log_dir,) = (directory / "logs").iterdir()
    series = timeline(log_dir).series("visualization_layer")
    assert series.steps.tolist() == [0, 1, 2]
    x = names["validation_class_zero"][0]
    expected = tba.capture(names["model"], x, "visualization_layer")["visualization_layer"]
    assert expected.shape == (5, 13, 13, 64)
    bound = np.abs(expected).max() * 1e-3
    np.testing.assert_allclose(values(series, 2), expected, rtol=1e-3, atol=bound)
    assert set(timeline(log_dir).tags()) == {"input", "visualization_layer"}


@needs_tensorflow
def test_the_tutorials_picture_is_our_grid(run):
    """`act.png`, of the example at index 250."""
    names, directory = run
    x = names["x_test"][250:251]
    shown = tba.capture(names["model"], x, "visualization_layer")["visualization_layer"]
    expected = tba.grid(shown, example=None)
    np.testing.assert_array_equal(np.asarray(Image.open(directory / "act.png")), expected)
    np.testing.assert_array_equal(names["grid"], expected)


X = images(20, 3)[0].astype("float32")[:, ::2, ::2] / 255
Y = np.arange(20) % 3


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(1)
    found = keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            keras.layers.Conv2D(4, 3, activation="relu", name="conv"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(3, activation="softmax", name="dense"),
        ]
    )
    found.compile("adam", "sparse_categorical_crossentropy", run_eagerly=True)
    return found


def test_callbacks_with_one_directory_lie_side_by_side(model, tmp_path):
    """Each in a directory by time, with the maps of its method for the class that was named."""
    data = (X[:3], None)
    made = [
        callbacks.ActivationsVisualizationCallback(data, ["conv", "dense"], tmp_path),
        callbacks.GradCAMCallback(data, 1, "conv", tmp_path),
        callbacks.IntegratedGradientsCallback(data, class_index=2, n_steps=4, output_dir=tmp_path),
        callbacks.VanillaGradientsCallback(data, class_index=1, output_dir=tmp_path),
        callbacks.GradientsInputsCallback(data, class_index=1, output_dir=tmp_path),
        callbacks.OcclusionSensitivityCallback(data, 0, 4, tmp_path),
        callbacks.SmoothGradCallback(data, 2, num_samples=2, noise=0.1, output_dir=tmp_path),
    ]
    model.fit(X, Y, verbose=0, callbacks=made)
    assert len({one.output_dir for one in made}) == len(list(tmp_path.iterdir())) == 7
    assert set(timeline(made[0].output_dir).tags()) == {"input", "conv", "dense"}
    options = {
        "grad_cam/conv": {},
        "integrated_gradients": {"steps": 4},
        "gradients": {},
        "gradient_x_input": {},
        "occlusion": {"patch": 4, "stride": 4},
        "smooth_grad": {"samples": 2, "noise": 0.1},
    }
    for one, method in zip(made[1:], options, strict=True):
        series = timeline(one.output_dir).series(f"attribution/{method}")
        assert series.steps.tolist() == [0, 1]
        explanation = series.header(1).attribution
        assert explanation.targets == ((one.class_index,),) * 3
        expected = tba.attribute(
            model, X[:3], one.class_index, method=explanation.method, **options[method]
        )
        sums = np.asarray(expected).sum(axis=-1, keepdims=True)
        bound = 2e-3 * np.abs(sums).max()
        np.testing.assert_allclose(values(series, 1), sums, rtol=2e-3, atol=bound)


def test_default_directories_are_tf_explains(tmp_path, monkeypatch):
    """Below `./logs`, by the name of the method."""
    monkeypatch.chdir(tmp_path)
    data = (X[:2], Y[:2])
    callbacks.ActivationsVisualizationCallback(data, ["conv"])
    callbacks.GradCAMCallback(data, 0)
    callbacks.IntegratedGradientsCallback(data, 0)
    callbacks.VanillaGradientsCallback(data, 0)
    callbacks.GradientsInputsCallback(data, 0)
    callbacks.OcclusionSensitivityCallback(data, 0, patch_size=4)
    callbacks.SmoothGradCallback(data, 0)
    assert {path.name for path in Path("logs").iterdir()} == {
        "activations_visualizations",
        "grad_cam",
        "integrated_gradients",
        "vanilla_gradients",
        "gradients_inputs",
        "occlusion_sensitivity",
        "smoothgrad",
    }


@pytest.mark.parametrize(
    ("explainer", "method", "options", "ours"),
    [
        (core.VanillaGradients, "gradients", {}, {}),
        (core.GradientsInputs, "gradient_x_input", {}, {}),
        (core.IntegratedGradients, "integrated_gradients", {"n_steps": 3}, {"steps": 3}),
        (
            core.SmoothGrad,
            "smooth_grad",
            {"num_samples": 3, "noise": 0.2},
            {"samples": 3, "noise": 0.2},
        ),
    ],
)
def test_pictures_are_of_our_maps(model, tmp_path, explainer, method, options, ours):
    """White where nothing counts; the same values that `attribute` gives, a tile an example."""
    made = explainer()
    picture = made.explain((X[:4], None), model, 1, **options)
    maps = np.asarray(tba.attribute(model, X[:4], 1, method=method, **ours)).sum(axis=-1)
    expected = tba.grid(np.moveaxis(maps, 0, -1)[None], colormap="RdBu")
    np.testing.assert_array_equal(picture, expected)
    made.save(picture, tmp_path / "new", "map.png")
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "new" / "map.png")), picture)


def test_grad_cams_picture_lies_over_the_images(model):
    """Of the images' size, two in a row of four; weight 1 is the image alone, 0 the map alone."""
    made = core.GradCAM()
    alone = made.explain((X[:4], None), model, class_index=1, image_weight=1.0)
    assert alone.shape == (32, 32, 3)
    np.testing.assert_array_equal(alone[:16, :16], np.rint(X[0] * 255))
    np.testing.assert_array_equal(alone[16:, 16:], np.rint(X[3] * 255))
    maps = made.explain((X[:1], None), model, 1, layer_name="conv", image_weight=0)
    values = np.asarray(tba.attribute(model, X[:1], 1, method="grad_cam", layer="conv"))[0, ..., 0]
    row, column = np.unravel_index(np.abs(values).argmax(), values.shape)
    red, _, blue = maps[int((row + 0.5) * 16 / 14), int((column + 0.5) * 16 / 14)].astype(int)
    assert (red > blue) == (values[row, column] > 0)


def test_occlusions_picture_lies_over_the_images(model):
    """Patches side by side, of the images' size; the map of one image is `attribute`'s, signed."""
    made = core.OcclusionSensitivity(batch_size=8)
    assert made.explain((X[:4], None), model, 1, 4).shape == (32, 32, 3)
    found = made.get_sensitivity_map(model, X[0], 1, patch_size=4)
    expected = tba.attribute(model, X[:1], 1, method="occlusion", patch=4, stride=4)
    np.testing.assert_allclose(found, np.asarray(expected)[0, ..., 0], atol=1e-6)


def test_several_layers_stand_one_below_the_other(model):
    """And slices of a batch make the same picture."""
    both = core.ExtractActivations(batch_size=2).explain((X[:3], None), model, ["conv", "dense"])
    found = tba.capture(model, X[:3])
    first, second = (np.asarray(tba.grid(found[n], example=None)) for n in ("conv", "dense"))
    assert both.shape == (len(first) + len(second), max(first.shape[1], second.shape[1]), 3)
    np.testing.assert_array_equal(both[: len(first), : first.shape[1]], first)
    with pytest.raises(ValueError, match="nothing"):
        core.ExtractActivations().explain((X[:3], None), model, ["nothing"])


def test_how_values_differ_is_said_once(model, monkeypatch):
    """For each method, the first time."""
    monkeypatch.setattr(said, "_said", set())
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        for _ in range(2):
            core.VanillaGradients().explain((X[:1], None), model, 1)
            core.ExtractActivations().explain((X[:1], None), model, ["conv"])
    lines = out.getvalue().splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "tb_activations.tf_explain, gradients",
        "tb_activations.tf_explain, activations",
    ]


def test_what_is_not_there_is_named():
    """With what is."""
    with pytest.raises(AttributeError, match=r"no 'GradCam'; it has .*GradCAM"):
        core.GradCam  # noqa: B018
    with pytest.raises(ImportError):
        from tb_activations.tf_explain.callbacks import SmoothGrad  # noqa: F401
    assert len(core.__all__) == len(callbacks.__all__) == 7
