"""Each layer and each activation, exported: ONNX Runtime computes what bpnet does."""

from functools import partial
from inspect import isabstract

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bpnet
from bpnet import (
    ELU,
    Activation,
    Add,
    Average,
    AveragePooling2D,
    BatchNormalization,
    Concatenate,
    Conv1D,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Dropout,
    ElementwiseActivation,
    Elu,
    Embedding,
    Flatten,
    GaussianNoise,
    GlobalAveragePooling2D,
    GlobalMaxPooling2D,
    Input,
    Layer,
    LayerNormalization,
    LeakyReLU,
    LeakyRelu,
    Maximum,
    MaxPooling2D,
    Model,
    Multiply,
    Permute,
    PReLU,
    ReLU,
    Reshape,
    Sequential,
    Softmax,
    Subtract,
    UpSampling2D,
    ZeroPadding2D,
)
from bpnet.formats.onnx.registry import ACTIVATIONS as EXPORTED_ACTIVATIONS
from bpnet.formats.onnx.registry import LAYERS as EXPORTED_LAYERS
from bpnet.nn.activations import ACTIVATIONS
from formats.onnx_runs import TOLERANCE, agree, runtime, with_random_weights

IMAGE, SIGNAL, ROW = (9, 7, 6), (11, 4), (12,)

CASES = {
    "dense": (lambda: Dense(5), [ROW]),
    "dense without bias": (lambda: Dense(5, "tanh", use_bias=False), [ROW]),
    "dense, softmax": (lambda: Dense(5, "softmax"), [ROW]),
    "activation": (lambda: Activation("sigmoid"), [IMAGE]),
    "softmax of images": (Softmax, [IMAGE]),
    "relu": (ReLU, [IMAGE]),
    "leaky relu": (LeakyReLU, [IMAGE]),
    "elu": (lambda: ELU(0.7), [IMAGE]),
    "prelu": (PReLU, [IMAGE]),
    "prelu, shared": (lambda: PReLU(shared_axes=(1, 2)), [IMAGE]),
    "batch normalization": (BatchNormalization, [ROW]),
    "batch normalization of images": (lambda: BatchNormalization(epsilon=0.1), [IMAGE]),
    "batch normalization, axis 1": (lambda: BatchNormalization(1, center=False), [IMAGE]),
    "batch normalization, axis 2": (lambda: BatchNormalization(2, scale=False), [IMAGE]),
    "layer normalization": (LayerNormalization, [ROW]),
    "layer normalization, axis 1": (lambda: LayerNormalization(1, center=False), [IMAGE]),
    "layer normalization, axis 2": (lambda: LayerNormalization(-2, scale=False), [IMAGE]),
    "dropout": (lambda: Dropout(0.5), [IMAGE]),
    "noise": (lambda: GaussianNoise(1.0), [IMAGE]),
    "embedding": (lambda: Embedding(7, 3), [(5,)]),
    "reshape": (lambda: Reshape((7, -1, 2)), [IMAGE]),
    "flatten": (Flatten, [IMAGE]),
    "permute": (lambda: Permute((3, 1, 2)), [IMAGE]),
    "zero padding": (lambda: ZeroPadding2D(((1, 0), (2, 3))), [IMAGE]),
    "up-sampling": (lambda: UpSampling2D((2, 3)), [IMAGE]),
    "global average": (GlobalAveragePooling2D, [IMAGE]),
    "global max": (GlobalMaxPooling2D, [IMAGE]),
    "max pooling": (lambda: MaxPooling2D((3, 2), (2, 1)), [IMAGE]),
    "max pooling, same": (lambda: MaxPooling2D(2, 3, "same"), [IMAGE]),
    "add": (Add, [ROW] * 2),
    "add of three": (Add, [ROW] * 3),
    "subtract": (Subtract, [ROW] * 2),
    "multiply": (Multiply, [ROW] * 3),
    "maximum": (Maximum, [ROW] * 3),
    "average": (Average, [ROW] * 3),
    "concatenate": (Concatenate, [IMAGE, (9, 7, 2)]),
    "concatenate, axis 1": (lambda: Concatenate(1), [IMAGE, (4, 7, 6)]),
}

