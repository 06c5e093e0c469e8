"""What a table looked like, before anything was learned from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from bpnet.tables.kinds import Values
from bpnet.tables.target import Target

if TYPE_CHECKING:
    from bpnet.tables.columns import Column

QUANTILES = (0.0, 0.25, 0.5, 0.75, 1.0)
MOST_SHOWN = 20


@dataclass(frozen=True)
class Survey:
    """Rows; the kind of each column (the target's not) and how many of its values are missing; the target's spread."""

    rows: int = 0
    kinds: dict[str, str] = field(default_factory=dict)
    missing: dict[str, int] = field(default_factory=dict)
    counts: list[int] = field(default_factory=list)
    """The rows of each class."""
    quantiles: list[float] = field(default_factory=list)
    """The smallest number, the quartiles, the largest."""

    def facts(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Survey:
        """The inverse of `facts`."""
        return cls(**facts)

    def text(self, columns: Sequence[Column], target: Target, notes: Sequence[str]) -> str:
        """For people, a line a column."""
        used = {column.name: column for column in columns}
        features = f"{len(used)} feature{'s' * (len(used) != 1)}"
        lines = [f"{self.rows:,} rows, {len(self.kinds) + 1} columns: {features} and the target"]
        lines += ["  (means, deviations and categories are of the training part, all else of all rows)"]
        width = max(map(len, self.kinds), default=0)
        for name, kind in self.kinds.items():
            missing = self.missing[name]
            share = f"{missing:,} missing ({missing / self.rows:.1%})" if missing else ""
            parts = [_told(used[name]) if name in used else f"{kind or 'empty'}, left out", share]
            lines.append(f"  {name:<{width}}  {', '.join(part for part in parts if part)}")
        lines.append(f"target {target.name}: {target.task}{', learned through its logarithm' if target.log else ''}")
        if self.counts:
            shown = list(zip(target.classes, self.counts, strict=True))
            lines += [
                f"  {name!s}: {count:,} row{'s' * (count != 1)} ({count / self.rows:.1%})"
                for name, count in shown[:MOST_SHOWN]
            ]
            lines += [f"  … and {len(shown) - MOST_SHOWN} more classes"] if len(shown) > MOST_SHOWN else []
        if self.quantiles:
            words = ("smallest", "quartile", "median", "quartile", "largest")
            parts = [f"{word} {value:.6g}" for word, value in zip(words, self.quantiles, strict=True)]
            lines.append("  " + ", ".join(parts))
        return "\n".join(lines + [f"note: {note}" for note in notes])


def _told(column: Any) -> str:
    if column.kind == "number":
        return f"number, mean {column.mean:.4g}, deviation {column.std:.4g}"
    if column.kind == "boolean":
        return "boolean"
    known = [category for category in column.categories if category is not None]
    shown = ", ".join(known[:4]) + (", …" if len(known) > 4 else "")
    return f"category, {len(known)} kinds ({shown})" + (f", vectors of {column.dimension}" if column.embedded else "")


def survey(target: Target, column: Any, found: Mapping[str, Values], kept: Sequence[Column]) -> Survey:
    """Of the whole table; `column` is the target's, of Arrow."""
    of_kept = {one.name: one.kind for one in kept}
    kinds = {name: of_kept.get(name, values.kind) for name, values in found.items()}
    missing = {name: int(values.missing.sum()) for name, values in found.items()}
    if target.task == "regression":
        quantiles = [float(value) for value in np.quantile(target.numbers(column), QUANTILES)]
        return Survey(len(column), kinds, missing, quantiles=quantiles)
    counts = np.bincount(target.labels(column), minlength=len(target.classes))
    return Survey(len(column), kinds, missing, counts=[int(count) for count in counts])
