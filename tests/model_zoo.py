"""Small models of every kind that people write: kind → (model, inputs, names to be captured)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import layers as L
from keras import ops

KINDS: dict[str, Callable[[], tuple[Any, Any, list[str]]]] = {}


def kind(title: str) -> Callable[[Any], Any]:
    def add(make: Any) -> Any:
        KINDS[title] = make
        return make

    return add


def real(*shape: int) -> np.ndarray:
    return np.random.default_rng(7).normal(size=shape).astype("float32")


def images(n: int = 2) -> np.ndarray:
    return real(n, 8, 8, 3)


@kind("Sequential ConvNet")
def convnet():
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            L.Conv2D(4, 3, activation="relu", name="conv1"),
            L.MaxPooling2D(name="pool"),
            L.Flatten(name="flatten"),
            L.Dropout(0.5, name="dropout"),
            L.Dense(5, activation="softmax", name="dense"),
        ]
    )
    return model, images(), ["conv1", "pool", "dense"]


@kind("Softmax as a layer of its own")
def separate_softmax():
    i = keras.Input((8, 8, 3))
    x = L.GlobalAveragePooling2D(name="pool")(L.Conv2D(4, 3, name="conv")(i))
    x = L.Softmax(name="softmax")(L.Dense(3, name="logits")(x))
    return keras.Model(i, x), images(), ["conv", "pool", "logits", "softmax"]


@kind("Softmax in a Lambda")
def lambda_softmax():
    model = keras.Sequential(
        [
            L.Conv2D(4, 3, activation="relu", name="conv"),
            L.GlobalMaxPooling2D(name="pool"),
            L.Dense(3, name="logits"),
            L.Lambda(lambda x: ops.softmax(x), name="softmax"),
        ]
    )
    return model, images(), ["conv", "pool", "logits", "softmax"]


@kind("One sigmoid output")
def one_sigmoid():
    model = keras.Sequential(
        [
            L.Conv2D(4, 3, activation="relu", name="conv"),
            L.GlobalAveragePooling2D(name="pool"),
            L.Dense(1, activation="sigmoid", name="dense"),
        ]
    )
    return model, images(), ["conv", "pool", "dense"]


@kind("Segmentation, a softmax for each pixel")
def segmentation():
    i = keras.Input((8, 8, 3))
    x = L.Conv2D(4, 3, padding="same", activation="relu", name="conv")(i)
    x = L.Conv2D(3, 1, activation="softmax", name="mask")(x)
    return keras.Model(i, x), images(), ["conv", "mask"]


@kind("Sequential never built")
def unbuilt_sequential():
    return keras.Sequential([L.Conv2D(4, 3, name="c"), L.ReLU(name="r")]), images(), ["c", "r"]


@kind("Functional with a residual connection")
def residual():
    x = inputs = keras.Input((8, 8, 3))
    x = L.Conv2D(3, 3, padding="same", name="conv")(x)
    x = L.BatchNormalization(name="bn")(x)
    x = L.Activation("relu", name="relu")(L.Add(name="add")([x, inputs]))
    return keras.Model(inputs, x), images(), ["conv", "bn", "add", "relu"]


@kind("Functional with operations of keras.ops")
def operations():
    inputs = keras.Input((4,))
    x = L.Dense(3, name="dense")(inputs)
    x = ops.relu(x) + ops.mean(x, axis=-1, keepdims=True)
    model = keras.Model(inputs, L.Dense(2, name="out")(x))
    return model, real(2, 4), ["dense", "relu", "mean", "add", "out"]


@kind("Nested Functional, three deep")
def nested():
    block = keras.Sequential([keras.Input((4,)), L.Dense(4, name="dense")], name="block1")
    i = keras.Input((4,))
    encoder = keras.Model(i, L.LayerNormalization(name="norm")(block(i)), name="encoder")
    j = keras.Input((4,))
    model = keras.Model(j, L.Dense(2, name="head")(encoder(j)))
    return model, real(2, 4), ["encoder/block1/dense", "encoder/norm", "head"]


@kind("Shared layer, called twice")
def shared():
    dense = L.Dense(4, name="dense")
    i = keras.Input((4,))
    return (
        keras.Model(i, dense(L.ReLU(name="relu")(dense(i)))),
        real(2, 4),
        [
            "dense",
            "relu",
            "dense:2",
        ],
    )


@kind("Shared model (siamese)")
def siamese():
    tower = keras.Sequential([keras.Input((4,)), L.Dense(3, name="dense")], name="tower")
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    model = keras.Model([a, b], L.Subtract(name="diff")([tower(a), tower(b)]))
    return model, [real(2, 4), -real(2, 4)], ["tower/dense", "tower:2/dense", "diff"]


@kind("Two inputs in a list")
def list_inputs():
    a, b = keras.Input((4,)), keras.Input((3,))
    model = keras.Model([a, b], L.Dense(2, name="out")(L.Concatenate(name="join")([a, b])))
    return model, [real(2, 4), real(2, 3)], ["join", "out"]


@kind("Two inputs in a tuple")
def tuple_inputs():
    class Pair(keras.Model):
        def __init__(self):
            super().__init__(name="pair")
            self.left, self.right = L.Dense(2, name="left"), L.Dense(2, name="right")

        def call(self, inputs):
            a, b = inputs
            return self.left(a) + self.right(b)

    return Pair(), (real(2, 4), real(2, 3)), ["left", "right", "pair"]


@kind("Inputs in a dict")
def dict_inputs():
    i = {"a": keras.Input((4,), name="a"), "b": keras.Input((4,), name="b")}
    model = keras.Model(i, L.Dense(2, name="out")(L.Average(name="mean")([i["a"], i["b"]])))
    return model, {"a": real(2, 4), "b": real(2, 4)}, ["mean", "out"]


@kind("Two outputs in a list")
def list_outputs():
    i = keras.Input((4,))
    model = keras.Model(i, [L.Dense(2, name="p")(i), L.Dense(3, name="q")(i)])
    return model, real(2, 4), ["q", "p"]  # as Keras runs them


@kind("Outputs in a dict")
def dict_outputs():
    i = keras.Input((4,))
    model = keras.Model(i, {"p": L.Dense(2, name="p")(i), "q": L.Dense(3, name="q")(i)})
    return model, real(2, 4), ["q", "p"]


class Encoder(keras.Model):
    def __init__(self, **options):
        super().__init__(**options)
        self.conv = L.Conv2D(4, 3, name="conv")
        self.pool = L.GlobalAveragePooling2D(name="pool")

    def call(self, x):
        return self.pool(self.conv(x))


@kind("Subclassed")
def subclassed():
    return Encoder(), images(), ["conv", "pool"]


@kind("Subclassed inside Functional")
def subclassed_inside():
    i = keras.Input((8, 8, 3))
    model = keras.Model(i, L.Dense(2, name="head")(Encoder(name="encoder")(i)))
    return model, images(), ["encoder/conv", "encoder/pool", "head"]


@kind("Subclassed, layers in lists and dicts")
def containers():
    class Stack(keras.Model):
        def __init__(self):
            super().__init__(name="stack")
            self.blocks = [L.Dense(3, name=f"block{i}") for i in range(3)]
            self.heads = {"p": L.Dense(2, name="p"), "q": L.Dense(2, name="q")}

        def call(self, x):
            for block in self.blocks:
                x = block(x)
            return {name: head(x) for name, head in self.heads.items()}

    return Stack(), real(2, 4), ["block0", "block1", "block2", "p", "q"]


@kind("Subclassed, two layers of one name")
def same_names():
    class Twins(keras.Model):
        def __init__(self):
            super().__init__()
            self.a, self.b = L.Dense(3, name="dense"), L.Dense(2, name="dense")

        def call(self, x):
            return self.b(self.a(x))

    return Twins(), real(2, 4), ["dense", "dense:2"]


@kind("Subclassed, layer returns list, dict and None parts")
def mixed_outputs():
    class Mixed(L.Layer):
        def call(self, x):
            return [x + 1, {"double": x * 2, "none": None}, None]

    class Model(keras.Model):
        def __init__(self):
            super().__init__(name="model")
            self.mixed, self.head = Mixed(name="mixed"), L.Dense(2, name="head")

        def call(self, x):
            parts = self.mixed(x)
            return self.head(parts[1]["double"])

    return Model(), real(2, 4), ["mixed.0", "mixed.1.double", "head"]


@kind("Subclassed, call without training")
def plain_call():
    class Plain(keras.Model):
        def __init__(self):
            super().__init__()
            self.drop, self.dense = L.Dropout(0.9, name="drop"), L.Dense(2, name="dense")

        def call(self, x):
            return self.dense(self.drop(x))

    return Plain(), real(2, 4), ["dense"]


@kind("Subclassed, custom train_step")
def custom_train_step():
    class Custom(Encoder):
        def train_step(self, data):
            raise NotImplementedError

    return Custom(), images(), ["conv", "pool"]


@kind("Subclassed without any layer inside")
def bare_operations():
    class Bare(keras.Model):
        def call(self, x):
            return ops.tanh(x)

    return Bare(name="bare"), real(2, 4), ["bare"]


@kind("A single layer")
def single_layer():
    return L.Dense(3, name="dense"), real(2, 4), ["dense"]


@kind("Custom layer with layers inside")
def composite_layer():
    class Block(L.Layer):
        def __init__(self, **options):
            super().__init__(**options)
            self.up, self.down = L.Dense(8, name="up"), L.Dense(4, name="down")

        def call(self, x):
            return x + self.down(self.up(x))

    model = keras.Sequential([Block(name="b1"), Block(name="b2")])
    return model, real(2, 4), ["b1/up", "b1/down", "b1", "b2/up", "b2/down", "b2"]


@kind("Conv1D")
def conv1d():
    model = keras.Sequential([L.Conv1D(4, 3, name="conv"), L.MaxPooling1D(name="pool")])
    return model, real(2, 8, 3), ["conv", "pool"]


@kind("Conv3D")
def conv3d():
    return keras.Sequential([L.Conv3D(4, 2, name="conv")]), real(2, 4, 4, 4, 1), ["conv"]


@kind("Depthwise, separable and transposed convolutions")
def convolutions():
    model = keras.Sequential(
        [
            L.DepthwiseConv2D(3, name="depthwise"),
            L.SeparableConv2D(4, 3, name="separable"),
            L.Conv2DTranspose(2, 3, name="transposed"),
            L.UpSampling2D(name="up"),
        ]
    )
    return model, images(), ["depthwise", "separable", "transposed", "up"]


@kind("channels_first convolution")
def channels_first():
    model = keras.Sequential(
        [
            L.Conv2D(4, 3, data_format="channels_first", name="conv"),
            L.BatchNormalization(axis=1, name="bn"),
            L.ReLU(name="relu"),
        ]
    )
    return model, real(2, 3, 8, 8), ["conv", "bn", "relu"]


@kind("Embedding")
def embedding():
    model = keras.Sequential([L.Embedding(10, 4, name="embed"), L.GlobalMaxPooling1D(name="max")])
    return model, np.array([[1, 2, 3], [4, 5, 0]]), ["embed", "max"]


@kind("Embedding with a mask, LSTM")
def masked_lstm():
    model = keras.Sequential(
        [L.Embedding(10, 4, mask_zero=True, name="embed"), L.LSTM(3, name="lstm")]
    )
    return model, np.array([[1, 2, 0], [4, 5, 6]]), ["embed", "lstm"]


@kind("LSTM that returns its states")
def lstm_states():
    i = keras.Input((5, 3))
    outputs = L.LSTM(4, return_sequences=True, return_state=True, name="lstm")(i)
    return keras.Model(i, outputs), real(2, 5, 3), ["lstm.0", "lstm.1", "lstm.2"]


@kind("GRU, unrolled")
def gru():
    model = keras.Sequential([keras.Input((5, 3)), L.GRU(4, unroll=True, name="gru")])
    return model, real(2, 5, 3), ["gru"]


@kind("Stacked RNN cells")
def stacked_cells():
    cells = [L.LSTMCell(4, name="cell1"), L.GRUCell(3, name="cell2")]
    return keras.Sequential([L.RNN(cells, name="rnn")]), real(2, 5, 3), ["rnn"]


@kind("Bidirectional")
def bidirectional():
    i = keras.Input((5, 3))
    layer = L.Bidirectional(L.GRU(4, name="gru"), name="both")
    return (
        keras.Model(i, layer(i)),
        real(2, 5, 3),
        ["both/forward_gru", "both/backward_gru", "both"],
    )


@kind("ConvLSTM2D")
def conv_lstm():
    return keras.Sequential([L.ConvLSTM2D(2, 3, name="lstm")]), real(2, 3, 6, 6, 1), ["lstm"]


@kind("TimeDistributed layer")
def time_distributed():
    inner = L.Conv2D(2, 3, name="conv")
    return (
        keras.Sequential([L.TimeDistributed(inner, name="frames")]),
        real(2, 3, 6, 6, 1),
        ["frames"],
    )


@kind("TimeDistributed model, any length")
def time_distributed_model():
    inner = keras.Sequential([keras.Input((4,)), L.Dense(3, name="a"), L.Dense(2, name="b")])
    i = keras.Input((None, 4))
    return keras.Model(i, L.TimeDistributed(inner, name="td")(i)), real(2, 3, 4), ["td"]


@kind("Multi-head attention, scores not returned")
def attention():
    i = keras.Input((5, 8))
    model = keras.Model(i, L.MultiHeadAttention(2, 4, name="mha")(i, i))
    return (
        model,
        real(2, 5, 8),
        [
            "mha/query",
            "mha/key",
            "mha/value",
            "mha/attention_scores",
            "mha/attention_output",
        ],
    )


@kind("Multi-head attention, scores returned")
def attention_scores():
    i = keras.Input((5, 8))
    out = L.MultiHeadAttention(2, 4, name="mha")(i, i, return_attention_scores=True)
    return (
        keras.Model(i, list(out)),
        real(2, 5, 8),
        [
            "mha/query",
            "mha/key",
            "mha/value",
            "mha/attention_scores",
            "mha/attention_output",
        ],
    )


@kind("Dot-product attention")
def dot_attention():
    a, b = keras.Input((5, 4)), keras.Input((3, 4))
    return (
        keras.Model([a, b], L.Attention(name="attention")([a, b])),
        [
            real(2, 5, 4),
            real(2, 3, 4),
        ],
        ["attention"],
    )


@kind("Transformer block")
def transformer():
    x = i = keras.Input((5, 8))
    x = L.LayerNormalization(name="norm")(x + L.MultiHeadAttention(2, 4, name="mha")(x, x))
    x = L.Dense(8, activation="gelu", name="mlp")(x)
    return (
        keras.Model(i, x),
        real(2, 5, 8),
        [
            "mha/query",
            "mha/key",
            "mha/value",
            "mha/attention_scores",
            "mha/attention_output",
            "add",
            "norm",
            "mlp",
        ],
    )


@kind("Vision transformer with a class token")
def vision_transformer():
    class ClassToken(L.Layer):
        def build(self, shape):
            self.token = self.add_weight(shape=(1, 1, shape[-1]), name="token")

        def call(self, x):
            token = ops.broadcast_to(self.token, (ops.shape(x)[0], 1, x.shape[-1]))
            return ops.concatenate([token, x], axis=1)

    i = keras.Input((8, 8, 3))
    x = L.Reshape((4, 8), name="tokens")(L.Conv2D(8, 4, strides=4, name="patches")(i))
    x = ClassToken(name="token")(x)
    y = L.LayerNormalization(name="norm1")(x)
    x = L.Add(name="add1")([x, L.MultiHeadAttention(2, 4, name="mha")(y, y)])
    y = L.Dense(8, activation="gelu", name="mlp")(L.LayerNormalization(name="norm2")(x))
    x = L.LayerNormalization(name="norm")(L.Add(name="add2")([x, y]))
    model = keras.Model(i, L.Dense(3, activation="softmax", name="head")(x[:, 0]))
    inside = ["query", "key", "value", "attention_scores", "attention_output"]
    names = ["patches", "token", "norm1", *(f"mha/{one}" for one in inside), "add1"]
    return model, images(), [*names, "norm2", "mlp", "add2", "norm", "head"]


@kind("Autoencoder of two models")
def autoencoder():
    encoder = keras.Sequential([L.Conv2D(4, 3, strides=2, name="conv")], name="encoder")
    decoder = keras.Sequential([L.Conv2DTranspose(3, 3, strides=2, name="deconv")], name="decoder")
    return keras.Sequential([encoder, decoder]), images(), ["encoder/conv", "decoder/deconv"]


@kind("Variational, with its own sampling and loss")
def variational():
    class Sampling(L.Layer):
        def __init__(self, **options):
            super().__init__(**options)
            self.seed_generator = keras.random.SeedGenerator(3)

        def call(self, x):
            self.add_loss(ops.mean(x**2))
            return x + keras.random.normal(ops.shape(x), seed=self.seed_generator)

    model = keras.Sequential([L.Dense(4, name="mean"), Sampling(name="sample")])
    return model, real(2, 4), ["mean", "sample"]


@kind("Mixed precision float16")
def mixed_float16():
    return mixed("mixed_float16")


@kind("Mixed precision bfloat16")
def mixed_bfloat16():
    return mixed("mixed_bfloat16")


def mixed(policy: str):
    model = keras.Sequential(
        [
            L.Conv2D(4, 3, dtype=policy, name="conv"),
            L.GlobalAveragePooling2D(dtype=policy, name="pool"),
            L.Dense(2, dtype="float32", name="dense"),
        ]
    )
    return model, images(), ["conv", "pool", "dense"]


@kind("float64")
def double():
    return keras.Sequential([L.Dense(3, dtype="float64", name="d")]), real(2, 4), ["d"]


@kind("Preprocessing inside: rescaling, augmentation, normalisation")
def preprocessing():
    model = keras.Sequential(
        [
            L.Rescaling(1 / 255, name="rescale"),
            L.RandomFlip(name="flip"),
            L.GaussianNoise(0.3, name="noise"),
            L.Normalization(mean=0.5, variance=2.0, name="normalise"),
            L.Conv2D(2, 3, name="conv"),
        ]
    )
    x = np.arange(2 * 8 * 8 * 3).reshape(2, 8, 8, 3).astype("uint8")
    return model, x, ["rescale", "normalise", "conv"]


@kind("Preprocessing of integers: encoding and hashing")
def categories():
    i = keras.Input((3,), dtype="int32")
    x = L.CategoryEncoding(6, output_mode="multi_hot", name="encode")(i)
    model = keras.Model(i, L.Dense(2, name="dense")(x))
    return model, np.array([[1, 2, 3], [0, 5, 4]], "int32"), ["encode", "dense"]


@kind("Rearranging layers are left out")
def rearranging():
    model = keras.Sequential(
        [
            L.ZeroPadding2D(name="pad"),
            L.Conv2D(2, 3, name="conv"),
            L.Cropping2D(name="crop"),
            L.Permute((3, 1, 2), name="permute"),
            L.Reshape((-1,), name="reshape"),
            L.Identity(name="identity"),
            L.Dense(2, name="dense"),
        ]
    )
    return model, images(), ["conv", "dense"]


@kind("Spectral normalisation wrapper")
def wrapper():
    layer = L.SpectralNormalization(L.Dense(3, name="dense"), name="sn")
    return keras.Sequential([layer]), real(2, 4), ["sn/dense"]


@kind("Layer frozen, with a regulariser")
def regularised():
    frozen = L.Dense(3, activity_regularizer="l2", trainable=False, name="frozen")
    return keras.Sequential([frozen, L.Dense(2, name="out")]), real(2, 4), ["frozen", "out"]


@kind("Stateful RNN")
def stateful():
    model = keras.Sequential(
        [keras.Input(batch_shape=(2, 5, 3)), L.SimpleRNN(4, stateful=True, name="rnn")]
    )
    return model, real(2, 5, 3), ["rnn"]


@kind("Inside a scan of keras.ops")
def scan():
    class Scan(L.Layer):
        def __init__(self, **options):
            super().__init__(**options)
            self.step = L.Dense(4, name="step")

        def build(self, shape):
            self.step.build(shape)

        def call(self, x):
            carry, _ = ops.scan(lambda c, _: (self.step(c), c), x, length=3)
            return carry

    return keras.Sequential([Scan(name="scan")]), real(2, 4), ["scan"]


@kind("Inside a vectorised map of keras.ops")
def vectorized_map():
    class Map(L.Layer):
        def __init__(self, **options):
            super().__init__(**options)
            self.each = L.Dense(4, name="each")

        def build(self, shape):
            self.each.build(shape)

        def call(self, x):
            return ops.vectorized_map(lambda row: self.each(row[None])[0], x)

    return keras.Sequential([Map(name="map")]), real(2, 4), ["map"]


@kind("Residual network of an application")
def application():
    i = keras.Input((32, 32, 3))
    model = keras.applications.MobileNetV3Small(
        input_tensor=i, weights=None, include_top=False, include_preprocessing=False
    )
    names = [layer.name for layer in model.layers if "pad" not in layer.name][1:]
    return model, real(1, 32, 32, 3), [n for n in names if "squeeze_excite" not in n]
