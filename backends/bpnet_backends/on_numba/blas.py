"""Where matrix products are computed: in MKL, if its package is installed, else in the BLAS that SciPy brings.

BPNET_BLAS, `mkl` or `scipy`, chooses.

MKL is faster on Intel's processors, most of all for a few rows times a large matrix. It is asked for the same bits in
each run, wherever the arrays lie in memory.
"""

from __future__ import annotations

import ctypes
import os
import sys
from functools import cache
from typing import Any

from numba.extending import get_cython_function_address

from bpnet_backends.on_numba.packaged import library

LP64, SEQUENTIAL, SAME_BITS = 0, 1, 2
"""MKL_INTERFACE_LP64, MKL_THREADING_SEQUENTIAL and MKL_CBWR_AUTO of MKL's headers."""


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
    found = library("mkl", ("libmkl_rt.so", "libmkl_rt.2.dylib", "mkl_rt."))
    if found is not None and not _is_set_up(found):
        print("bpnet: MKL is in use by another package, and set up otherwise: SciPy's BLAS is taken", file=sys.stderr)
        found = None
    if found is None and asked:
        raise ValueError(
            "BPNET_BLAS: 'mkl' was given, but the package mkl is not installed or cannot be used. Mend: pip install mkl"
        )
    return found


def _is_set_up(library: Any) -> bool:
    """Integers of 32 bits, one thread a call, the same bits in each run: True where MKL agrees to all of it.

    The layers come first: any other call settles them.
    """
    return bool(
        library.MKL_Set_Interface_Layer(LP64) == LP64
        and library.MKL_Set_Threading_Layer(SEQUENTIAL) == SEQUENTIAL
        and ("MKL_CBWR" in os.environ or library.MKL_CBWR_Set(SAME_BITS) == 0)
    )
