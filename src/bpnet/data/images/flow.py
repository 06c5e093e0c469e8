"""Batches of changed images. What becomes of an image depends on the seed, the epoch and its number alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

import numpy as np

from bpnet.data.random import epoch_order, generator

LOOKED_AT = 32
"""Images whose checksum tells that they are changed alike."""


@dataclass(eq=False)
class ImageFlow:
    """Images (N, H, W, C) with their targets and weights, or None, and how each is made; for `model.fit`.

    As an iterator it gives (x, y, weight), or what there is of it, for epoch after epoch, without end.
    """

    make: Callable[[np.ndarray, np.random.Generator], np.ndarray]
    x: np.ndarray
    y: np.ndarray | None
    sample_weight: np.ndarray | None
    batch_size: int
    shuffle: bool
    seed: int
    dtype: str
    _endless: Iterator[Any] | None = field(init=False, default=None, repr=False)

    def __len__(self) -> int:
        """The number of batches in a pass over the images."""
        return -(-len(self.x) // self.batch_size)

    def epoch(
        self, epoch: int, length: int | None = None, share: Callable[[int], slice] | None = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """The batches of an epoch of `length` images, by default one pass: images, and their numbers in x.

        `share` tells which rows of a batch of so many images are wanted; the others are not made.
        """
        rows = epoch_order(self.seed, epoch, len(self.x), length or len(self.x), shuffle=self.shuffle)
        for start in range(0, len(rows), self.batch_size):
            part = rows[start : start + self.batch_size]
            own = slice(0, len(part)) if share is None else share(len(part))
            part = part[own]
            batch = np.empty((len(part), *self.x.shape[1:]), self.dtype)
            for at, row in enumerate(part):
                turn = (start + own.start + at) // len(self.x)
                batch[at] = self.make(self.x[row], generator(self.seed, "augment", epoch, turn, int(row)))
            self._require_finite(batch, part)
            yield batch, part

    def sample(self) -> int:
        """CRC-32 of the first images as they are changed at first: it tells whether two flows change images alike.

        They are several, because what is left to chance, a flip, may not happen to one.
        """
        value = 0
        for row in range(min(LOOKED_AT, len(self.x))):
            value = crc32(self.make(self.x[row], generator(self.seed, "augment", 0, 0, row)).tobytes(), value)
        return value

    def __iter__(self) -> ImageFlow:
        return self

    def __next__(self) -> Any:
        if self._endless is None:
            self._endless = self._batches()
        return next(self._endless)

    def _batches(self) -> Iterator[Any]:
        epoch = 0
        while True:
            for x, rows in self.epoch(epoch):
                parts = [x, *(of[rows] for of in (self.y, self.sample_weight) if of is not None)]
                yield tuple(parts) if len(parts) > 1 else x
            epoch += 1

    def _require_finite(self, batch: np.ndarray, rows: np.ndarray) -> None:
        finite = np.isfinite(batch).all(axis=(1, 2, 3))
        if not finite.all():
            raise ValueError(
                f"flow: image {rows[~finite][0]} of x has values that are NaN or infinite once it is changed and "
                "standardised, expected finite ones. Mend: look at preprocessing_function and rescale"
            )
