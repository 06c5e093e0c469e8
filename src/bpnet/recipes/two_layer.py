"""The two-layer class of many a tutorial: 3-4-1 sigmoid, squared error, 1,500 steps.

With ŷ the output and s₁ the hidden activations, the loss Σ (ŷ - y)² has the gradient 2 (ŷ - y), and
∂l/∂W₂ = s₁ᵀ [2 (ŷ - y) ⊙ ŷ ⊙ (1 - ŷ)];  ∂l/∂W₁ = xᵀ [(2 (ŷ - y) ⊙ ŷ ⊙ (1 - ŷ)) W₂ᵀ ⊙ s₁ ⊙ (1 - s₁)].
"""

from __future__ import annotations

import numpy as np

from bpnet.nn.dense import Dense
from bpnet.nn.graph import Input
from bpnet.nn.initializers import Uniform
from bpnet.nn.losses import MeanSquaredError
from bpnet.nn.optimizers import SGD
from bpnet.recipes.full_batch import X4
from bpnet.recipes.pictures import loss_curve
from bpnet.recipes.recipe import Measured, Options, Outcome, Problem
from bpnet.sequential import Sequential

Y = np.array([0, 1, 1, 0])
STEPS = 1_500


def problem(options: Options) -> Problem:
    """The network 3-4-1, compiled, and the four rows."""
    options.refuse(sizes="this recipe's sizes are fixed; xor-any-depth takes sizes")
    start = Uniform(0, 1)
    model = Sequential(
        [
            Input((3,)),
            Dense(4, "sigmoid", use_bias=False, kernel_initializer=start),
            Dense(1, "sigmoid", use_bias=False, kernel_initializer=start),
        ],
        backend=options.backend,
        dtype=options.dtype,
        seed=options.seed,
    )
    model.compile(SGD(1.0), MeanSquaredError(reduction="sum"))
    return Problem(model, X4, Y)


def run(options: Options) -> Outcome:
    """Train with a step an epoch, so that the history has the loss of every step."""
    options.refuse(batch_size="this recipe learns from all rows at once", data="this recipe brings its own data")
    task = problem(options)
    epochs = STEPS if options.epochs is None else options.epochs
    history = task.fit(options, batch_size=4, epochs=epochs, shuffle=False)
    rise = float(np.diff(history.history["loss"], prepend=np.inf).max())
    outputs = task.model.predict(X4)[:, 0]
    worst = float(np.abs(outputs - Y).max())
    return Outcome(
        [
            Measured("largest rise of the loss from one step to the next", max(rise, 0.0), most=0.0),
            Measured("largest distance of an output from its target", worst),
        ],
        task.model,
        "outputs: " + "  ".join(f"{output:.2f}" for output in outputs) + "  for targets 0 1 1 0",
        {"loss.png": loss_curve(history, steps_each=1)},
    )
