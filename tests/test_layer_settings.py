"""Layers whose settings or inputs make no sense say so when the model is built, and name themselves."""

import numpy as np
import pytest

from bpnet import (
    L1,
    L2,
    AveragePooling2D,
    BatchNormalization,
    Concatenate,
    Conv1D,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Dropout,
    Embedding,
    Flatten,
    GaussianNoise,
    GlobalMaxPooling2D,
    Input,
    LayerNormalization,
    LeakyReLU,
    MaxPooling2D,
    Normal,
    Permute,
    PReLU,
    Reshape,
    Sequential,
    Subtract,
    UpSampling2D,
    ZeroPadding2D,
)
from bpnet.nn.activations import Linear

SETTINGS = {
    "filters: 0": lambda: Conv2D(0, 3),
    "filters: 2.5": lambda: Conv2D(2.5, 3),
    "kernel_size: \\(3, 3, 3\\)": lambda: Conv2D(2, (3, 3, 3)),
    "kernel_size: 0": lambda: Conv2D(2, 0),
    "kernel_size: True": lambda: DepthwiseConv2D(True),
    "strides: 0": lambda: MaxPooling2D(2, 0),
    "dilation_rate: -1": lambda: Conv2D(2, 3, dilation_rate=-1),
    "groups: 2 was given, which does not divide the 3 filters": lambda: Conv2D(3, 3, groups=2),
    "padding: 'full'": lambda: AveragePooling2D(padding="full"),
    "kernel_size: \\(3, 3\\) was given, expected a whole number": lambda: Conv1D(2, (3, 3)),
    "pool_size: 'a'": lambda: MaxPooling2D("a"),
    "depth_multiplier: 0": lambda: DepthwiseConv2D(3, depth_multiplier=0),
    "rate: 1": lambda: Dropout(1),
    "rate: -0.1": lambda: Dropout(-0.1),
    "stddev: nan": lambda: GaussianNoise(float("nan")),
    "momentum: 1": lambda: BatchNormalization(momentum=1),
    "epsilon: 0": lambda: LayerNormalization(epsilon=0),
    "target_shape: \\(-1, -1\\)": lambda: Reshape((-1, -1)),
    "target_shape: 3": lambda: Reshape(3),
    "dims: \\(1, 3\\)": lambda: Permute((1, 3)),
    "padding: \\(1, 2, 3\\)": lambda: ZeroPadding2D((1, 2, 3)),
    "padding: -1": lambda: ZeroPadding2D(-1),
    "size: 0": lambda: UpSampling2D(0),
    "input_dim: 0": lambda: Embedding(0, 3),
    "input_dim: 100000000": lambda: Embedding(100_000_000, 3),
    "axis: 0": lambda: Concatenate(0),
    "negative_slope: 0": lambda: LeakyReLU(0),
    "shared_axes: 0": lambda: PReLU(shared_axes=(0,)),
    "activation: the layer LeakyReLU\\(negative_slope=0.1\\) was given.* Mend: .*LeakyRelu\\(0.1\\)": lambda: Dense(
        2, LeakyReLU(0.1)
    ),
    "activation: the class Linear was given, expected an object": lambda: Conv2D(2, 3, activation=Linear),
    "initializer: the class Normal was given, expected an object of it: Normal\\(\\)": lambda: Dense(
        2, kernel_initializer=Normal
    ),
    "regularizer: 0.01 was given, expected a name or an object. Mend: L2\\(0.01\\)": lambda: Dense(
        2, kernel_regularizer=0.01
    ),
    "regularizer: L2 was given": lambda: Conv2D(2, 3, kernel_regularizer=L2),
    "l1: 'a' was given, expected a finite number from 0": lambda: L1("a"),
    "name: 4 was given, expected text": lambda: Dense(2, name=4),
    "name: 5 was given, expected text": lambda: Input((2,), name=5),
    "input_shape: 4 was given, expected a shape": lambda: Dense(2, input_shape=4),
    "input_shape: '88' was given, expected a shape": lambda: Conv2D(2, 3, input_shape="88"),
    "input_shape: \\(5,\\) was given, and input_dim 4. Mend: one of the two": lambda: Dense(
        2, input_dim=4, input_shape=(5,)
    ),
    "input_dim: '4' was given, expected a whole number": lambda: Dense(2, input_dim="4"),
}


