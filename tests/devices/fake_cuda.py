"""CUDA's streams and driver on the CPU: kernels are those of the emulator, and a stream that is captured notes them."""

import ctypes
import re
from collections.abc import Callable
from enum import IntEnum

from emulator import compiled


class Streams:
    """What was done on which stream, and what is noted on those that are captured."""

    def __init__(self):
        self.captured: dict[int, list[Callable[[], None]]] = {}
        self.done: list[int] = []

    def do(self, stream: int, run: Callable[[], None]) -> None:
        """Run it, or note it."""
        if stream in self.captured:
            self.captured[stream].append(run)
        else:
            self.done.append(stream)
            run()


class CUresult(IntEnum):
    CUDA_SUCCESS = 0
    CUDA_ERROR_INVALID_VALUE = 1
    CUDA_ERROR_OUT_OF_MEMORY = 2
    CUDA_ERROR_NOT_FOUND = 500


class FakeDriver:
    """`cuda.bindings.driver`. An image is the text of kernels; `calls` are the names of the functions called."""

    CUresult = CUresult

    def __init__(self, streams: Streams) -> None:
        self.streams = streams
        self.calls: list[str] = []
        self.fails_with = CUresult.CUDA_SUCCESS

    def cuGetErrorString(self, result):  # noqa: N802
        return CUresult.CUDA_SUCCESS, result.name.lower().encode()

    def cuModuleLoadData(self, image):  # noqa: N802
        self.calls.append("cuModuleLoadData")
        return self.fails_with, None if self.fails_with else image.rstrip(b"\0").decode()

    def cuModuleGetFunction(self, module, name):  # noqa: N802
        self.calls.append("cuModuleGetFunction")
        entries = re.findall(r"__global__ void (?:__launch_bounds__\([^)]*\) )?(\w+)\(", module)
        defined = dict(re.findall(r"#define (\w+) (\w+)", module))
        names = [defined.get(entry, entry) for entry in entries]
        if name.decode() not in names:
            return CUresult.CUDA_ERROR_NOT_FOUND, None
        return CUresult.CUDA_SUCCESS, compiled.load(module, names)[names.index(name.decode())]

    def cuStreamCreate(self, flags):  # noqa: N802
        self.calls.append("cuStreamCreate")
        assert flags == 1, "CU_STREAM_NON_BLOCKING"
        return CUresult.CUDA_SUCCESS, 1000 + len(self.calls)

    def cuLaunchKernel(self, kernel, gx, gy, gz, bx, by, bz, shared, stream, parameters, extra):  # noqa: N802
        self.calls.append("cuLaunchKernel")
        assert (gz, bz, shared, extra) == (1, 1, 0, 0)
        kinds = kernel._kinds
        addresses = (ctypes.c_uint64 * len(kinds)).from_address(parameters)
        values = [
            (ctypes.c_double if kind == "d" else ctypes.c_int64).from_address(address).value
            for kind, address in zip(kinds, addresses, strict=True)
        ]
        if not self.fails_with:
            self.streams.do(stream, lambda: kernel((gx, gy), (bx, by), values))
        return (self.fails_with,)
