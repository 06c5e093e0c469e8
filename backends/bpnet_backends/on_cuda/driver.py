"""Modules, functions and launches by CUDA's driver, on the context that the array library has made."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from bpnet_backends.on_cuda.compiler import INSTALL
from bpnet_backends.on_cuda.device import Launch


class Module:
    """Compiled kernels on the current GPU; what it loaded stays as long as the process."""

    def __init__(self, code: bytes) -> None:
        (self._handle,) = _checked("cuModuleLoadData", code if code.startswith(b"\x7fELF") else code + b"\0")

    def function(self, name: str) -> Any:
        """The handle of the kernel `name`, as `launch` takes it."""
        (function,) = _checked("cuModuleGetFunction", self._handle, name.encode())
        return function


def launch(work: Launch, stream: int) -> None:
    """Start a kernel on a stream, and do not wait."""
    values, pointers = packed(work.arguments)
    _checked("cuLaunchKernel", work.kernel, *work.grid, 1, *work.block, 1, 0, stream, pointers.ctypes.data, 0)
    del values  # the driver has copied them


def new_stream() -> int:
    """A stream that does not wait for the legacy default one; it stays as long as the process."""
    (stream,) = _checked("cuStreamCreate", 1)  # CU_STREAM_NON_BLOCKING
    return int(stream)


def packed(arguments: Sequence[int | float]) -> tuple[Any, Any]:
    """The arguments, 8 bytes each, and the address of each; both arrays have to live until the launch returns."""
    values = np.empty(len(arguments), np.int64)
    floats = values.view(np.float64)
    for place, argument in enumerate(arguments):
        if isinstance(argument, float):
            floats[place] = argument
        else:
            values[place] = argument
    return values, np.arange(len(arguments), dtype=np.uint64) * 8 + values.ctypes.data


def _checked(name: str, *arguments: Any) -> tuple[Any, ...]:
    """What a function of the driver returns behind its result code, which has to be success."""
    driver = _driver()
    result, *values = getattr(driver, name)(*arguments)
    if result == driver.CUresult.CUDA_SUCCESS:
        return tuple(values)
    _, meaning = driver.cuGetErrorString(result)
    text = f"{name} failed with {getattr(result, 'name', result)}" + (f" ({meaning.decode()})" if meaning else "")
    if result == driver.CUresult.CUDA_ERROR_OUT_OF_MEMORY:
        raise MemoryError(text)
    raise RuntimeError(text)


@cache
def _driver() -> Any:
    try:
        from cuda.bindings import driver
    except ImportError as error:
        raise ImportError(f"the package cuda-bindings cannot be imported ({error}). {INSTALL}") from error
    return driver
