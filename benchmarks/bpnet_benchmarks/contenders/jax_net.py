"""What the JAX contenders share: the training step as one function of its state, and the data on a device."""

from __future__ import annotations

from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

import numpy as np

from bpnet_benchmarks.contenders.contender import Contender, Run, reason
from bpnet_benchmarks.contenders.jax_layers import logits
from bpnet_benchmarks.problem import Problem
from bpnet_benchmarks.reference import BETA_1, BETA_2, EPSILON, RATE


def use(platform: str) -> Any:
    """JAX on its device of `platform`, `cpu` or `cuda`; ImportError or RuntimeError where there is none."""
    if find_spec("jax") is None:
        raise ImportError("JAX is not installed. Mend: pip install '.[peers]'")
    import jax

    if platform == "cpu":
        jax.config.update("jax_platforms", platform)  # a GPU would be its default
    jax.config.update("jax_default_matmul_precision", "highest")  # IEEE float32, no TF32
    jax.devices(platform)
    return jax


class JaxRun(Run):
    """State: the weights, Adam's moments, the number of updates and the place in the order; all donated."""

    def __init__(self, problem: Problem, platform: str) -> None:
        self._jax = jax = use(platform)
        self._workload = problem.workload
        self._batch, self._rows = problem.batch, problem.rows
        put = jax.numpy.array
        self._data = (put(problem.x), put(problem.y, dtype="int32"), put(problem.order, dtype="int32"))
        weights = [put(array) for array in problem.weights]
        zeros = [jax.numpy.zeros_like(array) for array in weights]
        moments = [jax.numpy.zeros_like(array) for array in weights]
        self._state = (weights, zeros, moments, put(0, dtype="int32"), put(0, dtype="int32"))
        self._probabilities = jax.jit(lambda w, x: jax.nn.softmax(self._logits(w, x)))

    def synchronize(self) -> None:
        """Wait for the state."""
        self._jax.block_until_ready(self._state)

    def weights(self) -> list[np.ndarray]:
        """Copies."""
        return [np.array(array) for array in self._state[0]]

    def predict(self, x: np.ndarray) -> np.ndarray:
        """A compiled softmax of the logits."""
        return np.asarray(self._probabilities(self._state[0], x))

    def update(self, state: Any, data: Any) -> Any:
        """One training step: the state after it."""
        jax, (x, y, order) = self._jax, data
        weights, ms, vs, t, cursor = state
        rows = jax.lax.dynamic_slice(order, (cursor,), (self._batch,))
        g = jax.grad(self._loss)(weights, x[rows], y[rows])
        t = t + 1
        ms = [BETA_1 * m + (1 - BETA_1) * g for m, g in zip(ms, g, strict=True)]
        vs = [BETA_2 * v + (1 - BETA_2) * g * g for v, g in zip(vs, g, strict=True)]
        first, second = 1 - BETA_1**t, 1 - BETA_2**t
        weights = [
            w - RATE * (m / first) / (jax.numpy.sqrt(v / second) + EPSILON)
            for w, m, v in zip(weights, ms, vs, strict=True)
        ]
        return weights, ms, vs, t, (cursor + self._batch) % self._rows

    def _logits(self, weights: Any, h: Any) -> Any:
        return logits(self._jax, self._workload, weights, h)

    def _loss(self, weights: Any, x: Any, y: Any) -> Any:
        log_p = self._jax.nn.log_softmax(self._logits(weights, x))
        return -self._jax.numpy.take_along_axis(log_p, y[:, None], axis=1).mean()


class Jax(Contender):
    """JAX on a platform."""

    def __init__(self, name: str, platform: str) -> None:
        self.name = name
        self.platform = platform
        self.on_gpu = platform != "cpu"

    def why_not(self) -> str | None:
        """JAX is not installed, or has no such device."""
        return reason(lambda: use(self.platform))

    def versions(self) -> dict[str, str]:
        """JAX's and its compiler's."""
        return {"jax": version("jax"), "jaxlib": version("jaxlib")}
