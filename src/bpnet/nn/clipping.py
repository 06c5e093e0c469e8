"""Gradients whose norm is bounded."""

from __future__ import annotations

from bpnet.backend import Array, Backend
from bpnet.nn.op import op

TINY = 1e-30
"""What a gradient is divided by at least."""


@op
def clip_norm(be: Backend, g: Array, bound: float, axis: int | None = None) -> Array:
    """g · min(1, bound / ‖g‖); the norm is taken of g / max |g|, whose squares neither overflow nor vanish.

    With an `axis` each vector along it has a norm of its own.
    """
    xp, along = be.xp, {"axis": axis, "keepdims": axis is not None}
    largest = xp.maximum(xp.max(xp.abs(g), **along), TINY)
    scaled = g / largest
    norm = xp.sqrt(xp.sum(scaled * scaled, **along))
    return xp.where(norm * largest > bound, scaled * (bound / xp.maximum(norm, 1.0)), g)  # norm >= 1, or g is 0
