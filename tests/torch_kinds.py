"""Kinds of PyTorch models, each small: a function that makes the model and what it is shown.

Those of torchvision, timm and transformers are in `torch_zoo.py`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import parametrizations, rnn
from torch.utils.checkpoint import checkpoint
from torch_nets import Net, Residual, images

Kind = Callable[[], tuple[nn.Module, Any]]


def _random(*shape: int) -> torch.Tensor:
    return torch.randn(*shape)


def tokens(count: int = 3, length: int = 12) -> torch.Tensor:
    return torch.randint(3, 99, (count, length))


def _encoder(**options: Any) -> nn.TransformerEncoder:
    layer = nn.TransformerEncoderLayer(16, 4, 32, **{"batch_first": True, **options})
    return nn.TransformerEncoder(layer, 2)


def _looped(s: Any, x: torch.Tensor) -> torch.Tensor:
    h = torch.zeros(len(x), 6)
    for t in range(x.shape[1]):
        h = s.cell(x[:, t], h)
    return s.out(h)


def _functional_loop(s: Any, x: torch.Tensor) -> torch.Tensor:
    h = torch.zeros(len(x), 6)
    for t in range(x.shape[1]):
        h = torch.tanh(s.a(x[:, t]) + s.b(h))
    return h


def _attention(s: Any, x: torch.Tensor) -> torch.Tensor:
    n, length, c = x.shape
    q, k, v = s.qkv(x).view(n, length, 3, 4, c // 4).permute(2, 0, 3, 1, 4)
    out = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    return s.out(out.transpose(1, 2).reshape(n, length, c))


def _windows(s: Any, x: torch.Tensor) -> torch.Tensor:
    n, length, c = x.shape
    rows = s.inner(x.reshape(n * 2, length // 2, c))
    return s.out(rows.reshape(n, length, c))


def _counting(s: Any, x: torch.Tensor) -> torch.Tensor:
    s.calls.add_(1)
    s.seen = getattr(s, "seen", 0) + 1
    return F.dropout(s.a(x), 0.5)


def _with_buffer(model: nn.Module) -> nn.Module:
    model.register_buffer("calls", torch.zeros(()))
    return model


@dataclasses.dataclass
class Answer:
    logits: torch.Tensor
    hidden: torch.Tensor | None = None


def _expert(s: Any, x: torch.Tensor) -> torch.Tensor:
    rows = x.reshape(-1, x.shape[-1])
    chosen = (s.gate(rows)[:, 0] > 0).nonzero()[:, 0]
    return rows.index_add(0, chosen, s.expert(rows[chosen])).view(x.shape)


class UNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.down, self.mid = nn.Conv2d(3, 4, 3, 2, 1), nn.Conv2d(4, 8, 3, 2, 1)
        self.up = nn.ConvTranspose2d(8, 4, 2, 2)
        self.out = nn.Conv2d(8, 1, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        a = F.silu(self.down(x))
        return self.out(torch.cat([a, self.up(F.silu(self.mid(a)))], 1))


def _lazy() -> nn.Module:
    model = nn.Sequential(nn.LazyConv2d(4, 3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(3))
    model(images())
    return model


def _tied() -> nn.Module:
    model = Net(lambda s, x: s.out(s.embed(x)), embed=nn.Embedding(99, 8), out=nn.Linear(8, 99))
    model.out.weight = model.embed.weight
    return model


def _seq(*modules: nn.Module) -> nn.Sequential:
    return nn.Sequential(*modules)


def _compiled_inside() -> nn.Module:
    model = _seq(_seq(nn.Linear(4, 4), nn.ReLU()), nn.Linear(4, 2))
    model[0].compile(backend="eager")
    return model


def _wrapped_inside() -> nn.Module:
    inner = torch.compile(_seq(nn.Linear(4, 4), nn.ReLU()), backend="eager")
    return _seq(inner, nn.Linear(4, 2))


def _quantised() -> nn.Module:
    model = _seq(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2)).eval()
    return torch.ao.quantization.quantize_dynamic(model, {nn.Linear}, dtype=torch.qint8)


def _dense() -> nn.Module:
    return _seq(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2))


def _parallel() -> nn.Module:
    """On the host, where there are accelerators too."""
    model = nn.DataParallel(_dense()).cpu()
    model.device_ids = []
    return model


class Pair(nn.Module):
    """Two arguments."""

    def __init__(self) -> None:
        super().__init__()
        self.tower = _dense()

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return (self.tower(a) - self.tower(b)).abs()


class ByName(nn.Module):
    """Arguments by name, as Hugging Face's models take them."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.out = nn.Embedding(99, 8), nn.Linear(8, 3)

    def forward(self, input_ids=None, attention_mask=None, labels=None):
        hidden = self.embed(input_ids) * attention_mask[..., None]
        return {"logits": self.out(hidden.mean(1)), "loss": None}


