"""Models as the Keras guides write them: submodels and a `train_step`, and nothing to call."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers as L
from keras import ops
from training.keras.test_callback import quiet, read

import tb_activations as tba

tf = pytest.importorskip("tensorflow")

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="each train_step is written in TensorFlow"
)
RNG = np.random.default_rng(1)


def real(*shape):
    return RNG.normal(size=shape).astype("float32")


class Guide(keras.Model):
    """A model whose `train_step` minimises what `loss_of` makes of a batch."""

    def train_step(self, data):
        with tf.GradientTape() as tape:
            loss = self.loss_of(data)
        weights = self.trainable_weights
        pairs = zip(tape.gradient(loss, weights), weights, strict=True)
        self.optimizer.apply_gradients([one for one in pairs if one[0] is not None])
        return {"loss": loss}


class Gan(Guide):
    def __init__(self):
        super().__init__()
        layers = [keras.Input((5,)), L.Dense(4, name="g1"), L.Dense(6, name="g2")]
        self.generator = keras.Sequential(layers, name="generator")
        layers = [keras.Input((6,)), L.Dense(3, name="d1"), L.Dense(1, name="d2")]
        self.discriminator = keras.Sequential(layers, name="discriminator")

    def loss_of(self, seen):
        made = self.discriminator(self.generator(tf.random.normal([tf.shape(seen)[0], 5])))
        return tf.reduce_mean((made - 1) ** 2 + self.discriminator(seen) ** 2)


class Sampling(L.Layer):
    def call(self, both):
        mean, log_variance = both
        return mean + ops.exp(0.5 * log_variance) * keras.random.normal(ops.shape(mean), seed=3)


class Vae(Guide):
    def __init__(self):
        super().__init__()
        i = keras.Input((6,))
        mean, spread = L.Dense(2, name="mean")(i), L.Dense(2, name="spread")(i)
        outputs = [mean, spread, Sampling(name="z")([mean, spread])]
        self.encoder = keras.Model(i, outputs, name="encoder")
        self.decoder = keras.Sequential([keras.Input((2,)), L.Dense(6, name="out")])

    def loss_of(self, x):
        mean, spread, z = self.encoder(x)
        return tf.reduce_mean((self.decoder(z) - x) ** 2) + tf.reduce_mean(mean**2 - spread)


class Diffusion(Guide):
    """Denoises with a network, and generates with a slow copy of it."""

    def __init__(self):
        super().__init__()
        self.network = self.denoiser()
        self.ema = keras.layers.Layer()
        self.ema.network = keras.models.clone_model(self.network)

    def denoiser(self):
        noisy, level = keras.Input((8, 8, 1)), keras.Input((1, 1, 1))
        x = L.Concatenate()([noisy, L.UpSampling2D(8, name="level")(level)])
        x = L.Conv2D(4, 3, padding="same", name="down")(x)
        return keras.Model([noisy, level], L.Conv2D(1, 1, name="noise")(x))

    def loss_of(self, images):
        noise = tf.random.normal(tf.shape(images))
        level = tf.random.uniform([tf.shape(images)[0], 1, 1, 1])
        loss = tf.reduce_mean((self.network([images + level * noise, level]) - noise) ** 2)
        for slow, weight in zip(self.ema.network.weights, self.network.weights, strict=True):
            slow.assign(0.9 * slow + 0.1 * weight)
        return loss


class Contrastive(Guide):
    def __init__(self):
        super().__init__()
        self.encoder = keras.Sequential([keras.Input((6,)), L.Dense(4, name="e")], name="encoder")
        self.head = keras.Sequential([keras.Input((4,)), L.Dense(3, name="p")], name="head")

    def loss_of(self, x):
        views = [self.head(self.encoder(x + tf.random.normal(tf.shape(x)))) for _ in range(2)]
        likeness = tf.matmul(*views, transpose_b=True)
        return keras.ops.mean(
            keras.losses.sparse_categorical_crossentropy(
                tf.range(tf.shape(x)[0]), likeness, from_logits=True
            )
        )


def trained(model, x, callback):
    model.compile("adam")
    model.fit(x, epochs=1, batch_size=8, verbose=0, callbacks=[callback])
    return model


def same(log, tag, value, step=1):
    np.testing.assert_allclose(log[tag][step][1], value[:4], rtol=1e-4, atol=1e-5)


def test_one_submodel_is_watched_and_its_tags_are_those_of_capture(tmp_path):
    model, z = Gan(), real(6, 5)
    callback = quiet(tmp_path, z, model=model.generator, precision="float32")
    trained(model, real(8, 6), callback)
    log = read(tmp_path)
    assert list(log) == ["input", "g1", "g2"] and sorted(log["g1"]) == [0, 1]
    for name, value in tba.capture(model.generator, z).items():
        same(log, name, value)


def test_both_halves_of_a_gan_are_watched_each_on_its_own_data_and_labels(tmp_path):
    model, z, x = Gan(), real(6, 5), real(9, 6)
    data = {"generator": z, "discriminator": (x, np.arange(9))}
    models = {"generator": model.generator, "discriminator": model.discriminator}
    trained(model, x, quiet(tmp_path, data, model=models, precision="float32"))
    log = read(tmp_path)
    assert list(log) == [
        "generator/input",
        "discriminator/input",
        "generator/g1",
        "generator/g2",
        "discriminator/d1",
        "discriminator/d2",
    ]
    assert log["discriminator/input"][0][3] == ("0", "1", "2", "3")
    assert log["generator/input"][0][3] is None
    assert {log[tag][0][0].batch for tag in log if "input" not in tag} == {6}
    for name, member in models.items():
        for tag, value in tba.capture(member, z if name == "generator" else x).items():
            same(log, f"{name}/{tag}", value)


def test_one_model_stands_under_two_names(tmp_path):
    """The discriminator on real and on made examples, side by side."""
    model = Gan()
    data = {"real": real(4, 6), "made": real(4, 6)}
    models = dict.fromkeys(data, model.discriminator)
    callback = quiet(tmp_path, data, "d1", model=models, precision="float32")
    trained(model, real(8, 6), callback)
    log = read(tmp_path)
    assert [tag for tag in log if "input" not in tag] == ["real/d1", "made/d1"]
    for name, x in data.items():
        same(log, f"{name}/d1", tba.capture(model.discriminator, x, "d1")["d1"])


def test_a_variational_autoencoder(tmp_path):
    model, x = Vae(), real(8, 6)
    data, models = {"e": x, "d": real(8, 2)}, {"e": "encoder", "d": "decoder"}
    trained(model, x, quiet(tmp_path, data, model=models, precision="float32"))
    log = read(tmp_path)
    assert [tag for tag in log if "input" not in tag] == ["e/mean", "e/spread", "e/z", "d/out"]
    same(log, "e/spread", tba.capture(model.encoder, x)["spread"])


def test_a_diffusion_model_and_its_slow_copy_are_shown_the_same_data(tmp_path):
    """Attributes are named by a dotted path, and found at the start of `fit`."""
    model, x = Diffusion(), real(8, 8, 8, 1)
    models = {"fast": "network", "slow": "ema.network"}
    data = ([x, real(8, 1, 1, 1)],)
    options = {"precision": "float32", "receptive_fields": False}
    callback = quiet(tmp_path, data, ["down", "noise"], model=models, **options)
    trained(model, x, callback)
    log = read(tmp_path)
    layers = ["fast/down", "fast/noise", "slow/down", "slow/noise"]
    assert [tag for tag in log if "input" not in tag] == layers
    for name, member in (("fast", model.network), ("slow", model.ema.network)):
        same(log, f"{name}/noise", tba.capture(member, data[0], "noise")["noise"])
    assert not np.allclose(log["fast/noise"][1][1], log["slow/noise"][1][1])


def test_a_contrastive_model_chooses_layers_by_the_whole_path(tmp_path):
    model, x = Contrastive(), real(8, 6)
    data = {"encoder": x, "head": real(8, 4)}
    models = {"encoder": model.encoder, "head": model.head}
    trained(model, x, quiet(tmp_path, data, "head/*", model=models, log_inputs=False))
    assert list(read(tmp_path)) == ["head/p"]


def test_a_teacher_that_compute_loss_calls_is_watched(tmp_path):
    """Asked for by name, it is refused with the way to it."""

    class Distiller(keras.Model):
        def __init__(self):
            super().__init__()
            self.student = keras.Sequential([L.Dense(2, name="s")], name="student")
            self.teacher = keras.Sequential([L.Dense(2, name="t")], name="teacher")

        def call(self, x):
            return self.student(x)

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return ops.mean((ops.stop_gradient(self.teacher(x)) - y_pred) ** 2)

    model, x = Distiller(), real(8, 6)
    model.teacher(x)
    with pytest.raises(ValueError, match=r"'t' is in the model but does not run.*pass it as `mod"):
        trained(model, x, quiet(tmp_path, x, "t"))
    models = {"student": model.student, "teacher": model.teacher}
    trained(model, x, quiet(tmp_path, x, model=models, precision="float32"))
    log = read(tmp_path)
    same(log, "teacher/t", tba.capture(model.teacher, x)["t"])
    same(log, "student/s", tba.capture(model.student, x)["s"])


def test_a_model_without_call_is_refused_with_the_way(tmp_path):
    model = Gan()
    way = r"Gan '\w+' has no `call`.*`model`.*generator, discriminator"
    with pytest.raises(ValueError, match=way):
        trained(model, real(8, 6), quiet(tmp_path, real(4, 5)))
    with pytest.raises(ValueError, match=way):
        tba.capture(model, real(4, 5))
    with pytest.raises(ValueError, match=r"has no `call`.*it holds none"):
        tba.capture(keras.Layer(), real(4, 5))
    assert not model.optimizer.built


class Neighbours(L.Layer):
    """Adds to each node the nodes that edges lead from."""

    def call(self, both):
        nodes, edges = both
        sent = ops.take(nodes, edges[:, 0], axis=0)
        return nodes + ops.segment_sum(sent, edges[:, 1], num_segments=ops.shape(nodes)[0])

    def compute_output_shape(self, shapes):
        return shapes[0]


def test_a_graph_beside_another_model_is_shown_whole(tmp_path):
    """Its edges are not cut to the number of nodes; others with fewer examples are refused."""
    nodes, edges = keras.Input((4,)), keras.Input((2,), dtype="int32")
    head = L.Dense(3, name="out")(Neighbours(name="n")([nodes, edges]))
    graph = keras.Model([nodes, edges], head)
    other = keras.Sequential([keras.Input((5,)), L.Dense(2, name="o")])
    shown = [real(10, 4), RNG.integers(0, 10, (23, 2)).astype("int32")]
    data = {"graph": shown, "other": real(12, 5)}

    class Both(Guide):
        def __init__(self):
            super().__init__()
            self.one, self.two = graph, other

        def loss_of(self, x):
            return tf.reduce_mean(self.two(x) ** 2)

    models = {"graph": graph, "other": other}
    callback = quiet(tmp_path, data, model=models, precision="float32", max_outputs=10)
    trained(Both(), real(8, 5), callback)
    log = read(tmp_path)
    for name, value in tba.capture(graph, shown).items():
        np.testing.assert_allclose(log[f"graph/{name}"][1][1], value, rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match=r"data of 'graph' .* cut to the 7 examples of others"):
        quiet(tmp_path, {**data, "other": real(7, 5)}, model=models)


@pytest.mark.parametrize(
    ("model", "data", "error", "message"),
    [
        (3, real(2, 5), TypeError, "model is a int; it must be a Keras model"),
        ({"a": 3}, real(2, 5), TypeError, "model is a int; it must be a Keras model"),
        ({}, real(2, 5), ValueError, "model is an empty dict"),
        ({"a/b": "generator"}, real(2, 5), ValueError, "model has the name 'a/b'"),
        ({"a": "generator"}, {"b": real(2, 5)}, ValueError, r"data has .*\['b'\]; model has \['a'"),
    ],
)
def test_what_cannot_be_watched_is_refused_at_once(tmp_path, model, data, error, message):
    with pytest.raises(error, match=message):
        quiet(tmp_path, data, model=model)


def test_an_attribute_that_is_not_there_is_refused_before_training(tmp_path):
    with pytest.raises(ValueError, match="has no attribute 'generatr'"):
        trained(Gan(), real(8, 6), quiet(tmp_path, real(2, 5), model="generatr"))
    with pytest.raises(TypeError, match="model is a method"):
        trained(Gan(), real(8, 6), quiet(tmp_path, real(2, 5), model="train_step"))


def test_watching_parts_leaves_training_alone(tmp_path):
    """Weights, their paths and losses are the same to the bit, of parts that `fit` builds too."""

    def train(watched):
        keras.utils.set_random_seed(5)
        model = Gan()
        model.discriminator = keras.Sequential([L.Dense(2, name="d1"), L.Dropout(0.5)], name="disc")
        models = {"generator": "generator", "discriminator": "discriminator"}
        data = {"generator": np.ones((4, 5), "f4"), "discriminator": np.ones((4, 6), "f4")}
        model.compile("adam")
        callbacks = [quiet(tmp_path, data, model=models)] if watched else []
        x = np.arange(48, dtype="f4").reshape(8, 6)
        model.discriminator(x[:1])
        model.fit(x, epochs=2, batch_size=4, verbose=0, callbacks=callbacks)
        return [(one.path, one.numpy()) for one in model.weights]

    for (path, plain), (watched_path, watched) in zip(train(False), train(True), strict=True):
        assert path == watched_path and np.array_equal(plain, watched)
