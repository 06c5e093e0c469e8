"""Where callbacks write: what cannot be written is said before training begins."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryFile


def require_folder(argument: str, folder: Path) -> None:
    """Make the folder and the folders above it. ValueError: there is a file in its place, or nothing can be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except (FileExistsError, NotADirectoryError):
        blocking = next(path for path in (folder, *folder.parents) if path.exists())
        raise ValueError(
            f"{argument}: {str(folder)!r} was given, expected a folder, but {str(blocking)!r} is a file. "
            "Mend: another name"
        ) from None
    except OSError as error:
        raise ValueError(
            f"{argument}: nothing can be written in the folder {str(folder)!r} ({error.strerror}). Mend: another one"
        ) from error


def require_file(argument: str, path: Path) -> None:
    """ValueError where `path` is a folder, its folder is not there, or it cannot be written. It is not changed."""
    if path.is_dir():
        raise ValueError(
            f"{argument}: {str(path)!r} was given, expected a file, but it is a folder. Mend: a name in it"
        )
    if not any(above.is_file() for above in path.parents) and not path.parent.exists():
        raise ValueError(f"{argument}: there is no folder {str(path.parent)!r}. Mend: make the folder first")
    require_folder(argument, path.parent)
    if path.exists() and not os.access(path, os.W_OK):
        raise ValueError(f"{argument}: the file {str(path)!r} cannot be written. Mend: another name")
