"""What logging a PyTorch model costs: ours, add_histogram, add_images, TorchLens, side by side.

One process a model, one thread; everyone's updates and forward passes in turn, so that a noisy
machine disturbs all. Another process measures memory, and one the graphs that a compiled training
makes.
"""

from __future__ import annotations

import importlib.util
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks import harness
from benchmarks.epoch import _peak_memory, _size

HISTOGRAM, IMAGES, LENS, OURS = "add_histogram", "add_images, 4 examples", "TorchLens", "ours"
KEPT = 4
EVERY = 100  # steps between two updates, the default
OPTIONS: dict[str, Any] = {"verbose": 0, "log_inputs": False, "receptive_fields": False}

Update = tuple[Callable[[], Any], Callable[[], Any]]


def costs(title: str, repeats: int) -> dict[str, Any]:
    """Of one model: forward and training step in seconds, and each contender's ÷ forward."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)
    from benchmarks.torch_nets import MODELS

    model, x = MODELS[title]()
    model.train()
    optimizer = torch.optim.Adam(model.parameters())

    def train() -> None:
        optimizer.zero_grad()
        model(x).square().mean().backward()
        optimizer.step()

    def forward() -> None:
        model.eval()
        with torch.no_grad():
            model(x)
        model.train()

    with tempfile.TemporaryDirectory() as directory:
        contenders = _contenders(model, x, directory)
        for update, finish in contenders.values():
            update()
            finish()
        train()
        found: dict[str, list[list[float]]] = {name: [] for name in contenders}
        forwards, trains = [], []
        for _ in range(repeats):
            for name, (update, finish) in contenders.items():
                plain, whole = _timed(forward, _nothing), _timed(update, finish)
                forwards.append(plain)
                found[name].append([whole[0] / plain[0], whole[1] / plain[1], whole[1]])
            trains.append(_timed(train, _nothing))
        written = _size(directory) / (repeats + 1)
    return {
        "forward": harness.median([wall for wall, _ in forwards]),
        "train": harness.median([cpu for _, cpu in trains]),
        "found": found,
        "written": written,
    }


def _contenders(model: Any, x: Any, directory: str) -> dict[str, Update]:
    import tb_activations as tba

    logger = tba.ActivationsLogger(f"{directory}/ours", model, x, update_freq=1, **OPTIONS)
    contenders: dict[str, Update] = {OURS: (logger.step, logger.flush)}
    if importlib.util.find_spec("tensorboard"):
        for name, write in ((HISTOGRAM, _histograms), (IMAGES, _images)):
            contenders[name] = _with_hooks(model, x, f"{directory}/{name[:8]}", write)
    if importlib.util.find_spec("torchlens") and importlib.util.find_spec("graphviz"):
        contenders[LENS] = _lens(model, x), _nothing
    return contenders


def _with_hooks(model: Any, x: Any, directory: str, write: Callable[..., Any]) -> Update:
    """As tutorials write it: hooks on every module, and a summary of what each returned."""
    import torch
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(directory)

    def update() -> None:
        handles = []
        for name, module in model.named_modules():
            if next(module.children(), None) is None:

                def hook(_: Any, __: Any, out: Any, name: str = name) -> None:
                    write(writer, name, out[0] if isinstance(out, tuple) else out)

                handles.append(module.register_forward_hook(hook))
        model.eval()
        with torch.no_grad():
            model(x)
        model.train()
        for handle in handles:
            handle.remove()

    return update, writer.flush


def _histograms(writer: Any, name: str, out: Any) -> None:
    writer.add_histogram(name, out)


def _images(writer: Any, name: str, out: Any) -> None:
    """The first examples' channels as grey pictures between 0 and 1."""
    kept = out[:KEPT].detach()
    if kept.dim() < 3:
        return
    tiles = kept.flatten(0, 1)[:, None] if kept.dim() == 4 else kept[:, None]
    low, high = tiles.min(), tiles.max()
    writer.add_images(name, (tiles - low) / (high - low + 1e-12))


def _lens(model: Any, x: Any) -> Callable[[], Any]:
    import torchlens

    trace = getattr(torchlens, "trace", None) or torchlens.log_forward_pass

    def update() -> None:
        import torch

        model.eval()
        with torch.no_grad():
            trace(model, x)
        model.train()

    return update


def _timed(update: Callable[[], Any], finish: Callable[[], Any]) -> tuple[float, float]:
    """(wall of the training thread, CPU of the process until all is on disk)."""
    cpu, wall = time.process_time(), time.perf_counter()
    update()
    wall = time.perf_counter() - wall
    finish()
    return wall, time.process_time() - cpu


def _nothing() -> None:
    return None


