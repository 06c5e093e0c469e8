"""Sigmoid layers without biases on exclusive or: what `xor` and `xor-deep` share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bpnet.nn.dense import Dense
from bpnet.nn.graph import Input
from bpnet.nn.initializers import Uniform
from bpnet.nn.losses import HalfSumOfSquares
from bpnet.nn.optimizers import SGD
from bpnet.recipes.full_batch import X4, train
from bpnet.recipes.pictures import loss_curve
from bpnet.recipes.recipe import Measured, Options, Outcome, Problem
from bpnet.sequential import Sequential

Y = np.array([0, 1, 1, 0])
STEPS = 10_000


def sigmoid_stack(sizes: Sequence[int], options: Options) -> Problem:
    """Weights from U(-1, 1), loss ½ Σ (ŷ - y)², learning rate 1, all rows at once."""
    options.refuse(sizes="this recipe's sizes are fixed; xor-any-depth takes sizes")
    layers = [Dense(n, "sigmoid", use_bias=False, kernel_initializer=Uniform(-1, 1)) for n in sizes[1:]]
    model = Sequential([Input((sizes[0],)), *layers], backend=options.backend, dtype=options.dtype, seed=options.seed)
    model.compile(SGD(1.0), HalfSumOfSquares(reduction="sum"))
    return Problem(model, X4, Y)


def train_on_xor(problem: Problem, options: Options) -> Outcome:
    """Train, and compare the outputs with the targets."""
    history, block = train(problem, options, STEPS)
    outputs = problem.model.predict(X4)[:, 0]
    worst = float(np.abs(outputs - Y).max())
    return Outcome(
        [Measured("largest distance of an output from its target", worst, most=0.1)],
        problem.model,
        "outputs: " + "  ".join(f"{output:.4f}" for output in outputs) + "  for targets 0 1 1 0",
        {"loss.png": loss_curve(history, steps_each=block, log=True)},
    )
