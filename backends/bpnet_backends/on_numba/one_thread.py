"""The BLAS on one thread while a step is replayed: the cores are in use already, and two pools would fight for them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from ctypes import c_int
from functools import cache
from typing import Any

import threadpoolctl

NAMES = [f"{prefix}openblas_{{}}_num_threads{suffix}" for prefix in ("scipy_", "") for suffix in ("", "64_", "_64")]
"""What builds of OpenBLAS call their two functions."""

_lock = threading.Lock()
_users = 0
_before: list[int] = []


def on_one_thread(work: Callable[[], Any]) -> None:
    """Run `work` with SciPy's BLAS on one thread, and give it back the threads that it had."""
    global _users, _before
    pools = _pools()
    with _lock:
        if _users == 0:
            _before = [get() for get, _ in pools]
            for _, put in pools:
                put(1)
        _users += 1
    try:
        work()
    finally:
        with _lock:
            _users -= 1
            if _users == 0:
                for (_, put), number in zip(pools, _before, strict=True):
                    put(number)


@cache
def _pools() -> list[tuple[Callable[[], int], Callable[[int], None]]]:
    """To read and to set the number of threads, of the BLAS that SciPy calls; of all where that cannot be told."""
    import scipy.linalg.cython_blas  # noqa: F401 - loads it

    found = threadpoolctl.ThreadpoolController().select(user_api="blas").lib_controllers
    own = [library for library in found if "scipy" in library.filepath.replace("\\", "/").split("/")[-2]]
    return [_functions(library) for library in own or found]


def _functions(library: Any) -> tuple[Callable[[], int], Callable[[int], None]]:
    """The library's own where its names are known: threadpoolctl's take as long as a small step."""
    for name in NAMES:
        get = getattr(library.dynlib, name.format("get"), None)
        put = getattr(library.dynlib, name.format("set"), None)
        if get is not None and put is not None:
            get.restype, put.argtypes, put.restype = c_int, [c_int], None
            return get, put
    return library.get_num_threads, library.set_num_threads
