"""The network of `cnn`, fed by an image generator: no epoch shows it the same images twice.

Each image is turned and shifted at random, then scaled with the mean and the standard deviation of the training part;
AUGMENTATION has what else there is to be tried. The held-out images are scaled alike, and not changed. A digit does not
survive a flip, so flips are off: they are for pictures of things that have no left and right.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bpnet.backend import float_dtype
from bpnet.data.arrays import to_categorical
from bpnet.data.images.generator import ImageDataGenerator
from bpnet.recipes.cnn import BATCH_SIZE, Split, network, off_the_kinks, outcome, split
from bpnet.recipes.pictures import variants
from bpnet.recipes.recipe import Options, Outcome, Problem

EPOCHS = 10
SHOWN = 5

AUGMENTATION: dict[str, Any] = {
    "featurewise_center": True,
    "featurewise_std_normalization": True,
    "samplewise_center": False,
    "samplewise_std_normalization": False,
    "zca_whitening": False,
    "zca_epsilon": 0.1,
    "rotation_range": 10,
    "width_shift_range": 0.05,
    "height_shift_range": 0.05,
    "horizontal_flip": False,
    "vertical_flip": False,
    "fill_mode": "constant",
}


def prepared(options: Options, changes: Mapping[str, Any]) -> tuple[Split, ImageDataGenerator]:
    """The images, and the generator, which has seen those to train on."""
    data = split(options)
    generator = ImageDataGenerator(**(AUGMENTATION | dict(changes)), dtype=float_dtype(options.dtype))
    generator.fit(data.x)
    return data, generator


def problem(options: Options) -> Problem:
    """The network and the training part, scaled and not changed."""
    data, generator = prepared(options, {})
    return Problem(network(options), generator.standardize(data.x), data.y)


def checked(options: Options) -> Problem:
    """What `bpnet gradcheck` takes."""
    return off_the_kinks(problem(options), options.seed)


def run(options: Options, **changes: Any) -> Outcome:
    """Train on the generator's batches; `changes` replace settings in AUGMENTATION."""
    model, (data, generator) = network(options), prepared(options, changes)
    flow = generator.flow(data.x, data.y, options.batch_size or BATCH_SIZE, seed=options.seed)
    x_test = generator.standardize(data.x_test)
    history = Problem(model, flow, None).fit(
        options,
        epochs=options.epochs or EPOCHS,
        validation_data=(x_test, to_categorical(data.labels_test, 10)),
    )
    done = outcome(model, data, x_test, history)
    few = generator.flow(data.x[:SHOWN], shuffle=False, seed=options.seed)
    columns = [next(iter(few.epoch(epoch)))[0][..., 0] for epoch in range(7)]
    done.pictures = {**done.pictures, "augmented-images.png": variants(data.x[:SHOWN, :, :, 0], columns)}
    return done
