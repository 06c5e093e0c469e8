"""NumPy, on the CPU: the backend that every machine has and every other is compared with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from bpnet_backends import host_memory, threads
from bpnet_backends.on_numpy import recording
from bpnet_backends.on_numpy.array import Array
from bpnet_backends.on_numpy.capture import Captured
from bpnet_backends.on_numpy.host_calls import KERNELS
from bpnet_backends.on_numpy.namespace import xp
from bpnet_backends.on_numpy.replay import list_of_calls


class NumPyBackend:
    """Plain NumPy: one call an operation, on arrays in the host's memory."""

    name = "numpy"
    device = "CPU"
    xp: Any = xp
    kernels: Mapping[str, Callable[..., Any]] = KERNELS

    def asarray(self, x: Any, dtype: str) -> Any:
        """An array of its own memory, so that what happens to `x` later changes nothing here."""
        made = np.array(x, dtype=dtype, order="C")
        recording.note_created(made)
        return made.view(Array)

    def to_numpy(self, x: Any) -> Any:
        """A copy that later steps do not overwrite."""
        recording.stop("to_numpy")
        return np.array(x)

    def fuse(self, f: Callable[..., Any]) -> Callable[..., Any]:
        """NumPy has no fusion: the formula runs as written."""
        return f

    def capture(self, step: Callable[[], None]) -> Callable[[], None]:
        """The step, which writes itself down when it runs for the first time: from then on a list of NumPy's calls."""
        return Captured(step, list_of_calls, same_bits=True)

    def synchronize(self) -> None:
        """Nothing to wait for: NumPy returns when it is done."""

    def free_memory(self) -> int | None:
        """The bytes of the host that are free, where the system says so."""
        return host_memory.available()


def make(device: str | None = None) -> NumPyBackend:
    """The backend `numpy`; the only device is `cpu`."""
    if device not in (None, "cpu"):
        raise ValueError(f"device: {device!r} was given, but the numpy backend runs on 'cpu' only")
    threads.limit_blas()
    return NumPyBackend()
