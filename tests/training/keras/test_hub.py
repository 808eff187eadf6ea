"""Models of keras-hub and of Keras 2, whose packages ask for `tensorflow` itself."""

from __future__ import annotations

import importlib.util

import keras
import numpy as np
import pytest
from logs import logged_values

import tb_activations as tba

needs_hub = pytest.mark.skipif(
    not importlib.util.find_spec("keras_hub"), reason="keras-hub: the session `hub`"
)


def logged(directory, model, data, layers=None):
    """{tag: values of its last record} of what `fit` logs before its first step."""
    callback = tba.ActivationsCallback(
        directory, data, layers, precision="float32", receptive_fields=False, verbose=0
    )
    callback.set_model(model)
    callback.on_train_begin()
    callback.on_epoch_begin(0)
    callback.on_train_end()
    return logged_values(directory)


def kinds():
    if not importlib.util.find_spec("keras_hub"):
        return ["keras-hub"]
    import hub_zoo

    return list(hub_zoo.KINDS)


@needs_hub
@pytest.mark.parametrize("title", kinds())
def test_a_model_of_keras_hub_is_logged_as_capture_shows_it(title, tmp_path):
    """Every entry that has a row an example, with its values; an embedding of positions has one."""
    import hub_zoo

    keras.utils.set_random_seed(0)
    model, x = hub_zoo.KINDS[title]()
    captured = tba.capture(model, x)
    model.preprocessor = None
    found = logged(tmp_path, model, x)
    captured = {name: value for name, value in captured.items() if len(value) == hub_zoo.EXAMPLES}
    assert len(captured) > 5 and set(captured) <= set(found)
    for name, value in captured.items():
        got = found[name].reshape(-1)
        plain = np.asarray(value, "float32")
        plain = np.moveaxis(plain, 1, -1) if "attention_scores" in name else plain
        np.testing.assert_allclose(got, plain.reshape(-1), rtol=1e-3, atol=1e-4, err_msg=name)


@needs_hub
def test_a_task_of_keras_hub_is_shown_what_its_preprocessor_makes(tmp_path):
    """Images of another size and scale than its network's, as `fit` takes them."""
    import keras_hub

    backbone = keras_hub.models.ViTBackbone(
        image_shape=(32, 32, 3), patch_size=8, num_layers=1, num_heads=2, hidden_dim=16, mlp_dim=32
    )
    converter = keras_hub.layers.ViTImageConverter(image_size=(32, 32), scale=1 / 255)
    model = keras_hub.models.ViTImageClassifier(
        backbone=backbone,
        num_classes=3,
        preprocessor=keras_hub.models.ViTImageClassifierPreprocessor(image_converter=converter),
    )
    model.compile("sgd", "sparse_categorical_crossentropy")
    layer = next(one for one in model._flatten_layers() if one.name.endswith("patch_embedding"))
    for side in (32, 48):
        x = np.random.default_rng(0).integers(0, 256, (8, side, side, 3)).astype("uint8")
        found = logged(tmp_path / str(side), model, (x, np.arange(8) % 3), "*patch_embedding")
        (got,) = [value for tag, value in found.items() if tag.endswith("patch_embedding")]
        right = keras.ops.convert_to_numpy(layer(converter(x)[:4]))
        np.testing.assert_allclose(got, right, rtol=1e-3, atol=1e-4)


def test_a_real_model_of_tf_keras_is_refused_in_its_fit(tmp_path):
    """And by `capture`: both sentences say that Keras 3 is needed."""
    tf_keras = pytest.importorskip("tf_keras", reason="tf_keras: the session `hub`")
    model = tf_keras.Sequential([tf_keras.layers.Input((4,)), tf_keras.layers.Dense(3)])
    model.compile("adam", "mse")
    x = np.zeros((8, 4), "float32")
    watch = tba.ActivationsCallback(tmp_path, x)
    with pytest.raises(TypeError, match=r"\(tf_keras\); Keras 3 is needed"):
        model.fit(x, np.zeros((8, 3)), verbose=0, callbacks=[watch])
    with pytest.raises(TypeError, match=r"\(tf_keras\); Keras 3 is needed"):
        tba.capture(model, x)
