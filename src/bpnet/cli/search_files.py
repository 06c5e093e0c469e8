"""What `bpnet search` leaves in its folder."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

from bpnet.ensembles.searching import Found
from bpnet.ensembles.telling import csv_text
from bpnet.formats.atomic import write_bytes
from bpnet.formats.container import Content, write

CANDIDATES, MODEL, PICTURE = "search.csv", "model.safetensors", "search.png"


def require_unused(folder: Path) -> None:
    """ValueError where another search or run has left its model there."""
    for name in (CANDIDATES, MODEL):
        if (folder / name).exists():
            raise ValueError(
                f"--out: {str(folder)!r} has the {name} of another run. Mend: another folder, or remove that one"
            )


def write_files(folder: Path, found: Found, content: Content, plot: bool | None) -> list[Path]:
    """Each whole or not at all."""
    parts: dict[str, Callable[[Path], None]] = {
        CANDIDATES: lambda path: write_bytes(path, csv_text(found).encode()),
        MODEL: lambda path: write(path, content),
    }
    if plot is not False and find_spec("matplotlib") is not None:
        parts[PICTURE] = lambda path: _draw(path, found)
    for name, fill in parts.items():
        fill(folder / name)
    return [folder / name for name in parts]


def _draw(path: Path, found: Found) -> None:
    from bpnet.plot import search

    file = BytesIO()
    search(found).savefig(file, format="png")
    write_bytes(path, file.getvalue())
