"""What the models of an ensemble have of their own: seeds, rates, penalties."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from bpnet.data import arrays
from bpnet.nn.checks import require_number

BOUNDS: dict[str, dict[str, float]] = {
    "learning_rate": {"above": 0},
    "weight_decay": {"least": 0},
    "l2": {"least": 0},
    "dropout": {"least": 0, "below": 1},
}


@dataclass(frozen=True)
class Settings:
    """A value for each model; None where the template's count."""

    seeds: list[int]
    learning_rate: list[float] | None
    weight_decay: list[float] | None
    l2: list[float] | None
    dropout: list[float] | None

    @classmethod
    def of(cls, models: int | None, first_seed: int, seeds: Any, **given: Any) -> Settings:
        """From one value for all or a value for each. ValueError names what does not fit."""
        columns: dict[str, Any] = {"seeds": seeds, **given}
        lengths = {name: len(value) for name, value in columns.items() if value is not None and np.ndim(value) == 1}
        if models is None and not lengths:
            raise ValueError(
                "models: none was given, expected how many, or a list of seeds or rates with a value for each"
            )
        count = arrays.whole_number("models", models if models is not None else next(iter(lengths.values())))
        for name, length in lengths.items():
            if length != count:
                raise ValueError(
                    f"{name}: {length} values were given for {count} models, expected one for each, or one for all"
                )
        if seeds is None:
            seeds = range(first_seed, first_seed + count)
        elif np.ndim(seeds) == 0:
            seeds = [seeds] * count
        own = [arrays.whole_number("seeds", seed, least=0) for seed in seeds]
        return cls(own, *(_column(name, given.get(name), count) for name in BOUNDS))

    def told(self) -> list[str]:
        """How many there are, and each setting, one value or the smallest and largest: `learning_rate 0.001 to 0.1`."""
        columns = {"seed": self.seeds} | {name: getattr(self, name) for name in BOUNDS}
        ends = {name: sorted({min(column), max(column)}) for name, column in columns.items() if column is not None}
        ranges = [f"{name} {' to '.join(map(str, values))}" for name, values in ends.items()]
        return [f"{len(self):,} model{'s' * (len(self) != 1)}", *ranges]

    def __len__(self) -> int:
        return len(self.seeds)


def _column(name: str, given: Any, count: int) -> list[float] | None:
    if given is None:
        return None
    if np.ndim(given) > 1 or isinstance(given, str):
        raise ValueError(f"{name}: {given!r} was given, expected a number, or a list of {count} numbers")
    values: Sequence[Real] = [given] * count if np.ndim(given) == 0 else list(given)
    for value in values:
        require_number(name, value, **BOUNDS[name])
    return [float(value) for value in values]
