"""Data goes through the model's own preprocessor, where `fit` and `predict` use it and `call` not.

So do the tasks of keras-hub: `model.preprocessor`, applied by `model.preprocess_samples`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras

from tb_activations.training.batch import Batch, as_inputs
from tb_activations.training.keras.forward import preserved


def preprocessed(model: Any, batch: Batch) -> Batch:
    """The batch as `predict` hands it to the model; itself where the model has no preprocessor.

    The labels stay those that were given.
    """
    preprocessor = getattr(model, "preprocessor", None)
    if preprocessor is None or not _fits_its_own_way(model):
        return batch
    with preserved(model):
        made = (getattr(model, "preprocess_samples", None) or preprocessor)(batch.inputs)
    x, _, _ = keras.utils.unpack_x_y_sample_weight(made)
    return replace(batch, inputs=as_inputs(x))


def _fits_its_own_way(model: Any) -> bool:
    """Whether `fit` is not Keras' own, which would hand the data to `call` as they are."""
    own = getattr(model, "preprocess_samples", None) is not None
    return own or getattr(type(model), "fit", None) is not keras.Model.fit
