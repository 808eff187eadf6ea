"""Data and a model: which of it are inputs, and the sentence where the model cannot take them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tb_activations.training.batch import (
    Batch,
    as_inputs,
    first_batch,
    leaves,
    mapped,
    span,
    uneven,
)
from tb_activations.training.keras.forward import build, forward, preserved
from tb_activations.training.keras.tensors import cut, targets, tensor
from tb_activations.training.labels import labels_of
from tb_activations.training.shapes import (
    DataError,
    Refusal,
    described,
    shape_in_words,
    without_values,
)

_FEW = 2  # examples that find out what a model takes


@contextmanager
def fitting(model: Any, inputs: Any, name: str = "data") -> Iterator[None]:
    """Names the argument and its shapes where the model refuses them.

    Raises:
      DataError: what a framework, or a layer, raised of the inputs; without their values. An error
        of another kind, such as one of the user's own, is raised as it is.
    """
    try:
        yield
    except (Refusal, DataError):
        raise
    except Exception as e:
        sentence = _mismatch(model, inputs, name)
        if sentence is None and not _is_about_data(e):
            raise
        raise DataError(
            sentence
            or f"the model cannot be called on {name}, {described(inputs)}: {without_values(e)}"
        ) from None


def taken(model: Any, batch: Batch) -> Batch:
    """The batch as this model takes it: all of `batch.whole` where its first member is not enough.

    A `train_step` of one's own may be fed pairs or triplets that are all inputs.
    """
    if batch.whole is None:
        return batch
    return _chosen(model, batch, [batch, Batch(as_inputs(batch.whole))])


def inputs_taken(model: Any, x: Any) -> Any:
    """The inputs in what `capture` is passed, where a tuple is (x, y) or the model's inputs."""
    batch = first_batch(x, "x")
    if not isinstance(x, tuple):
        return taken(model, batch).inputs
    choices = [Batch(as_inputs(x, "x")), batch]
    if _is_labelled(batch):
        choices.reverse()
    return _chosen(model, batch, choices).inputs


def _chosen(model: Any, batch: Batch, choices: list[Batch]) -> Batch:
    """The first of the choices that the model takes; the batch where it takes none."""
    declared = _declared(model)
    if declared:
        return next((one for one in choices if len(leaves(one.inputs)) == len(declared)), batch)
    return next((one for one in choices if _accepts(model, one.inputs)), batch)


def _is_labelled(batch: Batch) -> bool:
    """Whether what stands beside the inputs looks like labels."""
    given = targets(batch.labels)
    return given is None or labels_of(given, len(batch)) is not None


def _accepts(model: Any, inputs: Any) -> bool:
    few = mapped(tensor, inputs if uneven(inputs) else span(inputs, 0, _FEW, cut))
    try:
        with preserved(model):
            build(model, few)
            forward(model, few)
    except Exception:
        return False
    return True


def _is_about_data(error: Exception) -> bool:
    """Whether a framework raises its like of inputs that it cannot compute with."""
    root = type(error).__module__.partition(".")[0]
    return type(error) in (ValueError, TypeError, KeyError) or root in ("tensorflow", "jax")


def _declared(model: Any) -> list[Any]:
    """The shapes of the inputs that the model was declared with, none where it was not."""
    return [tuple(one.shape) for one in leaves(getattr(model, "inputs", None) or [])]


def _fits(declared: list[Any], inputs: Any) -> bool:
    shapes = [tuple(leaf.shape) for leaf in leaves(inputs)]
    return len(shapes) == len(declared) and all(map(_agrees, declared, shapes))


def _agrees(declared: Any, shape: Any) -> bool:
    """Whether a shape is a declared one, whose open sides are None."""
    if len(declared) != len(shape):
        return False
    return all(None in (a, b) or a == b for a, b in zip(declared, shape, strict=True))


def _mismatch(model: Any, inputs: Any, name: str) -> str | None:
    """What is wrong with inputs of other shapes than those that the model was declared with."""
    declared = _declared(model)
    if not declared or _fits(declared, inputs):
        return None
    wanted = " and ".join(map(shape_in_words, declared))
    shapes = [tuple(leaf.shape) for leaf in leaves(inputs)]
    return (
        f"{name} does not fit the model: it holds {described(inputs)} as inputs; the model takes "
        f"{wanted}{_hint(declared, shapes, name)}"
    )


def _hint(declared: list[Any], shapes: list[Any], name: str) -> str:
    if len(shapes) == 1 < len(declared):
        return (
            ". In a tuple (x, y) the second is the labels: several inputs are a list or dict, "
            "([x1, x2], y)"
        )
    if len(declared) == 1 < len(shapes):
        return f". A list is several inputs: of examples make one array, np.stack({name})"
    for one, shape in zip(declared, shapes, strict=False):
        if _agrees(one[1:], shape):
            return (
                f". One example has no axis of examples: {name}[None]; a dataset must be batched, "
                "dataset.batch(32)"
            )
        if _agrees(one[:-1], shape):
            return f". The axis of channels is missing: {name}[..., None]"
    return ""
