"""How weights begin, and that every backend begins with the same bits."""

import numpy as np
import pytest

from bpnet import Constant, Dense, Input, Normal, Sequential, Uniform, VarianceScaling
from bpnet.data.random import epoch_order, generator
from bpnet.nn.initializers import INITIALIZERS

FANS = (300, 500)

KNOWN = {"weights": [4199531922, 594183422, 2343498936], "order": [5, 0, 4, 2, 1, 3]}

MOMENTS = {
    "zeros": (0.0, 0.0),
    "ones": (1.0, 0.0),
    "normal": (0.0, 0.05**2),
    "uniform": (0.0, 0.05**2 / 3),
    "random_normal": (0.0, 0.05**2),
    "random_uniform": (0.0, 0.05**2 / 3),
    "glorot_normal": (0.0, 2 / (300 + 500)),
    "glorot_uniform": (0.0, 2 / (300 + 500)),
    "xavier_normal": (0.0, 2 / (300 + 500)),
    "xavier_uniform": (0.0, 2 / (300 + 500)),
    "he_normal": (0.0, 2 / 300),
    "he_uniform": (0.0, 2 / 300),
    "lecun_normal": (0.0, 1 / 300),
    "lecun_uniform": (0.0, 1 / 300),
}


def first_weights(initializer, backend="numpy", dtype="float64", seed=0):
    layer = Dense(FANS[1], kernel_initializer=initializer, bias_initializer="ones")
    return Sequential([Input(FANS[:1]), layer], backend=backend, dtype=dtype, seed=seed).get_weights()


@pytest.mark.parametrize("name", INITIALIZERS)
def test_mean_and_variance(name):
    """150,000 draws: the mean is within 5 standard errors, the variance within 5 · √2 / √n of itself."""
    mean, variance = MOMENTS[name]
    w, b = first_weights(name)
    assert abs(w.mean() - mean) <= 5 * np.sqrt(variance / w.size)
    assert abs(w.var() - variance) <= 5 * np.sqrt(2 / w.size) * variance
    if "uniform" in name:
        assert np.abs(w).max() <= np.sqrt(3 * variance)
    assert (b == 1).all()


def test_the_given_parameters_are_taken():
    assert (first_weights(Constant(3.0))[0] == 3.0).all()
    w = first_weights(Uniform(2.0, 5.0))[0]
    assert 2.0 <= w.min() < 2.01
    assert 4.99 < w.max() <= 5.0
    assert first_weights(Normal(7.0, 0.1))[0].mean() == pytest.approx(7.0, abs=0.01)
    assert first_weights(VarianceScaling(4.0, "average"))[0].var() == pytest.approx(4 / 400, rel=0.02)


def test_the_same_bits_on_every_backend(backend, dtype):
    for here, reference in zip(first_weights("he_normal", backend, dtype), first_weights("he_normal"), strict=True):
        assert here.dtype == dtype
        assert np.array_equal(here, reference.astype(dtype))


def test_seeds_and_layers_draw_apart():
    assert not np.array_equal(first_weights("normal", seed=0)[0], first_weights("normal", seed=1)[0])
    model = Sequential([Input((4,)), Dense(4), Dense(4)], backend="numpy")
    assert not np.array_equal(model.get_weights()[0], model.get_weights()[2])


def test_a_layer_more_does_not_change_the_weights_before_it():
    short = Sequential([Input((4,)), Dense(4)], backend="numpy")
    long = Sequential([Input((4,)), Dense(4), Dense(9)], backend="numpy")
    assert np.array_equal(short.get_weights()[0], long.get_weights()[0])


def test_the_streams_stay_what_they_are():
    """Known answers: a change here would change every seeded run of every user."""
    assert generator(0, "weights", 0, "w").integers(0, 2**32, 3).tolist() == KNOWN["weights"]
    assert epoch_order(0, 0, 6, 6, shuffle=True).tolist() == KNOWN["order"]


def test_the_order_of_an_epoch():
    order = epoch_order(3, 1, rows=5, length=12, shuffle=True)
    assert len(order) == 12
    assert sorted(order[:5]) == sorted(order[5:10]) == [0, 1, 2, 3, 4]
    assert order[:5].tolist() != order[5:10].tolist()
    assert epoch_order(3, 0, 5, 12, shuffle=False).tolist() == [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1]
    assert epoch_order(3, 1, 5, 12, shuffle=False)[:4].tolist() == [2, 3, 4, 0], "it goes on where epoch 0 ended"
    assert epoch_order(3, 7, 5, 5, shuffle=False).tolist() == [0, 1, 2, 3, 4]
