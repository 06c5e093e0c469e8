"""Three inputs and one sigmoid output learn which rows begin with 1.

ŷ = s(x w), no bias: the constant third input takes its place. With the loss ½ Σ (ŷ - y)² and the learning rate 1 a
step is  w ← w - xᵀ [(ŷ - y) ⊙ ŷ ⊙ (1 - ŷ)]  over all four rows.
"""

from __future__ import annotations

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

Y = np.array([0, 0, 1, 1])
STEPS = 10_000


def problem(options: Options) -> Problem:
    """The network 3-1, compiled, and the four rows."""
    options.refuse(sizes="the perceptron has one layer")
    model = Sequential(
        [Input((3,)), Dense(1, "sigmoid", use_bias=False, kernel_initializer=Uniform(-1, 1))],
        backend=options.backend,
        dtype=options.dtype,
        seed=options.seed,
    )
    model.compile(SGD(1.0), HalfSumOfSquares(reduction="sum"))
    return Problem(model, X4, Y)


def run(options: Options) -> Outcome:
    """Train, and compare the outputs with the targets."""
    task = problem(options)
    history, block = train(task, options, STEPS)
    outputs = task.model.predict(X4)[:, 0]
    worst = float(np.abs(outputs - Y).max())
    return Outcome(
        [Measured("largest distance of an output from its target", worst, most=0.02)],
        task.model,
        "outputs: " + "  ".join(f"{output:.4f}" for output in outputs) + "  for targets 0 0 1 1",
        {"loss.png": loss_curve(history, steps_each=block, log=True)},
    )
