"""What is used of torch.cuda, for tensors on the CPU."""

from contextlib import contextmanager
from types import SimpleNamespace

import torch


class FakeCUDA:
    """`used` are the devices selected; `captures` says whether there can be graphs."""

    OutOfMemoryError = torch.cuda.OutOfMemoryError

    def __init__(self, streams):
        self.streams, self.used, self.current, self.modes, self.captures = streams, [], 7, [], True

    def set_device(self, device):
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
        return SimpleNamespace(cuda_stream=8)

    def CUDAGraph(self):  # noqa: N802
        graph = SimpleNamespace(noted=[])
        graph.replay = lambda: [self.streams.do(self.current, run) for run in graph.noted]
        return graph

    @contextmanager
    def graph(self, graph, stream, capture_error_mode):
        self.modes.append(capture_error_mode)
        if not self.captures:
            raise RuntimeError("operation not permitted when stream is capturing")
        before, self.current = self.current, stream.cuda_stream
        self.streams.captured[self.current] = graph.noted
        try:
            yield
        except Exception:
            del self.streams.captured[self.current]
            raise RuntimeError("the capture was invalidated") from None  # and the stream is left as it is
        del self.streams.captured[self.current]
        self.current = before
