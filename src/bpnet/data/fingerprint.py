"""A number that tells two data sets apart, without reading all of them."""

from __future__ import annotations

from zlib import crc32

import numpy as np

from bpnet.data.samples import Samples

LOOKED_AT = 64
"""Rows of the data whose checksum tells that they are the same."""


def fingerprint(data: Samples) -> int:
    """CRC-32 of up to 64 rows of x, y and weights, evenly spaced."""
    rows = np.unique(np.linspace(0, len(data) - 1, min(LOOKED_AT, len(data))).astype(int))
    value = 0
    for array in (*data.x, *data.y, *(() if data.weight is None else (data.weight,))):
        value = crc32(np.ascontiguousarray(array[rows]).tobytes(), value)
    return value
