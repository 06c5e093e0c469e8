"""JAX with the whole step compiled: one call a step."""

from __future__ import annotations

from bpnet_benchmarks.contenders.contender import Run
from bpnet_benchmarks.contenders.jax_net import Jax, JaxRun
from bpnet_benchmarks.problem import Problem


class JitRun(JaxRun):
    """jit of the update, its state donated."""

    def __init__(self, problem: Problem, platform: str) -> None:
        super().__init__(problem, platform)
        self._update = self._jax.jit(self.update, donate_argnums=0)

    def step(self) -> None:
        """One call."""
        self._state = self._update(self._state, self._data)


class Jit(Jax):
    """JAX, a call a step."""

    def prepare(self, problem: Problem) -> Run:
        """The state and the compiled update."""
        return JitRun(problem, self.platform)


CPU = Jit("jax", "cpu")
CUDA = Jit("jax-cuda", "cuda")
