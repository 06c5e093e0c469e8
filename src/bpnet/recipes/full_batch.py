"""Training on all four rows of a truth table at once, for so many steps."""

from __future__ import annotations

from math import gcd

import numpy as np

from bpnet.recipes.recipe import Options, Problem
from bpnet.training.history import History

X4 = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]])
"""The four rows; the last column is 1, so its weight acts as a bias."""


def train(problem: Problem, options: Options, steps: int) -> tuple[History, int]:
    """`options.epochs`, or `steps`, steps on the full batch.

    Returns the history, and how many steps each of its entries is the mean of: 100, or as many as divide both.
    """
    options.refuse(batch_size="this recipe learns from all rows at once", data="this recipe brings its own data")
    steps = steps if options.epochs is None else options.epochs
    block = gcd(steps, 100)
    history = problem.fit(
        options, batch_size=len(problem.x), epochs=steps // block, steps_per_epoch=block, shuffle=False
    )
    return history, block
