"""The methods by name, and one with its options: what `attribute` and the callbacks take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, ClassVar, Protocol

from tb_activations.record.attribution import Baseline
from tb_activations.training.attribution.framework import Point
from tb_activations.training.attribution.grad_cam import GradCam
from tb_activations.training.attribution.grad_cam_plus_plus import GradCamPlusPlus
from tb_activations.training.attribution.gradient_x_input import GradientXInput
from tb_activations.training.attribution.gradients import Gradients
from tb_activations.training.attribution.guided_smooth_grad import GuidedSmoothGrad
from tb_activations.training.attribution.integrated_gradients import IntegratedGradients
from tb_activations.training.attribution.lrp import Lrp
from tb_activations.training.attribution.occlusion import Occlusion
from tb_activations.training.attribution.question import Maps, Question
from tb_activations.training.attribution.smooth_grad import SmoothGrad

OUTPUTS = ("logit", "probability")


class Method(Protocol):
    """A way to explain. Its fields are its options.

    usual_baseline: what it compares with unless that is given; None where it compares with none.
    chooses_points: whether it looks for a layer itself where none is named. at_positions: whether a
    map has one value for each position, and channels last, wherever there are positions.
    """

    name: ClassVar[str]
    usual_baseline: ClassVar[Baseline | None]
    chooses_points: ClassVar[bool]
    at_positions: ClassVar[bool]

    def passes(self, points: Sequence[Point]) -> int:
        """Rows forward and back that one map at these points takes, at most."""

    def explain(self, question: Question) -> Maps: ...


METHODS: dict[str, Any] = {
    one.name: one
    for one in (
        Gradients,
        GradientXInput,
        IntegratedGradients,
        SmoothGrad,
        GuidedSmoothGrad,
        Occlusion,
        Lrp,
        GradCam,
        GradCamPlusPlus,
    )
}


def made(name: Any, options: Mapping[str, Any]) -> Method:
    """The method of that name with these options.

    Raises:
      ValueError, TypeError: no such method or option, or a value that it cannot have.
    """
    if not isinstance(name, str) or name not in METHODS:
        raise ValueError(f"no method {name!r}; there are {', '.join(map(repr, METHODS))}")
    known = [one.name for one in fields(METHODS[name])]
    unknown = [option for option in options if option not in known]
    if unknown:
        what = f"it has {', '.join(known)}" if known else "it has none"
        raise ValueError(f"{name} has no option {unknown[0]!r}; {what}")
    return METHODS[name](**options)


@dataclass(frozen=True, init=False)
class AttributionMethod:
    """A method with its options, as `ActivationsCallback` and `attribute` take it.

    `AttributionMethod("integrated_gradients", steps=32, target="label")`: `target`, `layer`,
    `baseline` and `output` are those of `attribute`, the rest are the method's own.

    Raises:
      ValueError, TypeError: no such method or option, or a value that it cannot have.
    """

    method: str
    target: Any
    layer: Any
    baseline: Any
    output: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def __init__(
        self,
        method: str,
        *,
        target: Any = None,
        layer: Any = None,
        baseline: Any = None,
        output: str = "logit",
        **options: Any,
    ) -> None:
        checked = made(method, options)
        check_output(output)
        if baseline is not None and checked.usual_baseline is None:
            able = ", ".join(name for name, one in METHODS.items() if one.usual_baseline)
            raise ValueError(f"{method} compares with no baseline; of the methods do: {able}")
        values = {
            "method": method,
            "target": target,
            "layer": layer,
            "baseline": baseline,
            "output": output,
            "options": asdict(checked),  # type: ignore[call-overload]
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def make(self) -> Method:
        return made(self.method, self.options)


def check_output(output: Any) -> None:
    if output not in OUTPUTS:
        raise ValueError(f"output is {output!r}; it may be {' or '.join(map(repr, OUTPUTS))}")
