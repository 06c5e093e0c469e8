"""The convolutional network: its accuracy for three seeds, and one loss curve on all backends."""

from functools import cache

import numpy as np
import pytest

from backends_here import backend_named
from bpnet.recipes import Options, recipe

# Each of the 12 updates starts from the roundings of those before; as in parity/test_whole_runs.py.
LIMIT = 1e-9


def test_the_reference_accuracy_for_three_seeds():
    """PyTorch gives 0.955 to 0.971 on these images over three seeds."""
    for seed in range(3):
        (accuracy,) = recipe("cnn").run(Options(backend="numba", seed=seed)).measured
        assert accuracy.least == 0.95
        assert accuracy.holds, f"seed {seed}: {accuracy}"


def test_the_loss_curve_is_the_same_on_every_backend(backend):
    expected, here = _curves("numpy"), _run(backend)
    assert expected["loss"][1] < 0.9 * expected["loss"][0]
    for name in ("loss", "val_loss"):
        np.testing.assert_allclose(here[name], expected[name], rtol=LIMIT)
    assert here["val_accuracy"] == expected["val_accuracy"]


@cache
def _curves(spec):
    return _run(backend_named(spec))


def _run(backend):
    """Two epochs on 600 images, 100 others held out."""
    model, x, y = recipe("cnn").problem(Options(backend=backend, dtype="float64"))
    held_out = (x[600:700], y[600:700])
    return model.fit(x[:600], y[:600], batch_size=100, epochs=2, validation_data=held_out, verbose=0).history


def test_it_says_where_the_images_came_from_and_draws_them(tmp_path):
    rng = np.random.default_rng(0)
    labels = np.arange(50, dtype=np.uint8) % 10
    images = rng.integers(0, 256, (50, 28, 28), dtype=np.uint8)
    np.savez(tmp_path / "mnist.npz", x_train=images, y_train=labels, x_test=images, y_test=labels)
    outcome = recipe("cnn").run(Options(backend="numpy", data=str(tmp_path), epochs=1))
    assert f"data: {tmp_path / 'mnist.npz'}\n" in outcome.text
    assert "of 20 held-out digits misread" in outcome.text
    assert {"loss-and-accuracy.png", "filters.png", "misread-digits.png"} <= set(outcome.pictures)


def test_a_bad_path_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"data: '.*nowhere' was given, but there is no such"):
        recipe("cnn").run(Options(backend="numpy", data=str(tmp_path / "nowhere")))
