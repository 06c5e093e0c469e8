"""torchrun starts all ranks anew when one has died (--max-restarts): the run then goes on from its last checkpoint."""

from __future__ import annotations

import os
from pathlib import Path

from bpnet.distributed.launch import restarts
from bpnet.resume import newest_first

BEGUN = ".begun"
"""The file in the folder of checkpoints that is as old as the run."""


def goes_on(folder: Path, rank: int) -> bool:
    """Was the run started anew, and did it leave a checkpoint before? A checkpoint of an earlier run does not count.

    `folder` may be missing.
    """
    begun = folder / BEGUN
    if restarts():
        newest = next(newest_first(folder), None)
        return newest is not None and begun.is_file() and newest.stat().st_mtime_ns >= begun.stat().st_mtime_ns
    if rank == 0 and os.environ.get("TORCHELASTIC_MAX_RESTARTS", "0") != "0" and _can_make(folder):
        begun.touch()
    return False


def _can_make(folder: Path) -> bool:
    """False where nothing can be written: what writes the checkpoints says so."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)
