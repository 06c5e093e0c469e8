"""What was compiled is kept in the user's cache folder for the next process, and told on standard error."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from functools import cache
from pathlib import Path


def cache_folder() -> Path:
    """BPNET_CACHE, where it is set; else the user's cache folder."""
    given = os.environ.get("BPNET_CACHE")
    if given:
        return Path(given).expanduser()
    if sys.platform == "win32":
        root = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    else:
        root = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(root) / "bpnet" / "kernels"


def kept(name: str) -> bytes | None:
    """What is kept under that name; None where there is nothing, or where it is not what was written."""
    try:
        found = (cache_folder() / name).read_bytes()
    except (OSError, RuntimeError):  # the second: there is no home folder
        return None
    checksum, code = found[:32], found[32:]
    return code if hashlib.sha256(code).digest() == checksum else None


def keep(name: str, code: bytes) -> None:
    """Written under another name and moved, because several processes may do it at once.

    A folder that cannot be written costs the next process a second, no more.
    """
    try:
        folder = cache_folder()
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as own:
            path = Path(own, "code")
            path.write_bytes(hashlib.sha256(code).digest() + code)
            os.replace(path, folder / name)
    except (OSError, RuntimeError) as error:
        _say(f"compiled kernels cannot be kept ({error}). Mend: set BPNET_CACHE to a folder that can be written")


def announce() -> None:
    """Tell, once a process, what the user is waiting for."""
    _say("compiling kernels, which are kept for the next time")


@cache
def _say(text: str) -> None:
    clear = "\r\x1b[K" if sys.stderr.isatty() else ""  # a progress bar may stand on the line
    print(f"{clear}bpnet: {text}", file=sys.stderr, flush=True)
