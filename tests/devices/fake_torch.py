"""What is used of torch.cuda, for tensors on the CPU; as strict as PyTorch about devices and about captures."""

from contextlib import contextmanager
from types import SimpleNamespace
from weakref import WeakSet, ref

import torch

STREAMS = 32
"""Of PyTorch's, which it gives in turn."""


class Graph:
    """torch.cuda.CUDAGraph."""

    def __init__(self, cuda):
        self.cuda, self.noted = cuda, []

    def replay(self):
        for run in self.noted:
            self.cuda.streams.do(self.cuda.current, run)


class FakeCUDA:
    """`used` are the devices selected; `captures` says whether there can be graphs.

    `pools` are those that PyTorch's allocator believes to be captured for, each with its graph, which it does not own.
    """

    OutOfMemoryError = torch.cuda.OutOfMemoryError

    def __init__(self, streams):
        self.graphs = WeakSet()
        self.streams, self.used, self.current, self.modes, self.captures = streams, [], 7, [], True
        self.pools, self.released, self.made, self.streams_made = {}, [], 0, 0

    def current_device(self):
        return 0

    def set_device(self, device):
        if device.type == "cuda" and device.index is None:
            raise ValueError(f"Expected a torch.device with a specified index or an integer, but got:{device}")
        self.used.append(str(device))

    def synchronize(self, device=None):
        self.used.append("waited")

    def get_device_name(self, device):
        return "a GPU"

    def get_device_capability(self, device):
        return 9, 0

    def mem_get_info(self, device):
        return 1000, 2000

    def memory_reserved(self, device):
        return 500

    def memory_allocated(self, device):
        return 200

    def current_stream(self, device=None):
        return SimpleNamespace(cuda_stream=self.current)

    def set_stream(self, stream):
        self.current = stream.cuda_stream

    def Stream(self, device):  # noqa: N802
        self.streams_made += 1
        return SimpleNamespace(cuda_stream=100 + self.streams_made % STREAMS)

    def ExternalStream(self, pointer, device):  # noqa: N802
        return SimpleNamespace(cuda_stream=pointer)

    def CUDAGraph(self):  # noqa: N802
        return Graph(self)

    def graph_pool_handle(self):
        self.made += 1
        return (0, self.made)

    def end_allocation(self, device, pool):
        """torch._C._cuda_endAllocateToPool."""
        if self.pools.pop(pool, None) is None:
            raise RuntimeError("endAllocatePool: not currently recording to mempool_id")

    def release_pool(self, device, pool):
        """torch._C._cuda_releasePool."""
        self.released.append(pool)

    @contextmanager
    def graph(self, cuda_graph, pool, stream, capture_error_mode="global"):
        assert all(graph() is not None for graph in self.pools.values()), "the allocator asks a graph that is gone"
        if self.pools:  # by torch.cuda.empty_cache
            raise RuntimeError("captures_underway.empty() INTERNAL ASSERT FAILED")
        graph = cuda_graph
        others = [other for other in self.graphs if other.stream == stream.cuda_stream]
        assert not others, "two graphs share cuBLAS's workspace, which goes with the first of them"
        graph.stream = stream.cuda_stream
        self.graphs.add(graph)
        self.modes.append(capture_error_mode)
        self.pools[pool] = ref(graph)
        before, self.current = self.current, stream.cuda_stream
        if not self.captures:
            raise RuntimeError("operation not permitted when stream is capturing")
        self.streams.captured[self.current] = graph.noted
        try:
            yield
        except Exception:
            del self.streams.captured[self.current]
            raise RuntimeError("the capture was invalidated") from None  # and the stream is left as it is
        del self.streams.captured[self.current]
        self.end_allocation(None, pool)
        self.current = before
