"""What a model of an ensemble has to be equal to: its own single run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from bpnet import Model
from bpnet.ensembles.ensemble import Ensemble

WITHIN = {"float64": 1e-10, "float32": 1e-4}
"""Sums are rounded in another order: some 1e-16 a step, which a few dozen steps of training enlarge."""


def vectors(model: Model) -> list[np.ndarray]:
    """All that training goes on from."""
    network, to_numpy = model.network, model.backend.to_numpy
    own = [network.theta, network.state, network.keys, *model.bind()[1].vectors()]
    return [np.array(to_numpy(vector)) for vector in own]


def require_equal(member: Model, single: Model, x: np.ndarray) -> None:
    """Weights, states, keys, moments, t, rate, epochs, predictions and the history."""
    within = WITHIN[single.dtype]
    for own, expected in zip(vectors(member), vectors(single), strict=True):
        np.testing.assert_allclose(
            own, expected, rtol=0, atol=within * max(1.0, float(np.abs(expected).max(initial=0)))
        )
    assert member.learning_rate == single.learning_rate
    assert member.epochs_seen == single.epochs_seen
    np.testing.assert_allclose(member.predict(x), single.predict(x), rtol=0, atol=within)
    assert member.history is not None
    assert single.history is not None
    require_equal_figures(member.history.history, single.history.history, within)


def require_equal_figures(found: Any, expected: Any, within: float) -> None:
    """The same names, and figures."""
    assert list(found) == list(expected)
    for name, figures in expected.items():
        np.testing.assert_allclose(found[name], figures, rtol=within, atol=within, err_msg=name)


def singles(ensemble: Ensemble, x: Any, y: Any, folds: Sequence[Any] | None = None, **how: Any) -> list[Model]:
    """The models of a fresh ensemble, each trained alone."""
    found = []
    for k in range(len(ensemble)):
        model = ensemble.member(k)
        rows = slice(None) if folds is None else folds[k]
        weight = how.get("sample_weight")
        own = how if weight is None else how | {"sample_weight": weight[rows]}
        model.fit(x[rows], y[rows], verbose=0, **own)
        found.append(model)
    return found
