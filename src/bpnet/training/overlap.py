"""The sum of the gradient over the ranks, as one vector, or in slices that are sent while backward goes on.

The weights of all layers lie in theta, and so in grad, in the order of the layers; biases and scales after them:

    grad   | w₁ | w₂ | … | wₖ | biases, scales |
    sent     ← last           ← first    with the last

Backward comes to wₖ first. As soon as the layers from the i-th on have at least LEAST bytes that were not sent, their
slice is: nothing writes it any more, and the ranks add it up while backward is at the layers before. What is left at
the end, the first layers' weights and all biases and scales, goes then. Every element is summed over the ranks once, by
the engine's own order, as it would be in one vector.
"""

from __future__ import annotations

from functools import partial

from bpnet.backend import Array
from bpnet.nn.network import Network
from bpnet.nn.op import call_host
from bpnet.training.communicator import Communicator, Pending

LEAST = 1 << 20
"""Bytes of a slice: less would cost more in latency than it hides."""


class Slices:
    """The reductions of a step that were begun; `is_empty`: this rank's part of the gradient is nothing."""

    def __init__(self, network: Network, communicator: Communicator, *, is_empty: bool) -> None:
        self._network = network
        self._communicator = communicator
        self._is_empty = is_empty
        self._least = LEAST // (8 if network.dtype == "float64" else 4)
        self._starts: dict[int, int] = {}
        for place in reversed(network.layout.places):
            if place.parameter.decays:
                self._starts[place.layer] = place.start
        self._unsent = self._weights = network.layout.decaying
        self._pending: list[Pending] = []

    @property
    def are_several(self) -> bool:
        """Is the gradient so large that a slice would be sent before backward is at its end?"""
        first = min((start for start in self._starts.values() if start > 0), default=self._weights)
        return self._weights - first >= self._least

    def begin(self) -> None:
        """Before backward."""
        self._unsent = self._weights

    def finished(self, layer: int) -> None:
        """The gradients of this layer, and of those after it, are whole."""
        start = self._starts.get(layer)
        if start is not None and start > 0 and self._unsent - start >= self._least:
            self._send(start, self._unsent)
            self._unsent = start

    def end(self) -> None:
        """After backward: send the rest."""
        size = self._network.layout.size
        if self._unsent == self._weights:
            self._send(0, size)
        else:
            self._send(0, self._unsent)
            if self._weights < size:
                self._send(self._weights, size)

    def wait(self) -> None:
        """Until all that was sent is summed."""
        while self._pending:
            self._pending.pop(0).wait()

    def _send(self, start: int, stop: int) -> None:
        part = self._network.grad[start:stop]
        if self._is_empty:
            part[...] = 0.0
        call_host(self._network.backend, self._begin, part)

    def _begin(self, part: Array) -> None:
        self._pending.append(self._communicator.begin_all_reduce(part))


class Whole:
    """The gradient as one vector, summed when backward is done."""

    def __init__(self, network: Network, communicator: Communicator, *, is_empty: bool) -> None:
        self._network = network
        self._is_empty = is_empty
        self.wait = partial(communicator.all_reduce, network.grad)

    def end(self) -> None:
        """After backward."""
        if self._is_empty:
            self._network.grad[...] = 0.0
