"""Attributions that the callback logs: what `attribute` gives, of one target, and unnoticed."""

from __future__ import annotations

import copy
import os
import pickle
import warnings
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers as L
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

import tb_activations as tba
from tb_activations import record
from tb_activations.record.metadata import parse_metadata
from tb_activations.training.attribution.wanted import wanted

TENSORFLOW = keras.backend.backend() == "tensorflow"
X = np.random.default_rng(0).random((32, 8, 8, 3), "float32")
Y = np.arange(32) % 4
NAMES = ["ant", "bee", "cat", "dog"]
INTEGRATED = tba.AttributionMethod("integrated_gradients", steps=4)
INNER = tba.AttributionMethod("gradient_x_input", layer="conv1", target="top2")
EACH = tba.AttributionMethod("gradients", target="predicted")


def convnet(**options):
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            L.Conv2D(6, 3, activation="relu", name="conv1"),
            L.BatchNormalization(name="bn"),
            L.Dropout(0.3),
            L.Conv2D(5, 3, activation="relu", name="conv2"),
            L.GlobalAveragePooling2D(),
            L.Dense(4, activation="softmax", name="dense"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.03), "sparse_categorical_crossentropy", **options)
    return model


def logging(log_dir, data, attributions, **options):
    options = {"verbose": 0, "layers": "conv2", "receptive_fields": False, **options}
    return tba.ActivationsCallback(log_dir, data, attributions=attributions, **options)


def fit(model, callbacks, **options):
    options = {"epochs": 2, "batch_size": 16, "verbose": 0, **options}
    return model.fit(X, Y, callbacks=callbacks, **options)


def read(log_dir):
    """{tag: {step: (record, true values channels last, metadata)}} of the maps that were logged."""
    found = {}
    for path in sorted(Path(log_dir).glob("*tfevents*")):
        for event in EventFileLoader(str(path)).Load():
            for value in event.summary.value:
                about = parse_metadata(value.metadata.plugin_data.content)
                if about.kind == "attribution":
                    whole = record.WholeRecord(list(value.tensor.string_val))
                    stored = record.restore(record.read_values(whole), whole.header.exponent)
                    moved = np.moveaxis(stored, 1, -1)
                    found.setdefault(value.tag, {})[event.step] = (whole, moved, about)
    return found


@pytest.fixture(scope="module")
def logged(tmp_path_factory):
    """A model trained for two epochs with four kinds of attributions, and what was logged."""
    log_dir = tmp_path_factory.mktemp("attributions")
    model = convnet()
    methods = ["grad_cam", INTEGRATED, INNER, EACH]
    options = {"precision": "float32", "class_names": NAMES}
    fit(model, [logging(log_dir, (X[:6], Y[:6]), methods, **options)])
    return model, read(log_dir)


def test_each_method_has_its_tag_at_each_epoch(logged):
    """Method, and the layer that was asked for; orders behind the input, before the layers."""
    _, log = logged
    assert list(log) == [
        "attribution/grad_cam",
        "attribution/integrated_gradients",
        "attribution/gradient_x_input/conv1",
        "attribution/gradients",
    ]
    for order, steps in enumerate(log.values(), 1):
        assert sorted(steps) == [0, 1, 2]
        assert steps[0][2].order == order


def test_the_last_maps_are_those_of_the_trained_model(logged):
    """Values, scores, probabilities and gaps as `attribute` gives them; labels are the targets."""
    model, log = logged
    for tag, method, options in (
        ("attribution/grad_cam", "grad_cam", {}),
        ("attribution/integrated_gradients", INTEGRATED, {}),
    ):
        whole, values, _ = log[tag][2]
        expected = tba.attribute(model, (X[:4], Y[:4]), "label", method=method, **options)
        sums = np.asarray(expected).sum(axis=-1, keepdims=True)
        np.testing.assert_allclose(values, sums, rtol=1e-3, atol=1e-5 * np.abs(sums).max())
        explanation, scores = whole.header.attribution, record.read_scores(whole)
        assert explanation.targets == ((0,), (1,), (2,), (3,))
        assert explanation.target_names == (("ant",), ("bee",), ("cat",), ("dog",))
        np.testing.assert_allclose(scores.scores[:, 0], expected.score, rtol=1e-4)
        np.testing.assert_allclose(scores.probabilities[:, 0], expected.probability, rtol=1e-4)
        if expected.gap is not None:
            np.testing.assert_allclose(scores.gaps[:, 0], expected.gap, atol=1e-5)


