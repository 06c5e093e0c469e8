"""Memory of an emulated GPU: NumPy's, full of NaN, with margins that nobody may write into."""

from __future__ import annotations

import ctypes
import weakref
from typing import Any

import numpy as np

from bpnet_backends.on_cuda.device import Memory

ALIGNED = 256
MARGIN = 1024
"""Bytes before and behind each allocation."""
NOTHING = 0xFF
"""What a byte holds that nobody has written: NaN in each float type, -1 in each integer type."""
UNTOUCHED = bytes([NOTHING]) * (MARGIN + ALIGNED)

memcmp = ctypes.CDLL(None).memcmp  # after each launch all margins are compared: NumPy's calls took a fifth of the time
memcmp.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t)


class Allocations:
    """What is in use of `capacity` bytes."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._live: weakref.WeakValueDictionary[int, np.ndarray] = weakref.WeakValueDictionary()
        self._margins: dict[int, list[tuple[int, int]]] = {}
        """Addresses and sizes."""

    @property
    def used(self) -> int:
        """Bytes that somebody still holds."""
        return sum(array.nbytes for array in self._live.values())

    def allocate(self, size: int) -> Memory:
        """`size` bytes, each of them `NOTHING`."""
        free = self.capacity - self.used
        if size > free:
            raise MemoryError(f"memory: {size} bytes were asked of the GPU, which has {free} left")
        whole = np.full(size + 2 * MARGIN + ALIGNED, NOTHING, np.uint8)
        start = MARGIN + -(whole.ctypes.data + MARGIN) % ALIGNED
        # From a buffer, so that it is the end of the chain of what its views lie in.
        inner = np.frombuffer(memoryview(whole)[start : start + size], np.uint8) if size else np.empty(0, np.uint8)
        key = id(inner)
        self._live[key] = inner
        self._margins[key] = [(whole.ctypes.data, start), (whole.ctypes.data + start + size, whole.size - start - size)]
        weakref.finalize(inner, self._forget, key, whole)
        return Memory(inner, inner.ctypes.data, size)

    def _forget(self, key: int, whole: np.ndarray) -> None:
        """`whole` has lived until here, as its margins are looked at."""
        del self._margins[key]

    def check(self) -> None:
        """AssertionError: something was written into a margin."""
        for key, inner in list(self._live.items()):
            if any(memcmp(margin, UNTOUCHED, size) for margin, size in self._margins[key]):
                raise AssertionError(f"something was written outside of an allocation of {inner.nbytes} bytes")


def memory_of(array: Any) -> Memory:
    """The whole allocation that a NumPy array lies in."""
    if not isinstance(array, np.ndarray):
        raise TypeError(f"array: {type(array).__name__} was given, which lies nowhere in memory; expected an array")
    root = array
    while isinstance(root.base, np.ndarray):
        root = root.base
    return Memory(root, root.ctypes.data, root.nbytes)


def view(memory: Memory, offset: int, dtype: str, shape: Any, strides: Any) -> np.ndarray:
    """An array on this memory. ValueError: it would reach beyond."""
    everything = memory.owner.reshape(-1, order="A").view(np.uint8)
    return np.ndarray(tuple(shape), dtype, everything, offset, tuple(strides))
