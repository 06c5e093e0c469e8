"""PyTorch with torch.compile: the compiled forward, loss and backward, then the fused Adam."""

from __future__ import annotations

import os
from shutil import which

from bpnet_benchmarks.contenders.contender import Run
from bpnet_benchmarks.contenders.torch_net import Torch, TorchRun
from bpnet_benchmarks.problem import Problem

COMPILERS = ("g++", "clang++", "c++")


class CompiledRun(TorchRun):
    """The loss is compiled, and with it its backward; Adam is one kernel already, and slower when compiled."""

    def __init__(self, problem: Problem, device: str, tf32: bool = False) -> None:
        super().__init__(problem, device, tf32)
        self._compiled = self._torch.compile(self.loss)

    def step(self) -> None:
        """Forward and backward compiled, update fused."""
        self._optimizer.zero_grad(set_to_none=True)
        self._compiled(self.next_rows()).backward()
        self._optimizer.step()


class Compiled(Torch):
    """PyTorch with its compiler."""

    modes = ("step", "start")

    def why_not(self) -> str | None:
        """The compiler of torch.compile needs one of C++."""
        if "CXX" not in os.environ and not any(map(which, COMPILERS)):
            return f"torch.compile needs a C++ compiler, and none of {', '.join(COMPILERS)} is here. Mend: install g++"
        return super().why_not()

    def prepare(self, problem: Problem) -> Run:
        """A network, compiled at its first step."""
        return CompiledRun(problem, self.device, self.tf32)


CPU = Compiled("torch-compiled", "cpu")
CUDA = Compiled("torch-compiled-cuda", "cuda")
