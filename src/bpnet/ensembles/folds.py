"""Which rows each model of an ensemble learns from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def rows_of(folds: Sequence[Any] | None, models: int, length: int) -> list[np.ndarray]:
    """For each model the rows that it learns from. ValueError names the fold at fault."""
    if folds is None:
        return [np.arange(length)] * models
    if isinstance(folds, str) or not hasattr(folds, "__len__") or len(folds) != models:
        came = f"{len(folds)} were given" if hasattr(folds, "__len__") else f"{folds!r} was given"
        raise ValueError(f"folds: {came}, expected the rows of each of {models} models")
    found = []
    for k, given in enumerate(folds):
        if _is_split(given):
            raise ValueError(
                f"folds[{k}]: a pair of arrays was given, expected the rows that model {k} learns from. "
                "Mend: [learned for learned, _ in KFold(5).split(x)]"
            )
        try:
            own = np.asarray(given)
        except ValueError as error:  # lists of several lengths in one another
            raise ValueError(f"folds[{k}]: {given!r} was given, expected the numbers of rows of x") from error
        if own.ndim != 1 or own.dtype.kind not in "iu" or not own.size:
            raise ValueError(f"folds[{k}]: {own.dtype} of shape {own.shape} came, expected the numbers of rows of x")
        if own.min() < 0 or own.max() >= length:
            raise ValueError(f"folds[{k}]: rows from {own.min()} to {own.max()} came, expected from 0 to {length - 1}")
        found.append(own)
    return found


def _is_split(given: Any) -> bool:
    """Is it what scikit-learn's splitters yield: the rows to learn from, and those held out?"""
    return (
        isinstance(given, tuple | list)
        and len(given) == 2
        and all(isinstance(part, np.ndarray) and part.ndim for part in given)
    )
