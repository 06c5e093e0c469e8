"""Libraries that come with packages of pip, which lie where the system's loader does not look."""

from __future__ import annotations

import ctypes
import sys
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path


def library(package: str, names: tuple[str, ...]) -> ctypes.CDLL | None:
    """The first library of `package` whose file's name begins with one of `names`; None where it is not there."""
    try:
        found = [file for file in files(package) or () if file.name.startswith(names)]
    except PackageNotFoundError:
        return None
    for file in found:
        try:
            return ctypes.CDLL(str(Path(str(file.locate())).resolve()))
        except OSError as error:
            print(f"bpnet: the package {package} is there but cannot be loaded ({error})", file=sys.stderr)
    return None
