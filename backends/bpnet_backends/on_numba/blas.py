"""Where matrix products are computed: in MKL, if its package is installed, else in the BLAS that SciPy brings.

BPNET_BLAS, `mkl` or `scipy`, chooses.

MKL is faster on Intel's processors, most of all for a few rows times a large matrix. It is asked for the same bits in
each run, wherever the arrays lie in memory.
"""

from __future__ import annotations

import ctypes
import os
from functools import cache
from typing import Any

from numba.extending import get_cython_function_address

from bpnet_backends.on_numba.packaged import library

SEQUENTIAL, SAME_BITS = 1, 2
"""MKL_THREADING_SEQUENTIAL and MKL_CBWR_AUTO of mkl_service.h and mkl_types.h."""


def routine(name: str) -> int:
    """The address of a Fortran routine: sgemm, dgemm, sgemv or dgemv."""
    own = mkl()
    if own is None:
        address: int = get_cython_function_address("scipy.linalg.cython_blas", name)
        return address
    return ctypes.cast(own[f"{name}_"], ctypes.c_void_p).value or 0


@cache
def mkl() -> Any:
    """The library of the package `mkl`, on one thread a call; None where it is not installed, or not asked for."""
    asked = os.environ.get("BPNET_BLAS", "")
    if asked not in ("", "mkl", "scipy"):
        raise ValueError(f"BPNET_BLAS: {asked!r} was given, expected mkl or scipy. Mend: unset it for the faster one")
    if asked == "scipy":
        return None
    found = library("mkl", ("libmkl_rt.so", "mkl_rt."))
    if found is None and asked:
        raise ValueError("BPNET_BLAS: 'mkl' was given, but the package mkl is not installed. Mend: pip install mkl")
    if found is not None:
        found.MKL_Set_Threading_Layer(SEQUENTIAL)
        found.MKL_CBWR_Set(SAME_BITS)
    return found
