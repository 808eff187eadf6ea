"""Compiled models run eagerly for a pass, and training compiles not one graph more."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import tb_activations as tba

X = torch.arange(12.0).reshape(3, 4) / 12


class Counter:
    """A backend that counts the graphs it is handed."""

    def __init__(self) -> None:
        self.graphs = 0

    def __call__(self, graph: torch.fx.GraphModule, _: list) -> object:
        self.graphs += 1
        return graph.forward


class Dense(nn.Module):
    """A class of one's own: what torch's own files hold is not compiled by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.relu, self.b = nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.b(self.relu(self.a(x)))


def wrapped(backend: Counter) -> tuple[nn.Module, nn.Module]:
    model = Dense()
    return torch.compile(model, backend=backend), model


def in_place(backend: Counter) -> tuple[nn.Module, nn.Module]:
    model = Dense()
    model.compile(backend=backend)
    return model, model


def regional(backend: Counter) -> tuple[nn.Module, nn.Module]:
    model = nn.Sequential(Dense(), nn.Linear(2, 2))
    model[0].compile(backend=backend)
    return model, model


FORMS = {"torch.compile": wrapped, "in place": in_place, "regional": regional}


def trained(form: str, watch: bool, log_dir) -> tuple[list[int], list[torch.Tensor]]:
    """Graphs after each step, and the weights; looked at between the steps, or not."""
    torch._dynamo.reset()
    torch.manual_seed(0)
    counter = Counter()
    model, _ = FORMS[form](counter)
    optimizer, graphs = torch.optim.SGD(model.parameters(), 0.1), []
    logger = tba.ActivationsLogger(log_dir, model, X, update_freq=1, verbose=0) if watch else None
    for step in range(4):
        model(X).sum().backward()
        optimizer.step()
        if logger is not None:
            logger.step()
            if step == 1:
                tba.capture(model, X)
        graphs.append(counter.graphs)
    if logger is not None:
        logger.close()
    model.eval()(X)
    graphs.append(counter.graphs)
    return graphs, [one.detach().clone() for one in model.parameters()]


@pytest.mark.parametrize("form", FORMS)
def test_training_compiles_as_many_graphs_with_a_logger_as_without(form, tmp_path):
    without, weights = trained(form, False, tmp_path)
    within, watched = trained(form, True, tmp_path)
    assert within == without
    assert without[0] > 0
    assert all(torch.equal(a, b) for a, b in zip(weights, watched, strict=True))


@pytest.mark.parametrize("form", FORMS)
def test_every_module_of_a_compiled_model_is_seen_and_nothing_compiled_for_it(form):
    """Hooks, where they are seen at all, have the model compiled once more with them in it."""
    torch._dynamo.reset()
    counter = Counter()
    model, plain = FORMS[form](counter)
    with torch.no_grad():
        model.eval()(X)
    compiled = counter.graphs
    names = ["0/a", "0/relu", "0/b", "1"] if form == "regional" else ["a", "relu", "b"]
    values = tba.capture(model, X)
    assert list(values) == names
    assert counter.graphs == compiled
    seen: list[nn.Module] = []
    inner = plain[0] if form == "regional" else plain
    handles = [one.register_forward_hook(lambda m, *_: seen.append(m)) for one in inner.children()]
    with torch.no_grad():
        out = model(X)
    for handle in handles:
        handle.remove()
    assert not seen or counter.graphs > compiled
    assert torch.equal(torch.as_tensor(values[names[-1]]), out)


def test_a_model_compiled_whole_has_the_names_of_the_plain_one():
    model, plain = wrapped(Counter())
    assert list(tba.capture(model, X)) == list(tba.capture(plain, X))
