"""A `Device` on the CPU: kernels compiled by g++, memory of NumPy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import array_api_compat.numpy as xp
import numpy as np

from bpnet_backends.on_cuda.device import Launch, Matrix, Memory
from emulator import compiled, memory


@dataclass
class Counts:
    """How often what was asked for."""

    allocations: int = 0
    launches: int = 0
    products: int = 0
    graphs: int = 0
    replays: int = 0
    waits: int = 0


class EmulatedDevice:
    """It does at once what is launched. A graph keeps the launches and products, and only those."""

    name = "emulated"
    description = "an emulated GPU"
    xp: Any = xp

    def __init__(self, capacity: int = 2**34, backwards: bool = False) -> None:
        self.counts = Counts()
        self.allocations = memory.Allocations(capacity)
        self.backwards = backwards
        """Blocks and threads in the opposite order: another result shows a race."""
        self._noted: list[Callable[[], None]] | None = None

    def asarray(self, x: Any, dtype: str) -> np.ndarray:
        """A contiguous copy."""
        self._refuse_capture("asarray")
        host = np.array(x, dtype=dtype, order="C")
        strides = np.empty(host.shape, dtype).strides
        array = memory.view(self.allocate(host.nbytes), 0, dtype, host.shape, strides)
        array[...] = host
        return array

    def to_numpy(self, x: Any) -> np.ndarray:
        """A copy."""
        self.synchronize()
        return np.array(x)

    def synchronize(self) -> None:
        """There is nothing to wait for, but it is counted."""
        self._refuse_capture("synchronize")
        self.counts.waits += 1

    def memory_of(self, array: Any) -> Memory:
        """The whole allocation that an array lies in."""
        return memory.memory_of(array)

    def address_of(self, array: Any) -> int:
        """Where its first element lies."""
        memory.memory_of(array)
        return int(array.ctypes.data)

    def allocate(self, size: int) -> Memory:
        """Memory full of NaN."""
        self._refuse_capture("allocate")
        self.counts.allocations += 1
        return self.allocations.allocate(size)

    def view(self, memory_: Memory, offset: int, dtype: str, shape: Sequence[int], strides: Sequence[int]) -> Any:
        """An array on this memory."""
        return memory.view(memory_, offset, dtype, shape, strides)

    def load(self, text: str, names: Sequence[str]) -> list[Any]:
        """The kernels of these names."""
        self._refuse_capture("load")
        return list(compiled.load(text, names))

    def launch(self, launch: Launch) -> None:
        """Run a kernel, and look whether it wrote where it must not."""

        def run() -> None:
            self.counts.launches += 1
            launch.kernel(launch.grid, launch.block, launch.arguments, self.backwards)
            self.allocations.check()

        self._do(run)

    def product(self, a: Matrix, b: Matrix, c: Matrix) -> Callable[[], None]:
        """NumPy's."""
        left, right, out = (self._stack(matrix) for matrix in (a, b, c))
        if not a.dtype == b.dtype == c.dtype or out.shape != (*left.shape[:2], right.shape[2]):
            raise ValueError(f"product: of {a} and {b} in {c}")

        def run() -> None:
            self.counts.products += 1
            out[...] = np.matmul(left, right)

        return lambda: self._do(run)

    def graph(self, work: Callable[[], None]) -> Callable[[], None]:
        """What `work` launches, to be launched again; RuntimeError where it asks for what no graph can hold."""
        self._refuse_capture("graph")
        self._noted = noted = []
        try:
            work()
        finally:
            self._noted = None
        self.counts.graphs += 1

        def replay() -> None:
            self.counts.replays += 1
            for launch in noted:
                launch()

        return replay

    def _do(self, run: Callable[[], None]) -> None:
        if self._noted is None:
            run()
        else:
            self._noted.append(run)

    def _refuse_capture(self, what: str) -> None:
        if self._noted is not None:
            raise RuntimeError(f"{what} was called while a graph is captured")

    def _stack(self, matrix: Matrix) -> Any:
        strides = [n * np.dtype(matrix.dtype).itemsize for n in (matrix.over, matrix.down, matrix.along)]
        shape = (matrix.stack, matrix.rows, matrix.columns)
        return memory.view(matrix.memory, matrix.offset, matrix.dtype, shape, strides)
