"""`weights` and `filters`: the images are the weights, where the labels say."""

import numpy as np
import pytest

from bpnet import Conv1D, Conv2D, Dense, DepthwiseConv2D, Flatten, Input, Sequential
from bpnet.plot import filters, weights
from looks import assert_readable


@pytest.fixture
def model():
    layers = [Input((8, 8, 1)), Conv2D(4, 3), Conv2D(6, 3, name="second"), Flatten(), Dense(100), Dense(7)]
    return Sequential(layers, backend="numpy")


def shown(figure, high, wide):
    """The tiles of the image, from left to right and top to bottom, told by their frames, which are drawn in order."""
    image = np.asarray(figure.axes[0].images[0].get_array().filled(np.nan))
    found = []
    for path in figure.axes[0].collections[0].get_paths():
        column, row = np.ceil(path.vertices.min(axis=0)).astype(int)
        right, below = np.floor(path.vertices.max(axis=0)).astype(int) + 1
        tile = image[row:below, column:right]
        found.append(tile[:: tile.shape[0] // high, :: tile.shape[1] // wide])
    return np.array(found)


def test_filters_of_one_channel(model):
    figure = filters(model)
    np.testing.assert_array_equal(shown(figure, 3, 3), model.get_weights()[0][:, :, 0].transpose(2, 0, 1))
    assert figure.axes[0].get_title() == "conv2d: 4 filters of 3×3"
    assert_readable(figure)


@pytest.mark.parametrize("layer", ["second", 1])
def test_filters_of_several_channels_have_a_row_a_channel(model, layer):
    figure = filters(model, layer)
    w = model.get_weights()[2]
    np.testing.assert_array_equal(shown(figure, 3, 3), w.transpose(2, 3, 0, 1).reshape(-1, 3, 3))
    axes = figure.axes[0]
    assert axes.get_title() == "second: 6 filters of 3×3 on 4 channels"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("filter", "channel")
    assert_readable(figure)


def test_units_as_images():
    model = Sequential([Input((6,)), Dense(100), Dense(3)], backend="numpy")
    figure = weights(model, 1, most=10)
    expected = model.get_weights()[2].T.reshape(3, 10, 10)
    np.testing.assert_array_equal(shown(figure, 10, 10), expected)
    figure = weights(model, shape=(2, 3), most=10)
    np.testing.assert_array_equal(shown(figure, 2, 3), model.get_weights()[0].T.reshape(100, 2, 3)[:10])
    assert figure.axes[0].get_title() == "dense: the first 10 of 100 units as images of 2×3"
    assert_readable(figure)


def test_units_are_numbered_row_by_row():
    model = Sequential([Input((16,)), Dense(64)], backend="numpy")
    labels = [label.get_text() for label in weights(model).axes[0].get_yticklabels()]
    assert labels == [f"{i} – {i + 7}" for i in range(0, 64, 8)]


def test_weights_that_are_no_image():
    model = Sequential([Input((10,)), Dense(7)], backend="numpy")
    figure = weights(model)
    np.testing.assert_array_equal(figure.axes[0].images[0].get_array(), model.get_weights()[0])
    assert (figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel()) == ("unit", "input")
    assert_readable(figure)


@pytest.mark.parametrize("shape", [(5, 5, 3, 200), (1, 1, 16, 8), (5, 5, 1, 2), (3, 5, 1, 70), (7, 1, 30)])
def test_kernels_of_many_shapes_can_be_read(shape):
    assert_readable(filters(np.random.default_rng(0).normal(size=shape)))


def test_other_convolutions():
    one = Sequential([Input((9, 2)), Conv1D(3, 4)], backend="numpy")
    assert shown(filters(one), 1, 4).shape[0] == 3 * 2
    deep = Sequential([Input((8, 8, 5)), DepthwiseConv2D(3)], backend="numpy")
    assert filters(deep).axes[0].get_title() == "depthwise_conv2d: 5 filters of 3×3"


def test_what_cannot_be_drawn(model):
    dense = Sequential([Input((4,)), Dense(2)], backend="numpy")
    for call, error, match in (
        (lambda: filters(dense), ValueError, "model: no layer of it has kernels"),
        (lambda: filters(model, "third"), ValueError, r"layer: 'third' was given.*one of \['conv2d', 'second'\]"),
        (lambda: filters(model, 4), ValueError, "layer: 4 was given"),
        (lambda: filters(np.ones((3, 3))), ValueError, r"model: an array of shape \(3, 3\) came"),
        (lambda: weights(dense, shape=(3, 3)), ValueError, r"shape: \(3, 3\) was given.*4 numbers"),
        (lambda: weights(dense, shape=(2, 2), most=0), ValueError, "most: 0 was given"),
        (lambda: weights(3), TypeError, "model: 3 was given, expected a Model"),
        (lambda: weights(Sequential([Dense(3)])), RuntimeError, "the model is not built"),
    ):
        with pytest.raises(error, match=match):
            call()
