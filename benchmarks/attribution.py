"""What an attribution costs: ours, captum's and tf-explain's, in passes forward and back.

The unit is one eager pass forward and back to the input, of the same examples, in the framework
that the contenders run on. One process a network and framework, in which each call and the unit are
measured in turn, in CPU, so that a noisy machine disturbs both. The first call of a method, which
may trace or compile, stands apart.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from benchmarks import attribution_ways as ways
from benchmarks import epoch, harness

FRAMEWORKS = {"Keras on TensorFlow": "of_keras", "PyTorch": "of_torch"}
ONE_PASS = ("gradients", "gradient_x_input", "guided_smooth_grad", "lrp", "grad_cam",
            "grad_cam_plus_plus")  # fmt: skip
MANY_PASSES = ("integrated_gradients", "smooth_grad", "occlusion")
# Of ResNet50 in the short version, in which nothing may take minutes.
SHORT = ("gradients", "guided_smooth_grad", "lrp", "grad_cam")
LIMITS = {
    **dict.fromkeys(ONE_PASS, 1.5),
    **dict.fromkeys(MANY_PASSES, float(ways.STEPS)),
    "occlusion": ways.PATCHES / 2,
}
LRP_LIMITS = {ways.CONVOLUTIONS: 4.0, ways.RESNET: 6.0}
MEMORY_LIMIT = 2.5e9
_PROCESS = epoch.Path("/proc/self")


def costs(framework: str, network: str, methods: list[str], repeats: int) -> list[dict[str, Any]]:
    """A row for each contender and method, ours first.

    first: CPU of the first call ÷ the unit. ratios: of later calls. unit: seconds. memory: the
    peak of the process in these calls, in bytes.
    """
    unit, works = getattr(ways, FRAMEWORKS[framework])(network)
    unit()
    rows = []
    for (contender, method), work in works.items():
        if method not in methods:
            continue
        _forget_peak()
        first = _cpu(work)
        few = repeats if method in ONE_PASS else max(2, repeats // 3)
        pairs = [(_cpu(work), _cpu(unit)) for _ in range(few)]
        seconds = harness.median([each for _, each in pairs])
        rows.append({
            "contender": contender, "method": method, "first": first / seconds,
            "ratios": [called / each for called, each in pairs], "unit": seconds,
            "memory": epoch._field(_PROCESS / "status", "VmHWM"),
        })  # fmt: skip
    return rows


def _forget_peak() -> None:
    """The peak of memory counts from here."""
    (_PROCESS / "clear_refs").write_text("5", encoding="ascii")


def _cpu(work: ways.Work) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def sections(full: bool) -> list[harness.Section]:
    found = {
        (network, framework): harness.in_process(
            "benchmarks.attribution",
            "costs",
            framework=framework,
            network=network,
            methods=list(_methods(network, full)),
            repeats=_repeats(network, full),
        )
        for network in ways.NETWORKS
        for framework in FRAMEWORKS
    }
    return [
        harness.Section(
            "An attribution",
            "CPU of one call ÷ that of one eager pass forward and back of the same examples in the "
            f"same framework: the median and the quartiles. {_counted()} The first call, which may "
            "trace or compile, by itself; what a model is made of is remembered from the first "
            "call on it to the next. Memory: the peak of the process, with what its libraries "
            f"take. Integrated gradients of {ways.STEPS} steps, SmoothGrad of {ways.STEPS} "
            f"samples, guided backpropagation of one, occlusion by {ways.PATCHES} patches.",
            ["network", "framework", "method", "", "first call", "later calls", "unit", "memory"],
            [_row(*names, one) for names, rows in found.items() for one in _sorted(rows)],
            list(_targets(found)),
            "captum's guided backpropagation and LRP refuse a ReLU that a module calls twice, as "
            "in ResNet50. tf-explain's pictures are of the softmax, its integrated gradients lack "
            "the factor x − x′, and it runs all steps at once, which takes memory with the steps.",
        )
    ]


def _methods(network: str, full: bool) -> tuple[str, ...]:
    return (*ONE_PASS, *MANY_PASSES) if full or network != ways.RESNET else SHORT


def _repeats(network: str, full: bool) -> int:
    if network == ways.RESNET:
        return 5 if full else 3
    return 21 if full else 9


def _counted() -> str:
    return " and ".join(f"{count} × {side}² of {network}"
                        for network, (count, side) in ways.NETWORKS.items()) + "."  # fmt: skip


def _sorted(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """By method, ours before the others'."""
    order = (*ONE_PASS, *MANY_PASSES)
    return sorted(rows, key=lambda one: (order.index(one["method"]), one["contender"] != "ours"))


def _row(network: str, framework: str, result: dict[str, Any]) -> list[str]:
    return [
        network,
        framework,
        result["method"],
        result["contender"],
        f"{result['first']:.1f}",
        harness.spread(result["ratios"]),
        f"{1000 * result['unit']:.0f} ms",
        f"{result['memory'] / 1e9:.2f} GB",
    ]


def _targets(found: dict[Any, list[dict[str, Any]]]) -> Iterator[harness.Target]:
    for (network, framework), rows in found.items():
        for one in rows:
            if one["contender"] != "ours":
                continue
            method, name = one["method"], f"{one['method']}, {network}, {framework}"
            limit = LRP_LIMITS[network] if method == "lrp" else LIMITS[method]
            floor = "the same rows, in one pass" if method in MANY_PASSES else "1"
            yield harness.Target(name, harness.median(one["ratios"]), limit, floor=floor)
            if network == ways.RESNET:
                yield harness.Target(
                    f"{name}: memory",
                    one["memory"] / 1e9,
                    MEMORY_LIMIT / 1e9,
                    " GB",
                    floor="0.5 to 0.9 GB, the framework and the weights",
                )


if __name__ == "__main__":
    for part in sections(full=True):
        print(part.markdown())
