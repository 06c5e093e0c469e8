"""Samples that come as they are needed, from a file that is larger than the memory for instance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class Flow(Protocol):
    """What `model.fit` takes in place of arrays. x and y are what it takes as such, sample_weight (N,) or None."""

    batch_size: int

    @property
    def rows(self) -> int:
        """The samples of one pass."""

    @property
    def facts(self) -> Mapping[str, Any]:
        """What a run that is resumed must have in common with the one before, as JSON."""

    def head(self) -> tuple[Any, Any, Any]:
        """(x, y, sample_weight) of a few samples: what all of them look like."""

    def epoch(self, epoch: int, length: int) -> Iterator[tuple[Any, Any, Any]]:
        """(x, y, sample_weight) of `length` samples in batches of `batch_size`, of which the last may be smaller.

        The epoch's number decides their order; another call gives the same. It is run in a thread.
        """
