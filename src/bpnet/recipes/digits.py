"""The main job: 1,797 handwritten digits, 64-128-10, Adam, a fifth of them held out.

x is standardised with the mean and standard deviation of the training part alone; the held-out part is scaled with the
same figures. z₁ = x W₁ + b₁, s₁ = max(z₁, 0), z₂ = s₁ W₂ + b₂, ŷ = softmax(z₂); the loss is the mean of -log ŷ_y.
"""

from __future__ import annotations

from bpnet.data.digits import digits
from bpnet.nn.dense import Dense
from bpnet.nn.graph import Input
from bpnet.nn.optimizers import Adam
from bpnet.recipes.pictures import confusion_matrix, loss_curve, misread
from bpnet.recipes.recipe import HeldOut, Measured, Options, Outcome, Problem
from bpnet.sequential import Sequential

EPOCHS = 20
BATCH_SIZE = 32


def problem(options: Options) -> Problem:
    """The network 64-128-10, compiled, and the training part."""
    options.refuse(sizes="this recipe's sizes are fixed", data="this recipe brings its own data")
    model = Sequential(
        [Input((64,)), Dense(128, "relu", kernel_initializer="he_normal"), Dense(10, "softmax")],
        backend=options.backend,
        dtype=options.dtype,
        seed=options.seed,
    )
    model.compile(Adam(0.001), "sparse_categorical_crossentropy", ["accuracy"])
    data = digits(options.seed)
    return Problem(model, data.x_train, data.y_train)


def held_out(options: Options) -> HeldOut:
    """The rows that are not trained on."""
    data = digits(options.seed)
    return HeldOut(data.x_test, data.y_test)


def run(options: Options) -> Outcome:
    """Train, measure on the held-out part after every epoch, and show what was misread."""
    task = problem(options)
    data = digits(options.seed)
    history = task.fit(
        options,
        batch_size=options.batch_size or BATCH_SIZE,
        epochs=options.epochs or EPOCHS,
        validation_data=held_out(options),
    )
    predicted = task.model.predict(data.x_test).argmax(axis=1)
    accuracy = float((predicted == data.y_test).mean())
    return Outcome(
        [Measured("held-out accuracy", accuracy, least=0.97)],
        task.model,
        f"{int((predicted != data.y_test).sum())} of {len(predicted)} held-out digits misread",
        {
            "loss-and-accuracy.png": loss_curve(history),
            "confusion-matrix.png": confusion_matrix(data.y_test, predicted, 10),
            "misread-digits.png": misread(data.images_test, data.y_test, predicted),
        },
    )
