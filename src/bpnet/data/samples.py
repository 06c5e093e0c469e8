"""Samples to learn from or to measure on: inputs, targets and weights that were checked together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bpnet.data import arrays
from bpnet.data.targets import targets


@dataclass(frozen=True)
class Expected:
    """What a model expects of its data."""

    input_shape: tuple[int, ...]
    first_layer: str
    target_kind: str
    output_shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True)
class Samples:
    """x (N, …), y as the loss takes it, and a weight for each sample or None."""

    x: np.ndarray
    y: np.ndarray
    weight: np.ndarray | None

    def __len__(self) -> int:
        return len(self.x)


def checked(expected: Expected, x: Any, y: Any, sample_weight: Any = None, prefix: str = "") -> Samples:
    """x, y and the weights as arrays that fit the model, or one ValueError that names the one at fault."""
    rows = arrays.inputs(f"{prefix}x", x, expected.input_shape, expected.first_layer)
    y = targets(f"{prefix}y", y, expected.target_kind, len(rows), expected.output_shape)
    for name, array in (("x", rows), ("y", y)):
        arrays.representable(f"{prefix}{name}", array, expected.dtype)
    return Samples(rows, y, arrays.sample_weights(sample_weight, len(rows)))


def weighed(samples: Samples, class_weight: Mapping[int, float] | None, kind: str) -> Samples:
    """The same samples, each weight multiplied by that of the sample's class."""
    by_class = arrays.class_weights(class_weight, samples.y, kind)
    if by_class is None:
        return samples
    return Samples(samples.x, samples.y, by_class if samples.weight is None else samples.weight * by_class)


def held_out(samples: Samples, share: float) -> tuple[Samples, Samples]:
    """All but the last `share` of the samples, and these, in the order given."""
    kept = int(len(samples) * (1.0 - share)) if isinstance(share, float) and 0 < share < 1 else 0
    if kept in (0, len(samples)):
        raise ValueError(
            f"validation_split: {share!r} was given for {len(samples)} samples; "
            "a share between 0.0 and 1.0 that leaves samples in both parts"
        )
    weight = samples.weight
    return (
        Samples(samples.x[:kept], samples.y[:kept], None if weight is None else weight[:kept]),
        Samples(samples.x[kept:], samples.y[kept:], None if weight is None else weight[kept:]),
    )


def validation(expected: Expected, given: Any) -> Samples:
    """`validation_data`, which is (x, y) or (x, y, sample_weight)."""
    if not isinstance(given, tuple | list) or len(given) not in (2, 3):
        raise ValueError("validation_data: expected a tuple (x, y) or (x, y, sample_weight)")
    x, y, *weight = given
    return checked(expected, x, y, weight[0] if weight else None, prefix="validation ")
