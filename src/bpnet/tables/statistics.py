"""One pass over a file in blocks: moments and counts of all rows for training, a sample of them, and the held-out rows.

Moments of parts A and B are joined so (Chan, Golub & LeVeque 1979): n = nA + nB, δ = mB - mA, m = mA + δ nB/n,
M2 = M2A + M2B + δ² nA nB / n, where M2 = n std².
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from tqdm import tqdm

from bpnet.data.random import generator
from bpnet.tables.columns import Moments, counts
from bpnet.tables.frames import needed
from bpnet.tables.kinds import is_text, text_of, values_of
from bpnet.tables.sources import Source

SAMPLE = 100_000
"""Rows, about, off which kinds, medians and the target's classes are read."""
HELD_OUT = 100_000
"""Rows, about, that are held out at most: they stay in memory."""
FEW_VALUES = 10_000
"""Different values of a target that are counted."""
DIFFERENT = 1_000_000
"""Texts of a column that are counted; one with more is left out, like names of rows."""


class Gathered:
    """The moments of a column of numbers, or the counts of one of text; they grow with each chunk."""

    def __init__(self) -> None:
        self.moments: Moments | None = None
        self.counts: Counter[str | None] = Counter()
        self.too_many = False

    def add(self, name: str, column: Any) -> None:
        """The values of a chunk."""
        if is_text(column.type):
            if not self.too_many:
                self.counts.update(counts(text_of(column)))
                self.too_many = len(self.counts) > DIFFERENT
                self.counts = Counter() if self.too_many else self.counts
            return
        found = values_of(name, column)
        if found.kind in ("number", "boolean"):
            self.add_numbers(found.values[~np.isnan(found.values)])

    def add_numbers(self, known: np.ndarray, times: np.ndarray | None = None) -> None:
        """Numbers that are not missing, each `times` over."""
        if not len(known):
            return
        count = len(known) if times is None else int(times.sum())
        mean = float(np.average(known, weights=times))
        variance = float(np.average((known - mean) ** 2, weights=times))
        part = Moments(count, mean, float(np.sqrt(variance)), float(known.min()), float(known.max()))
        self.moments = part if self.moments is None else joined(self.moments, part)


def joined(a: Moments, b: Moments) -> Moments:
    """Of both parts together."""
    count, step = a.count + b.count, b.mean - a.mean
    share = b.count / count
    variance = a.std**2 * (1 - share) + b.std**2 * share + step * step * share * (1 - share)
    return Moments(count, a.mean + step * share, float(np.sqrt(variance)), min(a.low, b.low), max(a.high, b.high))


@dataclass
class Pass:
    """What one pass over all blocks found; `rows` are those for training."""

    rows: int
    columns: dict[str, Gathered]
    sample: Any
    held_out: Any
    target_values: dict[Any, int] | None
    """How often each value of the target came for training, 0 for one of held-out rows alone; None where there are more
    than FEW_VALUES. Text is without blanks around it."""
    target_missing: int


class HeldOutRows:
    """Which rows are held out: the seed, the block and the row decide, whatever is read first."""

    def __init__(self, source: Source, share: float, seed: int) -> None:
        self.share = min(share, HELD_OUT / source.rows)
        self.seed = seed

    def kept(self, source: Source, block: int) -> Iterator[tuple[Any, Any]]:
        """The chunks of a block: the rows for training, and those that are held out."""
        _, pa = needed()
        draw = generator(self.seed, "held out", block)
        for chunk in source.chunks(block):
            out = pa.array(draw.random(len(chunk)) < self.share)
            yield chunk.filter(pa.compute.invert(out)), chunk.filter(out)


class TargetValues:
    """How often each value of the target came for training, as long as there are few; held-out ones are known."""

    def __init__(self) -> None:
        self.counts: Counter[Any] | None = Counter()
        self.missing = 0

    def add(self, column: Any, held_out: bool) -> None:
        """The values of a chunk."""
        import pyarrow.compute as pc

        text = text_of(column)
        self.missing += text.null_count
        if self.counts is not None:
            found = pc.value_counts(text if is_text(column.type) else column)
            times = [0] * len(found) if held_out else found.field(1).to_pylist()
            self.counts.update(dict(zip(found.field(0).to_pylist(), times, strict=True)))
            self.counts = None if len(self.counts) > FEW_VALUES else self.counts


def survey_file(source: Source, target: str, split: HeldOutRows, show: bool) -> Pass:
    """Go once through all blocks."""
    import pyarrow as pa
    import pyarrow.compute

    gathered = {name: Gathered() for name in source.names}
    values, sample, held_out, rows = TargetValues(), [], [], 0
    with tqdm(
        total=source.rows, unit=" rows", unit_scale=True, disable=not show, desc=f"reading {source.path.name}"
    ) as bar:
        for block in range(len(source.blocks)):
            draw = generator(split.seed, "sample", block)
            for chunk, out in split.kept(source, block):
                rows += len(chunk)
                held_out.append(out)
                values.add(chunk[target], held_out=False)
                values.add(out[target], held_out=True)
                for name in source.names:
                    gathered[name].add(name, chunk[name])
                sample.append(chunk.filter(pa.array(draw.random(len(chunk)) < SAMPLE / source.rows)))
                bar.update(len(chunk) + len(out))
    parts = pa.concat_tables(sample), pa.concat_tables(held_out)
    return Pass(rows, gathered, *parts, values.counts, values.missing)
