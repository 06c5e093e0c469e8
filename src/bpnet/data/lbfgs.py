"""L-BFGS by SciPy, on the host in float64.

A point whose loss is not finite is shown to the line search as a wall: a value far above the first loss, and flat. A
wall of infinite height ends it, because its interpolation then knows no step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

WALL = 1e3
"""How high, in units of the first loss or of 1."""


def require_scipy() -> Any:
    """`scipy.optimize`, or ImportError with the mend."""
    try:
        import scipy.optimize
    except ImportError as error:
        raise ImportError(
            f"optimizer: LBFGS needs SciPy, which cannot be imported ({error}). Mend: pip install scipy; bpnet's extra "
            "`cpu` brings it too: pip install '.[cpu]' in bpnet's folder"
        ) from error
    return scipy.optimize


def minimize(
    value_and_gradient: Callable[[np.ndarray], tuple[float, np.ndarray]],
    theta: np.ndarray,
    after_iteration: Callable[[np.ndarray], None],
    iterations: int,
    options: Mapping[str, float],
) -> tuple[bool, str]:
    """Up to `iterations` iterations from theta: has it converged, and why it ended, in SciPy's words.

    When `after_iteration(theta)` is called, `value_and_gradient` was last called at that theta. Either may raise to
    end it.
    """
    last = start = np.asarray(theta, dtype=np.float64)
    wall: float | None = None

    def evaluate(at: np.ndarray) -> tuple[float, np.ndarray]:
        nonlocal last, wall
        last = at.copy()
        value, gradient = value_and_gradient(last)
        gradient = np.asarray(gradient, dtype=np.float64)
        if wall is None:
            wall = WALL * max(abs(value), 1.0)
        elif not (np.isfinite(value) and np.isfinite(gradient).all()):
            return wall, np.zeros_like(gradient)
        return value, gradient

    def after(at: np.ndarray) -> None:
        assert np.array_equal(at, last)  # the last point of a line search is the one it accepts
        after_iteration(at.copy())

    result = require_scipy().minimize(
        evaluate,
        start,
        jac=True,
        method="L-BFGS-B",
        callback=after,
        options={**options, "maxiter": iterations},
    )
    return bool(result.success), str(result.message)
