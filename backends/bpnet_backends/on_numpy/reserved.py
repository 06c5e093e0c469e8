"""Addresses without memory: arrays over them have shapes, strides and places, and stand for arrays elsewhere."""

from __future__ import annotations

import mmap
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

ALIGNMENT = 256
"""Bytes: a stand-in's address is that of what it stands for, modulo this."""


class Reserved(mmap.mmap):
    """So many bytes of the process's addresses that nothing else uses; they cost nothing until they are touched."""


def reserved(shape: Sequence[int], dtype: Any, address: int = 0) -> np.ndarray:
    """An array over addresses of its own, for one that lies at `address`; its elements are not to be looked at."""
    wanted = np.dtype(dtype)
    size = wanted.itemsize
    for length in shape:
        size *= length
    begin = address % ALIGNMENT
    total = max(begin + size, 1)
    if sys.platform == "win32":
        room = Reserved(-1, total)
    else:  # what can only be read needs neither memory nor swap
        room = Reserved(-1, total, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, prot=mmap.PROT_READ)
    return np.ndarray(tuple(shape), wanted, room, begin)
