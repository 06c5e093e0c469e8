"""NumPy's arrays on the CPU, with whole training steps compiled by Numba."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, cached_property
from typing import Any

from bpnet_backends import threads
from bpnet_backends.on_numba.packaged import library
from bpnet_backends.on_numpy import NumPyBackend
from bpnet_backends.on_numpy.capture import Captured

INSTALL = "Mend: pip install numba tbb, or bpnet with the extra 'cpu'"


class NumbaBackend(NumPyBackend):
    """Like numpy, but a captured step is a table of compiled kernels, replayed by one call on all cores."""

    name = "numba"

    @cached_property
    def kernels(self) -> Mapping[str, Callable[..., Any]]:  # type: ignore[override]
        """Convolution and pooling, and those of NumPy."""
        from bpnet_backends.on_numba.ops import KERNELS

        return {**NumPyBackend.kernels, **KERNELS}

    def capture(self, step: Callable[[], None]) -> Callable[[], None]:
        """The step, which writes itself down when it runs for the first time, and is compiled then."""
        from bpnet_backends.on_numba.lowering import compiled

        return Captured(step, compiled, same_bits=False)


@cache
def load_tbb() -> None:
    """Load the library of the package `tbb`, which lies where the system's loader does not look.

    Numba then finds it, and its threads may be used from several threads of Python. Without the package Numba takes
    OpenMP's threads, or its own.
    """
    library("tbb", ("libtbb.so.12", "libtbb.12.dylib", "tbb12.dll"))


def make(device: str | None = None) -> NumbaBackend:
    """The backend `numba`; the only device is `cpu`."""
    if device not in (None, "cpu"):
        raise ValueError(f"device: {device!r} was given, but the numba backend runs on 'cpu' only")
    number = threads.wanted()
    try:
        import numba
        import scipy.linalg.cython_blas  # noqa: F401 - its BLAS, whose threads are limited below
    except ImportError as error:
        raise ImportError(f"Numba cannot be imported ({error}). {INSTALL}") from error
    from bpnet_backends.on_numba import blas

    load_tbb()
    blas.mkl()
    threads.limit_blas()
    if number is not None:
        numba.set_num_threads(min(number, numba.config.NUMBA_NUM_THREADS))
    return NumbaBackend()
