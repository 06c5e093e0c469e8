"""A device without kernels: NumPy's memory, which counts what is asked of it."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any

import array_api_compat.numpy
import numpy as np

from bpnet_backends.on_cuda.device import Launch, Matrix, Memory
from bpnet_backends.on_numpy.recording import root


class NumPyDevice:
    name = "wrapped-numpy"
    description = "CPU"
    xp: Any = array_api_compat.numpy

    def asarray(self, x: Any, dtype: str) -> Any:
        return np.array(x, dtype=dtype, order="C")

    def to_numpy(self, x: Any) -> Any:
        return np.array(x)

    def synchronize(self) -> None:
        pass

    def memory_of(self, array: Any) -> Memory:
        owner = root(array)
        return Memory(owner, owner.ctypes.data, owner.nbytes)

    def address_of(self, array: Any) -> int:
        address: int = array.ctypes.data
        return address

    def allocate(self, size: int) -> Memory:
        return self.memory_of(np.empty(size, np.uint8))

    def view(self, memory: Memory, offset: int, dtype: str, shape: Sequence[int], strides: Sequence[int]) -> Any:
        buffer = (ctypes.c_char * max(memory.size, 1)).from_address(memory.address)
        buffer.owner = memory.owner  # which lives as long as what looks into it
        return np.ndarray(shape, dtype, buffer, offset, strides)

    def load(self, text: str, names: Sequence[str]) -> list[Any]:
        raise NotImplementedError

    def launch(self, launch: Launch) -> None:
        raise NotImplementedError

    def product(self, a: Matrix, b: Matrix, c: Matrix) -> Callable[[], None]:
        raise NotImplementedError

    def graph(self, work: Callable[[], None]) -> Callable[[], None]:
        raise NotImplementedError
