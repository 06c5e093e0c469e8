"""Copies from page-locked memory on a stream of their own, beside the work of the current stream.

    current stream   … step i-1 │ step i ……………… │ wait for copied │ step i+1
    copy stream                 │ copy of i+1 → copied

The copy begins once what was launched before it has run (an event of the current stream), because that may still read
its target; the current stream waits for the copy only where it is told to.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from math import prod
from typing import Any

import numpy as np


class Copying:
    """A copy that is under way: `event` is recorded after it. `select` makes its GPU the thread's current one."""

    def __init__(self, event: Any, current: Callable[[], Any], select: Callable[[], Any]) -> None:
        self._event = event
        self._current = current
        self._select = select

    def ready(self) -> None:
        """What is launched from now on waits for the copy; the host does not."""
        self._current().wait_event(self._event)

    def wait(self) -> None:
        """Let the host wait until the source has been read. A new thread is on GPU 0, maybe another process's."""
        self._select()
        self._event.synchronize()


class WithUploads(ABC):
    """What a device adds to its other work to be one of `device.Uploading`."""

    def free_memory(self) -> int:
        """The bytes that could still be allocated."""
        return self._uploads.free_memory()

    def pinned(self, shape: Sequence[int], dtype: str) -> Any:
        """A NumPy array in page-locked memory, which lives as long as the array."""
        return self._uploads.pinned(shape, dtype)

    def upload(self, source: Any, target: Any) -> Copying:
        """Begin to copy `source`, from `pinned`, to the contiguous array `target`."""
        return self._uploads.upload(source, target)

    @cached_property
    def _uploads(self) -> CuPyUploads | TorchUploads:
        return self._new_uploads()

    @abstractmethod
    def _new_uploads(self) -> CuPyUploads | TorchUploads:
        """The library's, with a stream, when they are first asked for."""


class CuPyUploads:
    """By CuPy; `gpu` is the `cupy.cuda.Device`."""

    def __init__(self, cupy: Any, gpu: Any) -> None:
        self._cupy = cupy
        self._gpu = gpu
        with gpu:
            self._stream = cupy.cuda.Stream(non_blocking=True)

    def free_memory(self) -> int:
        """What the driver has, and what CuPy's pool holds for later."""
        free, _ = self._cupy.cuda.runtime.memGetInfo()
        return int(free) + int(self._cupy.get_default_memory_pool().free_bytes())

    def pinned(self, shape: Sequence[int], dtype: str) -> Any:
        """A NumPy array in page-locked memory, which lives as long as the array."""
        memory = self._cupy.cuda.alloc_pinned_memory(max(1, prod(shape) * np.dtype(dtype).itemsize))
        return np.frombuffer(memory, dtype, prod(shape)).reshape(shape)

    def upload(self, source: Any, target: Any) -> Copying:
        """Begin to copy `source` to the contiguous `target`."""
        cuda = self._cupy.cuda
        launched = cuda.Event(disable_timing=True)
        launched.record(cuda.get_current_stream())
        self._stream.wait_event(launched)
        target.data.copy_from_host_async(source.ctypes.data, source.nbytes, self._stream)
        copied = cuda.Event(disable_timing=True)
        copied.record(self._stream)
        return Copying(copied, cuda.get_current_stream, self._gpu.use)


class TorchUploads:
    """By PyTorch; `device` is the `torch.device`."""

    def __init__(self, torch: Any, device: Any) -> None:
        self._torch = torch
        self._device = device
        self._stream = torch.cuda.Stream(device)

    def free_memory(self) -> int:
        """What the driver has, and what PyTorch's allocator holds for later."""
        cuda, device = self._torch.cuda, self._device
        free, _ = cuda.mem_get_info(device)
        return int(free) + int(cuda.memory_reserved(device)) - int(cuda.memory_allocated(device))

    def pinned(self, shape: Sequence[int], dtype: str) -> Any:
        """A NumPy array in page-locked memory, which lives as long as the array."""
        return self._torch.empty(tuple(shape), dtype=getattr(self._torch, dtype), pin_memory=True).numpy()

    def upload(self, source: Any, target: Any) -> Copying:
        """Begin to copy `source` to the contiguous `target`."""
        torch = self._torch
        self._stream.wait_stream(self._current())
        with torch.cuda.stream(self._stream):
            target.copy_(torch.from_numpy(source), non_blocking=True)
            copied = self._stream.record_event()
        return Copying(copied, self._current, partial(torch.cuda.set_device, self._device))

    def _current(self) -> Any:
        return self._torch.cuda.current_stream(self._device)