def test_a_layers_map_has_its_channels_for_each_target(logged):
    """Part i of target k is channel k · parts + i, beside the layer's own channels."""
    model, log = logged
    whole, values, _ = log["attribution/gradient_x_input/conv1"][2]
    explanation = whole.header.attribution
    assert (explanation.parts, explanation.reduce, explanation.of) == (6, None, "conv1")
    assert (explanation.input, explanation.grid) == ("input", (8, 8))
    targets = np.array(explanation.targets)
    expected = np.asarray(
        tba.attribute(model, X[:4], targets, method="gradient_x_input", layer="conv1")
    )
    both = np.concatenate([expected[:, 0], expected[:, 1]], axis=-1)
    np.testing.assert_allclose(values, both, rtol=1e-3, atol=1e-5 * np.abs(both).max())


def test_the_class_of_each_step_is_explained_where_that_is_asked_for(logged):
    """Then the classes stand with the scores, since they change."""
    model, log = logged
    whole, values, _ = log["attribution/gradients"][2]
    expected = tba.attribute(model, X[:4], method="gradients")
    assert whole.header.attribution.targets is None
    assert (record.read_scores(whole).targets[:, 0] == expected.target).all()
    sums = np.asarray(expected).sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(values, sums, rtol=1e-3, atol=1e-5 * np.abs(sums).max())


def test_headers_are_the_same_at_every_step(logged):
    """But for the exponent: the target is fixed, and Grad-CAM's layer, too."""
    for steps in logged[1].values():
        explanations = {whole.header.attribution for whole, _, _ in steps.values()}
        assert len(explanations) == 1


def test_without_labels_the_first_prediction_is_kept_over_calls_of_fit(tmp_path):
    """Also where the model is another one since, some of its layers frozen."""
    model = convnet(run_eagerly=True)
    first = tba.attribute(model, X[:4], method="gradients").target
    callback = logging(tmp_path, X[:6], "gradients")
    fit(model, [callback], epochs=3)
    model.get_layer("conv1").trainable = False
    model.compile("adam", "sparse_categorical_crossentropy", run_eagerly=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        fit(model, [callback], epochs=1)
    log = read(tmp_path)["attribution/gradients"]
    assert sorted(log) == [0, 1, 2, 3, 4]
    for whole, _, _ in log.values():
        assert whole.header.attribution.targets == tuple((int(one),) for one in first)
    assert (tba.attribute(model, X[:4], method="gradients").target != first).any()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"update_freq": 1}, [0, 2, 4]),  # two batches an epoch
        ({"update_freq": 1, "attribution_freq": "update"}, [0, 1, 2, 3, 4]),
        ({"update_freq": 1, "attribution_freq": 3}, [0, 3]),
        ({"attribution_freq": 2}, [0, 2]),
    ],
)
def test_attributions_are_logged_as_often_as_asked(tmp_path, options, expected):
    """At the end of each epoch, at every update, or at every so many."""
    fit(convnet(run_eagerly=True), [logging(tmp_path, X[:4], "gradients", **options)])
    assert sorted(read(tmp_path)["attribution/gradients"]) == expected


KINDS = [{}, {"mixed": True}, {"jit_compile": True}] if TENSORFLOW else [{}]


@pytest.mark.parametrize("options", KINDS if os.environ.get("TBA_SOAK") else KINDS[:2], ids=str)
def test_training_is_bit_identical_with_attributions_and_without(tmp_path, options):
    """Weights, the optimizer's state, and what random numbers come next."""
    options = dict(options)

    def trained(callbacks):
        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy("mixed_float16" if mixed else before)
        try:
            model = convnet(**options)
        finally:
            keras.config.set_dtype_policy(before)
        fit(model, callbacks)
        state = [*model.weights, *model.optimizer.variables]
        arrays = [np.asarray(keras.ops.convert_to_numpy(one)) for one in state]
        return [*arrays, np.random.random(3), keras.random.normal((3,), seed=None)]

    mixed = options.pop("mixed", False)
    without = trained([])
    explained = trained([logging(tmp_path, (X, Y), ["grad_cam", INTEGRATED])])
    for one, other in zip(without[:-1], explained[:-1], strict=True):
        np.testing.assert_array_equal(one, other)
    maps = read(tmp_path)["attribution/integrated_gradients"][2][1]
    assert np.isfinite(maps).all() and maps.any()


