"""The held-out part of early stopping: how it is split off, and the score and the loss on it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.model_selection import train_test_split

from bpnet.sklearn.objective import WeightedObjective
from bpnet.sklearn.rows import by_rows, dense, is_sparse, parts


def split(
    y: np.ndarray, share: float, *, stratify: bool, random_state: np.random.RandomState
) -> tuple[np.ndarray, np.ndarray]:
    """The rows to train on and those held out, with scikit-learn's draws."""
    rows = np.arange(len(y))
    left, out = train_test_split(rows, random_state=random_state, test_size=share, stratify=y if stratify else None)
    if len(out) < 2:
        raise ValueError("The validation set is too small. Increase 'validation_fraction' or the size of your dataset.")
    return left, out


class HeldOut:
    """The samples to stop by, on the device of a network in training; dense parts of them where x is sparse.

    `labels` are y as the score takes it.
    """

    def __init__(
        self, objective: WeightedObjective, x: Any, y: np.ndarray, weight: np.ndarray | None, labels: np.ndarray
    ) -> None:
        network = objective.network
        self.labels = labels
        self.weight = weight
        self._objective = objective
        self._backend = backend = network.backend
        self._given = x
        self._parts = parts(x)
        self._x = by_rows(x) if is_sparse(x) else backend.asarray(x, network.dtype)
        self._y = backend.asarray(y, objective.target_type)
        self._weight = None if weight is None else backend.asarray(weight, network.dtype)
        samples = float(x.shape[0])
        self._total = 1.0 if not objective.is_mean else samples if weight is None else float(weight.sum())

    def outputs(self) -> np.ndarray:
        """What the network says, last activation included. Waits for the device."""
        network = self._objective.network
        return np.concatenate(self._of_each(lambda x, y, weight: network.forward((x,), train=False)[0][0]))

    def loss(self) -> float:
        """Σ wₙ lₙ / Σ wₙ, without the penalty. Waits for the device."""
        return float(sum(self._of_each(self._objective.value))) / self._total

    def score(self, scorer: Callable[..., Any], estimator: Any) -> float:
        """What the scorer finds for the estimator's present weights."""
        asked = copy.copy(estimator)
        vars(asked).pop("feature_names_in_", None)  # the part has no names, and need not be warned of
        given = {} if self.weight is None else {"sample_weight": self.weight}
        return float(scorer(asked, self._given, self.labels, **given))

    def _of_each(self, function: Callable[..., Any]) -> list[np.ndarray]:
        found = []
        for part in self._parts:
            if is_sparse(self._x):
                x = self._backend.asarray(dense(self._x[part]), self._objective.network.dtype)
            else:
                x = self._x[part, ...]
            weight = None if self._weight is None else self._weight[part]
            found.append(np.asarray(self._backend.to_numpy(function(x, self._y[part, ...], weight))))
        return found
