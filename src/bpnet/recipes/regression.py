"""A line through 200 points, learned by 128 sigmoid units: 1-128-1, linear output, one sample a step.

l = ½ (ŷ - y)², so the output's error is simply ŷ - y. No biases: the sigmoids are all ½ at x = 0, and the sum of their
outputs bends where the data does. Where data is scarce, at both ends, the fit falls short after 200 epochs.
"""

from __future__ import annotations

import numpy as np

from bpnet.nn.dense import Dense
from bpnet.nn.graph import Input
from bpnet.nn.losses import HalfSumOfSquares
from bpnet.nn.optimizers import SGD
from bpnet.recipes.pictures import curves, loss_curve
from bpnet.recipes.recipe import Measured, Options, Outcome, Problem
from bpnet.sequential import Sequential

EPOCHS = 200
BATCH_SIZE = 1


def problem(options: Options) -> Problem:
    """The network 1-128-1, compiled, and the points."""
    options.refuse(sizes="this recipe's sizes are fixed", data="this recipe brings its own data")
    from sklearn.datasets import make_regression

    model = Sequential(
        [Input((1,)), Dense(128, "sigmoid", use_bias=False), Dense(1, use_bias=False)],
        backend=options.backend,
        dtype=options.dtype,
        seed=options.seed,
    )
    model.compile(SGD(0.003), HalfSumOfSquares(), ["mae", "r2"])
    x, y = make_regression(n_samples=200, n_features=1, random_state=1)
    return Problem(model, x, y)


def run(options: Options) -> Outcome:
    """Train in the data's order, and draw the fit over the data."""
    options.refuse(batch_size="this recipe learns from one sample a step")
    task = problem(options)
    model, x, y = task
    history = task.fit(options, batch_size=BATCH_SIZE, epochs=options.epochs or EPOCHS, shuffle=False)
    error = model.evaluate(x, y, return_dict=True)["mae"]
    order = np.argsort(x[:, 0])
    lines = [("data", y[order], "."), ("network", model.predict(x)[order, 0], "-")]
    return Outcome(
        [Measured("mean absolute error", error, most=4), Measured("standard deviation of the targets", float(y.std()))],
        model,
        pictures={
            "loss.png": loss_curve(history, log=True),
            "fit.png": curves(x[order, 0], lines, xlabel="x", ylabel="y"),
        },
    )
