"""Every loss and its gradient with respect to the prediction: with and without weights, as a mean and as a sum."""

from __future__ import annotations

import numpy as np
import pytest

from bpnet.backend import Backend
from bpnet.nn.losses import LOSSES, reduce_loss
from parity.arrays import Agree, Results, autograd, host
from parity.loss_cases import CASES, LABELS, SETTINGS, N, Z, weighed


def test_every_loss_has_a_case() -> None:
    assert {type(case.loss()) for case in CASES.values()} == set(LOSSES.values())


def test_no_hinge_term_is_near_its_kink() -> None:
    for margin in (1.0, 0.5):
        terms = Z - Z[np.arange(N), LABELS][:, None] + margin
        assert np.abs(terms).min() > 1e-4


@pytest.mark.parametrize("name", CASES)
def test_loss(name: str, agree: Agree) -> None:
    case = CASES[name]

    def run(backend: Backend, dtype: str) -> Results:
        values, gradients = [], []
        for weight, reduction in SETTINGS:
            loss = case.loss(reduction=reduction)
            y = backend.asarray(case.y, "int64" if loss.targets == "labels" else dtype)
            losses, dp = loss.bind(backend)(y, backend.asarray(case.p, dtype))
            on_device = None if weight is None else backend.asarray(weight, dtype)
            value, gradient = reduce_loss(backend, losses, dp, on_device, 1.0 / N if reduction == "mean" else 1.0)
            values.append(value)
            gradients.append(gradient)
        return {"forward": host(backend, dtype, *values), "backward": host(backend, dtype, *gradients)}

    def reference() -> Results:
        results = [
            autograd(lambda p: weighed(case.per_sample(p), weight, reduction), [case.p])  # noqa: B023 - called here
            for weight, reduction in SETTINGS
        ]
        return {way: [array for result in results for array in result[way]] for way in ("forward", "backward")}

    agree("loss", name, run, reference)
