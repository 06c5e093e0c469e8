"""PyTorch with its whole step, gather and cursor included, in one CUDA graph; or with several steps in one."""

from __future__ import annotations

from bpnet_benchmarks.contenders.contender import Run
from bpnet_benchmarks.contenders.torch_net import Torch, TorchRun
from bpnet_benchmarks.problem import Problem

WARM_UP = 3
"""Steps before the capture, on a stream of their own, as PyTorch asks for; they are undone after it."""


TOGETHER = 16
"""Steps in a graph where there are several."""


class GraphRun(TorchRun):
    """A replayed graph; a cursor on the GPU tells it which batch is next.

    The warm-up is on the stream of the capture, so that autograd meets no other stream in the graph.
    """

    def __init__(self, problem: Problem, device: str, tf32: bool, steps: int) -> None:
        super().__init__(problem, device, tf32)
        self.steps_per_call = steps
        torch = self._torch
        self._optimizer = self._adam(capturable=True)
        self._offsets = torch.arange(problem.batch, device=self._device)
        self._cursor = torch.zeros((), dtype=torch.int64, device=self._device)
        parameters = list(self._net.parameters())
        first = [parameter.detach().clone() for parameter in parameters]
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(WARM_UP):
                self._eager_step()
        torch.cuda.current_stream().wait_stream(stream)
        self._optimizer.zero_grad(set_to_none=True)  # so that the graph allocates the gradients in its own pool
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph, stream=stream):
            for _ in range(steps):
                self._eager_step()
        self._restart(first)

    def step(self) -> None:
        """Replay."""
        self._graph.replay()

    def _eager_step(self) -> None:
        self._optimizer.zero_grad(set_to_none=True)
        self.loss(self._order[self._cursor + self._offsets]).backward()
        self._optimizer.step()
        self._cursor.add_(self._problem.batch).remainder_(self._problem.rows)

    def _restart(self, first: list[object]) -> None:
        """Undo the warm-up in place: the graph keeps the addresses."""
        with self._torch.no_grad():
            for parameter, value in zip(self._net.parameters(), first, strict=True):
                parameter.copy_(value)
                for moment in self._optimizer.state[parameter].values():
                    moment.zero_()
            self._cursor.zero_()


class Graph(Torch):
    """PyTorch, captured once and replayed."""

    def __init__(self, name: str, *, tf32: bool = False, many: bool = False) -> None:
        super().__init__(name, "cuda", tf32=tf32)
        self.many = many
        self.modes = ("step",) if many else Torch.modes

    def prepare(self, problem: Problem) -> Run:
        """A network whose step is captured."""
        return GraphRun(problem, self.device, self.tf32, min(TOGETHER, problem.steps_together) if self.many else 1)


GRAPH = Graph("torch-graph")
MANY = Graph("torch-graph-many", many=True)
TF32 = Graph("torch-graph-tf32", tf32=True)
