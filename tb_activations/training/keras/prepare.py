"""Before the first step: what there is of a model, what is kept, and the pass that shows it."""

from __future__ import annotations

import warnings
from dataclasses import replace
from functools import partial
from typing import Any

from tb_activations.record.run import RunFacts
from tb_activations.training.attribution.explainer import Shown
from tb_activations.training.batch import Batch, span, uneven
from tb_activations.training.classifiers import Known, facts_of
from tb_activations.training.keras.changes import runs_eagerly
from tb_activations.training.keras.endings import noting
from tb_activations.training.keras.fitting import fitting
from tb_activations.training.keras.forward import build_apart, knowing
from tb_activations.training.keras.gradients import KerasExplained
from tb_activations.training.keras.look import KerasLook, can_look
from tb_activations.training.keras.passes import make_pass, scouted_pass, whole_layers
from tb_activations.training.keras.returned import loss_of
from tb_activations.training.keras.rows import Rows
from tb_activations.training.keras.several import Several
from tb_activations.training.keras.subject import Subject
from tb_activations.training.keras.survey import Found, fixed_batch, sliced
from tb_activations.training.keras.tensors import cut, targets
from tb_activations.training.piece import Pass
from tb_activations.training.plan import LayerPlan, Plan
from tb_activations.training.progress import telling
from tb_activations.training.recorder import Probe, Recorder
from tb_activations.training.selection import Selection


def prepare(
    recorder: Recorder,
    subject: Subject,
    model: Any,
    trained: Any,
    selection: Selection,
    verbose: int,
) -> None:
    """Makes the recorder ready for `model`, which is `trained` or a part of it."""
    with telling("preparing the data as the model does", verbose):
        batch = subject.shown(model)
    slices = sliced(model, batch)
    inputs = next(iter(slices))
    with telling("building the model", verbose), fitting(model, inputs):
        build_apart(model, inputs)
    free = fixed_batch(model) is None and not uneven(batch.inputs)
    shown, labels = subject.inputs(batch), subject.labels
    probe = Probe(
        batch,
        slices,
        shown,
        labels,
        _writes(trained),
        divisible=free,
        shown=_shown(model, batch, subject),
    )
    recorder.prepare_attributions(probe)
    rows, plain = Rows(model, inputs, free), runs_eagerly(trained)
    with telling("tracing the layers of the model", verbose):
        found, plan, run = _scouted(recorder, model, inputs, probe, rows, selection, plain)
    probe = replace(probe, facts=_facts(found, subject, batch, model, trained))
    if rows.left_out and verbose:
        print(f"Activations: left out is {'; '.join(rows.described())}")
    if can_look(batch):
        names, fast = subject.input_names(batch), whole_layers(run)
        probe = replace(probe, make_look=partial(KerasLook, model, batch, names=names, run=fast))
    again = partial(make_pass, model, inputs=inputs, plain=plain)
    recorder.use(plan, probe, run, found, again)


def _facts(found: Found, subject: Subject, batch: Batch, model: Any, trained: Any) -> RunFacts:
    """What the classes are called, and which layers answer with them."""
    labels, names = targets(batch.labels), subject.class_names
    known = Known(labels, len(batch), names, subject.names_given)
    return facts_of(found, known, partial(loss_of, trained if model is trained else None))


def _shown(model: Any, batch: Batch, subject: Subject) -> Shown | None:
    """What attributions explain; several models have no answer in common."""
    if isinstance(model, Several):
        return None
    explain = partial(_explained, model, batch)
    return Shown(explain, targets(batch.labels), subject.class_names)


def _explained(model: Any, batch: Batch, count: int, **asked: Any) -> KerasExplained:
    """The model, and the first examples of the batch, as attributions see them."""
    return KerasExplained(model, span(batch.inputs, 0, count, cut), **asked)


def _scouted(
    recorder: Recorder,
    model: Any,
    inputs: Any,
    probe: Probe,
    rows: Rows,
    selection: Selection,
    plain: bool,
) -> tuple[Found, Plan, Pass]:
    """What there is, what is kept of it, and the pass that shows it."""
    plans: list[tuple[Found, Plan]] = []

    def choose(found: Found) -> tuple[LayerPlan, ...]:
        plans.append((found, recorder.plan(found, probe)))
        return plans[-1][1].layers

    with noting():
        run = scouted_pass(model, inputs, knowing(selection, model), choose, rows, plain)
    return *plans[-1], run


def warn_of_another(recorder: Recorder) -> None:
    """Another model is trained with the callback than the one before."""
    if recorder.step is not None:
        warnings.warn(
            f"Activations: another model is trained with this callback, and its records follow "
            f"step {recorder.step} of the one before in {recorder.log_dir}, under the same tags: "
            "give each model a callback with a log_dir of its own",
            stacklevel=4,
        )


def _writes(model: Any) -> bool:
    """Whether this process is the one that writes, where many train together."""
    strategy = getattr(model, "distribute_strategy", None)
    return bool(getattr(getattr(strategy, "extended", None), "should_save_summary", True))
