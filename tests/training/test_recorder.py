"""The recorder with a framework of NumPy's: what it is handed, and what it does with it."""

from __future__ import annotations

import subprocess
import sys
import time
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

from tb_activations.record.cost import holds_cost, read_cost
from tb_activations.record.encoder import encode
from tb_activations.record.header import parse_header
from tb_activations.record.options import Options
from tb_activations.record.run import RUN_TAG, RunFacts, parse_facts
from tb_activations.record.values import WholeRecord
from tb_activations.training.batch import Batch, Slices, indexed
from tb_activations.training.piece import ValuesPiece
from tb_activations.training.probe import Probe
from tb_activations.training.receptive import Input
from tb_activations.training.recorder import Recorder
from tb_activations.training.selection import Entry, Place

X = np.random.default_rng(0).random((10, 3, 4, 4), "float32")
OPTIONS = Options(max_outputs=5, precision="float32")


def layers(x):
    """A model of two layers, the first of which returns its channels first."""
    yield "conv", x * 2
    yield "head", x.mean(axis=(2, 3))


def passed(wanted):
    def run(inputs, keep, take):
        for name, value in layers(inputs):
            if name in {layer.name for layer in wanted}:
                take(name, ValuesPiece(len(inputs), keep, value))

    return run


def entries():
    for order, (name, value) in enumerate(layers(X[:4])):
        first = name == "conv"
        yield Entry(name, Place().inner(name), "", None, True, first, order), value.shape


def probe(**options):
    slices = Slices(X, 4, indexed, np.asarray)
    options = {
        "inputs": [Input("input", X, channels_first=True)],
        "labels": [f"x{i}" for i in range(10)],
        **options,
    }
    return Probe(Batch(X), slices, **options)


def recorder(log_dir, **options):
    return Recorder(log_dir, OPTIONS, verbose=0, **options)


def read(log_dir):
    """{(tag, step): blobs} of all event files."""
    return {
        (value.tag, event.step): list(value.tensor.string_val)
        for path in sorted(Path(log_dir).glob("*tfevents*"))
        for event in EventFileLoader(str(path)).Load()
        for value in event.summary.value
    }


def test_slices_make_the_records_that_the_whole_batch_makes(tmp_path):
    """Ten examples in three slices: values, statistics of all ten, the inputs once with labels."""
    one = recorder(tmp_path)
    one.prepare(entries(), probe(), passed)
    one.start(3, "go on")
    one.update(7)
    one.close()
    log = read(tmp_path)
    assert list(log) == [("input", 3), ("conv", 3), ("head", 3), ("conv", 7), ("head", 7)]
    assert one.step == 7
    options = {"max_outputs": 5, "precision": "float32"}
    labels = [f"x{i}" for i in range(10)]
    assert log["input", 3] == encode(X, labels=labels, data_format="channels_first", **options)
    for name, data_format in (("conv", "channels_first"), ("head", "channels_last")):
        expected = encode(dict(layers(X))[name], data_format=data_format, **options)
        assert log[name, 3][: len(expected)] == log[name, 7][: len(expected)]
        assert [log[name, 7][i] for i in (3, 4)] == [expected[i] for i in (3, 4)]
        header = replace(parse_header(log[name, 7][0]), after=())
        assert header.to_json() == expected[0]


def test_the_last_record_of_an_update_says_what_the_update_cost(tmp_path):
    """Time of the thread, bytes of all layers' records; a share of the time from the second on."""
    one = recorder(tmp_path)
    one.prepare(entries(), probe(), passed)
    one.start(0, "go on")
    before = time.perf_counter()
    one.update(1)
    took = time.perf_counter() - before
    one.close()
    log = read(tmp_path)
    assert not holds_cost(WholeRecord(log["conv", 1]).header)
    first, second = (read_cost(WholeRecord(log["head", step])) for step in (0, 1))
    assert first.share is None and 0 < second.share <= 1
    assert 0 < second.seconds <= took
    [path] = tmp_path.glob("*tfevents*")
    layers_of_one = sum(
        16 + len(event.SerializeToString())
        for event in EventFileLoader(str(path)).Load()
        if event.step == 1
    )
    assert abs(second.bytes - layers_of_one) < 300


