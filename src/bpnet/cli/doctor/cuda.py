"""The CUDA versions of the driver, CuPy and PyTorch, and whether they fit together."""

from __future__ import annotations

import ctypes
import sys
from dataclasses import dataclass
from typing import Any

from bpnet.cli.doctor.fault import Fault
from bpnet.cli.doctor.library import Known, Library


@dataclass(frozen=True)
class Cuda:
    """CUDA versions as `major.minor`."""

    driver: Known
    """The newest that the NVIDIA driver supports."""
    cupy: Known
    """The runtime that CuPy uses."""
    torch: Known
    """The one that PyTorch was built with."""


def driver_version() -> Known:
    """The newest CUDA version that the NVIDIA driver supports."""
    name = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    try:
        library = ctypes.CDLL(name)
    except OSError as error:
        return Known(None, f"no NVIDIA driver ({error})")
    return version_of_driver(library)


def version_of_driver(library: Any) -> Known:
    """What `cuDriverGetVersion` of the loaded driver says."""
    number = ctypes.c_int(0)
    status = library.cuDriverGetVersion(ctypes.byref(number))
    if status != 0:
        return Known(None, f"cuDriverGetVersion returned the error {status}")
    return Known(dotted(number.value))


def cupy_version(cupy: Library) -> Known:
    """The CUDA runtime of CuPy."""
    if cupy.module is None:
        return Known(None, cupy.missing)
    try:
        return Known(dotted(cupy.module.cuda.runtime.runtimeGetVersion()))
    except Exception as error:
        return Known(None, f"CuPy could not tell: {type(error).__name__}: {error}")


def torch_version(torch: Library) -> Known:
    """The CUDA version that PyTorch was built with."""
    if torch.module is None:
        return Known(None, torch.missing)
    version = torch.module.version.cuda
    return Known(version) if version else Known(None, f"PyTorch {torch.module.__version__} was built without CUDA")


def dotted(number: int) -> str:
    """12040 → 12.4, as CUDA numbers its versions."""
    return f"{number // 1000}.{number % 1000 // 10}"


def cuda_warnings(driver: str | None, cupy: str | None, torch: str | None) -> list[Fault]:
    """Warnings where two CUDA versions do not fit together; None where a version is not there."""
    found = []
    runtimes = {"CuPy": cupy, "PyTorch": torch}
    if cupy and torch and major(cupy) != major(torch):
        reason = f"CuPy uses CUDA {cupy} and PyTorch CUDA {torch}: two runtimes in one process."
        found.append(Fault(reason, f"install the CuPy of PyTorch's CUDA: pip install cupy-cuda{major(torch)}x"))
    for name, version in runtimes.items():
        if driver and version and major(version) > major(driver):
            reason = f"{name} uses CUDA {version}, but the driver supports CUDA {driver} at most."
            found.append(Fault(reason, f"update the NVIDIA driver, or install a {name} for CUDA {major(driver)}"))
    return found


def major(version: str) -> int:
    """12.4 → 12."""
    return int(version.partition(".")[0])
