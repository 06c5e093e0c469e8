"""JAX with many steps compiled into one call by lax.scan."""

from __future__ import annotations

from typing import Any

from bpnet_benchmarks.contenders.contender import Run
from bpnet_benchmarks.contenders.jax_net import Jax, JaxRun
from bpnet_benchmarks.problem import Problem


class ScanRun(JaxRun):
    """On the CPU a call makes as many steps as are compared with the reference: 20, or fewer of long ones.

    On a GPU, where a call costs more than a small step, it makes a pass over the data, or the same where that is more.
    """

    def __init__(self, problem: Problem, platform: str) -> None:
        super().__init__(problem, platform)
        on_cpu = platform == "cpu"
        self.steps_per_call = problem.workload.checked_steps(problem.batch) if on_cpu else problem.steps_together
        self._updates = self._jax.jit(self._scan, donate_argnums=0)

    def step(self) -> None:
        """One call, of `steps_per_call` steps."""
        self._state = self._updates(self._state, self._data)

    def _scan(self, state: Any, data: Any) -> Any:
        def body(state: Any, _: None) -> tuple[Any, None]:
            return self.update(state, data), None

        return self._jax.lax.scan(body, state, None, length=self.steps_per_call)[0]


class Scan(Jax):
    """JAX, a call for many steps."""

    modes = ("step",)

    def prepare(self, problem: Problem) -> Run:
        """The state and the compiled loop."""
        return ScanRun(problem, self.platform)


CPU = Scan("jax-scan", "cpu")
CUDA = Scan("jax-scan-cuda", "cuda")
