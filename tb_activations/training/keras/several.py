"""Several models as one, each on inputs of its own."""

from __future__ import annotations

from typing import Any

import keras

from tb_activations.training.keras.private import takes_training


class Several(keras.Layer):
    """Calls each model on its inputs, a dict by the same names; returns nothing of its own.

    running: the name of the model whose call is under way; one model may stand under two names.
    """

    def __init__(self, models: dict[str, Any]) -> None:
        super().__init__(name="several", autocast=False)
        self.models = models
        self.running = ""
        self.built = True

    def call(self, inputs: dict[str, Any]) -> None:
        try:
            for name, model in self.models.items():
                self.running = name
                call_without_training(model, inputs[name])
        finally:
            self.running = ""

    def holds(self, models: dict[str, Any]) -> bool:
        """Whether it is made of these, by these names."""
        return list(models) == list(self.models) and all(
            one is self.models[name] for name, one in models.items()
        )


def call_without_training(model: Any, inputs: Any) -> Any:
    """One call with training off, of a model that knows of training or one that does not."""
    if takes_training(model):
        return model(inputs, training=False)
    return model(inputs)
