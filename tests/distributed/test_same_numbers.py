"""N ranks train as one process does: weights, moments, running statistics, random streams, history, predictions."""

from typing import ClassVar

import numpy as np
import pytest

from bpnet import SGD, ImageDataGenerator
from bpnet.nn.losses import MeanSquaredError
from nets import IMAGES, ROWS, cnn, forked, net, of
from runs import alone, on, require_same

SPECS = ["numpy", "numba", "torch:cpu"]
X, Y = ROWS
WEIGHTS = np.linspace(0.2, 2.0, len(X))
HELD_OUT = {"validation_split": 0.2, "validation_batch_size": 4}
ONE_HOT = np.eye(4)[Y]
SUM = MeanSquaredError(reduction="sum")


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize(("make", "data"), [(net, ROWS), (cnn, IMAGES)], ids=["net", "cnn"])
def test_ranks_train_as_one_process(spec, make, data):
    options = {"batch_size": 10, "epochs": 2, **HELD_OUT}
    one = alone(of(make, spec), *data, **options)
    for size in (2, 4):
        require_same(one, on(size, of(make, spec), *data, **options))


RUNS = {
    "a batch smaller than the ranks are many": (of(net), ROWS, {"batch_size": 2}),
    "the same, normalized": (of(cnn), IMAGES, {"batch_size": 3, **HELD_OUT}),
    "the last batch leaves ranks without samples": (of(cnn), (IMAGES[0][:17], IMAGES[1][:17]), {"batch_size": 8}),
    "fewer held-out samples than ranks": (of(net), ROWS, {"validation_data": (X[:2], Y[:2])}),
    "weights": (of(net), ROWS, {"sample_weight": WEIGHTS, "class_weight": {0: 0.5, 1: 1.5, 2: 1, 3: 3}, **HELD_OUT}),
    "a sum": (
        of(net, "numpy", SGD(0.01), MeanSquaredError(reduction="sum")),
        (X, ONE_HOT),
        {"batch_size": 8, **HELD_OUT},
    ),
    "more than a pass": (of(net), ROWS, {"batch_size": 9, "steps_per_epoch": 11}),
    "no shuffle": (of(net), ROWS, {"shuffle": False}),
    "parts": (of(net), ROWS, {"batch_size": 20, "micro_batch": 3}),
    "parts of their own finding": (of(net), ROWS, {"batch_size": 20, "micro_batch": "auto"}),
    "from the host": (of(net), ROWS, {"batch_size": 11, "data_on": "host", **HELD_OUT}),
    "from the host, fewer than ranks": (of(cnn), IMAGES, {"batch_size": 3, "data_on": "host", **HELD_OUT}),
    "two inputs and outputs": (of(forked), ([X, X + 1.0], [Y, X[:, :1]]), {"batch_size": 10, **HELD_OUT}),
}


@pytest.mark.parametrize(("make", "data", "options"), RUNS.values(), ids=RUNS.keys())
def test_every_way_of_fitting_is_shared(make, data, options):
    options = {"epochs": 2, **options}
    require_same(alone(make, *data, **options), on(4, make, *data, **options))


def flow():
    generator = ImageDataGenerator(width_shift_range=0.2, horizontal_flip=True)
    return generator.flow(*IMAGES, batch_size=9, seed=5)


def test_a_flow_changes_images_as_in_one_process():
    require_same(alone(cnn, flow(), epochs=2), on(3, cnn, flow(), epochs=2))


def test_a_rank_makes_only_its_share_of_images(monkeypatch):
    """Others' images cost it nothing."""
    images = flow()
    assert [len(batch) for batch, _ in images.epoch(0, share=lambda n: slice(1, 3))] == [2, 2, 2, 2]
    whole = [batch[1:3] for batch, _ in images.epoch(0)]
    for part, expected in zip(images.epoch(0, share=lambda n: slice(1, 3)), whole, strict=True):
        assert (part[0] == expected).all()


class Rows:
    """A flow of rows, which makes whole batches."""

    batch_size = 10
    rows = len(X)
    facts: ClassVar = {}

    def head(self):
        return X[:5], Y[:5], WEIGHTS[:5]

    def epoch(self, epoch, length):
        for start in range(0, length, self.batch_size):
            part = slice(start, min(start + self.batch_size, length))
            yield X[part], Y[part], WEIGHTS[part]

    x = X


def test_a_flow_of_rows_is_shared():
    require_same(alone(net, Rows(), epochs=2), on(3, net, Rows(), epochs=2))


def test_the_optimizer_sees_the_gradient_of_the_whole_batch():
    """A norm is clipped once all ranks' parts are added up: clipped part by part, it would be another step."""
    make = of(net, "numpy", SGD(0.5, momentum=0.9, global_clipnorm=0.05))
    require_same(alone(make, *ROWS, batch_size=15, epochs=2), on(3, make, *ROWS, batch_size=15, epochs=2))
