"""A table as text for a terminal and as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from textwrap import indent


@dataclass
class Table:
    """A title, rows below a header, and notes below them. The first column is on the left, the others on the right."""

    title: str
    header: Sequence[str] = ()
    rows: list[Sequence[str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def text(tables: Sequence[Table]) -> str:
    """For a terminal: aligned columns."""
    return "\n\n".join(map(_text, tables))


def markdown(tables: Sequence[Table]) -> str:
    """For a README."""
    return "\n\n".join(map(_markdown, tables))


def _text(table: Table) -> str:
    lines = [table.title]
    rows = [table.header, *table.rows] if table.rows else []
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            f"{row[0]:<{widths[0]}}",
            *(f"{cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True)),
        ]
        lines.append("  " + "  ".join(cells).rstrip())
    return "\n".join(lines + [indent(note, "    ").removeprefix("  ") for note in table.notes])


def _markdown(table: Table) -> str:
    lines = [f"### {table.title}", ""]
    if table.rows:
        lines += [_row(table.header), _row(["---", *["---:"] * (len(table.header) - 1)]), *map(_row, table.rows), ""]
    return "\n".join(lines + [f"- {_escaped(note)}" for note in table.notes]).rstrip()


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(map(_escaped, cells)) + " |"


def _escaped(cell: str) -> str:
    return cell.replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|").replace("\n", "<br>")


def duration(seconds: float) -> str:
    """`123.4 µs`, `5.678 ms`, `1.234 s`."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.4g} {unit}"
    return f"{seconds / 1e-9:.4g} ns"
