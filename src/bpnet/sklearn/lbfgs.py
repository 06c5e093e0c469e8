"""L-BFGS on all samples, by SciPy on the host; the loss and its gradient come from the device.

A sparse matrix is made dense in parts, whose gradients are added up.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from bpnet.backend import Array
from bpnet.data.lbfgs import require_scipy
from bpnet.nn.op import zeros
from bpnet.sklearn.objective import WeightedObjective
from bpnet.sklearn.placed import write
from bpnet.sklearn.rows import RowsFromHost, is_sparse, parts
from bpnet.sklearn.warned import warn


class FullBatch:
    """L(θ) and its gradient over all samples."""

    def __init__(self, objective: WeightedObjective, x: Any, y: np.ndarray, weight: np.ndarray | None) -> None:
        self._objective = objective
        self._network = network = objective.network
        self._backend = backend = network.backend
        self._loss = zeros(backend, (), "float64")
        targets = backend.asarray(y, objective.target_type)
        weights = None if weight is None else backend.asarray(weight, network.dtype)
        self._total = objective.total(weights, int(x.shape[0]))
        if is_sparse(x):
            self._gradient = backend.xp.zeros_like(network.grad)
            self._sizes = [part.stop - part.start for part in parts(x)]
            self._order = np.arange(x.shape[0])
            self._rows = RowsFromHost(backend, x, targets, weights, self._sizes[0], network.dtype)
            self._of_part = {size: backend.capture(self._part(size)) for size in set(self._sizes)}
            self._evaluate: Callable[[], None] = self._in_parts
        else:
            self._all = backend.asarray(x, network.dtype), targets, weights
            self._evaluate = backend.capture(self._at_once)

    def __call__(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """The loss and its gradient, in float64. Waits for the device."""
        write(self._network, theta)
        self._evaluate()
        to_numpy = self._backend.to_numpy
        return float(to_numpy(self._loss)), np.asarray(to_numpy(self._network.grad), dtype=np.float64)

    def _at_once(self) -> None:
        value = self._objective.gradient(*self._all, self._total)
        self._loss[...] = self._with_penalty(value)

    def _in_parts(self) -> None:
        self._loss[...] = 0.0
        self._gradient[...] = 0.0
        self._rows.begin_epoch(self._order)
        for size in self._sizes:
            self._rows.bring(size)
            self._of_part[size]()
        self._network.grad[...] = self._gradient
        self._loss[...] = self._with_penalty(self._loss)

    def _part(self, size: int) -> Callable[[], None]:
        take, xp = self._rows.taker(size), self._backend.xp

        def learn() -> None:
            value = self._objective.gradient(*take(), self._total)
            self._loss[...] = self._loss + xp.astype(value, xp.float64)
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
        warn(
            f"lbfgs failed to converge after {iterations} iteration(s) (status={result.status}): {result.message}. "
            f"Mend: {more}inputs that are scaled to a standard deviation of 1",
            ConvergenceWarning,
        )
    return result.x, float(result.fun), iterations