def test_labels_stand_with_the_layers_where_no_input_is_recorded(tmp_path):
    one = recorder(tmp_path, log_inputs=False)
    one.prepare(entries(), probe(), passed)
    one.start(0, "go on")
    one.close()
    log = read(tmp_path)
    assert list(log) == [("conv", 0), ("head", 0)]
    assert all(b"x4" in blobs[3] and b"x5" not in blobs[3] for blobs in log.values())


def test_what_is_known_of_the_run_stands_there_from_the_first_step_on(tmp_path):
    """The names of the classes at once, whatever else is found later; again where they change."""
    one = recorder(tmp_path, receptive_fields=False)
    for step, names in ((0, ("a", "b")), (1, ("a", "b")), (2, ("a", "c"))):
        one.prepare(entries(), probe(facts=RunFacts(class_names=names)), passed)
        one.update(step)
    one.close()
    found = {step: blobs for (tag, step), blobs in read(tmp_path).items() if tag == RUN_TAG}
    assert [parse_facts(blobs[-1]).class_names for blobs in found.values()] == [
        ("a", "b"), ("a", "c"),
    ]  # fmt: skip
    assert list(found) == [0, 2]


def test_a_process_that_does_not_write_runs_the_pass(tmp_path):
    ran = []

    def counted(wanted):
        run = passed(wanted)
        return lambda inputs, keep, take: ran.append(keep) or run(inputs, keep, take)

    one = recorder(tmp_path)
    known = RunFacts(class_names=("a",))
    one.prepare(entries(), probe(writes=False, divisible=False, facts=known), counted)
    one.start(0, "go on")
    one.close()
    assert ran == [3, 2, 0] and read(tmp_path) == {}


def test_what_a_later_pass_raises_warns_once_and_the_first_raises(tmp_path):
    broken = [True]

    def breaks(wanted):
        def run(inputs, keep, take):
            if broken[0]:
                raise RuntimeError("no memory")
            passed(wanted)(inputs, keep, take)

        return run

    one = recorder(tmp_path)
    one.prepare(entries(), probe(), breaks)
    with pytest.raises(RuntimeError, match="no memory"):
        one.start(0, "go on")
    with pytest.warns(UserWarning, match="step 1 could not be computed: no memory.*goes on"):
        one.update(1)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        one.update(2)
        broken[0] = False
        one.update(3)
        one.flush()
    assert list(read(tmp_path)) == [("input", 0), ("conv", 3), ("head", 3)]
    assert one.step == 3
    one.close()


def test_a_step_before_those_on_disk_warns_how_to_go_on(tmp_path):
    for step in (5, 2):
        one = recorder(tmp_path)
        one.prepare(entries(), probe(), passed)
        if step == 2:
            with pytest.warns(UserWarning, match=r"up to step 5.*pass step=5, or choose another"):
                one.start(step, "pass step={held}")
        else:
            one.start(step, "pass step={held}")
        one.close()


def test_another_model_is_prepared_into_the_same_log(tmp_path):
    one = recorder(tmp_path)
    for step, wanted in enumerate(("conv", "head")):
        one.prepare([pair for pair in entries() if pair[0].name == wanted], probe(), passed)
        one.update(step)
    one.close()
    assert list(read(tmp_path)) == [("input", 0), ("conv", 0), ("head", 1)]


def test_a_step_before_anything_is_prepared_is_refused(tmp_path):
    with pytest.raises(RuntimeError, match="call prepare"):
        recorder(tmp_path).start(0, "go on")
    with pytest.raises(ValueError, match="max_bytes_per_update is 0"):
        recorder(tmp_path, max_bytes_per_update=0)


def test_the_recorder_loads_no_framework():
    """What PyTorch's and JAX's users log with imports neither TensorFlow nor Keras."""
    code = "import tb_activations.training.recorder, sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert loaded & {"keras", "tensorflow", "jax", "torch"} == set()
