"""The rows of a file in an order that is new in each epoch, made in batches, without more than a window of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from bpnet.data.random import generator
from bpnet.tables.preprocessing import Preprocessing
from bpnet.tables.sources import Source
from bpnet.tables.statistics import HeldOutRows

WINDOW = 1 << 18
NUMBERS = 1 << 25
"""A window has at most so many rows, and numbers."""


class TableFlow:
    """Blocks in a random order, and in a window of rows that moves over them the rows in a random order.

    Seed and epoch decide both, so a run repeats and can be resumed. `weights` are those of the classes.
    """

    def __init__(
        self,
        source: Source,
        split: HeldOutRows,
        rows: int,
        preprocessing: Preprocessing,
        batch_size: int,
        dtype: str,
        weights: np.ndarray | None = None,
    ) -> None:
        self.batch_size = batch_size
        self._source, self._split, self._rows = source, split, rows
        self._preprocessing, self._dtype, self._weights = preprocessing, dtype, weights
        width = preprocessing.numbers + len(preprocessing.embedded) + 1
        self._at_once = max(1, NUMBERS // 4 // width)
        self._window = max(batch_size, min(WINDOW, NUMBERS // width))

    @property
    def rows(self) -> int:
        """Of one pass: those that are not held out."""
        return self._rows

    @property
    def facts(self) -> Mapping[str, Any]:
        """The file and the order of its rows."""
        return {"blocks of the file": self._source.blocks, "window": self._window, "flow seed": self._split.seed}

    def head(self) -> tuple[Any, Any, Any]:
        """The first batch of epoch 0."""
        return next(self.epoch(0, self.batch_size))

    def epoch(self, epoch: int, length: int) -> Iterator[tuple[Any, Any, Any]]:
        """The batches of `length` rows; passes over the file follow one another where it has fewer."""
        waiting: list[list[np.ndarray]] = []
        count, given, window = 0, 0, 0

        def batches(every: bool) -> Iterator[list[np.ndarray]]:
            nonlocal waiting, count, window
            order = generator(self._split.seed, "window", epoch, window).permutation(count)
            arrays = [np.concatenate(parts)[order] for parts in zip(*waiting, strict=True)]
            whole = count if every else count - count % self.batch_size
            for start in range(0, whole, self.batch_size):
                yield [array[start : min(whole, start + self.batch_size)] for array in arrays]
            waiting, count, window = [[array[whole:] for array in arrays]], count - whole, window + 1

        for chunk in self._chunks(epoch, length):
            chunk = [array[: length - given] for array in chunk]
            waiting.append(chunk)
            count, given = count + len(chunk[0]), given + len(chunk[0])
            if count >= self._window or given == length:
                for batch in batches(given == length):
                    yield self._parts(batch)
            if given == length:
                return

    def _chunks(self, epoch: int, length: int) -> Iterator[list[np.ndarray]]:
        """Chunks of all blocks in a random order, as arrays: those of x, and y; over and over."""
        for turn in range(-(-length // self._rows)):
            order = generator(self._split.seed, "blocks", epoch, turn).permutation(len(self._source.blocks))
            for block in order:
                for table, _ in self._split.kept(self._source, int(block)):
                    for start in range(0, len(table), self._at_once):
                        part = table.slice(start, self._at_once)
                        x = self._preprocessing.transform(part)
                        arrays = list(x.values()) if isinstance(x, dict) else [x]
                        y = self._preprocessing.transform_target(part)
                        yield [array.astype(self._dtype) for array in arrays] + [y]

    def _parts(self, batch: list[np.ndarray]) -> tuple[Any, Any, Any]:
        *x, y = batch
        weight = None if self._weights is None else self._weights[y]
        return x if self._preprocessing.embedded else x[0], y, weight
