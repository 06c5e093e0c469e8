"""Random numbers on the device: the same bits everywhere, the right shares, and layers that use them."""

from __future__ import annotations

import numpy as np
import pytest

from bpnet import Dense, Dropout, GaussianNoise, Input, Sequential, gradient_check
from bpnet.backend import Backend
from bpnet.nn.random import advance, kept, quantiles, random_bits, signed, standard_normal
from parity.arrays import normal

KNOWN = [0xBDD732262FEB6E95, 0x28EFE333B266F103, 0x47526757130F9F52]
"""The first outputs of SplitMix64 with the seed 42."""

MASK = (1 << 64) - 1


def split_mix(key: int, count: int) -> list[int]:
    """In Python's unbounded integers."""
    found = []
    for i in range(count):
        z = (key + (i + 1) * 0x9E3779B97F4A7C15) & MASK
        z = ((z ^ z >> 30) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ z >> 27) * 0x94D049BB133111EB) & MASK
        found.append(z ^ z >> 31)
    return found


def test_known_answers(backend: Backend) -> None:
    assert split_mix(42, 3) == KNOWN
    found = backend.to_numpy(random_bits(backend, backend.asarray(42, "int64"), (3,)))
    assert found.tolist() == [signed(bits) for bits in KNOWN]


@pytest.mark.parametrize("key", [0, 1, -1, signed(0x8000000000000000), signed(0x7FFFFFFFFFFFFFFF), signed(KNOWN[0])])
def test_bits(key: int, backend: Backend) -> None:
    found = backend.to_numpy(random_bits(backend, backend.asarray(key, "int64"), (10_000,)))
    assert found.tolist() == [signed(bits) for bits in split_mix(key & MASK, 10_000)]


@pytest.mark.parametrize("share", [0.5, 0.8, 0.1])
def test_masks_are_the_same_everywhere_and_keep_their_share(share: float, backend: Backend) -> None:
    found = backend.to_numpy(kept(backend, backend.asarray(7, "int64"), (400, 250), share))
    expected = [bits >> 32 < round(share * 2**32) for bits in split_mix(7, 100_000)]
    assert found.ravel().tolist() == expected
    # the share of 100,000 draws is within 4 standard deviations, √(q (1 - q) / n), of q
    assert abs(found.mean() - share) < 4 * np.sqrt(share * (1 - share) / 100_000)


def test_noise_is_normal_and_the_same_everywhere(backend: Backend, dtype: str) -> None:
    key = backend.asarray(3, "int64")
    noise = standard_normal(backend, key, (200_000,), getattr(backend.xp, dtype))
    found = backend.to_numpy(noise)
    table = np.array(quantiles()).astype(dtype)
    np.testing.assert_array_equal(found, table[[bits >> 48 for bits in split_mix(3, 200_000)]])
    # of n draws the mean, the variance and the share beyond 2 are within 4 standard deviations of the exact ones
    assert abs(found.mean()) < 4 / np.sqrt(200_000)
    assert abs(found.var() - 1) < 4 * np.sqrt(2 / 200_000)
    assert abs((np.abs(found) > 2).mean() - 0.0455) < 4 * np.sqrt(0.0455 / 200_000)


def test_the_next_draw_is_another(backend: Backend) -> None:
    key = backend.asarray(5, "int64")
    first = backend.to_numpy(random_bits(backend, key, (1000,)))
    advance(key)
    second = backend.to_numpy(random_bits(backend, key, (1000,)))
    assert not set(first.tolist()) & set(second.tolist())


def test_dropout(backend: Backend, dtype: str) -> None:
    model = Sequential([Input((500,)), Dropout(0.25)], backend=backend, dtype=dtype, seed=1)
    x = np.ones((200, 500))
    np.testing.assert_array_equal(model.predict(x), x)
    network = model.network
    outputs = []
    for _ in range(2):
        (y,), tape = network.forward([backend.asarray(x, dtype)], train=True)
        (dx,) = network.graph.backward(network.p, tape, [y], network.g, need_dinputs=True)
        outputs.append(backend.to_numpy(y))
        values = sorted(set(outputs[-1].ravel().tolist()))
        assert values == [0.0, pytest.approx(4 / 3)]
        np.testing.assert_allclose(backend.to_numpy(dx), outputs[-1] * (4 / 3), rtol=1e-6)
        assert abs((outputs[-1] > 0).mean() - 0.75) < 4 * np.sqrt(0.75 * 0.25 / x.size)
    assert (outputs[0] != outputs[1]).mean() == pytest.approx(2 * 0.75 * 0.25, abs=0.01)


def test_layers_and_seeds_have_streams_of_their_own() -> None:
    def masks(seed: int) -> list[np.ndarray]:
        model = Sequential([Input((400,)), Dropout(0.5), Dropout(0.5)], backend="numpy", seed=seed)
        return [np.asarray(p.key) for p in model.network.p]

    keys = [int(key) for seed in (0, 1) for key in masks(seed)]
    assert len(set(keys)) == 4


def test_derivatives_with_noise_in_the_network(backend: Backend) -> None:
    layers = [Dense(8, "tanh"), Dropout(0.3), Dense(6, "tanh"), GaussianNoise(0.5), Dense(1)]
    model = Sequential([Input((3,)), *layers], backend=backend, dtype="float64", seed=4)
    model.compile("sgd", "mse")
    report = gradient_check(model, normal("random: x", 30, 3), normal("random: y", 30, 1))
    assert report.ok, report


def test_a_run_with_noise_is_the_same_on_every_backend(backend: Backend) -> None:
    def run(on: Backend | str) -> list[float]:
        layers = [Dense(16, "tanh"), Dropout(0.4), GaussianNoise(0.1), Dense(1)]
        model = Sequential([Input((3,)), *layers], backend=on, dtype="float64", seed=2)
        model.compile("adam", "mse")
        x = normal("random: run", 64, 3)
        return model.fit(x, x.sum(axis=1), batch_size=10, epochs=4, verbose=0).history["loss"]

    np.testing.assert_allclose(run(backend), run("numpy"), rtol=1e-9)
