"""A batch learned from in parts, so that only one part's activations need memory at a time.

The loss of a batch is a sum over its samples, divided by their number where it is a mean; so the gradients of the parts
add up to the batch's, but for the rounding of another order. Random layers draw what they would draw for the whole
batch: its elements are numbered, and bits(key, i + k) = bits(key + k·GOLDEN, i), so a part that begins at sample s has
the key key + s·f·GOLDEN, f the numbers of one sample.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import TypeAlias

from bpnet.backend import Array
from bpnet.nn.network import Network
from bpnet.nn.random import GOLDEN, signed
from bpnet.training.objective import Found, Objective
from bpnet.training.out_of_memory import is_out_of_memory, too_many_samples
from bpnet.training.step import DeviceData, batch_sizes

Learner: TypeAlias = Callable[[Sequence[Array], Sequence[Array], Array | None], tuple[Array, Array | float, Found]]
"""(x, y, weight) → the loss, the penalty and what the loss was made of; the gradient goes to `network.grad`."""


class InParts:
    """`Objective.value_and_gradient` of a batch in parts of `size` samples.

    ValueError: a layer normalizes over the batch, so that its parts would give something else.
    """

    def __init__(self, objective: Objective, batch_size: int, size: int, share: slice | None = None) -> None:
        """`share`: the rows of the batch that are given, by default all."""
        first, stop = (0, batch_size) if share is None else (share.start, share.stop)
        self._objective = objective
        self._batch_size = batch_size
        self._network = network = objective.network
        for layer in network.graph.layers:
            if layer.mixes_samples:
                raise ValueError(
                    f"micro_batch: {size} was given for batches of {batch_size}, but layer {layer.name!r} normalizes "
                    "over the batch, and parts of it have other statistics. Mend: LayerNormalization, or no micro_batch"
                )
        starts = range(0, stop - first, size)
        self._parts = [
            slice(start, start + part) for start, part in zip(starts, batch_sizes(stop - first, size), strict=True)
        ]
        shifts = [key_shift(network, first + start) for start in starts]
        self._shifts = [shift for shift in shifts if shift is not None]

    def __call__(
        self, x: Sequence[Array], y: Sequence[Array], weight: Array | None
    ) -> tuple[Array, Array | float, Found]:
        """The loss, the penalty and what the loss was made of; the gradient goes to `network.grad`."""
        value, found = self.gradient(x, y, weight)
        self._network.add_penalty_gradient()
        return value, self._network.penalty(), found

    def gradient(self, x: Sequence[Array], y: Sequence[Array], weight: Array | None) -> tuple[Array, Found]:
        """The same without the penalty."""
        network, xp = self._network, self._network.backend.xp
        gradient, keys = xp.zeros_like(network.grad), xp.asarray(network.keys, copy=True)
        values: list[Array] = []
        found: list[Found] = []
        for i, rows in enumerate(self._parts):
            if self._shifts:
                network.keys[...] = keys + self._shifts[i]
            its_x, its_y = (tuple(array[rows, ...] for array in arrays) for arrays in (x, y))
            its_weight = None if weight is None else weight[rows]
            value, of_part = self._objective.gradient(its_x, its_y, its_weight, self._batch_size)
            gradient = gradient + network.grad
            values.append(value)
            found.append(of_part)
        if self._shifts:  # now they are the next batch's, but for the last part's shift
            network.keys[...] = network.keys - self._shifts[-1]
        network.grad[...] = gradient
        losses = [_sum(parts) for parts in zip(*(each.losses for each in found), strict=True)]
        outputs = [xp.concat(parts, axis=0) for parts in zip(*(each.outputs for each in found), strict=True)]
        return _sum(values), Found(losses, outputs)


def learner(objective: Objective, batch_size: int, micro_batch: int | None) -> Learner:
    """What learns from batches of `batch_size`: as a whole, or in parts of `micro_batch` where that is less."""
    if micro_batch is None or micro_batch >= batch_size:
        return objective.value_and_gradient
    return InParts(objective, batch_size, micro_batch)


def fitting(objective: Objective, data: DeviceData, batch_size: int) -> int:
    """The largest of batch_size, its half, its quarter, … for which the memory is enough.

    Each is tried on the first samples; the network is left as it was. OutOfMemoryError: it is not enough for 1.
    """
    try_parts = trial(objective, data, batch_size)
    try:
        try_parts(batch_size)
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        refused = too_many_samples(error, objective.network.backend, "batch_size", batch_size, try_parts)
        if refused.fits is None:
            raise refused from error
        return refused.fits
    return batch_size


def trial(objective: Objective, data: DeviceData, batch_size: int | None = None) -> Callable[[int], None]:
    """What learns once from the first `batch_size` samples in parts of a size, or from as many samples as the size.

    It leaves the network as it was, whatever happens.
    """
    network = objective.network
    vectors = [network.grad, network.state, network.keys]

    def attempt(size: int) -> None:
        before = [network.backend.xp.asarray(vector, copy=True) for vector in vectors]
        try:
            rows = min(batch_size or size, int(data.x[0].shape[0]))
            learner(objective, rows, size)(*data.first(rows))
            network.backend.synchronize()
        finally:
            for vector, kept in zip(vectors, before, strict=True):
                vector[...] = kept

    return attempt


def key_shift(network: Network, start: int) -> Array | None:
    """What keys grow by where the first sample is number `start` of its batch; None where no layer is random."""
    numbers = _numbers_of_a_sample(network)
    return network.backend.asarray([signed(start * f * GOLDEN) for f in numbers], "int64") if any(numbers) else None


def _numbers_of_a_sample(network: Network) -> list[int]:
    """For each layer, how many random numbers it draws for a sample."""
    graph = network.graph
    found: list[int] = []
    for layer in graph.layers:
        sizes = {prod(node.shape) for node in graph.nodes if node.layer is layer} if layer.is_random else {0}
        if len(sizes) > 1:
            raise ValueError(
                f"micro_batch, distributed: layer {layer.name!r} is random and used on samples of different sizes. "
                "Mend: a layer for each"
            )
        found += sizes
    return found


def _sum(parts: Sequence[Array]) -> Array:
    total, *others = parts
    for other in others:
        total = total + other
    return total
