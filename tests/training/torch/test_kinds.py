"""Every kind of model is captured with the values that it computes, and nothing of it moves.

`docs/torch_kinds.md` is written by this file: TBA_SOAK=1 remakes it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch_kinds
import torch_zoo
from torch import nn
from torch_nets import records

import tb_activations as tba

SOAK = bool(os.environ.get("TBA_SOAK"))
PAGE = Path(__file__).parents[3] / "docs" / "torch_kinds.md"
KINDS = {**torch_kinds.SMALL, **torch_zoo.ZOO}


@pytest.fixture(scope="module")
def rows() -> dict[str, str]:
    return {}


def state(model: nn.Module) -> dict[str, Any]:
    """All that a pass must leave: values, flags, gradients, what modules hold, random numbers."""
    held = {name: value.clone() for name, value in model.state_dict().items()
            if isinstance(value, torch.Tensor)}  # fmt: skip
    return {
        **held,
        "flags": [module.training for module in model.modules()],
        "wanted": [one.requires_grad for one in model.parameters()],
        "gradients": [one.grad for one in model.parameters()],
        "attributes": [sorted(vars(module)) for module in model.modules()],
        "random": torch.get_rng_state(),
        "numpy": np.random.get_state()[1].copy(),
        "grad mode": torch.is_grad_enabled(),
        "call": nn.Module.__call__,
    }


def same(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor):
        return torch.equal(torch.nan_to_num(one), torch.nan_to_num(other)) if (
            one.dtype.is_floating_point) else torch.equal(one, other)  # fmt: skip
    return bool(np.array_equal(one, other)) if isinstance(one, np.ndarray) else one == other


def clones(model: nn.Module, x: Any) -> dict[str, list[torch.Tensor]]:
    """What every module returns, path → tensors, cloned by hooks where it returns them."""
    found: dict[str, list[torch.Tensor]] = {}

    def note(path: str) -> Any:
        def hook(_: Any, __: Any, out: Any) -> None:
            for one in leaves(out):
                if isinstance(one, nn.utils.rnn.PackedSequence):
                    one = nn.utils.rnn.pad_packed_sequence(one, batch_first=True)[0]
                one = getattr(one, "logits", one)
                if isinstance(one, torch.Tensor) and not torch._C._functorch.is_batchedtensor(one):
                    found.setdefault(path, []).append(one.detach().clone())

        return hook

    handles = []
    for name, module in model.named_modules():
        path = re.sub(r"(^|\.)(_orig_mod|module)(?=\.|$)", "", name).lstrip(".").replace(".", "/")
        if not isinstance(module, torch.jit.ScriptModule):
            handles.append(module.register_forward_hook(note(path)))
    flags = [(module, module.training) for module in model.modules()]
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    with torch.random.fork_rng(), torch.no_grad(), torch.compiler.set_stance("force_eager"):
        for module, _ in flags:
            module.training = False
        called(model, x)
    for module, flag in flags:
        module.training = flag
    for handle in handles:
        handle.remove()
    torch.backends.mha.set_fastpath_enabled(fast)
    return found


def leaves(out: Any) -> list[Any]:
    packed = nn.utils.rnn.PackedSequence
    return torch.utils._pytree.tree_leaves(out, is_leaf=lambda one: isinstance(one, packed))


def called(model: nn.Module, x: Any) -> Any:
    dtypes = [one.dtype for one in model.parameters()]
    if isinstance(x, torch.Tensor) and x.dtype.is_floating_point and dtypes:
        x = x.to(dtypes[0])
    if isinstance(x, dict):
        return model(**{key: one for key, one in x.items() if key != "labels"})
    return model(*x) if isinstance(x, tuple) else model(x)


def as_array(value: torch.Tensor) -> np.ndarray:
    value = value.dequantize() if value.is_quantized else value
    return (value.float() if value.dtype == torch.bfloat16 else value).numpy()


def kinds() -> Any:
    for title in KINDS:
        large = title.startswith(("torchvision", "timm", "transformers"))
        marks = [pytest.mark.skipif(not SOAK, reason="minutes of both cores: TBA_SOAK=1"),
                 pytest.mark.skipif(bool(large and torch_zoo.missing()),
                                    reason=f"needs {torch_zoo.missing()}")]  # fmt: skip
        yield pytest.param(title, marks=marks if large else [])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("title", list(kinds()))
def test_values_are_those_of_independent_clones_and_nothing_moves(title, tmp_path, rows):
    torch.manual_seed(0)
    model, x = KINDS[title]()
    if "quantised" not in title:
        model.train()
    before = state(model)
    values = tba.capture(model, x)
    assert values
    logger = tba.ActivationsLogger(
        tmp_path, model, x, verbose=0, receptive_fields=False, precision="float32"
    )
    logger.step()
    logger.close()
    after = state(model)
    assert [name for name in before if not same(before[name], after[name])] == []
    expected = clones(model, x)
    for name, array in values.items():
        if name.rsplit("/", 1)[-1].startswith("attention_scores") or "()" in name:
            continue
        path = re.sub(r":\d+(?=/|$|\.)", "", name)
        those = [one for known, found in expected.items() for one in found
                 if path == known or path.startswith(f"{known}.")
                 or (not known and re.match(type(model).__name__, path))]  # fmt: skip
        # Hooks are not on scripted modules, nor on those that no module holds (HF's activations).
        unheld = path.rsplit("/", 1)[-1][:1].isupper() and "/" in path
        if those or not (unheld or any(sign in title for sign in ("Script", "traced"))):
            assert any(np.array_equal(as_array(one), array, equal_nan=True) for one in those), name
    logged = {
        tag: one for (tag, _), one in records(tmp_path).items() if not tag.startswith("input")
    }
    assert logged
    for tag, found in logged.items():
        assert holds(found.values, values[tag]), tag
    rows[title] = row(title, logged, len(logger._watched.survey.left_out))


def row(title: str, logged: dict[str, Any], left_out: int) -> str:
    """What the page says of a kind: `first`, `second` and how many more."""
    names = [f"`{name}`" for name in logged]
    shown = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
    functions = sum("()" in name for name in names)
    scores = sum("attention_scores" in name for name in names)
    counts = [str(one or "") for one in (len(names), functions, scores, left_out)]
    return f"| {' | '.join([title, *counts, shown])} |"


HEAD = """# Kinds of PyTorch models

Every kind below is captured and logged by a test (`tests/training/torch/test_kinds.py`): what each
module returns is bit-equal to clones that hooks make of it, and afterwards weights, buffers,
flags, gradients, attributes and random numbers are bit for bit what they were. Models of
torchvision, timm and transformers have random weights. *Left out* are outputs that have no row for
each example or are complex, each with its reason in `tba.check(model, x)`; values that another
entry shows are not counted.

| Kind | Layers | functions | attention scores | left out | Entries |
|---|---|---|---|---|---|
"""


def test_the_page_says_what_there_is(rows):
    """With TBA_SOAK=1 the page is written; else what ran must be in it."""
    if len(rows) == len(KINDS):
        PAGE.write_text(HEAD + "\n".join(rows[title] for title in KINDS) + "\n", encoding="utf-8")
    page = PAGE.read_text(encoding="utf-8")
    assert [one for one in rows.values() if one not in page] == []


def holds(kept: np.ndarray, array: np.ndarray) -> bool:
    """Whether a record's values `[n, …, c]` are the captured ones, axes moved, rows folded."""
    if array.dtype == np.float64:
        array, kept = array.astype(np.float32), kept.astype(np.float32)
    table = set(np.unique(array).tolist())
    return {one for one in np.unique(kept).tolist() if one == one} <= table
