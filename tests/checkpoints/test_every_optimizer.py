"""A run that is stopped twice and resumed comes to the same bits as one that is not, with every optimizer."""

from zlib import crc32

import numpy as np
import pytest

from bpnet import Averaged, BatchNormalization, CosineDecay, Dense, Dropout, Input, Sequential
from bpnet.nn.optimizers import OPTIMIZERS, SGD, Adam
from checkpoints.runs import assert_same, in_pieces, whole

RNG = np.random.default_rng(5)
X = RNG.normal(size=(50, 6))
Y = (X[:, 0] > X[:, 1]).astype(int) + (X[:, 2] > 0.5)
BUILDS = {
    **OPTIMIZERS,
    "averaged": lambda: Averaged(Adam(0.01), decay=0.9),
    "momentum and a schedule": lambda: SGD(
        CosineDecay(0.1, 40), momentum=0.9, nesterov=True, weight_decay=0.01, global_clipnorm=1.0
    ),
}


def model(optimizer, backend="numpy", dtype=None):
    random = [] if optimizer == "lbfgs" else [Dropout(0.3)]
    layers = [Input((6,)), Dense(8, "tanh"), BatchNormalization(), *random, Dense(3, "softmax")]
    made = Sequential(layers, backend=backend, dtype=dtype, seed=3)
    made.compile(BUILDS[optimizer](), "sparse_categorical_crossentropy", ["accuracy"])
    return made


def fit(made, **settings):
    batch = None if "LBFGS" in type(made.optimizer).__name__ else 16
    made.fit(X, Y, batch, verbose=0, validation_data=(X[:20], Y[:20]), class_weight={1: 2.0}, **settings)


@pytest.mark.parametrize("backend", ["numpy", "torch:cpu"])
@pytest.mark.parametrize("optimizer", BUILDS)
def test_the_same_bits(optimizer, backend, tmp_path):
    """Stopped twice, in any batch or at the end of an epoch before it is written; in the first epoch too."""
    draw = np.random.default_rng(crc32(f"{optimizer} {backend}".encode()))
    first, second = sorted(int(epoch) for epoch in draw.choice(6, 2, replace=False))
    batches = [None] if optimizer == "lbfgs" else [None, 0, 1, 2, 3]
    stops = [(epoch, batches[draw.integers(len(batches))]) for epoch in (first, second)]
    pieces = in_pieces(lambda: model(optimizer, backend), fit, 7, tmp_path, stops)
    assert_same(pieces, whole(lambda: model(optimizer, backend), fit, 7))


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs", "averaged"])
def test_on_compiled_steps(optimizer, tmp_path):
    pieces = in_pieces(lambda: model(optimizer, "numba"), fit, 4, tmp_path, [(2, None)])
    assert_same(pieces, whole(lambda: model(optimizer, "numba"), fit, 4))


def test_an_exception_leaves_no_more_than_was_written(tmp_path):
    with pytest.raises(AssertionError, match="the run was over"):
        in_pieces(lambda: model("sgd"), fit, 2, tmp_path, [(5, None)])
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "best.safetensors",
        "epoch-0001.safetensors",
        "epoch-0002.safetensors",
    ]
