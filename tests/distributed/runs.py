"""A run of one process, and the same run shared by ranks that are threads, as plain facts that can be compared."""

from dataclasses import dataclass

import numpy as np

from bpnet import Model
from threads import on_ranks

TOLERANCE = 1e-10
"""What the issue asks of whole runs. One sum in another order costs some 1e-16, a few hundred steps let it grow."""


@dataclass
class Outcome:
    theta: np.ndarray
    state: np.ndarray
    keys: np.ndarray
    optimizer: list
    history: dict
    predictions: np.ndarray


def outcome(model: Model, x) -> Outcome:
    backend, network = model.backend, model.network
    vectors = [backend.to_numpy(getattr(network, name)) for name in ("theta", "state", "keys")]
    optimizer = [backend.to_numpy(vector) for vector in model.bind()[1].vectors()]
    predicted = model.predict(x, verbose=0)
    predictions = np.concatenate(predicted, axis=-1) if isinstance(predicted, list) else predicted
    return Outcome(*vectors, optimizer, dict(model.history.history), predictions)


def run(make, x, *given, communicator=None, **options) -> Outcome:
    model = make()
    model.fit(x, *given, verbose=0, distributed=communicator, **options)
    sample = x if isinstance(x, np.ndarray | list) else x.x
    return outcome(model, sample)


def on(size, make, x, *given, **options) -> list[Outcome]:
    """The outcome on each rank; `options` may have a function `callbacks` that makes them."""
    return on_ranks(size, lambda communicator: run(make, x, *given, communicator=communicator, **made(options)))


def alone(make, x, *given, **options) -> Outcome:
    return run(make, x, *given, **made(options))


def made(options):
    return {name: value() if name == "callbacks" else value for name, value in options.items()}


def require_same(one: Outcome, ranks, tolerance=TOLERANCE):
    for other in ranks:
        for name in ("theta", "state", "predictions"):
            close(getattr(other, name), getattr(one, name), tolerance, name)
        for mine, theirs in zip(other.optimizer, one.optimizer, strict=True):
            close(mine, theirs, tolerance, "optimizer")
        assert (other.keys == one.keys).all(), "keys"
        assert list(other.history) == list(one.history)
        for name, row in one.history.items():
            close(np.array(other.history[name]), np.array(row), tolerance, name)
    first, *others = ranks
    for other in others:
        assert (other.theta == first.theta).all(), "the ranks have other bits"
        assert (other.state == first.state).all(), "the ranks have other bits"
        assert other.history == first.history


def close(found, expected, tolerance, name):
    assert found.shape == expected.shape, name
    scale = max(1.0, float(np.abs(expected).max(initial=0)))
    worst = float(np.abs(found - expected).max(initial=0)) / scale
    assert worst <= tolerance, f"{name}: off by {worst:.2g}"
