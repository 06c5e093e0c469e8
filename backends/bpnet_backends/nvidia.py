"""Is there an NVIDIA driver? Asked before a GPU library is imported, because that import takes seconds."""

from __future__ import annotations

import ctypes
import sys


def require_driver() -> None:
    """Raise RuntimeError, with the mend, on a machine without an NVIDIA driver."""
    library = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    try:
        ctypes.CDLL(library)
    except OSError as error:
        raise RuntimeError(
            f"no NVIDIA driver was found ({error}). Mend: install the driver of your GPU "
            "(nvidia-smi must list it), or use a CPU backend: BPNET_BACKEND=numpy"
        ) from error
