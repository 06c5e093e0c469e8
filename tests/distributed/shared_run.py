"""What each rank of test_processes.py runs: digits with a net and a cnn, dropout on; rank 0 writes the outcome."""

import sys

import numpy as np
from sklearn.datasets import load_digits

from bpnet import (
    Activation,
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    MaxPooling2D,
    Sequential,
)
from bpnet.distributed import communicator
from bpnet.training import overlap

SAMPLES = 500


def net():
    return [Dense(128, "relu", input_dim=64), Dropout(0.3), Dense(10, "softmax")]


def cnn():
    return [
        Conv2D(8, 3, use_bias=False, input_shape=(8, 8, 1)),
        BatchNormalization(),
        Activation("relu"),
        MaxPooling2D(2),
        Dropout(0.25),
        Flatten(),
        Dense(10, "softmax"),
    ]


def results(distributed):
    """Weights, running statistics and the history of both."""
    digits = load_digits()
    found = {}
    for make, shape in ((net, (64,)), (cnn, (8, 8, 1))):
        x = digits.data[:SAMPLES].reshape(-1, *shape) / 16
        model = Sequential(make(), backend="numpy", dtype="float64", seed=3)
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        options = {"batch_size": 32, "epochs": 3, "validation_split": 0.2, "verbose": 0}
        history = model.fit(x, digits.target[:SAMPLES], **options, distributed=distributed).history
        name = make.__name__
        found |= {f"{name} theta": model.network.theta, f"{name} state": model.network.state}
        found |= {f"{name} {figure}": values for figure, values in history.items()}
    return found


if __name__ == "__main__":
    overlap.LEAST = 1 << 12  # so that these small nets have slices
    ranks = communicator("auto")
    assert ranks is not None
    found = results("auto")
    if ranks.rank == 0:
        np.savez(sys.argv[1], ranks=ranks.size, **found)
    ranks.close()
