"""Samples to learn from or to measure on: inputs, targets and weights that were checked together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bpnet.data import arrays
from bpnet.data.targets import targets


@dataclass(frozen=True)
class ExpectedInput:
    """What a model expects of the arrays of one input."""

    name: str
    shape: tuple[int, ...]
    layer: str
    """The first layer that it feeds."""
    tables: tuple[tuple[str, int], ...]
    """The layers to which its numbers name rows of a table, and how many rows that has."""


@dataclass(frozen=True)
class ExpectedTarget:
    """What the loss of one output expects of its targets; `kind` is `Loss.targets`."""

    name: str
    kind: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Expected:
    """What a model expects of its data."""

    inputs: tuple[ExpectedInput, ...]
    targets: tuple[ExpectedTarget, ...]
    dtype: str


@dataclass(frozen=True)
class Samples:
    """x (N, …) for each input, y for each output as its loss takes it, and a weight for each sample or None."""

    x: tuple[np.ndarray, ...]
    y: tuple[np.ndarray, ...]
    weight: np.ndarray | None

    def __len__(self) -> int:
        return len(self.x[0])

    @property
    def numbers(self) -> int:
        """How many there are in all arrays."""
        return sum(array.size for array in (*self.x, *self.y)) + (0 if self.weight is None else self.weight.size)

    def part(self, rows: slice | np.ndarray) -> Samples:
        """These rows."""
        x, y = (tuple(array[rows] for array in arrays) for arrays in (self.x, self.y))
        return Samples(x, y, None if self.weight is None else self.weight[rows])


def inputs(expected: Sequence[ExpectedInput], x: Any, prefix: str = "") -> list[tuple[str, np.ndarray]]:
    """An array for each input, with its name in errors."""
    found: list[tuple[str, np.ndarray]] = []
    given = arrays.for_each(f"{prefix}x", x, [each.name for each in expected])
    for (name, value), each in zip(given, expected, strict=True):
        array = arrays.inputs(name, value, each.shape, each.layer)
        for layer, rows in each.tables:
            arrays.rows_of_a_table(name, array, layer, rows)
        if found:
            arrays.same_rows(name, array, len(found[0][1]), of=found[0][0])
        found.append((name, array))
    return found


def checked(expected: Expected, x: Any, y: Any, sample_weight: Any = None, prefix: str = "") -> Samples:
    """x, y and the weights as arrays that fit the model, or one ValueError that names the one at fault."""
    found = inputs(expected.inputs, x, prefix)
    rows, several = len(found[0][1]), len(found)
    given = arrays.for_each(f"{prefix}y", y, [each.name for each in expected.targets])
    for (name, value), each in zip(given, expected.targets, strict=True):
        found.append((name, targets(name, value, each.kind, rows, each.shape)))
    for name, array in found:
        arrays.representable(name, array, expected.dtype)
    every = tuple(array for _, array in found)
    return Samples(every[:several], every[several:], arrays.sample_weights(sample_weight, rows))


def weighed(samples: Samples, class_weight: Mapping[int, float] | None, expected: Expected) -> Samples:
    """The same samples, each weight multiplied by that of the sample's class."""
    if class_weight is None:
        return samples
    if len(samples.y) > 1:
        raise ValueError(
            f"class_weight: the model has {len(samples.y)} outputs, and a sample has a class in each. "
            "Mend: sample_weight, one vector for all outputs"
        )
    by_class = arrays.class_weights(class_weight, samples.y[0], expected.targets[0].kind)
    return Samples(samples.x, samples.y, by_class if samples.weight is None else samples.weight * by_class)


def held_out(samples: Samples, share: float) -> tuple[Samples, Samples]:
    """All but the last `share` of the samples, and these, in the order given."""
    kept = int(len(samples) * (1.0 - share)) if isinstance(share, float) and 0 < share < 1 else 0
    if kept in (0, len(samples)):
        raise ValueError(
            f"validation_split: {share!r} was given for {len(samples)} samples; "
            "a share between 0.0 and 1.0 that leaves samples in both parts"
        )
    return samples.part(slice(None, kept)), samples.part(slice(kept, None))


def validation(expected: Expected, given: Any) -> Samples:
    """`validation_data`, which is (x, y) or (x, y, sample_weight)."""
    if not isinstance(given, tuple | list) or len(given) not in (2, 3):
        raise ValueError("validation_data: expected a tuple (x, y) or (x, y, sample_weight)")
    x, y, *weight = given
    return checked(expected, x, y, weight[0] if weight else None, prefix="validation ")
