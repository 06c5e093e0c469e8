"""scikit-learn's 1,797 handwritten digits of 8×8 pixels, split by class and scaled."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np


@dataclass(frozen=True)
class Digits:
    """x standardised with the training part's figures; images as they came, values 0 to 16."""

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    images_train: np.ndarray
    images_test: np.ndarray


@cache
def digits(seed: int, held_out: float = 0.2) -> Digits:
    """A split that keeps the classes' shares; the same seed gives the same split, read and scaled once."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split
    from sklearn.preprocessing import StandardScaler

    x, y = load_digits(return_X_y=True)
    x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=held_out, stratify=y, random_state=seed)
    scaler = StandardScaler().fit(x_train)
    images = (x.reshape(-1, 8, 8) for x in (x_train, x_test))
    return Digits(scaler.transform(x_train), y_train, scaler.transform(x_test), y_test, *images)
