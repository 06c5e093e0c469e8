"""What a loss of bpnet's makes of the classes: the last activation, and the targets.

scikit-learn's binarizer gives a column for two classes, a column a class for more, and one a label where a sample has
several. A loss that takes class numbers or rows of a distribution needs an output a class, also for two classes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bpnet.nn.losses import CrossEntropy, Loss
from bpnet.sklearn.losses import BinaryLogLoss, LogLoss


@dataclass(frozen=True)
class Head:
    """The end of a classifier's network."""

    last: str
    """The last activation, by scikit-learn's name."""
    outputs: int
    encode: Callable[[np.ndarray], np.ndarray]
    """From the binarizer's columns to what the loss takes."""


def log_loss(several_classes: bool, dtype: str) -> Loss:
    """scikit-learn's loss of a classifier."""
    return LogLoss(dtype=dtype) if several_classes else BinaryLogLoss(dtype=dtype)


def head(loss: Loss, columns: int, kind: str) -> Head:
    """The end that fits the loss, for `columns` of the binarizer and its kind of target.

    ValueError: a loss of exclusive classes for samples of several labels.
    """
    exclusive = loss.targets in ("labels", "one_hot")
    if kind.startswith("multilabel") and exclusive:
        raise ValueError(
            f"loss: {type(loss).__name__} takes one class a sample, but samples of several labels came. "
            "Mend: loss='binary_crossentropy'"
        )
    if loss.targets == "labels":
        last = "softmax" if isinstance(loss, CrossEntropy) else "identity"
        return Head(last, max(columns, 2), _numbers)
    if loss.targets == "one_hot":
        return Head("softmax", max(columns, 2), _both)
    return Head("logistic" if loss.targets == "binary" else "identity", columns, lambda y: y)


def _numbers(y: np.ndarray) -> np.ndarray:
    return y[:, 0].astype(np.int64) if y.shape[1] == 1 else y.argmax(axis=1)


def _both(y: np.ndarray) -> np.ndarray:
    return np.hstack([~y, y]) if y.shape[1] == 1 else y
