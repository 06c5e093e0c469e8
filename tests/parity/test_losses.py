"""Every loss and its gradient with respect to the prediction: with and without weights, as a mean and as a sum."""

from __future__ import annotations

import numpy as np
import pytest

from bpnet.backend import Backend
from bpnet.nn.losses import LOSSES, reduce_loss
from parity.arrays import autograd, host
from parity.loss_cases import CASES, LABELS, WEIGHT, N, Z, weighed


def test_every_loss_has_a_case() -> None:
    assert {type(case.loss()) for case in CASES.values()} == set(LOSSES.values())


def test_no_hinge_term_is_near_its_kink() -> None:
    for margin in (1.0, 0.5):
        terms = Z - Z[np.arange(N), LABELS][:, None] + margin
        assert np.abs(terms).min() > 1e-4


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("name", CASES)
def test_loss(name: str, weight: np.ndarray | None, reduction: str, agree) -> None:
    case = CASES[name]
    loss = case.loss(reduction=reduction)

    def run(backend: Backend, dtype: str) -> dict[str, list[np.ndarray]]:
        y = backend.asarray(case.y, "int64" if loss.targets == "labels" else dtype)
        losses, dp = loss.bind(backend)(y, backend.asarray(case.p, dtype))
        on_device = None if weight is None else backend.asarray(weight, dtype)
        value, gradient = reduce_loss(backend, losses, dp, on_device, 1.0 / N if reduction == "mean" else 1.0)
        return {"forward": host(backend, dtype, value), "backward": host(backend, dtype, gradient)}

    def reference() -> dict[str, list[np.ndarray]]:
        return autograd(lambda p: weighed(case.per_sample(p), weight, reduction), [case.p])

    agree("loss", name, run, reference)
