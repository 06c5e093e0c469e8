"""CuPy for the measurements."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from bpnet_benchmarks.micro.cublaslt import Product
from bpnet_benchmarks.micro.gpu import EMPTY, TINY, Work


class CuPy:
    """On a non-blocking stream, which is the current one from here on."""

    def __init__(self) -> None:
        import cupy

        self._cupy = cupy
        self._stream = cupy.cuda.Stream(non_blocking=True)
        self._stream.use()
        self.versions = {"cupy": cupy.__version__, "CUDA": str(cupy.cuda.runtime.runtimeGetVersion())}

    def synchronize(self) -> None:
        """Wait for the device."""
        self._cupy.cuda.Device().synchronize()

    def nodes(self) -> Mapping[str, Callable[[], Work]]:
        """An empty kernel, an addition to one element, and the tiny product by cublasLt."""
        return {"empty kernel": self._empty, "add to one element": self._add, "tiny product, cublasLt": self._product}

    def graph(self, work: Work) -> Work:
        """By the stream's own capture."""
        self._stream.begin_capture()
        try:
            work()
        finally:
            graph = self._stream.end_capture()

        def replay() -> None:
            graph.launch(self._stream)

        return replay

    def event(self) -> Any:
        """Recorded on the stream."""
        event = self._cupy.cuda.Event()
        event.record(self._stream)
        return event

    def seconds_between(self, first: Any, last: Any) -> float:
        """CuPy tells milliseconds."""
        return float(self._cupy.cuda.get_elapsed_time(first, last)) / 1e3

    def _empty(self) -> Work:
        kernel = self._cupy.RawKernel(EMPTY, "empty")
        return lambda: kernel((1,), (1,), ())

    def _add(self) -> Work:
        x = self._cupy.zeros(1, "float32")
        return lambda: self._cupy.add(x, 1, out=x)

    def _product(self) -> Work:
        rows, inputs, outputs = TINY
        random = np.random.default_rng(0).standard_normal
        a, b = (self._cupy.asarray(random(shape, "float32")) for shape in ((rows, inputs), (inputs, outputs)))
        c = self._cupy.empty((rows, outputs), "float32")
        workspace = self._cupy.empty(4 << 20, "uint8")
        work = Product(TINY, a.data.ptr, b.data.ptr, c.data.ptr, workspace.data.ptr, workspace.nbytes, self._stream.ptr)
        work()
        if float(abs(c - a @ b).max()) > 1e-4:
            raise RuntimeError("cublasLt's product is wrong")
        self._kept = (a, b, c, workspace)
        return work
