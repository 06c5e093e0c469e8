"""Rows to learn from and rows that are held out."""

from __future__ import annotations

import numpy as np

from bpnet.data.random import generator
from bpnet.tables.error import TableError


def split_rows(rows: int, share: float, seed: int, labels: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """(kept, held out), each in rising order; `share` of `rows` are held out, of each class where there are `labels`.

    The same numbers on every machine. Of each class as many as its share rounds to are held out, and never all.
    """
    if not 0 < share < 1:
        raise TableError(f"share: {share!r} was given, expected a number between 0 and 1")
    draw = generator(seed, "split")
    groups = [np.arange(rows)] if labels is None else [np.flatnonzero(labels == one) for one in np.unique(labels)]
    out = np.zeros(rows, dtype=bool)
    due = 0.0
    for group in groups:  # what rounding left over goes on to the next class, so that the whole share is held out
        due += share * len(group)
        number = min(round(due), len(group) - 1)
        due -= number
        out[draw.permutation(group)[:number]] = True
    if not out.any():
        raise TableError(f"share: {share!r} of {rows} rows leaves none to hold out. Mend: a larger share, or more rows")
    return np.flatnonzero(~out), np.flatnonzero(out)
