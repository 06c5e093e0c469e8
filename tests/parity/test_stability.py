"""Cross-entropies of logits of ±10,000: finite losses, finite gradients of the right sign, and not one warning."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bpnet import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    Dense,
    Input,
    Sequential,
    SparseCategoricalCrossentropy,
)
from bpnet.backend import Backend
from bpnet.nn.activations import ACTIVATIONS
from bpnet.nn.losses import EPSILON, CrossEntropy
from bpnet.training.objective import Objective
from bpnet.training.terms import terms

BIG = 1e4
Z = np.array([[BIG, -BIG], [-BIG, BIG], [BIG, -BIG], [-BIG, BIG]])
LABELS = np.array([0, 1, 1, 0])
"""The first two samples are classified right, the other two wrong, with all certainty."""
ROWS = np.eye(2)[LABELS]

LOSSES: dict[str, tuple[type[CrossEntropy], np.ndarray]] = {
    "binary": (BinaryCrossentropy, ROWS),
    "categorical": (CategoricalCrossentropy, ROWS),
    "sparse categorical": (SparseCategoricalCrossentropy, LABELS),
}
# The loss of a wrong sample: binary, the mean over two outputs that are each wrong by 10,000; else their difference.
FROM_LOGITS = {"binary": BIG, "categorical": 2 * BIG, "sparse categorical": 2 * BIG}

pytestmark = pytest.mark.parametrize("name", LOSSES)


@pytest.fixture
def target(name: str, backend: Backend, dtype: str) -> Any:
    kind, y = LOSSES[name]
    return backend.asarray(y, "int64" if kind.targets == "labels" else dtype)


def test_from_logits(name: str, target: Any, backend: Backend, dtype: str) -> None:
    kind, _ = LOSSES[name]
    losses, dz = kind(from_logits=True).bind(backend)(target, backend.asarray(Z, dtype))
    assert backend.to_numpy(losses).tolist() == [0.0, 0.0, FROM_LOGITS[name], FROM_LOGITS[name]]
    share = 0.5 if name == "binary" else 1.0
    assert backend.to_numpy(dz).tolist() == (share * ((Z > 0) - ROWS)).tolist()


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_from_probabilities(name: str, target: Any, smoothing: float, backend: Backend, dtype: str) -> None:
    kind, _ = LOSSES[name]
    head = ACTIVATIONS[str(kind.head)].bind(backend)
    p, kept = head.forward(backend.asarray(Z, dtype))
    losses, dp = kind(label_smoothing=smoothing).bind(backend)(target, p)
    dz = backend.to_numpy(head.backward(kept, dp))
    losses, dp = backend.to_numpy(losses), backend.to_numpy(dp)
    assert np.isfinite(losses).all()
    assert np.isfinite(dp).all()
    assert np.isfinite(dz).all()
    # A probability stays EPSILON away from 0 and 1; in float32, whose spacing below 1 is 6e-8, from 1 by 1.2e-7.
    if not smoothing:
        highest = -np.log(EPSILON)
        assert losses == pytest.approx([0.0, 0.0, highest, highest], rel=0.02, abs=2e-7)
    own = ROWS == 1
    share = 0.5 if name == "binary" else 1.0
    assert dp[2:][own[2:]] == pytest.approx([-share * (1 - smoothing / 2) / EPSILON] * 2, rel=1e-5)
    if name == "binary":
        assert (dp[2:][~own[2:]] > 1e6).all()


def test_model_with_its_own_head(name: str, target: Any, backend: Backend, dtype: str) -> None:
    kind, _ = LOSSES[name]
    layer = Dense(2, kind.head, kernel_initializer="zeros")
    model = Sequential([Input((2,)), layer], backend=backend, dtype=dtype)
    model.set_weights([np.eye(2) * BIG, np.zeros(2)])
    objective = Objective(model.network, terms(model.output_names, kind()))
    value, *_ = objective.value_and_gradient((backend.asarray(Z / BIG, dtype),), (target,), None)
    assert float(backend.to_numpy(value)) == FROM_LOGITS[name] / 2  # half of the samples are wrong
    gradient = backend.to_numpy(model.network.grad)
    share = 0.5 if name == "binary" else 1.0
    dz = share * ((Z > 0) - ROWS) / len(Z)
    expected = np.concatenate([((Z / BIG).T @ dz).ravel(), dz.sum(axis=0)])
    assert gradient.tolist() == pytest.approx(expected.tolist())
