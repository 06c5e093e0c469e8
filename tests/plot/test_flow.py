"""`gradient_flow`: the figures of each layer, against a gradient that is known."""

import numpy as np
import pytest

from bpnet import BatchNormalization, Constant, Dense, Dropout, Flatten, Input, Sequential
from bpnet.plot import gradient_flow
from bpnet.plot.flow import gradients_by_layer
from looks import assert_readable


def test_the_gradient_of_a_linear_layer():
    """L = mean (x w + b - y)²: dw = 2 xᵀ e / N, db = 2 Σ e / N."""
    draw = np.random.default_rng(0)
    x, y = draw.normal(size=(20, 3)), draw.normal(size=(20, 1))
    model = Sequential([Input((3,)), Dense(1)], backend="numpy", dtype="float64")
    model.compile("sgd", "mse")
    w, b = model.get_weights()
    e = x @ w + b - y
    g = np.append(2 * x.T @ e / 20, 2 * e.mean())
    (found,) = gradients_by_layer(model, x, y)
    expected = np.abs(g).mean(), np.abs(g).max(), np.linalg.norm(g) / np.linalg.norm(w)  # b is 0
    assert (found.mean, found.largest, found.relative) == pytest.approx(expected, rel=1e-12)
    axes = gradient_flow(model, x, y).axes
    drawn = [axes[0].get_lines()[0], axes[0].get_lines()[1], axes[1].get_lines()[0]]
    assert [line.get_xdata()[0] for line in drawn] == pytest.approx(expected, rel=1e-12)
    assert [line.get_marker() for line in drawn] == ["o", ">", "s"]


def test_nothing_of_the_model_changes():
    x, y = np.random.default_rng(0).normal(size=(20, 3)), np.arange(20) % 2
    model = Sequential([Input((3,)), Dense(4), BatchNormalization(), Dropout(0.5), Dense(2, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    before = [*model.get_weights(), model.backend.to_numpy(model.network.keys).copy()]
    first = gradients_by_layer(model, x, y)
    assert gradients_by_layer(model, x, y) == first  # the same dropout
    after = [*model.get_weights(), model.backend.to_numpy(model.network.keys)]
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("layers", [2, 40])
def test_it_can_be_read(layers):
    hidden = [Dense(8, "sigmoid", name=f"hidden layer number {i} of a long series") for i in range(layers - 1)]
    model = Sequential([Input((3,)), *hidden, Dense(2, "softmax")], backend="numpy")
    model.compile("adam", "sparse_categorical_crossentropy")
    figure = gradient_flow(model, np.random.default_rng(0).normal(size=(20, 3)), np.arange(20) % 2)
    left, right = figure.axes
    assert len(left.get_lines()[0].get_xdata()) == layers
    assert (left.get_xlabel(), right.get_xlabel()) == ("|gradient|", "‖gradient‖ / ‖parameters‖")
    low, high = left.get_ylim()
    assert low > high  # the first layer is on top
    assert_readable(figure)


def test_gradients_and_parameters_of_0_are_told_in_words():
    dead = Dense(4, "relu", bias_initializer=Constant(-100.0))
    model = Sequential([Input((3,)), dead, Dense(4, kernel_initializer="zeros"), Dense(1)], backend="numpy")
    model.compile("sgd", "mse")
    figure = gradient_flow(model, np.ones((4, 3)), np.ones(4))
    left, right = ([text.get_text() for text in axes.texts] for axes in figure.axes)
    assert left == ["0"]  # the second has biases, which learn
    assert right == ["0", "parameters 0"]
    assert_readable(figure)


def test_what_cannot_be_drawn():
    model = Sequential([Input((3,)), Flatten()], backend="numpy")
    with pytest.raises(RuntimeError, match="the model is not compiled"):
        gradient_flow(model, np.ones((4, 3)), np.ones((4, 3)))
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="model: no layer of it has parameters"):
        gradient_flow(model, np.ones((4, 3)), np.ones((4, 3)))
    with pytest.raises(TypeError, match="model: None was given"):
        gradient_flow(None, np.ones((4, 3)), np.ones(4))