@pytest.mark.parametrize("what", SETTINGS)
def test_a_setting_that_makes_no_sense_is_named(what):
    with pytest.raises(ValueError, match=f"^({what})"):
        SETTINGS[what]()


SHAPES = {
    "layer 'conv2d': .* is larger than its image, \\(4, 9\\). Mend: padding='same'": (Conv2D(2, 5), (4, 9, 1)),
    "layer 'conv2d': a window of .* dilation \\(3, 3\\)": (Conv2D(2, 3, dilation_rate=3), (6, 6, 1)),
    "layer 'max_pooling2d': .* is larger": (MaxPooling2D(3), (2, 8, 4)),
    "layer 'conv2d': samples of shape \\(28, 28\\) came, expected images": (Conv2D(2, 3), (28, 28)),
    "layer 'conv2d': samples of shape \\(64,\\) came, expected images": (Conv2D(2, 3), (64,)),
    "layer 'conv2d': 3 channels came, which 2 groups do not divide": (Conv2D(4, 3, groups=2), (8, 8, 3)),
    "layer 'conv1d': samples of shape \\(8, 8, 3\\) came, expected \\(length, channels\\)": (Conv1D(2, 3), (8, 8, 3)),
    "layer 'dense': inputs of shape .* expected one of shape \\(features,\\)": (Dense(2), (8, 8, 3)),
    "layer 'reshape': samples of shape \\(7,\\) came, 7 elements, which do not fit": (Reshape((2, -1)), (7,)),
    "layer 'permute': samples of shape \\(4,\\) came, expected 2 axes": (Permute((2, 1)), (4,)),
    "layer 'batch_normalization': .* have no axis 3": (BatchNormalization(3), (4, 5)),
    "layer 'global_max_pooling2d': samples of shape \\(5,\\) came": (GlobalMaxPooling2D(), (5,)),
    "layer 'pre_lu': shared_axes \\(2,\\)": (PReLU(shared_axes=(2,)), (5,)),
}


@pytest.mark.parametrize("what", SHAPES)
def test_an_input_that_does_not_fit_is_an_error_when_the_model_is_built(what):
    layer, shape = SHAPES[what]
    with pytest.raises(ValueError, match=f"^({what})"):
        Sequential([Input(shape), layer], backend="numpy").summary()


@pytest.mark.parametrize(
    ("layer", "shapes", "what"),
    [
        (Concatenate(), [(3, 4), (2, 4)], "layer 'concatenate': inputs of shapes .* differ in more than axis -1"),
        (Concatenate(2), [(3,), (3,)], "layer 'concatenate': .* expected two or more with an axis 2"),
        (Concatenate(), [(3,)], "layer 'concatenate': .* expected two or more"),
        (Subtract(), [(3,), (3,), (3,)], "layer 'subtract': 3 inputs came, expected two"),
        (Flatten(), [(3,), (3,)], "layer 'flatten': 2 inputs came, expected one"),
    ],
)
def test_shapes_that_cannot_merge(layer, shapes, what):
    with pytest.raises(ValueError, match=f"^{what}"):
        layer(*(Input(shape) for shape in shapes))


def test_sizes_may_be_whole_numbers_of_numpy():
    layer = Conv2D(np.int64(4), (np.int64(3), 3))
    assert (layer.filters, layer.kernel_size) == (4, (3, 3))
    assert Dense(np.int64(5)).units == 5
    assert Input((np.int64(3),)).shape == (3,)


def test_layers_cannot_be_frozen_yet():
    layer = Dense(3)
    assert layer.trainable
    with pytest.raises(ValueError, match="layer 'dense': trainable=False was given, but layers cannot be frozen yet"):
        layer.trainable = False