IN_FLOAT32_ONLY = {
    "average pooling": (lambda: AveragePooling2D((3, 2), (2, 1)), [IMAGE]),
    "average pooling, same": (lambda: AveragePooling2D(3, 2, "same"), [IMAGE]),
    "conv2d": (lambda: Conv2D(4, (3, 2)), [IMAGE]),
    "conv2d, same": (lambda: Conv2D(4, (4, 3), (3, 2), "same", activation="relu"), [IMAGE]),
    "conv2d, softmax": (lambda: Conv2D(4, 2, activation="softmax", use_bias=False), [IMAGE]),
    "conv2d, groups": (lambda: Conv2D(4, 3, groups=2), [IMAGE]),
    "conv2d, dilation": (lambda: Conv2D(4, 2, padding="same", dilation_rate=(2, 3)), [IMAGE]),
    "depthwise": (lambda: DepthwiseConv2D(3, (2, 1), "same", depth_multiplier=2, activation="elu"), [IMAGE]),
    "conv1d": (lambda: Conv1D(5, 3, 2), [SIGNAL]),
    "conv1d, same": (lambda: Conv1D(4, 4, padding="same", dilation_rate=2, groups=2), [SIGNAL]),
}
"""Layers that ONNX Runtime has no float64 kernel for; `onnx.reference` computes them in float64."""


def exported(layer, shapes, dtype, seed=0):
    inputs = [Input(shape) for shape in shapes]
    model = Model(inputs, layer(*inputs), backend="numpy", dtype=dtype)
    return with_random_weights(model, seed)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", CASES)
def test_a_layer(name, dtype, tmp_path):
    make, shapes = CASES[name]
    for seed in (0, 1):
        agree(exported(make(), shapes, dtype, seed), tmp_path / "m.onnx", [seed])


@pytest.mark.parametrize("name", IN_FLOAT32_ONLY)
def test_a_layer_that_onnx_runtime_has_in_float32_only(name, tmp_path):
    make, shapes = IN_FLOAT32_ONLY[name]
    for seed in (0, 1):
        agree(exported(make(), shapes, "float32", seed), tmp_path / "m.onnx", [seed])
    agree(exported(make(), shapes, "float64"), tmp_path / "m.onnx", batches=(2,), by_reference=True)


FORMULAS = {**ACTIVATIONS, "leaky_relu 0.7": LeakyRelu(0.7), "elu 0.3": Elu(0.3)}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", FORMULAS)
def test_an_activation(name, dtype, tmp_path):
    agree(exported(Activation(FORMULAS[name]), [(6, 30)], dtype), tmp_path / "m.onnx", seeds=(0, 1))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", [name for name in FORMULAS if name != "softmax"])
def test_an_activation_far_from_zero(name, dtype, tmp_path):
    """Where exponentials overflow or vanish, and at 0 itself."""
    z = np.array([[0.0, -0.0, 1e-30, -1e-30, 15, -15, 25, -25, 90, -90, 800, -800, 1e30, -1e30]], dtype)
    model = Sequential([Input(z.shape[1:]), Activation(FORMULAS[name])], backend="numpy", dtype=dtype)
    model.export(tmp_path / "m.onnx")
    (found,) = runtime(tmp_path / "m.onnx")({"input": z}).values()
    np.testing.assert_allclose(found, model.predict(z), rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


def test_every_layer_class_is_tried_here():
    """A class of bpnet without an exporter, or without a case here, is not finished."""
    public = {each for each in vars(bpnet).values() if isinstance(each, type) and issubclass(each, Layer)}
    public = {each for each in public if not isabstract(each)}
    tried = {type(make()) for make, _ in (*CASES.values(), *IN_FLOAT32_ONLY.values())}
    assert public == tried
    assert public <= EXPORTED_LAYERS.keys()


def test_every_activation_has_an_exporter():
    for each in ACTIVATIONS.values():
        formula = each.formula if isinstance(each, ElementwiseActivation) else type(each)
        assert (formula.func if isinstance(formula, partial) else formula) in EXPORTED_ACTIVATIONS


sizes = st.integers(1, 3)
pairs = st.tuples(sizes, sizes)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_windows_of_all_sorts(tmp_path_factory, data):
    """Odd sizes, strides, dilation, groups and padding."""
    size, strides, dilation = data.draw(pairs), data.draw(pairs), data.draw(pairs)
    least = [(k - 1) * d + 1 for k, d in zip(size, dilation, strict=True)]
    height, width = (data.draw(st.integers(n, n + 5)) for n in least)
    groups, padding = data.draw(sizes), data.draw(st.sampled_from(["valid", "same"]))
    channels, filters = groups * data.draw(sizes), groups * data.draw(sizes)
    layer = data.draw(
        st.sampled_from(
            [
                Conv2D(filters, size, strides, padding, dilation_rate=dilation, groups=groups),
                DepthwiseConv2D(size, strides, padding, dilation_rate=dilation, depth_multiplier=groups),
                MaxPooling2D(size, strides, padding),
                AveragePooling2D(size, strides, padding),
            ]
        )
    )
    path = tmp_path_factory.getbasetemp() / "windows.onnx"
    agree(exported(layer, [(height, width, channels)], "float32"), path, batches=(3,))
