"""What y must look like for a loss, checked before training starts."""

from __future__ import annotations

from typing import Any

import numpy as np

from bpnet.data import blocks
from bpnet.data.arrays import numeric, same_rows


def targets(name: str, value: Any, kind: str, rows: int, outputs: tuple[int, ...]) -> np.ndarray:
    """`value` as the targets of a loss of that kind (`Loss.targets`) for `outputs`, the shape of a sample's output."""
    if kind == "labels":
        return _labels(name, value, rows, outputs)
    array = numeric(name, value)
    same_rows(name, array, rows)
    if array.shape[1:] == () and outputs == (1,):
        array = array[:, None]
    if array.shape[1:] != outputs:
        hint = "; for class numbers use the loss 'sparse_categorical_crossentropy'" if kind == "one_hot" else ""
        raise ValueError(
            f"{name}: an array of shape {array.shape} came, expected ({rows}, {', '.join(map(str, outputs))}){hint}"
        )
    if kind in ("binary", "one_hot") and blocks.first(array, lambda part: (part < 0) | (part > 1)) is not None:
        raise ValueError(f"{name}: values from {array.min():g} to {array.max():g} came, expected values from 0 to 1")
    if kind == "one_hot":
        for start, block in blocks.blocks(array):
            if not np.allclose(block.sum(axis=-1), 1.0, atol=1e-6):
                row = int(np.argmax(np.abs(block.sum(axis=-1) - 1.0)))
                total = block[row].sum()
                raise ValueError(
                    f"{name}: row {start + row} sums to {total:g}, expected every row to be a distribution"
                )
    return array


def _labels(name: str, value: Any, rows: int, outputs: tuple[int, ...]) -> np.ndarray:
    """Class numbers from 0, one a sample."""
    if value is not None and np.asarray(value).dtype.kind in "OUS":
        raise ValueError(
            f"{name}: class names came, expected numbers from 0: {name} = np.unique(names, return_inverse=True)[1]"
        )
    array = numeric(name, value)
    same_rows(name, array, rows)
    if array.shape[1:] == (1,):
        array = array[:, 0]
    if array.ndim != 1:
        raise ValueError(
            f"{name}: an array of shape {array.shape} came, expected ({rows},), the number of each sample's class; "
            "for one-hot rows use the loss 'categorical_crossentropy'"
        )
    whole = array.astype(np.int64)
    if (whole != array).any():
        raise ValueError(
            f"{name}: the class {array[whole != array][0]:g} is not a whole number; expected classes from 0"
        )
    classes = outputs[-1]
    if whole.min() < 0 or whole.max() >= classes:
        raise ValueError(
            f"{name}: classes from {whole.min()} to {whole.max()} came, but the model has {classes} outputs: "
            f"expected 0 to {classes - 1}"
        )
    return whole
