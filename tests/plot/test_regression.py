"""`residuals` and `predicted_against_true`: their points and figures."""

import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error, r2_score

from bpnet.plot import predicted_against_true, residuals
from looks import assert_readable


def drawn(samples):
    draw = np.random.default_rng(0)
    true = draw.normal(size=samples) * 1000
    return true, true + draw.normal(size=samples) * 100


def test_the_points_of_residuals():
    true, predicted = drawn(50)
    figure = residuals(true[:, np.newaxis], predicted)
    axes = figure.axes[0]
    np.testing.assert_allclose(axes.collections[0].get_offsets(), np.stack([predicted, predicted - true], axis=1))
    rms = np.sqrt(np.mean((true - predicted) ** 2))
    assert sorted(line.get_ydata()[0] for line in axes.get_lines()) == pytest.approx([-2 * rms, 0, 2 * rms])
    assert f"RMSE {rms:.3g}, 50 samples" in axes.get_title()
    assert_readable(figure)


def test_the_points_of_predicted_against_true():
    true, predicted = drawn(50)
    axes = predicted_against_true(true, predicted).axes[0]
    np.testing.assert_allclose(axes.collections[0].get_offsets(), np.stack([true, predicted], axis=1))
    assert axes.get_xlim() == axes.get_ylim()
    assert f"R² {r2_score(true, predicted):.4g}" in axes.get_title()
    assert f"MAE {mean_absolute_error(true, predicted):.3g}" in axes.get_title()


@pytest.mark.parametrize("picture", [residuals, predicted_against_true])
@pytest.mark.parametrize("samples", [1, 7, 20_000])
def test_it_can_be_read(picture, samples):
    figure = picture(*drawn(samples))
    assert len(figure.axes) == (2 if samples == 20_000 else 1)  # many are counted, and the scale says so
    assert_readable(figure)


@pytest.mark.parametrize("picture", [residuals, predicted_against_true])
def test_what_cannot_be_drawn(picture):
    with pytest.raises(ValueError, match="y_predicted: 2 values came for 3"):
        picture([1.0, 2.0, 3.0], [1.0, 2.0])
    with pytest.raises(ValueError, match=r"y_true: shape \(2, 2\) came.*one output at a time"):
        picture(np.ones((2, 2)), [1.0, 2.0])
    with pytest.raises(ValueError, match="y_true: 1 values are NaN"):
        picture([1.0, np.nan], [1.0, 2.0])
    with pytest.raises(TypeError, match="ax: 3 was given"):
        picture([1.0], [1.0], ax=3)
