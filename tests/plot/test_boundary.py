"""`decision_boundary`: classes, one output, surfaces, estimators."""

import numpy as np
import pytest

from bpnet import Dense, Input, Sequential
from bpnet.plot import decision_boundary
from looks import assert_readable

NAMES = [f"a class whose long name is {i}" for i in range(10)]


def linear(outputs, activation=None, weights=None):
    """A model with those weights, which are known."""
    model = Sequential([Input((2,)), Dense(outputs, activation)], backend="numpy")
    if weights is not None:
        model.set_weights([np.array(array, dtype=float) for array in weights])
    return model


@pytest.fixture
def points():
    return np.random.default_rng(0).uniform(-1, 1, (60, 2))


def labels_of(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_the_boundary_of_two_classes_is_where_it_is(points):
    """x₀ + x₁ = 0.5, on points in the middle of the range."""
    model = linear(1, "sigmoid", [[[2.0], [2.0]], [-1.0]])
    y = (points.sum(axis=1) > 0.5).astype(int)
    figure = decision_boundary(model, points, y, labels=["below", "above"])
    axes = figure.axes[0]
    lines = [c for c in axes.collections if np.allclose(c.get_linewidths(), 2.0)]
    vertices = np.concatenate([path.vertices for line in lines for path in line.get_paths()])
    np.testing.assert_allclose(vertices.sum(axis=1), 0.5, atol=0.02)  # the grid's step is 0.012
    assert axes.get_title() == "60 of 60 right"
    assert labels_of(axes) == ["below", "above"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("input 0", "input 1")
    assert_readable(figure)


def test_logits_have_their_boundary_at_0(points):
    y = (points[:, 0] > 0).astype(int)
    axes = decision_boundary(linear(1, None, [[[100.0], [0.0]], [0.0]]), points, y).axes[0]
    assert axes.get_title() == "60 of 60 right"


@pytest.mark.parametrize("classes", [2, 10])
def test_classes_have_markers_of_their_own(points, classes):
    y = np.arange(60) % classes
    model = linear(classes, "softmax")
    right = int((model.predict(points).argmax(axis=1) == y).sum())
    for targets in (y, np.eye(classes)[y]):
        figure = decision_boundary(model, points, targets, labels=NAMES[:classes])
        axes = figure.axes[0]
        assert axes.get_title() == f"{right} of 60 right"
        lines = axes.get_lines()
        assert len({line.get_marker() for line in lines[:classes]}) == classes
        for number, line in enumerate(lines[:classes]):
            np.testing.assert_array_equal(np.stack(line.get_data(), axis=1), points[y == number])
        assert len(lines[classes].get_xdata()) == 60 - right  # crosses
    assert_readable(figure)


def test_a_surface_has_lines_of_equal_height(points):
    model = linear(1, None, [[[3.0], [1.0]], [0.0]])
    figure = decision_boundary(model, points, model.predict(points))
    assert len(figure.axes) == 2
    assert figure.axes[0].texts
    assert_readable(figure)


def test_a_level_surface(points):
    assert decision_boundary(linear(1, None, [[[0.0], [0.0]], [3.0]]), points, points[:, 0]).axes


def test_an_estimator_with_names_as_classes(points):
    from sklearn.linear_model import LinearRegression, LogisticRegression

    y = np.where(points[:, 0] > 0, "right", "left")
    figure = decision_boundary(LogisticRegression().fit(points, y), points, y)
    assert labels_of(figure.axes[0])[:2] == ["left", "right"]
    assert decision_boundary(LinearRegression().fit(points, y == "left"), points, y == "left").axes[1:]  # a scale


def test_what_cannot_be_drawn(points):
    model, y = linear(3, "softmax"), np.arange(60) % 3
    for arguments, settings, match in (
        ((model, np.ones((60, 3)), y), {}, r"x: shape \(60, 3\) came, expected \(N, 2\)"),
        ((model, points, y[:5]), {}, "y: 5 targets came for 60"),
        ((model, points, y + 1), {}, r"y: it has \[3\], expected the model's classes"),
        ((model, points, np.ones((60, 3))), {}, "y: rows of 3 numbers came"),
        ((model, points, y), {"labels": ["a"]}, "labels: 1 names came, expected 3"),
        ((model, points, y), {"grid": 1}, "grid: 1 was given"),
        ((model, points, y), {"margin": -1}, "margin: -1 was given"),
    ):
        with pytest.raises(ValueError, match=match):
            decision_boundary(*arguments, **settings)
    with pytest.raises(TypeError, match="model: 'model' was given"):
        decision_boundary("model", points, y)
