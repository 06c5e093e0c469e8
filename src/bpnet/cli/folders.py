"""The folder that a run writes to, tried before the run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryFile


def require_drawing(plot: bool | None) -> bool:
    """Can pictures be drawn? ImportError where they were asked for and cannot."""
    installed = find_spec("matplotlib") is not None
    if plot and not installed:
        raise ImportError("--plot was given, but matplotlib is not installed. Mend: pip install matplotlib")
    return installed


@contextmanager
def no_empty_folders(folder: Path) -> Iterator[None]:
    """Those that were made meanwhile, `folder` and above, are removed again where nothing is in them."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    try:
        yield
    finally:
        for each in missing:
            with suppress(OSError):  # it is not there, or not empty
                each.rmdir()


def writable_folder(folder: Path) -> Path:
    """Make it, and try to write there; ValueError, and nothing is left, where that fails."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        for each in missing:
            if each.is_dir():
                each.rmdir()
        raise ValueError(f"--out: cannot write to {str(folder)!r} ({error}). Mend: name another folder") from error
