"""Each wrong setting and each wrong array is one clear error, as early as it can be known."""

import re

import numpy as np
import pytest

from bpnet.data.images.generator import ImageDataGenerator

X = np.random.default_rng(0).random((6, 8, 8, 1))

SETTINGS = [
    ({"fill_mode": "nearst"}, "fill_mode: 'nearst' is unknown. Did you mean 'nearest'?"),
    ({"rotation_range": 181}, "rotation_range: 181 was given, expected from 0 to 180, degrees"),
    ({"rotation_range": -1}, "rotation_range: -1 was given, expected a finite number >= 0"),
    ({"rotation_range": "30"}, "rotation_range: '30' was given"),
    ({"shear_range": 90}, "shear_range: 90 was given, expected from 0 to 89"),
    ({"zoom_range": 1.0}, "zoom_range: 1.0 was given, expected a finite number >= 0 and < 1"),
    ({"zoom_range": (2.0, 1.0)}, "zoom_range: (2.0, 1.0) was given, expected the least factor first"),
    ({"zoom_range": (0.0, 1.0)}, "zoom_range: 0.0 was given, expected a finite number > 0"),
    ({"zoom_range": [1.0, 1.1, 1.2]}, "zoom_range: [1.0, 1.1, 1.2] was given, expected a number, or a pair"),
    ({"width_shift_range": -0.1}, "width_shift_range: -0.1 was given"),
    ({"height_shift_range": []}, "height_shift_range: an empty list was given"),
    ({"height_shift_range": [1, None]}, "height_shift_range: None was given"),
    ({"channel_shift_range": float("nan")}, "channel_shift_range: nan was given"),
    ({"cval": float("inf")}, "cval: inf was given"),
    ({"zca_epsilon": 0}, "zca_epsilon: 0 was given, expected a finite number > 0"),
    ({"rescale": 0}, "rescale: 0 was given, expected a factor other than 0"),
    ({"rescale": "1/255"}, "rescale: '1/255' was given"),
    ({"horizontal_flip": 1}, "horizontal_flip: 1 was given, expected True or False"),
    ({"zca_whitening": "yes"}, "zca_whitening: 'yes' was given, expected True or False"),
    ({"preprocessing_function": 3}, "preprocessing_function: 3 was given, expected a function"),
    ({"dtype": "uint8"}, "dtype: 'uint8' is unknown"),
]


@pytest.mark.parametrize(("settings", "message"), SETTINGS)
def test_settings(settings, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        ImageDataGenerator(**settings)


def plain():
    return ImageDataGenerator()


def centred():
    return ImageDataGenerator(featurewise_center=True)


def whitening():
    return ImageDataGenerator(zca_whitening=True)


def fitted(generator):
    generator.fit(X)
    return generator


CALLS = {
    "no channel axis": (lambda: plain().flow(X[..., 0]), "x: an array of shape (6, 8, 8) came, expected images (N"),
    "rows": (lambda: plain().flow(X.reshape(6, 64)), "Mend: x.reshape(-1, height, width, 1)"),
    "channels first, grey": (
        lambda: plain().flow(np.zeros((6, 1, 28, 28))),
        "x: an array of shape (6, 1, 28, 28) came, which looks like channels first, expected (N, height, width, "
        "channels). Mend: np.transpose(x, (0, 2, 3, 1)); a model for such data begins with Permute((2, 3, 1))",
    ),
    "channels first, colours": (lambda: plain().fit(np.zeros((6, 3, 32, 32))), "(6, 3, 32, 32) came, which looks like"),
    "channels first, one": (lambda: plain().standardize(np.zeros((1, 28, 28))), "looks like channels first"),
    "text": (lambda: plain().flow([["a"]]), "x: an array of text came"),
    "none": (lambda: plain().flow(X[:0]), "x: an empty array"),
    "not finite": (lambda: plain().flow(np.where(X > 0.5, np.nan, X)), "values are NaN or infinite"),
    "a single image to flow": (lambda: plain().flow(X[0]), "x: an array of shape (8, 8, 1) came, expected images"),
    "many images to transform": (lambda: plain().random_transform(X), "expected one image (height, width, channels)"),
    "y of another length": (lambda: plain().flow(X, np.zeros(5)), "y: 5 rows came for 6 samples"),
    "weights of another length": (lambda: plain().flow(X, sample_weight=np.ones(7)), "sample_weight: 7 rows"),
    "batch_size": (lambda: plain().flow(X, batch_size=0), "batch_size: 0 was given"),
    "seed": (lambda: plain().flow(X, seed=-1), "seed: -1 was given"),
    "shuffle": (lambda: plain().flow(X, shuffle="no"), "shuffle: 'no' was given, expected True or False"),
    "rounds": (lambda: plain().fit(X, rounds=0), "rounds: 0 was given"),
    "flow before fit": (
        lambda: centred().flow(X),
        "featurewise_center: the generator has not seen the images yet. Mend: call fit(x) first",
    ),
    "standardize before fit": (lambda: whitening().standardize(X), "zca_whitening: the generator has not seen"),
    "one image before fit": (lambda: centred().standardize(X[0]), "featurewise_center: the generator has not seen"),
    "other channels than fit saw": (
        lambda: fitted(centred()).flow(np.zeros((2, 8, 8, 3))),
        "featurewise_center: images of shape (8, 8, 3) came, expected (8, 8, 1), what fit has seen",
    ),
    "other sizes than were whitened": (
        lambda: fitted(whitening()).standardize(np.zeros((2, 9, 8, 1))),
        "zca_whitening: images of shape (9, 8, 1) came, expected (8, 8, 1)",
    ),
    "too large to whiten": (
        lambda: whitening().fit(np.zeros((2, 64, 64, 3))),
        "zca_whitening: 2 images of 12,288 values came, expected two or more, of at most 8,192 values",
    ),
    "too few to whiten": (lambda: whitening().fit(X[:1]), "zca_whitening: 1 images of 64 values came"),
    "a shift out of sight": (
        lambda: ImageDataGenerator(width_shift_range=[3, -8]).flow(X),
        "width_shift_range: 8 pixels were given for images of shape (8, 8, 1), expected less than 8",
    ),
    "a function that changes the shape": (
        lambda: ImageDataGenerator(preprocessing_function=lambda image: image[..., 0]).standardize(X),
        "preprocessing_function: an image of shape (8, 8) came back, expected (8, 8, 1)",
    ),
    "an unknown parameter": (
        lambda: plain().apply_transform(X[0], {"thetta": 3}),
        "transform_parameters: 'thetta' is unknown",
    ),
    "a parameter that is no number": (
        lambda: plain().apply_transform(X[0], {"theta": "3"}),
        "transform_parameters theta: '3' was given",
    ),
}


@pytest.mark.parametrize("case", CALLS)
def test_calls(case):
    call, message = CALLS[case]
    with pytest.raises(ValueError, match=re.escape(message)):
        call()


def test_what_only_looks_odd_is_taken():
    for shape in ((2, 8, 8, 5), (2, 3, 3, 3), (2, 1, 9, 1)):
        assert ImageDataGenerator().standardize(np.zeros(shape)).shape == shape
