"""Rows to learn from and rows that are held out."""

from __future__ import annotations

import numpy as np

from bpnet.data import split
from bpnet.tables.error import TableError


def split_rows(rows: int, share: float, seed: int, labels: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """As `bpnet.data.split.split_rows`."""
    try:
        return split.split_rows(rows, share, seed, labels)
    except ValueError as error:
        raise TableError(str(error)) from None
