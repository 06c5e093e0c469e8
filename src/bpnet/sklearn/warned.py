"""Warnings that point at the user's line, through however many decorators the call went."""

from __future__ import annotations

import sys
import warnings

WITHIN = ("bpnet", "sklearn", "joblib", "scipy", "contextlib")
"""Whose lines tell a user nothing."""


def warn(text: str, category: type[Warning] = UserWarning) -> None:
    """Warn at the nearest line that is none of these libraries'."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] in WITHIN:
        level, frame = level + 1, frame.f_back
    warnings.warn(text, category, stacklevel=level)
