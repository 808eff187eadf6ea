"""What a user does by mistake, or a tool in their name: each ends in a result or in a sentence."""

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
from logs import logged_steps as steps

import tb_activations as tba

X = np.random.default_rng(0).random((16, 4), "float32")
Y = np.arange(16) % 3


def dense(units=3):
    model = keras.Sequential([keras.Input((4,)), L.Dense(units, name="h")])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def quiet(log_dir, data=X, *args, **options):
    return tba.ActivationsCallback(
        log_dir, data, *args, **{"verbose": 0, "receptive_fields": False, **options}
    )


def fit(model, *callbacks, **options):
    return model.fit(X, Y, **{"verbose": 0, "callbacks": list(callbacks), **options})


WAYS = {
    "deep": copy.deepcopy,
    "shallow": copy.copy,
    "pickle": lambda a: pickle.loads(pickle.dumps(a)),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_copy_logs_as_the_original_would(tmp_path, way):
    """Tuners deep-copy what they are given once a trial, scikit-learn's wrappers pickle it."""
    original = quiet(tmp_path, (X, Y))
    fit(dense(), WAYS[way](original))
    assert steps(tmp_path) == {"__run__": [0], "input": [0], "h": [0, 1]}


@pytest.mark.parametrize("layers", ["h", ["h*"], L.Dense])
@pytest.mark.parametrize("way", WAYS)
def test_a_copy_watches_the_layers_that_were_named(tmp_path, way, layers):
    """A name, globs, a class."""
    fit(dense(), WAYS[way](quiet(tmp_path, X, layers, log_inputs=False)))
    assert set(steps(tmp_path)) == {"__run__", "h"}


@pytest.mark.parametrize("way", WAYS)
def test_a_copy_made_after_a_fit_goes_on_counting_with_its_own_file(tmp_path, way):
    """It takes along how far it counted, and neither the model nor the file that is open."""
    model, original = dense(), quiet(tmp_path)
    fit(model, original)
    twin = WAYS[way](original)
    fit(model, twin)
    fit(model, twin)
    assert steps(tmp_path)["h"] == [0, 1, 2, 3]
    assert len(list(tmp_path.glob("*.activations"))) == 3


def test_a_copy_carries_no_model_and_shares_the_data():
    """A pickle of a callback that has seen a model of 4 MB stays as small as its data."""
    big = keras.Sequential([keras.Input((4,)), L.Dense(1000), L.Dense(1000, name="h")])
    big.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    callback = quiet("unused")
    callback.set_model(big)
    callback._prepare(big)
    assert len(pickle.dumps(callback)) < 20_000
    assert copy.deepcopy([callback, callback])[1].model is None


def test_layers_chosen_as_objects_stay_themselves_in_a_deep_copy(tmp_path):
    """A copied layer would be no layer of the model."""
    model = dense()
    fit(model, copy.deepcopy(quiet(tmp_path, X, model.get_layer("h"))))
    assert steps(tmp_path)["h"] == [0, 1]


def said(action):
    """The warnings of an action, as one text."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        action()
    return "\n".join(str(one.message) for one in caught)


class OfKeras2:
    """What a model of tf_keras is to us: a class of that package."""

    __module__ = "tf_keras.src.engine.sequential"


def test_a_model_of_keras_2_is_told_that_keras_3_is_needed(tmp_path):
    """By the callback, which its `fit` hands the model to first, and by `capture`."""
    with pytest.raises(TypeError, match=r"OfKeras2 of Keras 2 \(tf_keras\); Keras 3 is needed"):
        tba.capture(OfKeras2(), X)
    with pytest.raises(TypeError, match="Keras 3 is needed"):
        quiet(tmp_path).set_model(OfKeras2())
    with pytest.raises(TypeError, match="model is a function; it must be a Keras model or layer"):
        tba.capture(lambda x: x, X)


@pytest.mark.parametrize("log_dir", ["s3://bucket/run", "hdfs://run", Path("gs://bucket/run")])
def test_a_log_dir_elsewhere_is_refused_and_no_folder_made(tmp_path, monkeypatch, log_dir):
    """Nobody would look in a folder `s3:`."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r"log_dir is .*must be a path on this machine"):
        quiet(log_dir)
    assert os.listdir(tmp_path) == []


def test_a_log_dir_that_can_be_none_is_refused_before_training(tmp_path):
    """A file, None, a number; a directory that is not there yet is made."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="which is a file; it must be a directory"):
        quiet(tmp_path / "file")
    for wrong in (None, 3):
        with pytest.raises(TypeError, match=f"log_dir is {wrong}; it must be the path"):
            quiet(wrong)
    fit(dense(), quiet(os.fsencode(tmp_path / "new" / "run")))
    assert steps(tmp_path / "new" / "run")["h"] == [0, 1]


def test_labels_of_another_length_are_said_to_be_left_out(tmp_path):
    """Also one-hot rows; targets that are no labels are left out without a word."""
    assert "16 examples and 5 labels" in said(lambda: quiet(tmp_path, (X, Y[:5])))
    assert "16 examples and 5 labels" in said(lambda: quiet(tmp_path, (X, np.eye(5))))
    assert not said(lambda: quiet(tmp_path, (X, X)))


@pytest.mark.parametrize("asked", ["evaluate", "predict"])
def test_evaluate_or_predict_alone_is_said_to_log_nothing(tmp_path, asked):
    """Once; and within `fit`, whose validation evaluates, not at all."""
    model, watch = dense(), quiet(tmp_path)
    call, given = getattr(model, asked), (X, Y) if asked == "evaluate" else (X,)
    assert f"nothing in `{asked}` alone" in said(lambda: call(*given, verbose=0, callbacks=[watch]))
    assert not said(lambda: call(*given, verbose=0, callbacks=[watch]))
    validated = quiet(tmp_path / "fit")
    assert "alone" not in said(lambda: fit(model, validated, validation_data=(X, Y)))


def test_another_model_into_the_same_tags_is_said(tmp_path):
    """And the same model, trained on, is not."""
    watch, model = quiet(tmp_path), dense()
    assert not said(lambda: [fit(model, watch), fit(model, watch)])
    assert f"step 2 of the one before in {tmp_path}" in said(lambda: fit(dense(), watch))


def test_two_callbacks_that_write_the_same_tags_of_one_run_are_said(tmp_path):
    """Once; two with tags of their own, or one after the other, are not."""
    both = [quiet(tmp_path), quiet(str(tmp_path) + os.sep, X * 2)]
    words = said(lambda: fit(dense(), *both))
    assert words.count("two callbacks write 'h', 'input'") == 1 and str(tmp_path) in words
    after = said(lambda: fit(dense(), quiet(tmp_path), initial_epoch=1, epochs=2))
    assert "two callbacks" not in after
    own = [quiet(tmp_path / "a", X, "h"), quiet(tmp_path / "a", X, "g", log_inputs=False)]
    model = keras.Sequential([keras.Input((4,)), L.Dense(4, name="g"), L.Dense(3, name="h")])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    assert not said(lambda: fit(model, *own))


def test_a_step_below_zero_is_refused(tmp_path):
    """By the callback, the op and the writer: no dashboard shows it."""
    from tensorboard.compat.proto.event_pb2 import Event

    tf = pytest.importorskip("tensorflow")
    with pytest.raises(ValueError, match="step is -1; it must be 0 or more"):
        fit(dense(), quiet(tmp_path / "fit"), initial_epoch=-1)
    with tf.summary.create_file_writer(str(tmp_path / "op")).as_default():
        with pytest.raises(ValueError, match="step is -1"):
            tba.activations("a", X, step=-1)
        with pytest.raises(ValueError, match="step is -1"):
            tba.activations("a", X, step=np.int64(-1))
    with (
        tba.EventWriter(tmp_path / "writer") as log,
        pytest.raises(ValueError, match="step is -1"),
    ):
        log.write(Event(step=-1))


def test_hooks_called_by_hand_log_each_epoch(tmp_path):
    """`set_model` and `on_epoch_end` are enough; what is missing is called late."""
    model, watch = dense(), quiet(tmp_path)
    watch.set_model(model)
    for epoch in range(3):
        model.train_on_batch(X, Y)
        watch.on_epoch_end(epoch)
    watch.flush()
    assert steps(tmp_path)["h"] == [1, 2, 3]
    watch.on_train_end()
    fit(model, watch)
    model.train_on_batch(X, Y)
    watch.on_epoch_end(4)
    watch.on_train_end()
    assert steps(tmp_path)["h"] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("numbered", ["over all", "in each epoch"])
def test_hooks_called_by_hand_log_each_batch(tmp_path, numbered):
    """Steps are the optimizer's, however the loop numbers its batches."""
    model, watch = dense(), quiet(tmp_path, update_freq=2)
    watch.set_model(model)
    for i in range(7):
        model.train_on_batch(X, Y)
        watch.on_train_batch_end(i if numbered == "over all" else i % 3)
    watch.on_train_end()
    assert steps(tmp_path)["h"] == [1, 2, 4, 6]


@pytest.mark.parametrize("optimizer", [True, False], ids=["compiled", "a loop of its own"])
def test_a_loop_that_goes_on_after_its_end_loses_no_batch(tmp_path, optimizer):
    """`on_train_end`, and one more batch: its step is recorded, as every other."""
    model, watch = dense(), quiet(tmp_path, update_freq=1)
    if not optimizer:
        model.optimizer = None
    watch.set_model(model)
    for i in (0, 1, 2, 0, 1):
        if optimizer:
            model.train_on_batch(X, Y)
        watch.on_train_batch_end(i)
        if i == 2:
            watch.on_train_end()
    watch.on_train_end()
    assert steps(tmp_path)["h"] == ([1, 2, 3, 4, 5] if optimizer else [0, 1, 2, 3, 4])


def test_the_values_of_hooks_called_by_hand_are_those_of_their_step(tmp_path):
    """With `on_train_begin` the untrained model is step 0; without a model there is a sentence."""
    with pytest.raises(TypeError, match="there is no model: call set_model"):
        quiet(tmp_path).on_epoch_end(0)
    model, watch = dense(), quiet(tmp_path)
    watch.set_model(model)
    watch.on_train_begin()
    watch.on_epoch_begin(0)
    model.train_on_batch(X, Y)
    watch.on_epoch_end(0)
    watch.on_train_end()
    assert steps(tmp_path)["h"] == [0, 1]


def test_fit_ends_with_how_to_look(tmp_path, capsys):
    """One line, which a shell takes as it stands; none with verbose=0."""
    log_dir = tmp_path / "my run"
    fit(dense(), tba.ActivationsCallback(log_dir, X))
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == f'Activations: look: tensorboard --logdir "{log_dir}"'
    fit(dense(), quiet(tmp_path / "quiet"))
    assert "look" not in capsys.readouterr().out
