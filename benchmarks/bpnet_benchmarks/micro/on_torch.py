"""PyTorch for the measurements; and, without graphs, what only it is asked for: large products and copies."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from bpnet_benchmarks.contenders.torch_net import use_precision
from bpnet_benchmarks.micro.gpu import EMPTY, TINY, Work


class PyTorch:
    """On a stream of its own, which is the current one from here on; IEEE float32."""

    def __init__(self) -> None:
        import torch

        if not torch.cuda.is_available():
            raise RuntimeError(f"PyTorch {torch.__version__} finds no NVIDIA GPU")
        self._torch: Any = torch
        self._stream = self._torch.cuda.Stream()
        torch.cuda.set_stream(self._stream)
        use_precision(torch, tf32=False)
        self.versions = {"torch": torch.__version__, "CUDA": str(torch.version.cuda)}

    def synchronize(self) -> None:
        """Wait for the device."""
        self._torch.cuda.synchronize()

    def nodes(self) -> Mapping[str, Callable[[], Work]]:
        """An empty kernel, an addition to one element, and the tiny product by `torch.mm(…, out=…)`."""
        return {"empty kernel": self._empty, "add to one element": self._add, "tiny product, mm": self._product}

    def graph(self, work: Work) -> Work:
        """By PyTorch's own capture."""
        graph = self._torch.cuda.CUDAGraph()
        with self._torch.cuda.graph(graph, stream=self._stream):
            work()
        replay: Work = graph.replay
        return replay

    def event(self) -> Any:
        """Recorded on the stream."""
        event = self._torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    def seconds_between(self, first: Any, last: Any) -> float:
        """PyTorch tells milliseconds."""
        return float(first.elapsed_time(last)) / 1e3

    def products(self, side: int) -> Iterator[tuple[str, Work]]:
        """c = a b of random squares, by the name of the precision."""
        torch = self._torch
        for name, dtype in (("float32", torch.float32), ("tf32", torch.float32), ("bf16", torch.bfloat16),
                            ("float64", torch.float64)):  # fmt: skip
            use_precision(torch, tf32=name == "tf32")
            a, b = (torch.randn(side, side, device="cuda").to(dtype) for _ in range(2))
            c = torch.empty_like(a)
            yield name, partial(torch.mm, a, b, out=c)
        use_precision(torch, tf32=False)

    def copies(self, size: int) -> Iterator[tuple[str, Work]]:
        """Copies of `size` bytes: on the device, from the host's pinned memory, and from its other memory."""
        torch = self._torch
        source, target = (torch.ones(size, dtype=torch.uint8, device="cuda") for _ in range(2))
        yield "on the device", lambda: target.copy_(source)
        host = torch.ones(size, dtype=torch.uint8).pin_memory()
        yield "from pinned memory", lambda: target.copy_(host, non_blocking=True)
        pageable = torch.ones(size, dtype=torch.uint8)
        yield "from pageable memory", lambda: target.copy_(pageable)

    def _empty(self) -> Work:
        kernel = self._torch.cuda._compile_kernel(EMPTY, "empty")
        return lambda: kernel(grid=(1, 1, 1), block=(1, 1, 1), args=[])

    def _add(self) -> Work:
        x = self._torch.zeros(1, device="cuda")
        return lambda: x.add_(1)

    def _product(self) -> Work:
        rows, inputs, outputs = TINY
        a, b = self._torch.randn(rows, inputs, device="cuda"), self._torch.randn(inputs, outputs, device="cuda")
        c = self._torch.empty(rows, outputs, device="cuda")
        return lambda: self._torch.mm(a, b, out=c)
