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

    def __init__(self, device: Device, reason: str, precision: str) -> None:
        super().__init__(device)
        self.kernels = {}
        strict = "" if precision == "strict" else f", with matrix products in IEEE float32 instead of {precision}"
        self._warning: str | None = (
            f"steps run one operation at a time, many times slower than they could{strict}: {reason}"
        )

    def capture(self, step: Callable[[], None]) -> Callable[[], None]:
        """The step as written, launched anew each time."""
        if self._warning is not None:
            warnings.warn(self._warning, RuntimeWarning, stacklevel=3)
            self._warning = None
        return step


def backend_on(device: Device, library: Kernels, precision: str = "strict") -> CudaBackend:
    """The backend on a device of that precision; `library` are kernels of the array library, for what ours leave."""
    reason = obstacle()
    made = CudaBackend(device) if reason is None else EagerBackend(device, reason, precision)
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
