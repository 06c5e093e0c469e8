"""A backend in a distribution of its own: array-api-strict, which refuses whatever the array standard does not have."""

from typing import Any

import array_api_strict as xp
import numpy as np


class StrictBackend:
    """The nine members. Nothing of bpnet is imported: the contract is structural."""

    name = "strict"
    device = "CPU"
    xp = xp
    kernels: dict[str, Any] = {}

    def asarray(self, x: Any, dtype: str) -> Any:
        return xp.asarray(np.array(x, dtype=dtype, order="C"))

    def to_numpy(self, x: Any) -> np.ndarray:
        return np.array(x)

    def fuse(self, f: Any) -> Any:
        return f

    def capture(self, step: Any) -> Any:
        return step

    def synchronize(self) -> None:
        pass


def make(device: str | None = None) -> StrictBackend:
    """The entry point. ImportError or RuntimeError, with the mend, would make bpnet fall back to the CPU."""
    if device not in (None, "cpu"):
        raise ValueError(f"device: {device!r} was given, but the strict backend runs on 'cpu' only")
    return StrictBackend()
