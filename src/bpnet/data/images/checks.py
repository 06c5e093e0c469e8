"""Is this a set of images, channels last?"""

from __future__ import annotations

from typing import Any

import numpy as np

from bpnet.data.arrays import numeric
from bpnet.data.images.settings import Settings

USUAL = (1, 3, 4)
"""Channels: grey, RGB, RGBA."""


def images(name: str, value: Any) -> np.ndarray:
    """`value` as images (N, height, width, channels)."""
    array = numeric(name, value)
    if array.ndim != 4:
        mend = (
            f"{name}[..., np.newaxis] for grey images" if array.ndim == 3 else f"{name}.reshape(-1, height, width, 1)"
        )
        raise ValueError(
            f"{name}: an array of shape {array.shape} came, expected images (N, height, width, channels). Mend: {mend}"
        )
    if array.shape[1] in USUAL and array.shape[3] not in USUAL:
        raise ValueError(
            f"{name}: an array of shape {array.shape} came, which looks like channels first, expected (N, height, "
            f"width, channels). Mend: np.transpose({name}, (0, 2, 3, 1)); a model for such data begins with "
            "Permute((2, 3, 1))"
        )
    return array


def image(name: str, value: Any) -> np.ndarray:
    """`value` as one image (height, width, channels)."""
    array = numeric(name, value)
    if array.ndim != 3:
        raise ValueError(f"{name}: an array of shape {array.shape} came, expected one image (height, width, channels)")
    images(name, array[np.newaxis])
    return array


def shifts_fit(settings: Settings, shape: tuple[int, ...]) -> None:
    """ValueError where a shift of whole pixels could move an image (height, width, channels) out of sight."""
    for name, size in (("height_shift_range", shape[0]), ("width_shift_range", shape[1])):
        most = float(np.abs(getattr(settings, name)).max())
        if most >= size and most >= 1:
            raise ValueError(
                f"{name}: {most:g} pixels were given for images of shape {shape}, expected less than {size}. "
                "Mend: a number below 1 is a share of the size"
            )
