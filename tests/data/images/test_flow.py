"""What becomes of an image depends on the seed, the epoch and its number, and on nothing else."""

import threading
from itertools import islice

import numpy as np
import pytest

from bpnet.data.images.generator import ImageDataGenerator
from bpnet.data.random import epoch_order

RNG = np.random.default_rng(2)
X = RNG.normal(size=(23, 6, 6, 2))
Y = np.arange(23)
GENERATOR = ImageDataGenerator(rotation_range=40, zoom_range=0.2, horizontal_flip=True, samplewise_center=True)


def images(flow, epoch=0, length=None):
    """All images of an epoch in the order of their numbers, and these in the order they came in."""
    parts = list(flow.epoch(epoch, length))
    x, rows = (np.concatenate([part[at] for part in parts]) for at in (0, 1))
    return x[np.argsort(rows, kind="stable")], rows


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("batch_size", [1, 5, 23, 100])
def test_whatever_the_batches_and_the_order(shuffle, batch_size):
    expected, _ = images(GENERATOR.flow(X, batch_size=32, shuffle=False, seed=6))
    here, rows = images(GENERATOR.flow(X, batch_size=batch_size, shuffle=shuffle, seed=6))
    np.testing.assert_array_equal(here, expected)
    assert rows.tolist() == epoch_order(6, 0, 23, 23, shuffle=shuffle).tolist()


def test_other_epochs_and_seeds_are_other_images():
    flow = GENERATOR.flow(X, seed=1)
    first, rows = images(flow)
    for other, order in (images(flow, 1), images(GENERATOR.flow(X, seed=2))):
        assert (other != first).any(axis=(1, 2, 3)).all()
        assert (order != rows).any()
    np.testing.assert_array_equal(images(GENERATOR.flow(X))[0], images(GENERATOR.flow(X, seed=0))[0])


def test_an_image_that_comes_twice_in_an_epoch_is_changed_anew():
    """46 images are two passes: each image twice, unlike; the first pass is that of an epoch of its own length."""
    x, rows = images(GENERATOR.flow(X, batch_size=8, shuffle=False), length=46)
    assert np.bincount(rows).tolist() == [2] * 23
    assert (x[::2] != x[1::2]).any(axis=(1, 2, 3)).all()
    np.testing.assert_array_equal(x[::2], images(GENERATOR.flow(X, shuffle=False))[0])


def test_in_another_thread_they_are_the_same():
    flow, seen = GENERATOR.flow(X, seed=3), []
    thread = threading.Thread(target=lambda: seen.append(images(flow)[0]))
    thread.start()
    expected = images(flow)[0]
    thread.join()
    np.testing.assert_array_equal(seen[0], expected)


def test_images_and_masks_of_one_seed_are_changed_alike():
    """As in the usual recipe for segmentation: the mask of an image goes wherever the image goes."""
    settings = {"rotation_range": 40, "width_shift_range": 0.3, "vertical_flip": True, "dtype": "float64"}
    image, mask = (ImageDataGenerator(**settings).flow(x, batch_size=7, seed=9) for x in (X, 2 * X))
    for a, b in zip(islice(image, 8), islice(mask, 8), strict=True):
        np.testing.assert_allclose(2 * a, b, rtol=1e-14)


def test_targets_and_weights_go_with_their_images():
    flow = ImageDataGenerator(dtype="float64").flow(X, Y, batch_size=10, sample_weight=Y + 1, seed=4)
    assert len(flow) == 3
    batches = list(islice(flow, 6))
    assert [len(y) for _, y, _ in batches] == [10, 10, 3] * 2
    for x, y, weight in batches:
        np.testing.assert_array_equal(x, X[y])
        np.testing.assert_array_equal(weight, y + 1)
    orders = [np.concatenate([y for _, y, _ in batches[at : at + 3]]).tolist() for at in (0, 3)]
    assert orders == [epoch_order(4, epoch, 23, 23, shuffle=True).tolist() for epoch in (0, 1)]
    assert isinstance(next(ImageDataGenerator().flow(X)), np.ndarray)
    assert len(next(ImageDataGenerator().flow(X, Y))) == 2


def test_batches_are_standardised_after_the_change():
    generator = ImageDataGenerator(featurewise_center=True, vertical_flip=True, rescale=0.5, dtype="float64")
    generator.fit(X)
    x, _ = images(generator.flow(X, shuffle=False))
    plain = generator.standardize(X)
    flipped = np.array([not np.array_equal(a, b) for a, b in zip(x, plain, strict=True)])
    assert 3 < flipped.sum() < 20
    np.testing.assert_array_equal(x, np.where(flipped[:, None, None, None], plain[:, ::-1], plain))


def test_a_value_that_is_not_finite_is_found():
    def bad(image):
        return image / (image.mean() != X[13].mean())

    flow = ImageDataGenerator(preprocessing_function=bad, dtype="float64").flow(X, batch_size=5, shuffle=False)
    with np.errstate(all="ignore"), pytest.raises(ValueError, match=r"flow: image 13 of x has values that are NaN"):
        list(flow.epoch(0))
