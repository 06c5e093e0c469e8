"""The BLAS on one thread while a step is replayed: the cores are in use already, and two pools would fight for them.

What the BLAS is asked and told is done by compiled code, `begin` and `end`: from Python it would take as long as a
small step.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

import numpy as np
import threadpoolctl

from bpnet_backends.on_numba.blas import mkl
from bpnet_backends.on_numba.words import ask_c, atomic_add, atomic_load, call_c, int64_at, pause

LOCK, USERS, BEFORE, GET, PUT = range(5)
"""What the row of a BLAS holds: whether somebody is at it; the replays under way; the threads that it had before them;
the addresses of its functions."""

POOL = 5

NAMES = [
    *(
        (f"{before}openblas_get_num_threads{after}", f"{before}openblas_set_num_threads{after}")
        for before in ("scipy_", "")
        for after in ("", "64_", "_64")
    ),
    ("MKL_Get_Max_Threads", "MKL_Set_Num_Threads"),
]
"""What BLAS libraries call the two functions."""


def _enter(pool: int) -> None:
    while atomic_add(pool, 1) != 0:
        atomic_add(pool, -1)
        while atomic_load(pool) != 0:
            pause()


def _leave(pool: int) -> None:
    atomic_add(pool, -1)


def begin(pools: int, number: int) -> None:
    """One thread for each BLAS, unless another replay has seen to it."""
    for i in range(number):
        address = pools + 8 * POOL * i
        pool = int64_at(address)
        _enter(address)
        if pool[USERS] == 0:
            pool[BEFORE] = ask_c(pool[GET])
            call_c(pool[PUT], 1)
        pool[USERS] = pool[USERS] + 1
        _leave(address)


def end(pools: int, number: int) -> None:
    """The threads that each BLAS had, when the last replay is over."""
    for i in range(number):
        address = pools + 8 * POOL * i
        pool = int64_at(address)
        _enter(address)
        pool[USERS] = pool[USERS] - 1
        if pool[USERS] == 0:
            call_c(pool[PUT], pool[BEFORE])
        _leave(address)


@cache
def pools() -> np.ndarray:
    """A row for the BLAS that SciPy calls; for every BLAS where that cannot be told. MKL needs none."""
    if mkl() is not None:
        return np.zeros((0, POOL), np.int64)
    import scipy.linalg.cython_blas  # noqa: F401 - loads it

    found = threadpoolctl.ThreadpoolController().select(user_api="blas").lib_controllers
    own = [library for library in found if "scipy" in library.filepath.replace("\\", "/").split("/")[-2]]
    rows = [(0, 0, 0, *_functions(library)) for library in own or found]
    return np.array(rows, np.int64).reshape(len(rows), POOL)


def _functions(library: Any) -> tuple[int, ...]:
    """The addresses of what tells and what sets the number of threads: threadpoolctl's where we know no names."""
    for names in NAMES:
        functions = [getattr(library.dynlib, name, None) for name in names]
        if None not in functions:
            break
    else:
        functions = [_Get(library.get_num_threads), _Put(library.set_num_threads)]
        _alive.extend(functions)
    return tuple(ctypes.cast(function, ctypes.c_void_p).value or 0 for function in functions if function)


_Get, _Put = ctypes.CFUNCTYPE(ctypes.c_int), ctypes.CFUNCTYPE(None, ctypes.c_int)
_alive: list[Any] = []