@pytest.mark.parametrize(
    ("arguments", "kind", "sentence"),
    [
        ({"attributions": "cam"}, ValueError, "no method 'cam'; there are 'gradients'"),
        ({"attributions": ["gradients", 3]}, TypeError, "holds 3; it may hold names"),
        ({"attributions": {"gradients": 1}}, TypeError, "it may hold names"),
        ({"attributions": "gradients", "attribution_freq": 0}, ValueError, "'epoch', 'update'"),
        ({"attributions": "gradients", "attribution_freq": "step"}, ValueError, "'step'"),
        ({"attributions": "gradients", "attribution_examples": 0}, ValueError, "examples is 0"),
        ({"attributions": [tba.AttributionMethod("gradients", target="best")]}, ValueError, "best"),
    ],
)
def test_bad_arguments_are_refused_in_the_constructor(tmp_path, arguments, kind, sentence):
    """With what there is."""
    with pytest.raises(kind, match=sentence):
        tba.ActivationsCallback(tmp_path, X, **arguments)


def test_what_cannot_be_explained_is_said_before_training(tmp_path):
    """A model without positions, one that is two, a label that is none."""
    dense = keras.Sequential([keras.Input((8, 8, 3)), L.Flatten(), L.Dense(4)])
    dense.compile("sgd", "mse")
    with pytest.raises(ValueError, match="needs a layer that shows an example at more than one"):
        fit(dense, [logging(tmp_path, X, "grad_cam", layers=None)])
    both = {"a": dense, "b": dense}
    with pytest.raises(ValueError, match="attributions explain one model"):
        fit(dense, [logging(tmp_path, X, "gradients", layers=None, model=both)])
    asked = tba.AttributionMethod("gradients", target="label")
    with pytest.raises(ValueError, match="needs labels"):
        fit(dense, [logging(tmp_path, X, asked, layers=None)])


def test_what_it_costs_is_said_before_training(tmp_path, capsys):
    """Rows forward and back, when, and how many bytes; and how long the first took."""
    model = convnet(run_eagerly=True)
    fit(model, [logging(tmp_path, (X, Y), ["grad_cam", INTEGRATED], verbose=1)])
    said = capsys.readouterr().out
    assert "explained are 4 examples by grad_cam and integrated_gradients, 20 rows" in said
    assert "at the start and after each epoch; that writes at most 3.6 kB each time" in said
    assert "the first explanation took" in said
    log = read(tmp_path)
    size = sum(len(b) for steps in log.values() for b in steps[1][0].all)
    assert size < 3600


def test_a_budget_keeps_fewer_channels_of_layers(tmp_path):
    """The same ones of each target, and statistics of all."""
    asked = [INNER, "gradients"]
    callback = logging(tmp_path, X[:4], asked, max_bytes_per_update=5500)
    fit(convnet(run_eagerly=True), [callback], epochs=1)
    header = read(tmp_path)["attribution/gradient_x_input/conv1"][1][0].header
    assert header.channels == 12 and header.attribution.parts == 6
    ids = np.array(header.channel_ids).reshape(2, -1)
    assert ids.shape[1] < 6 and (ids[1] - ids[0] == 6).all()
    assert read(tmp_path)["attribution/gradients"][1][0].header.channel_ids is None


def test_a_failure_later_does_not_stop_training(tmp_path):
    """It is warned of once, and layers are logged as before."""
    begun = []

    def score(outputs):
        if begun:
            raise RuntimeError("no more")
        return outputs[:, 0]

    later = keras.callbacks.LambdaCallback(on_epoch_begin=lambda *_: begun.append(1))
    asked = tba.AttributionMethod("gradients", target=score)
    with pytest.warns(UserWarning, match="step 1 could not be explained: no more; training goes"):
        fit(convnet(run_eagerly=True), [logging(tmp_path, X[:4], asked), later])
    assert sorted(read(tmp_path)["attribution/gradients"]) == [0]
    whole = read(tmp_path)["attribution/gradients"][0][0]
    assert whole.header.attribution.targets is None
    assert record.read_scores(whole).targets is None


def test_a_copy_explains_by_itself(tmp_path):
    """As tuners copy callbacks, and as they are pickled."""
    callback = logging(tmp_path, (X[:4], Y[:4]), ["gradients", INNER], layers=None)
    for twin in (copy.deepcopy(callback), pickle.loads(pickle.dumps(callback))):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            fit(convnet(run_eagerly=True), [twin], epochs=1)
    assert sorted(read(tmp_path)["attribution/gradients"]) == [0, 1]


def test_check_lists_them(capsys):
    """Tags, shapes and bytes, and how long training waits for an explanation."""
    found = tba.check(convnet(), (X, Y), "conv2", attributions=["grad_cam", INNER])
    assert [one.name for one in found.kept] == ["conv2"]
    names = [one.name for one in found.attributions]
    assert names == ["attribution/grad_cam", "attribution/gradient_x_input/conv1"]
    assert found.attributions[0].shape == (4, 4, 4, 1)
    assert found.explaining > 0
    said = capsys.readouterr().out
    assert "attribution/grad_cam" in said and "an explanation: 2 tags" in said


