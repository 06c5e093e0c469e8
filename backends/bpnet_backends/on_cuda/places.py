"""Where the arrays of a traced step lie on the device: in memory that was there before, or in the step's workspace."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np

from bpnet_backends.fusion.products import leading
from bpnet_backends.on_cuda.device import Device, Matrix, Memory
from bpnet_backends.on_cuda.kernel import Pointer
from bpnet_backends.on_cuda.preparation import over
from bpnet_backends.on_numpy.recording import root


class Places:
    """Stand-ins to places; `offsets` are those of roots in the workspace."""

    def __init__(
        self, device: Device, before: Mapping[int, Memory], workspace: Memory, offsets: Mapping[int, int]
    ) -> None:
        self._device = device
        self._before = before
        self._workspace = workspace
        self._offsets = offsets

    def memory(self, array: np.ndarray, address: int) -> tuple[Memory, int]:
        """The memory of the array, and how many bytes into it that address is which the stand-in has."""
        owner = root(array)
        distance = address - owner.ctypes.data
        if id(owner) in self._offsets:
            return self._workspace, self._offsets[id(owner)] + distance
        return self._before[id(owner)], distance

    def address(self, pointer: Pointer) -> int:
        """Where that is on the device."""
        memory, offset = self.memory(pointer.array, pointer.address)
        return memory.address + offset

    def view(self, array: np.ndarray) -> Any:
        """The array of the library."""
        memory, offset = self.memory(array, array.ctypes.data)
        return self._device.view(memory, offset, array.dtype.name, array.shape, array.strides)

    def matrix(self, x: np.ndarray, stack: tuple[int, ...]) -> Matrix:
        """The array as a stack of matrices of that shape."""
        memory, offset = self.memory(x, x.ctypes.data)
        lead, turned = leading(x[(0,) * (x.ndim - 2)])
        distance = over(x, stack)
        assert distance is not None, "factors were copied where they lie unevenly"
        down, along = (1, lead) if turned else (lead, 1)
        rows, columns = x.shape[-2:]
        return Matrix(memory, offset, x.dtype.name, prod(stack), rows, columns, distance, down, along)
