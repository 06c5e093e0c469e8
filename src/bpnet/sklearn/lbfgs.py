"""L-BFGS on all samples, by SciPy on the host; the loss and its gradient come from the device.

A sparse matrix is made dense in parts, whose gradients are added up.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from bpnet.backend import Array
from bpnet.data.lbfgs import require_scipy
from bpnet.nn.op import zeros
from bpnet.sklearn.objective import WeightedObjective
from bpnet.sklearn.placed import write
from bpnet.sklearn.rows import by_rows, dense, is_sparse, parts


class FullBatch:
    """L(θ) and its gradient over all samples."""

    def __init__(self, objective: WeightedObjective, x: Any, y: np.ndarray, weight: np.ndarray | None) -> None:
        self._objective = objective
        self._network = network = objective.network
        self._backend = backend = network.backend
        self._loss = zeros(backend, (), "float64")
        self._y = backend.asarray(y, objective.target_type)
        self._weight = None if weight is None else backend.asarray(weight, network.dtype)
        self._total = objective.total(self._weight, int(x.shape[0]))
        if is_sparse(x):
            self._x = by_rows(x)
            self._gradient = backend.xp.zeros_like(network.grad)
            self._parts = parts(x)
            self._buffer = zeros(backend, (self._parts[0].stop, x.shape[1]), network.dtype)
            self._of_part = [backend.capture(self._part(part)) for part in self._parts]
            self._evaluate: Callable[[], None] = self._in_parts
        else:
            self._buffer = backend.asarray(x, network.dtype)
            self._evaluate = backend.capture(self._at_once)

    def __call__(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """The loss and its gradient, in float64. Waits for the device."""
        write(self._network, theta)
        self._evaluate()
        to_numpy = self._backend.to_numpy
        return float(to_numpy(self._loss)), np.asarray(to_numpy(self._network.grad), dtype=np.float64)

    def _at_once(self) -> None:
        value = self._objective.gradient(self._buffer, self._y, self._weight, self._total)
        self._loss[...] = self._with_penalty(value)

    def _in_parts(self) -> None:
        self._loss[...] = 0.0
        self._gradient[...] = 0.0
        for part, learn in zip(self._parts, self._of_part, strict=True):
            rows = dense(self._x[part])
            self._buffer[: len(rows), ...] = self._backend.asarray(rows, self._network.dtype)
            learn()
        self._network.grad[...] = self._gradient
        self._loss[...] = self._with_penalty(self._loss)

    def _part(self, part: slice) -> Callable[[], None]:
        x, y = self._buffer[: part.stop - part.start, ...], self._y[part, ...]
        weight = None if self._weight is None else self._weight[part]

        def learn() -> None:
            value = self._objective.gradient(x, y, weight, self._total)
            self._loss[...] = self._loss + self._backend.xp.astype(value, self._backend.xp.float64)
            self._gradient[...] = self._gradient + self._network.grad

        return learn

    def _with_penalty(self, value: Array) -> Array:
        value = self._backend.xp.astype(value, self._backend.xp.float64)
        if not self._objective.alpha:
            return value
        return value + self._backend.xp.astype(self._objective.add_penalty(self._total), self._backend.xp.float64)


def minimize(
    loss: Callable[[np.ndarray], tuple[float, np.ndarray]],
    theta: np.ndarray,
    after_iteration: Callable[[Any], None],
    max_iter: int,
    options: dict[str, float],
) -> tuple[np.ndarray, float, int]:
    """The theta that SciPy ends at, its loss, and the number of iterations; ConvergenceWarning where it gave up."""
    result = require_scipy().minimize(
        loss,
        np.asarray(theta, dtype=np.float64),
        jac=True,
        method="L-BFGS-B",
        callback=after_iteration,
        options={**options, "maxiter": max_iter},
    )
    iterations = min(int(result.nit), max_iter)
    if result.status != 0:
        more = f"a larger max_iter than {max_iter}, or " if iterations == max_iter else ""
        warnings.warn(
            f"lbfgs failed to converge after {iterations} iteration(s) (status={result.status}): {result.message}. "
            f"Mend: {more}inputs that are scaled to a standard deviation of 1",
            ConvergenceWarning,
            stacklevel=4,
        )
    return result.x, float(result.fun), iterations
