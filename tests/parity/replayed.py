"""A formula run as training runs it on the CPU backends: recorded once, and then replayed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

import numpy as np

from bpnet.backend import Backend
from bpnet_backends.on_numba.lowering import compiled
from bpnet_backends.on_numpy.array import Array
from bpnet_backends.on_numpy.recording import record
from bpnet_backends.on_numpy.replay import list_of_calls
from parity import arrays
from parity.arrays import Results

COMPILERS = {"numpy": list_of_calls, "numba": compiled}


def through_replay(run: Callable[[Backend, str], Results], backend: Backend, dtype: str) -> Results:
    """What `run` brings to the host, computed by the replay of its record."""
    kept: list[np.ndarray] = []
    with record() as found, _results_kept_in(kept):
        results = run(_WithOutsideInputs(backend), dtype)
    assert found.obstacle is None, f"{found.obstacle} cannot be replayed"
    assert kept
    for array in kept:
        array[...] = np.nan
    COMPILERS[backend.name](found)()
    return results


class _WithOutsideInputs:
    """The backend, whose inputs count as memory that was there before the step: else all would be constant."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def asarray(self, x: Any, dtype: str) -> Any:
        return np.array(x, dtype=dtype, order="C").view(Array)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)


@contextmanager
def _results_kept_in(kept: list[np.ndarray]) -> Any:
    """While it lasts, `arrays.host` lets the step write each result into memory that outlives it."""
    usual = arrays.to_host

    def keep(backend: Backend, array: Any) -> np.ndarray:
        result = np.empty(array.shape, array.dtype)
        result.view(Array)[...] = array
        kept.append(result)
        return result

    arrays.to_host = keep
    try:
        yield
    finally:
        arrays.to_host = usual
