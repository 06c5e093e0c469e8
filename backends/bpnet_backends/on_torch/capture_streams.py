"""A stream for each graph that lives, on which it is captured.

A graph of PyTorch's holds the address of cuBLAS's workspace, which PyTorch keeps for each stream. Newer versions let it
go when any graph captured on that stream dies, whatever other graphs still need it (pytorch issue 193402); older ones
never do. So no two living graphs share a stream, and that of a graph that has died is used again.
"""

from __future__ import annotations

import weakref
from functools import cache
from typing import Any

from bpnet_backends.on_cuda import driver


class CaptureStreams:
    """Of one GPU."""

    def __init__(self, cuda: Any, device: Any) -> None:
        self._cuda = cuda
        self._device = device
        self._idle: list[Any] = []
        self._known: set[int] = set()

    def stream_for(self, graph: Any) -> Any:
        """A stream that is this graph's as long as it lives."""
        stream = self._idle.pop() if self._idle else self._another()
        weakref.finalize(graph, self._idle.append, stream)
        return stream

    def _another(self) -> Any:
        stream = self._cuda.Stream(self._device)
        if stream.cuda_stream in self._known:  # PyTorch has 32 of them, which it gives in turn
            stream = self._cuda.ExternalStream(driver.new_stream(), self._device)
        self._known.add(stream.cuda_stream)
        return stream


@cache
def streams_of(cuda: Any, device: Any) -> CaptureStreams:
    """One for all that captures on the GPU; `cuda` is torch.cuda."""
    return CaptureStreams(cuda, device)
