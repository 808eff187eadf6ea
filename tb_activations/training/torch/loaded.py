"""A trainer's loaders and data sets → the one batch that a model is shown.

The loader itself is not begun where that can be helped: its order, its workers and its random
numbers are the training's.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset, default_collate

from tb_activations.training.shapes import DataError
from tb_activations.training.torch.forward import LABELS

EXAMPLES = 64  # of a data set that nobody chose, at most


class OneBatch:
    """A stream of one batch, and the data set that it is of, which may know the classes' names."""

    def __init__(self, batch: Any, dataset: Any = None) -> None:
        self._batch = batch
        self.dataset = dataset
        self.class_names = _in_features(dataset)

    def __iter__(self) -> Iterator[Any]:
        yield self._batch

    def as_pair(self) -> OneBatch | None:
        """(x, y) of a dict that holds one tensor beside labels, None of anything else."""
        if not isinstance(self._batch, Mapping):
            return None
        tensors = {k: one for k, one in self._batch.items() if isinstance(one, torch.Tensor)}
        labels = next((tensors[key] for key in LABELS if key in tensors), None)
        inputs = [one for key, one in tensors.items() if key not in LABELS]
        if len(inputs) != 1:
            return None
        pair = inputs[0] if labels is None else (inputs[0], labels)
        return OneBatch(pair, self.dataset)


def first_loader(loaders: Any) -> Any:
    """The first of loaders in lists and dicts, None where there is none."""
    if isinstance(loaders, Mapping):
        loaders = list(loaders.values())
    if isinstance(loaders, list | tuple):
        return first_loader(loaders[0]) if loaders else None
    return loaders


def one_batch(loader: Any) -> OneBatch:
    """The first examples of a loader's data set, in the order of that, put together as it does.

    Where examples can be asked for by number the loader is left alone; else it is begun once.

    Raises:
      DataError: it is empty.
    """
    dataset = getattr(loader, "dataset", None)
    size = _batch_size(loader)
    if size is None or not _by_number(dataset):
        for batch in loader:
            return OneBatch(batch, dataset)
        raise DataError("the loader of the trainer yields no batch")
    return of_examples(dataset, size, getattr(loader, "collate_fn", None))


def _batch_size(loader: Any) -> int | None:
    """What a loader puts together, None where its data set yields batches itself."""
    sampler = getattr(loader, "batch_sampler", None)  # Accelerate's loaders have no batch_size
    size = getattr(loader, "batch_size", None) or getattr(sampler, "batch_size", None)
    return EXAMPLES if size is None and sampler is not None else size


def of_examples(dataset: Any, size: int = EXAMPLES, collate: Any = None) -> OneBatch:
    """The first examples of a data set, at most EXAMPLES, put together.

    Random augmentation draws from generators that are put back, and always the same.

    Raises:
      DataError: it is empty.
    """
    count = min(size, len(dataset), EXAMPLES)
    if not count:
        raise DataError("the data set of the trainer is empty")
    python = random.getstate()
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            random.seed(0)
            examples = [dataset[i] for i in range(count)]
            return OneBatch((collate or default_collate)(examples), dataset)
    finally:
        random.setstate(python)


def is_dataset(data: Any) -> bool:
    """Whether it is a data set of single examples, of PyTorch's or of Hugging Face's."""
    return _by_number(data) and not isinstance(data, DataLoader)


def _in_features(dataset: Any) -> list[str] | None:
    """The names in `features` of a data set of Hugging Face's."""
    features = getattr(dataset, "features", None)
    if not isinstance(features, Mapping):
        return None
    found = (getattr(features.get(key), "names", None) for key in LABELS)
    names = next((one for one in found if isinstance(one, list | tuple) and one), None)
    return None if names is None else [str(name) for name in names]


def _by_number(dataset: Any) -> bool:
    if isinstance(dataset, IterableDataset):
        return False
    if isinstance(dataset, Dataset):
        return hasattr(dataset, "__len__")
    return type(dataset).__module__.partition(".")[0] == "datasets" and hasattr(dataset, "__len__")