SMALL: dict[str, Kind] = {
    "convnet, ReLU in place": lambda: (
        _seq(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(True), nn.MaxPool2d(2), nn.Flatten(),
             nn.Linear(72, 5)), images()),
    "F.relu, += after a norm": lambda: (Residual(), images()),
    "shared module": lambda: (Net(lambda s, x: s.a(F.gelu(s.a(x))), a=nn.Linear(4, 4)),
                              _random(3, 4)),
    "tied weights": lambda: (_tied(), tokens()),
    "siamese towers": lambda: (Pair(), (_random(3, 4), _random(3, 4))),
    "two arguments that no signature tells": lambda: (
        Net(lambda s, a, b: s.out(a + b), out=nn.Linear(4, 2)), (_random(3, 4), _random(3, 4))),
    "ModuleList and ModuleDict": lambda: (
        Net(lambda s, x: s.d["q/r"](s.each[1](s.each[0](x))),
            each=nn.ModuleList([nn.Linear(4, 4), nn.Linear(4, 4)]),
            d=nn.ModuleDict({"q/r": nn.Linear(4, 2)})), _random(3, 4)),
    "Conv1d": lambda: (_seq(nn.Conv1d(3, 8, 3), nn.GELU(), nn.Conv1d(8, 8, 3)), _random(3, 3, 16)),
    "Conv3d": lambda: (_seq(nn.Conv3d(1, 4, 3), nn.ReLU()), _random(3, 1, 6, 6, 6)),
    "autoencoder, transposed": lambda: (
        _seq(nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU(), nn.ConvTranspose2d(8, 3, 4, 2, 1)), images()),
    "U-Net": lambda: (UNet(), images()),
    "LSTM with states": lambda: (_seq(nn.LSTM(4, 6, batch_first=True)), _random(3, 5, 4)),
    "GRU, time first": lambda: (
        Net(lambda s, x: s.g(x.transpose(0, 1))[0][-1], g=nn.GRU(4, 6)), _random(3, 5, 4)),
    "packed LSTM": lambda: (
        Net(lambda s, x: s.out(s.r(rnn.pack_padded_sequence(
            x, torch.tensor([5, 4, 3, 3][: len(x)]), batch_first=True))[1][0][-1]),
            r=nn.LSTM(4, 6, batch_first=True), out=nn.Linear(6, 2)), _random(3, 5, 4)),
    "GRUCell in a loop": lambda: (Net(_looped, cell=nn.GRUCell(4, 6), out=nn.Linear(6, 2)),
                                  _random(3, 9, 4)),
    "recurrence of functions": lambda: (
        Net(_functional_loop, a=nn.Linear(4, 6), b=nn.Linear(6, 6)), _random(3, 9, 4)),
    "Embedding and EmbeddingBag": lambda: (
        Net(lambda s, x: s.out(s.e(x).mean(1) + s.b(x)), e=nn.Embedding(99, 8),
            b=nn.EmbeddingBag(99, 8), out=nn.Linear(8, 2)), tokens()),
    "TransformerEncoder": lambda: (_encoder(), _random(3, 5, 16)),
    "TransformerEncoder, padding mask": lambda: (
        Net(lambda s, x: s.e(x, src_key_padding_mask=(torch.arange(5) > 3).expand(len(x), 5)),
            e=_encoder()), _random(3, 5, 16)),
    "TransformerEncoder, time first": lambda: (
        Net(lambda s, x: s.e(x.transpose(0, 1)).transpose(0, 1), e=_encoder(batch_first=False)),
        _random(3, 5, 16)),
    "nn.Transformer": lambda: (nn.Transformer(16, 4, 1, 1, 32, batch_first=True),
                               (_random(3, 5, 16), _random(3, 4, 16))),
    "attention written by hand": lambda: (
        Net(_attention, qkv=nn.Linear(16, 48), out=nn.Linear(16, 16)), _random(3, 5, 16)),
    "attention by softmax": lambda: (
        Net(lambda s, x: s.o((s.q(x) @ s.k(x).mT).softmax(-1) @ x), q=nn.Linear(8, 8),
            k=nn.Linear(8, 8), o=nn.Linear(8, 8)), _random(3, 5, 8)),
    "windows in the batch": lambda: (
        Net(_windows, inner=nn.Linear(8, 8), out=nn.Linear(8, 4)), _random(3, 6, 8)),
    "mixture of experts": lambda: (
        Net(_expert, gate=nn.Linear(8, 1), expert=nn.Linear(8, 8)), _random(3, 6, 8)),
    "variational autoencoder": lambda: (
        Net(lambda s, x: s.d(s.m(x) + torch.randn(len(x), 3) * torch.exp(s.v(x))),
            m=nn.Linear(4, 3), v=nn.Linear(4, 3), d=nn.Linear(3, 4)), _random(3, 4)),
    "dropout always on, counts its calls": lambda: (
        _with_buffer(Net(_counting, a=nn.Linear(4, 4))), _random(3, 4)),
    "dict, tuple and None returned": lambda: (
        Net(lambda s, x: {"a": s.a(x), "b": (s.a(x), None)}, a=nn.Linear(4, 4)), _random(3, 4)),
    "dataclass returned": lambda: (
        Net(lambda s, x: Answer(s.a(x)), a=nn.Linear(4, 4)), _random(3, 4)),
    "spectral and weight norm": lambda: (
        _seq(parametrizations.spectral_norm(nn.Linear(4, 4)),
             parametrizations.weight_norm(nn.Linear(4, 4))), _random(3, 4)),
    "channels last in memory": lambda: (
        _seq(nn.Conv2d(3, 4, 3), nn.ReLU(True)).to(memory_format=torch.channels_last),
        images().to(memory_format=torch.channels_last)),
    "bfloat16 weights": lambda: (_dense().bfloat16(), _random(3, 4)),
    "float64 weights": lambda: (_dense().double(), _random(3, 4)),
    "lazy, run once": lambda: (_lazy(), images()),
    "dynamically quantised": lambda: (_quantised(), _random(3, 4)),
    "torch.compile": lambda: (torch.compile(_dense(), backend="eager"), _random(3, 4)),
    "compiled in place, inside": lambda: (_compiled_inside(), _random(3, 4)),
    "compiled and wrapped, inside": lambda: (_wrapped_inside(), _random(3, 4)),
    "ScriptModule inside": lambda: (
        _seq(torch.jit.script(_seq(nn.Linear(4, 4), nn.ReLU())), nn.Linear(4, 2)), _random(3, 4)),
    "traced": lambda: (torch.jit.trace(_dense(), _random(3, 4)), _random(3, 4)),
    "checkpointed": lambda: (
        Net(lambda s, x: s.b(checkpoint(s.a, x, use_reentrant=False)), a=nn.Linear(4, 4),
            b=nn.Linear(4, 4)), _random(3, 4)),
    "vmap over a module": lambda: (
        Net(lambda s, x: s.b(torch.func.vmap(s.a)(x)), a=nn.Linear(4, 4), b=nn.Linear(4, 2)),
        _random(3, 2, 4)),
    "DataParallel": lambda: (_parallel(), _random(3, 4)),
    "image of complex numbers": lambda: (
        Net(lambda s, x: s.b(s.f(x).abs()), f=Net(lambda s, x: torch.fft.rfft2(x)),
            b=nn.Conv2d(3, 2, 3)), images()),
    "arguments by name": lambda: (ByName(), {
        "input_ids": tokens(), "attention_mask": torch.ones(3, 12), "labels": torch.arange(3)}),
}  # fmt: skip
