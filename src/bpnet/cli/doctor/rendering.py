"""A report as plain text, Markdown and JSON."""

from __future__ import annotations

import json
from textwrap import wrap

from bpnet.cli.doctor.examination import Report
from bpnet.cli.doctor.sections import Section, sections

WIDTH = 100
"""Columns of the plain text."""


def json_text(report: Report) -> str:
    """The report as JSON."""
    return json.dumps(report.as_dict(), indent=2, allow_nan=False)


def text(report: Report) -> str:
    """The report as plain text: aligned columns, of which the last is wrapped."""
    return "\n\n".join(_text(section) for section in sections(report))


def markdown(report: Report) -> str:
    """The report as Markdown: a table or a list a section."""
    return "\n\n".join(_markdown(section) for section in sections(report))


def _text(section: Section) -> str:
    rows = [section.header, *section.rows] if len(section.header) > 2 else list(section.rows)
    widths = [max(len(row[column]) for row in rows) for column in range(len(section.header) - 1)]
    out = [section.title]
    for row in rows:
        start = "".join(f"  {cell:<{width}}" for cell, width in zip(row, widths, strict=False)) + "  "
        out += _wrapped(row[-1], start)
    for note in section.notes:
        out += _wrapped(note, "  - ")
    return "\n".join(out)


def _wrapped(cell: str, start: str) -> list[str]:
    """The lines of `cell`, the first after `start` and the others below its end."""
    width = WIDTH - len(start)
    parts = [
        part
        for line in cell.split("\n")
        for part in wrap(line, width, break_long_words=False, break_on_hyphens=False) or [""]
    ]
    return [((start if i == 0 else " " * len(start)) + part).rstrip() for i, part in enumerate(parts)]


def _markdown(section: Section) -> str:
    out = [f"## {section.title}", ""]
    if section.header:
        out += [_row(section.header), _row(("---",) * len(section.header)), *map(_row, section.rows)]
        out += [""] if section.notes else []
    return "\n".join(out + [f"- {_cell(note)}" for note in section.notes])


def _row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(map(_cell, cells)) + " |"


def _cell(cell: str) -> str:
    return cell.replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|").replace("\n", "<br>")
