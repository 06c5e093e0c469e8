"""A formula run as training runs it: recorded or traced once, and then replayed."""

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

CAPTURING = ("traced:numpy", "traced:torch", "emulated", "cupy", "torch:cuda")
"""Backends whose captured steps are traced: nothing is computed until the replay."""

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


def through_capture(run: Callable[[Backend, str], Results], backend: Backend, dtype: str) -> Results:
    """What `run` brings to the host, computed as a captured step; its inputs are constants of the step."""
    targets: list[Any] = []
    with _handing_over(lambda array: targets.append(array + 0 if array.dtype != backend.xp.bool else ~array)):
        run(backend, dtype)
    kept = [np.empty(target.shape, _name(target)) for target in targets]
    results: list[Results] = []

    def step() -> None:
        turn = iter(range(len(targets)))

        def write(array: Any) -> np.ndarray:
            i = next(turn)
            targets[i][...] = array
            return kept[i]

        with _handing_over(write):
            results[:] = [run(backend, dtype)]

    captured = backend.capture(step)
    for _ in range(2):
        for target in targets:
            target[...] = True if target.dtype == backend.xp.bool else -77
        captured()
    for target, copy in zip(targets, kept, strict=True):
        copy[...] = backend.to_numpy(target)
    return results[0]


def _name(array: Any) -> str:
    """The type of its elements."""
    return str(array.dtype).rpartition(".")[2]


class _WithOutsideInputs:
    """The backend, whose inputs count as memory that was there before the step: else all would be constant."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def asarray(self, x: Any, dtype: str) -> Any:
        return np.array(x, dtype=dtype, order="C").view(Array)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)


@contextmanager
def _handing_over(to: Callable[[Any], Any]) -> Any:
    """While it lasts, `arrays.host` hands each result to `to` and takes what that returns."""
    usual = arrays.to_host

    def hand_over(backend: Backend, array: Any) -> np.ndarray:
        found = to(array)
        return usual(backend, array) if found is None else found

    arrays.to_host = hand_over
    try:
        yield
    finally:
        arrays.to_host = usual


def _results_kept_in(kept: list[np.ndarray]) -> Any:
    """While it lasts, `arrays.host` lets the step write each result into memory that outlives it."""

    def keep(array: Any) -> np.ndarray:
        result = np.empty(array.shape, array.dtype)
        result.view(Array)[...] = array
        kept.append(result)
        return result

    return _handing_over(keep)
