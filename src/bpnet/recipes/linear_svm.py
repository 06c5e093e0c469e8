"""A linear support vector machine for all classes at once: scores W x + b, hinge loss with margin 1, L2.

l = Σ_{k≠y} max(0, s_k - s_y + 1). Every class whose score comes within 1 of the right one pushes its weights away
from x and the right class's weights towards it. `--data FILE.npz` with arrays x (N, …) and y (N,) replaces the digits,
32×32×3 images for instance; the last fifth is then held out.
"""

from __future__ import annotations

import numpy as np

from bpnet.data.digits import digits
from bpnet.data.files import labelled_arrays
from bpnet.nn.dense import Dense
from bpnet.nn.graph import Input
from bpnet.nn.losses import MulticlassHinge
from bpnet.nn.optimizers import SGD
from bpnet.nn.regularizers import L2
from bpnet.recipes.pictures import confusion_matrix, loss_curve
from bpnet.recipes.recipe import HeldOut, Measured, Options, Outcome, Problem
from bpnet.sequential import Sequential

EPOCHS = 30
BATCH_SIZE = 32


def problem(options: Options) -> Problem:
    """One linear layer, compiled, and the training part."""
    x, y, _, _ = _data(options)
    return _classifier(options, x, y)


def held_out(options: Options) -> HeldOut:
    """The rows that are not trained on."""
    return HeldOut(*_data(options)[2:])


def _classifier(options: Options, x: np.ndarray, y: np.ndarray) -> Problem:
    """As many outputs as there are classes."""
    model = Sequential(
        [Input(x.shape[1:]), Dense(int(y.max()) + 1, kernel_regularizer=L2(1e-3))],
        backend=options.backend,
        dtype=options.dtype,
        seed=options.seed,
    )
    model.compile(SGD(0.01), MulticlassHinge(), ["accuracy"])
    return Problem(model, x, y)


def run(options: Options) -> Outcome:
    """Train by mini-batches, and measure on the held-out part."""
    x, y, x_test, y_test = _data(options)
    task = _classifier(options, x, y)
    history = task.fit(
        options,
        batch_size=options.batch_size or BATCH_SIZE,
        epochs=options.epochs or EPOCHS,
        validation_data=(x_test, y_test),
    )
    predicted = task.model.predict(x_test).argmax(axis=1)
    accuracy = float((predicted == y_test).mean())
    return Outcome(
        [Measured("held-out accuracy", accuracy, least=0.93 if options.data is None else None)],
        task.model,
        pictures={
            "loss-and-accuracy.png": loss_curve(history),
            "confusion-matrix.png": confusion_matrix(y_test, predicted, task.model.output_shape[-1]),
        },
    )


def _data(options: Options) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Standardised rows and labels, training and held out."""
    options.refuse(sizes="a linear classifier has no hidden layers")
    if options.data is None:
        data = digits(options.seed)
        return data.x_train, data.y_train, data.x_test, data.y_test
    from sklearn.preprocessing import StandardScaler

    x, y = labelled_arrays(options.data)
    kept = int(len(x) * 0.8)
    x = x.reshape(len(x), -1)
    scaler = StandardScaler().fit(x[:kept])
    return scaler.transform(x[:kept]), y[:kept], scaler.transform(x[kept:]), y[kept:]
