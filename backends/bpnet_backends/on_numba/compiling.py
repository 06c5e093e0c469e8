"""Text into machine code: a kernel's source is a file in the user's cache, beside which Numba keeps its compilation."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numba

_addresses: dict[str, int] = {}
_kept: list[Any] = []
"""What was compiled: its code lives as long as these."""


def cache_folder() -> Path:
    """NUMBA_CACHE_DIR, where it is set; else the user's cache folder."""
    given = os.environ.get("NUMBA_CACHE_DIR")
    if given:
        return Path(given) / "bpnet"
    if sys.platform == "win32":
        root = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    else:
        root = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(root) / "bpnet" / "numba"


def address_of(source: str) -> int:
    """The address of the function `kernel` that `source` defines, compiled unless this machine has done it before.

    The first compilation of a process is announced on standard error.
    """
    key = key_of(source)
    if key not in _addresses:
        path = _written(key, source)
        compiled = path.with_suffix(".compiled")
        if not compiled.exists():
            _announce()
        spec = importlib.util.spec_from_file_location(f"bpnet_kernel_{key}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module  # where Numba looks for it when it loads compiled code
        spec.loader.exec_module(module)
        compiled.touch()
        _kept.append(module)
        _addresses[key] = module.kernel.address
    return _addresses[key]


def key_of(source: str) -> str:
    """A name for what `source` compiles to: of the text, and of all that is compiled into it."""
    return hashlib.sha256(f"{source}{foundations()}".encode()).hexdigest()[:24]


@cache
def foundations() -> str:
    """What every kernel is built on, unseen by Numba when it looks for a compiled one: two modules, its own version."""
    texts = [Path(__file__).with_name(name).read_text(encoding="utf-8") for name in ("machine.py", "mathematics.py")]
    return "".join([numba.__version__, *texts])


@cache
def _announce() -> None:
    clear = "\r\x1b[K" if sys.stderr.isatty() else ""  # a progress bar may stand on the line
    print(f"{clear}bpnet: compiling kernels, which are kept for the next time", file=sys.stderr, flush=True)


def _written(key: str, source: str) -> Path:
    """The file of that source; written under another name and moved, because several processes may do it at once."""
    for folder in (cache_folder(), _folder_of_this_process()):
        path = folder / f"kernel_{key}.py"
        try:
            if path.exists() and path.read_text() == source:
                return path
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=folder, suffix=".tmp", delete=False, encoding="utf-8") as file:
                file.write(source)
            os.replace(file.name, path)
            return path
        except OSError:
            continue
    raise OSError(
        f"no folder to keep compiled kernels in: {cache_folder()} cannot be written. Mend: set NUMBA_CACHE_DIR"
    )


@cache
def _folder_of_this_process() -> Path:
    """For a machine on which the cache cannot be written: nobody else can put code there."""
    return Path(tempfile.mkdtemp(prefix="bpnet-numba-"))
