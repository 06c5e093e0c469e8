"""A residual network of convolutions: the digits as 8×8 images, 5,122 parameters, Adam, a fifth held out.

A block computes y = max(F(x) + S(x), 0): F is two 3×3 convolutions, each followed by batch normalization, with a ReLU
between them; S is x itself, or a 1×1 convolution where the block halves the image and doubles the channels. Since
dx = dF + dS, the gradient reaches the first layers through S alone, however deep the network is (He et al. 2016). The
last feature maps are averaged over the image, and a softmax reads the ten classes off the averages.
"""

from __future__ import annotations

from bpnet.data.digits import digits
from bpnet.models import Model
from bpnet.nn.activation import ReLU
from bpnet.nn.convolution import Conv2D
from bpnet.nn.dense import Dense
from bpnet.nn.graph import Input, Node
from bpnet.nn.merging import Add
from bpnet.nn.normalization import BatchNormalization
from bpnet.nn.optimizers import Adam
from bpnet.nn.pooling import GlobalAveragePooling2D
from bpnet.nn.schedules import CosineDecay
from bpnet.recipes.pictures import confusion_matrix, loss_curve, misread
from bpnet.recipes.recipe import HeldOut, Measured, Options, Outcome, Problem

EPOCHS = 8
BATCH_SIZE = 32
WIDTHS = (8, 16)
"""The channels of each block; all but the first halve the image."""


def convolution(x: Node, channels: int, size: int = 3, stride: int = 1) -> Node:
    """Convolution and batch normalization, whose β takes the place of a bias."""
    kernel = Conv2D(channels, size, stride, "same", use_bias=False, kernel_initializer="he_normal")
    return BatchNormalization(momentum=0.9)(kernel(x))


def block(x: Node, channels: int, stride: int) -> Node:
    """max(F(x) + S(x), 0)."""
    f = convolution(ReLU()(convolution(x, channels, stride=stride)), channels)
    skip = x if f.shape == x.shape else convolution(x, channels, 1, stride)
    return ReLU()(Add()(f, skip))


def problem(options: Options) -> Problem:
    """The network, compiled for a rate that falls to 0 over the run, and the training part."""
    options.refuse(sizes="this recipe's sizes are fixed", data="this recipe brings its own data")
    data = digits(options.seed)
    x = data.images_train[..., None] / 16
    image = Input((8, 8, 1))
    maps = ReLU()(convolution(image, WIDTHS[0]))
    for number, channels in enumerate(WIDTHS):
        maps = block(maps, channels, stride=2 if number else 1)
    classes = Dense(10, "softmax")(GlobalAveragePooling2D()(maps))
    model = Model(image, classes, backend=options.backend, dtype=options.dtype, seed=options.seed)
    steps = (options.epochs or EPOCHS) * -(-len(x) // (options.batch_size or BATCH_SIZE))
    model.compile(Adam(CosineDecay(0.01, steps)), "sparse_categorical_crossentropy", ["accuracy"])
    return Problem(model, x, data.y_train)


def held_out(options: Options) -> HeldOut:
    """The images that are not trained on."""
    data = digits(options.seed)
    return HeldOut(data.images_test[..., None] / 16, data.y_test)


def run(options: Options) -> Outcome:
    """Train, measure on the held-out part after every epoch, and show what was misread."""
    task, data = problem(options), digits(options.seed)
    x_test, y_test = held_out(options)
    history = task.fit(
        options,
        batch_size=options.batch_size or BATCH_SIZE,
        epochs=options.epochs or EPOCHS,
        validation_data=(x_test, y_test),
    )
    predicted = task.model.predict(x_test).argmax(axis=1)
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
