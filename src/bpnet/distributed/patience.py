"""How long a process waits for another one."""

from __future__ import annotations

import os

DEFAULT = 300.0
"""Seconds. What one rank does alone between two operations, as compiling or writing a checkpoint, has to fit in."""


def timeout() -> float:
    """Seconds: the environment variable BPNET_TIMEOUT, 300 where it is unset. ValueError: it is no positive number."""
    text = os.environ.get("BPNET_TIMEOUT") or str(DEFAULT)
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 1e7:
        raise ValueError(
            f"BPNET_TIMEOUT: {text!r} was given, expected seconds, a number above 0. Mend: BPNET_TIMEOUT=300, or unset"
        )
    return seconds
