"""What every contender gets: the same data, the same order of the samples, the same first weights."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from bpnet_benchmarks.workload import CHECKED_FLOP, Workload

SEED = 20_240_501
ROWS = 4_096
"""Rows of the data set, at least; always a multiple of the batch size, so that every step is full."""
GAINS = {"relu": 2.0, "tanh": 1.0}
"""The variance of a first weight, times the inputs of its product."""
JUDGED_ROWS = 1_024
"""The loss that contenders are compared by is that of the first so many rows."""


@dataclass(frozen=True)
class Problem:
    """A workload at a batch size, with arrays."""

    workload: Workload
    batch: int
    x: np.ndarray
    """(rows, I) or (rows, H, W, C) float32."""
    y: np.ndarray
    """(rows,) int64."""
    order: np.ndarray
    """(rows,) int64: step i takes order[i·B : (i+1)·B], and starts over at the end."""
    weights: list[np.ndarray]
    """w, b, w, b, … float32; w of shape (I, O) or (K, K, C, F)."""
    accuracy: bool = False
    """A step counts the right answers too, as `fit` does."""

    @property
    def rows(self) -> int:
        """Samples in the data set."""
        return len(self.x)

    @property
    def steps(self) -> int:
        """Steps in a pass over the rows."""
        return self.rows // self.batch

    @property
    def steps_together(self) -> int:
        """Steps of one call, where a call makes many: a pass over the rows, fewer of long ones; the checked, at least.

        All of them are made again in float64, so their number is bounded as that of the checked ones is.
        """
        most = int(CHECKED_FLOP / self.workload.flop(self.batch))
        return max(self.workload.checked_steps(self.batch), min(self.steps, most))


def problem(workload: Workload, batch: int, *, rows: int = ROWS, accuracy: bool = False) -> Problem:
    """The arrays of `workload` at `batch`; the same on every call, and the first rows the same at every size."""
    rows = -(-max(rows, batch) // batch) * batch
    x, y = DATA[workload.data](workload, rows)
    order = np.random.default_rng((SEED, 2)).permutation(rows)
    return Problem(workload, batch, x, y, order, first_weights(workload), accuracy)


def first_weights(workload: Workload) -> list[np.ndarray]:
    """w ~ N(0, 2/I) before relu and N(0, 1/I) before tanh, b = 0; I is K²·C of a convolution.

    The softmax takes the gain of the layer before it.
    """
    rng = np.random.default_rng((SEED, 1))
    gain = 1.0
    arrays = []
    for layer, before, _ in workload.chain():
        shapes = layer.weights(before)
        if not shapes:
            continue
        gain = GAINS.get(layer.activation, gain)
        w = rng.standard_normal(shapes[0], dtype=np.float32)
        inputs = prod(shapes[0][:-1])
        arrays += [w * np.float32((gain / inputs) ** 0.5), np.zeros(shapes[1], np.float32)]
    return arrays


def _teacher(workload: Workload, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """x ~ N(0, 1), and labels drawn from softmax(x A), x as a vector: noisy, so that the gradient never vanishes."""
    inputs, classes = workload.sizes[0], workload.sizes[-1]
    x = np.random.default_rng((SEED, 0)).standard_normal((rows, inputs), dtype=np.float32)
    a = np.random.default_rng((SEED, 3)).standard_normal((inputs, classes), dtype=np.float32) * np.float32(
        2 / inputs**0.5
    )
    noise = np.random.default_rng((SEED, 4)).gumbel(size=(rows, classes))
    return x.reshape(rows, *workload.input), np.argmax(x @ a + noise, axis=1).astype(np.int64)


def _xor(workload: Workload, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Two random bits and a 1; the label is whether the bits differ."""
    bits = np.random.default_rng((SEED, 0)).integers(0, 2, (rows, 2))
    x = np.column_stack([bits, np.ones(rows)]).astype(np.float32)
    return x, (bits[:, 0] ^ bits[:, 1]).astype(np.int64)


DATA = {"teacher": _teacher, "xor": _xor}
