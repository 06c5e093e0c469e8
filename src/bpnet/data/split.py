"""Rows to learn from and rows that are held out: one part of them, or each of several in its turn."""

from __future__ import annotations

import numpy as np

from bpnet.data.random import generator


def split_rows(rows: int, share: float, seed: int, labels: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """(kept, held out), each in rising order; `share` of `rows` are held out, of each class where there are `labels`.

    The same numbers on every machine. Of each class as many as its share rounds to are held out, and never all.
    """
    if not 0 < share < 1:
        raise ValueError(f"share: {share!r} was given, expected a number between 0 and 1")
    draw = generator(seed, "split")
    out = np.zeros(rows, dtype=bool)
    due = 0.0
    for group in _groups(rows, labels):  # what rounding left over goes on to the next class: the whole share is out
        due += share * len(group)
        number = min(round(due), len(group) - 1)
        due -= number
        out[draw.permutation(group)[:number]] = True
    if not out.any():
        raise ValueError(f"share: {share!r} of {rows} rows leaves none to hold out. Mend: a larger share, or more rows")
    return np.flatnonzero(~out), np.flatnonzero(out)


def fold_rows(
    rows: int, folds: int, seed: int, labels: np.ndarray | None = None
) -> list[tuple[np.ndarray, np.ndarray]]:
    """(kept, held out) of each of so many folds, in rising order; each row is held out in one of them.

    The sizes of two folds differ by one row at most, and so do the rows of a class in them where there are `labels`.
    """
    if not 2 <= folds <= rows:
        raise ValueError(f"folds: {folds!r} was given for {rows} rows, expected 2 to as many as there are rows")
    draw = generator(seed, "folds")
    fold = np.empty(rows, dtype=np.int64)
    fold[np.concatenate([draw.permutation(group) for group in _groups(rows, labels)])] = np.arange(rows) % folds
    return [(np.flatnonzero(fold != one), np.flatnonzero(fold == one)) for one in range(folds)]


def parts_of(
    rows: np.ndarray, share: float, folds: int | None, seed: int, labels: np.ndarray | None = None
) -> list[tuple[np.ndarray, np.ndarray]]:
    """The rows (numbers, as `labels` has them) to learn from and held out: of each fold, or of one split by `share`."""
    count, own = len(rows), None if labels is None else labels[rows]
    found = [split_rows(count, share, seed, own)] if folds is None else fold_rows(count, folds, seed, own)
    return [(rows[kept], rows[out]) for kept, out in found]


def _groups(rows: int, labels: np.ndarray | None) -> list[np.ndarray]:
    """The rows of each class, all where there are none."""
    return [np.arange(rows)] if labels is None else [np.flatnonzero(labels == one) for one in np.unique(labels)]
