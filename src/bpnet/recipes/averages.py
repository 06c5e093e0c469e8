"""Exponentially weighted averages of a noisy series, β = 0.9 and 0.98, with and without bias correction.

v_t = β v_{t-1} + (1-β) x_t from v₀ = 0 starts far too low; v_t / (1 - βᵗ) is right from the first value on. Adam
divides both its moments in this way.
"""

from __future__ import annotations

import numpy as np

from bpnet.backend import float_dtype, load
from bpnet.data.random import generator
from bpnet.nn.averages import exponential_average
from bpnet.recipes.pictures import curves
from bpnet.recipes.recipe import NOTHING, Draw, Measured, Options, Outcome

DAYS = 200
BETAS = (0.9, 0.98)


def run(options: Options) -> Outcome:
    """Average the series, and compare with the sum of weights that the correction stands for."""
    options.refuse(epochs=NOTHING, batch_size=NOTHING, sizes=NOTHING, data=NOTHING)
    backend, dtype = load(options.backend), float_dtype(options.dtype)
    days = np.arange(DAYS)
    series = 10.0 + 8.0 * np.sin(2 * np.pi * days / 365) + generator(options.seed, "averages").normal(0.0, 2.0, DAYS)
    figures: list[Measured] = []
    pictures: dict[str, Draw] = {}
    limit = 1e-12 if dtype == "float64" else 1e-5  # rounding of up to 200 additions
    for beta in BETAS:
        plain, corrected = map(backend.to_numpy, exponential_average(backend, backend.asarray(series, dtype), beta))
        expected = weighted_means(series, beta)
        error = float(np.abs(corrected / expected - 1.0).max())
        figures.append(Measured(f"β = {beta}: first value, uncorrected", float(plain[0])))
        figures.append(Measured(f"β = {beta}: first value, corrected", float(corrected[0])))
        figures.append(Measured(f"β = {beta}: largest relative error of the corrected average", error, most=limit))
        lines = [("series", series, "."), ("average", plain, "--"), ("bias-corrected", corrected, "-")]
        pictures[f"average-{beta}.png"] = curves(days, lines, xlabel="day", ylabel=f"value, β = {beta}")
    return Outcome(figures, pictures=pictures)


def weighted_means(series: np.ndarray, beta: float) -> np.ndarray:
    """Σ_{i<=t} β^{t-i} x_i / Σ_{i<=t} β^{t-i}, written as it is defined."""
    means = []
    for t in range(1, len(series) + 1):
        weights = beta ** np.arange(t - 1, -1, -1)
        means.append(weights @ series[:t] / weights.sum())
    return np.array(means)
