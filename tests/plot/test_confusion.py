"""`confusion_matrix`: the numbers in its cells against scikit-learn's, and that it can be read."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from sklearn.metrics import confusion_matrix as expected_matrix

from bpnet.plot import confusion_matrix
from looks import assert_readable

LONG = [
    "nothing at all",
    "one",
    "a number that is two, or a pair",
    "three",
    "$four$",
    "_five",
    "six",
    "seven",
    "8",
    "9",
]


def drawn(classes, samples=400):
    draw = np.random.default_rng(classes)
    true = draw.integers(0, classes, samples)
    return true, np.where(draw.random(samples) < 0.7, true, draw.integers(0, classes, samples))


def cells(figure, classes):
    """The numbers in the cells; 0 where there is none."""
    found = np.zeros((classes, classes))
    for text in figure.axes[0].texts:
        column, row = text.get_position()
        found[int(row), int(column)] = float(text.get_text())
    return found


@pytest.mark.parametrize("normalize", [None, "true", "pred", "all"])
@pytest.mark.parametrize("classes", [2, 10])
def test_the_cells_have_scikit_learns_numbers(classes, normalize):
    true, predicted = drawn(classes)
    figure = confusion_matrix(true, predicted, LONG[:classes], normalize)
    expected = expected_matrix(true, predicted, normalize=normalize)
    within = 0.005 if normalize else 0  # two digits
    np.testing.assert_allclose(cells(figure, classes), expected, atol=within + 1e-12)
    axes = figure.axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted", "true")
    right = int((true == predicted).sum())
    assert axes.get_title() == f"{right} of 400 right ({right / 400:.1%})"
    assert_readable(figure)


def test_labels_choose_the_order_or_name_the_numbers():
    true, predicted = np.array(["b", "b", "a"]), np.array(["b", "a", "a"])
    assert cells(confusion_matrix(true, predicted, ["b", "a"]), 2).tolist() == [[1, 1], [0, 1]]
    figure = confusion_matrix([1, 1, 0], [1, 0, 0], ["no", "yes"])
    assert cells(figure, 2).tolist() == [[1, 0], [1, 1]]
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["no", "yes"]


@pytest.mark.parametrize("classes", [20, 150])
def test_many_classes_can_be_read(classes):
    figure = confusion_matrix(*drawn(classes, 4000), [f"class number {i}" for i in range(classes)])
    assert len(figure.axes) == (2 if classes == 150 else 1)  # a scale where there is no room for numbers
    assert bool(figure.axes[0].texts) == (classes == 20)
    assert_readable(figure)


def test_it_fits_into_axes_that_are_there():
    figure = Figure(figsize=(10, 4.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    assert confusion_matrix(*drawn(10), LONG, ax=left) is figure
    confusion_matrix(*drawn(2), ax=right)
    assert_readable(figure)


@pytest.mark.parametrize(
    ("true", "predicted", "settings", "match"),
    [
        ([0, 1], [0], {}, "y_predicted: 1 values came for 2"),
        ([], [], {}, "y_true: shape"),
        ([0, 1], [[0.2, 0.8], [0.5, 0.5]], {}, r"y_predicted: shape \(2, 2\) came.*argmax"),
        ([0, 1], [0.2, 0.8], {}, "y_predicted: fractions came.*0.5"),
        ([0, 3], [0, 1], {"labels": ["a", "b"]}, r"labels: .* but y has \[0, 1, 3\]"),
        ([0, 1], [0, 1], {"labels": ["a", "a"]}, "expected each class once"),
        ([0, 1], [0, 1], {"normalize": "rows"}, "normalize: 'rows' was given"),
    ],
)
def test_what_cannot_be_drawn(true, predicted, settings, match):
    with pytest.raises(ValueError, match=match):
        confusion_matrix(true, predicted, **settings)


def test_shares_that_are_all_too_small_for_a_number_are_shaded():
    classes = np.arange(300)
    assert "0 of 300 right" in confusion_matrix(classes, classes[::-1], normalize="all").axes[0].get_title()
