"""How much of the host's memory is free: what the device of a CPU backend has."""

from __future__ import annotations

from pathlib import Path

ROOT = Path("/")


def available(root: Path = ROOT) -> int | None:
    """The bytes that new arrays may take, by the kernel and by the limit of a container; None where neither says so.

    Pages of files, memory-mapped ones too, count as free: they go when the room is needed.
    """
    found = [number for number in (_of_machine(root), _of_container(root)) if number is not None]
    return min(found, default=None)


def _of_machine(root: Path) -> int | None:
    """`MemAvailable` of Linux, which is in kB."""
    for line in _lines(root / "proc/meminfo"):
        name, _, value = line.partition(":")
        if name == "MemAvailable":
            return int(value.split()[0]) * 1024
    return None


def _of_container(root: Path) -> int | None:
    """The limit of the control group less what is in use, but for pages of files that may go."""
    group = root / "sys/fs/cgroup"
    limit, used = (_lines(group / f"memory.{name}") for name in ("max", "current"))
    if not limit or not used or limit[0] == "max":
        return None
    stat = dict(line.split() for line in _lines(group / "memory.stat"))
    return max(0, int(limit[0]) - int(used[0]) + int(stat.get("inactive_file", 0)))


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:  # another system, or no control group
        return []
