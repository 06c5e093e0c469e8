"""Standardised images have the mean, the standard deviation and the covariance that they should have."""

import numpy as np
import pytest
from scipy.linalg import sqrtm

from bpnet.data.images.generator import ImageDataGenerator

RNG = np.random.default_rng(8)
X = RNG.normal(size=(400, 5, 4, 2)) * [3.0, 0.5] + [10.0, -2.0]
X[..., 1] += 0.3 * X[..., 0] + np.linspace(-1, 1, 4)
# Standard deviations are divided by after 1e-6 is added to them, ZCA's eigenvalues likewise.
SHIFTED = 1e-5


def standardised(x=X, **settings):
    generator = ImageDataGenerator(dtype="float64", **settings)
    generator.fit(x)
    return generator.standardize(x)


def test_featurewise():
    y = standardised(featurewise_center=True, featurewise_std_normalization=True)
    np.testing.assert_allclose(y.mean(axis=(0, 1, 2)), 0, atol=1e-12)
    np.testing.assert_allclose(y.std(axis=(0, 1, 2)), 1, rtol=SHIFTED)
    np.testing.assert_allclose(standardised(featurewise_center=True) - X, -X.mean(axis=(0, 1, 2)) + 0 * X, rtol=1e-12)
    scaled = standardised(featurewise_std_normalization=True)
    np.testing.assert_allclose(scaled, X / X.std(axis=(0, 1, 2)), rtol=SHIFTED)


def test_samplewise():
    y = standardised(samplewise_center=True, samplewise_std_normalization=True)
    np.testing.assert_allclose(y.mean(axis=(1, 2, 3)), 0, atol=1e-12)
    np.testing.assert_allclose(y.std(axis=(1, 2, 3)), 1, rtol=SHIFTED)
    centred = standardised(samplewise_center=True)
    np.testing.assert_allclose(centred[7], X[7] - X[7].mean(), rtol=1e-12)


def test_an_image_of_one_value_is_no_division_by_zero():
    generator = ImageDataGenerator(samplewise_center=True, samplewise_std_normalization=True)
    np.testing.assert_array_equal(generator.standardize(np.full((3, 3, 1), 7.0)), 0)


def test_zca_whitening():
    """The covariance is the identity, and the map is the inverse square root of what it was: symmetric, positive."""
    y = standardised(zca_whitening=True, zca_epsilon=1e-9).reshape(len(X), -1)
    np.testing.assert_allclose(np.cov(y.T, bias=True), np.eye(40), atol=1e-6)
    np.testing.assert_allclose(y.mean(axis=0), 0, atol=1e-10)
    rows = X.reshape(len(X), -1)
    inverse = np.linalg.inv(sqrtm(np.cov(rows.T, bias=True) + 0.1 * np.eye(40)))
    expected = (rows - rows.mean(axis=0)) @ inverse
    y = standardised(zca_whitening=True, zca_epsilon=0.1).reshape(len(X), -1)
    np.testing.assert_allclose(y, expected, atol=1e-10)


def test_zca_of_more_values_than_images_and_of_dead_pixels():
    x = X[:20].copy()
    x[:, 0, 0] = 3.0
    y = standardised(x, zca_whitening=True, zca_epsilon=1e-3)
    assert np.isfinite(y).all()
    np.testing.assert_allclose(y[:, 0, 0], 0, atol=1e-9)


def test_the_order_of_the_steps():
    """preprocessing_function, rescale, sample-wise, feature-wise; fit measures what comes to the step it is for."""
    y = standardised(preprocessing_function=lambda image: image + 1, rescale=0.5)
    np.testing.assert_allclose(y, (X + 1) * 0.5, rtol=1e-15)
    y = standardised(rescale=1 / 255, featurewise_center=True, featurewise_std_normalization=True)
    np.testing.assert_allclose(y.mean(axis=(0, 1, 2)), 0, atol=1e-12)
    np.testing.assert_allclose(y.std(axis=(0, 1, 2)), 1, rtol=1e-3)
    own = X - X.mean(axis=(1, 2, 3), keepdims=True)
    y = standardised(samplewise_center=True, featurewise_center=True)
    np.testing.assert_allclose(y, own - own.mean(axis=(0, 1, 2)), atol=1e-12)


def test_one_image_and_all_of_them_alike():
    generator = ImageDataGenerator(zca_whitening=True, featurewise_center=True)
    generator.fit(X)
    np.testing.assert_array_equal(generator.standardize(X)[11], generator.standardize(X[11]))
    assert generator.standardize(X).dtype == np.float32


def test_the_images_of_the_caller_stay_as_they_are():
    before = X.copy()
    standardised(rescale=2.0, featurewise_center=True, preprocessing_function=lambda image: image * 3)
    ImageDataGenerator(rotation_range=10).random_transform(X[0])
    np.testing.assert_array_equal(X, before)


def test_fit_sees_changed_images_if_asked_to():
    def measured(seed=0, **settings):
        generator = ImageDataGenerator(featurewise_center=True, dtype="float64", **settings)
        generator.fit(X, augment=True, rounds=3, seed=seed)
        return generator.statistics.mean

    np.testing.assert_allclose(measured(vertical_flip=True), X.mean(axis=(0, 1, 2)), rtol=1e-12)
    turned = {"height_shift_range": 2.0, "fill_mode": "constant"}
    assert (abs(measured(**turned)) < 0.9 * abs(X.mean(axis=(0, 1, 2)))).all(), "zeros have come in"
    np.testing.assert_array_equal(measured(**turned), measured(**turned))
    assert (measured(**turned) != measured(seed=1, **turned)).all()


@pytest.mark.parametrize("augment", [False, True])
def test_integers_are_images_too(augment):
    x = RNG.integers(0, 256, (30, 6, 6, 1), dtype=np.uint8)
    generator = ImageDataGenerator(rescale=1 / 255, featurewise_center=True, rotation_range=5)
    generator.fit(x, augment=augment)
    assert abs(generator.standardize(x).mean()) < (0.1 if augment else 1e-6)
