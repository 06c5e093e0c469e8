"""A network of linear layers with one sigmoid output is logistic regression.

s(x W₁ W₂ W₃) = s(x w) with w = W₁ W₂ W₃: without a curve between them, layers multiply into one. Trained on the breast
cancer data and compared, row by row, with scikit-learn's LogisticRegression.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from bpnet.nn.dense import Dense
from bpnet.nn.graph import Input
from bpnet.nn.optimizers import SGD
from bpnet.recipes.pictures import loss_curve
from bpnet.recipes.recipe import HeldOut, Measured, Options, Outcome, Problem
from bpnet.sequential import Sequential

EPOCHS = 300


def problem(options: Options) -> Problem:
    """The network 30-8-4-1, compiled, and the training part."""
    options.refuse(sizes="this recipe's sizes are fixed", data="this recipe brings its own data")
    model = Sequential(
        [Input((30,)), Dense(8), Dense(4), Dense(1, "sigmoid")],
        backend=options.backend,
        dtype=options.dtype,
        seed=options.seed,
    )
    model.compile(SGD(0.1), "binary_crossentropy", ["accuracy"])
    x, _, y, _ = _data(options.seed)
    return Problem(model, x, y)


def held_out(options: Options) -> HeldOut:
    """The rows that are not trained on."""
    _, x_test, _, y_test = _data(options.seed)
    return HeldOut(x_test, y_test)


def run(options: Options) -> Outcome:
    """Train on the full batch, and count the held-out rows on which both models decide alike."""
    from sklearn.linear_model import LogisticRegression

    options.refuse(batch_size="this recipe learns from all rows at once")
    task = problem(options)
    model, x, y = task
    _, x_test, _, y_test = _data(options.seed)
    history = task.fit(
        options, batch_size=len(x), epochs=options.epochs or EPOCHS, shuffle=False, validation_data=(x_test, y_test)
    )
    decisions = model.predict(x_test)[:, 0] > 0.5
    reference = LogisticRegression(max_iter=1000).fit(x, y).predict(x_test) == 1
    return Outcome(
        [
            Measured("share of held-out rows decided alike", float((decisions == reference).mean()), least=0.98),
            Measured("held-out accuracy", float((decisions == y_test).mean())),
            Measured("held-out accuracy of LogisticRegression", float((reference == y_test).mean())),
        ],
        model,
        pictures={"loss-and-accuracy.png": loss_curve(history)},
    )


@cache
def _data(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Standardised x for training and held out, then y."""
    from sklearn.datasets import load_breast_cancer
    from sklearn.model_selection import train_test_split
    from sklearn.preprocessing import StandardScaler

    x, y = load_breast_cancer(return_X_y=True)
    x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.2, stratify=y, random_state=seed)
    scaler = StandardScaler().fit(x_train)
    return scaler.transform(x_train), scaler.transform(x_test), y_train, y_test
