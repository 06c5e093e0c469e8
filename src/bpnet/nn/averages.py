"""Exponentially weighted averages, the memory of momentum and Adam.

v₀ = 0,  v_t = β v_{t-1} + (1-β) x_t  looks back over about 1/(1-β) values. It begins too low, because
v_t = (1-β) Σ_{i<=t} β^{t-i} x_i and these weights add up to 1 - β^t only; v_t / (1 - β^t) corrects that.
"""

from __future__ import annotations

from bpnet.backend import Array, Backend
from bpnet.nn.checks import require_number


def exponential_average(be: Backend, series: Array, beta: float) -> tuple[Array, Array]:
    """v and v / (1 - βᵗ) for t = 1 … T; series (T,) → two arrays (T,)."""
    require_number("beta", beta, least=0, below=1)
    v = be.xp.zeros_like(series[0])
    plain, corrected = [], []
    for t in range(series.shape[0]):
        v = beta * v + (1.0 - beta) * series[t]
        plain.append(v)
        corrected.append(v / (1.0 - beta ** (t + 1)))
    return be.xp.stack(plain), be.xp.stack(corrected)