def test_several_inputs_have_a_tag_each(tmp_path):
    """Named as the inputs' tags are; tabular ones keep their features as parts."""
    a, b = keras.Input((8, 8, 3), name="a"), keras.Input((5,), name="b")
    joined = L.Concatenate()([L.GlobalAveragePooling2D()(L.Conv2D(3, 3)(a)), b])
    model = keras.Model({"a": a, "b": b}, L.Dense(2)(joined))
    model.compile("sgd", "mse", run_eagerly=True)
    data = {"a": X, "b": X[:, 0, :5, 0]}
    callback = logging(tmp_path, data, ["gradients", "gradients"], layers=None)
    model.fit(data, np.zeros((32, 2)), verbose=0, callbacks=[callback])
    log = read(tmp_path)
    assert set(log) == {
        f"attribution/gradients/input.{name}{again}" for name in "ab" for again in ("", ":2")
    }
    tabular = log["attribution/gradients/input.b"][1][0].header
    assert (tabular.shape, tabular.attribution.parts) == ((4, 5), 5)
    assert tabular.attribution.input is None
    assert log["attribution/gradients/input.a"][1][0].header.shape == (4, 8, 8, 1)


def test_nothing_is_wanted_where_nothing_is_asked_for():
    """No attributions, whatever else is said."""
    assert wanted(None) is None and wanted([]) is None
    assert wanted("gradients").methods[0].method == "gradients"


SMOOTH = tba.AttributionMethod("smooth_grad", samples=2)
GUIDED = tba.AttributionMethod("guided_smooth_grad", samples=2)
HIDDEN = tba.AttributionMethod("occlusion", patch=4)


def test_every_method_is_logged_without_more(tmp_path):
    """Maps are those of `attribute`; noise is that of every step; positions have one channel."""
    model, methods = convnet(), [HIDDEN, SMOOTH, GUIDED, "lrp", "grad_cam_plus_plus"]
    fit(model, [logging(tmp_path, (X[:2], Y[:2]), methods, precision="float32")], epochs=1)
    log = read(tmp_path)
    assert len(log) == len(methods)
    for (tag, steps), method in zip(log.items(), methods, strict=True):
        whole, values, _ = steps[max(steps)]
        found = tba.attribute(model, (X[:2], Y[:2]), "label", method=method)
        sums = np.asarray(found).sum(axis=-1, keepdims=True)
        np.testing.assert_allclose(values, sums, atol=1e-4 * np.abs(sums).max(), err_msg=tag)
        baseline = whole.header.attribution.baseline
        assert (baseline and baseline.kind) == ("mean" if method is HIDDEN else None)
        errors = record.read_scores(whole).errors
        if found.standard_error is None:
            assert errors is None
        else:
            pairs = zip(found.standard_error, np.asarray(found), strict=True)
            expected = [np.linalg.norm(a) / np.linalg.norm(b) for a, b in pairs]
            np.testing.assert_allclose(errors[:, 0], expected, rtol=1e-3)


def test_only_examples_whose_inputs_are_kept_are_explained(tmp_path, capsys):
    """Neither more than `max_outputs`, nor than the limit of bytes leaves; and so it is said."""
    few = {"max_outputs": 3, "attribution_examples": 5, "verbose": 1}
    for name, options, kept in (
        ("few", few, 3),
        ("bytes", {"layers": None, "max_bytes_per_update": 4000}, None),
        ("asked", {"attribution_examples": 2}, 2),
    ):
        log_dir = tmp_path / name
        fit(convnet(), [logging(log_dir, (X[:6], Y[:6]), "gradients", **options)], epochs=1)
        ((tag, steps),) = read(log_dir).items()
        stored = {len(values) for _, values, _ in steps.values()}
        inputs = len(inputs_of(log_dir))
        assert tag == "attribution/gradients" and stored == {min(inputs, kept or inputs)}
        assert kept is not None or inputs < 4
    assert "explained are 3 examples by gradients, 3 rows" in capsys.readouterr().out


def inputs_of(log_dir):
    """`[n, …]`, the inputs that were logged."""
    for path in sorted(Path(log_dir).glob("*tfevents*")):
        for event in EventFileLoader(str(path)).Load():
            for value in event.summary.value:
                if parse_metadata(value.metadata.plugin_data.content).kind == "input":
                    return record.read_values(record.WholeRecord(list(value.tensor.string_val)))
    return []
