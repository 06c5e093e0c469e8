"""The samples of a run: all of them on the device, or brought there a batch at a time.

Dense data that fit live on the device. A sparse matrix, or data that the device has no room for, stays on the host, and
one batch at a time is made dense and brought; targets and weights are on the device in any case.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

import numpy as np

from bpnet.backend import Array, Backend
from bpnet.nn.op import zeros
from bpnet.training.out_of_memory import is_out_of_memory
from bpnet.training.step import Batch, DeviceData, next_batch

Taken: TypeAlias = tuple[Array, Array, Array | None]
"""x, y and weights of a batch."""

DENSE_AT_ONCE = 1 << 22
"""Numbers of a sparse matrix that are made dense at a time, where no batch size is given."""


class Rows(Protocol):
    """Samples in the order of an epoch."""

    data: DeviceData

    def begin_epoch(self, order: np.ndarray) -> None:
        """Start over in this order."""

    def bring(self, size: int) -> None:
        """Before the step on the next `size` samples."""

    def taker(self, size: int) -> Callable[[], Taken]:
        """What takes the next `size` samples, as a part of a captured step."""


class RowsOnDevice:
    """All samples on the device, gathered there."""

    def __init__(self, backend: Backend, x: Array, y: Array, weight: Array | None) -> None:
        self.backend = backend
        self.batch: Batch = ((x,), (y,), weight)
        self.data = DeviceData.put(backend, self.batch, int(x.shape[0]))

    def begin_epoch(self, order: np.ndarray) -> None:
        """Start over in this order."""
        self.data.begin_epoch(self.backend.asarray(order, "int64"))

    def bring(self, size: int) -> None:
        """They are there."""

    def taker(self, size: int) -> Callable[[], Taken]:
        """What takes the next `size` samples."""
        take = next_batch(self.backend, self.data, size)

        def taken() -> Taken:
            (x,), (y,), weight = take()
            return x, y, weight

        return taken


class RowsFromHost:
    """x on the host; a batch of it is on the device, made dense."""

    def __init__(self, backend: Backend, x: Any, y: Array, weight: Array | None, batch_size: int, dtype: str) -> None:
        self.backend = backend
        self._x = by_rows(x)
        self._dtype = dtype
        self._batch = zeros(backend, (batch_size, x.shape[1]), dtype)
        self._order = np.arange(x.shape[0])
        self._at = 0
        self.data = DeviceData.put(backend, ((), (y,), weight), x.shape[0], x.shape[0])

    def begin_epoch(self, order: np.ndarray) -> None:
        """Start over in this order."""
        self._order, self._at = order, 0
        self.data.begin_epoch(self.backend.asarray(order, "int64"))

    def bring(self, size: int) -> None:
        """Make the next batch dense, and bring it."""
        rows = self._order[self._at : self._at + size]
        self._at += size
        self._batch[:size, ...] = self.backend.asarray(dense(self._x[rows]), self._dtype)

    def taker(self, size: int) -> Callable[[], Taken]:
        """What takes the batch that was brought, and its targets and weights."""
        take = next_batch(self.backend, self.data, size)
        x = self._batch[:size, ...]

        def taken() -> Taken:
            _, (y,), weight = take()
            return x, y, weight

        return taken


def rows(
    backend: Backend, x: Any, y: np.ndarray, weight: np.ndarray | None, batch_size: int, dtype: str, target_type: str
) -> Rows:
    """The samples, on the device where they are dense and there is room."""
    on_device = backend.asarray(y, target_type)
    weights = None if weight is None else backend.asarray(weight, dtype)
    if not is_sparse(x):
        try:
            return RowsOnDevice(backend, backend.asarray(x, dtype), on_device, weights)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
    return RowsFromHost(backend, x, on_device, weights, batch_size, dtype)


def joined(weight: np.ndarray | None, by_class: np.ndarray | None) -> np.ndarray | None:
    """The weight of each sample: its own times that of its class, where there are such; None where all weigh 1."""
    if weight is None or by_class is None:
        return by_class if weight is None else weight
    return np.asarray(weight * by_class)


def is_sparse(x: Any) -> bool:
    """Is it one of SciPy's sparse matrices or arrays?"""
    return hasattr(x, "tocsr")


def by_rows(x: Any) -> Any:
    """A matrix whose rows can be taken quickly."""
    return x.tocsr() if is_sparse(x) else x


def dense(x: Any) -> np.ndarray:
    """The matrix with its zeros."""
    return np.asarray(x.toarray() if is_sparse(x) else x)


def parts(x: Any) -> list[slice]:
    """All rows, or parts of a sparse matrix that may be dense at a time."""
    samples, features = x.shape
    size = max(1, DENSE_AT_ONCE // features) if is_sparse(x) else samples
    return [slice(start, min(start + size, samples)) for start in range(0, samples, max(size, 1))]
