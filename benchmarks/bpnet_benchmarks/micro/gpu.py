"""What the measurements ask of a library on a GPU."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

Work = Callable[[], object]
"""Launches something and does not wait."""

EMPTY = 'extern "C" __global__ void empty() {}'

TINY = (32, 64, 128)
"""N, I and O of the tiny product: a batch of 32 through a layer of 64 × 128."""


class Gpu(Protocol):
    """A library, on a stream of its own that can be captured."""

    versions: dict[str, str]

    def synchronize(self) -> None:
        """Wait for the device."""

    def nodes(self) -> Mapping[str, Callable[[], Work]]:
        """By name: what makes a launch of one kernel. ImportError, RuntimeError, AttributeError: it cannot be had."""

    def graph(self, work: Work) -> Work:
        """Captures what `work` launches; the result replays it. `work` has run before."""

    def event(self) -> Any:
        """An event of the device, recorded on the stream now."""

    def seconds_between(self, first: Any, last: Any) -> float:
        """Of two events, of which the last has been waited for."""
