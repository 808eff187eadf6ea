"""Whether what is passed as a model is one of Keras 3."""

from __future__ import annotations

from typing import Any

import keras

_KERAS_2 = ("tf_keras.", "tensorflow.python.keras.", "keras.engine.", "keras.src.engine.")


def check_kind(model: Any) -> None:
    """Refuses what is not a Keras 3 model or layer.

    Raises:
      TypeError: names the kind, and says that Keras 3 is needed where it is of Keras 2.
    """
    check_version(model)
    if model is None:
        raise TypeError("there is no model: call set_model(model) before the other hooks")
    if not isinstance(model, keras.Layer):
        raise TypeError(f"model is a {type(model).__name__}; it must be a Keras model or layer")


def check_version(model: Any) -> None:
    """Refuses a model or layer of Keras 2: of tf_keras, TensorFlow's own copy, or an old Keras.

    Raises:
      TypeError: says that Keras 3 is needed.
    """
    modules = [f"{one.__module__}." for one in type(model).__mro__]
    if any(module.startswith(_KERAS_2) for module in modules):
        raise TypeError(
            f"model is a {type(model).__name__} of Keras 2 ({modules[0].partition('.')[0]}); "
            "Keras 3 is needed: build and train it with `import keras`, or with `tf.keras` where "
            "TF_USE_LEGACY_KERAS is not set"
        )
