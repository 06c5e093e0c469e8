"""How far apart two results are, and how far apart two right ones may be."""

from __future__ import annotations

from typing import Any

import numpy as np

# A result here is a few hundred roundings away from its inputs: of 1.1e-16 each in float64, of 6e-8 each in float32.
# They do not all point one way, so a right formula stays well within these; a wrong sign or factor is far outside.
LIMITS = {"float64": 1e-12, "float32": 1e-5}


def relative(a: Any, b: Any) -> float:
    """‖a-b‖ / ‖b‖ in float64; ‖a‖ where b is 0. AssertionError where the shapes differ."""
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    assert a.shape == b.shape, f"shape {a.shape}, expected {b.shape}"
    distance, size = float(np.linalg.norm(a - b)), float(np.linalg.norm(b))
    return distance / size if size else distance
