"""A backend on a GPU whose steps run as they are written, because nothing can be compiled for it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

from bpnet_backends.on_cuda.backend import CudaBackend
from bpnet_backends.on_cuda.compiler import obstacle
from bpnet_backends.on_cuda.device import Device

Kernels = Mapping[str, Callable[..., Any]]


class EagerBackend(CudaBackend):
    """The library's operations one by one. The first step that would have been captured tells why, and the mend."""

    def __init__(self, device: Device, reason: str) -> None:
        super().__init__(device)
        self.kernels = {}
        self._reason: str | None = reason

    def capture(self, step: Callable[[], None]) -> Callable[[], None]:
        """The step as written, launched anew each time."""
        if self._reason is not None:
            text = f"steps run one operation at a time, many times slower than they could: {self._reason}"
            warnings.warn(text, RuntimeWarning, stacklevel=3)
            self._reason = None
        return step


def backend_on(device: Device, library: Kernels) -> CudaBackend:
    """The backend on a device; `library` are kernels of the array library, for what ours leave to it."""
    reason = obstacle()
    made = CudaBackend(device) if reason is None else EagerBackend(device, reason)
    ours = made.kernels
    made.kernels = {name: _first(ours.get(name), library.get(name)) for name in {**ours, **library}}
    return made


def _first(ours: Callable[..., Any] | None, theirs: Callable[..., Any] | None) -> Callable[..., Any]:
    """Our kernel, and the library's where ours returns NotImplemented or is none."""
    if ours is None or theirs is None:
        kernel = ours or theirs
        assert kernel is not None
        return kernel

    def kernel_of_either(be: Any, *args: Any, **kwargs: Any) -> Any:
        made = ours(be, *args, **kwargs)
        return theirs(be, *args, **kwargs) if made is NotImplemented else made

    return kernel_of_either
