"""NumPy, on the CPU: the backend that every machine has and every other is compared with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import array_api_compat.numpy as xp
import numpy as np


class NumPyBackend:
    """Plain NumPy: one call an operation, on arrays in the host's memory."""

    name = "numpy"
    device = "CPU"
    xp: Any = xp
    kernels: Mapping[str, Callable[..., Any]] = {}

    def asarray(self, x: Any, dtype: str) -> Any:
        """An array of its own memory, so that what happens to `x` later changes nothing here."""
        return np.array(x, dtype=dtype, order="C")

    def to_numpy(self, x: Any) -> Any:
        """A copy that later steps do not overwrite."""
        return np.array(x)

    def fuse(self, f: Callable[..., Any]) -> Callable[..., Any]:
        """NumPy has no fusion: the formula runs as written."""
        return f

    def capture(self, step: Callable[[], None]) -> Callable[[], None]:
        """NumPy has no launches to save: the step runs as written."""
        return step

    def synchronize(self) -> None:
        """Nothing to wait for: NumPy returns when it is done."""


def make(device: str | None = None) -> NumPyBackend:
    """The backend `numpy`; the only device is `cpu`."""
    if device not in (None, "cpu"):
        raise ValueError(f"device: {device!r} was given, but the numpy backend runs on 'cpu' only")
    return NumPyBackend()