def memory(title: str) -> dict[str, float]:
    """How far updates raise the peak above that of a forward pass, and what a slice holds."""
    import torch

    torch.set_num_threads(1)
    import tb_activations as tba
    from benchmarks.torch_nets import MODELS

    model, x = MODELS[title]()
    model.eval()
    with torch.no_grad():
        model(x)
    with tempfile.TemporaryDirectory() as directory:
        logger = tba.ActivationsLogger(directory, model, x, update_freq=1, **OPTIONS)

        def updates() -> None:
            for _ in range(3):
                logger.step()
            logger.flush()

        peak = _peak_memory(updates)
    # Afterwards: what it leaves in the heap would hide what an update takes.
    values = tba.capture(model, x)
    held = float(sum(value.nbytes for value in values.values()))
    entries = len(values)
    return {"peak": peak, "held": held, "entries": entries}


def graphs(watched: bool) -> list[int]:
    """How many graphs a compiled training has made after each step, in three forms."""
    import torch
    from torch import nn

    import tb_activations as tba
    from benchmarks.torch_nets import ConvNet

    made: list[int] = []
    x = torch.randn(4, 1, 28, 28)
    for form in ("whole", "in place", "regional"):
        torch._dynamo.reset()
        count = [0]

        def backend(graph: Any, _: Any, count: list[int] = count) -> Any:
            count[0] += 1
            return graph.forward

        model: Any = ConvNet() if form != "regional" else nn.Sequential(ConvNet(), nn.Linear(10, 2))
        run = torch.compile(model, backend=backend) if form == "whole" else model
        if form != "whole":
            (model if form == "in place" else model[0]).compile(backend=backend)
        with tempfile.TemporaryDirectory() as directory:
            logger = tba.ActivationsLogger(directory, run, x, update_freq=1, **OPTIONS)
            for _ in range(3):
                run(x).sum().backward()
                if watched:
                    logger.step()
                made.append(count[0])
            logger.close()
    return made


def sections(full: bool) -> list[harness.Section]:
    from benchmarks.torch_nets import MODELS

    call = harness.in_process
    found = {
        title: {
            **call("benchmarks.torch", "costs", title=title, repeats=9 if full else 2),
            **call("benchmarks.torch", "memory", title=title),
        }
        for title in MODELS
    }
    without, within = (call("benchmarks.torch", "graphs", watched=one) for one in (False, True))
    rows = [_row(title, name, those) for title, those in found.items() for name in those["found"]]
    return [
        harness.Section(
            "Logging a PyTorch model",
            "All layers of a model, batches of 32, one thread. Time on the training thread (a wait "
            "for a full queue included) and CPU of the process until all is on disk, both ÷ one "
            "forward pass without gradients: the median and the range. ours keeps 4 examples' true "
            "values and statistics of every channel over all 32, of functions and attention scores "
            "too; add_histogram and add_images write what hooks on the modules hand them; "
            "TorchLens traces, and writes nothing. Share: CPU of one update ÷ that of the "
            f"{EVERY} training steps that lie between two.",
            ["model", "layers", "forward", "", "thread", "CPU", "share"],
            rows,
            list(_targets(found, without, within)),
        )
    ]


def _row(title: str, name: str, those: dict[str, Any]) -> list[str]:
    pairs = those["found"][name]
    share = harness.median([cpu for _, _, cpu in pairs]) / (EVERY * those["train"])
    return [
        title,
        f"{those['entries']}" if name == OURS else "",
        f"{1000 * those['forward']:.0f} ms" if name == OURS else "",
        name,
        harness.spread([thread for thread, _, _ in pairs]),
        harness.spread([cpu for _, cpu, _ in pairs]),
        f"{100 * share:.2f} %",
    ]


def _targets(
    found: dict[str, dict[str, Any]], without: list[int], within: list[int]
) -> Iterator[harness.Target]:
    for title, those in found.items():
        pairs = those["found"][OURS]
        floor = f"1, the forward pass ({1000 * those['forward']:.0f} ms)"
        thread = harness.median([one for one, _, _ in pairs])
        cpu = harness.median([one for _, one, _ in pairs])
        share = harness.median([one for _, _, one in pairs]) / (EVERY * those["train"])
        yield harness.Target(f"{title}: thread", thread, 2.0, floor=floor)
        yield harness.Target(f"{title}: CPU", cpu, 3.0, floor=floor)
        yield harness.Target(f"{title}: share", 100 * share, 1.5, " %", floor="0.3 %, a forward")
        beyond = (those["peak"] - those["held"]) / 2**20
        slices = f"0 beyond the slice's {those['held'] / 2**20:.0f} MiB"
        yield harness.Target(f"{title}: memory beyond a slice", beyond, 50, " MiB", floor=slices)
    more = sum(b - a for a, b in zip(without, within, strict=True))
    yield harness.Target(
        "graphs of compiled training, more", more, 0, floor=f"{without[-1]} a form"
    )


if __name__ == "__main__":
    for part in sections(full=False):
        print(part.markdown())
