"""The memory of an array as NumPy sees it, and arrays of a GPU by way of the host's memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bpnet.backend import Array

CPU = 1
"""The host's number as DLPack counts kinds of devices."""


def library_array(vector: Array) -> Any:
    """The array library's own array: what bpnet's backends on a GPU hand out wraps one."""
    return vector if isinstance(vector, np.ndarray) else getattr(vector, "own", vector)


def is_on_host(array: Any) -> bool:
    """Does it lie in the host's memory?"""
    return isinstance(array, np.ndarray) or array.__dlpack_device__()[0] == CPU


def as_numpy(array: Any) -> np.ndarray:
    """The same memory, of an array in the host's; ValueError where it is not contiguous."""
    if isinstance(array, np.ndarray):
        found = array.view(np.ndarray)
    elif type(array).__module__.partition(".")[0] == "torch":
        found = array.numpy()
    else:
        found = np.from_dlpack(array)
    if not found.flags.c_contiguous:
        raise ValueError(
            f"vector: one of shape {found.shape} and strides {found.strides} was given, expected a contiguous one"
        )
    return found


def by_way_of_host(array: Any) -> tuple[np.ndarray, Callable[[], None]]:
    """A copy in the host's memory, and what writes it back. Waits for the device."""
    if hasattr(array, "get"):  # CuPy
        copy = np.ascontiguousarray(array.get())
        return copy, lambda: array.set(copy)
    copy = array.cpu().numpy()  # PyTorch; the copy's memory is NumPy's and PyTorch's

    def write_back() -> None:
        import torch

        array.copy_(torch.from_numpy(copy))

    return copy, write_back
