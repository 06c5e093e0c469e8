"""The table at the end of a run: every formula's largest error, for each backend and float type."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

import pytest

PROPERTY = "parity"
"""Under this name a test records its `Measured`. Reports carry it, also from one process to another (pytest-xdist)."""


class Measured(NamedTuple):
    """One comparison: how far a result was from a reference, and how far it may be."""

    kind: str
    name: str
    direction: str
    backend: str
    dtype: str
    against: str
    error: float
    limit: float

    @property
    def ok(self) -> bool:
        """False also where the error is not a number."""
        return self.error <= self.limit

    @property
    def size(self) -> float:
        """The error; one that is not a number counts as the largest."""
        return self.error if self.error == self.error else float("inf")


def show(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table if it was asked for and the run measured anything."""
    config = terminalreporter.config
    if not (config.getoption("--parity-table") or config.getoption("capture") == "no"):
        return
    found = measured(terminalreporter)
    if found:
        terminalreporter.section("parity")
        for line in lines(found):
            terminalreporter.write_line(line)


def measured(terminalreporter: pytest.TerminalReporter) -> list[Measured]:
    """What the tests of this run recorded."""
    reports = [report for group in terminalreporter.stats.values() for report in group]
    return [
        Measured(*value)
        for report in reports
        if getattr(report, "when", None) == "call"
        for name, value in report.user_properties
        if name == PROPERTY
    ]


def lines(found: list[Measured]) -> list[str]:
    """A row for each formula and direction, a column for each backend and float type; then the verdict."""
    cells: dict[tuple[str, str, str], dict[tuple[str, str], Measured]] = defaultdict(dict)
    for m in found:
        row, column = cells[m.kind, m.name, m.direction], (m.backend, m.dtype)
        row[column] = max(row.get(column, m), m, key=lambda each: each.size)
    columns = sorted({(m.backend, m.dtype) for m in found})
    widths = [max(len(key[i]) for key in cells) for i in range(3)]
    blank = " " * (sum(widths) + 4)
    text = [
        "relative errors, the larger of those against NumPy in float64 and against PyTorch's autograd in float64",
        "(of a run: the largest along its curve, against NumPy in the same float type)",
        blank + "".join(f"{backend:>11}" for backend, _ in columns),
        blank + "".join(f"{dtype:>11}" for _, dtype in columns),
    ]
    for key in sorted(cells, key=lambda key: (key[0], key[1], key[2] == "backward")):
        label = "  ".join(part.ljust(width) for part, width in zip(key, widths, strict=True))
        text.append(label + "".join(_cell(cells[key].get(column)) for column in columns))
    return [*text, *_verdict(found)]


def _cell(m: Measured | None) -> str:
    return " " * 11 if m is None else f"{m.error:>10.1e}" + (" " if m.ok else "!")


def _verdict(found: list[Measured]) -> list[str]:
    text = []
    for dtype, limit in sorted({(m.dtype, m.limit) for m in found}):
        worst = max((m for m in found if (m.dtype, m.limit) == (dtype, limit)), key=lambda m: m.size)
        where = f"{worst.kind} {worst.name}, {worst.direction}, {worst.backend} against {worst.against}"
        text.append(f"worst of {dtype}: {worst.error:.1e}, limit {limit:.0e} ({where})")
    beyond = sum(not m.ok for m in found)
    ending = f"{beyond} of {len(found)} comparisons are NOT within" if beyond else f"all {len(found)} are within"
    return [*text, f"{ending} their limits"]
