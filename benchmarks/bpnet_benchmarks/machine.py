"""Where a run took place."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from shutil import which
from typing import Any


def machine() -> dict[str, Any]:
    """The processor, its cores, the GPUs, the system, and how busy it was before the run."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "usable_cores": usable_cores(),
        "gpus": _gpus(),
        "system": f"{platform.system()} {platform.machine()}",
        "load": [round(each, 2) for each in os.getloadavg()],
    }


def versions() -> dict[str, str]:
    """Of Python, bpnet and NumPy; each contender tells its own."""
    return {"python": platform.python_version(), "bpnet": version("bpnet"), "numpy": version("numpy")}


def usable_cores() -> int:
    """Those that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def commit() -> str | None:
    """The commit that this package is of, with `+` where files differ from it; None outside a checkout."""
    folder = Path(__file__).parent
    if which("git") is None:
        return None
    head = _output(["git", "-C", str(folder), "rev-parse", "--short", "HEAD"])
    changed = _output(["git", "-C", str(folder), "status", "--porcelain", "--untracked-files=no"])
    return f"{head}+" if head and changed else head or None


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _gpus() -> list[str]:
    if which("nvidia-smi") is None:
        return []
    return _output(["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]).splitlines()


def _output(command: list[str]) -> str:
    """What the command prints; nothing where it fails."""
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
