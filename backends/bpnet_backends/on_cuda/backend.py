"""The nine members of a backend on an NVIDIA GPU, for any library that is a `Device`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bpnet_backends.on_cuda import tracing
from bpnet_backends.on_cuda.arrays import Array
from bpnet_backends.on_cuda.captured import Captured
from bpnet_backends.on_cuda.device import Device, Upload, Uploading
from bpnet_backends.on_cuda.namespace import namespace
from bpnet_backends.on_cuda.ops import KERNELS


class CudaBackend:
    """A library's arrays on one GPU. Outside captured steps each operation is the library's own."""

    kernels: Mapping[str, Callable[..., Any]] = KERNELS

    def __init__(self, device: Device) -> None:
        self._device = device
        self.name = device.name
        self.device = device.description
        self.xp: Any = namespace(device)
        if isinstance(device, Uploading):
            uploading: Uploading = device
            self.free_memory = uploading.free_memory
            self.pinned = uploading.pinned

            def upload(source: Any, target: Any) -> Upload:
                return uploading.upload(source, target.own)

            self.upload = upload

    def asarray(self, x: Any, dtype: str) -> Array:
        """An array of its own memory on the GPU."""
        return tracing.constant(self._device, self._device.asarray(x, dtype))

    def to_numpy(self, x: Any) -> Any:
        """A copy in the host's memory; waits for the device."""
        tracing.stop("to_numpy")
        return self._device.to_numpy(x.own)

    def fuse(self, f: Callable[..., Any]) -> Callable[..., Any]:
        """The formula as written: in a captured step its operations are merged with their neighbours anyway."""
        return f

    def capture(self, step: Callable[[], None]) -> Callable[[], None]:
        """The step, compiled to a few kernels when it is first called, and a CUDA graph from the second call on."""
        return Captured(step, self._device)

    def synchronize(self) -> None:
        """Wait until the device has finished what was launched."""
        self._device.synchronize()
