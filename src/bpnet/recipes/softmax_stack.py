"""A stack that ends with softmax on exclusive or: what `xor-softmax` and `xor-any-depth` share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bpnet.nn.dense import Dense
from bpnet.nn.graph import Input
from bpnet.nn.initializers import Initializer
from bpnet.nn.losses import SparseCategoricalCrossentropy
from bpnet.nn.optimizers import SGD
from bpnet.nn.regularizers import L2
from bpnet.recipes.full_batch import X4, train
from bpnet.recipes.pictures import loss_curve
from bpnet.recipes.recipe import Measured, Options, Outcome, Problem
from bpnet.sequential import Sequential

Y = np.array([0, 1, 1, 0])


def softmax_stack(sizes: Sequence[int], hidden: str, start: str | Initializer, options: Options) -> Problem:
    """Summed cross-entropy, learning rate 0.01, weight penalty ½ · 0.01 · Σ w², weights drawn by `start`."""
    activations = [hidden] * (len(sizes) - 2) + ["softmax"]
    layers = [
        Dense(n, f, kernel_initializer=start, kernel_regularizer=L2(0.01 / 2))
        for n, f in zip(sizes[1:], activations, strict=True)
    ]
    model = Sequential([Input((sizes[0],)), *layers], backend=options.backend, dtype=options.dtype, seed=options.seed)
    model.compile(SGD(0.01), SparseCategoricalCrossentropy(reduction="sum"), ["accuracy"])
    return Problem(model, X4, Y)


def train_on_xor(problem: Problem, options: Options, steps: int) -> Outcome:
    """Train, and count the rows that are right."""
    history, block = train(problem, options, steps)
    outputs = problem.model.predict(X4)
    right = int((outputs.argmax(axis=1) == Y).sum())
    return Outcome(
        [Measured("rows right, of 4", right, least=4)],
        problem.model,
        "probability of 1: " + "  ".join(f"{p:.4f}" for p in outputs[:, 1]) + "  for targets 0 1 1 0",
        {"loss.png": loss_curve(history, steps_each=block)},
    )
