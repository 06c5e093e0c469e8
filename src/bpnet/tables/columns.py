"""What was learned of a feature's column, and the numbers that it becomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import ceil, sqrt
from typing import Any, ClassVar, TypeAlias

import numpy as np

from bpnet.tables.frames import needed
from bpnet.tables.kinds import Values

MOST_ONE_HOT = 32
"""Categories up to here get a column of 0 and 1 each; more get a vector each, which is learned."""
RARE = 5
"""A category in fewer rows, and in less than one in a hundred, is not told from others that are rare."""
ID_SHARE = 0.9
"""Different values in a row, from which on categories are taken for names of the rows."""
ID_ROWS = 20
"""Fewer rows do not tell."""


@dataclass(frozen=True)
class NumberColumn:
    """(x - mean) / std; a missing number is `fill`, the median, and if `indicator` a second column is then 1, else 0.

    Booleans are 0 and 1 (mean 0, std 1), a missing one is what more of them are.
    """

    name: str
    kind: str
    mean: float
    std: float
    fill: float
    indicator: bool
    embedded: ClassVar[bool] = False

    @property
    def width(self) -> int:
        """The number of columns that it becomes."""
        return 1 + self.indicator

    def encode(self, values: Any) -> np.ndarray:
        """(N,) float64, NaN where missing → (N, width)."""
        missing = np.isnan(values)
        scaled = (np.where(missing, self.fill, values) - self.mean) / self.std
        return np.stack([scaled, missing], axis=1) if self.indicator else scaled[:, None]

    def facts(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


@dataclass(frozen=True)
class CategoryColumn:
    """The number of a category; 0 is "other": what is rare or was not in the training part. None is a missing one.

    One-hot columns, of which "other" has one only if some rows of the training part are other; else other rows are all
    0. Or, where there are many categories, the numbers, for a table of vectors of size `dimension`.
    """

    name: str
    categories: tuple[str | None, ...]
    other: bool
    dimension: int = 0
    """Of the vectors; 0 where the columns are one-hot."""
    kind: ClassVar[str] = "category"

    @property
    def embedded(self) -> bool:
        """Does it have a table of vectors?"""
        return self.dimension > 0

    @property
    def width(self) -> int:
        """The number of columns that it becomes."""
        return 1 if self.embedded else len(self.categories) + self.other

    def encode(self, values: Any) -> np.ndarray:
        """Text of Arrow (N,) → one-hot columns (N, width), or numbers (N, 1) from 0 to len(categories)."""
        codes = self.codes(values)
        if self.embedded:
            return codes[:, None]
        one_hot = codes[:, None] == np.arange(0 if self.other else 1, len(self.categories) + 1)
        return np.asarray(one_hot, dtype=np.float64)

    def codes(self, values: Any) -> np.ndarray:
        """The categories' numbers (N,), from 1, and 0 for "other"."""
        _, pa = needed()
        import pyarrow.compute as pc

        codes = pc.index_in(values, pa.array(self.categories, pa.string()))
        return np.asarray(pc.fill_null(codes, -1).to_numpy(), dtype=np.int64) + 1

    def facts(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self) | {"kind": self.kind, "categories": list(self.categories)}


Column: TypeAlias = NumberColumn | CategoryColumn


def column_from(facts: Mapping[str, Any]) -> Column:
    """The inverse of `facts`."""
    given = dict(facts)
    if given["kind"] != "category":
        return NumberColumn(**given)
    del given["kind"]
    return CategoryColumn(**given | {"categories": tuple(given["categories"])})


def fit_column(name: str, found: Values) -> tuple[Column | None, str]:
    """What is learned from a column's values in the training part, and a note; None where it is of no use."""
    if found.kind == "unknown":
        return None, f"{found.note}, which is not read; it is left out"
    if found.kind == "":
        return None, f"column {name!r} has missing values only; it is left out"
    missing = found.missing
    if missing.all():
        return None, f"column {name!r} has missing values only in the training part; it is left out"
    if found.kind == "category":
        return category_column(name, counts(found.values))
    return _number(name, found.kind, found.values)


def _number(name: str, kind: str, values: np.ndarray) -> tuple[Column | None, str]:
    known = values[~np.isnan(values)]
    scale = float(np.abs(known).max()) or 1.0  # no square overflows
    centre, spread = float((known / scale).mean()) * scale, float((known / scale).std()) * scale
    moments = Moments(len(known), centre, spread, float(known.min()), float(known.max()))
    return number_column(name, kind, moments, len(values), float(np.median(known)))


@dataclass(frozen=True)
class Moments:
    """Of the numbers that are not missing: how many, their mean and deviation, the smallest and the largest."""

    count: int
    mean: float
    std: float
    low: float
    high: float


def number_column(name: str, kind: str, found: Moments, rows: int, median: float) -> tuple[Column | None, str]:
    """What is learned from the moments of a column of so many rows, and a note."""
    missing = rows - found.count
    scale = max(abs(found.low), abs(found.high))
    std = found.std
    if found.low == found.high or std <= 1e-13 * scale:
        if not missing:
            return None, f"column {name!r} is {found.low:g} in every row; it is left out"
        std = 1.0
    if kind == "boolean":
        return NumberColumn(name, kind, 0.0, 1.0, float(median > 0.5), missing > 0), ""
    mean = found.mean + (median - found.mean) * (missing / rows)  # what the network sees has mean 0
    return NumberColumn(name, kind, mean, std, median, missing > 0), ""


def category_column(name: str, found: Mapping[str | None, int]) -> tuple[Column | None, str]:
    """What is learned from how often each category came, and a note; None is a missing one."""
    rows, given = sum(found.values()), sum(count for category, count in found.items() if category is not None)
    different = sum(category is not None for category in found)
    if given >= ID_ROWS and different > ID_SHARE * given:
        said = (
            f"column {name!r} has {different} different texts in the {given} rows to learn from, like names of rows; "
        )
        said += "it is left out"
        return None, said
    if len(found) == 1:
        return None, f"column {name!r} is {next(iter(found))!r} in every row; it is left out"
    least = min(RARE, rows / 100)
    kept = _in_order([category for category, count in found.items() if count >= least])
    if not kept:
        return None, f"column {name!r} has no category in {least:g} rows or more; it is left out"
    other = len(kept) < len(found)
    dimension = 0 if len(kept) <= MOST_ONE_HOT else min(32, ceil(sqrt(len(kept))))
    return CategoryColumn(name, tuple(kept), other, dimension), ""


def counts(values: Any) -> dict[str | None, int]:
    """How often each text of Arrow came."""
    import pyarrow.compute as pc

    found = pc.value_counts(values)
    pairs = zip(found.field(0).to_pylist(), found.field(1).to_pylist(), strict=True)
    return {category: int(count) for category, count in pairs}


def _in_order(categories: Sequence[str | None]) -> list[str | None]:
    """By the alphabet, the missing one last: the order of the rows does not matter."""
    return sorted(categories, key=lambda category: (category is None, category or ""))
