"""Kinds of models on an accelerator, shown inputs that are on the host: the host's records."""

from __future__ import annotations

import time
from typing import Any

import pytest
import torch
import torch_kinds
import torch_zoo
from devices import DEVICE, apart, assert_same_records, exact, logged, needs_device  # noqa: F401

import tb_activations as tba

pytestmark = [needs_device, pytest.mark.usefixtures("exact"), pytest.mark.filterwarnings("ignore")]

# Kernels that the host alone has; random numbers, of which each device has its own.
ON_HOST = {
    "dynamically quantised",
    "variational autoencoder",
    "dropout always on, counts its calls",
}
# Where a rounding decides which expert is asked, and which boxes are left over.
CHOOSING = {"transformers Mixtral, experts", "torchvision fcos, lists of boxes",
            "mixture of experts", "transformers YOLOS"}  # fmt: skip
LARGE = [pytest.param(one, marks=pytest.mark.skipif(bool(torch_zoo.missing()),
                      reason=f"needs {torch_zoo.missing()}"))
         for one in torch_zoo.ZOO]  # fmt: skip


def compare(title: str, make: Any, tmp_path: Any, allowed: float, most: float) -> None:
    """Logs and captures on the host and there; what a model makes itself is made where it is."""
    model, x = make()
    model.eval()
    host, captured = logged(tmp_path / "host", model, x), tba.capture(model, x)
    model.to(DEVICE)
    with torch.device(DEVICE):
        tba.capture(model, x)
        begun = time.perf_counter()
        there, found = logged(tmp_path / "there", model, x), tba.capture(model, x)
    print(f"{title}: {len(found)} layers, {time.perf_counter() - begun:.2f} s,", list(found)[:4])
    assert next(model.parameters()).device.type == DEVICE
    if title in CHOOSING:
        assert {tag for tag, _ in there} == {tag for tag, _ in host}
        return
    assert list(found) == list(captured)
    for name, expected in captured.items():
        assert found[name].dtype == expected.dtype, name
        assert apart(expected, found[name], allowed) <= most, name
    assert_same_records(host, there, allowed=allowed, most=most)


@pytest.mark.parametrize("title", [one for one in torch_kinds.SMALL if one not in ON_HOST])
def test_a_small_kind_has_the_values_and_records_of_the_host(title, tmp_path):
    allowed = 3e-2 if "bfloat16" in title else 1e-3
    compare(title, torch_kinds.SMALL[title], tmp_path, allowed, 0.0)


@pytest.mark.parametrize("title", LARGE)
def test_a_model_of_the_libraries_has_the_values_and_records_of_the_host(title, tmp_path):
    """Random weights, in which roundings of one layer grow in the next: two in a hundred."""
    compare(title, torch_zoo.ZOO[title], tmp_path, 1e-2, 0.02)
